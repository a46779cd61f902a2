"""What a scenario of Linux says of the machine, its tasks, their groups and of events: checked, and made complete.

Keys of a task: name, count, nice, class (normal, batch, idle, fifo, rr, deadline), rt_priority,
runtime, deadline and period (of a deadline task), slice (EEVDF), group, start, cpus (a list of CPU
numbers), mm ("none" for a kernel thread), memory (a size, where the machine has one), kind ("io" or "cpu", where jobs
are admitted), does (its steps, see schedlab.linux.grammar, or a function that yields them).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from schedlab.behaviour import read_behaviour
from schedlab.linux.classes import ClassStack, WithExt
from schedlab.linux.deadline import Admission
from schedlab.linux.eevdf import MAX_SLICE, MIN_SLICE
from schedlab.linux.grammar import CLASS_KEYS, GRAMMAR, HOG, check_class
from schedlab.linux.groups import (
    DEFAULT_WEIGHT,
    MAX_WEIGHT,
    MIN_WEIGHT,
    Group,
    GroupError,
    parents_first,
)
from schedlab.linux.levels import ADMISSION, KINDS
from schedlab.linux.policy import Policy
from schedlab.linux.quota import DEFAULT_PERIOD_NS
from schedlab.linux.schedulers import SCHEDULERS, policy_of
from schedlab.linux.task import CLASSES, NICE_MAX, NICE_MIN
from schedlab.linux.topology import MOST_DISTANCE, Topology
from schedlab.outside import check_set, read_event
from schedlab.scenario import (
    MOST_CPUS,
    MOST_TASKS,
    Scenario,
    ScenarioError,
    check_keys,
    duration,
    mapping,
    nearest,
    whole,
)

TASK_KEYS = (
    "name", "count", "nice", "class", "rt_priority", "runtime", "deadline", "period", "slice", "group", "start", "cpus",
    "mm", "memory", "kind", "does",
)  # fmt: skip
GROUP_KEYS = ("weight", "max", "parent")
COSTS = ("switch", "lock", "look", "cache")
MACHINE_KEYS = ("hz", *COSTS, "inherit", "nodes", "distances", "memory", "swap", "jobs", "admission")
EVENT_KEYS = ("wake", "kill", "yield", "renice", "cpus", "setscheduler", "spawn", "set")
MUST_ANSWER = ("enqueue", "dequeue", "pick", "tick", "preempts")
MOST_HZ = 100_000
SIZES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}  # bytes
LARGEST_SIZE = 1 << 53  # bytes, what JavaScript counts exactly


def check(scenario: Scenario) -> tuple[Any, ...]:
    """The scenario's tasks, checked and complete. Raises ScenarioError."""
    check_keys(scenario.machine, MACHINE_KEYS, "machine")
    if "hz" in scenario.machine:
        whole(scenario.machine["hz"], "machine.hz", policy_of(scenario).least_hz, MOST_HZ)
    for key in COSTS:
        duration(scenario.machine.get(key, 0), f"machine.{key}")
    if not isinstance(scenario.machine.get("inherit", False), bool):
        raise ScenarioError(f"machine.inherit: true or false, not {scenario.machine['inherit']!r}")
    check_topology(scenario)
    levels = levels_of(scenario.machine)
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
    check_memory([*checked, *spawned], levels.get("memory"))
    check_kinds([*checked, *spawned], levels)
    check_admission(checked, scenario.cpus)
    return tuple(checked)


def check_topology(scenario: Scenario) -> Topology:
    """Where the CPUs lie: `nodes` is how many, each with as many CPUs, or the CPU numbers of each."""
    nodes, distances = scenario.machine.get("nodes", 1), scenario.machine.get("distances")
    if isinstance(nodes, int):
        whole(nodes, "machine.nodes", 1, scenario.cpus)
        if scenario.cpus % nodes:
            raise ScenarioError(f"machine.nodes: {scenario.cpus} CPUs cannot be divided evenly among {nodes} nodes")
        each = scenario.cpus // nodes
        nodes = [range(first, first + each) for first in range(0, scenario.cpus, each)]
    else:
        nodes = [sorted(check_cpus(node, "machine.nodes", scenario.cpus) or ()) for node in listed(nodes, "nodes")]
    if distances is not None:
        distances = [
            [whole(far, "machine.distances", 0, MOST_DISTANCE) for far in listed(row, "distances")]
            for row in listed(distances, "distances")
        ]
    try:
        topology = Topology(nodes, distances)
    except ValueError as error:
        raise ScenarioError(f"machine.{error}") from None
    if len(topology.node_of) != scenario.cpus:
        raise ScenarioError(f"machine.nodes: {len(topology.node_of)} CPUs lie in them, but cpus is {scenario.cpus}")
    return topology


def listed(value: Any, key: str) -> Sequence[Any]:
    """A list in the machine's settings."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ScenarioError(f"machine.{key}: a list, not {value!r}")
    return value


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
        "memory": size(given["memory"], f"{where}.memory") if "memory" in given else 0,
        "kind": check_kind(given.get("kind"), f"{where}.kind"),
        "does": read_behaviour(given.get("does", HOG), f"{where}.does", GRAMMAR),
    }
    name = str(given.get("name", f"task{number}"))
    names = [name] if count == 1 else [f"{name}{i}" for i in range(count)]
    return [MappingProxyType({**task, "name": each}) for each in names]


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


def size(value: Any, where: str) -> int:
    """A size in bytes, 1 or more, from a whole number or text with a unit. Raises ScenarioError."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,16})\s*([A-Za-z]+)\s*", value)
        if match is None or match[2] not in SIZES:
            raise ScenarioError(
                f"{where}: {value!r:.60} is not a size; write a whole number and one of {', '.join(SIZES)}"
            )
        value = int(match[1]) * SIZES[match[2]]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(f"{where}: a size such as '64MB', or whole bytes, not {value!r:.60}")
    return whole(value, where, 1, LARGEST_SIZE)


def check_kind(value: Any, where: str) -> str | None:
    """Is a job I/O-bound or CPU-bound? None where nothing is said."""
    if value is not None and (not isinstance(value, str) or value not in KINDS):
        raise ScenarioError(f"{where}: 'io' (I/O-bound) or 'cpu' (CPU-bound), not {value!r:.60}")
    return value


def levels_of(machine: Mapping[str, Any]) -> dict[str, Any]:
    """What a machine with more levels than the scheduler is made with; empty for any other. Raises ScenarioError."""
    for key, needs in (("swap", "memory"), ("admission", "jobs")):
        if key in machine and needs not in machine:
            raise ScenarioError(f"machine.{key}: it needs machine.{needs}")
    levels: dict[str, Any] = {}
    if "memory" in machine:
        levels["memory"] = size(machine["memory"], "machine.memory")
        levels["swap_ns"] = duration(machine.get("swap", 0), "machine.swap")
    if "jobs" in machine:
        admission = machine.get("admission", "fifo")
        if not isinstance(admission, str) or admission not in ADMISSION:
            known = nearest(str(admission), tuple(ADMISSION))
            raise ScenarioError(f"machine.admission: {admission!r:.60} is unknown{known}")
        levels["jobs"] = whole(machine["jobs"], "machine.jobs", 1, MOST_TASKS)
        levels["admission"] = admission
    return levels


def check_memory(tasks: Sequence[Mapping[str, Any]], memory: int | None) -> None:
    """Every process says how much memory it needs, if there is only so much, and none needs more."""
    for task in tasks:
        where, needs = f"the task {task['name']!r}", task["memory"]
        if memory is None:
            if needs:
                raise ScenarioError(f"{where}: 'memory' needs machine.memory, which says how much there is")
        elif task["kernel_thread"]:
            if needs:
                raise ScenarioError(f"{where}: a kernel thread has no memory of its own, so it cannot say 'memory'")
        elif not needs:
            raise ScenarioError(f"{where}: say how much 'memory' it needs, because machine.memory is limited")
        elif needs > memory:
            raise ScenarioError(f"{where}: its memory, {needs} bytes, is more than machine.memory, {memory} bytes")


def check_kinds(tasks: Sequence[Mapping[str, Any]], levels: Mapping[str, Any]) -> None:
    """A kind is for those who admit jobs, and who balances must know it of each."""
    for task in tasks:
        if task["kind"] is not None and "jobs" not in levels:
            raise ScenarioError(f"the task {task['name']!r}: 'kind' needs machine.jobs, which says how many are let in")
        if task["kind"] is None and levels.get("admission") == "balanced":
            raise ScenarioError(f"the task {task['name']!r}: balanced admission must know its 'kind', 'io' or 'cpu'")


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


def check_class_is_known(scenario: Scenario, class_: str, where: str) -> None:
    """Does this scheduler have the class?"""
    policy = policy_of(scenario)
    if class_ not in policy.classes:
        raise ScenarioError(f"{where}: {policy.name} has no class {class_!r}{nearest(class_, policy.classes)}")


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


def check_groups(scenario: Scenario) -> list[Group]:
    """The control groups, parents first. Raises ScenarioError."""
    if not scenario.groups:
        return []
    policy = policy_of(scenario)
    if not issubclass(policy, ClassStack) or issubclass(policy, WithExt):
        kernels = [name for name, each in SCHEDULERS.items() if name.startswith("linux-")]
        raise ScenarioError(f"groups: {policy.name} has no control groups; {', '.join(kernels)} have")
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


def may_never_end(scenario: Scenario) -> str | None:
    """The name of a task that does not end by itself."""
    return next((f"the task {task['name']!r}" for task in scenario.tasks if not task["does"].ends), None)
