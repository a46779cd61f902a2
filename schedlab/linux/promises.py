"""What the schedulers promise in a scenario, for the laws to hold them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from schedlab.linux.given import COSTS, check_task, levels_of
from schedlab.linux.grammar import HOG
from schedlab.linux.on import nice_to_ticks
from schedlab.linux.task import SCHED_DEADLINE, SCHED_FIFO, SCHED_RR
from schedlab.linux.v001 import DEF_PRIORITY
from schedlab.scenario import MOST_CPUS, Scenario, duration
from schedlab.sim import S


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
    levels = levels_of(scenario.machine)
    if "memory" in levels:
        told["memory_kept"] = {"limit": levels["memory"]}
    if "jobs" in levels:
        told["jobs_admitted"] = {"limit": levels["jobs"]}
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
    if scenario.events or scenario.scheduler not in SLICES or _costs(scenario) or "memory" in scenario.machine:
        return None
    if any(word in repr(scenario.given_tasks) for word in ("renice", "system", "<function")):
        return None
    if scenario.scheduler in ("o(n)", "o(n)-2.4.24") and scenario.cpus > 1:
        return None  # an epoch that another CPU begins refills who is running, again and again if tasks are pinned
    nice = min(task["nice"] for task in scenario.tasks)
    hz = scenario.machine.get("hz") or scenario.policy().default_hz
    return SLICES[str(scenario.scheduler)](nice, hz) * (S // hz)


def _costs(scenario: Scenario) -> bool:
    return any(duration(scenario.machine.get(key, 0), key) for key in COSTS)


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
