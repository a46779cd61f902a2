"""What happens to a running machine from outside: the events of a scenario, as the families share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

from schedlab.scenario import ScenarioError, check_keys, make_policy, mapping, nearest, parts_of


def read_event(event: Mapping[str, Any], keys: Sequence[str], where: str) -> tuple[str, Any]:
    """The one key that an event has besides `at`, and its value. Raises ScenarioError."""
    check_keys(event, keys, where)
    if len(event) != 1:
        raise ScenarioError(f"{where}: one of {', '.join(keys)} besides 'at', not {', '.join(event) or 'none'}")
    return next(iter(event.items()))


def in_words(key: str, value: Any) -> str:
    """An event in a few words, for the trace: "renice task editor, nice 5"."""
    if isinstance(value, Mapping):
        value = ", ".join(f"{name} {part}" for name, part in value.items())
    return f"{key} {value}"


def task_named(tasks: Iterable[Any], name: str, now: int) -> Any:
    """The task of that name. Raises ScenarioError with the nearest."""
    names = []
    for task in tasks:
        if task.name == name:
            return task
        names.append(task.name)
    raise ScenarioError(f"events: no task is called {name!r} at {now} ns{nearest(name, names)}")


def check_set(factory: Callable[..., Any], options: Mapping[str, Any], changed: Any, name: str, where: str) -> None:
    """Would a scheduler with these options take the change? Raises ScenarioError."""
    changed = mapping(changed, where)
    if hasattr(factory, "ops_class"):
        raise ScenarioError(f"{where}: what is loaded into sched_ext cannot change its options while it runs")
    if not signature(factory).parameters:
        raise ScenarioError(f"{where}: {name} has no options")
    try:
        make_policy(factory, {**options, **changed}, name)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from None


def set_options(policy: Any, fresh: Any) -> None:
    """Give a running scheduler the options of a `fresh` one of its kind."""
    for old, new in zip(parts_of(policy), parts_of(fresh), strict=True):
        for name in signature(type(new)).parameters:
            if hasattr(new, name):
                setattr(old, name, getattr(new, name))
        old.tune()
