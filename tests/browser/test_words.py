"""Words: what is seen is also said, once, and in the same letters as Python's."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from schedlab.views.payload import sentences
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import axe

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

FAMILIES: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
}


def test_the_live_region_holds_the_plain_sentence_after_a_step(player: Open):
    """41"""
    payload = payloads.linux_small()
    said = sentences(*payload)
    p = player(payload, motion=False)
    assert p.live() == "", "nothing is said before the first step"
    for i in range(1, 12):
        p.press("ArrowRight")
        assert p.live() == said[i][1]
    for i in (10, 9):
        p.press("ArrowLeft")
        assert p.live() == said[i][1]
    regions = p.root().locator("[aria-live]")
    assert regions.count() == 1
    assert regions.get_attribute("role") == "status"


def test_at_most_one_message_in_two_seconds_while_playing_and_one_on_pause(player: Open):
    """42"""
    p = player(alone=True)
    p.page.clock.install(time=0)
    p.page.clock.pause_at(1_000)
    payload = payloads.linux_small()
    p.render(payload)
    p.page.clock.run_for(100)
    p.page.evaluate(
        """() => {
          window.said = [];
          const live = document.querySelector('#here [aria-live]');
          new MutationObserver(() => live.textContent && window.said.push(performance.now())).observe(live,
            { childList: true, characterData: true, subtree: true });
        }"""
    )
    p.root().get_by_role("combobox", name="Speed").select_option("4")
    p.press("k")
    for _ in range(40):
        p.page.clock.run_for(225)
    times = p.page.evaluate("window.said")
    assert len(times) >= 3
    assert min(b - a for a, b in pairwise(times)) >= 2_000 - 20
    p.press("k")
    assert p.live() == sentences(*payload)[p.state()["i"]][1], "on pause it says where it stands"


def test_the_sliders_value_text_is_time_and_number_only(player: Open):
    """43"""
    p = player(payloads.linux_small(), motion=False)
    slider = p.root().get_by_role("slider", name="Position in the trace", exact=True)
    n = p.state()["n"]
    for i in (0, 7, n - 1):
        p.go(i)
        assert re.fullmatch(rf"[\d\u202f.]+ ms, event {i + 1} of {n}", slider.get_attribute("aria-valuetext") or "")
        assert slider.get_attribute("aria-valuenow") == str(i + 1)
    assert (slider.get_attribute("aria-valuemin"), slider.get_attribute("aria-valuemax")) == ("1", str(n))


DRAWN = """() => [...document.querySelectorAll('#here .sl-panels svg[role=img], #here .sl-side svg[role=img]')]
  .every(svg => !svg.checkVisibility() || !svg.clientWidth || svg.getAttribute('aria-label'))"""


@pytest.mark.parametrize(
    ("payload", "events"),
    [
        (payloads.linux_small, range(0, 58, 5)),
        (payloads.go_small, range(0, 35, 3)),
        (payloads.slots, range(4)),
        (lambda: payloads.many_candidates(5, "terms"), range(3)),
        (lambda: payloads.many_candidates(5, "ruler"), range(3)),
    ],
    ids=["linux", "go", "slots", "terms", "ruler"],
)
def test_each_pictures_name_lists_the_same_tasks_as_the_picture(
    player: Open, payload: Callable[[], payloads.Packed], events: range
):
    """44"""
    given = payload()
    letters = {t["letter"]: t["name"] for t in given[0]["tasks"]}
    p = player(given, motion=False)
    compared = 0
    for i in events:
        p.go(i)
        p.page.wait_for_function(DRAWN)  # the first picture comes with the first frame
        for drawn, folded, name in p.root().evaluate(
            """root => [...root.querySelectorAll('.sl-panels svg[role=img], .sl-side svg[role=img]')]
              .filter(svg => svg.checkVisibility() && svg.clientWidth)
              .map(svg => {
                const seen = [...svg.querySelectorAll('text')].filter(t => t.getBoundingClientRect().width > 0
                  && t.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
                return [
                  seen.filter(t => t.parentElement.querySelector(':scope > .tokbox')).map(t => t.textContent),
                  seen.map(t => /^\\+(\\d+)$/.exec(t.textContent)?.[1] ?? 0).reduce((sum, n) => sum + +n, 0),
                  svg.getAttribute('aria-label'),
                ];
              })"""
        ):
            assert name
            tasks = {letters[letter] for letter in drawn}
            named = {n for n in letters.values() if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", name)}
            assert tasks <= named, f"event {i}: drawn but not named in {name!r}"
            if tasks:
                hidden = len(named - tasks) + sum(map(int, re.findall(r"(\d+) more", name)))
                assert hidden == folded, f"event {i}: what is folded in the picture is not in {name!r}"
                compared += 1
    assert compared >= 2


def test_the_message_graph_and_the_sequence_are_named(player: Open):
    """44: and pictures without tasks say what they hold"""
    p = player(payloads.kube_small(), motion=False)
    for i in (0, 5, 12):
        p.go(i)
        names = p.root().evaluate(
            """root => [...root.querySelectorAll('svg[role=img]')].filter(s => s.clientWidth)
              .map(s => s.getAttribute('aria-label'))"""
        )
        assert len(names) >= 2
        assert all(name and name.endswith(".") for name in names)


AXE = [
    (family, theme, state)
    for theme in ("light", "dark")
    for family, state in (
        ("linux", "plain"),
        ("go", "plain"),
        ("kube", "plain"),
        ("linux", "question"),
        ("linux", "verdict"),
        ("linux", "dialog"),
        ("linux", "fork"),
        ("linux", "compare"),
        ("linux", "marks"),
        ("linux", "bad bytes"),
    )
]


@pytest.mark.parametrize(("family", "theme", "state"), AXE)
def test_axe_finds_nothing(player: Open, family: str, theme: str, state: str):
    """46"""
    a, b, info = payloads.compare()
    if state == "marks":
        p = player(payloads.broken_rules(), motion=False, theme=theme)
    elif state == "bad bytes":
        p = player(FAMILIES[family](), motion=False, theme=theme, cut=100)
    else:
        p = player(a if state == "compare" else FAMILIES[family](), motion=False, theme=theme)
    if state == "plain":
        p.go(12)
    elif state in ("question", "verdict"):
        p.press("p", "ArrowRight", "ArrowRight")
        assert p.state()["predict"]["ask"] >= 0
        if state == "verdict":
            p.page.keyboard.press("2")
            p.root().get_by_role("button", name="Reveal").click()
    elif state == "dialog":
        p.press("?")
    elif state in ("fork", "compare"):
        p.press("f")
        if state == "compare":
            p.root().get_by_role("button", name="Run", exact=True).click()
            p.give_b(b, p.sent[-1]["n"], info)
            assert p.state()["compare"]
    p.page.wait_for_timeout(50)
    assert axe(p.page, p.root()) == []
