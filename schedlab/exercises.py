"""Exercises that say which rule broke, and when; several right answers pass.

    check(MyPolicy, exercise)                a Report: which rules held, which broke and when, and a trace to look at
    score({17: "editor", 23: "hog"}, trace)  the Score of somebody who played the scheduler

An exercise is a set of scenarios, written with the reference scheduler; the answer takes its place in
every one of them. `held_back` scenarios are tried as well, so that an answer cannot be made for one
workload alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import Any, NamedTuple

from schedlab.laws import ALWAYS, Law, Violation
from schedlab.scenario import Scenario, ScenarioError
from schedlab.trace import NOBODY, Replay, Row, Trace
from schedlab.words import fill

MOST_SHOWN = 3  # moments of one rule that a report tells


class Goal(NamedTuple):
    """A number that the answer must reach: at most `limit` times the reference's, or at least, if `more` is better.

    `measure(trace)` gives a number or None (there is none, which fails). `unit` is "ns" or "".
    """

    id: str
    sentence: str
    measure: Callable[[Trace], float | None]
    limit: Fraction | int = 1
    more: bool = False
    unit: str = "ns"


class Diagnosis(NamedTuple):
    """A known wrong answer: when `applies(report, answer)`, the report says `message` besides the rule."""

    id: str
    applies: Callable[[Report, Any], bool]
    message: str


class Broken(NamedTuple):
    """A rule that did not hold: in which scenario, at which row and time (ns), and what happened, in words."""

    rule: str
    sentence: str
    says: str
    time: int
    row: int
    scenario: int


@dataclass(frozen=True)
class Exercise:
    """What is asked. The scenarios' own scheduler is the reference that goals are measured against."""

    title: str
    scenarios: Sequence[Scenario]
    rules: Sequence[Law] = ()
    goals: Sequence[Goal] = ()
    held_back: Sequence[Scenario] = ()
    diagnoses: Sequence[Diagnosis] = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # given to the answer's constructor

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise ValueError("an exercise needs at least one scenario")

    @property
    def all_rules(self) -> tuple[Law, ...]:
        """The exercise's rules, and before them those that hold for every scheduler."""
        own = {rule.id for rule in self.rules}
        return (*(law for law in ALWAYS if law.id not in own), *self.rules)


@dataclass
class Report:
    """What `check` found. `trace` is the run in which the first rule broke, or the first run if none did."""

    title: str
    answer: str
    held: list[str] = field(default_factory=list)  # sentences of the rules that held everywhere
    broken: list[Broken] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)  # messages of diagnoses
    error: str = ""  # the answer could not be run to its end
    trace: Trace | None = None
    scenario: int = 0  # the number of the scenario that `trace` is a run of

    @property
    def passed(self) -> bool:
        """Did every rule hold, in every scenario?"""
        return not self.broken and not self.error

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The moments for the player, in the order of time: `{"event": row, "time": ns, "rule": id, "say": words}`."""
        here = [one for one in self.broken if one.scenario == self.scenario]
        return [
            {"event": one.row, "time": one.time, "rule": one.rule, "say": one.says}
            for one in sorted(here, key=lambda one: (one.time, one.row, one.rule))
        ]

    @property
    def held_in_words(self) -> list[str]:
        """The rules that held: the exercise's own one by one, those of every run in one sentence."""
        always = {law.sentence for law in ALWAYS}
        found = [sentence for sentence in self.held if sentence not in always]
        number = len(self.held) - len(found)
        return [*found, f"The {number} laws of every run hold: nobody lost, no time made up."] if number else found

    def text(self) -> str:
        """The report in lines."""
        lines = [f"{self.title}: {self.answer} {'passes' if self.passed else 'does not pass yet'}"]
        if self.error:
            lines.append(f"  ✗ {self.error}")
        shown: dict[str, int] = {}
        for one in self.broken:
            shown[one.rule] = shown.get(one.rule, 0) + 1
            if shown[one.rule] == 1:
                lines.append(f"  ✗ {one.sentence}")
            if shown[one.rule] <= MOST_SHOWN:
                lines.append(f"      {_when(one)}: {one.says}")
        lines += [f"  → {hint}" for hint in self.hints]
        lines += [f"  ✓ {sentence}" for sentence in self.held_in_words]
        return "\n".join(lines)

    __repr__ = text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text())}</pre>"


def _when(one: Broken) -> str:
    return fill("{time:ms}, row {row}", {"time": one.time, "row": one.row}) + (
        f", scenario {one.scenario + 1}" if one.scenario else ""
    )


def check(answer: Any, exercise: Exercise) -> Report:
    """Put `answer` (a policy class, or a scheduler's name) in the place of the reference in every scenario.

    Never raises for what the answer does: an exception or an endless loop becomes the report's `error`.
    """
    name = answer if isinstance(answer, str) else getattr(answer, "__name__", repr(answer))
    report = Report(exercise.title, name)
    rules = exercise.all_rules
    judged: set[str] = set()
    for number, given in enumerate((*exercise.scenarios, *exercise.held_back)):
        trace, error = run_answer(answer, given, exercise.options)
        found = list(breaches(trace, rules, number)) if trace is not None else []
        if not error and trace is not None:
            found += missed_goals(trace, given, exercise.goals, number)
            judged = {*(rule.id for rule in rules), *(goal.id for goal in exercise.goals)}
        report.broken += found
        first_trouble = (found or error) and len(found) == len(report.broken)
        if number == 0 or first_trouble:
            report.trace, report.scenario = trace, number
        if error:
            report.error = error if number == 0 else f"{error} (scenario {number + 1})"
            break
    wrong = {one.rule for one in report.broken}
    if not report.error:
        sentences = [(rule.id, rule.sentence) for rule in rules] + [(one.id, one.sentence) for one in exercise.goals]
        report.held = [sentence for id_, sentence in sentences if id_ in judged - wrong]
    if not report.passed and not report.error:
        report.hints = [one.message for one in exercise.diagnoses if diagnosed(one, report, answer)]
    return report


def diagnosed(one: Diagnosis, report: Report, answer: Any) -> bool:
    """Is this the known wrong answer? A diagnosis may try the answer out, and what that raises means no."""
    try:
        return one.applies(report, answer)
    except Exception:
        return False


def run_answer(answer: Any, given: Scenario, options: Mapping[str, Any]) -> tuple[Trace | None, str]:
    """The run of an answer in one scenario, as far as it came, and what stopped it."""
    try:
        return given.but(scheduler=answer, options=options).run(), ""
    except (ScenarioError, RuntimeError) as error:  # what the guard or the machine says of the answer
        return getattr(error, "trace", None), str(error)
    except Exception as error:  # the answer has left the machine in a state that it cannot work with
        notes = " ".join(getattr(error, "__notes__", ()))
        return None, f"the machine cannot go on: {type(error).__name__}: {error} {notes}".rstrip()


def breaches(trace: Trace, rules: Iterable[Law], number: int) -> Iterable[Broken]:
    """Where the rules broke in one run, in the order of time."""
    found: list[tuple[Violation, str]] = []
    for rule in rules:
        found += [(violation, rule.sentence) for violation in rule.check(trace)]
    for violation, sentence in sorted(found):
        yield Broken(violation.rule, sentence, violation.says, violation.time, violation.row, number)


def missed_goals(trace: Trace, given: Scenario, goals: Sequence[Goal], number: int) -> list[Broken]:
    """Goals that this run misses; measured against a run of the reference."""
    if not goals:
        return []
    reference = given.run()
    found = []
    for goal in goals:
        got, theirs = goal.measure(trace), goal.measure(reference)
        if theirs is None:
            raise ValueError(f"the reference has no {goal.id}")
        wanted = Fraction(theirs) * Fraction(goal.limit)
        fine = got is not None and (Fraction(got) >= wanted if goal.more else Fraction(got) <= wanted)
        if not fine:
            form = "{value:dur}" if goal.unit == "ns" else "{value}"
            values = [fill(form, {"value": None if one is None else float(one)}) for one in (got, wanted)]
            says = f"{values[0]}, where {'at least' if goal.more else 'at most'} {values[1]} was asked for"
            found.append(Broken(goal.id, goal.sentence, says, trace.end, max(len(trace) - 1, 0), number))
    return found


# -- playing the scheduler -----------------------------------------------------------------------------


class Question(NamedTuple):
    """A decision to predict: row and time (ns) of the answer, the CPU, who could be chosen, and who was."""

    row: int
    time: int
    cpu: int
    candidates: tuple[int, ...]
    winner: int
    note: Mapping[str, Any] | None


class Wrong(NamedTuple):
    """A wrong choice, and the rule it broke, in words."""

    row: int
    time: int
    says: str


class Score(NamedTuple):
    """`right` of `asked`; `chance` is what choosing blindly gets on average, 0..1."""

    right: int
    asked: int
    skipped: int
    chance: float
    wrong: tuple[Wrong, ...]

    @property
    def percent(self) -> float:
        """0..100; a perfect player has 100."""
        return 100 * self.right / self.asked if self.asked else 100.0


def questions(trace: Trace, start: int = 0, stop: int | None = None) -> list[Question]:
    """The decisions in rows `start` to `stop` that were a choice, with what an explained trace knows of each."""
    replay = Replay(trace)
    note: Mapping[str, Any] | None = None
    found = []
    for i in range(len(trace) if stop is None else min(stop, len(trace))):
        row, kind = trace.row(i), trace.kinds[trace.kind[i]]
        if kind.name == "decided":
            note = trace.notes[row.a]
        elif kind.decision:
            candidates = tuple(one["task"] for one in note["candidates"]) if note else _could_run(trace, replay, row)
            if i >= start and len(candidates) > 1:
                found.append(Question(i, row.time, row.where, candidates, row.who, note))
            note = None
        replay.forward()
    return found


def _could_run(trace: Trace, replay: Replay, row: Row) -> tuple[int, ...]:
    """Without an explanation: who is ready in this CPU's queue, and who ran there until now and still could."""
    ready = trace.family.states.index("ready")
    state, kind = replay.state, trace.kinds[row.kind]
    runs = state["running"][row.where]
    blocks = kind.a == "task" and kind.b == "state" and row.b != ready
    return tuple(
        task
        for task, now in enumerate(state["state"])
        if (now == ready and state["home"][task] == row.where) or (task == runs and not blocks)
    )


def score(answers: Mapping[int, int | str | None], trace: Trace, start: int = 0, stop: int | None = None) -> Score:
    """Mark the choices of somebody who played the scheduler: a task's name or number for the row of each decision.

    A decision that is not answered (or answered None) counts as skipped. Ask with an explained trace
    (`trace.explain()`), and a wrong choice is told with the numbers that were compared.
    """
    asked = questions(trace, start, stop)
    wrong: list[Wrong] = []
    right = skipped = 0
    for question in asked:
        choice = answers.get(question.row)
        if choice is None:
            skipped += 1
        elif choice in (question.winner, trace.name("task", question.winner)):
            right += 1
        else:
            wrong.append(Wrong(question.row, question.time, _why_not(trace, question, choice)))
    chance = sum(Fraction(1, len(question.candidates)) for question in asked)
    return Score(right, len(asked), skipped, float(chance / len(asked)) if asked else 0.0, tuple(wrong))


def _why_not(trace: Trace, question: Question, choice: int | str) -> str:
    winner = trace.name("task", question.winner)
    names = {trace.name("task", task): task for task in question.candidates}
    task = choice if isinstance(choice, int) else names.get(choice, NOBODY)
    name = choice if isinstance(choice, str) else trace.name("task", task)
    if task not in question.candidates:
        return f"{name} could not run here; {winner} was chosen"
    if question.note is None:
        return f"{name} was not chosen, {winner} was"
    by, best = str(question.note["by"]), str(question.note["best"])
    one = next(entry for entry in question.note["candidates"] if entry["task"] == task)
    won = next(entry for entry in question.note["candidates"] if entry["task"] == question.winner)
    if one["verdict"] in question.note["filters"]:
        return f"{name} is not {one['verdict'].replace('_', ' ')}; {winner} was chosen"
    mine, theirs = (entry["numbers"].get(by) for entry in (one, won))
    rule = f"the {best} {by.replace('_', ' ')} wins"
    if mine == theirs:
        return f"{name} and {winner} both have {fill('{n}', {'n': mine})}; the tie goes to the {question.note['tie']}"
    return f"{rule}: {winner} has {fill('{n}', {'n': theirs})}, {name} {fill('{n}', {'n': mine})}"
