"""Goals: what a trace is measured by, where names or rows are missing."""

from __future__ import annotations

import pytest

from schedlab import goals, laws
from schedlab.linux.classes import ClassStack
from schedlab.linux.eevdf import EEVDF
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace

TASKS = [{"name": "a", "does": [{"run": "30ms"}]}, {"name": "b", "does": [{"run": "20ms"}]}]
TRACE = Scenario("o1", TASKS).run()


def test_a_trace_that_lacks_its_first_rows_is_measured_from_there():
    first = next(i for i in range(len(TRACE)) if TRACE.kinds[TRACE.kind[i]].name == "resume")
    columns = [column[first:] for column in TRACE._columns()]
    cut = Trace(TRACE.family, columns, TRACE.names, end=TRACE.end)
    assert goals.cpu_time(cut) == {"a": 30 * MS, "b": 20 * MS}


@pytest.mark.parametrize("goal", [goals.fairness, goals.latencies])
def test_a_task_that_is_none_is_told(goal):
    with pytest.raises(KeyError, match="no task is called 'nope'; there are a, b"):
        goal(TRACE, ["a", "nope"])


def test_a_turn_ends_in_one_of_two_ways():
    with pytest.raises(ValueError, match="ends is 'switch' or 'decision', not 'swich'"):
        laws.slice_respected(5, ends="swich")


class Mine(EEVDF):
    """A fair class of a learner."""


class Stack(ClassStack):
    """A list of classes of a learner."""

    Task, classes = EEVDF.Task, EEVDF.classes

    def __init__(self) -> None:
        super().__init__([Mine()])


def test_control_groups_need_a_fair_class_that_has_them():
    with pytest.raises(ScenarioError, match="groups: Mine has no control groups"):
        Scenario(Stack, TASKS, groups={"web": {}})
