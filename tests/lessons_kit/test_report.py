"""A report shown: every rule in words, the player where the first one broke, whatever the answer did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schedlab.lessons.catalogue import LessonError
from schedlab.lessons.checking import check, player_of
from schedlab.linux.o1 import O1


class NoBonus(O1):
    def current_bonus(self, task: Any) -> int:
        return 0


class Raises(O1):
    def current_bonus(self, task: Any) -> int:
        return 1 // 0


class Loops(O1):
    def pick(self, cpu: Any, prev: Any) -> Any:
        while True:
            pass


@pytest.fixture(scope="module")
def shown() -> Any:
    return check(NoBonus, "o1/bonus")


def test_it_says_which_rule_broke_when_and_which_held(shown):
    assert not shown.passed
    text = shown.text()
    assert "✗ The editor waits at most 20 ms" in text
    assert "      30 ms, row 10: the editor waits 188 ms" in text
    assert "✓ As much is computed" in text


def test_the_player_stands_where_the_first_rule_broke(shown):
    broken = shown.player.marks["broken"]
    assert broken[0]["time"] == shown.marks[0]["time"]
    assert broken[0]["rule"] == "The editor waits at most 20 ms in 95 of 100 cases"
    assert list(shown.children) == [shown.board, shown.player]


def test_a_rule_that_breaks_four_times_is_one_rule(shown):
    broken = [one._replace(time=one.time + k) for one in shown.report.broken for k in range(4)]
    player = player_of(replace(shown.report, held=["Nobody is lost.", "No time is made up."], broken=broken))
    assert player is not None
    assert len(player.marks["broken"]) == 4
    assert player.marks["rules"] == 3


def test_its_still_forms_hold_report_and_run(shown):
    assert "A bonus that programs cannot buy" in shown.svg()
    assert "An editor among three" in shown.svg()
    assert shown.svg() == check(NoBonus, "o1/bonus").svg()


def test_wrong_answers_get_messages_of_their_own():
    first = {answer: check(answer, "o1/bonus").report.broken[0].says for answer in (O1, NoBonus)}
    assert len(set(first.values())) == 2


@pytest.mark.parametrize(("answer", "says"), [(Raises, "ZeroDivisionError"), (Loops, "does not come back")])
def test_an_answer_that_fails_is_a_report_and_no_exception(answer, says):
    shown = check(answer, "o1/bonus")
    assert not shown.passed
    assert says in shown.text()
    assert "Traceback" not in shown.text()


def test_an_answer_that_differs_from_run_to_run_is_still_shown():
    class Odd(O1):
        runs = 0

        def attach(self, machine: Any) -> None:
            Odd.runs += 1
            super().attach(machine)

        def current_bonus(self, task: Any) -> int:
            return Odd.runs % 2

    assert check(Odd, "o1/bonus").player is not None


def test_an_exercise_that_there_is_not_is_told():
    with pytest.raises(LessonError, match="did you mean 'bonus'"):
        check(O1, "o1/bonos")


def test_a_name_is_never_markup():
    hostile = type("<img src=x onerror=alert(1)>", (NoBonus,), {})
    shown = check(hostile, "o1/bonus")
    assert "<img" not in shown.svg()


class Share(O1):
    def current_bonus(self, task: Any) -> int:
        return max(0, 10 - task.sum_exec * 25 // max(self.machine.now, 1))


class NobodyStays(O1):
    def is_interactive(self, task: Any) -> bool:
        return False


@pytest.mark.parametrize("answer", [Share, NobodyStays])
def test_several_right_answers_pass(answer):
    shown = check(answer, "o1/bonus")
    assert shown.passed, shown.text()
    assert shown.player is not None
    assert shown.player.marks["broken"] == []
    assert shown.player.marks["rules"] == len(shown.report.held)
