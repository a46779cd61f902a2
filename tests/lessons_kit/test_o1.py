"""The exercise of lesson 13: a right answer, three wrong ones and what each is told."""

from __future__ import annotations

import pytest

from schedlab.exercises import check, questions, score
from schedlab.goals import shares
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_o1 import RUNS, cost, napping, one_sleep
from schedlab.linux.o1 import O1, O1_2_6_22
from schedlab.scenario import Scenario
from schedlab.sim import MS, S


class Unrewarded(O1):
    def current_bonus(self, task):
        return 0


class ByNice(O1):
    def current_bonus(self, task):
        return 5 - task.nice // 4


class LastSleep(O1):
    def recalc_task_prio(self, task, now):
        task.sleep_avg = min(now - task.timestamp, self.ns_max_sleep_avg)
        task.prio = self.effective_prio(task)


class OneForOne(O1):
    def recalc_task_prio(self, task, now):
        slept = min(now - task.timestamp, self.ns_max_sleep_avg)
        task.sleep_avg = min(task.sleep_avg + slept, self.ns_max_sleep_avg)
        task.prio = self.effective_prio(task)


def test_the_kernel_as_it_was_keeps_a_compiler_waiting():
    report = check(O1, exercise("o1/bonus"))
    assert not report.passed
    assert report.broken[0].rule == "longest-wait"
    assert "archiver" in report.broken[0].says


@pytest.mark.parametrize("answer", [OneForOne, O1_2_6_22])
def test_counting_a_sleep_as_long_as_it_was_passes(answer):
    assert check(answer, exercise("o1/bonus")).passed


@pytest.mark.parametrize(
    ("answer", "told"), [(Unrewarded, "same bonus"), (ByNice, "nice value alone"), (LastSleep, "last sleep")]
)
def test_a_known_wrong_answer_is_told_its_own_reason(answer, told):
    report = check(answer, exercise("o1/bonus"))
    assert not report.passed
    assert len(report.hints) == 1
    assert told in report.hints[0]
    assert report.marks[0]["time"] > 0


def test_an_editor_is_interactive_after_one_sleep_of_70_ms():
    assert one_sleep(60 * MS)[0]["interactive"].startswith("no")
    assert one_sleep(70 * MS)[0]["interactive"].startswith("yes")
    assert one_sleep(800 * MS)[0]["bonus"] == "9 of 10, 7 needed"


def test_napping_pays():
    got = {work: napping(work)[0]["the compiler gets"] for work in ("5ms", "10ms", "200ms", "500ms", "1000ms")}
    assert got == {"5ms": "74 %", "10ms": "83 %", "200ms": "84 %", "500ms": "74 %", "1000ms": "58 %"}


def test_the_shares_that_the_lesson_names():
    honest, liar = (shares(RUNS[name].run()) for name in ("honest", "liar"))
    assert [f"{honest[name]:.0%}" for name in ("compiler", "archiver")] == ["47%", "44%"]
    assert [f"{liar[name]:.0%}" for name in ("compiler", "archiver")] == ["72%", "20%"]


def test_nice_19_needs_more_bonus_than_there_is():
    assert one_sleep(1 * S, 19)[0]["bonus"] == "10 of 10, 11 needed"
    assert one_sleep(700 * MS, 19)[0]["interactive"].startswith("no")


def test_the_cost_of_o_n_is_counted():
    assert cost(30)[0]["O(n) looks at"].startswith("30 tasks")


def test_the_game_has_thirteen_questions_and_no_place_in_the_list_always_wins():
    game = lesson("o1/game")
    assert isinstance(game, Scenario)
    trace = game.run().explain()
    asked = questions(trace)
    assert len(asked) == 13  # as the lesson says
    places = [sorted(one.candidates).index(one.winner) for one in asked]
    assert max(places.count(place) for place in places) <= 7
    assert round(score({}, trace).chance * 100) == 35  # as the lesson says
