"""Steps: one event each, the same picture from either side, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schedlab.views.payload import DECISION, sentences, unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import median, picture, step_times

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

STEP_MS = 100
FORMS: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
    "slots": payloads.slots,
    "terms": lambda: payloads.many_candidates(5, "terms"),
    "bitmap": lambda: payloads.many_candidates(20, "bitmap"),
    "nodes": payloads.nodes,
    "flights": payloads.flights,
}


def test_a_step_moves_one_event_and_all_parts_agree(player: Open):
    """7"""
    head, columns = payloads.linux_small()
    data, said = unpack(head, columns), sentences(head, columns)
    p = player((head, columns), motion=False)
    root = p.root()
    for i in range(1, 14):
        root.get_by_role("button", name="Step", exact=True).click()
        ms = f"{data['events.at'][i] / 1e6:.3f} ms"
        slider = root.get_by_role("slider")
        assert p.state()["i"] == i
        assert slider.get_attribute("aria-valuenow") == str(i + 1)
        assert slider.get_attribute("aria-valuetext") == f"{ms}, event {i + 1} of {len(said)}"
        assert root.locator(".sl-head-line b").inner_text() == ms
        assert root.locator(".where strong").inner_text() == ms
        assert p.say() == said[i][1]
        if data["events.flags"][i] & DECISION:
            winner = said[i][1].split(" picks ")[1].split(":")[0]
            assert winner in root.locator("tr.won td").first.inner_text()
            assert root.locator(".p-candidates header span").inner_text() != ""
            tree = root.locator(".p-tree svg[role=img]").get_attribute("aria-label") or ""
            assert f"On the CPU: {winner}" in tree
            assert winner in (root.locator(".p-source").inner_text())
        x = root.evaluate(
            """root => {
              const line = root.querySelector('.sl-head-line').getBoundingClientRect();
              const box = root.querySelector('.sl-canvas').getBoundingClientRect();
              return (line.left + line.right) / 2 - box.left;
            }"""
        )
        start, stop = p.state()["view"]
        width = root.locator(".sl-canvas").bounding_box()["width"]
        assert x == pytest.approx((data["events.at"][i] - start) / (stop - start) * width, abs=2)


@pytest.mark.parametrize("form", FORMS)
def test_step_back_returns_the_same_picture(player: Open, form: str):
    """8"""
    p = player(FORMS[form](), motion=False)
    last = p.state()["n"] - 1
    for i in {0, last // 3, last - 1}:
        p.go(i)
        p.press()
        before = picture(p.root())
        p.press("ArrowRight")
        assert p.state()["i"] == i + 1
        assert picture(p.root()) != before, "the step showed nothing, so this shows nothing"
        p.press("ArrowLeft")
        assert picture(p.root()) == before


@pytest.mark.parametrize("form", FORMS)
def test_going_to_an_event_from_anywhere_is_as_replaying_to_it(player: Open, form: str):
    """9"""
    payload = FORMS[form]()
    p = player(payload, motion=False)
    n = p.state()["n"]
    whole = list(payload[0]["first_view"])
    stay = "v => document.querySelector('#here .sl').__player.player.setView(...v)"
    replayed = {}
    wanted = sorted({0, n // 4, n // 2, n - 2, n - 1})
    p.press()
    for i in range(n):
        p.go(i)
        if i in wanted:
            p.page.evaluate(stay, whole)
            replayed[i] = picture(p.root())
    for i in wanted:
        for j in (0, n - 1, max(0, i - 1), min(n - 1, i + 1), (i * 7 + 3) % n):
            p.go(j)
            p.go(i)
            p.page.evaluate(stay, whole)
            assert picture(p.root()) == replayed[i], f"event {i} from {j}"


@pytest.mark.parametrize("form", ["linux", "go", "bitmap"])
def test_next_decision_lands_on_a_decision(player: Open, form: str):
    """10"""
    payload = FORMS[form]()
    flags = unpack(*payload)["events.flags"]
    decisions = [i for i, f in enumerate(flags) if f & DECISION and i > 0]
    p = player(payload, motion=False)
    forth: list[int] = []
    while not p.root().get_by_role("button", name="Next decision").is_disabled() and len(forth) < len(flags):
        p.root().get_by_role("button", name="Next decision").click()
        forth.append(p.state()["i"])
    assert forth[: len(decisions)] == decisions
    assert set(forth) - set(decisions) <= {len(flags) - 1}, "after the last decision only the end is left"
    assert p.root().locator(".sl-say .kind").inner_text().startswith("◆") or forth[-1] not in decisions
    back = []
    while p.state()["i"] > decisions[0]:
        p.root().get_by_role("button", name="Previous decision").click()
        back.append(p.state()["i"])
    assert back == [i for i in reversed(decisions) if i < forth[-1]]


def test_a_trace_without_decisions_has_no_decision_buttons(player: Open):
    """Section 1: decision buttons are absent when the trace has no decisions"""
    p = player(payloads.kube_small())
    assert p.root().get_by_role("button", name="decision").count() == 0


@pytest.mark.parametrize(
    ("key", "button"),
    [
        ("ArrowRight", "Step"),
        ("ArrowLeft", "Step back"),
        ("Shift+ArrowRight", "Next decision"),
        ("Shift+ArrowLeft", "Previous decision"),
        ("Home", "To the start"),
        ("End", "To the end"),
    ],
)
def test_keys_do_as_the_buttons(player: Open, key: str, button: str):
    """11"""
    p = player(payloads.linux_small(), motion=False)
    for i in (6, 13, 21):
        p.go(i)
        p.root().get_by_role("button", name=button, exact=True).click()
        clicked, there = p.state()["i"], p.say()
        p.go(i)
        p.press(key)
        assert (p.state()["i"], p.say()) == (clicked, there)
        assert clicked != i


def test_buttons_are_disabled_at_both_ends(player: Open):
    """12"""
    p = player(payloads.linux_small(), motion=False)
    back = ("To the start", "Previous decision", "Step back")
    forth = ("Step", "Next decision", "To the end")

    def disabled() -> set[str]:
        buttons = p.root().get_by_role("group", name="Playback").get_by_role("button")
        return {b.get_attribute("aria-label") for b in buttons.all() if b.is_disabled()}

    assert disabled() == set(back)
    p.go(1)
    assert disabled() == set()
    p.press("End")
    assert disabled() == set(forth)
    p.press("ArrowLeft")
    assert disabled() == set()


def test_a_button_that_disables_itself_keeps_the_focus_in_the_player(player: Open):
    """12: and focus does not fall to the page"""
    p = player(payloads.linux_small(), motion=False)
    p.go(p.state()["n"] - 2)
    step = p.root().get_by_role("button", name="Step", exact=True)
    step.focus()
    p.page.keyboard.press("Enter")
    assert step.is_disabled()
    assert p.page.evaluate("document.querySelector('#here .sl').contains(document.activeElement)")


def test_two_events_at_one_time_are_two_steps(player: Open):
    """13"""
    p = player(payloads.linux_small(), motion=False)
    at = unpack(*payloads.linux_small())["events.at"]
    pairs = [i for i in range(1, len(at)) if at[i] == at[i - 1]]
    assert len(pairs) >= 3
    for i in pairs:
        p.go(i - 1)
        where, said = p.state()["t"], p.say()
        p.press("ArrowRight")
        assert p.state()["i"] == i
        assert p.state()["t"] == where
        assert p.say() != said


def test_events_at_equal_time_keep_their_order(player: Open):
    """14"""
    payload = payloads.linux_small()
    at, said = unpack(*payload)["events.at"], sentences(*payload)
    p = player(payload, motion=False)
    shown = [p.say()]
    for _ in range(len(at) - 1):
        p.press("ArrowRight")
        shown.append(p.say())
    assert shown == [s[1] for s in said]
    back = [shown[-1]]
    for _ in range(len(at) - 1):
        p.press("ArrowLeft")
        back.append(p.say())
    assert back == shown[::-1]


def test_play_at_the_end_starts_over(player: Open):
    """15"""
    p = player(payloads.linux_small(), motion=False)
    p.press("End")
    assert not p.root().get_by_role("button", name="Play", exact=True).is_disabled()
    p.press("k")
    assert p.state()["playing"]
    assert p.state()["i"] == 0
    p.press("k")
    assert not p.state()["playing"]


@pytest.mark.parametrize("form", ["linux", "go", "kube"])
def test_a_step_reaches_the_screen_within_100_ms(player: Open, form: str):
    """16"""
    p = player(FORMS[form](), motion=False)
    times = step_times(p.root(), 15)
    assert p.state()["i"] == 15
    assert median(times) <= STEP_MS
