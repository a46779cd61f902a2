"""`quiz("o1")` and `predict_one("o1/empty")`: the questions of a part, as widgets."""

from __future__ import annotations

from typing import Any

from schedlab.lessons.catalogue import found, lesson, part, questions
from schedlab.scenario import Scenario
from schedlab.trace import Trace
from schedlab.widgets.board import Stack
from schedlab.widgets.quiz import Quiz, prediction


def quiz(name: str) -> Quiz:
    """The closing questions of a part. Raises LessonError for an unknown part."""
    return Quiz(questions(name), title=getattr(part(name), "QUIZ_TITLE", "Questions"))


def predict_one(name: str, reveals: Any = None, **player_options: Any) -> Quiz | Stack:
    """One question before its answer is shown.

    `reveals` is what is covered until then: a run or the name of one ("o1/swap"), which a player shows with
    `player_options`, or any widget. Raises LessonError.
    """
    question = found(name, "PREDICTIONS", "prediction")
    if isinstance(reveals, str):
        reveals = lesson(reveals)
    if isinstance(reveals, (Scenario, Trace)):
        from schedlab.widgets.play import play

        reveals = play(reveals, **player_options)
    return prediction(question, reveals)
