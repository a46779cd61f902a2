"""`check(Mine, exercise("o1/bonus"))`: a learner's answer judged, and shown where it broke."""

from __future__ import annotations

from typing import Any

from schedlab import exercises
from schedlab.lessons.catalogue import exercise as named
from schedlab.widgets.report import Checked


def check(answer: Any, exercise: exercises.Exercise | str) -> Checked:
    """Put `answer` through an exercise, given itself or by name ("o1/bonus"), and show what came of it.

    Never raises for what the answer does; raises LessonError for an exercise that there is not.
    """
    if isinstance(exercise, str):
        exercise = named(exercise)
    return Checked(exercises.check(answer, exercise))
