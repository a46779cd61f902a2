"""`check` of an answer that fails: the learner's own names, and the player where it happened."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.design.stealing import Stealing
from schedlab.lessons.catalogue import exercise as named
from schedlab.lessons.checking import Checked, check
from schedlab.lessons.linux_eevdf import Choosing
from schedlab.linux.cfs import CFS
from schedlab.sim import MS


class Misspelt(CFS):
    def place(self, rq: Any, task: Any, initial: bool) -> None:
        if initial:
            super().place(rq, task, initial)
        else:
            task.vruntime = task.virtual_runtime


class Endless(Choosing):
    def choose(self, queued: list[Any], queue: Any) -> Any:
        while queued:
            pass


class Nobody(Choosing):
    def choose(self, queued: list[Any], queue: Any) -> Any:
        return None


class Self(Stealing):
    def order(self, cpu: Any) -> list[Any]:
        return [cpu]


class Five(CFS):
    def pick(self, cpu: Any, prev: Any) -> Any:
        return 5


def shown(answer: type, exercise: str) -> Checked:
    found = check(answer, exercise)
    assert not found.passed
    return found


@pytest.mark.parametrize(
    ("answer", "exercise", "says"),
    [
        (Misspelt, "cfs/place", "Misspelt.place failed at 6 ms, CPU 0, task napper: AttributeError"),
        (Endless, "eevdf/pick", "Endless.choose does not come back: broken off at 0 ns, CPU 0 (line"),
        (Nobody, "eevdf/pick", "Nobody.choose failed at 0 ns, CPU 0: ValueError: choose must return one of"),
        (Self, "stealing/order", "Self.order failed at 500 µs, CPU 1: ValueError: Self.order must name other CPUs"),
        (Five, "cfs/place", "Five.pick must return a task or None, not 5"),
    ],
)
def test_a_failure_is_told_with_the_names_that_the_learner_wrote(answer, exercise, says):
    assert shown(answer, exercise).report.error.startswith(says)


def test_the_player_stands_where_the_answer_failed():
    found = shown(Misspelt, "cfs/place")
    trace, player = found.report.trace, found.player
    assert trace is not None
    assert player is not None
    assert trace.end == 6 * MS
    last = len(player.events_of_rows()) - 1
    assert player.cursor == player.events_of_rows()[last]
    assert trace.time[last] > 5 * MS


@pytest.mark.parametrize(
    "exercise",
    ["preemption/shortest", "stealing/order", "v001/wake", "on/nice", "o1/bonus", "cfs/place", "eevdf/pick"],
)
@pytest.mark.parametrize("hook", ["attach", "born", "enqueue", "pick"])
def test_an_answer_that_fails_at_once_is_a_report(exercise, hook):
    reference = named(exercise).scenarios[0].policy()

    def fails(*_given: Any, **_named: Any) -> None:
        raise ZeroDivisionError

    if hasattr(reference, hook):
        assert "ZeroDivisionError" in shown(type("Mine", (type(reference),), {hook: fails}), exercise).report.error
