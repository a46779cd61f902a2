"""A bare page with the module as shipped and a fake model: what every test of the player stands on.

    def test_something(player):
        p = player(payloads.linux_small())          # opens a page of 1000 x 900 and renders
        p.go(12); p.state()["i"] == 12              # by the hook on the root element
        p.page.keyboard.press("ArrowRight")         # or as a user
        p.model["cursor"]                           # what Python would hold
        p.sent                                      # messages to Python
        p.receive({"goto": 3})                      # a message from Python

One browser serves the session; each player has its own context, which records every request and every error.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright import sync_api

from schedlab.widgets.bundle import css_text, module_text
from tests.browser.lab import jupyter, lab, notebook7
from tests.browser.server import OPTIONS
from tests.conftest import need

__all__ = ["chromium", "jupyter", "lab", "notebook7", "pages", "player"]  # the fixtures of tests/browser

PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>bare page</title>
<style>
html {{ background: {back}; color-scheme: {theme}; }} body {{ margin: 0; padding: 20px; background: {back}; }}
{css}
</style></head><body>
<main><h1 style="font-size: 12px; margin: 0; color: #777">page</h1><button id="outside">outside</button>
<div id="here"></div></main>
</body></html>"""

# The fake model: five methods and what was said through them.
MODEL = """
window.makeModel = (state, live) => {
  const heard = {};
  const tell = (name, ...args) => (heard[name] || []).slice().forEach(f => f(...args));
  const model = {
    state, sent: [], saves: 0, heard, tell,
    get: k => state[k],
    set: (k, v) => { const old = state[k]; state[k] = v; if (old !== v) tell('change:' + k); },
    save_changes: () => { model.saves++; },
    on: (name, f) => { (heard[name] ??= []).push(f); },
    off: (name, f) => { heard[name] = (heard[name] || []).filter(g => g !== f); },
  };
  if (live) model.send = m => { if (model.dead) throw new Error('dead'); model.sent.push(m); };
  return model;
};
window.bytesOf = (text, shift = 0) => {
  const raw = atob(text), buffer = new ArrayBuffer(raw.length + shift), view = new Uint8Array(buffer, shift);
  for (let i = 0; i < raw.length; i++) view[i] = raw.charCodeAt(i);
  return new DataView(buffer, shift, raw.length);
};
"""


class PlayerPage:
    """One page with one player (or more: `again`) in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._listening = {
            "pageerror": lambda e: self.errors.append(str(e)),
            "console": lambda m: self.errors.append(m.text) if m.type == "error" else None,
            "request": lambda r: self.requests.append(r.url),
        }
        for event, listener in self._listening.items():
            page.on(event, listener)

    def leave(self) -> None:
        """Lets go of the page, which another test may take."""
        for event, listener in self._listening.items():
            self.page.remove_listener(event, listener)

    def open(self, theme: str = "light") -> None:
        """The bare page and the module, nothing rendered yet."""
        back = {"light": "#ffffff", "dark": "#111111"}[theme]
        self.page.set_content(PAGE.format(css=css_text(), theme=theme, back=back))
        self.page.evaluate(MODEL)
        self.page.evaluate(
            """async text => {
              const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
              window.module = await import(url);
              URL.revokeObjectURL(url);
            }""",
            module_text(),
        )
        self.requests = [r for r in self.requests if not r.startswith("blob:")]

    def render(
        self,
        payload: tuple[dict[str, Any], bytes],
        *,
        live: bool = True,
        shift: int = 0,
        cut: int | None = None,
        **state: Any,
    ) -> None:
        """Renders a player from a payload into #here.

        `live`: the model can send; `shift`: the DataView's offset; `cut`: only so many bytes arrive.
        """
        head, columns = payload
        self.page.evaluate(
            """([head, text, live, shift, state]) => {
              window.model = makeModel({ head: JSON.parse(head), columns: bytesOf(text, shift), cursor: 0, answers: [],
                still: false, marks: {}, text: 'the text form', ...state }, live);
              window.t0 = performance.now();
              window.cleanup = module.default.render({ model, el: document.getElementById('here') });
              window.rendered = performance.now() - t0;
            }""",
            [json.dumps(head), base64.b64encode(columns[:cut]).decode(), live, shift, state],
        )

    def again(self) -> None:
        """A second view of the same model, in #here2."""
        self.page.evaluate(
            """() => {
              const el = document.createElement('div');
              el.id = 'here2';
              document.querySelector('main').append(el);
              window.cleanup2 = module.default.render({ model, el });
            }"""
        )

    def give_b(self, payload: tuple[dict[str, Any], bytes], n: int, info: dict[str, Any]) -> None:
        """Python's answer to a fork: trace B, then the message that it is there."""
        head, columns = payload
        self.page.evaluate(
            """([head, text, n, info]) => {
              model.set('head_b', JSON.parse(head));
              model.set('columns_b', bytesOf(text));
              model.tell('msg:custom', { n, forked: info }, []);
            }""",
            [json.dumps(head), base64.b64encode(columns).decode(), n, info],
        )

    def receive(self, message: dict[str, Any]) -> None:
        """A custom message from Python."""
        self.page.evaluate("m => model.tell('msg:custom', m, [])", message)

    @property
    def model(self) -> dict[str, Any]:
        """The state that Python would hold (without the big traits)."""
        got: dict[str, Any] = self.page.evaluate(
            "() => Object.fromEntries(Object.entries(model.state).filter(([k]) => !/^(head|columns)/.test(k)))"
        )
        return got

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Messages to Python so far."""
        got: list[dict[str, Any]] = self.page.evaluate("model.sent")
        return got

    def root(self) -> Any:
        """The player's root element."""
        return self.page.locator("#here > .sl")

    def go(self, event: int) -> None:
        """The cursor to `event`, at once."""
        self.page.evaluate("i => document.querySelector('#here .sl').__player.go(i)", event)

    def state(self) -> dict[str, Any]:
        """Cursor, view, predict and the rest, from the hook on the root."""
        got: dict[str, Any] = self.page.evaluate("document.querySelector('#here .sl').__player.state()")
        return got

    def settle(self) -> None:
        """Waits until nothing glides."""
        self.page.wait_for_function("!document.querySelector('#here .sl').__player.state().moving")
        self.page.wait_for_timeout(350)

    def press(self, *keys: str) -> None:
        """Keys while the timeline has the focus."""
        self.page.locator("#here .sl-canvas").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def say(self) -> str:
        """The sentence as it stands on the screen."""
        text: str = self.page.evaluate(
            """() => {
              const what = document.querySelector('#here .sl-say .what').cloneNode(true);
              what.querySelectorAll('small, .tok').forEach(e => e.remove());
              return what.textContent.replace(/ +/g, ' ').trim();
            }"""
        )
        return text

    def live(self) -> str:
        """What the live region holds."""
        text: str = self.page.locator("#here [role=status].sr").inner_text()
        return text


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The one browser of the run, which workers share (see conftest.py at the root)."""
    path, url = need("chromium"), getattr(request.config, "workerinput", {}).get("browser")
    with sync_api.sync_playwright() as p:
        browser = p.chromium.connect(url) if url else p.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(chromium: Any) -> Iterator[dict[bool, list[Any]]]:
    """Pages that wait for their next test, with touch and without: a new one costs ten times a cleaned one."""
    waiting: dict[bool, list[Any]] = {True: [], False: []}
    yield waiting
    for page in [*waiting[True], *waiting[False]]:
        page.context.close()


@pytest.fixture
def player(chromium: Any, pages: dict[bool, list[Any]]) -> Iterator[Callable[..., PlayerPage]]:
    """Opens players: `player(payload, width=1000, height=900, theme="light", motion=True, **traits)`.

    `alone`: in a context of its own, for tests that change more than the page's document (its clock, its routes).
    """
    taken: list[tuple[PlayerPage, bool, bool]] = []

    def open_(
        payload: tuple[dict[str, Any], bytes] | None = None,
        *,
        width: int = 1000,
        height: int = 900,
        theme: str = "light",
        motion: bool = True,
        forced: bool = False,
        touch: bool = False,
        alone: bool = False,
        **more: Any,
    ) -> PlayerPage:
        free = [] if alone else pages[touch]
        page = free.pop() if free else chromium.new_context(has_touch=touch).new_page()
        page.goto("about:blank")
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": width + 40, "height": height})
        page.emulate_media(
            color_scheme=theme,
            reduced_motion="no-preference" if motion else "reduce",
            forced_colors="active" if forced else "none",
        )
        it = PlayerPage(page)
        taken.append((it, touch, alone))
        it.open(theme)
        if payload is not None:
            it.render(payload, **more)
        return it

    yield open_
    for it, touch, alone in taken:
        it.leave()
        if alone:
            it.page.context.close()
        else:
            pages[touch].append(it.page)
