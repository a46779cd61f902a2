"""`check(Mine, "o1/bonus")`: a learner's answer judged, with every rule in words and the run where it broke."""

from __future__ import annotations

import re
from typing import Any

from schedlab import exercises
from schedlab.exercises import MOST_SHOWN, Exercise, Report
from schedlab.lessons.catalogue import LessonError
from schedlab.lessons.catalogue import exercise as named
from schedlab.views.card import card
from schedlab.widgets.board import Board, Stack, kit_css, kit_module
from schedlab.widgets.play import Playing, below, play
from schedlab.words import fill

NOT_A_LEARNERS = ("schedlab", "builtins", "abc", "typing")  # modules of classes


def check(answer: Any, exercise: Exercise | str) -> Checked:
    """Put `answer` through an exercise, given itself or by name ("o1/bonus"), and show what came of it.

    Never raises for what the answer does; raises LessonError for an exercise that there is not.
    """
    if isinstance(exercise, str):
        exercise = named(exercise)
    if not isinstance(exercise, Exercise):
        raise LessonError(f'an exercise is asked for, or the name of one such as "o1/bonus", not {exercise!r:.60}')
    report = exercises.check(answer, exercise)
    report.error = in_own_words(report.error, answer)
    return Checked(report)


def in_own_words(error: str, answer: Any) -> str:
    """An error told with the names of the learner's class: the machine knows hooks that a lesson does not speak of."""
    if not error or not isinstance(answer, type):
        return error
    mine, given = answer.__name__, str(getattr(answer, "name", ""))
    if given and given != mine:  # "stealing.order must name", "scheduler picks"
        error = re.sub(rf"(?<![\w.]){re.escape(given)}(?=\.\w+ must | picks | sends )", mine, error)
    theirs = [cls for cls in answer.__mro__ if cls.__module__.partition(".")[0] not in NOT_A_LEARNERS]
    own = [name for cls in theirs for name, value in vars(cls).items() if callable(value)]
    told = re.match(rf"{re.escape(mine)}\.(\w+)(?= failed at | does not come back)", error)
    if told and told[1] not in own:
        line = re.search(r"\(line \d+, in (\w+)\)", error)
        wrote = line[1] if line and line[1] in own else own[0] if len(own) == 1 else ""
        error = f"{mine}{wrote and '.'}{wrote}{error[told.end() :]}"
    return error.replace(", task idle", "")  # whom a CPU without a task runs


class ReportBoard(Board):
    """The verdict and a line for each rule, in words that a learner's names cannot turn into markup."""

    _esm = kit_module("report.js", "report.end.js")
    _css = kit_css()

    def __init__(self, report: Report) -> None:
        self.report = report
        verdict = "passes" if report.passed else "does not pass yet"
        title = f"{report.title}: {report.answer} {verdict}"
        super().__init__(
            head={
                "language": "en",
                "title": title,
                "passed": report.passed,
                "lines": [list(one) for one in told(report)],
            }
        )

    def text(self) -> str:
        """The report's own text."""
        return self.report.text()

    def svg(self) -> str:
        """The same lines on a card."""
        title, *lines = self.text().split("\n")
        return card(title, lines)


def told(report: Report) -> list[tuple[str, str]]:
    """What a report says, as (kind, words): errors, broken rules with their first moments, hints, rules that held."""
    found = [("error", report.error)] if report.error else []
    shown: dict[str, int] = {}
    for one in report.broken:
        shown[one.rule] = shown.get(one.rule, 0) + 1
        if shown[one.rule] == 1:
            found.append(("broken", one.sentence))
        if shown[one.rule] <= MOST_SHOWN:
            where = f", scenario {one.scenario + 1}" if one.scenario else ""
            found.append(("moment", f"{fill('{time:ms.3}', {'time': one.time})}{where}: {one.says}"))
    found += [("hint", hint) for hint in report.hints]
    return found + [("held", sentence) for sentence in report.held_in_words]


class Checked(Stack):
    """A report and the run it speaks of. `passed`, `marks` and `report` are the report's."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.board = ReportBoard(report)
        self.player = player_of(report)
        super().__init__(self.board, *([self.player] if self.player else []), still=self)

    @property
    def passed(self) -> bool:
        """Did every rule hold?"""
        return self.report.passed

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The broken moments of the run that is shown."""
        return self.report.marks

    def text(self) -> str:
        """The report, then the run."""
        return self.board.text() + (f"\n\n{self.player.text}" if self.player else "")

    def svg(self) -> str:
        """The report, and below it the run."""
        return below(self.board.svg(), self.player.picture) if self.player else self.board.svg()


def player_of(report: Report) -> Playing | None:
    """The run of a report in a player, at its first broken moment or where it failed; None where there is no run."""
    if report.trace is None or not len(report.trace):
        return None
    sentences = {one.rule: one.sentence.rstrip(".") for one in report.broken}
    marks = [{**mark, "rule": sentences[mark["rule"]]} for mark in report.marks]
    options: dict[str, Any] = {
        "marks": marks,
        "at": marks[0]["time"] if marks else report.trace.end if report.error else None,
        "rules": len(report.held) + len(sentences),
    }
    try:
        return play(report.trace, **options)
    except Exception:  # a learner's answer may go otherwise the second time, or fail in any way
        return play(report.trace, reasons=False, **options)
