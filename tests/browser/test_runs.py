"""Real runs in the player: what the models give fits, moves and reads as well as what was made by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from schedlab.scenario import Scenario
from schedlab.views import picture as pictured
from schedlab.views.payload import sentences
from tests.browser.conftest import PlayerPage
from tests.browser.see import axe, colours_drawn, picture, unreadable

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

# An editor that sleeps for a key and draws a letter, a compiler that never sleeps, a player of music.
TASKS: list[dict[str, Any]] = [
    {"name": "editor", "does": [{"repeat": [{"sleep": "30ms"}, {"run": "3ms"}]}]},
    {"name": "compiler"},
    {"name": "music", "does": [{"repeat": [{"sleep": "18ms"}, {"run": "2ms"}]}]},
]
RUNS = {
    name: Scenario(name, TASKS, until="300ms", title=f"Three programs under {name}")
    for name in ("v0.01", "o(n)", "o1", "o1-2.6.22")
} | {"two CPUs": Scenario("o1", [*TASKS, {"name": "archiver"}], cpus=2, until="300ms", title="Four on two CPUs")}
WIDTHS = (700, 1000, 1400)
LAPTOP = 760  # px: a run of the real kit may have a lane more than the three tasks of the drawing


@cache
def payload(name: str) -> tuple[dict[str, Any], bytes]:
    head, columns, _text, _svg = pictured(RUNS[name].run().explain())
    return head, columns


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_real_run_is_clipped_and_no_step_changes_the_height(player: Open, name: str, width: int):
    """67, 68"""
    p = player(payload(name), motion=False, width=width, height=1500)
    n = p.state()["n"]
    heights, found = set(), set()
    for i in sorted({0, 1, 2, 5, 11, n // 3, n // 2, n - 1} & set(range(n))):
        p.go(i)
        heights.add(p.root().bounding_box()["height"])
        found |= set(unreadable(p.root()))
    assert found == set()
    assert len(heights) == 1
    if width == 1000:
        assert heights.pop() <= LAPTOP


@pytest.mark.parametrize("name", RUNS)
def test_a_real_run_is_clean_and_says_what_python_says(player: Open, name: str):
    """45, 46"""
    given = payload(name)
    p = player(given, motion=False)
    shown = p.page.evaluate(
        """() => {
          const hook = document.querySelector('#here .sl').__player;
          return Array.from({ length: hook.state().n }, (_, i) => hook.sentence(i));
        }"""
    )
    assert [list(row) for row in shown] == [list(row) for row in sentences(*given)]
    p.press("Shift+ArrowRight", "Shift+ArrowRight")
    assert axe(p.page, p.root()) == []
    assert colours_drawn(p.root().locator("canvas").first) > 2
    assert p.errors == []
    before = picture(p.root())
    p.press("ArrowRight", "ArrowLeft")
    assert picture(p.root()) == before


@pytest.mark.parametrize("name", ["o1", "o(n)"])
def test_a_real_run_asks_and_answers(player: Open, name: str):
    """47, 51"""
    p = player(payload(name), motion=False)
    p.press("p", "End")
    assert p.state()["predict"]["ask"] >= 0
    p.page.keyboard.press("1")
    p.root().get_by_role("button", name="Reveal").click()
    assert p.root().locator(".sl-say .verdict").inner_text()[0] in "✓✗"
    assert axe(p.page, p.root()) == []
    assert unreadable(p.root()) == []
