"""The exercise of lesson 13: a right answer, three wrong ones and what each is told."""

from __future__ import annotations

import pytest

from schedlab.exercises import check, questions
from schedlab.lessons.catalogue import exercise, lesson
from schedlab.lessons.linux_o1 import cost, napping, one_sleep
from schedlab.linux.o1 import O1, O1_2_6_22
from schedlab.scenario import Scenario
from schedlab.sim import MS


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
    assert one_sleep(800 * MS)[0]["bonus"] == "9 of 10"


def test_napping_pays():
    assert napping(10 * MS)[0]["the compiler gets"] == "81 %"


def test_the_cost_of_o_n_is_counted():
    assert cost(30)[0]["O(n) looks at"].startswith("30 tasks")


def test_the_game_has_about_ten_questions():
    game = lesson("o1/game")
    assert isinstance(game, Scenario)
    assert len(questions(game.run())) == 13  # as the lesson says
