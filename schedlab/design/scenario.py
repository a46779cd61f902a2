"""How a scenario becomes a toy machine: the keys of a task, its steps, what can come from outside.

Keys of a task: name, count, work (how long it computes), start, every (time between the `count` tasks), cpu (the
number of the CPU at which it arrives, or a list of them, taken in turn), does (instead of work: its steps, or a
function that yields them). A step is "yield" or one key with its value: run, sleep, spawn (a task), repeat (and times).
A time may be random: {"mean": "10ms"} (exponential), {"between": ["1ms", "5ms"]}, or
{"pareto": "1ms", "alpha": 1.5, "most": "1s"}: at least 1 ms, a few very long ones, none longer than `most`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

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
from schedlab.guard import Guard, LearnerError, failed, guarded
from schedlab.scenario import MOST_CPUS, Scenario, ScenarioError, check_keys, duration, mapping, nearest, whole
from schedlab.sim import US, Engine
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
STEP_KEYS = ("run", "sleep", "yield", "spawn", "repeat", "times")
RANDOM_KEYS = ("mean", "between", "pareto", "alpha", "most")
EVENT_KEYS = ("spawn", "kill", "wake", "yield", "set")
MOST_TASKS = 100_000
MOST_DEPTH = 20  # of repeats and spawns inside each other
PARETO_ALPHA = 1.5  # a heavy tail with a mean, but no variance

Drawing = Callable[["Making"], int]
Part = Callable[["Making"], Iterable[Step]]


def is_policy(scheduler: Any) -> bool:
    """A class of a toy scheduler."""
    return isinstance(scheduler, type) and issubclass(scheduler, Scheduler)


class Making:
    """What a behaviour needs when it starts: the machine, its task's name, a random stream."""

    def __init__(self, machine: Machine, entry: Mapping[str, Any]) -> None:
        self.machine = machine
        self.name: str = entry["name"]
        self.stream = machine.engine.stream(entry["stream"])


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
        work = check_time(given["work"], f"{where}.work", least=1, endless=True)
        task.update(work=work, does=None, ends=work != FOREVER)
    else:
        does = check_behaviour(given["does"], f"{where}.does", cpus, depth)
        task.update(work=0, does=does, ends=ends(given["does"]))
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


def check_time(value: Any, where: str, least: int, endless: bool = False) -> int | Drawing:
    """A time in ns, or a function that draws one."""
    if value == "forever" and endless:
        return FOREVER
    if isinstance(value, (int, str)) or not isinstance(value, Mapping):
        return duration(value, where, least=least)
    check_keys(value, RANDOM_KEYS, where)
    if set(value) == {"mean"}:
        mean = duration(value["mean"], f"{where}.mean", least=1)
        return lambda making: exponential(making, mean)
    if set(value) == {"between"}:
        if not isinstance(value["between"], Sequence) or len(value["between"]) != 2:
            raise ScenarioError(f"{where}.between: two times, not {value['between']!r}")
        low, high = (duration(end, f"{where}.between", least=least) for end in value["between"])
        if low > high:
            raise ScenarioError(f"{where}.between: {low} ns is more than {high} ns")
        return lambda making: low + int(making.stream.random() * (high - low + 1))
    if "pareto" in value and not {"mean", "between"} & set(value):
        shortest = duration(value["pareto"], f"{where}.pareto", least=1)
        longest = duration(value["most"], f"{where}.most", least=shortest) if "most" in value else FOREVER - 1
        alpha = value.get("alpha", PARETO_ALPHA)
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0.1 <= alpha <= 100:
            raise ScenarioError(f"{where}.alpha: a number from 0.1 to 100, not {alpha!r}")
        return lambda making: pareto(making, shortest, alpha, longest)
    raise ScenarioError(f"{where}: one of 'mean', 'between' and 'pareto'")


# Both draw in whole microseconds, so that the last bit of a C library's logarithm or power does not matter.


def exponential(making: Making, mean: int) -> int:
    """A random time (ns) with this mean."""
    return max(1, round(-math.log(1.0 - making.stream.random()) * mean / US)) * US


def pareto(making: Making, shortest: int, alpha: float, longest: int) -> int:
    """A random time (ns) of which P(longer than t) = (shortest / t) ** alpha, cut at `longest`."""
    scale = (1.0 - making.stream.random()) ** (-1.0 / alpha)
    return min(max(1, round(shortest * scale / US)) * US, longest)


def check_behaviour(does: Any, where: str, cpus: int, depth: int) -> Part:
    """What a task does, as a function that makes its steps afresh for each run."""
    if callable(does):
        return lambda making: own_steps(does, where, making)
    if isinstance(does, Iterator):
        raise ScenarioError(f"{where}: pass the function, not its result: a run must be able to start it again")
    if isinstance(does, Mapping):
        does = [does]
    if isinstance(does, str) or not isinstance(does, Sequence) or not does:
        raise ScenarioError(f"{where}: a list of steps or a function that yields them, not {does!r}")
    if depth > MOST_DEPTH:
        raise ScenarioError(f"{where}: more than {MOST_DEPTH} repeats or spawns inside each other")
    parts = [check_step(step, f"{where}[{i}]", cpus, depth) for i, step in enumerate(does)]

    def all_parts(making: Making) -> Iterator[Step]:
        for part in parts:
            yield from part(making)

    return all_parts


def own_steps(function: Callable[[], Any], where: str, making: Making) -> Iterator[Step]:
    """The steps of a learner's behaviour; whatever is wrong with them is told with the task and the time."""
    guard: Guard = vars(making.machine.policy)["_guard"]
    what = f"the behaviour of {making.name}"
    made: Any = None
    while True:
        outer, guard.doing, guard.about = (guard.doing, guard.about), what, ()
        guard.calls += 1
        try:
            if made is None:
                made = function()
                if isinstance(made, (str, bytes, Mapping)) or not isinstance(made, Iterable):
                    raise ScenarioError(f"{where}: the function must return or yield steps, not {made!r}")
                made = iter(made)
            step = next(made)
            check_made(step, where)
        except StopIteration:
            return
        except LearnerError:
            raise
        except (Exception, SystemExit) as error:
            raise failed(what, making.machine.now, (), error) from error
        finally:
            guard.doing, guard.about = outer
        yield step


def check_made(step: Any, where: str) -> None:
    """Was this step made by one of the functions in schedlab.design.task, and with times that can be?"""
    lengths = {steps.RUN: 2, steps.SLEEP: 2, steps.SPAWN: 2, steps.YIELD: 1}
    if not isinstance(step, tuple) or not step or lengths.get(step[0]) != len(step):
        raise ScenarioError(f"{where}: {step!r} is no step; make steps with run(), sleep() of schedlab.design.task")
    if step[0] in (steps.RUN, steps.SLEEP):
        whole(step[1], f"{where}: {'run' if step[0] == steps.RUN else 'sleep'}", 0, FOREVER)
    elif step[0] == steps.SPAWN:
        check_task(step[1], f"{where}: spawn", MOST_CPUS, 1)


def check_step(step: Any, where: str, cpus: int, depth: int) -> Part:
    """One step, as a function that makes it."""
    if isinstance(step, tuple):  # made with schedlab.design.task
        check_made(step, where)
        return lambda making: (step,)
    if isinstance(step, str):
        if step != "yield":
            raise ScenarioError(f"{where}: {step!r} is no step{nearest(step, STEP_KEYS)}")
        return lambda making: (steps.yield_cpu(),)
    step = mapping(step, where)
    check_keys(step, STEP_KEYS, where)
    if "repeat" in step:
        return check_repeat(step, where, cpus, depth)
    if len(step) != 1:
        raise ScenarioError(f"{where}: a step has one key, not {', '.join(step) or 'none'}")
    ((key, value),) = step.items()
    if key in ("run", "sleep"):
        make = steps.run if key == "run" else steps.sleep
        time = check_time(value, f"{where}.{key}", least=1 if key == "run" else 0, endless=True)
        if isinstance(time, int):
            made = make(time)
            return lambda making: (made,)
        return lambda making: (make(time(making)),)
    if key == "yield":
        return lambda making: (steps.yield_cpu(),)
    if key == "spawn":
        check_task(value, f"{where}.spawn", cpus, 1, depth + 1)
        return lambda making: (steps.spawn(value),)
    raise ScenarioError(f"{where}: 'times' belongs beside 'repeat'")


def check_repeat(step: Mapping[str, Any], where: str, cpus: int, depth: int) -> Part:
    """`{"repeat": [...], "times": 3}`; without times, for ever."""
    check_keys(step, ("repeat", "times"), where)
    body = check_behaviour(step["repeat"], f"{where}.repeat", cpus, depth + 1)
    times = whole(step["times"], f"{where}.times", 0, 10**9) if "times" in step else None

    def repeat(making: Making) -> Iterator[Step]:
        done = 0
        while times is None or done < times:
            yield from body(making)
            done += 1

    return repeat


def ends(does: Any) -> bool:
    """Does a behaviour given as data surely end? A function is believed."""
    if callable(does) or isinstance(does, str):
        return True
    if isinstance(does, Mapping):
        if "repeat" in does:
            return "times" in does and ends(does["repeat"])
        if "spawn" in does:
            born = does["spawn"]
            return born.get("work") != "forever" and ends(born.get("does", ()))
        return "forever" not in does.values()
    return all(FOREVER not in step if isinstance(step, tuple) else ends(step) for step in does)


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
    check_keys(event, EVENT_KEYS, where)
    if len(event) != 1:
        raise ScenarioError(f"{where}: one of {', '.join(EVENT_KEYS)} besides 'at', not {', '.join(event) or 'none'}")
    ((key, value),) = event.items()
    if key == "spawn":
        check_task(value, f"{where}.spawn", MOST_CPUS, 1)
    elif key == "set":
        value = mapping(value, f"{where}.set")
        if value.get("quantum") is not None:
            duration(value["quantum"], f"{where}.set.quantum", least=1)
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
        if self.policy.quantum is not None:
            self.policy.quantum = duration(self.policy.quantum, "quantum", least=1)
        self.machine = Machine(
            self.policy,
            engine,
            recorder,
            cpus=scenario.cpus,
            switch_ns=duration(scenario.machine.get("switch", 0), "machine.switch"),
            message_ns=duration(scenario.machine.get("message", 0), "machine.message"),
        )
        self.machine.spawner = self.spawn
        self.task_names = [entry["name"] for entry in scenario.tasks]
        by_start = sorted(enumerate(scenario.tasks), key=lambda numbered: numbered[1]["start"])
        self.coming: list[tuple[int, Mapping[str, Any]]] = by_start[::-1]  # the next one last
        self.waiting = 0  # events that still have to spawn
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
            made = iter(does(Making(self.machine, entry)))
        elif not isinstance(work, int):
            work = work(Making(self.machine, entry))
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
        self.changes.append(f"{key} {value}" if isinstance(value, str) else f"{key} {describe(value)}")
        machine.record.change(machine.now, -1, -1, len(self.changes) - 1)
        if key == "spawn":
            self.waiting -= 1
            self.spawn(value, None)
        elif key == "set":
            self.set_options(value)
        else:
            act = {"kill": machine.kill, "wake": machine.wake_now, "yield": machine.yield_now}[key]
            act(self.task_named(value))

    def set_options(self, options: Mapping[str, Any]) -> None:
        """Change settings of the scheduler while it runs."""
        for name, value in options.items():
            if name == "quantum":
                value = None if value is None else duration(value, "set.quantum", least=1)
            else:
                old = getattr(self.policy, name, None)
                if name.startswith("_") or not isinstance(old, (int, str, float)):
                    raise ScenarioError(f"set: {self.policy.name} has no setting {name!r}")
                if type(value) is not type(old):
                    raise ScenarioError(f"set: {name} is {old!r} now, so it cannot become {value!r}")
            setattr(self.policy, name, value)

    def task_named(self, name: str) -> Any:
        """A task by its name. Raises ScenarioError with the nearest."""
        for task in self.machine.tasks.values():
            if task.name == name:
                return task
        names = [task.name for task in self.machine.tasks.values()]
        raise ScenarioError(f"events: no task is called {name!r} at {self.engine.now} ns{nearest(name, names)}")


def describe(value: Mapping[str, Any]) -> str:
    """A change in a few words."""
    return ", ".join(f"{key} {part}" for key, part in value.items())


HOOKS = ("attach", "enqueue", "dequeue", "pick", "slice", "preempts", "candidates", "queues")


def build(scenario: Scenario, policy: Scheduler, engine: Engine, recorder: Recorder) -> Running:
    """The machine for a scenario."""
    return Running(scenario, policy, engine, recorder)
