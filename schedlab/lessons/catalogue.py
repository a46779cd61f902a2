"""Where a lesson's facts stand: one module for each part, found by its short name.

`linux_o1` answers to "o1", `start` to "start". Such a module may hold, as plain data:

RUNS         {"hook": Scenario(...)}; a function instead of a scenario is called for it (a recording is read that way)
QUESTIONS    (Question(...), ...): what `quiz` asks at the end
PREDICTIONS  {"empty": Question(...)}: what `predict_one` asks in the middle
EXERCISES    {"bonus": Exercise(...)}: what `exercise` gives
ELSEWHERE    (Elsewhere(...), ...): the same idea in the other systems
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from schedlab.scenario import nearest

if TYPE_CHECKING:
    from schedlab.exercises import Exercise
    from schedlab.widgets.quiz import Question

FAMILIES = ("start", "design", "linux", "golang", "kube", "stack")  # what a part's module is named after


class LessonError(ValueError):
    """A lesson, or something of it, that there is not: says what there is."""


@cache
def parts() -> Mapping[str, str]:
    """Short name to module name of every part."""
    import schedlab.lessons as here

    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(here.__path__):
        family, _, name = module.name.partition("_")
        if family in FAMILIES:
            short = name or family
            assert short not in found, f"two parts are called {short!r}: {found[short]} and {module.name}"
            found[short] = module.name
    return found


def part(name: str) -> ModuleType:
    """The module of a part. Raises LessonError with the nearest names."""
    if str(name) not in parts():
        raise LessonError(f"there is no part of a lesson called {name!r}{nearest(str(name), sorted(parts()))}")
    return importlib.import_module(f"schedlab.lessons.{parts()[name]}")


def found(name: str, table: str, what: str) -> Any:
    """The entry "part/name" of one of a part's tables. Raises LessonError."""
    if str(name).count("/") != 1:
        raise LessonError(f"{what} is named by a part and a name, such as 'o1/hook', not {name!r}")
    short, _, entry = name.partition("/")
    entries: Mapping[str, Any] = getattr(part(short), table, {})
    if entry not in entries:
        raise LessonError(f"{short} has no {what} called {entry!r}{nearest(entry, sorted(entries))}")
    return entries[entry]


def lesson(name: str) -> Any:
    """A run of a lesson: `lesson("o1/hook")`. A scenario, or the trace of a recording. Raises LessonError."""
    run = found(name, "RUNS", "run")
    return run() if callable(run) else run


def questions(name: str) -> tuple[Question, ...]:
    """The closing questions of a part. Raises LessonError."""
    asked: tuple[Question, ...] = getattr(part(name), "QUESTIONS", ())
    if not asked:
        raise LessonError(f"{name} has no questions")
    return asked


def exercise(name: str) -> Exercise:
    """An exercise: `exercise("o1/bonus")`. Raises LessonError."""
    return found(name, "EXERCISES", "exercise")
