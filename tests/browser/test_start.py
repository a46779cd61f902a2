"""The player as it opens: still, quick, quiet, and gone without a trace when it is closed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest

from schedlab.views.payload import DECISION, unpack
from schedlab.widgets.bundle import module_text
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import colours_drawn, picture

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

FAMILIES: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
}
MODULE_KB = 60  # gzipped
PAINT_MS = 1_000


def test_it_opens_paused_at_the_first_event(player: Open):
    """1"""
    p = player(payloads.linux_small())
    slider = p.root().get_by_role("slider")
    state = p.state()
    assert (state["i"], state["playing"]) == (0, False)
    assert slider.get_attribute("aria-valuenow") == "1"
    assert p.root().get_by_role("button", name="Play", exact=True).is_visible()


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_moves_in_two_seconds_untouched(player: Open, family: str):
    """2"""
    p = player(FAMILIES[family]())
    p.page.wait_for_timeout(300)
    p.page.evaluate(
        """() => {
          window.frames_ = 0;
          const ask = window.requestAnimationFrame;
          window.requestAnimationFrame = f => { window.frames_++; return ask(f); };
        }"""
    )
    before, seen = picture(p.root()), p.root().screenshot()
    p.page.wait_for_timeout(2_000)
    assert p.page.evaluate("window.frames_") == 0
    assert picture(p.root()) == before
    assert p.root().screenshot() == seen


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_picture_stands_within_a_second(player: Open, family: str):
    """3"""
    p = player()
    p.render(FAMILIES[family]())
    ms = p.page.evaluate(
        """async () => {
          const canvas = document.querySelector('#here canvas');
          const drawn = () => canvas.width > 1 &&
            canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v);
          while (!drawn()) await new Promise(requestAnimationFrame);
          return performance.now() - t0;
        }"""
    )
    assert ms < PAINT_MS
    assert colours_drawn(p.root().locator("canvas").first) > 2


@pytest.mark.parametrize("family", FAMILIES)
def test_no_address_is_asked_for_whatever_is_done(player: Open, family: str):
    """4"""
    p = player(FAMILIES[family]())
    p.press("ArrowRight", "End", "Home", "k", "Escape", "+", "0", "?", "Escape")
    p.page.wait_for_timeout(200)
    assert p.requests == []
    assert p.errors == []


def test_the_module_holds_nothing_that_could_ask_store_or_inject():
    """Section 12, rule 6: no imports, no eval, no innerHTML, no network, no storage, at most 60 kB gzipped."""
    text = re.sub(r"/\*.*?\*/|(?<![:'\"`])//[^\n]*", "", module_text(), flags=re.DOTALL)
    found = re.findall(
        r"^\s*import\b|\bimport\s*\(|\beval\b|\bFunction\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bfetch\(|XMLHttpRequest"
        r"|WebSocket|EventSource|sendBeacon|localStorage|sessionStorage|indexedDB|document\.cookie",
        text,
        re.MULTILINE,
    )
    assert found == []
    assert len(gzip.compress(module_text().encode(), 9)) <= MODULE_KB * 1000


@pytest.mark.parametrize("payload", [payloads.linux_small, payloads.go_small, lambda: payloads.segments(10_000)])
def test_at_most_twelve_decisions_stand_in_the_first_view(player: Open, payload: Callable[[], payloads.Packed]):
    """5"""
    head, columns = payload()
    p = player((head, columns))
    start, stop = p.state()["view"]
    data = unpack(head, columns)
    seen = [t for t, flags in zip(data["events.at"], data["events.flags"]) if flags & DECISION and start <= t <= stop]
    assert start == 0
    assert 1 <= len(seen) <= 12


WATCH = """() => {
  const held = window.held = { listeners: new Set(), observers: new Set(), frames: new Set(), timers: new Set() };
  const add = EventTarget.prototype.addEventListener, remove = EventTarget.prototype.removeEventListener;
  const ids = new WeakMap(); let next = 0;
  const id = o => { if (!ids.has(o)) ids.set(o, ++next); return ids.get(o); };
  // what the player hangs on its own elements goes with them
  const outside = t => !(t instanceof Node) || !document.getElementById('here').contains(t) || t.id === 'here';
  const inside = t => t instanceof Node && (!t.isConnected && t !== document);
  const key = (t, type, f, o) => `${id(t)} ${t.constructor.name} ${type} ${id(f)} ${!!(o?.capture ?? o)}`;
  EventTarget.prototype.addEventListener = function (type, f, o) {
    if (f && outside(this) && !inside(this)) held.listeners.add(key(this, type, f, o));
    return add.call(this, type, f, o);
  };
  EventTarget.prototype.removeEventListener = function (type, f, o) {
    if (f) held.listeners.delete(key(this, type, f, o));
    return remove.call(this, type, f, o);
  };
  for (const name of ['ResizeObserver', 'IntersectionObserver', 'MutationObserver']) {
    const Real = window[name];
    window[name] = class extends Real {
      observe(...a) { held.observers.add(this); return super.observe(...a); }
      disconnect() { held.observers.delete(this); return super.disconnect(); }
    };
  }
  const raf = requestAnimationFrame, stop = cancelAnimationFrame;
  window.requestAnimationFrame = f => {
    const n = raf(t => { held.frames.delete(n); f(t); });
    held.frames.add(n);
    return n;
  };
  window.cancelAnimationFrame = n => { held.frames.delete(n); stop(n); };
  const later = setTimeout, clear = clearTimeout;
  window.setTimeout = (f, ms) => {
    const n = later(() => { held.timers.delete(n); f(); }, ms);
    held.timers.add(n);
    return n;
  };
  window.clearTimeout = n => { held.timers.delete(n); clear(n); };
}"""
HELD = "() => Object.fromEntries(Object.entries(held).map(([k, v]) => [k, [...v].map(String)]))"


@pytest.mark.parametrize("doing", ["nothing", "playing", "gliding", "predicting", "comparing"])
def test_cleanup_leaves_no_listener_observer_or_frame(player: Open, doing: str):
    """6"""
    p = player()
    p.page.evaluate(WATCH)
    p.render(payloads.linux_small())
    p.page.wait_for_timeout(100)
    assert p.page.evaluate(HELD)["observers"], "nothing was counted, so this shows nothing"
    if doing == "playing":
        p.press("k")
    elif doing == "gliding":
        p.press("ArrowRight", "ArrowRight", "End")
    elif doing == "predicting":
        p.press("p", "ArrowRight", "ArrowRight", "ArrowRight")
    elif doing == "comparing":
        a, b, info = payloads.compare()
        p.page.evaluate("cleanup(); ")
        p.render(a)
        p.press("f")
        p.root().get_by_role("button", name="Run", exact=True).click()
        p.give_b(b, p.sent[-1]["n"], info)
    p.page.evaluate("cleanup()")
    held = p.page.evaluate(HELD)
    assert held == {"listeners": [], "observers": [], "frames": [], "timers": []}
    assert p.page.evaluate("Object.values(model.heard).flat().length") == 0
    assert p.page.evaluate("document.getElementById('here').childElementCount") == 0
    p.page.wait_for_timeout(100)
    assert p.errors == []
