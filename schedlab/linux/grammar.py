"""What a Linux task does, as a scenario gives it: its steps, and the class that it asks for.

A step is "yield", "exit", "exec", "reap", or one key with its value: run, system, sleep, disk, wait, wake,
alarm, renice, setscheduler, lock, unlock, fork, and what schedlab.behaviour knows: repeat, and times that are random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from schedlab.behaviour import Grammar, Making, Part, always, own_steps, read_behaviour, read_timed
from schedlab.linux import task as steps
from schedlab.linux.deadline import DLEntity
from schedlab.linux.machine import Machine
from schedlab.linux.task import (
    CLASSES,
    FOREVER,
    NICE_MAX,
    NICE_MIN,
    POLICY_NAMES,
    RT_MAX,
    RT_MIN,
    SCHED_EXT,
    Refused,
    Step,
)
from schedlab.scenario import ScenarioError, check_keys, duration, mapping, nearest, whole

CLASS_KEYS = ("class", "rt_priority", "runtime", "deadline", "period")
DEADLINE_KEYS = ("runtime", "deadline", "period")
BORN_KEYS = ("nice",)  # what fork() can give a child that it does not inherit
TIMED = {"run": steps.run, "system": steps.system, "sleep": steps.sleep, "disk": steps.disk, "alarm": steps.alarm}
WORDS = {"yield": steps.yield_cpu, "exit": steps.exit_, "exec": steps.exec_, "reap": steps.reap}
STEP_NAMES = {
    steps.RUN: "run", steps.SYSTEM: "system", steps.SLEEP: "sleep", steps.DISK_SLEEP: "disk", steps.ALARM: "alarm",
    steps.YIELD: "yield", steps.EXIT: "exit", steps.REAP: "reap", steps.WAIT: "wait", steps.WAKE: "wake",
    steps.RENICE: "renice", steps.FORK: "fork", steps.SETSCHEDULER: "setscheduler", steps.LOCK: "lock",
    steps.UNLOCK: "unlock", steps.EXEC: "exec",
}  # fmt: skip
ARGUMENTS = {
    number: {"fork": 3, "setscheduler": 3, "yield": 0, "exit": 0, "exec": 0, "reap": 0}.get(name, 1)
    for number, name in STEP_NAMES.items()
}
ENDLESS = ("run", "sleep")  # steps that can last for ever
CLASS_NAMES = [next((name for name, n in CLASSES.items() if n == number), "") for number in range(SCHED_EXT + 1)]
HOG = [{"run": "forever"}]  # what a task does of which nothing is said


def check_class(given: Mapping[str, Any], where: str) -> tuple[int, int, tuple[int, int, int] | None]:
    """Policy, real-time priority, and runtime, deadline and period (ns) of a deadline task."""
    class_ = given.get("class", "normal")
    if class_ not in POLICY_NAMES:
        raise ScenarioError(f"{where}.class: {class_!r} is unknown{nearest(str(class_), POLICY_NAMES)}")
    real_time = class_ in ("fifo", "rr")
    if "rt_priority" in given and not real_time:
        raise ScenarioError(f"{where}.rt_priority: only a fifo or rr task has one; class is {class_!r}")
    rt_priority = whole(given.get("rt_priority", 1), f"{where}.rt_priority", RT_MIN, RT_MAX) if real_time else 0
    return CLASSES[class_], rt_priority, check_deadline(given, class_, where)


def check_deadline(given: Mapping[str, Any], class_: str, where: str) -> tuple[int, int, int] | None:
    """Runtime, deadline and period of a deadline task, ns; what the kernel refuses with EINVAL is told so."""
    if class_ != "deadline":
        for key in DEADLINE_KEYS:
            if key in given:
                raise ScenarioError(f"{where}.{key}: only a deadline task has one; class is {class_!r}")
        return None
    if "runtime" not in given or not ("deadline" in given or "period" in given):
        raise ScenarioError(f"{where}: a deadline task needs 'runtime' and 'period', or 'runtime' and 'deadline'")
    runtime = duration(given["runtime"], f"{where}.runtime")
    period = duration(given.get("period", 0), f"{where}.period")
    deadline = duration(given["deadline"], f"{where}.deadline") if "deadline" in given else period
    try:
        DLEntity(runtime, deadline, period)
    except Refused as error:
        raise ScenarioError(f"{where}: {error} (EINVAL)") from None
    return runtime, deadline, period


def check_made(step: Any, where: str) -> None:
    """Was this step made by one of the functions in schedlab.linux.task, and with times that can be?"""
    if not isinstance(step, tuple) or not step or step[0] not in ARGUMENTS or len(step) != ARGUMENTS[step[0]] + 1:
        raise ScenarioError(f"{where}: {step!r} is no step; make steps with run(), sleep(), ... of schedlab.linux.task")
    name = STEP_NAMES[step[0]]
    if name in TIMED and (isinstance(step[1], bool) or not isinstance(step[1], int)):
        raise ScenarioError(f"{where}: {name}({step[1]!r}): a time is a whole number of ns; 1.5 ms is int(1.5 * MS)")
    if name in TIMED and step[1] < 0 and not (step[1] == FOREVER and name in ENDLESS):
        raise ScenarioError(f"{where}: {name}({step[1]}): a time cannot be negative")
    if name == "renice":
        whole(step[1], f"{where}: renice", NICE_MIN, NICE_MAX)
    elif name in ("wait", "wake", "lock", "unlock") and not isinstance(step[1], str):
        of = "channel" if name in ("wait", "wake") else "mutex"
        raise ScenarioError(f"{where}: {name}({step[1]!r}): the name of a {of} is a text")
    elif name == "setscheduler":
        check_class(class_keys(where, *step[1:]), f"{where}: setscheduler")
    elif name == "fork":
        _name, behaviour, born = step[1:]
        if not callable(behaviour):
            raise ScenarioError(
                f"{where}: fork: the child's behaviour is a function that yields steps, not {behaviour!r}"
            )
        check_keys(born, BORN_KEYS, f"{where}: fork")
        whole(born.get("nice", 0), f"{where}: fork: nice", NICE_MIN, NICE_MAX)


def class_keys(where: str, policy: Any, rt_priority: Any, dl: Any) -> dict[str, Any]:
    """What setscheduler(policy, rt_priority, dl) asks for, as the keys of a step given as data."""
    class_ = next((name for name, number in CLASSES.items() if number == policy), None)
    if class_ is None:
        known = ", ".join(f"SCHED_{name.upper()}" for name in CLASSES)
        raise ScenarioError(f"{where}: setscheduler({policy!r}): there is no such class; there are {known}")
    keys = {"class": class_}
    if class_ in ("fifo", "rr") or rt_priority:
        keys["rt_priority"] = rt_priority
    if dl is not None:
        if not isinstance(dl, tuple) or len(dl) != len(DEADLINE_KEYS):
            raise ScenarioError(f"{where}: setscheduler: dl is (runtime, deadline, period) in ns, not {dl!r}")
        keys |= dict(zip(DEADLINE_KEYS, dl, strict=True))
    return keys


def endless(step: Step) -> bool:
    """Does a step that Python made last for ever?"""
    return STEP_NAMES[step[0]] in ENDLESS and step[1] == FOREVER


def complete(step: Step, where: str, making: Making) -> Step:
    """A step that Python made; the behaviour of a child that it forks is looked after like its own."""
    if step[0] == steps.SETSCHEDULER:
        check_has_class(making, step[1])
    if step[0] != steps.FORK:
        return step
    _fork, name, behaviour, born = step
    child = task_making(making.machine, str(name))
    return (steps.FORK, child.name, lambda: own_steps(behaviour, f"{where}.fork", GRAMMAR, child), born)


def read_timed_step(key: str) -> Callable[[Any, str, int], Part]:
    """How to read one of the steps with a time."""
    least = 1 if key in ("run", "system") else 0
    forever = FOREVER if key in ENDLESS else None
    return lambda value, where, depth: read_timed(TIMED[key], value, where, least, forever)


def read_renice(value: Any, where: str, depth: int) -> Part:
    """`{"renice": 5}`."""
    return always(steps.renice(whole(value, where, NICE_MIN, NICE_MAX)))


def read_setscheduler(value: Any, where: str, depth: int) -> Part:
    """`{"setscheduler": {"class": "fifo", "rt_priority": 5}}`, to a class that the scheduler has."""
    value = mapping(value, where)
    check_keys(value, CLASS_KEYS, where)
    step = steps.setscheduler(*check_class(value, where))

    def setscheduler(making: Making) -> Iterator[Step]:
        check_has_class(making, step[1])
        yield step

    return Part(setscheduler)


def check_has_class(making: Making, number: int) -> None:
    """Raises ScenarioError if the scheduler does not have the class."""
    policy, class_ = making.machine.policy, CLASS_NAMES[number]
    if class_ not in policy.classes:
        known = nearest(class_, policy.classes)
        raise ScenarioError(f"setscheduler of {making.name}: {policy.name} has no class {class_!r}{known}")


def read_fork(value: Any, where: str, depth: int) -> Part:
    """`{"fork": {"name": ..., "does": [...]}}`."""
    value = mapping(value, where)
    check_keys(value, ("name", "does"), where)
    name = str(value.get("name", "child"))
    body = read_behaviour(value.get("does", HOG), f"{where}.does", GRAMMAR, depth + 1)

    def fork(making: Making) -> Iterator[Step]:
        yield steps.fork(name, lambda: body.begin(task_making(making.machine, name)))

    return Part(fork, body.ends)


GRAMMAR = Grammar(
    words={word: make() for word, make in WORDS.items()},
    keys={
        **{key: read_timed_step(key) for key in TIMED},
        "wait": lambda value, where, depth: always(steps.wait(str(value))),
        "wake": lambda value, where, depth: always(steps.wake(str(value))),
        "lock": lambda value, where, depth: always(steps.lock(str(value))),
        "unlock": lambda value, where, depth: always(steps.unlock(str(value))),
        "renice": read_renice,
        "setscheduler": read_setscheduler,
        "fork": read_fork,
    },
    check=check_made,
    endless=endless,
    complete=complete,
)


def task_making(machine: Machine, name: str) -> Making:
    """What the behaviour of the task `name` needs to start."""
    return Making(machine, name, f"task {name}")
