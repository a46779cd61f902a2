"""How a scenario becomes a toy machine: the keys of a task, its steps, what can come from outside.

Keys of a task: name, count, work (how long it computes), start, every (time between the `count` tasks), cpu (the
number of the CPU at which it arrives, or a list of them, taken in turn), does (instead of work: its steps, or a
function that yields them). A step is "yield" or one key with its value: run, sleep, spawn (a task), repeat (and times).
Steps and work take random times too (see schedlab.behaviour).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from schedlab.behaviour import Draw, Grammar, Making, Part, always, read_behaviour, read_time, read_timed
from schedlab.design import task as steps
from schedlab.design.cooperative import Cooperative
from schedlab.design.kinds import DESIGN, READY
from schedlab.design.machine import ARRIVE_RANK, EVENT_RANK, Machine, PolicyError
from schedlab.design.own_queues import OwnQueues
from schedlab.design.preemptive import Preemptive
from schedlab.design.scheduler import Scheduler
from schedlab.design.sharing import Sharing
from schedlab.design.stealing import Stealing
from schedlab.design.task import FOREVER, Step, Task
from schedlab.guard import guarded
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
    whole,
)
from schedlab.sim import Engine
from schedlab.trace import Recorder

FAMILY = DESIGN
SCHEDULERS: dict[str, Callable[..., Scheduler]] = {
    "cooperative": Cooperative,
    "preemptive": Preemptive,
    "none": OwnQueues,
    "sharing": Sharing,
    "stealing": Stealing,
}

TASK_KEYS = ("name", "count", "work", "start", "every", "cpu", "does")
MACHINE_KEYS = ("switch", "message")
EVENT_KEYS = ("spawn", "kill", "wake", "yield", "set")


def is_policy(scheduler: Any) -> bool:
    """A class of a toy scheduler."""
    return isinstance(scheduler, type) and issubclass(scheduler, Scheduler)


def policy_of(scenario: Scenario) -> Callable[..., Scheduler]:
    """The scenario's scheduler class."""
    return SCHEDULERS[scenario.scheduler] if isinstance(scenario.scheduler, str) else scenario.scheduler


# -- checking ---------------------------------------------------------------------------------------


def check(scenario: Scenario) -> tuple[Any, ...]:
    """The scenario's tasks, checked and complete, in the order in which they were written. Raises ScenarioError."""
    check_keys(scenario.machine, MACHINE_KEYS, "machine")
    for key in MACHINE_KEYS:
        duration(scenario.machine.get(key, 0), f"machine.{key}")
    checked: list[Mapping[str, Any]] = []
    for i, given in enumerate(scenario.given_tasks):
        checked += check_task(given, f"tasks[{i}]", scenario.cpus, len(checked) + 1)
        if len(checked) > MOST_TASKS:
            raise ScenarioError(f"tasks: more than {MOST_TASKS:,} tasks")
    for i, event in enumerate(scenario.events):
        if "spawn" in event:
            check_task(event["spawn"], f"events[{i}].spawn", scenario.cpus, 1)
        elif others := {name: value for name, value in event.get("set", {}).items() if name != "quantum"}:
            check_set(policy_of(scenario), scenario.options, others, scenario.scheduler_name, f"events[{i}].set")
    if getattr(scenario.scheduler, "pick", None) is Scheduler.pick:
        raise ScenarioError(f"scheduler: {scenario.scheduler_name} has no pick; every scheduler must say who is next")
    return tuple(checked)


def check_task(given: Any, where: str, cpus: int, number: int, depth: int = 0) -> list[Mapping[str, Any]]:
    """One entry of the list of tasks, as one mapping for each task it stands for."""
    given = mapping(given, where)
    check_keys(given, TASK_KEYS, where)
    start = duration(given["start"], f"{where}.start") if "start" in given else 0
    arrives = check_cpu(given["cpu"], f"{where}.cpu", cpus) if "cpu" in given else [0]
    name = str(given.get("name", f"task{number}"))
    if ("work" in given) == ("does" in given):
        raise ScenarioError(f"{where}: say either 'work' (how long it computes) or 'does' (its steps)")
    task: dict[str, Any] = {"name": name, "start": start, "cpu": arrives[0], "stream": f"work of {name}"}
    if "work" in given:
        work = check_work(given["work"], f"{where}.work")
        task.update(work=work, does=None, ends=work != FOREVER)
    else:
        does = read_behaviour(given["does"], f"{where}.does", grammar(cpus), depth)
        task.update(work=0, does=does, ends=does.ends)
    count = whole(given["count"], f"{where}.count", 1, MOST_TASKS) if "count" in given else 1
    every = duration(given["every"], f"{where}.every") if "every" in given else 0
    if count == 1:
        return [task]
    return [
        {**task, "name": f"{name}{i}", "start": start + i * every, "cpu": arrives[i % len(arrives)]}
        for i in range(count)
    ]


def check_cpu(value: Any, where: str, cpus: int) -> list[int]:
    """The CPUs at which the tasks of an entry arrive, in turn."""
    if isinstance(value, int):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ScenarioError(f"{where}: the number of a CPU or a list of such, not {value!r}")
    return [whole(number, where, 0, cpus - 1) for number in value]


def check_work(value: Any, where: str) -> int | Draw:
    """A time in ns, or a function that draws one."""
    return FOREVER if value == "forever" else read_time(value, where, least=1)


def grammar(cpus: int) -> Grammar:
    """The steps that a task of a machine with so many CPUs can do."""
    return Grammar(
        words={"yield": steps.yield_cpu()},
        keys={
            "run": lambda value, where, depth: read_timed(steps.run, value, where, 1, FOREVER),
            "sleep": lambda value, where, depth: read_timed(steps.sleep, value, where, 0, FOREVER),
            "spawn": partial(read_spawn, cpus),
        },
        check=check_made,
        endless=lambda step: FOREVER in step,
    )


def read_spawn(cpus: int, value: Any, where: str, depth: int) -> Part:
    """`{"spawn": {"work": "3ms"}}`: a task, or `count` of them."""
    born = check_task(value, where, cpus, 1, depth + 1)
    return Part(always(steps.spawn(value)).begin, all(task["ends"] for task in born))


def check_made(step: Any, where: str) -> None:
    """Was this step made by one of the functions in schedlab.design.task, and with times that can be?"""
    lengths = {steps.RUN: 2, steps.SLEEP: 2, steps.SPAWN: 2, steps.YIELD: 1}
    if not isinstance(step, tuple) or not step or lengths.get(step[0]) != len(step):
        raise ScenarioError(f"{where}: {step!r} is no step; make steps with run(), sleep() of schedlab.design.task")
    if step[0] in (steps.RUN, steps.SLEEP):
        whole(step[1], f"{where}: {'run' if step[0] == steps.RUN else 'sleep'}", 0, FOREVER)
    elif step[0] == steps.SPAWN:
        check_task(step[1], f"{where}: spawn", MOST_CPUS, 1)


def may_never_end(scenario: Scenario) -> str | None:
    """The name of a task that does not end by itself."""
    return next((f"the task {task['name']!r}" for task in scenario.tasks if not task["ends"]), None)


def promises(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What the scheduler promises in this scenario, as arguments for the laws of those names (see schedlab.laws).

    With one line for all, or with thieves, no CPU is idle while anybody waits; else a CPU looks after its own queue. A
    quantum bounds every slice, and, where everybody who is ready joins the end of a line, waits and shares too: but
    what messages cost, and who comes from outside or is spawned, is not bounded.
    """
    name = scenario.scheduler
    if not isinstance(name, str):
        return {}
    scope = "queue" if name in ("none", "sharing") else "machine"
    told: dict[str, dict[str, Any]] = {"work_conserving": {"scope": scope}}
    quantum = scenario.policy().quantum
    if quantum is None or scenario.events or duration(scenario.machine.get("message", 0), "message"):
        return told
    slice_ns = quantum + duration(scenario.machine.get("switch", 0), "switch")
    told["slice_respected"] = {"limit": slice_ns, "ends": "decision"}
    if any(word in repr(scenario.given_tasks) for word in ("spawn", "<function")) or name not in ("preemptive", "none"):
        return told
    told["longest_wait"] = {"limit": (len(scenario.tasks) - 1) * slice_ns}
    if scenario.cpus == 1 and all(task["work"] == FOREVER for task in scenario.tasks):
        told["fairness"] = {"bound": 2 * slice_ns}
    return told


def check_event(event: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """What happens from outside: one key besides `at`."""
    key, value = read_event(event, EVENT_KEYS, where)
    if key == "spawn":
        check_task(value, f"{where}.spawn", MOST_CPUS, 1)
    elif key == "set":
        checked_quantum(mapping(value, f"{where}.set").get("quantum"), f"{where}.set.quantum")
    elif not isinstance(value, str):
        raise ScenarioError(f"{where}.{key}: the name of a task, not {value!r}")
    return event


# -- building ---------------------------------------------------------------------------------------


class Running:
    """A toy machine with its tasks, ready to start."""

    def __init__(self, scenario: Scenario, policy: Scheduler, engine: Engine, recorder: Recorder) -> None:
        self.scenario = scenario
        self.engine = engine
        self.policy = guarded(policy, HOOKS, lambda: engine.now)
        self.policy.quantum = checked_quantum(self.policy.quantum, "quantum")
        self.machine = Machine(
            self.policy,
            engine,
            recorder,
            cpus=scenario.cpus,
            switch_ns=duration(scenario.machine.get("switch", 0), "machine.switch"),
            message_ns=duration(scenario.machine.get("message", 0), "machine.message"),
        )
        self.policy.quantum = checked_quantum(self.policy.quantum, f"{self.policy.name}.attach: quantum")
        self.machine.spawner = self.spawn
        self.task_names = [entry["name"] for entry in scenario.tasks]
        by_start = sorted(enumerate(scenario.tasks), key=lambda numbered: numbered[1]["start"])
        self.coming: list[tuple[int, Mapping[str, Any]]] = by_start[::-1]  # the next one last
        self.waiting = 0  # events that still have to spawn
        self.options = dict(scenario.options)  # of the scheduler, as they are now
        self.changes: list[str] = []
        self.about: dict[str, Any] = {"from": f"simulated: {self.policy.name}, seed {scenario.seed}"}

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """Tables of names for the trace."""
        return {"task": self.task_names, "cpu": [cpu.name for cpu in self.machine.cpus], "change": self.changes}

    def start(self) -> None:
        """Plan what comes from outside and let the first tasks arrive."""
        for event in self.scenario.events:
            self.waiting += "spawn" in event
            self.engine.at(event["at"], self.apply, event, EVENT_RANK)
        self.arrivals()

    def arrivals(self, _arg: Any = None) -> None:
        """The tasks whose time has come arrive; of the others only the next is planned, so the plan stays short."""
        coming, now = self.coming, self.engine.now
        while coming and coming[-1][1]["start"] <= now:
            self.create(*coming.pop())
        if coming:
            self.engine.at(coming[-1][1]["start"], self.arrivals, None, ARRIVE_RANK)

    def create(self, number: int, entry: Mapping[str, Any], parent: Any = None) -> None:
        """A task arrives; its children arrive where it runs."""
        work, does = entry["work"], entry["does"]
        made: Iterator[Step] | None = None
        if does is not None:
            made = iter(does.begin(Making(self.machine, entry["name"], entry["stream"])))
        elif not isinstance(work, int):
            work = work(Making(self.machine, entry["name"], entry["stream"]))
        cpu = self.machine.cpus[entry["cpu"]]
        task = Task(number, entry["name"], cpu, self.engine.now, work, made)
        if parent is not None:
            task.parent, task.cpu = parent, parent.cpu
        self.machine.arrive(task)

    def spawn(self, given: Mapping[str, Any], parent: Any) -> None:
        """Tasks that a task creates, or that come from outside."""
        for entry in check_task(given, "spawn", self.scenario.cpus, len(self.task_names) + 1):
            if len(self.task_names) >= MOST_TASKS:
                raise ScenarioError(f"spawn: more than {MOST_TASKS:,} tasks")
            self.task_names.append(entry["name"])
            self.create(len(self.task_names) - 1, entry, parent)

    def ended(self) -> bool:
        """Has every task come to its end? Raises PolicyError when the rest can never come to it."""
        if self.coming or self.waiting:
            return False
        machine = self.machine
        if machine.alive:
            if machine.idle == self.scenario.cpus and self.engine.next_due() is None:
                lost = next(task.name for task in machine.tasks.values() if task.state == READY)
                raise PolicyError(f"{lost} is ready and every CPU is idle, but {self.policy.name}.pick answers None")
            return False
        return True

    def apply(self, event: Mapping[str, Any]) -> None:
        """Something from outside happens."""
        machine = self.machine
        ((key, value),) = [(k, v) for k, v in event.items() if k != "at"]
        self.changes.append(in_words(key, value))
        machine.record.change(machine.now, -1, -1, len(self.changes) - 1)
        if key == "spawn":
            self.waiting -= 1
            self.spawn(value, None)
        elif key == "set":
            self.set_options(value)
        else:
            act = {"kill": machine.kill, "wake": machine.wake_now, "yield": machine.yield_now}[key]
            act(task_named(machine.tasks.values(), value, machine.now))

    def set_options(self, changed: Mapping[str, Any]) -> None:
        """Change options of the scheduler while it runs; every scheduler has a quantum, None for no end of a turn."""
        if "quantum" in changed:
            self.policy.quantum = checked_quantum(changed["quantum"], "set.quantum")
        others = {name: value for name, value in changed.items() if name != "quantum"}
        if others:
            self.options |= others
            set_options(self.policy, make_policy(policy_of(self.scenario), self.options, self.policy.name))


def checked_quantum(quantum: Any, where: str) -> int | None:
    """The length of a turn, ns, or None. Raises ScenarioError."""
    return None if quantum is None else duration(quantum, where, least=1)


HOOKS = ("attach", "tune", "enqueue", "dequeue", "pick", "slice", "preempts", "candidates", "queues")


def build(scenario: Scenario, policy: Scheduler, engine: Engine, recorder: Recorder) -> Running:
    """The machine for a scenario."""
    return Running(scenario, policy, engine, recorder)
