"""The view: wheel, fingers, drags and keys move it; the page keeps what is the page's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schedlab.views.payload import unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]
Box = dict[str, float]

LANE = 28 + 6 + 18  # px from the top of the timeline to the middle of the first CPU's lane: axis, margin, half a lane


def timeline(p: PlayerPage) -> Box:
    box = p.root().locator(".sl-canvas").bounding_box()
    assert box is not None
    return box


def time_at(p: PlayerPage, x: float) -> float:
    """The time under a page coordinate, in ns."""
    box, (start, stop) = timeline(p), p.state()["view"]
    return start + (x - box["x"]) / box["width"] * (stop - start)


def head_x(p: PlayerPage) -> float:
    """Where the play-head stands, in px from the timeline's left edge."""
    return p.root().evaluate(
        """root => {
          const line = root.querySelector('.sl-head-line').getBoundingClientRect();
          return (line.left + line.right) / 2 - root.querySelector('.sl-canvas').getBoundingClientRect().left;
        }"""
    )


def px(p: PlayerPage) -> float:
    """One pixel in ns."""
    start, stop = p.state()["view"]
    return (stop - start) / timeline(p)["width"]


def test_a_plain_wheel_scrolls_the_page(player: Open):
    """24"""
    p = player(payloads.linux_small(), height=500)
    p.page.evaluate("document.body.style.paddingBottom = '2000px'")
    view, box = p.state()["view"], timeline(p)
    p.page.mouse.move(box["x"] + 300, box["y"] + LANE)
    p.page.mouse.wheel(0, 200)
    p.page.wait_for_function("() => scrollY > 100")
    assert p.state()["view"] == view


def test_ctrl_and_wheel_keeps_the_time_under_the_pointer(player: Open):
    """25"""
    p = player(payloads.linux_small())
    p.go(10)
    p.settle()
    box = timeline(p)
    x = box["x"] + box["width"] * 0.6
    p.page.mouse.move(x, box["y"] + LANE)
    for turn, grows in ((-100, False), (-100, False), (50, True)):
        there, before = time_at(p, x), p.state()["view"]
        p.page.keyboard.down("Control")
        p.page.mouse.wheel(0, turn)
        p.page.keyboard.up("Control")
        p.page.wait_for_function(
            "v => document.querySelector('#here .sl').__player.state().view.join() !== v",
            arg=",".join(map(str, before)),
        )
        after = p.state()["view"]
        assert time_at(p, x) == pytest.approx(there, abs=px(p))
        assert (after[1] - after[0] > before[1] - before[0]) == grows
    assert p.page.evaluate("[scrollY, visualViewport.scale].join()") == "0,1"


@pytest.mark.parametrize("how", ["sideways", "shift"])
def test_a_sideways_wheel_pans(player: Open, how: str):
    """26"""
    p = player(payloads.linux_small())
    box, before = timeline(p), p.state()["view"]
    one = px(p)
    p.page.mouse.move(box["x"] + 300, box["y"] + LANE)
    if how == "shift":
        p.page.keyboard.down("Shift")
    p.page.mouse.wheel(*((120, 0) if how == "sideways" else (0, 120)))
    if how == "shift":
        p.page.keyboard.up("Shift")
    p.page.wait_for_function("() => document.querySelector('#here .sl').__player.state().view[0] > 0")
    after = p.state()["view"]
    assert after[0] - before[0] == pytest.approx(120 * one, rel=0.02)
    assert after[1] - after[0] == pytest.approx(before[1] - before[0])
    assert p.page.evaluate("scrollX") == 0


def test_a_pinch_zooms_between_the_fingers(player: Open):
    """27"""
    p = player(payloads.linux_small(), touch=True)
    box, before = timeline(p), p.state()["view"]
    y = box["y"] + LANE
    cdp = p.page.context.new_cdp_session(p.page)

    def fingers(kind: str, *xs: float) -> None:
        points = [{"x": box["x"] + x, "y": y, "id": k} for k, x in enumerate(xs)]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    mid = time_at(p, box["x"] + 400)
    fingers("touchStart", 350)
    fingers("touchStart", 350, 450)
    for k in range(1, 11):
        fingers("touchMove", 350 - 5 * k, 450 + 5 * k)
    fingers("touchEnd")
    p.page.wait_for_timeout(50)
    after = p.state()["view"]
    assert after[1] - after[0] == pytest.approx((before[1] - before[0]) / 2, rel=0.05)
    assert time_at(p, box["x"] + 400) == pytest.approx(mid, abs=6 * px(p))
    assert p.page.evaluate("visualViewport.scale") == 1


def test_one_vertical_finger_scrolls_the_page(player: Open):
    """27: the timeline leaves up and down to the page"""
    p = player(payloads.linux_small(), touch=True)
    actions = p.root().evaluate(
        "root => [...root.querySelectorAll('.sl-stage, .sl-canvas')].map(e => getComputedStyle(e).touchAction)"
    )
    assert "pan-y" in actions
    assert "none" not in actions


def test_a_drag_scrubs(player: Open):
    """28"""
    payload = payloads.linux_small()
    at = unpack(*payload)["events.at"]
    p = player(payload)
    box, view = timeline(p), p.state()["view"]
    p.page.mouse.move(box["x"] + 100, box["y"] + LANE)
    p.page.mouse.down()
    for x in (140.0, 333.0, 500.0, 250.0):
        p.page.mouse.move(box["x"] + x, box["y"] + LANE)
        there = time_at(p, box["x"] + x)
        state = p.state()
        assert state["t"] == pytest.approx(there, abs=px(p))
        assert head_x(p) == pytest.approx(x, abs=1.5)
        assert state["i"] == max(k for k, t in enumerate(at) if t <= state["t"])
    p.page.mouse.up()
    assert p.state()["view"] == view


@pytest.mark.parametrize("how", ["alt", "middle"])
def test_alt_and_drag_pans(player: Open, how: str):
    """28"""
    p = player(payloads.linux_small())
    p.page.evaluate("document.querySelector('#here .sl').__player.player.setView(2e7, 5e7)")
    box, cursor = timeline(p), p.state()["i"]
    under = time_at(p, box["x"] + 400)
    if how == "alt":
        p.page.keyboard.down("Alt")
    p.page.mouse.move(box["x"] + 400, box["y"] + LANE)
    p.page.mouse.down(button="middle" if how == "middle" else "left")
    p.page.mouse.move(box["x"] + 460, box["y"] + LANE, steps=3)
    p.page.mouse.up(button="middle" if how == "middle" else "left")
    p.page.keyboard.up("Alt")
    assert time_at(p, box["x"] + 460) == pytest.approx(under, abs=px(p))
    start, stop = p.state()["view"]
    assert stop - start == pytest.approx(3e7)
    assert p.state()["i"] == cursor


def test_the_overviews_window_drags_and_its_handles_zoom(player: Open):
    """29"""
    payload = payloads.linux_small()
    end = payload[0]["end"]
    p = player(payload)
    p.page.evaluate("e => document.querySelector('#here .sl').__player.player.setView(e * 0.3, e * 0.5)", end)
    box = p.root().locator(".sl-over").bounding_box()
    y = box["y"] + box["height"] / 2

    def drag(start: float, stop: float) -> list[float]:
        """From one part of the whole trace to another."""
        p.page.mouse.move(box["x"] + box["width"] * start, y)
        p.page.mouse.down()
        p.page.mouse.move(box["x"] + box["width"] * stop, y, steps=4)
        p.page.mouse.up()
        return [t / end for t in p.state()["view"]]

    assert drag(0.4, 0.6) == pytest.approx([0.5, 0.7], abs=0.01)
    assert drag(0.7, 0.9) == pytest.approx([0.5, 0.9], abs=0.01)
    assert drag(0.5, 0.8) == pytest.approx([0.8, 0.9], abs=0.01)
    assert drag(0.85, 0.0) == pytest.approx([0.0, 0.1], abs=0.01), "it stops at the edge"
    p.page.mouse.click(box["x"] + box["width"] * 0.6, y)
    p.settle()
    assert [t / end for t in p.state()["view"]] == pytest.approx([0.55, 0.65], abs=0.01)
    assert p.state()["t"] / end == pytest.approx(0.6, abs=0.01)


def test_0_shows_all_and_zoom_stops_at_40_ticks(player: Open):
    """30"""
    payload = payloads.linux_small()
    p = player(payload, motion=False)
    p.press("0")
    assert p.state()["view"] == [0, payload[0]["end"]]
    p.press("-")
    assert p.state()["view"] == [0, payload[0]["end"]], "there is no more than all"
    for _ in range(60):
        p.press("+")
    start, stop = p.state()["view"]
    # 40 ticks of 1 ns, or what doubles still tell apart on a long trace
    assert stop - start == pytest.approx(max(40 * payload[0]["tick_ns"], payload[0]["end"] / 2e6))
    for name, key in (("Zoom out", "-"), ("Zoom in", "+"), ("Whole trace", "0")):
        view = p.state()["view"]
        p.root().get_by_role("button", name=name).click()
        clicked = p.state()["view"]
        p.page.evaluate("v => document.querySelector('#here .sl').__player.player.setView(...v)", view)
        p.press(key)
        assert p.state()["view"] == pytest.approx(clicked)


@pytest.mark.parametrize("motion", [True, False])
def test_stepping_out_of_view_brings_the_play_head_back(player: Open, motion: bool):
    """31"""
    p = player(payloads.linux_small(), motion=motion)
    width = timeline(p)["width"]
    if motion:
        p.go(9)  # near the view's edge: each glide takes its time
        p.settle()
    pages = 0
    for _ in range(9 if motion else 50):
        view = p.state()["view"]
        p.press("ArrowRight")
        if motion:
            p.page.wait_for_function("!document.querySelector('#here .sl').__player.state().moving")
        assert 0 <= head_x(p) <= width
        if p.state()["view"] != view:
            pages += 1
            assert head_x(p) == pytest.approx(0.25 * width, abs=2)
    assert pages >= (1 if motion else 2), "the view was never left, so this shows nothing"
    p.page.evaluate("e => document.querySelector('#here .sl').__player.player.setView(e * 0.9, e)", 140_000_000)
    p.press("Home")
    if motion:
        p.settle()
    assert 0 <= head_x(p) <= width


def bars(payload: payloads.Packed, lane: int) -> list[tuple[int, int, int, int]]:
    """Start, length, task and state of each bar of a lane, in ns."""
    head, columns = payload
    data = unpack(head, columns)
    first, stop = data["lane_first"][lane], data["lane_first"][lane + 1]
    tick = head["tick_ns"]
    return [
        (
            data["segments.start"][k] * tick,
            data["segments.length"][k] * tick,
            data["segments.task"][k],
            data["segments.state"][k],
        )
        for k in range(first, stop)
    ]


def test_a_click_on_a_bar_goes_to_its_first_event(player: Open):
    """32"""
    payload = payloads.linux_small()
    at, who = (unpack(*payload)[f"events.{name}"] for name in ("at", "who"))
    p = player(payload, motion=False)
    clicked = 0
    for start, length, task, state in bars(payload, 0):
        box, (a, b) = timeline(p), p.state()["view"]
        x = (start + length * 0.6 - a) / (b - a) * box["width"]
        if state == 7 or x > box["width"] - 2:
            continue
        p.page.mouse.click(box["x"] + x, box["y"] + LANE)
        event = p.state()["i"]
        assert at[event] == start
        assert who[event] == task
        clicked += 1
    assert clicked >= 6


def test_the_tool_tip_says_task_state_length_and_start(player: Open):
    """33"""
    payload = payloads.linux_small()
    names = [t["name"] for t in payload[0]["tasks"]]
    words = {0: "ran", 1: "waited", 2: "slept", 3: "ran"}
    p = player(payload)
    tip = p.root().locator(".sl-tip")
    seen = set()
    for lane in range(len(payload[0]["lanes"])):
        top = p.root().locator(".sl-lanes > div > div").nth(lane).bounding_box()
        for start, length, task, state in bars(payload, lane):
            box, (a, b) = timeline(p), p.state()["view"]
            x = (start + length / 2 - a) / (b - a) * box["width"]
            if x > box["width"] - 2 or state not in words:
                continue
            p.page.mouse.move(box["x"] + x, top["y"] + top["height"] / 2)
            text = tip.inner_text()
            for part in (names[task], words[state], f"{start / 1e6:.3f} ms", f"{length / 1e6:.3f} ms"):
                assert part in text
            seen.add(state)
    assert len(seen) >= 3
    box = timeline(p)
    p.page.mouse.move(box["x"] + 5, box["y"] - 40)
    assert not tip.is_visible()
