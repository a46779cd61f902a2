"""How a scenario becomes a Linux machine: the keys of a task, its steps, what can come from outside.

Keys of a task: name, count, nice, class (normal, batch, idle, fifo, rr, deadline), rt_priority,
runtime, deadline and period (of a deadline task), slice (EEVDF), group, start, cpus (a list of CPU
numbers), mm ("none" for a kernel thread), does (its steps, or a function that yields them).
A step is "yield", "exit", "reap", or one key with its value: run, system, sleep, disk, wait, wake,
alarm, renice, setscheduler, lock, unlock, fork, and what schedlab.behaviour knows: repeat, and times that are random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from schedlab.behaviour import Grammar, Making, Part, always, own_steps, read_behaviour, read_timed
from schedlab.guard import guarded
from schedlab.linux import task as steps
from schedlab.linux.cfs import CFS
from schedlab.linux.cfs_2_6_23 import CFS_2_6_23
from schedlab.linux.classes import ClassStack, Linux_5_15, Linux_6_1, Linux_6_12, Linux_7_2, WithExt, kernel_with
from schedlab.linux.deadline import Admission, DLEntity
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6, MAX_SLICE, MIN_SLICE
from schedlab.linux.groups import (
    DEFAULT_PERIOD_NS,
    DEFAULT_WEIGHT,
    MAX_WEIGHT,
    MIN_WEIGHT,
    Group,
    GroupError,
    parents_first,
)
from schedlab.linux.kinds import GONE, LINUX, RUNNING, ZOMBIE
from schedlab.linux.machine import EVENT_RANK, Machine
from schedlab.linux.o1 import O1, O1_2_6_22
from schedlab.linux.on import ON, ON_2_4_24, nice_to_ticks
from schedlab.linux.policy import Policy
from schedlab.linux.scx import SchedExt, Simple, SimpleVtime
from schedlab.linux.task import (
    CLASSES,
    FOREVER,
    NICE_MAX,
    NICE_MIN,
    POLICY_NAMES,
    RT_MAX,
    RT_MIN,
    SCHED_DEADLINE,
    SCHED_EXT,
    SCHED_FIFO,
    SCHED_RR,
    Refused,
    Step,
)
from schedlab.linux.v001 import DEF_PRIORITY, V001
from schedlab.outside import check_set, in_words, read_event, set_options, task_named
from schedlab.scenario import (
    MOST_CPUS,
    MOST_TASKS,
    Scenario,
    ScenarioError,
    check_keys,
    duration,
    make_policy,
    mapping,
    nearest,
    whole,
)
from schedlab.sim import Engine, S
from schedlab.trace import Recorder

FAMILY = LINUX
SCHEDULERS: dict[str, Callable[..., Policy]] = {
    "v0.01": V001,
    "o(n)": ON,
    "o(n)-2.4.24": ON_2_4_24,
    "o1": O1,
    "o1-2.6.22": O1_2_6_22,
    "cfs-2.6.23": CFS_2_6_23,
    "cfs": CFS,
    "eevdf-6.6": EEVDF_6_6,
    "eevdf": EEVDF,
    # whole kernels: deadline > rt > fair
    "linux-5.15": Linux_5_15,
    "linux-6.1": Linux_6_1,
    "linux-6.12": Linux_6_12,
    "linux-7.2": Linux_7_2,
    "scx_simple-fifo": kernel_with(Simple),  # 6.12 with one of the kernel's own examples loaded
    "scx_simple": kernel_with(SimpleVtime),
}

TASK_KEYS = (
    "name", "count", "nice", "class", "rt_priority", "runtime", "deadline", "period", "slice", "group", "start", "cpus",
    "mm", "does",
)  # fmt: skip
CLASS_KEYS = ("class", "rt_priority", "runtime", "deadline", "period")
DEADLINE_KEYS = ("runtime", "deadline", "period")
BORN_KEYS = ("nice",)  # what fork() can give a child that it does not inherit
GROUP_KEYS = ("weight", "max", "parent")
MOST_HZ = 100_000
MACHINE_KEYS = ("hz", "switch", "lock", "look", "inherit")
TIMED = {"run": steps.run, "system": steps.system, "sleep": steps.sleep, "disk": steps.disk, "alarm": steps.alarm}
WORDS = {"yield": steps.yield_cpu, "exit": steps.exit_, "reap": steps.reap}
STEP_NAMES = {
    steps.RUN: "run", steps.SYSTEM: "system", steps.SLEEP: "sleep", steps.DISK_SLEEP: "disk", steps.ALARM: "alarm",
    steps.YIELD: "yield", steps.EXIT: "exit", steps.REAP: "reap", steps.WAIT: "wait", steps.WAKE: "wake",
    steps.RENICE: "renice", steps.FORK: "fork", steps.SETSCHEDULER: "setscheduler", steps.LOCK: "lock",
    steps.UNLOCK: "unlock",
}  # fmt: skip
ARGUMENTS = {
    number: {"fork": 3, "setscheduler": 3, "yield": 0, "exit": 0, "reap": 0}.get(name, 1)
    for number, name in STEP_NAMES.items()
}
ENDLESS = ("run", "sleep")  # steps that can last for ever
EVENT_KEYS = ("wake", "kill", "yield", "renice", "cpus", "setscheduler", "spawn", "set")
CLASS_NAMES = [next((name for name, n in CLASSES.items() if n == number), "") for number in range(SCHED_EXT + 1)]
MUST_ANSWER = ("enqueue", "dequeue", "pick", "tick", "preempts")
HOG = [{"run": "forever"}]  # what a task does of which nothing is said


def is_policy(scheduler: Any) -> bool:
    """A class of a Linux policy, or of a scheduler for sched_ext."""
    return isinstance(scheduler, type) and issubclass(scheduler, (Policy, SchedExt))


# -- checking ---------------------------------------------------------------------------------------


def check(scenario: Scenario) -> tuple[Any, ...]:
    """The scenario's tasks, checked and complete. Raises ScenarioError."""
    check_keys(scenario.machine, MACHINE_KEYS, "machine")
    if "hz" in scenario.machine:
        whole(scenario.machine["hz"], "machine.hz", policy_of(scenario).least_hz, MOST_HZ)
    for key in ("switch", "lock", "look"):
        duration(scenario.machine.get(key, 0), f"machine.{key}")
    if not isinstance(scenario.machine.get("inherit", False), bool):
        raise ScenarioError(f"machine.inherit: true or false, not {scenario.machine['inherit']!r}")
    checked: list[Mapping[str, Any]] = []
    for i, given in enumerate(scenario.given_tasks):
        checked += check_task(given, f"tasks[{i}]", scenario.cpus, len(checked) + 1)
        if len(checked) > MOST_TASKS:
            raise ScenarioError(f"tasks: more than {MOST_TASKS:,} tasks")
    check_answers(policy_of(scenario))
    groups = check_groups(scenario)
    spawned: list[Mapping[str, Any]] = []
    for i, event in enumerate(scenario.events):
        if "spawn" in event:
            spawned += check_task(event["spawn"], f"events[{i}].spawn", scenario.cpus, 1)
        elif "cpus" in event:
            check_cpus(event["cpus"]["cpus"], f"events[{i}].cpus.cpus", scenario.cpus)
        elif "setscheduler" in event:
            check_class_is_known(scenario, event["setscheduler"].get("class", "normal"), f"events[{i}].setscheduler")
        elif "set" in event:
            policy = policy_of(scenario)
            check_set(policy, scenario.options, event["set"], scenario.scheduler_name, f"events[{i}].set")
    check_limits(scenario, [*checked, *spawned])
    check_group_names([*checked, *spawned], groups)
    check_admission(checked, scenario.cpus)
    return tuple(checked)


def policy_of(scenario: Scenario) -> Any:
    """The scenario's policy class: of a scheduler for sched_ext the kernel into which it is loaded."""
    scheduler = scenario.scheduler
    if isinstance(scheduler, str):
        return SCHEDULERS[scheduler]
    return kernel_with(scheduler) if issubclass(scheduler, SchedExt) else scheduler


def check_groups(scenario: Scenario) -> list[Group]:
    """The control groups, parents first. Raises ScenarioError."""
    if not scenario.groups:
        return []
    policy = policy_of(scenario)
    if not issubclass(policy, ClassStack) or issubclass(policy, WithExt):
        kernels = [name for name, each in SCHEDULERS.items() if name.startswith("linux-")]
        raise ScenarioError(f"groups: {policy.name} has no control groups; {', '.join(kernels)} have")
    if scenario.cpus > 1:
        raise ScenarioError(f"groups: they are modelled on one CPU, and cpus is {scenario.cpus}")
    made = []
    for name, given in scenario.groups.items():
        where = f"groups.{name}"
        given = mapping({} if given is None else given, where)
        check_keys(given, GROUP_KEYS, where)
        weight = whole(given.get("weight", DEFAULT_WEIGHT), f"{where}.weight", MIN_WEIGHT, MAX_WEIGHT)
        quota, period = check_max(given.get("max", "max"), f"{where}.max")
        parent = given.get("parent")
        if parent is not None and (not isinstance(parent, str) or parent not in scenario.groups):
            raise ScenarioError(f"{where}.parent: {parent!r} is no group{nearest(str(parent), tuple(scenario.groups))}")
        try:
            made.append(Group(name, weight, quota, period, parent))
        except GroupError as error:
            raise ScenarioError(f"groups: {error}") from None
    try:
        return parents_first(made)
    except GroupError as error:
        raise ScenarioError(f"groups: {error}") from None


def check_max(value: Any, where: str) -> tuple[int | None, int]:
    """`cpu.max`: quota and period in ns, from "20ms/100ms", "20ms" or "max"."""
    if not isinstance(value, str) or value.count("/") > 1:
        raise ScenarioError(f"{where}: a quota in each period such as '20ms/100ms', or 'max', not {value!r}")
    quota, _slash, period = value.partition("/")
    period_ns = duration(period, where) if period else DEFAULT_PERIOD_NS
    return (None if quota.strip() == "max" else duration(quota, where)), period_ns


def check_group_names(tasks: Sequence[Mapping[str, Any]], groups: Sequence[Group]) -> None:
    """Every task's group is one of the scenario's."""
    known = tuple(group.name for group in groups)
    for task in tasks:
        if task["group"] is not None and task["group"] not in known:
            raise ScenarioError(
                f"the task {task['name']!r}: there is no group {task['group']!r}{nearest(str(task['group']), known)}"
            )


def prepare(scenario: Scenario, policy: Any) -> None:
    """Give a fresh policy the scenario's control groups."""
    try:
        policy.use_groups(check_groups(scenario))
    except GroupError as error:
        raise ScenarioError(f"groups: {error}") from None


def check_admission(tasks: Sequence[Mapping[str, Any]], cpus: int) -> None:
    """What is there from the beginning must be admitted together; who comes later is asked about then."""
    admission = Admission(cpus)
    for task in tasks:
        if task["dl"] is None or task["start"]:
            continue
        runtime, _deadline, period = task["dl"]
        if not admission.admit(runtime, period):
            raise ScenarioError(
                f"the task {task['name']!r}: no bandwidth is left for {runtime} ns every {period} ns (EBUSY): "
                f"deadline tasks may have 95 % of {'the CPU' if cpus == 1 else f'{cpus} CPUs'} together"
            )


def check_class_is_known(scenario: Scenario, class_: str, where: str) -> None:
    """Does this scheduler have the class?"""
    policy = policy_of(scenario)
    if class_ not in policy.classes:
        raise ScenarioError(f"{where}: {policy.name} has no class {class_!r}{nearest(class_, policy.classes)}")


def check_answers(scheduler: Any) -> None:
    """A policy class must answer the questions that every generation answers."""
    missing = [hook for hook in MUST_ANSWER if getattr(scheduler, hook, None) is getattr(Policy, hook)]
    if missing:
        raise ScenarioError(
            f"scheduler: {scheduler.__name__} has no {' and no '.join(missing)}; "
            f"every policy must answer {', '.join(MUST_ANSWER)}"
        )


def check_limits(scenario: Scenario, tasks: Sequence[Mapping[str, Any]]) -> None:
    """What this generation does not have: more CPUs, more slots, classes of tasks that came later."""
    policy = policy_of(scenario)
    if policy.most_cpus is not None and scenario.cpus > policy.most_cpus:
        raise ScenarioError(f"cpus: {policy.name} knows {policy.most_cpus} CPU, not {scenario.cpus}")
    if policy.most_tasks is not None and len(tasks) > policy.most_tasks:
        raise ScenarioError(f"tasks: {policy.name} has {policy.most_tasks} slots for tasks, not {len(tasks)}")
    for task in tasks:
        class_ = next(name for name, number in CLASSES.items() if number == task["policy"])
        if class_ not in policy.classes:
            raise ScenarioError(
                f"the task {task['name']!r}: {policy.name} has no class {class_!r}, it has {', '.join(policy.classes)}"
            )
        if task["slice"] and not getattr(policy, "chosen_slices", False):
            raise ScenarioError(f"the task {task['name']!r}: with {policy.name} a task cannot choose its slice")


def check_task(given: Any, where: str, cpus: int, number: int) -> list[Mapping[str, Any]]:
    """One entry of the list of tasks, as one mapping for each task it stands for."""
    given = mapping(given, where)
    check_keys(given, TASK_KEYS, where)
    count = whole(given.get("count", 1), f"{where}.count", 1, MOST_TASKS)
    policy, rt_priority, dl = check_class(given, where)
    if dl is not None and "cpus" in given:
        raise ScenarioError(f"{where}.cpus: a deadline task must be allowed on all CPUs (EPERM)")
    task = {
        "nice": whole(given.get("nice", 0), f"{where}.nice", NICE_MIN, NICE_MAX),
        "policy": policy,
        "rt_priority": rt_priority,
        "dl": dl,
        "slice": check_slice(given, where),
        "group": given.get("group"),
        "start": duration(given.get("start", 0), f"{where}.start"),
        "allowed": check_cpus(given.get("cpus"), f"{where}.cpus", cpus),
        "kernel_thread": check_mm(given.get("mm"), f"{where}.mm"),
        "does": read_behaviour(given.get("does", HOG), f"{where}.does", GRAMMAR),
    }
    name = str(given.get("name", f"task{number}"))
    names = [name] if count == 1 else [f"{name}{i}" for i in range(count)]
    return [MappingProxyType({**task, "name": each}) for each in names]


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


def check_slice(given: Mapping[str, Any], where: str) -> int:
    """The slice that an EEVDF task asks for, ns; 0 for the scheduler's own."""
    if "slice" not in given:
        return 0
    if given.get("class", "normal") not in ("normal", "batch"):
        raise ScenarioError(f"{where}.slice: only a normal or batch task has one; class is {given['class']!r}")
    wanted = duration(given["slice"], f"{where}.slice", least=1)
    if not MIN_SLICE <= wanted <= MAX_SLICE:
        raise ScenarioError(f"{where}.slice: {wanted} ns is not in {MIN_SLICE}..{MAX_SLICE}")
    return wanted


def check_cpus(value: Any, where: str, cpus: int) -> frozenset[int] | None:
    """The CPUs that a task may use, None for all."""
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ScenarioError(f"{where}: a list of CPU numbers, not {value!r}")
    return frozenset(whole(number, where, 0, cpus - 1) for number in value)


def check_mm(value: Any, where: str) -> bool:
    """Is the task a kernel thread?"""
    if value not in (None, "none", "own"):
        raise ScenarioError(f"{where}: 'own' or 'none' (a kernel thread), not {value!r}")
    return bool(value == "none")


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


def may_never_end(scenario: Scenario) -> str | None:
    """The name of a task that does not end by itself."""
    return next((f"the task {task['name']!r}" for task in scenario.tasks if not task["does"].ends), None)


def promises(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What the scheduler promises in this scenario, as arguments for the laws of those names (see schedlab.laws).

    v0.01 and 2.4 have one queue for all and never leave their one CPU idle beside it. On many CPUs 2.4 may: two tasks
    that wake at one instant can choose the same idle CPU, and nobody looks again before the next wake-up. The later
    ones look after each CPU's own queue only. Bounds on slices are what the generation's tables say. Waits and shares
    are bounded where all tasks only compute: a task that sleeps just before each tick is never charged by these
    generations, and starves others.
    """
    if not isinstance(scenario.scheduler, str):
        return {}
    one_queue = scenario.scheduler in ("v0.01", "o(n)", "o(n)-2.4.24")
    allowed = {task["name"]: task["allowed"] for task in scenario.tasks if task["allowed"] is not None}
    told: dict[str, dict[str, Any]] = {}
    throttled = may_be_throttled(scenario)
    if throttled:
        told["nobody_lost"] = {"exempt": throttled}
    if (not one_queue or scenario.cpus == 1) and not any("cpus" in event for event in scenario.events):
        scope = "machine" if one_queue else "queue"
        told["work_conserving"] = {"scope": scope, "allowed": allowed, "exempt": throttled}
    slice_ns = longest_slice(scenario)
    if slice_ns is None:
        return told
    real_time = [task["name"] for task in scenario.tasks if task["rt_priority"]]
    if not real_time:
        told["slice_respected"] = {"limit": slice_ns, "ends": "decision"}
    hogs = all(given.get("does", HOG) in (HOG, HOG[0]) for given in scenario.given_tasks)
    equal = len({(task["nice"], task["policy"]) for task in scenario.tasks}) == 1
    if hogs and not real_time and scenario.cpus == 1 and not any(task["kernel_thread"] for task in scenario.tasks):
        told["longest_wait"] = {"limit": 2 * len(scenario.tasks) * slice_ns}
        if equal:
            told["fairness"] = {"bound": 2 * slice_ns}
    return told


def may_be_throttled(scenario: Scenario) -> list[str]:
    """Names of the tasks that may have to wait though their CPU is idle: their class or group has no budget left."""
    limited = {name for name, given in scenario.groups.items() if given and given.get("max", "max") != "max"}
    for _level in scenario.groups:  # and all groups below them
        limited |= {name for name, given in scenario.groups.items() if given and given.get("parent") in limited}
    classes = {SCHED_DEADLINE}
    if scenario.scheduler in ("linux-5.15", "linux-6.1"):
        classes |= {SCHED_FIFO, SCHED_RR}
    spawned = [
        task for event in scenario.events if "spawn" in event for task in check_task(event["spawn"], "", MOST_CPUS, 1)
    ]
    names = [
        task["name"] for task in (*scenario.tasks, *spawned) if task["policy"] in classes or task["group"] in limited
    ]
    names += [event["setscheduler"]["task"] for event in scenario.events if "setscheduler" in event]
    does = [str(given.get("does")) for given in scenario.given_tasks]
    if any("setscheduler" in text for text in does):
        names += [task["name"] for task in scenario.tasks]
    if names and any("fork" in text for text in does):  # a child is what its parent is
        names += [name for given in scenario.given_tasks for name in forked(given.get("does", HOG))]
    return sorted(set(names))


def forked(does: Any) -> Iterator[str]:
    """The names of the children that a behaviour given as data forks."""
    if isinstance(does, Mapping):
        if "fork" in does:
            yield str(does["fork"].get("name", "child"))
            yield from forked(does["fork"].get("does", HOG))
        yield from forked(does.get("repeat", ()))
    elif isinstance(does, Sequence) and not isinstance(does, str):
        for step in does:
            yield from forked(step)


def longest_slice(scenario: Scenario) -> int | None:
    """The longest time (ns) between two decisions of a CPU with somebody waiting; None where nothing is promised."""
    if scenario.events or scenario.scheduler not in SLICES or _costs(scenario):
        return None
    if any(word in repr(scenario.given_tasks) for word in ("renice", "system", "<function")):
        return None
    if scenario.scheduler in ("o(n)", "o(n)-2.4.24") and scenario.cpus > 1:
        return None  # an epoch that another CPU begins refills who is running, again and again if tasks are pinned
    nice = min(task["nice"] for task in scenario.tasks)
    hz = scenario.machine.get("hz") or scenario.policy().default_hz
    return SLICES[str(scenario.scheduler)](nice, hz) * (S // hz)


def _costs(scenario: Scenario) -> bool:
    return any(duration(scenario.machine.get(key, 0), key) for key in ("switch", "lock", "look"))


def o1_slice(nice: int, hz: int) -> int:
    """Ticks of an O(1) slice."""
    return max((20 - nice) * (20 if nice < 0 else 5), 5) * hz // 1000 + 1


SLICES: dict[str, Callable[[int, int], int]] = {  # scheduler -> (nice, hz) -> the most ticks a task can have
    "v0.01": lambda nice, hz: 2 * (DEF_PRIORITY + max(0, -nice)),
    "o(n)": lambda nice, hz: 2 * nice_to_ticks(nice, hz),
    "o(n)-2.4.24": lambda nice, hz: 2 * nice_to_ticks(nice, hz),
    "o1": o1_slice,
    "o1-2.6.22": o1_slice,
}


def check_event(event: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """What happens from outside: one key besides `at`."""
    key, value = read_event(event, EVENT_KEYS, where)
    if key == "renice":
        value = mapping(value, f"{where}.renice")
        check_keys(value, ("task", "nice"), f"{where}.renice")
        if set(value) != {"task", "nice"}:
            raise ScenarioError(f"{where}.renice: needs 'task' and 'nice'")
        whole(value["nice"], f"{where}.renice.nice", NICE_MIN, NICE_MAX)
    elif key == "cpus":
        value = mapping(value, f"{where}.cpus")
        check_keys(value, ("task", "cpus"), f"{where}.cpus")
        if set(value) != {"task", "cpus"}:
            raise ScenarioError(f"{where}.cpus: needs 'task' and 'cpus'")
        check_cpus(value["cpus"], f"{where}.cpus.cpus", MOST_CPUS)
    elif key == "setscheduler":
        value = mapping(value, f"{where}.setscheduler")
        check_keys(value, ("task", *CLASS_KEYS), f"{where}.setscheduler")
        if "task" not in value or "class" not in value:
            raise ScenarioError(f"{where}.setscheduler: needs 'task' and 'class'")
        check_class(value, f"{where}.setscheduler")
    elif key == "spawn":
        check_task(value, f"{where}.spawn", MOST_CPUS, 1)
    elif key != "set" and not isinstance(value, str):
        raise ScenarioError(f"{where}.{key}: the name of a task, not {value!r}")
    return event


# -- building ---------------------------------------------------------------------------------------


class Running:
    """A Linux machine with its tasks, ready to start."""

    def __init__(self, scenario: Scenario, policy: Policy, engine: Engine, recorder: Recorder) -> None:
        machine = scenario.machine
        self.scenario = scenario
        self.engine = engine
        if hasattr(policy, "ops"):  # what is loaded into sched_ext is guarded as a policy of its own
            vars(policy)["_guard"] = vars(guarded(policy.ops, OPS, lambda: engine.now))["_guard"]
        self.policy = guarded(policy, HOOKS, lambda: engine.now)
        self.machine = Machine(
            self.policy,
            engine,
            recorder,
            cpus=scenario.cpus,
            hz=machine.get("hz"),
            switch_ns=duration(machine.get("switch", 0), "machine.switch"),
            lock_ns=duration(machine.get("lock", 0), "machine.lock"),
            look_ns=duration(machine.get("look", 0), "machine.look"),
            inherit=machine.get("inherit", False),
        )
        self.options = dict(scenario.options)  # of the scheduler, as they are now
        self.changes: list[str] = []
        self.waiting = 0  # tasks that the scenario still has to create
        self.about: dict[str, Any] = {
            "switch_ns": self.machine.switch_ns,  # lost at each change of task, which no row tells
            "from": f"simulated: {self.policy.name}, {self.machine.hz} ticks a second, seed {scenario.seed}",
        }

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """Tables of names for the trace."""
        names = {
            "task": self.machine.names,
            "cpu": [cpu.name for cpu in self.machine.cpus],
            "lock": self.machine.lock_names,
            "change": self.changes,
        }
        if self.machine.class_changes:
            names["class"] = CLASS_NAMES
        if self.machine.mutexes.by_name:
            names["mutex"] = list(self.machine.mutexes.by_name)
        if self.machine.told:
            names["told"] = self.machine.told
        return names

    def start(self) -> None:
        """Create the tasks, plan what comes later, and let every CPU choose."""
        for entry in self.scenario.tasks:
            if entry["start"]:
                self.plan_task(entry["start"], entry)
            else:
                self.create(entry)
        for event in self.scenario.events:
            if "spawn" in event:
                for entry in check_task(event["spawn"], "spawn", self.scenario.cpus, 1):
                    self.plan_task(event["at"], entry)
            else:
                self.engine.at(event["at"], self.apply, event, EVENT_RANK)
        self.machine.boot()

    def plan_task(self, when: int, entry: Mapping[str, Any]) -> None:
        """Create a task later."""
        self.waiting += 1
        self.engine.at(when, self.create_later, entry, EVENT_RANK)

    def create_later(self, entry: Mapping[str, Any]) -> None:
        """A task that the scenario starts later."""
        self.waiting -= 1
        self.create(entry)

    def create(self, entry: Mapping[str, Any]) -> None:
        """A task of the scenario, runnable at once."""
        born = {field: entry[field] for field in ("nice", "policy", "rt_priority", "allowed")}
        if entry["kernel_thread"]:
            born["mm"] = None
        if entry["dl"] is not None:
            born["wanted_dl"] = entry["dl"]
        if entry["slice"]:
            born["custom_slice"] = entry["slice"]
        if entry["group"] is not None:
            born["group"] = entry["group"]
        steps_of = entry["does"].begin(task_making(self.machine, entry["name"]))
        task = self.refusing(self.machine.create, entry["name"], steps_of, **born)
        if task is None:
            raise ScenarioError(f"{self.policy.name} has no room for the task {entry['name']!r}")
        self.machine.start(task)

    def refusing(self, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """What the kernel refuses is told as such, with the time."""
        try:
            return call(*arguments, **more)
        except Refused as error:
            raise ScenarioError(f"at {self.engine.now} ns: {error}") from None

    def ended(self) -> bool:
        """Has every task come to its end?"""
        return not self.waiting and not self.machine.alive

    def apply(self, event: Mapping[str, Any]) -> None:
        """Something from outside happens."""
        machine = self.machine
        ((key, value),) = [(k, v) for k, v in event.items() if k != "at"]
        self.changes.append(in_words(key, value))
        machine.record.change(machine.now, -1, -1, len(self.changes) - 1)
        if key == "set":
            self.options |= value
            return set_options(self.policy, make_policy(policy_of(self.scenario), self.options, self.policy.name))
        name = value if isinstance(value, str) else value["task"]
        task = task_named(machine.tasks.values(), name, machine.now)
        if not isinstance(value, str) and task.state in (ZOMBIE, GONE):
            return
        if key == "renice":
            machine.renice(task, value["nice"])
        elif key == "setscheduler":
            self.refusing(machine.setscheduler, task, *check_class(value, "setscheduler"))
        elif key == "cpus":
            allowed = check_cpus(value["cpus"], "cpus", len(machine.cpus))
            if task.policy == SCHED_DEADLINE:
                raise ScenarioError(f"cpus: {task.name} is a deadline task and must be allowed on all CPUs (EBUSY)")
            machine.set_affinity(task, allowed)
        elif key == "wake":
            machine.wake_now(task)
        elif key == "kill":
            machine.kill(task)
        elif key == "yield" and task.state == RUNNING:
            machine.yield_now(task.cpu)


HOOKS = (
    "enqueue", "dequeue", "pick", "tick", "preempts", "attach", "tune", "born", "fork", "charge", "select_cpu",
    "put_prev", "balance", "yields", "renice", "system_return", "exit", "release", "setscheduler", "affinity", "timer",
    "set_down", "switched_from", "switched_to", "lock", "looks_at", "candidates", "tree_of", "queues",
)  # fmt: skip


OPS = (
    "init", "select_cpu", "enqueue", "dequeue", "dispatch", "tick", "runnable", "running", "stopping", "quiescent",
    "enable", "disable", "set_weight", "yield_",
)  # fmt: skip


def build(scenario: Scenario, policy: Policy, engine: Engine, recorder: Recorder) -> Running:
    """The machine for a scenario."""
    return Running(scenario, policy, engine, recorder)
