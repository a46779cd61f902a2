"""Keys and focus: the player takes its own keys while the focus is inside, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import contrast

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

KEYS = (
    *("k", "ArrowRight", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowLeft", "Home", "End", "+", "-", "0", ",", "."),
    *("[", "]", "p", "f", "b", "?", "Escape", "Space", "PageUp", "PageDown", "Enter", "1", "2"),
)
SUPPRESS = "data-lm-suppress-shortcuts"


def whole_state(p: PlayerPage) -> tuple[dict[str, object], bool, str]:
    return p.state(), p.root().locator("dialog[open]").count() > 0, p.root().locator(".sl-say").inner_text()


def test_no_key_acts_while_the_focus_is_outside(player: Open):
    """34"""
    p = player(payloads.linux_small(), motion=False)
    p.go(5)
    before = whole_state(p)
    p.page.locator("#outside").focus()
    for key in KEYS:
        p.page.keyboard.press(key)
    assert whole_state(p) == before
    p.page.evaluate("document.activeElement.blur()")
    for key in KEYS:
        p.page.keyboard.press(key)
    assert whole_state(p) == before


@pytest.mark.parametrize("with_key", ["Control", "Alt", "Meta"])
def test_combinations_with_ctrl_alt_or_command_pass(player: Open, with_key: str):
    """35"""
    p = player(payloads.linux_small(), motion=False)
    p.go(5)
    before = whole_state(p)
    p.page.evaluate(
        """() => {
          window.passed = [];
          window.addEventListener('keydown', e => {
            if (['Control', 'Alt', 'Meta', 'Shift'].includes(e.key)) return;
            window.passed.push([e.key, e.defaultPrevented]);
            e.preventDefault();
          });
        }"""
    )
    keys = [key for key in KEYS if key not in ("Shift+ArrowRight", "Shift+ArrowLeft")]
    p.press()
    # dispatched, since the browser itself takes some of them (Ctrl + 0, Alt + Left) before the page
    for key in keys:
        p.page.evaluate(
            """([key, held]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
              { key: key === 'Space' ? ' ' : key, bubbles: true, cancelable: true, [held]: true }))""",
            [key, {"Control": "ctrlKey", "Alt": "altKey", "Meta": "metaKey"}[with_key]],
        )
    assert whole_state(p) == before
    passed = p.page.evaluate("window.passed")
    assert len(passed) == len(keys), "some did not reach the window"
    assert not any(prevented for _, prevented in passed)


def test_a_key_that_the_player_handles_goes_no_further_and_others_do(player: Open):
    """35: and 36, in a bare page: what is handled stops at the root"""
    p = player(payloads.linux_small(), motion=False)
    p.page.evaluate(
        "() => { window.seen = []; window.addEventListener('keydown', e => window.seen.push(e.key.toLowerCase())); }"
    )
    p.press("ArrowRight", "k", "Escape", "a", "d", "q")
    assert p.page.evaluate("window.seen") == ["a", "d", "q"]


@pytest.mark.parametrize("state", ["plain", "asked", "dialog"])
def test_what_has_the_focus_tells_jupyterlab_to_leave_its_keys(player: Open, state: str):
    """36: JupyterLab looks for the attribute from the focused element upward, and its own selector matches any focused
    element first, so the element itself must carry it"""
    p = player(payloads.linux_small(), motion=False)
    assert p.root().get_attribute(SUPPRESS) == "true"
    if state == "asked":
        p.press("p", "ArrowRight", "ArrowRight")
    if state == "dialog":
        p.press("?")
    p.page.locator("#outside").focus()
    if state == "dialog":
        p.page.keyboard.press("Tab")
    carried = []
    for _ in range(30):
        p.page.keyboard.press("Tab")
        within, has, what = p.page.evaluate(
            """a => {
              const e = document.activeElement, root = document.querySelector('#here .sl');
              return [root.contains(e), e.hasAttribute(a), e.outerHTML.slice(0, 80)];
            }""",
            SUPPRESS,
        )
        if within:
            carried.append((has, what))
    assert len(carried) >= (2 if state == "dialog" else 15)
    assert [what for has, what in carried if not has] == []


ORDER = [
    *("Predict", "Fork here", "Keys"),
    "Position in the trace",
    *("To the start", "Previous decision", "Step back", "Play", "Step", "Next decision", "To the end"),
    *("Speed", "Play by"),
    *("Zoom out", "Whole trace", "Zoom in"),
]
NAME = """() => {
  const e = document.activeElement;
  if (!document.querySelector('#here .sl').contains(e)) return null;
  return e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent.trim();
}"""


def tabbed(p: PlayerPage, key: str = "Tab", most: int = 60) -> list[str]:
    """The names of what takes the focus in turn, from the first element inside until the focus leaves."""
    names: list[str] = []
    for _ in range(most):
        p.page.keyboard.press(key)
        name = p.page.evaluate(NAME)
        if name is None:
            if names:
                return names
        else:
            names.append(name)
    pytest.fail(f"the focus never left the player: {names}")


def test_tab_goes_in_reading_order_and_is_never_trapped(player: Open):
    """37"""
    p = player(payloads.linux_small(), motion=False)
    p.go(5)
    p.page.locator("#outside").focus()
    forth = tabbed(p)
    assert forth[: len(ORDER)] == ORDER
    panels = forth[len(ORDER) :]
    assert panels, "the scrolling panels cannot be reached"
    back = tabbed(p, "Shift+Tab")
    assert back == forth[::-1]


def test_tab_goes_through_a_question_between_zoom_and_panels(player: Open):
    """37"""
    p = player(payloads.linux_small(), motion=False)
    p.press("p", "ArrowRight", "ArrowRight", "1")
    p.page.locator("#outside").focus()
    names = tabbed(p)
    zoom = names.index("Zoom in")
    assert names.index("Reveal") > zoom
    assert names[names.index("Reveal") + 1] == "Skip"
    assert names.index("Reveal") == zoom + 2, "one radio of the group takes the Tab"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_focusable_element_shows_a_ring_of_3_to_1(player: Open, theme: str):
    """38"""
    p = player(payloads.linux_small(), motion=False, theme=theme)
    p.go(2)
    p.press("p", "ArrowRight", "1")
    assert p.root().get_by_role("button", name="Reveal").count() == 1
    p.page.locator("#outside").focus()
    rings: list[tuple[str, str, float, str, str]] = []
    for _ in range(60):
        p.page.keyboard.press("Tab")
        ring = p.page.evaluate(
            """() => {
              const e = document.activeElement, root = document.querySelector('#here .sl');
              if (!root.contains(e)) return null;
              const css = getComputedStyle(e), name = e.getAttribute('aria-label') || e.textContent.trim() || e.type;
              const ground = getComputedStyle(root).backgroundColor;
              return [name, css.outlineStyle, parseFloat(css.outlineWidth), css.outlineColor, ground];
            }"""
        )
        if ring is None and rings:
            break
        if ring:
            rings.append(ring)
    assert len(rings) >= 15
    weak = [
        (name, kind, width, colour)
        for name, kind, width, colour, ground in rings
        if kind != "solid" or width < 2 or contrast(colour, ground) < 3
    ]
    assert weak == []


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_enter_and_space_on_a_button_act_once(player: Open, key: str):
    """39"""
    p = player(payloads.linux_small(), motion=False)
    p.root().get_by_role("button", name="Step", exact=True).focus()
    p.page.keyboard.press(key)
    assert p.state()["i"] == 1
    p.page.keyboard.press(key)
    assert p.state()["i"] == 2
    play = p.root().get_by_role("button", name="Play", exact=True)
    play.focus()
    p.page.keyboard.press(key)
    assert p.state()["playing"]
    p.page.keyboard.press(key)
    assert not p.state()["playing"]
    predict = p.root().get_by_role("button", name="Predict")
    predict.focus()
    p.page.keyboard.press(key)
    assert p.state()["predict"]["on"]


@pytest.mark.parametrize("how", ["key", "button"])
@pytest.mark.parametrize("closing", ["Escape", "Close"])
def test_the_keys_dialog_opens_closes_and_returns_the_focus(player: Open, how: str, closing: str):
    """40"""
    p = player(payloads.linux_small(), motion=False)
    opener = p.root().locator(".sl-canvas") if how == "key" else p.root().get_by_role("button", name="Keys")
    opener.focus()
    p.page.keyboard.press("?" if how == "key" else "Enter")
    dialog = p.root().get_by_role("dialog")
    assert dialog.is_visible()
    assert p.page.evaluate("document.querySelector('#here dialog').contains(document.activeElement)")
    before = p.state()["i"]
    p.page.keyboard.press("ArrowRight")
    assert p.state()["i"] == before
    if closing == "Escape":
        p.page.keyboard.press("Escape")
    else:
        dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()
    assert opener.evaluate("e => e === document.activeElement")
    assert p.root().locator(".sl-canvas").count() == 1


def test_the_dialog_names_every_key(player: Open):
    """40: what the dialog says is what section 2 lists"""
    p = player(payloads.linux_small())
    p.press("?")
    keys = " ".join(p.root().locator("dialog kbd").all_inner_texts())
    for key in (
        "K",
        "←",
        "→",
        "Shift",
        "Home",
        "End",
        "PageUp",
        "PageDown",
        "↑",
        "↓",
        "Enter",
        "+",
        "−",
        "0",
        ",",
        ".",
    ):
        assert key in keys
    for key in ("[", "]", "P", "1", "9", "F", "B", "Esc", "?"):
        assert key in keys


def test_arrows_choose_a_lane_and_enter_reads_it(player: Open):
    """Section 2: ↑ ↓ on the timeline choose a lane, Enter reads its present bar"""
    p = player(payloads.linux_small(), motion=False)
    p.go(3)
    p.press("ArrowDown", "ArrowDown", "Enter")
    assert "hog0" in p.live()
    p.press("PageDown")
    assert p.state()["i"] == 13
    p.press("PageUp")
    assert p.state()["i"] == 3
    p.press("Space")
    assert p.state()["playing"]


@pytest.mark.parametrize(
    "where",
    [".sl-head h2", ".sl-head .from", ".sl-say .what", ".sl-panel h3", ".sl-bar .where", ".sl-gutter, .laneName"],
)
def test_a_click_on_what_is_no_control_gives_the_keys_to_the_player(player: Open, where: str):
    p = player(payloads.linux_small(), motion=False)
    p.page.locator("#outside").focus()
    p.root().locator(where).first.click(position={"x": 3, "y": 3})
    assert p.page.evaluate("document.activeElement.className") == "sl-canvas"
    p.page.keyboard.press("ArrowRight")
    assert p.state()["i"] == 1


def test_a_click_on_a_control_keeps_the_focus_and_a_selection_of_text_stands(player: Open):
    p = player(payloads.linux_small(), motion=False)
    p.root().get_by_role("button", name="Step", exact=True).click()
    assert p.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Step"
    p.page.locator("#outside").focus()
    p.root().locator(".sl-say .what").dblclick(position={"x": 30, "y": 10})
    chosen = p.page.evaluate("getSelection().toString()").strip()
    assert chosen
    assert chosen in p.root().locator(".sl-say .what").inner_text()
