"""Stories: a scenario and, below it, what must happen in it, in the words of the trace.

A `.txt` file: a title, a line of JSON (the scenario; it may go over several lines), a line of dashes,
and sentences. `...` lets any number of rows pass; all else must come row by row.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedlab.scenario import Scenario

STORIES = sorted(Path(__file__).parent.glob("*.txt"))


def read(path: Path) -> tuple[Scenario, list[str]]:
    """The scenario and the expected lines of a story."""
    top, _dashes, expected = path.read_text(encoding="utf-8").partition("\n---\n")
    scenario = Scenario.from_data(json.loads(top[top.index("{") :]))
    return scenario, [" ".join(line.split()) for line in expected.splitlines() if line.strip()]


def told(scenario: Scenario) -> list[str]:
    return [" ".join(line.split()) for line in scenario.run().sentences()]


def mismatch(expected: list[str], lines: list[str]) -> str:
    """What does not come as expected; empty when the story is true."""
    at, free = 0, False
    for line in expected:
        if line == "...":
            free = True
            continue
        found = next((i for i in range(at, len(lines)) if lines[i] == line), None) if free else at
        if found is None or found >= len(lines) or lines[found] != line:
            got = lines[at] if at < len(lines) else "the end"
            return f"expected: {line}\ngot:      {got}"
        at, free = found + 1, False
    return "" if free or at == len(lines) else f"expected the end\ngot:      {lines[at]}"


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_is_true(path):
    scenario, expected = read(path)
    assert len(expected) >= 3
    wrong = mismatch(expected, told(scenario))
    assert not wrong, wrong


def test_there_are_a_dozen_stories():
    assert len(STORIES) >= 12


@pytest.mark.parametrize(
    ("expected", "fine"),
    [
        (["a", "b", "c"], True),
        (["...", "b", "..."], True),
        (["a", "...", "c"], True),
        (["a", "c"], False),
        (["a", "b"], False),
        (["...", "d", "..."], False),
        (["b", "..."], False),
    ],
)
def test_a_false_story_is_seen(expected, fine):
    assert (mismatch(expected, ["a", "b", "c"]) == "") is fine
