"""Lesson 11: its numbers, a right answer to its exercise, three wrong ones and what each is told."""

from __future__ import annotations

import pytest

from schedlab.exercises import check, questions, score
from schedlab.goals import cpu_time, latency
from schedlab.lessons.catalogue import exercise, lesson, part
from schedlab.lessons.linux_v001 import counter_after, crowd, handing_over, saved
from schedlab.linux.v001 import V001
from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.trace import Trace
from schedlab.widgets.quiz import faults


class ByCounter(V001):
    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle or woken.counter > cpu.curr.counter


class ByCounterAndSlot(V001):
    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle or (woken.counter, woken.slot) > (cpu.curr.counter, cpu.curr.slot)


class ByPriority(V001):
    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle or woken.priority > cpu.curr.priority


class Always(V001):
    def preempts(self, cpu, woken):
        return True


class Backwards(V001):
    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle or woken.counter < cpu.curr.counter


def ran(name: str) -> Trace:
    run = lesson(name)
    assert isinstance(run, Scenario)
    return run.run()


@pytest.mark.parametrize("answer", [ByCounter, ByCounterAndSlot])
def test_comparing_what_the_walk_compares_passes(answer):
    assert check(answer, exercise("v001/wake")).passed


@pytest.mark.parametrize(
    ("answer", "rule", "told"),
    [
        (ByPriority, "shell-prompt", "29 ticks does not interrupt"),
        (Always, "no-vain-walk", "Whoever wakes interrupts"),
        (Backwards, "shell-prompt", "not the other way round"),
    ],
)
def test_a_known_wrong_answer_is_told_its_own_reason(answer, rule, told):
    report = check(answer, exercise("v001/wake"))
    assert not report.passed
    assert {one.rule for one in report.broken} == {rule}
    assert len(report.hints) == 1
    assert told in report.hints[0]
    assert report.marks[0]["time"] > 0


def test_the_kernel_as_it_was_keeps_a_key_press_waiting():
    report = check(V001, exercise("v001/wake"))
    assert report.broken[0].says == "the shell waits 125 ms at the 95th percentile"
    assert report.broken[0].time == 175 * MS


def test_the_hook_waits_125_ms_with_15_ticks_against_13():
    trace = ran("v001/hook").explain()
    assert latency(trace, ["shell"]).longest == 125 * MS
    wake = next(i for i, row in enumerate(trace.rows()) if row.time == 175 * MS)
    counters = {trace.name("task", row.who): row.a for row in list(trace.rows())[:wake] if row.kind == 210}
    assert counters["compiler"] == 13
    assert counters.get("shell", 15) == 15


def test_three_programs_run_in_the_order_of_falling_slots():
    trace = ran("v001/round")
    turns = [trace.name("task", row.who) for kind in ("resume", "switch") for row in trace.table(kind)]
    assert turns[:6] == ["indexer", "archiver", "compiler"] * 2


def test_a_sleeper_saves_up_to_twice_its_priority_less_one():
    assert [counter_after(n, 15) for n in range(6)] == [15, 22, 26, 28, 29, 29]
    assert all(counter_after(12, priority) == 2 * priority - 1 for priority in (5, 10, 15, 20, 30))
    assert saved(0, 15)[0]["the next refill makes it"].endswith(": 22")


def test_among_62_programs_one_waits_for_61_quanta_and_a_key_for_less_than_one():
    facts = crowd(62)[0]
    assert facts["a program that computes waits"] == "9.15 s = 61 × 150 ms"
    assert facts["a key press waits at most"] == "125 ms"


def test_the_64th_fork_is_refused_until_the_dead_are_collected():
    trace = ran("v001/full")
    assert [row.time for row in trace.table("no_slot")] == [100 * MS]
    at_100 = [row for row in trace.table("spawn") if row.time < 100 * MS]
    assert len(at_100) == 63
    assert [row.time for row in trace.table("spawn")][63:] == [120 * MS]


def test_a_relay_starves_the_compiler_until_its_stint_is_a_quantum():
    assert cpu_time(ran("v001/relay"))["compiler"] == 0
    assert cpu_time(ran("v001/worker"))["compiler"] == 600 * MS
    assert handing_over(140 * MS)[0]["the compiler gets"] == "0 % of the CPU"
    assert handing_over(150 * MS)[0]["the compiler gets"] == "50 % of the CPU"


def test_the_game_has_11_questions_and_guessing_gets_37_percent():
    trace = ran("v001/game").explain()
    asked = questions(trace)
    assert len(asked) == 11
    perfect = score({one.row: one.winner for one in asked}, trace)
    assert perfect.percent == 100
    for position in (0, -1):
        assert sum(sorted(one.candidates)[position] == one.winner for one in asked) < 6
    assert round(100 * perfect.chance) == 37


def test_its_questions_can_be_asked():
    module = part("v001")
    assert len(module.QUESTIONS) == 5
    for one in (*module.QUESTIONS, *module.PREDICTIONS.values()):
        assert faults(one) == []
