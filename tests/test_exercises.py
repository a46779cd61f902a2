"""check() says which rule broke and when; score() marks whoever plays the scheduler."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from schedlab import goals
from schedlab.exercises import Diagnosis, Exercise, Goal, check, questions, score
from schedlab.laws import WORK_CONSERVING, longest_wait, slice_respected
from schedlab.linux.kinds import READY
from schedlab.linux.policy import Policy
from schedlab.scenario import Scenario
from schedlab.sim import MS

QUANTUM_TICKS = 3


class RoundRobin(Policy):
    """The right answer: a line, and a quantum of three ticks."""

    def __init__(self):
        self.line = []
        self.used = 0

    def enqueue(self, task, cpu, why):
        self.line.append(task)

    def dequeue(self, task, cpu, why):
        self.line.remove(task)

    def pick(self, cpu, prev):
        self.used = 0
        return self.line[0] if self.line else None

    def tick(self, cpu, curr):
        if curr is cpu.idle:
            return
        self.used += 1
        if self.used >= QUANTUM_TICKS:
            self.line.remove(curr)
            self.line.append(curr)
            self.machine.resched(cpu)

    def preempts(self, cpu, woken):
        return cpu.curr is cpu.idle


class OtherRoundRobin(RoundRobin):
    """As right, with turns of two ticks."""

    def tick(self, cpu, curr):
        self.used += self.used == 0
        super().tick(cpu, curr)


class NeverPreempts(RoundRobin):
    """Wrong: forgets the quantum."""

    def tick(self, cpu, curr):
        """Nothing."""


class Loses(RoundRobin):
    """Wrong: takes a task out of the line when its turn is over, and does not put it back."""

    def tick(self, cpu, curr):
        self.used += 1
        if self.used >= QUANTUM_TICKS and curr in self.line and len(self.line) > 1:
            self.line.remove(curr)
            self.machine.resched(cpu)

    def dequeue(self, task, cpu, why):
        if task in self.line:
            self.line.remove(task)


class Lazy(RoundRobin):
    """Wrong: does not take the CPU when a task wakes on an idle one."""

    def preempts(self, cpu, woken):
        return False

    def tick(self, cpu, curr):
        if curr is cpu.idle and self.line:
            self.machine.resched(cpu)
        super().tick(cpu, curr)


TASKS: list[dict[str, Any]] = [
    {"name": "hog", "count": 2, "does": [{"run": "400ms"}]},
    {"name": "<b>editor</b>", "does": [{"repeat": [{"run": "2ms"}, {"sleep": "37ms"}], "times": 8}]},
]
GIVEN = Scenario("o(n)", TASKS, until="1200ms")
ALONE = GIVEN.but(tasks=[TASKS[1]])
ROUND_ROBIN = Exercise(
    title="Round robin",
    scenarios=[GIVEN, ALONE],
    rules=[WORK_CONSERVING, slice_respected(40 * MS), longest_wait(250 * MS)],
    goals=[Goal("makespan", "All is done as soon as 2.4 is done.", goals.makespan, Fraction(11, 10))],
    held_back=[GIVEN.but(tasks=[{"name": "hog", "count": 4, "does": [{"run": "60ms"}]}], seed=seed) for seed in (1, 2)],
    diagnoses=[
        Diagnosis(
            "no-quantum",
            lambda report, answer: (
                {one.rule for one in report.broken} >= {"slice"}
                and "nobody-lost" not in {one.rule for one in report.broken}
            ),
            "Nothing ends a turn: what does your tick do when a quantum is used up?",
        ),
        Diagnosis(
            "not-put-back",
            lambda report, answer: any(one.rule == "nobody-lost" for one in report.broken),
            "A task whose turn is over must go to the end of the line, not out of it.",
        ),
        Diagnosis(
            "sleeps-on",
            lambda report, answer: (
                any(one.rule == "work-conserving" for one in report.broken)
                and "nobody-lost" not in {one.rule for one in report.broken}
            ),
            "An idle CPU must be asked to choose when a task wakes: what does preempts say?",
        ),
    ],
)


@pytest.mark.parametrize("answer", [RoundRobin, OtherRoundRobin])
def test_several_right_answers_pass(answer):
    report = check(answer, ROUND_ROBIN)
    assert report.passed, report
    assert report.marks == []
    assert len(report.held) == len(ROUND_ROBIN.all_rules) + 1
    assert report.text().startswith(f"Round robin: {answer.__name__} passes\n  ✓ ")


@pytest.mark.parametrize(
    ("answer", "rule", "says", "hint"),
    [
        (NeverPreempts, "slice", "runs on CPU 0 for more than 40 ms while", "Nothing ends a turn"),
        (Loses, "nobody-lost", "has it fallen out of the queue?", "must go to the end of the line"),
        (
            Lazy,
            "work-conserving",
            "CPU 0 stands idle while <b>editor</b> is ready",
            "An idle CPU must be asked to choose",
        ),
    ],
)
def test_each_known_wrong_answer_has_its_own_message_and_moment(answer, rule, says, hint):
    report = check(answer, ROUND_ROBIN)
    assert not report.passed
    mine = [one for one in report.broken if one.rule == rule]
    assert mine, report
    assert any(says in one.says for one in mine), report
    assert len(report.hints) == 1, report
    assert hint in report.hints[0]
    assert report.trace is not None
    mark = next(mark for mark in report.marks if mark["rule"] == rule)
    assert 0 <= mark["event"] < len(report.trace)
    assert report.trace.time[mark["event"]] <= mark["time"] <= report.trace.end
    assert mark["say"] in report.text()


def test_the_moment_is_the_one_at_which_the_rule_broke():
    report = check(NeverPreempts, ROUND_ROBIN)
    mark = report.marks[0]
    assert (mark["rule"], mark["time"]) == ("slice", 40 * MS)
    assert "40 ms, row " in report.text()


def test_a_report_is_the_same_text_every_time():
    assert check(Loses, ROUND_ROBIN).text() == check(Loses, ROUND_ROBIN).text()
    assert repr(check(RoundRobin, ROUND_ROBIN)) == check(RoundRobin, ROUND_ROBIN).text()


def test_a_name_never_becomes_markup():
    report = check(Lazy, ROUND_ROBIN)
    assert "<b>editor</b>" in report.text()
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;editor" in report._repr_html_()


def test_an_answer_that_fails_only_in_a_held_back_scenario_does_not_pass():
    class MadeForOne(RoundRobin):
        def tick(self, cpu, curr):
            if len(self.machine.tasks) != 4:
                super().tick(cpu, curr)

    report = check(MadeForOne, ROUND_ROBIN)
    assert not report.passed
    assert report.scenario == 2
    assert report.trace is not None
    assert len(report.trace.names["task"]) == 4
    assert report.marks
    assert "scenario 3" in report.text()


def test_an_answer_that_raises_is_reported_with_the_rows_up_to_there():
    class Raises(RoundRobin):
        def tick(self, cpu, curr):
            return curr.prioritee

    report = check(Raises, ROUND_ROBIN)
    assert not report.passed
    assert report.error.startswith("Raises.tick failed at 10 ms, CPU 0, task hog0: AttributeError: ")
    assert report.trace is not None
    assert report.trace.end == 10 * MS
    assert report.held == []


def test_an_answer_that_loops_is_reported():
    class Loops(RoundRobin):
        def pick(self, cpu, prev):
            while True:
                pass

    assert check(Loops, ROUND_ROBIN).error.startswith("Loops.pick does not come back")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("o(m)", "did you mean 'o(n)'"),
        (42, "a name or a policy class, not 42"),
        (RoundRobin(), "a name or a policy class"),
        (type("Empty", (Policy,), {}), "Empty has no enqueue"),
        (type("Picks", (RoundRobin,), {"pick": lambda self, cpu, prev: "me"}), "must return a task or None, not 'me'"),
    ],
)
def test_what_is_no_answer_is_told(answer, words):
    report = check(answer, ROUND_ROBIN)
    assert words in report.error
    assert not report.passed


def test_an_answer_that_breaks_the_machine_is_told():
    class Breaks(RoundRobin):
        def enqueue(self, task, cpu, why):
            super().enqueue(task, cpu, why)
            task.remaining = "soon"

    assert check(Breaks, ROUND_ROBIN).error.startswith("the machine cannot go on: TypeError")


def test_the_reference_passes_its_own_goals():
    assert "makespan" not in {one.rule for one in check("o(n)", ROUND_ROBIN).broken}


def test_a_goal_that_is_missed_says_both_numbers():
    strict = Exercise("Short", [GIVEN], goals=[Goal("waits", "Nobody waits long.", goals.makespan, Fraction(1, 2))])
    (one,) = check(RoundRobin, strict).broken
    assert one.rule == "waits"
    assert " ms, where at most " in one.says


def test_an_exercise_without_scenarios_is_refused():
    with pytest.raises(ValueError, match="at least one scenario"):
        Exercise("Empty", [])


# -- you are the scheduler ----------------------------------------------------------------------------

PLAYED = Scenario("o(n)", TASKS, until="500ms").run()


@pytest.fixture(scope="module", params=["plain", "explained"])
def played(request):
    return PLAYED if request.param == "plain" else PLAYED.explain()


def test_a_perfect_player_has_all(played):
    asked = questions(played)
    assert len(asked) > 10
    perfect = score({one.row: one.winner for one in asked}, played)
    assert (perfect.percent, perfect.right, perfect.wrong) == (100.0, len(asked), ())
    by_name = score({one.row: played.name("task", one.winner) for one in asked}, played)
    assert by_name.percent == 100.0


def test_a_random_player_gets_what_chance_gives(played):
    asked = questions(played)
    chance = score({}, played).chance
    assert chance == pytest.approx(sum(1 / len(one.candidates) for one in asked) / len(asked))
    draw = random.Random(7)
    games = [score({one.row: draw.choice(one.candidates) for one in asked}, played).percent for _ in range(200)]
    assert sum(games) / len(games) == pytest.approx(100 * chance, abs=4)
    assert 100 * chance < 60


def test_nobody_is_asked_where_there_is_no_choice(played):
    assert all(len(one.candidates) > 1 for one in questions(played))


def test_a_skipped_decision_is_counted_and_not_right(played):
    asked = questions(played)
    result = score({asked[0].row: asked[0].winner, asked[1].row: None}, played)
    assert (result.right, result.skipped, result.wrong) == (1, len(asked) - 1, ())


def test_a_wrong_choice_names_the_rule_and_both_numbers():
    explained = PLAYED.explain()
    wrong = [
        score({one.row: next(task for task in one.candidates if task != one.winner)}, explained).wrong[0]
        for one in questions(explained)
    ]
    assert any("the highest goodness wins: " in one.says for one in wrong)
    assert all(one.says for one in wrong)
    question = questions(explained)[0]
    assert "could not run here" in score({question.row: "nobody I know"}, explained).wrong[0].says


def test_the_candidates_of_a_plain_trace_are_those_of_an_explained_one():
    explained = PLAYED.explain()
    plain, told = questions(PLAYED), questions(explained)
    assert [sorted(one.candidates) for one in plain] == [sorted(one.candidates) for one in told]
    assert [one.winner for one in plain] == [one.winner for one in told]
    assert READY == 1
