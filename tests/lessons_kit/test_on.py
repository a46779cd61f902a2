"""Lesson 12: its numbers, right answers to its exercise, wrong ones and what each is told."""

from __future__ import annotations

import pytest

from schedlab.exercises import check, questions, score
from schedlab.goals import cpu_time, segments
from schedlab.lessons.catalogue import exercise, lesson, part
from schedlab.lessons.linux_on import gap, nice_share, scan, scored, terms, turns
from schedlab.linux.on import ON, nice_to_ticks
from schedlab.scenario import Scenario
from schedlab.sim import MS, S
from schedlab.trace import Trace
from schedlab.widgets.quiz import faults


class ATickALevel(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (task.counter >> 1) + 20 - task.nice + 1


class FewerTicks(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (task.counter >> 1) + max(10 - task.nice, 1)


class Halved(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (task.counter >> 1) + ((20 - task.nice) >> 1) + 1


class AllAlike(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = 6


class Quarters(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (20 - task.nice) / 4


class Reversed(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (task.counter >> 1) + 20 + task.nice


class TenTicksALevel(ON):
    def new_epoch(self):
        for task in self.machine.tasks.values():
            task.counter = (task.counter >> 1) + 10 * (20 - task.nice)


def ran(name: str) -> Trace:
    run = lesson(name)
    return run.run() if isinstance(run, Scenario) else run


def order(trace: Trace) -> list[str]:
    return [trace.name("task", turn.task) for turn in segments(trace)]


@pytest.mark.parametrize("answer", [ATickALevel, FewerTicks])
def test_one_tick_a_level_passes(answer):
    assert check(answer, exercise("on/nice")).passed


@pytest.mark.parametrize(
    ("answer", "rule", "told"),
    [
        (Halved, "every-level", "a shift to the right"),
        (AllAlike, "every-level", "Every nice value gets the same ticks."),
        (Quarters, "every-level", "parts of a tick"),
        (Reversed, "every-level", "nicer to the others"),
        (TenTicksALevel, "longest-wait", "longer than the wait"),
    ],
)
def test_a_known_wrong_answer_is_told_its_own_reason(answer, rule, told):
    report = check(answer, exercise("on/nice"))
    assert not report.passed
    assert {one.rule for one in report.broken} == {rule}
    assert len(report.hints) == 1
    assert told in report.hints[0]
    assert report.marks[0]["time"] > 0


def test_the_kernel_as_it_was_does_not_tell_the_levels_apart():
    assert {one.rule for one in check(ON, exercise("on/nice")).broken} == {"every-level"}


def test_the_last_of_an_epoch_is_the_first_of_the_next():
    turns_of_hook = [(start // MS, stop // MS) for _task, _cpu, start, stop in segments(ran("on/hook"))][:3]
    assert turns_of_hook == [(0, 60), (60, 120), (120, 240)]
    one, two, three = "compiler", "archiver", "indexer"
    assert order(ran("on/epochs"))[:7] == [three, two, one, three, two, three, one]  # 3 2 1 | 1 3 2 | 2 3 1 | 1 ...


def test_goodness_is_27_against_26_for_the_page_tables():
    assert scored(6, 0, mm=True) == 27
    assert scored(6, 0, mm=False) == scored(11, 5, mm=False) == 26
    assert scored(0, -20, mm=True) == 0
    assert scored(6, 0, mm=False, cpus=2) == 26 + 15
    assert scored(0, 0, mm=False, fifo=1) == 1001
    assert terms(6, 0, "this task", 1)[0]["goodness"] == "27"


def test_nice_19_never_beats_one_tick_of_nice_0():
    assert scored(1, 0, mm=False) == 21
    most = 2 * nice_to_ticks(19, 100) - 1  # a sleeper's ceiling
    assert scored(most, 19, mm=True) < 21


def test_a_tenth_of_the_cpu_goes_at_500_programs():
    assert scan(500)[0]["if a task costs 100 ns"] == "10.1 % of the CPU"
    assert scan(300)[0]["if a task costs 100 ns"] == "6.1 % of the CPU"


def test_a_hundred_programs_wait_six_seconds_in_2_4_and_some_nearly_twelve():
    assert turns(100) == (6 * S, 5_940 * MS, 11_880 * MS)
    assert gap(100)[0]["2.2, an epoch"] == "21 s = 100 × 210 ms"


def test_the_first_nice_values_that_count_are_1_and_minus_4():
    half = nice_share(0)[0]["share of the CPU"]
    assert [nice_share(value)[0]["share of the CPU"] == half for value in (-4, -3, -1, 1)] == [False, True, True, False]
    assert len({nice_to_ticks(value, 100) for value in range(-20, 20)}) == 11


def test_forking_makes_no_time_in_2_4():
    assert cpu_time(ran("on/relay-then"))["compiler"] == 0
    assert cpu_time(ran("on/relay"))["compiler"] == 500 * MS
    trace = ran("on/relay").explain()
    at_fork = [row.a for row in trace.rows() if row.time == 260 * MS and row.kind == 210]
    assert at_fork == [4, 2, 2]  # the tick, then the parent's half and the child's


def test_the_recording_and_the_model_have_the_same_turns():
    kernel, model = ran("on/kernel"), ran("on/model")
    assert order(kernel) == order(model)
    apart = [abs(one.start - two.start) for one, two in zip(segments(kernel), segments(model))]
    assert max(apart) < 5 * MS
    lengths = [round((turn.stop - turn.start) / MS) for turn in segments(kernel) if 165 * MS < turn.start < 460 * MS]
    assert lengths == [120, 60, 120]


def test_the_game_has_12_questions_and_guessing_gets_31_percent():
    trace = ran("on/game").explain()
    asked = questions(trace)
    assert len(asked) == 12
    perfect = score({one.row: one.winner for one in asked}, trace)
    assert perfect.percent == 100
    assert round(100 * perfect.chance) == 31
    for position in (0, -1):
        assert sum(sorted(one.candidates)[position] == one.winner for one in asked) < 6


def test_its_questions_can_be_asked():
    module = part("on")
    assert len(module.QUESTIONS) == 5
    for one in (*module.QUESTIONS, *module.PREDICTIONS.values()):
        assert faults(one) == []
