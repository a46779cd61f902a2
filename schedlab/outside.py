"""What happens to a running machine from outside: the events of a scenario, as the families share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schedlab.scenario import ScenarioError, check_keys, nearest


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


def set_options(policy: Any, options: Mapping[str, Any]) -> None:
    """Change settings of a scheduler while it runs. Raises ScenarioError for one that it lacks, or of another type."""
    for name, value in options.items():
        old = getattr(policy, name, None)
        if name.startswith("_") or not isinstance(old, (int, str, float)):
            known = [key for key, held in vars(policy).items() if isinstance(held, (int, str, float))]
            raise ScenarioError(f"set: {policy.name} has no setting {name!r}{nearest(name, known)}")
        if type(value) is not type(old):
            raise ScenarioError(f"set: {name} is {old!r} now, so it cannot become {value!r}")
        setattr(policy, name, value)
