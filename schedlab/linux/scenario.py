"""How a scenario becomes a Linux machine: the family as schedlab.scenario knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schedlab.guard import guarded
from schedlab.linux.given import (
    check,
    check_cpus,
    check_event,
    check_groups,
    check_task,
    check_topology,
    levels_of,
    may_never_end,
)
from schedlab.linux.grammar import CLASS_NAMES, check_class, task_making
from schedlab.linux.groups import GroupError
from schedlab.linux.kinds import GONE, HELD, LINUX, RUNNING, ZOMBIE
from schedlab.linux.levels import Job
from schedlab.linux.machine import EVENT_RANK, Machine
from schedlab.linux.policy import Policy
from schedlab.linux.promises import promises
from schedlab.linux.schedulers import SCHEDULERS, is_policy, policy_of
from schedlab.linux.swapping import SwappingMachine
from schedlab.linux.task import SCHED_DEADLINE, SCHED_STOP, Refused
from schedlab.outside import in_words, set_options, task_named
from schedlab.scenario import Scenario, ScenarioError, duration, make_policy
from schedlab.sim import Engine
from schedlab.trace import Recorder

HOOKS = (
    "enqueue", "dequeue", "pick", "tick", "preempts", "attach", "tune", "born", "fork", "charge", "select_cpu",
    "execs", "send_away", "put_prev", "balance", "yields", "renice", "system_return", "exit", "release",
    "setscheduler", "affinity", "timer", "set_down", "switched_from", "switched_to", "lock", "looks_at", "candidates",
    "tree_of", "queues",
)  # fmt: skip
OPS = (
    "init", "select_cpu", "enqueue", "dequeue", "dispatch", "tick", "runnable", "running", "stopping", "quiescent",
    "enable", "disable", "set_weight", "yield_",
)  # fmt: skip
FAMILY = LINUX
__all__ = [
    "FAMILY", "SCHEDULERS", "build", "check", "check_event", "is_policy", "may_never_end", "policy_of", "prepare",
    "promises",
]  # fmt: skip


def prepare(scenario: Scenario, policy: Any) -> None:
    """Give a fresh policy the scenario's control groups."""
    try:
        policy.use_groups(check_groups(scenario))
    except GroupError as error:
        raise ScenarioError(f"groups: {error}") from None


class Running:
    """A Linux machine with its tasks, ready to start."""

    def __init__(self, scenario: Scenario, policy: Policy, engine: Engine, recorder: Recorder) -> None:
        machine = scenario.machine
        self.scenario = scenario
        self.engine = engine
        if hasattr(policy, "ops"):  # what is loaded into sched_ext is guarded as a policy of its own
            vars(policy)["_guard"] = vars(guarded(policy.ops, OPS, lambda: engine.now))["_guard"]
        self.policy = guarded(policy, HOOKS, lambda: engine.now)
        settings: dict[str, Any] = {
            "cpus": scenario.cpus,
            "hz": machine.get("hz"),
            "switch_ns": duration(machine.get("switch", 0), "machine.switch"),
            "lock_ns": duration(machine.get("lock", 0), "machine.lock"),
            "look_ns": duration(machine.get("look", 0), "machine.look"),
            "cache_ns": duration(machine.get("cache", 0), "machine.cache"),
            "topology": check_topology(scenario),
            "inherit": machine.get("inherit", False),
        }
        levels = levels_of(machine)
        make: type[Machine] = SwappingMachine if levels else Machine
        self.machine = make(self.policy, engine, recorder, **settings, **levels)
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
        if self.machine.groups:
            names["group"] = self.machine.groups
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
        """A task of the scenario: runnable at once, or a job for those who admit it."""
        born = {field: entry[field] for field in ("nice", "policy", "rt_priority", "allowed")}
        if entry["kernel_thread"]:
            born["mm"] = None
        if entry["dl"] is not None:
            born["wanted_dl"] = entry["dl"]
        if entry["slice"]:
            born["custom_slice"] = entry["slice"]
        if entry["group"] is not None:
            born["group"] = entry["group"]
        if isinstance(self.machine, SwappingMachine):
            born["memory"] = entry["memory"]
            job = Job(entry["name"], entry["kind"], born, lambda job: self.begin(entry, {**job.fields, "id": job.id}))
            self.machine.submit(job)
        else:
            self.begin(entry, born)

    def begin(self, entry: Mapping[str, Any], born: Mapping[str, Any]) -> None:
        """The task is there and runnable."""
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
        task = task_named(machine.everybody, name, machine.now)
        if task.state == HELD:
            return self.apply_to_job(task, key, value)
        if task.state in (ZOMBIE, GONE) and key != "wake":
            return machine.tell(f"{key} of {name}: it has exited (ESRCH)")
        if task.policy == SCHED_STOP:
            return machine.tell(f"{key} of {name}: it is a thread of the kernel's own (EINVAL)")
        if key == "renice":
            machine.renice(task, value["nice"])
        elif key == "setscheduler":
            self.refusing(machine.setscheduler, task, *check_class(value, "setscheduler"))
        elif key == "cpus":
            machine.set_affinity(task, self.new_cpus(task.name, task.policy, value))
        elif key == "wake":
            machine.wake_now(task)
        elif key == "kill":
            machine.kill(task)
        elif key == "yield" and task.state == RUNNING:
            machine.yield_now(task.cpu)

    def new_cpus(self, name: str, policy: int, value: Mapping[str, Any]) -> frozenset[int] | None:
        """The CPUs that an event allows. Raises ScenarioError for a deadline task."""
        if policy == SCHED_DEADLINE:
            raise ScenarioError(f"cpus: {name} is a deadline task and must be allowed on all CPUs (EBUSY)")
        return check_cpus(value["cpus"], "cpus", len(self.machine.cpus))

    def apply_to_job(self, job: Job, key: str, value: Any) -> None:
        """What happens to a job in the pool: it begins as another task, or never; it cannot wake or yield yet."""
        if key == "kill" and isinstance(self.machine, SwappingMachine):
            self.machine.withdraw(job)
        elif key == "renice":
            job.fields["nice"] = value["nice"]
        elif key == "cpus":
            job.fields["allowed"] = self.new_cpus(job.name, job.fields["policy"], value)
        elif key == "setscheduler":
            policy, rt_priority, dl = check_class(value, "setscheduler")
            job.fields |= {"policy": policy, "rt_priority": rt_priority, "wanted_dl": dl}


def build(scenario: Scenario, policy: Policy, engine: Engine, recorder: Recorder) -> Running:
    """The machine for a scenario."""
    return Running(scenario, policy, engine, recorder)
