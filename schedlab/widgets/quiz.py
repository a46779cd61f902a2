"""Questions with an answer to every choice: which rule a wrong one breaks, not only that it is wrong.

Question    what is asked, and two or more options
option      what can be chosen, what is said to whoever chooses it, and, for a wrong one, the idea that leads there
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import traitlets

from schedlab.views.card import card
from schedlab.views.payload import tame
from schedlab.widgets.board import Board, Stack, kit_css, kit_module

COLUMNS = 96  # of a text
LETTERS = "abcdefghi"  # of the options; the page chooses them by the digits 1 to 9
PICTURE_COLUMNS = 108  # of a line in a picture of 1000 px, in letters of 13 px


class Option(NamedTuple):
    """Something to choose. `idea` names the misconception that makes a wrong option look right."""

    says: str
    message: str
    right: bool = False
    idea: str = ""


class Question(NamedTuple):
    """One right option among several."""

    asks: str
    options: tuple[Option, ...]


def faults(question: Question) -> list[str]:
    """What is wrong with a question itself, a sentence each; empty when it can be asked."""
    found = []
    rights = sum(option.right for option in question.options)
    if not question.asks.strip():
        found.append("it asks nothing")
    if len(question.options) < 2:
        found.append("it has fewer than two options")
    if len(question.options) > len(LETTERS):
        found.append(f"it has more than {len(LETTERS)} options")
    if rights != 1:
        found.append(f"{rights} of its options are right, not one")
    if len({option.says for option in question.options}) < len(question.options):
        found.append("two options say the same")
    found += [f"the option {option.says!r} has no message" for option in question.options if not option.message.strip()]
    return found


class Quiz(Board):
    """Questions to answer in the page, also without a kernel. `answers`: [question, option, right] of each check."""

    _esm = kit_module("quiz.js", "quiz.end.js")
    _css = kit_css()
    answers: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, questions: Sequence[Question], title: str = "Questions", form: str = "quiz") -> None:
        """Raises ValueError when a question has not exactly one right option, or an option without a message."""
        for question in questions:
            for fault in faults(question):
                raise ValueError(f"the question {question.asks!r}: {fault}")
        self.questions = tuple(questions)
        self.title = title
        asked = [
            {
                "asks": question.asks,
                "options": [{"says": o.says, "message": o.message, "right": o.right} for o in question.options],
            }
            for question in questions
        ]
        super().__init__(head={"language": "en", "title": title, "form": form, "questions": asked})

    def lines(self, columns: int) -> list[str]:
        """The questions and what can be chosen; not what is right."""
        found: list[str] = []
        for number, question in enumerate(self.questions, start=1):
            first = f"{number} " if len(self.questions) > 1 else ""
            found += ["", *_wrapped(first, question.asks, columns)]
            for letter, option in zip(LETTERS, question.options):
                found += _wrapped(f"   ( ) {letter}  ", option.says, columns)
        return found

    def text(self) -> str:
        """Title, questions and options, without the answers."""
        return "\n".join([tame(self.title), *self.lines(COLUMNS)])

    def svg(self) -> str:
        """The same as a picture."""
        return card(self.title, self.lines(PICTURE_COLUMNS)[1:])


def _wrapped(first: str, text: str, columns: int) -> list[str]:
    return textwrap.wrap(tame(text), columns, initial_indent=first, subsequent_indent=" " * len(first))


def prediction(question: Question, reveals: Any = None, title: str = "Predict") -> Quiz | Stack:
    """One question, answered once; what it `reveals`, a widget, is covered until then."""
    card_ = Quiz([question], title=title, form="predict")
    return card_ if reveals is None else Stack(card_, reveals, still=card_, cover=True)
