"""The article's figures 7 and 8: four tasks under a cooperative and a preemptive scheduler."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.behaviour import step_keys
from schedlab.design import scenario
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace

Tasks = list[dict[str, Any]]

# Tasks 1 and 4 are done within one quantum of 10 ms; tasks 2 and 3 need a second one.
FIGURE: Tasks = [
    {"name": "task 1", "work": "6ms"},
    {"name": "task 2", "work": "16ms"},
    {"name": "task 3", "work": "14ms"},
    {"name": "task 4", "work": "8ms"},
]


def rows(trace: Trace, *kinds: str) -> list[str]:
    """The sentences of the rows of these kinds."""
    wanted = {trace.kind_named(kind).id for kind in kinds}
    return [trace.sentence(i) for i in range(len(trace)) if trace.kind[i] in wanted]


def picks(trace: Trace) -> list[str]:
    """Who was put on a CPU, in order: the context switches of the figures."""
    wanted = {trace.kind_named(kind).id for kind in ("switch", "resume")}
    return [trace.name("task", row.who) for row in trace.rows() if row.kind in wanted]


def finished(trace: Trace) -> dict[str, int]:
    """When each task was done, ns."""
    done = trace.kind_named("exit").id
    return {trace.name("task", row.who): row.time for row in trace.rows() if row.kind == done}


def test_figure_7_cooperative_needs_four_switches():
    assert picks(Scenario("cooperative", FIGURE).run()) == ["task 1", "task 2", "task 3", "task 4"]


def test_figure_8_preemptive_needs_six_switches():
    trace = Scenario("preemptive", FIGURE).run()
    assert picks(trace) == ["task 1", "task 2", "task 3", "task 4", "task 2", "task 3"]
    assert rows(trace, "switch") == [
        "CPU 0 picks task 2; task 1 is now finished",
        "CPU 0 picks task 3; task 2 is now ready",
        "CPU 0 picks task 4; task 3 is now ready",
        "CPU 0 picks task 2; task 4 is now finished",
        "CPU 0 picks task 3; task 2 is now finished",
    ]


def test_both_do_the_same_work_in_the_same_time_when_a_switch_is_free():
    assert Scenario("cooperative", FIGURE).run().end == Scenario("preemptive", FIGURE).run().end == 44 * MS


@pytest.mark.parametrize(("scheduler", "switches"), [("cooperative", 4), ("preemptive", 6)])
def test_each_switch_has_its_price(scheduler, switches):
    trace = Scenario(scheduler, FIGURE, machine={"switch": "1ms"}).run()
    assert trace.end == (44 + switches) * MS


def test_to_go_on_costs_no_switch():
    trace = Scenario("preemptive", [{"name": "alone", "work": "35ms"}], machine={"switch": "1ms"}).run()
    assert trace.end == 36 * MS
    assert rows(trace, "keep") == ["CPU 0 picks alone again"] * 3


def test_a_quantum_longer_than_all_work_is_cooperative():
    long = Scenario("preemptive", FIGURE, options={"quantum": "1s"}).run()
    assert list(long.sentences()) == list(Scenario("cooperative", FIGURE).run().sentences())


LONG_FIRST = [{"name": "long", "work": "forever"}, {"name": "short", "work": "2ms", "start": "1ms"}]


def test_one_long_task_starves_the_others_only_without_preemption():
    assert "short" not in finished(Scenario("cooperative", LONG_FIRST, until="60s").run())
    assert finished(Scenario("preemptive", LONG_FIRST, until="60s").run())["short"] == 12 * MS


def test_a_task_that_yields_lets_the_others_in():
    polite: Tasks = [
        {"name": "polite", "does": [{"repeat": [{"run": "3ms"}, "yield"]}]},
        {"name": "short", "work": "2ms"},
    ]
    assert finished(Scenario("cooperative", polite, until="1s").run()) == {"short": 5 * MS}


def test_steps_without_a_yield_between_them_are_one_turn():
    two: Tasks = [{"name": "a", "does": [{"run": "3ms"}, {"run": "4ms"}]}, {"name": "b", "work": "1ms"}]
    assert finished(Scenario("cooperative", two).run()) == {"a": 7 * MS, "b": 8 * MS}
    short = Scenario("preemptive", two, options={"quantum": "5ms"}).run()
    assert finished(short) == {"b": 6 * MS, "a": 8 * MS}, "the quantum counts across steps"


def test_a_sleeper_gives_the_cpu_up_and_comes_back():
    tasks: Tasks = [
        {"name": "editor", "does": [{"run": "1ms"}, {"sleep": "5ms"}, {"run": "1ms"}]},
        {"name": "b", "work": "9ms"},
    ]
    assert finished(Scenario("cooperative", tasks).run()) == {"b": 10 * MS, "editor": 11 * MS}


def test_what_arrives_at_the_instant_at_which_a_slice_ends_stands_before_the_preempted_task():
    tasks: Tasks = [{"name": "old", "work": "20ms"}, {"name": "new", "work": "1ms", "start": "10ms"}]
    assert picks(Scenario("preemptive", tasks).run()) == ["old", "new", "old"]


@pytest.mark.parametrize(
    ("quantum", "complaint"),
    [
        ("0ms", "quantum: 0 ns is too short"),
        (0, "quantum: 0 ns is too short"),
        ("-5ms", "quantum: -5000000 ns is too short"),
        ("fast", "quantum: 'fast' is not a time"),
        (None, "quantum: a time such as '10ms'"),
        (2.5, "quantum: a time such as '10ms'"),
    ],
)
def test_an_impossible_quantum_is_refused(quantum, complaint):
    with pytest.raises(ScenarioError, match=complaint):
        Scenario("preemptive", FIGURE, options={"quantum": quantum})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"options": {"quantom": "1ms"}}, "no key 'quantom'; did you mean 'quantum'"),
        ({"cpus": 0}, "cpus: 0 is not in"),
        ({"tasks": []}, "the list is empty"),
        ({"tasks": [{"name": "a"}]}, "either 'work'"),
        ({"tasks": [{"work": "1ms", "does": ["yield"]}]}, "either 'work'"),
        ({"tasks": [{"work": "0ms"}]}, r"tasks\[0\].work: 0 ns is too short"),
        ({"tasks": [{"work": "1ms", "cpu": 1}]}, r"tasks\[0\].cpu: 1 is not in 0..0"),
        ({"tasks": [{"work": {"pareto": "1ms", "alpha": 0}}]}, "alpha: a number from 0.1 to 100"),
        ({"tasks": [{"does": [{"rum": "1ms"}]}]}, "no key 'rum'; did you mean 'run'"),
        ({"tasks": [{"does": ["yeild"]}]}, "did you mean 'yield'"),
        ({"tasks": [{"work": "forever", "name": "hog"}]}, "the task 'hog' never ends by itself: say `until`"),
        ({"tasks": [{"does": [{"spawn": {"work": "forever"}}]}]}, "never ends by itself"),
        ({"machine": {"hz": 100}}, "no key 'hz'"),
        ({"events": [{"at": "1ms", "renice": {}}]}, "no key 'renice'"),
        ({"events": [{"at": "1ms", "set": {"quantum": "0ms"}}]}, "quantum: 0 ns is too short"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(change, complaint):
    with pytest.raises(ScenarioError, match=complaint):
        Scenario("preemptive", FIGURE).but(**change)


def test_from_outside_a_quantum_changes_and_tasks_come_and_go():
    base = Scenario("preemptive", [{"name": "a", "work": "30ms"}, {"name": "b", "work": "30ms"}])
    assert picks(base.fork("1ms", {"set": {"quantum": "100ms"}}).run()) == ["a", "b", "a"]
    assert finished(base.fork("5ms", {"kill": "a"}).run()) == {"a": 5 * MS, "b": 35 * MS}
    assert picks(base.fork("5ms", {"yield": "a"}).run())[:3] == ["a", "b", "a"]
    assert finished(base.fork("5ms", {"spawn": {"name": "c", "work": "1ms"}}).run())["c"] == 21 * MS
    killed = base.fork("5ms", {"kill": "b"}).run()
    assert finished(killed) == {"a": 30 * MS}
    assert rows(killed, "kill") == ["b is killed"]


def test_no_key_is_a_truth_value_to_yaml():
    words = {*scenario.TASK_KEYS, *step_keys(scenario.grammar(1)), *scenario.EVENT_KEYS, *scenario.MACHINE_KEYS}
    assert words & {"on", "off", "yes", "no", "y", "n", "true", "false", "null"} == set()
