"""What the general views must be told of a family: which of its states is a bar, how its rules are shown.

A family's table is a `Look` called LOOK in `schedlab.views.<family>`; a family without one gets `PLAIN`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

from schedlab.views.payload import ASLEEP, RUNNING, WAITING

UNSEEN = -1  # a state that has no bar: not born yet, or gone


class Form(NamedTuple):
    """How the candidates of one judgement are shown.

    `columns` name judgements ("current_bonus"), watched fields ("field:time_slice"), and `terms`, in the form
    "terms", the parts of the sum: a name and the text that its line of source must hold. `many` are
    the parts that there are only with many CPUs. "minus:lag" is a judgement with its sign turned.
    `more` goes to `Payload.judge`; its texts `low` and `high` are keys of the words.
    """

    form: str
    columns: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    size: int = 0
    many: tuple[str, ...] = ()
    more: Mapping[str, Any] = {}


class Group(NamedTuple):
    """Places of one picture: `pattern` matches their names, with `cpu` and `level` as named groups."""

    pattern: str
    name: str  # key of the words, "place." is put in front
    kind: str  # of `Payload.place`
    levels: int = 1
    size: int = 0
    beside: tuple[str, ...] = ()  # groups that are shown with this one, also while they are empty
    ranked: bool = True  # the order of a list tells who is next; else it decides ties at most


class Change(NamedTuple):
    """What a fork can change: the key of the scenario's event, and its fields."""

    key: str
    fields: tuple[tuple[str, str, int, int], ...]  # id, type ("task" or "number"), least, most


class Look(NamedTuple):
    """A family's table."""

    lanes: str = "cpu"  # the name table whose entries are lanes
    tasks: str = "task"  # the name table whose entries run on them
    running: str = "running"  # the field that says who runs on a lane
    state: str = "state"  # the field that says what a task does
    home: str = ""  # the field that says on which lane's queue a task is
    bars: Mapping[str, int] = {}
    wakes: frozenset[str] = frozenset()  # kinds that draw the black triangle
    leads: frozenset[str] = frozenset()  # kinds that are a part of the choice that follows: thefts, pulls
    holds: Mapping[str, tuple[str, ...]] = {}  # kinds after which the lane is in the scheduler: columns of ns
    forms: Mapping[str, Form] = {}
    groups: tuple[Group, ...] = ()
    counts_down: frozenset[str] = frozenset()  # fields of which a plain step down is no news
    units: Mapping[str, str] = {}  # of fields and judgements: "ns"
    signed: frozenset[str] = frozenset()  # judgements whose column always has a sign
    titles: Mapping[str, str] = {}  # kind of the first group -> key of the queues panel's title
    changes: tuple[Change, ...] = ()


USUAL_BARS = {
    "running": RUNNING,
    "ready": WAITING,
    "runnable": WAITING,
    "waiting": WAITING,
    "asleep": ASLEEP,
    "sleeping": ASLEEP,
    "blocked": ASLEEP,
}
PLAIN = Look(bars=USUAL_BARS, wakes=frozenset({"wake"}))


def look_of(family: str) -> Look:
    """The table of a family."""
    module = f"schedlab.views.{family}"
    if not family.isidentifier() or importlib.util.find_spec(module) is None:
        return PLAIN
    return getattr(importlib.import_module(module), "LOOK", PLAIN)
