"""A run as plain data and a seed: what can be run again, changed in one place, and compared.

    Scenario("o1", tasks=[{"name": "hog"}, {"name": "editor", "does": [...]}], until="2s").run()

Times are whole nanoseconds, or text with a unit: "250us", "10ms", "1.5s". Each family says in its
own module what a task may do and which schedulers there are; docs/scenario.md shows all keys.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from schedlab.guard import LearnerError, failed, is_ours, watched
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import Difference, Family, Recorder, Trace, first_difference

FAMILY_MODULES = {"linux": "schedlab.linux.scenario", "design": "schedlab.design.scenario"}
LONGEST_RUN = 3_600 * S  # ns: a run without `until` that is not over by then never ends
MOST_CPUS = 1024
LARGEST_SEED = 2**64
MOST_TASKS = 100_000
LONGEST_TIME = 2**53  # ns, 104 days: what a JavaScript number still holds exactly
LONGEST_TIME_TEXT = 100  # characters
MOST_NESTED = 100  # of lists and mappings inside each other
KEYS = ("scheduler", "tasks", "cpus", "until", "seed", "events", "machine", "options", "groups", "title")

_UNITS = {"ns": 1, "us": US, "µs": US, "ms": MS, "s": S, "min": 60 * S}
_TIME = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|min)\s*")


class ScenarioError(ValueError):
    """A scenario that cannot be run: says where, what was given and what is allowed."""


class Running(Protocol):
    """What a family makes of a scenario: a machine that is ready to start."""

    policy: Any
    names: Mapping[str, Sequence[str]]
    about: Mapping[str, Any]

    def start(self) -> None: ...
    def ended(self) -> bool: ...


class FamilyModule(Protocol):
    """What a family's `scenario` module offers."""

    FAMILY: Family
    SCHEDULERS: Mapping[str, Callable[..., Any]]

    def is_policy(self, scheduler: Any) -> bool: ...
    def policy_of(self, scenario: Scenario) -> Callable[..., Any]: ...
    def check(self, scenario: Scenario) -> tuple[Any, ...]: ...
    def check_event(self, event: Mapping[str, Any], where: str) -> Mapping[str, Any]: ...
    def may_never_end(self, scenario: Scenario) -> str | None: ...
    def build(self, scenario: Scenario, policy: Any, engine: Engine, recorder: Recorder) -> Running: ...


class Scenario:
    """What runs, on what, for how long. Immutable: `but` and `fork` make new ones.

    scheduler  a name ("v0.01", "o(n)", "o1", ...) or a policy class of yours
    tasks      a list of tasks, each a mapping; its keys are the family's
    cpus       how many CPUs
    until      when to stop; may be left out when every task ends by itself
    seed       names the random numbers
    events     what happens from outside: [{"at": "400ms", "renice": {"task": "editor", "nice": 5}}, ...]
    machine    settings of the machine, such as {"hz": 250, "switch": "2us"}
    options    settings of the scheduler, given to its constructor
    groups     control groups of its tasks, where the family has them: {"batch": {"weight": 50}, ...}
    """

    def __init__(
        self,
        scheduler: str | type,
        tasks: Iterable[Mapping[str, Any]],
        *,
        cpus: int = 1,
        until: int | str | None = None,
        seed: int | str = 0,
        events: Iterable[Mapping[str, Any]] = (),
        machine: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        groups: Mapping[str, Any] | None = None,
        title: str = "",
    ) -> None:
        self.scheduler = scheduler
        self.family = family_of(scheduler)
        self.cpus = whole(cpus, "cpus", least=1, most=MOST_CPUS)
        self.until = None if until is None else duration(until, "until", least=1)
        if isinstance(seed, bool) or not isinstance(seed, (int, str)):
            raise ScenarioError(f"seed: a whole number or a text, not {seed!r}")
        if isinstance(seed, int) and abs(seed) > LARGEST_SEED:
            raise ScenarioError("seed: a whole number of at most 64 bits, or a text")
        self.seed = seed
        self.machine = MappingProxyType(own(mapping({} if machine is None else machine, "machine")))
        self.options = MappingProxyType(own(mapping({} if options is None else options, "options")))
        self.groups = MappingProxyType(own(mapping({} if groups is None else groups, "groups")))
        if self.groups and not hasattr(self.family, "prepare"):
            raise ScenarioError(f"groups: {self.scheduler_name} knows no control groups")
        self.title = str(title)
        if isinstance(tasks, (str, bytes, Mapping)) or not isinstance(tasks, Iterable):
            raise ScenarioError(f"tasks: a list of tasks, not {tasks!r}")
        self.given_tasks = tuple(own(task) for task in tasks)
        if not self.given_tasks:
            raise ScenarioError("tasks: the list is empty; a scenario needs at least one task")
        if isinstance(events, (str, bytes, Mapping)) or not isinstance(events, Iterable):
            raise ScenarioError(f"events: a list of events, not {events!r}")
        self.events = tuple(self._event(event, i) for i, event in enumerate(events))
        self.tasks = self.family.check(self)
        self.policy()  # so that wrong options are told here
        endless = self.family.may_never_end(self)
        if self.until is None and endless:
            raise ScenarioError(f"{endless} never ends by itself: say `until`, for example until='2s'")

    def __repr__(self) -> str:
        return f"Scenario({self.scheduler_name!r}, {len(self.tasks)} tasks, {self.cpus} CPUs, seed {self.seed!r})"

    @property
    def scheduler_name(self) -> str:
        """The scheduler's name, also for a class."""
        return self.scheduler if isinstance(self.scheduler, str) else self.scheduler.__name__

    def _event(self, event: Any, i: int) -> Mapping[str, Any]:
        where = f"events[{i}]"
        event = own(mapping(event, where))
        if "at" not in event:
            raise ScenarioError(f"{where}: say when, with the key 'at'")
        checked = dict(self.family.check_event({k: v for k, v in event.items() if k != "at"}, where))
        return MappingProxyType({"at": duration(event["at"], f"{where}.at"), **checked})

    # -- running ------------------------------------------------------------------------------

    def policy(self) -> Any:
        """A fresh scheduler with the scenario's options. Raises ScenarioError for an option it does not take."""
        made = make_policy(self.family.policy_of(self), self.options, self.scheduler_name)
        prepare: Callable[..., None] | None = getattr(self.family, "prepare", None)
        if self.groups and prepare is not None:
            prepare(self, made)
        return made

    def run(self, record: bool = True, *, policy: Any = None, recorder: Recorder | None = None) -> Trace:
        """Run it. `record=False` keeps no rows; `policy` and `recorder` are for watchers.

        Raises LearnerError, or what the machine says of an impossible answer; its `trace` holds the rows up to there.
        """
        engine = Engine(self.seed)
        recorder = Recorder(self.family.FAMILY, on=record) if recorder is None else recorder
        policy = self.policy() if policy is None else policy
        outside = "" if is_ours(policy) else f"{self.scheduler_name}: code outside a hook"
        with watched(policy, lambda: engine.now, outside and f"{self.scheduler_name}.attach"):
            running = self.family.build(self, policy, engine, recorder)
        try:
            with watched(running.policy, lambda: engine.now, outside, lambda: len(recorder)):
                running.start()
                if self.until is not None:
                    engine.run(self.until)
                else:
                    engine.run_until(running.ended, LONGEST_RUN)
        except RuntimeError as error:  # a learner's code failed, or led the machine where it cannot go on
            vars(error)["trace"] = self._trace(running, recorder, engine.now)
            if isinstance(error, LearnerError):
                error.__traceback__ = None  # the way through the machine tells a learner nothing; the cause is kept
            raise
        except Exception as error:
            if not outside or isinstance(error, ScenarioError):
                raise
            said = f"the machine cannot go on: {type(error).__name__}: {error}"
            raise LearnerError(f"{said}. {self.scheduler_name} has changed, or answered, what it must not") from None
        if self.until is None and not running.ended():
            raise ScenarioError(f"the run is not over after {LONGEST_RUN // S} s of simulated time: say `until`")
        return self._trace(running, recorder, engine.now)

    def _trace(self, running: Running, recorder: Recorder, end: int) -> Trace:
        about = {"title": self.title or f"{self.scheduler_name}", **running.about}
        return Trace(
            recorder.family, recorder.columns, running.names, end=end, notes=recorder.notes, about=about, scenario=self
        )

    # -- changing -----------------------------------------------------------------------------

    def but(self, **changes: Any) -> Scenario:
        """The same scenario with some arguments changed: `but(scheduler="o1", cpus=2)`."""
        check_keys(changes, KEYS, "but()")
        given: dict[str, Any] = {
            "scheduler": self.scheduler, "tasks": self.given_tasks, "cpus": self.cpus, "until": self.until,
            "seed": self.seed, "events": self.events, "machine": self.machine, "options": self.options,
            "groups": self.groups, "title": self.title,
        }  # fmt: skip
        return Scenario(**{**given, **changes})

    def fork(self, at: int | str, change: Mapping[str, Any]) -> Scenario:
        """The same scenario with one thing more happening at time `at`; until then both runs are equal."""
        return self.but(events=[*self.events, {"at": at, **mapping(change, "fork")}])

    def compare(self, other: Scenario) -> tuple[Trace, Trace, Difference | None]:
        """Run both; return both traces and the first row in which they differ, None if in none."""
        if not isinstance(other, Scenario):
            raise ScenarioError(f"compare: another scenario, not {other!r}")
        a, b = self.run(), other.run()
        return a, b, first_difference(a, b)

    # -- as data ------------------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        """The scenario as JSON values. Raises ScenarioError where a behaviour or policy is Python code."""
        if not isinstance(self.scheduler, str):
            raise ScenarioError(
                f"scheduler: {self.scheduler_name} is a class; only named schedulers can be written down"
            )
        data: dict[str, Any] = {"scheduler": self.scheduler, "cpus": self.cpus, "seed": self.seed}
        if self.until is not None:
            data["until"] = self.until
        for key in ("machine", "options", "groups"):
            if getattr(self, key):
                data[key] = dict(getattr(self, key))
        if self.title:
            data["title"] = self.title
        if self.events:
            data["events"] = [dict(event) for event in self.events]
        data["tasks"] = [dict(task) for task in self.given_tasks]
        if not is_data(data):
            raise ScenarioError("a task's behaviour is Python code; only steps given as data can be written down")
        return data

    @staticmethod
    def from_data(data: Any) -> Scenario:
        """A scenario from JSON or YAML values. Raises ScenarioError with the place and the nearest known key."""
        data = mapping(data, "the scenario")
        check_keys(data, KEYS, "the scenario")
        for key in ("scheduler", "tasks"):
            if key not in data:
                raise ScenarioError(f"the scenario: the key '{key}' is missing")
        if not isinstance(data["scheduler"], str):
            raise ScenarioError(f"scheduler: a name, not {data['scheduler']!r}")
        rest = {key: value for key, value in data.items() if key not in ("scheduler", "tasks")}
        return Scenario(data["scheduler"], data["tasks"], **rest)

    @staticmethod
    def from_file(path: str | Path) -> Scenario:
        """A scenario from a `.yaml`, `.yml` or `.json` file, an rt-app workload too."""
        from schedlab.readers.scenarios import read_scenario  # needs the YAML library, which the core does without

        return read_scenario(path)


def own(value: Any, depth: int = 0) -> Any:
    """A copy of mappings and lists, so that whoever made them can change theirs; all else as it is."""
    if depth > MOST_NESTED:
        raise ScenarioError(f"more than {MOST_NESTED} lists and mappings inside each other, or one inside itself")
    if isinstance(value, Mapping):
        return {key: own(part, depth + 1) for key, part in value.items()}
    return [own(part, depth + 1) for part in value] if isinstance(value, list) else value


def is_data(value: Any) -> bool:
    """Nothing but what JSON has?"""
    if isinstance(value, (dict, list)):
        return all(map(is_data, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, (str, int, float))


# -- checking what people write ---------------------------------------------------------------------


def family_of(scheduler: Any) -> FamilyModule:
    """The family that has this scheduler. Raises ScenarioError with the nearest known names."""
    known: list[str] = []
    for module_name in FAMILY_MODULES.values():
        try:
            module: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and module_name.startswith(error.name):
                continue
            raise
        if isinstance(scheduler, str):
            if scheduler in module.SCHEDULERS:
                return module
            known += module.SCHEDULERS
        elif module.is_policy(scheduler):
            return module
    if not isinstance(scheduler, str):
        raise ScenarioError(f"scheduler: a name or a policy class, not {scheduler!r}")
    raise ScenarioError(f"scheduler: {scheduler!r} is unknown{nearest(scheduler, known)}")


def make_policy(factory: Callable[..., Any], options: Mapping[str, Any], name: str) -> Any:
    """Call a policy's constructor, with a clear message for an option that it does not take."""
    import inspect

    try:
        takes = dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        takes = {}
    check_keys(options, tuple(takes), f"options of {name}")
    missing = [p.name for p in takes.values() if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD]
    for key in missing:
        if key not in options:
            raise ScenarioError(f"options of {name}: {key!r} is missing; for example options={{{key!r}: ...}}")
    if is_ours(factory):
        try:
            return factory(**options)
        except ValueError as error:
            raise ScenarioError(f"options of {name}: {error}") from None
    with watched(None, lambda: 0, f"{name}.__init__"):
        try:
            return factory(**options)
        except ValueError as error:
            raise ScenarioError(f"options of {name}: {error}") from error
        except (Exception, SystemExit) as error:
            raise failed(f"{name}.__init__", 0, (), error) from error


def parts_of(policy: Any) -> tuple[Any, ...]:
    """The policies that this one is made of: itself, or the classes of a list."""
    return tuple(policy.parts()) if hasattr(policy, "parts") else (policy,)


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """A mapping with text keys, or ScenarioError."""
    if not isinstance(value, Mapping):
        raise ScenarioError(f"{where}: a mapping of keys to values, not {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise ScenarioError(f"{where}: the key {key!r} is not a text")
    return value


def check_keys(given: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    """Every key is known, or ScenarioError that names the nearest."""
    for key in given:
        if key not in allowed:
            raise ScenarioError(f"{where}: there is no key {key!r}{nearest(key, allowed)}")


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'? There are a, b, c` for an error message."""
    if not known:
        return "; none is taken here"
    close = difflib.get_close_matches(str(word).lower(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} There are: {', '.join(known)}"


def whole(value: Any, where: str, least: int, most: int) -> int:
    """A whole number in a range, or ScenarioError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(f"{where}: a whole number from {least} to {most}, not {value!r}")
    if not least <= value <= most:
        raise ScenarioError(f"{where}: {value} is not in {least}..{most}")
    return value


def duration(value: Any, where: str, least: int = 0) -> int:
    """A time in ns from a whole number of ns or text with a unit. Raises ScenarioError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ScenarioError(f"{where}: a time such as '10ms', or whole nanoseconds, not {value!r}")
    if isinstance(value, str):
        match = _TIME.fullmatch(value) if len(value) <= LONGEST_TIME_TEXT else None
        if match is None:
            raise ScenarioError(f"{where}: {value!r:.60} is not a time; write a number and one of {', '.join(_UNITS)}")
        exact = Decimal(match[1]) * _UNITS[match[2]]
        if exact != int(exact):
            raise ScenarioError(f"{where}: {value!r} is not a whole number of nanoseconds")
        value = int(exact)
    if value < least:
        raise ScenarioError(f"{where}: {value} ns is too short; at least {least} ns")
    if value > LONGEST_TIME:
        raise ScenarioError(f"{where}: {value} ns is too long; at most 2**53 ns, 104 days")
    return int(value)
