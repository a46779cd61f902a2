"""Playing: at its pace, no faster, and never alone. The clock is the test's own, whatever the machine does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.browser import payloads
from tests.browser.conftest import PlayerPage

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

STEP_MS = 900  # one event at 1×
VIEW_SECONDS = 12  # the first view in simulated time at 1×
SPEEDS = (0.25, 0.5, 1, 2, 4, 8)


def clocked(player: Open, payload: payloads.Packed, **more: bool) -> PlayerPage:
    """A player whose timers, frames and `performance.now()` move only when the test says so."""
    p = player(alone=True, **more)
    p.page.clock.install(time=0)
    p.page.clock.pause_at(1_000)
    p.render(payload)
    p.page.clock.run_for(100)
    return p


def play(p: PlayerPage) -> None:
    p.root().locator(".sl-canvas").focus()
    p.page.keyboard.press("k")


@pytest.mark.parametrize("motion", [True, False])
def test_it_plays_one_event_each_900_ms(player: Open, motion: bool):
    """17"""
    p = clocked(player, payloads.linux_small(), motion=motion)
    play(p)
    for i in range(5):
        assert p.state()["i"] == i
        p.page.clock.run_for(STEP_MS - 60)
        assert p.state()["i"] == i, "before its time"
        p.page.clock.run_for(60)
    p.page.clock.run_for(20)
    assert p.state()["i"] == 5


def test_a_slow_page_does_not_let_events_pile_up(player: Open):
    """17: after a pause of the page, play goes on at its pace instead of running after the lost time"""
    p = clocked(player, payloads.linux_small())
    play(p)
    p.page.clock.fast_forward(20_000)
    p.page.clock.run_for(100)
    assert p.state()["i"] <= 2
    p.page.clock.run_for(STEP_MS)
    assert p.state()["i"] <= 3


@pytest.mark.parametrize("speed", [0.5, 2, 8])
def test_a_step_at_another_speed_takes_its_part_of_900_ms(player: Open, speed: float):
    """17"""
    p = clocked(player, payloads.linux_small())
    p.root().get_by_role("combobox", name="Speed").select_option(str(speed))
    play(p)
    p.page.clock.run_for(int(4 * STEP_MS / speed) + 20)
    assert p.state()["i"] == 4


def test_brackets_halve_and_double_the_speed_within_its_bounds(player: Open):
    """18"""
    p = player(payloads.linux_small())
    speed = p.root().get_by_role("combobox", name="Speed")
    assert tuple(float(v) for v in speed.locator("option").evaluate_all("all => all.map(o => o.value)")) == SPEEDS
    for key, wanted in (("]", (2, 4, 8, 8)), ("[", (4, 2, 1, 0.5, 0.25, 0.25)), ("]", (0.5, 1))):
        for value in wanted:
            p.press(key)
            assert p.state()["speed"] == value
            assert float(speed.input_value()) == value


def test_another_speed_or_pace_does_not_wait_for_the_step_that_was_due(player: Open):
    """18"""
    p = clocked(player, payloads.linux_small())
    speed, pace = (p.root().get_by_role("combobox", name=name) for name in ("Speed", "Play by"))
    speed.select_option("0.25")
    play(p)
    p.page.clock.run_for(500)
    assert p.state()["i"] == 0
    speed.select_option("8")
    p.page.clock.run_for(300)
    assert p.state()["i"] >= 2
    speed.select_option("0.25")
    p.page.clock.run_for(100)
    pace.select_option("time")
    t = p.state()["t"]
    p.page.clock.run_for(300)
    assert p.state()["t"] > t


@pytest.mark.parametrize("speed", [1, 4])
def test_simulated_time_moves_evenly(player: Open, speed: int):
    """19"""
    payload = payloads.linux_small()
    p = clocked(player, payload)
    start, stop = payload[0]["first_view"]
    p.root().get_by_role("combobox", name="Play by").select_option("time")
    p.root().get_by_role("combobox", name="Speed").select_option(str(speed))
    play(p)
    p.page.clock.run_for(200)
    times = []
    for _ in range(8):
        times.append(p.state()["t"])
        p.page.clock.run_for(400)
    steps = [b - a for a, b in pairwise(times)]
    per_ms = (stop - start) / (VIEW_SECONDS * 1000) * speed
    assert steps == pytest.approx([per_ms * 400] * 7, rel=0.1)  # a frame is 16 of the 400 ms
    state = p.state()
    at = p.page.evaluate(
        "i => [...document.querySelector('#here .sl').__player.player.trace.at.slice(i, i + 2)]", state["i"]
    )
    assert at[0] <= state["t"] < at[1], "the cursor is the last event at or before the play-head"


def test_pointer_down_on_the_timeline_pauses(player: Open):
    """20"""
    p = player(payloads.linux_small())
    box = p.root().locator(".sl-canvas").bounding_box()
    p.press("k")
    assert p.state()["playing"]
    p.page.mouse.move(box["x"] + 200, box["y"] + 60)
    assert p.state()["playing"]
    p.page.mouse.down()
    assert not p.state()["playing"]
    p.page.mouse.up()
    assert not p.state()["playing"]


def test_plays_name_turns_to_pause_and_back(player: Open):
    """21"""
    p = player(payloads.linux_small())
    group = p.root().get_by_role("group", name="Playback")
    group.get_by_role("button", name="Play", exact=True).click()
    pause = group.get_by_role("button", name="Pause", exact=True)
    assert pause.is_visible()
    assert group.get_by_role("button", name="Play", exact=True).count() == 0
    assert pause.get_attribute("aria-pressed") is None
    assert "Pause" in (pause.get_attribute("title") or "")
    pause.click()
    assert group.get_by_role("button", name="Play", exact=True).is_visible()
    assert not p.state()["playing"]


@pytest.mark.parametrize("pace", ["event", "time"])
def test_reaching_the_end_stops(player: Open, pace: str):
    """22"""
    p = clocked(player, payloads.linux_small())
    p.root().get_by_role("combobox", name="Play by").select_option(pace)
    p.root().get_by_role("combobox", name="Speed").select_option("8")
    last = p.state()["n"] - 1
    p.go(last - 3)
    play(p)
    assert p.state()["playing"]
    p.page.clock.run_for(6_000)
    state = p.state()
    assert (state["i"], state["playing"], state["moving"]) == (last, False, False)
    assert p.root().get_by_role("button", name="Play", exact=True).is_visible()


def test_playing_in_a_hidden_page_stops(player: Open):
    """23"""
    p = player(payloads.linux_small())
    p.press("k")
    p.page.evaluate(
        """() => {
          Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    assert not p.state()["playing"]


def test_a_player_scrolled_out_of_sight_stops_and_draws_when_it_comes_back(player: Open):
    """23: section 12, rule 5"""
    p = player(payloads.linux_small())
    p.page.evaluate("document.body.style.paddingBottom = '4000px'")
    p.press("k")
    p.page.evaluate("scrollTo(0, 3000)")
    p.page.wait_for_function("!document.querySelector('#here .sl').__player.state().playing", timeout=2_000)
    p.page.evaluate("document.querySelector('#here .sl').__player.player.setView(0, 5e6)")
    p.page.evaluate("scrollTo(0, 0)")
    p.page.wait_for_function(
        """() => {
          const c = document.querySelector('#here canvas');
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          return !document.querySelector('#here .sl').__player.app.hiddenPlayer && d.some(v => v);
        }"""
    )
    assert p.errors == []


def test_no_step_asks_python(player: Open):
    """Section 4: playing sends no message; only the cursor's place, at most four times a second"""
    p = player(payloads.linux_small())
    p.root().get_by_role("combobox", name="Speed").select_option("8")
    p.press("k")
    p.page.wait_for_timeout(1_500)
    saves = p.page.evaluate("model.saves")
    assert p.sent == []
    assert p.state()["i"] >= 8
    assert 3 <= saves <= 7
