"""A scheduler as a learner writes it in a cell: runs, is explained, and fails with a clear word."""

from __future__ import annotations

import json

import pytest

from schedlab.design.machine import Loop, PolicyError
from schedlab.design.scheduler import Scheduler
from schedlab.design.task import run, sleep, yield_cpu
from schedlab.guard import LearnerError
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Ranking, Replay, judgement
from tests.design.test_figures import FIGURE, finished, picks


class ShortestFirst(Scheduler):
    ranking = Ranking(by="left", best="lowest")

    @judgement
    def left(self, task):
        return task.remaining

    def pick(self, cpu, prev):
        if not self.ready:
            return None
        shortest = min(self.ready, key=self.left)
        self.ready.remove(shortest)
        return shortest


class ShortestLeft(ShortestFirst):
    def preempts(self, cpu, task):
        left = cpu.curr.remaining - (self.machine.now - cpu.since)
        return task.remaining < left


def test_four_lines_are_a_scheduler():
    assert picks(Scenario(ShortestFirst, FIGURE).run()) == ["task 1", "task 4", "task 3", "task 2"]


def test_it_may_take_the_cpu_away_when_a_task_becomes_ready():
    tasks = [{"name": "long", "work": "10ms"}, {"name": "short", "work": "2ms", "start": "1ms"}]
    assert finished(Scenario(ShortestFirst, tasks).run()) == {"long": 10 * MS, "short": 12 * MS}
    assert finished(Scenario(ShortestLeft, tasks).run()) == {"short": 3 * MS, "long": 12 * MS}
    two = [*tasks, {"name": "long too", "work": "10ms"}, {"name": "short too", "work": "2ms", "start": "1ms"}]
    ends = finished(Scenario(ShortestLeft, two, cpus=2).run())
    assert ends == {"short": 3 * MS, "short too": 3 * MS, "long": 12 * MS, "long too": 12 * MS}


def test_it_is_explained_with_all_candidates_and_their_numbers():
    trace = Scenario(ShortestFirst, FIGURE).run().explain()
    decided = next(row for row in trace.rows() if trace.kinds[row.kind].name == "decided")
    note = trace.notes[decided.a]
    assert note["by"] == "left"
    assert {c["task"]: (c["numbers"]["left"] // MS, c["verdict"]) for c in note["candidates"]} == {
        0: (6, "won"), 1: (16, "worse"), 2: (14, "worse"), 3: (8, "worse")
    }  # fmt: skip
    assert trace.plain().digest() == Scenario(ShortestFirst, FIGURE).run().digest()


@pytest.mark.parametrize("scheduler", ["cooperative", "preemptive", "none", "sharing", "stealing"])
def test_those_of_the_kit_are_explained_too(scheduler):
    scenario = Scenario(scheduler, [{"name": "t", "count": 9, "work": {"mean": "5ms"}, "every": "2ms"}], cpus=3)
    plain = scenario.run()
    trace = plain.explain()
    assert trace.plain().digest() == plain.digest()
    names = {kind.id: kind.name for kind in trace.kinds.values()}
    decisions = 0
    for i, row in enumerate(trace.rows()):
        if trace.kinds[row.kind].decision:
            before = max(j for j in range(i) if names[trace.kind[j]] == "decided")
            note = trace.notes[trace.a[before]]
            winners = [c for c in note["candidates"] if c["verdict"] == "won"]
            assert [c["task"] for c in winners] == [row.who]
            best = min(c["numbers"][note["by"]] for c in note["candidates"])
            assert winners[0]["numbers"][note["by"]] == best, "the winner is the best by the judgement that is shown"
            decisions += 1
    assert decisions == len(picks(plain)) + plain.kind.count(plain.kind_named("keep").id)
    json.dumps(trace.notes)


class TwoLevels(Scheduler):
    """Who has used up a slice waits behind those who have not."""

    quantum = "4ms"
    watched = ("level",)

    def enqueue(self, task, cpu, why):
        task.level = 1 if why == "preempt" else 0
        self.ready.append(task)

    def pick(self, cpu, prev):
        task = min(self.ready, key=lambda task: task.level, default=None)
        if task is not None:
            self.ready.remove(task)
        return task

    def slice(self, cpu, task):
        return self.quantum * (1 + task.level)


def test_it_may_keep_fields_of_its_own_and_say_its_slices():
    trace = Scenario(TwoLevels, [{"name": "a", "work": "12ms"}, {"name": "b", "work": "2ms", "start": "3ms"}]).run()
    assert picks(trace) == ["a", "b", "a"]
    assert finished(trace) == {"b": 6 * MS, "a": 14 * MS}


def scheduler(**hooks):
    return type("Mine", (Scheduler,), {"__module__": "a cell", **hooks})


class Wrong(Scheduler):
    """Picks that no scheduler may make."""

    def keeps_in_queue(self, cpu, prev):
        return self.ready[0] if self.ready else None

    def a_name(self, cpu, prev):
        return "task 1"

    def a_cpu(self, cpu, prev):
        return cpu

    def raises(self, cpu, prev):
        return vars(self)["reddy"].popleft()

    def loops(self, cpu, prev):
        while True:
            pass


@pytest.mark.parametrize(
    ("pick", "error", "complaint"),
    [
        (Wrong.keeps_in_queue, PolicyError, "picks task 1 on CPU 0, but it is finished: pick must take the task"),
        (Wrong.a_name, PolicyError, "pick must return a task or None, not 'task 1'"),
        (Wrong.a_cpu, PolicyError, "pick must return a task or None, not CPU 0"),
        (Wrong.raises, LearnerError, "Mine.pick failed at 0 ns.*KeyError: 'reddy'"),
        (Wrong.loops, LearnerError, "Mine.pick does not come back"),
    ],
)
def test_what_goes_wrong_is_told(pick, error, complaint):
    with pytest.raises(error, match=complaint):
        Scenario(scheduler(pick=pick), FIGURE).run()


def test_a_task_that_is_never_picked_is_named_not_waited_for():
    with pytest.raises(PolicyError, match=r"task 1 is ready and every CPU is idle, but .*pick answers None"):
        Scenario(scheduler(pick=lambda self, cpu, prev: None), FIGURE).run()
    lazy = Scenario(scheduler(pick=lambda self, cpu, prev: None), FIGURE, until="1s").run()
    assert len(lazy) == 4, "with an end it is a run like any other: four arrivals"


def test_a_scheduler_without_pick_is_refused():
    with pytest.raises(ScenarioError, match="Mine has no pick"):
        Scenario(scheduler(), FIGURE)


@pytest.mark.parametrize("slice_", [0, -1, 2.5, "5ms"])
def test_a_slice_must_be_a_time(slice_):
    mine = scheduler(pick=lambda self, cpu, prev: self.ready.popleft(), slice=lambda self, cpu, task: slice_)
    with pytest.raises(PolicyError, match="slice must return whole nanoseconds"):
        Scenario(mine, FIGURE).run()


def test_the_quantum_of_a_class_is_checked():
    with pytest.raises(ScenarioError, match="quantum: 0 ns is too short"):
        Scenario(type("Mine", (ShortestFirst,), {"quantum": 0}), FIGURE).run()


def test_behaviours_may_be_functions():
    def editor():
        for _ in range(3):
            yield run(1 * MS)
            yield sleep(4 * MS)
        yield yield_cpu()
        yield run(1 * MS)

    assert finished(Scenario("cooperative", [{"name": "editor", "does": editor}]).run()) == {"editor": 16 * MS}


def forever_yielding():
    while True:
        yield yield_cpu()


@pytest.mark.parametrize(
    ("does", "error", "complaint"),
    [
        (forever_yielding, Loop, "has taken 10,000 steps at 0 ns without using time"),
        (lambda: [("run", 5)], LearnerError, "is no step"),
        (lambda: [(0, -5)], LearnerError, "run: -5 is not in"),
        (lambda: [(0, 1.5)], LearnerError, "run: a whole number"),
        (lambda: 1 // 0, LearnerError, "the behaviour of a failed at 0 ns: ZeroDivisionError"),
        (lambda: "run", LearnerError, "must return or yield steps"),
    ],
)
def test_a_behaviour_that_goes_wrong_is_told(does, error, complaint):
    with pytest.raises(error, match=complaint):
        Scenario("cooperative", [{"name": "a", "does": does}], until="1s").run()


def test_two_runs_of_one_scenario_do_not_meet():
    scenario = Scenario(ShortestLeft, FIGURE, cpus=2)
    assert scenario.run().digest() == scenario.run().digest()
    replay = Replay(scenario.run())
    replay.seek(len(replay.trace))
    assert replay.state["running"] == [-1, -1]
