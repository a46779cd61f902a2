"""The player as it opens: still, quick, quiet, and gone without a trace when it is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schedlab.views.payload import DECISION, unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import HELD, WATCH, colours_drawn, picture

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

FAMILIES: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
}
PAINT_MS = 1_000
A, B, INFO = payloads.compare()


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


@pytest.mark.parametrize("doing", ["nothing", "playing", "gliding", "predicting", "comparing"])
def test_cleanup_leaves_no_listener_observer_or_frame(player: Open, doing: str):
    """6"""
    p = player()
    p.page.evaluate(WATCH)
    p.render(A)
    p.page.wait_for_timeout(100)
    assert p.page.evaluate(HELD)["observers"], "nothing was counted, so this shows nothing"
    if doing == "playing":
        p.press("k")
    elif doing == "gliding":
        p.press("ArrowRight", "ArrowRight", "End")
    elif doing == "predicting":
        p.press("p", "ArrowRight", "ArrowRight", "ArrowRight")
    elif doing == "comparing":
        fork(p)
    p.page.evaluate("cleanup()")
    held = p.page.evaluate(HELD)
    assert held == {"listeners": [], "observers": [], "frames": [], "timers": []}
    assert p.page.evaluate("Object.values(model.heard).flat().length") == 0
    assert p.page.evaluate("document.getElementById('here').childElementCount") == 0
    p.page.wait_for_timeout(100)
    assert p.errors == []


def fork(p: PlayerPage) -> None:
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.give_b(B, p.sent[-1]["n"], INFO)
    assert p.state()["compare"]


def test_what_is_done_again_and_again_holds_no_more_than_once(player: Open):
    """6: a comparison that is closed, steps, questions to Python"""
    undo = (
        "(({ sub, scope }) => [sub, scope].map(s => s.undo.length))(document.querySelector('#here .sl').__player.app)"
    )
    p = player(motion=False)
    p.page.evaluate(WATCH)
    p.render(A)
    p.page.wait_for_timeout(100)
    before = p.page.evaluate(HELD)["observers"], p.page.evaluate(undo)
    for _ in range(2):
        fork(p)
        assert len(p.page.evaluate(HELD)["observers"]) > len(before[0])
        p.press("ArrowRight")
        p.page.wait_for_timeout(300)  # Python is told of the cursor
        p.root().get_by_role("button", name="Close", exact=True).click()
    assert (p.page.evaluate(HELD)["observers"], p.page.evaluate(undo)) == before
