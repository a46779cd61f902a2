"""Two futures side by side, and rules that failed."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator

from schedlab.views.payload import sentences, unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import rgb, unreadable

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

A, B, INFO = payloads.compare()
AT_A, AT_B = (unpack(*payload)["events.at"] for payload in (A, B))
PARTING = min(AT_A[INFO["differ_a"]], AT_B[INFO["differ_b"]])


def compared(player: Open, **more: object) -> PlayerPage:
    """A player of A whose fork became B."""
    p = player(A, motion=False, **more)
    fork(p)
    assert p.state()["compare"]
    return p


def fork(p: PlayerPage, info: dict[str, Any] = INFO) -> None:
    """The way from A to B: the form, and what Python answers."""
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.give_b(B, p.sent[-1]["n"], info)


def given(player: Open, a: payloads.Packed = A, b: payloads.Packed = B, readable: bool = True) -> PlayerPage:
    """A player that shows B below A without being asked, as `play(compare=...)` does."""
    p = player(motion=False)
    p.page.locator("#outside").focus()
    p.render(a, head_b=b[0], fork_info=INFO)
    p.page.evaluate("text => model.set('columns_b', bytesOf(text))", base64.b64encode(b[1]).decode())
    assert p.state()["compare"] is readable
    return p


def close(p: PlayerPage) -> None:
    p.root().locator(".sl-compare").get_by_role("button", name="Close", exact=True).click()


def first_difference() -> int:
    """The first event of A that B does not have, found here from what was sent."""
    columns = [unpack(*A), unpack(*B)]
    rows = [list(zip(*(c[f"events.{n}"] for n in ("at", "kind", "who", "lane", "other")))) for c in columns]
    return next(i for i, (x, y) in enumerate(zip(*rows)) if x != y)


def test_it_goes_to_the_parting_unless_it_was_told_to_stay(player: Open):
    assert compared(player).state()["i"] == INFO["prefix"]
    p = player(A, motion=False)
    p.go(2)
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.give_b(B, p.sent[-1]["n"], {**INFO, "stay": True})
    assert p.state()["compare"]
    assert p.state()["i"] == 2


def test_futures_that_never_part_are_not_dimmed(player: Open):
    def bar(same: bool) -> list[tuple[int, ...]]:
        p = player(A, motion=False)
        p.press("f")
        p.root().get_by_role("button", name="Run", exact=True).click()
        whole = {**INFO, "prefix": len(AT_A), "differ_a": None, "differ_b": None, "stay": True}
        p.give_b(A if same else B, p.sent[-1]["n"], whole if same else {**INFO, "stay": True})
        p.press("End", "0")
        p.settle()
        y, height = p.page.evaluate(PIXELS, [0])["rows"][0][0]
        return strip(p, 2, y + 2, 40, height - 4)

    assert bar(same=True) != bar(same=False)
    p = player(A, motion=False)
    p.press("End", "0")
    p.settle()
    y, height = p.page.evaluate(PIXELS, [0])["rows"][0][0]
    assert strip(p, 2, y + 2, 40, height - 4) == bar(same=True)


PIXELS = """([view]) => {
  const root = document.querySelector('#here .sl'), hook = root.__player, time = hook.app.time;
  const c = root.querySelector('.sl-canvas canvas'), g = c.getContext('2d'), scale = c.width / time.width;
  const read = (x, y, w, h) => [...g.getImageData(x * scale, y * scale, w * scale, h * scale).data];
  const rows = set => time.rows.filter(r => r.set === set);
  return { rows: [0, 1].map(set => rows(set).map(r => [r.y + 28, r.h])), width: time.width, height: time.height };
}"""


def strip(p: PlayerPage, x: float, y: float, width: float, height: float) -> list[tuple[int, ...]]:
    """The pixels of a piece of the timeline."""
    data = p.page.evaluate(
        """([x, y, w, h]) => {
          const c = document.querySelector('#here .sl-canvas canvas'), s = c.width / c.clientWidth;
          const box = [x, y, w, h].map(v => Math.round(v * s));
          return [...c.getContext('2d').getImageData(...box).data];
        }""",
        [x, y, width, height],
    )
    return [tuple(data[k : k + 4]) for k in range(0, len(data), 4)]


def test_the_shared_prefix_is_equal_and_dimmed_and_the_difference_is_marked_where_it_is(player: Open):
    """58"""
    assert INFO["differ_a"] == INFO["differ_b"] == INFO["prefix"] == first_difference()
    p = compared(player)
    p.page.evaluate("v => document.querySelector('#here .sl').__player.player.setView(...v)", [0, PARTING * 2])
    said = p.root().locator(".sl-compare").inner_text()
    assert f"same until {PARTING / 1e6:.3f} ms" in said
    place = p.page.evaluate(PIXELS, [0])
    rows_a, rows_b = place["rows"]
    assert len(rows_a) == len(rows_b) == len(A[0]["lanes"])
    half = place["width"] / 2
    vivid = {tuple(round(v * 255) for v in rgb(c)) for c in p.page.evaluate("module.PALETTE.light")}
    # up to the bars that cross the parting, whose letters stand in their own middles
    same = half * AT_A[INFO["prefix"] - 1] / PARTING - 8
    assert same > half / 2
    for (ya, ha), (yb, hb) in zip(rows_a, rows_b):
        assert ha == hb
        assert strip(p, 0, ya, same, ha) == strip(p, 0, yb, same, hb), "the prefix is not the same"
    (ya, ha), (yb, hb) = rows_a[0], rows_b[0]
    assert strip(p, half + 2, ya, half - 4, ha) != strip(p, half + 2, yb, half - 4, hb)
    for y, h in (rows_a[0], rows_b[0]):
        before = {pixel[:3] for pixel in strip(p, 0, y, half - 3, h)}
        after = {pixel[:3] for pixel in strip(p, half + 2, y, half - 4, h)}
        assert not vivid & before, "the prefix is not dimmed"
        assert vivid & after
    bad = p.root().evaluate("root => root.__player.app.look.bad")
    sign = tuple(round(v * 255) for v in rgb(bad))

    def marked(x: float, width: float) -> bool:
        """The sign is thin, so its pixels are near its colour, not of it."""
        return any(
            pixel[3] > 200 and sum(abs(c - d) for c, d in zip(pixel, sign)) < 90 for pixel in strip(p, x, 16, width, 26)
        )

    assert marked(half - 12, 34), "no ≠ at the parting"
    assert not marked(0, half - 12)


def test_there_is_one_play_head_for_both(player: Open):
    """59"""
    p = compared(player)
    assert p.root().locator(".sl-head-line").count() == 1
    assert p.root().get_by_role("slider").count() == 1
    line = p.root().locator(".sl-head-line").bounding_box()
    box = p.root().locator(".sl-canvas").bounding_box()
    assert line["height"] >= box["height"] - 30
    said_a, said_b = sentences(*A), sentences(*B)
    p.press("Home")
    for _ in range(30):
        t = p.state()["t"]
        lines = p.root().locator(".sl-say .line").all_inner_texts()
        assert len(lines) == 2
        i, j = (max(k for k, x in enumerate(at) if x <= t) for at in (AT_A, AT_B))
        shown = [re.sub(r"\s+", " ", text) for text in lines]
        # events at one instant are separate steps, so either one of them may be the present one
        for text, said, at, last in ((shown[0], said_a, AT_A, i), (shown[1], said_b, AT_B, j)):
            there = [k for k in range(last + 1) if at[k] == at[last] or k == last]
            before = min(there) - 1
            assert any(plain(said[k][1]) in plain(text) for k in [*there, max(0, before)]), (text, said[last][1])
        p.press("ArrowRight")
        assert p.state()["t"] >= t


def plain(text: str) -> str:
    """Without the letters of tokens, which stand before names."""
    return re.sub(r"\s+", " ", re.sub(r"(?<!\w)[A-Z] (?=hog|inter)", "", text)).strip()


def test_steps_go_through_both_lists_of_events(player: Open):
    """59: the shared prefix once, then every event of either, two of one instant together"""
    p = compared(player)
    rest = [Counter(at[INFO["prefix"] :]) for at in (AT_A, AT_B)]
    wanted = [*AT_A[: INFO["prefix"]], *sorted((rest[0] | rest[1]).elements())]
    assert p.state()["n"] == len(wanted)
    p.press("Home")
    times = [p.state()["t"]]
    for _ in range(p.state()["n"] - 1):
        p.press("ArrowRight")
        times.append(p.state()["t"])
    assert times == wanted


def test_both_captions_are_of_the_present_instant(player: Open):
    p = compared(player)
    p.press("Home")
    pairs = p.page.evaluate(
        """() => {
          const { app, player } = document.querySelector('#here .sl').__player;
          return Array.from({ length: player.trace.n }, (_, i) => [player.trace.at[i], ...app.compare.pair(i)]);
        }"""
    )
    for k, (t, a, b) in enumerate(pairs):
        for event, at in ((a, AT_A), (b, AT_B)):
            assert at[event] <= t
            if k + 1 < len(pairs) and pairs[k + 1][0] > t:  # the last step of an instant: both have come to its end
                assert event + 1 == len(at) or at[event + 1] > t


def test_a_future_does_not_look_like_a_task(player: Open):
    p = compared(player)
    tag, token = p.root().locator(".sl-say .tag").first, p.root().locator(".sl-say .tok").first
    assert tag.inner_text() == "future A"
    radius = "e => parseFloat(getComputedStyle(e).borderTopLeftRadius)"
    assert tag.evaluate(radius) > 20 > token.evaluate(radius)


def test_totals_that_are_the_same_to_the_last_digit_say_so(player: Open):
    p = player(A, motion=False)
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    total = {"name": "longest wait", "a": 1_000_500, "b": 1_000_499, "unit": "ms", "scale": 1e6, "digits": 3}
    p.give_b(B, p.sent[-1]["n"], {**INFO, "totals": [total]})
    assert p.root().locator(".sl-compare .totals").inner_text().strip().endswith("the same")


def at(p: PlayerPage, event: int, texts: Locator) -> list[str]:
    p.go(event)
    return texts.all_inner_texts()


def test_panels_show_a_or_b_and_cells_that_differ_say_so(player: Open):
    """Section 6: two-way switch, key B, both numbers where they differ, totals with a signed difference"""
    p = compared(player)
    show_b = p.root().get_by_role("button", name="Show B")
    assert show_b.get_attribute("aria-pressed") == "false"
    p.press("b")
    assert p.state()["side"] == "B"
    assert show_b.get_attribute("aria-pressed") == "true"
    p.press("b")
    assert p.state()["side"] == "A"
    strip_ = p.root().locator(".sl-compare .totals").inner_text()
    for total in INFO["totals"]:
        assert total["name"] in strip_
        difference = total["b"] - total["a"]
        sign = "+" if difference > 0 else "−" if difference < 0 else ""
        assert f"{sign}{abs(difference):.{total['digits']}f}" in strip_
    n = p.state()["n"]
    differs = p.root().locator(".p-candidates td .both")
    told = {re.sub(r"\s+", " ", text) for i in range(INFO["prefix"], n, 2) for text in at(p, i, differs)}
    assert told
    assert all(re.fullmatch(r"A \S+ B \S+", text) for text in told), told
    p.press("b")
    told = {re.sub(r"\s+", " ", text) for i in range(INFO["prefix"], n, 2) for text in at(p, i, differs)}
    assert all(re.fullmatch(r"A \S+ B \S+", text) for text in told), told
    p.go(3)
    assert differs.count() == 0


def test_close_returns_and_keep_b_makes_b_the_trace(player: Open):
    """Section 6"""
    p = compared(player)
    assert p.root().get_by_role("button", name="Fork here").is_disabled(), "no second fork inside a fork"
    p.root().get_by_role("button", name="Close", exact=True).click()
    assert not p.state()["compare"]
    assert p.state()["n"] == len(AT_A)
    p = compared(player)
    p.root().get_by_role("button", name="Keep B").click()
    p.page.wait_for_timeout(50)
    assert not p.state()["compare"]
    assert p.state()["n"] == len(AT_B)
    assert any(m.get("keep") == "b" for m in p.sent)
    assert p.errors == []


@pytest.mark.parametrize("broken", [[], [{"event": 12, "rule": "nobody waits", "say": "hog1 waited 6 ms"}]])
def test_what_is_kept_has_not_the_verdict_of_what_it_replaces(player: Open, broken: list[dict[str, Any]]):
    p = player(A, motion=False, marks={"rules": 2, "broken": broken})
    assert ("nobody waits" if broken else "2 rules hold") in p.live()
    fork(p, {**INFO, "stay": True})
    p.root().get_by_role("button", name="Keep B").click()
    assert p.state()["n"] == len(AT_B)
    assert p.root().locator(".sl-flag").count() == 0
    for text in (p.root().locator(".sl-say").inner_text(), p.live()):
        assert "nobody waits" not in text
        assert "rules hold" not in text


def test_a_second_fork_waits_for_its_own_numbers(player: Open):
    p = given(player)
    close(p)
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.page.evaluate("text => model.set('columns_b', bytesOf(text))", base64.b64encode(B[1]).decode())
    assert not p.state()["compare"], "the answer is not there yet"
    p.give_b(B, p.sent[-1]["n"], {**INFO, "totals": [{"name": "naps", "a": 1, "b": 2}]})
    assert "naps" in p.root().locator(".sl-compare .totals").inner_text()


def test_a_comparison_that_nobody_asked_for_takes_no_focus(player: Open):
    p = given(player)
    assert p.page.evaluate("document.activeElement.id") == "outside"


def test_an_unreadable_future_that_nobody_asked_for_says_so_and_takes_no_focus(player: Open):
    p = given(player, b=(B[0], B[1][:-8]), readable=False)
    said = p.root().locator(".sl-compare").inner_text()
    assert said.startswith("The fork did not run: The trace cannot be read")
    assert p.root().locator(".sl-fork").count() == 0
    assert p.page.evaluate("document.activeElement.id === 'outside'")


def test_a_fork_that_has_the_focus_hands_it_on(player: Open):
    p = compared(player)
    assert p.page.evaluate("document.activeElement.textContent") == "A"
    close(p)
    assert p.page.evaluate("document.activeElement.textContent") == "Fork here"


def test_the_focus_stays_in_a_player_without_forks_when_its_comparison_is_closed(player: Open):
    p = given(player, ({**A[0], "forks": []}, A[1]))
    close(p)
    assert p.root().locator(".sl-canvas").evaluate("box => box === document.activeElement")


def test_predict_says_why_it_is_off(player: Open):
    p = player(A, motion=False)
    predict = p.root().get_by_role("button", name="Predict")
    assert predict.is_enabled()
    p.press("f")
    assert predict.is_disabled()
    assert predict.get_attribute("title") == "Cancel the fork first"
    p.page.keyboard.press("Escape")
    assert predict.is_enabled()
    fork(p)
    assert predict.is_disabled()
    assert "Close this comparison first" in predict.get_attribute("title")
    close(p)
    assert predict.is_enabled()


def test_the_axis_goes_to_the_end_of_the_longer_future(player: Open):
    p = player(A, motion=False)
    p.press("f")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.give_b(({**B[0], "end": 3 * A[0]["end"]}, B[1]), p.sent[-1]["n"], INFO)
    p.page.evaluate(
        """() => {
          window.written = [];
          const write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            if (y === 16) written.push(parseFloat(text));
            return write.call(this, text, x, y);
          };
        }"""
    )
    p.press("0")
    p.page.evaluate("document.querySelector('#here .sl').__player.drawTime()")
    assert max(p.page.evaluate("written")) > 2 * A[0]["end"] / 1e6


def test_a_second_future_is_not_asked_for_reasons_that_python_has_of_the_first(player: Open):
    p = given(player, payloads.unexplained(), payloads.unexplained())
    ask = p.root().locator(".p-candidates").get_by_role("button", name="Ask")
    assert ask.count() == 1
    p.press("b")
    assert ask.count() == 0


def test_a_fork_that_fails_says_why(player: Open):
    """Section 8: a clear message, and the player goes on"""
    p = player(A, motion=False)
    p.press("f")
    which, value = p.root().get_by_role("combobox", name="Change"), p.root().get_by_role("spinbutton")
    value.fill("0.25")
    p.root().get_by_role("button", name="Run", exact=True).click()
    p.receive({"n": p.sent[-1]["n"], "forked": None, "error": "hog9 is no task"})
    assert "hog9 is no task" in p.root().locator(".sl-say").inner_text()
    assert (which.input_value(), value.input_value()) == ("0", "0.25"), "what was chosen stands there still"
    p.page.keyboard.press("Escape")
    p.press("ArrowRight")
    assert p.state()["i"] == 1


@pytest.mark.parametrize("width", [700, 1000, 1400])
def test_the_comparison_is_readable(player: Open, width: int):
    """Section 6, with 68's measure"""
    p = compared(player, width=width)
    assert unreadable(p.root()) == []


def test_a_failed_rules_flag_is_a_named_button_and_moves_the_cursor_to_its_event(player: Open):
    """60"""
    payload = payloads.broken_rules()
    marks = payload[0]["marks"]
    at = unpack(*payload)["events.at"]
    p = player(payload, motion=False)
    assert p.state()["i"] == marks[0]["event"], "the first is made the cursor"
    p.press("0")
    flags = p.root().locator(".sl-flags").get_by_role("button")
    assert flags.count() == len(marks)
    for k in (2, 0, 1):
        mark = marks[k]
        flag = p.root().get_by_role(
            "button", name=f"Rule broken at {at[mark['event']] / 1e6:.3f} ms: {mark['rule']}", exact=True
        )
        flag.click()
        assert p.state()["i"] == mark["event"]
        text = " ".join(p.root().locator(".sl-say .what").inner_text().split())
        assert text.startswith(mark["rule"])
        assert mark["say"] in text
        box, over = flag.bounding_box(), p.root().locator(".sl-canvas").bounding_box()
        x = over["x"] + at[mark["event"]] / payload[0]["end"] * over["width"]
        assert box["x"] + box["width"] / 2 == pytest.approx(x, abs=14)
    p.root().get_by_role("button", name="Next moment").click()
    assert p.state()["i"] == marks[2]["event"]
    previous = p.root().get_by_role("button", name="Previous moment")
    previous.click()
    assert p.state()["i"] == marks[1]["event"]
    assert previous.evaluate("b => b === document.activeElement"), "it can be pressed again"
    p.page.keyboard.press("Enter")
    assert p.state()["i"] == marks[0]["event"]


def test_marks_that_come_later_are_said(player: Open):
    """60: Python's check() speaks through the live region too"""
    p = player(payloads.linux_small(), motion=False)
    mark = {"event": 12, "rule": "nobody waits", "say": "hog1 waited 6 ms"}
    p.page.evaluate("m => model.set('marks', m)", {"rules": 3, "broken": [mark]})
    assert p.state()["i"] == 12
    assert p.live().startswith("Rule broken at ")
    assert p.root().locator(".sl-flags").get_by_role("button").count() == 1
    p.page.evaluate("m => model.set('marks', m)", {"rules": 3, "broken": []})
    assert p.root().locator(".sl-flags").get_by_role("button").count() == 0


def test_all_rules_well_shows_no_flag(player: Open):
    """61"""
    p = player(payloads.linux_small(), motion=False)
    p.page.evaluate("m => model.set('marks', m)", {"rules": 6, "broken": []})
    assert p.root().locator(".sl-flags").get_by_role("button").count() == 0
    assert p.say() == f"✓ 6 rules hold in {p.state()['n']} events"
    p.press("ArrowRight")
    assert "rules hold" not in p.root().locator(".sl-say").inner_text()
