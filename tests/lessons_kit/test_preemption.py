"""Lesson 02: its figures, what its text says of runs, its exercise with right and wrong answers, its assumptions."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.design.results import results
from schedlab.design.scheduler import Scheduler
from schedlab.exercises import check, questions
from schedlab.goals import latency
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.design_preemption import (
    FIGURE,
    QUANTA,
    all_quanta,
    mean_done,
    ms,
    politeness,
    price,
    quantum,
)
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import Trace


def run(name: str) -> Trace:
    made = lesson(f"preemption/{name}")
    return made.run() if isinstance(made, Scenario) else made


# -- what the text says ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "switches", "mean"), [("cooperative", 4, 27), ("preemptive", 6, 31)])
def test_the_hook_says_how_many_switches_and_when_a_task_is_done(name, switches, mean):
    trace = run(name)
    assert (results(trace).switches, mean_done(trace), trace.end) == (switches, mean * MS, 44 * MS)


def test_shortest_first_is_done_after_23_ms_on_average():
    assert mean_done(Scenario(Shortest, FIGURE).run()) == 23 * MS


def test_an_editor_starves_beside_a_backup_only_without_preemption():
    assert latency(run("starves"), ["editor"]).number == 0
    assert latency(run("relieved"), ["editor"]).longest == 3 * MS


def test_a_polite_backup_bounds_the_wait_and_an_impolite_one_does_not():
    waits = {works: politeness(works)[0]["its longest wait"] for works in ("5ms", "10ms", "20ms", "never")}
    assert waits == {"5ms": "4.2 ms", "10ms": "8.4 ms", "20ms": "16.3 ms", "never": "372.9 ms"}


def test_as_much_is_spent_by_six_switches_at_1_ms_as_by_four_at_1_5_ms():
    part = "spent on switching"
    assert price(1 * MS)[0][1][part] == price(MS + MS // 2)[0][0][part] == "12.0 %"
    assert [row["switches"] for row in price(0)[0]] == [4, 6]


def bounds(switch_ns: int) -> list[int]:
    """Quanta (ms) that lose less than 10 % and keep the editor under 20 ms."""
    waits, losses = all_quanta(switch_ns)[1].series.values()
    return [int(q) for (q, wait), (_q, loss) in zip(waits, losses) if wait < 20 and loss < 10]


def test_some_quantum_keeps_both_promises_until_a_switch_is_too_dear():
    assert bounds(MS // 2) == [5, 6]
    assert bounds(2 * MS) == []


def test_a_longer_quantum_waits_longer_and_loses_less():
    waits, losses = ([y for _x, y in points] for points in all_quanta(MS // 2)[1].series.values())
    assert len(waits) == len(QUANTA)
    assert waits == sorted(waits)
    assert losses == sorted(losses, reverse=True)
    assert quantum(10 * MS)[0]["the editor waits at most"] == "31.5 ms"


def test_the_game_asks_about_ten_times_and_guessing_gets_30_percent():
    asked = questions(run("game").explain())
    assert len(asked) == 11
    assert round(sum(1 / len(one.candidates) for one in asked) / len(asked), 1) == 0.3


def test_a_time_that_never_came_is_said():
    assert (ms(None), ms(3 * MS)) == ("never", "3 ms")


# -- the exercise --------------------------------------------------------------------------------------------


class ByKey(Scheduler):
    quantum = "10ms"

    def key(self, task: Any) -> int:
        return 0

    def pick(self, cpu: Any, prev: Any) -> Any:
        if not self.ready:
            return None
        task = min(self.ready, key=self.key)
        self.ready.remove(task)
        return task


class Shortest(ByKey):
    def key(self, task: Any) -> int:
        return int(task.remaining)


class Longest(ByKey):
    def key(self, task: Any) -> int:
        return -int(task.remaining)


class Last(ByKey):
    def pick(self, cpu: Any, prev: Any) -> Any:
        return self.ready.pop() if self.ready else None


class EveryFourth(Shortest):
    picks = 0

    def pick(self, cpu: Any, prev: Any) -> Any:
        self.picks += 1
        if self.picks % 4 or not self.ready:
            return super().pick(cpu, prev)
        return self.ready.popleft()


class Patience(Shortest):
    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        task.since = self.machine.now
        super().enqueue(task, cpu, why)

    def pick(self, cpu: Any, prev: Any) -> Any:
        if self.ready and self.machine.now - self.ready[0].since > 30 * MS:
            return self.ready.popleft()
        return super().pick(cpu, prev)


class Stays(ByKey):
    def pick(self, cpu: Any, prev: Any) -> Any:
        return self.ready[0] if self.ready else None


@pytest.mark.parametrize("answer", [EveryFourth, Patience])
def test_several_right_answers_pass(answer):
    report = check(answer, exercise("preemption/shortest"))
    assert report.passed, report.text()


@pytest.mark.parametrize(
    ("answer", "rules", "says"),
    [
        (ByKey, {"mean-done"}, "You take who came first"),
        (Shortest, {"longest-wait"}, "nothing bounds the wait of the report"),
        (Longest, {"longest-wait", "mean-done"}, "You take the longest"),
        (Last, {"longest-wait", "mean-done"}, "You take who came last"),
    ],
)
def test_known_wrong_answers_get_messages_of_their_own(answer, rules, says):
    report = check(answer, exercise("preemption/shortest"))
    assert {one.rule for one in report.broken} == rules, report.text()
    assert [says in hint for hint in report.hints] == [True]


def test_who_forgets_to_take_a_task_out_of_the_line_is_told():
    assert (
        "pick must take the task that it returns out of its queue"
        in check(Stays, exercise("preemption/shortest")).error
    )


# -- what is simplified --------------------------------------------------------------------------------------


def test_every_switch_has_one_price():
    """toy-switch-is-one-price: the time that is lost is the number of switches times the price."""
    for name in ("cooperative", "preemptive"):
        made = lesson(f"preemption/{name}")
        assert isinstance(made, Scenario)
        dear = made.but(machine={"switch": "1ms"}).run()
        assert dear.end - made.run().end == results(dear).switches * MS


def test_a_quantum_ends_exactly():
    """toy-quantum-is-exact: a quantum of 1,234,567 ns ends then."""
    trace = Scenario("preemptive", FIGURE, options={"quantum": 1_234_567}).run()
    assert trace.table("switch")[0].time == 1_234_567


def test_waking_does_not_end_a_quantum():
    """toy-waking-does-not-preempt: a key comes at 17 ms, and the backup keeps the CPU until 20 ms."""
    trace = run("relieved")
    assert trace.table("wake")[0].time == 17 * MS
    assert next(row.time for row in trace.table("switch") if row.time > 0) == 20 * MS


def test_the_work_that_is_left_can_be_read():
    """toy-knows-the-work: shortest first is four lines, because `remaining` is there."""
    trace = Scenario(Shortest, FIGURE).run()
    assert [trace.name("task", row.who) for row in trace.table("exit")] == ["task 1", "task 4", "task 3", "task 2"]
