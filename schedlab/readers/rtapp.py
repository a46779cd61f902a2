"""rt-app workloads as scenarios.

Grammar: doc/tutorial.txt and src/rt-app_parse_config.c of scheduler-tools/rt-app. An event is known by how its key
begins ("run1" is a run), keys may repeat, times are in microseconds, `global.duration` in seconds.

What a model can express is taken over: run, runtime, sleep, yield, fork, lock, unlock, sem_post, sem_wait. Three are
approximated, as docs/scenario.md says: `timer` sleeps for its period less what the task did since it last used that
timer (exact unless others delay it), and `suspend` and `resume` remember a resume that comes too early, which rt-app
forgets. Everything else is refused with its key and line: better no answer than a wrong one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from schedlab.readers.loose_json import Pair, Pairs
from schedlab.readers.stream import shown
from schedlab.scenario import ScenarioError, nearest

SCHEDULER = "eevdf"  # a workload names none: what Linux runs where rt-app is used today
RT_PRIORITY = 10  # rt-app's default for FIFO and RR
FOREVER = -1  # a loop or duration that does not end
DEEPEST_FORK = 8  # forks inside each other

CLASSES = {
    "SCHED_OTHER": "normal",
    "SCHED_BATCH": "batch",
    "SCHED_IDLE": "idle",
    "SCHED_FIFO": "fifo",
    "SCHED_RR": "rr",
}
WITHOUT_EFFECT = {  # of `global`: how rt-app measures and logs
    "calibration", "lock_pages", "logdir", "log_basename", "log_size", "ftrace", "gnuplot", "io_device",
    "mem_buffer_size", "cumulative_slack", "frag",
}  # fmt: skip
GLOBAL_KEYS = ("duration", "default_policy", "pi_enabled", *sorted(WITHOUT_EFFECT))
# In the order in which rt-app compares, since a key is known by its beginning: "runtime" before "run".
EVENTS = (
    "lock", "unlock", "wait", "signal", "broad", "sync", "sleep", "runtime", "run", "timer", "suspend", "resume",
    "memrun", "mem", "iorun", "yield", "barrier", "fork", "sem_post", "sem_wait",
)  # fmt: skip
REFUSED_EVENTS = {
    **dict.fromkeys(
        ("wait", "signal", "broad", "sync"), "condition variables are not modelled; sem_wait and sem_post are"
    ),
    "barrier": "barriers are not modelled; sem_wait and sem_post are",
    **dict.fromkeys(("mem", "memrun", "iorun"), "memory and devices are not modelled; runtime takes CPU time"),
}
REFUSED_KEYS = {
    **dict.fromkeys(("util_min", "util_max"), "utilization clamping is not modelled"),
    "nodes_membind": "NUMA memory is not modelled",
    "taskgroup": "groups of tasks are not modelled",
    **dict.fromkeys(("dl-runtime", "dl-period", "dl-deadline"), "deadlines and custom slices are not modelled"),
}
TASK_KEYS = ("instance", "delay", "loop", "phases", "policy", "priority", "cpus")
PHASE_KEYS = ("loop", "policy", "priority", "cpus")


class Sorts(NamedTuple):
    """How a task is scheduled."""

    policy: str
    priority: int | None


def is_workload(value: Any) -> bool:
    """An rt-app file: `tasks` is an object of tasks, where a scenario has a list."""
    return isinstance(value, Pairs) and any(p.key == "tasks" and isinstance(p.value, Pairs) for p in value)


def scenario_data(root: Pairs, title: str) -> dict[str, Any]:
    """The workload as a scenario's data. Raises ScenarioError with the line and the key."""
    return Workload(root).data(title)


class Workload:
    """One file."""

    def __init__(self, root: Pairs) -> None:
        top = keys(root, ("tasks", "global", "resources"), "the workload")
        self.tasks = {pair.key: pair for pair in top["tasks"].value}
        if len(self.tasks) < len(top["tasks"].value):
            seen: set[str] = set()
            for pair in top["tasks"].value:
                if pair.key in seen:
                    raise refuse(pair, "stands here again; tasks have different names")
                seen.add(pair.key)
        settings = top["global"].value if "global" in top else Pairs()
        if not isinstance(settings, Pairs):
            raise refuse(top["global"], "must be an object")
        self.settings = keys(settings, GLOBAL_KEYS, "global")
        self.cpus = 1

    def data(self, title: str) -> dict[str, Any]:
        tasks = [task for pair in self.tasks.values() for task in self.task(pair)]
        if not tasks:
            raise ScenarioError("tasks: no task has an instance that starts by itself")
        found: dict[str, Any] = {"scheduler": SCHEDULER, "title": title, "cpus": self.cpus, "tasks": tasks}
        if "duration" in self.settings:
            duration = integer(self.settings["duration"], least=FOREVER)
            if duration != FOREVER:
                found["until"] = f"{duration} s"
        if "pi_enabled" in self.settings:
            found["machine"] = {"inherit": flag(self.settings["pi_enabled"])}
        return found

    def task(self, pair: Pair) -> list[dict[str, Any]]:
        """The tasks that one thread object stands for."""
        body = self.checked(pair)
        count = integer(body["instance"], least=0) if "instance" in body else 1
        if count == 0:
            return []
        task: dict[str, Any] = {"name": pair.key, **self.sorted(pair, body)}
        if count > 1:
            task["count"] = count
            for event in self.all_events(pair):
                if kind_of(event.key) == "suspend":
                    raise refuse(event, "with several instances cannot tell which of them is resumed")
        if "delay" in body:
            task["start"] = f"{integer(body['delay'])} us"
        if "cpus" in body:
            task["cpus"] = self.cpu_list(body["cpus"])
        task["does"] = self.steps(pair, (pair.key,))
        return [task]

    def checked(self, pair: Pair) -> dict[str, Pair]:
        """A thread object's own keys."""
        if not isinstance(pair.value, Pairs):
            raise refuse(pair, "must be an object")
        body: dict[str, Pair] = {}
        for part in pair.value:
            if part.key in TASK_KEYS:
                if part.key in body:
                    raise refuse(part, "stands here again")
                body[part.key] = part
            elif part.key in REFUSED_KEYS and part.value != "":
                raise refuse(part, REFUSED_KEYS[part.key])
            elif part.key not in REFUSED_KEYS and (
                kind_of(part.key) is None or "phases" in {p.key for p in pair.value}
            ):
                raise refuse(part, f"is no key of a task{nearest(part.key, TASK_KEYS)}")
        return body

    def sorts(self, body: dict[str, Pair]) -> Sorts:
        """Policy and priority, the policy of `global` where the task says none."""
        given = body.get("policy") or self.settings.get("default_policy")
        policy = "SCHED_OTHER" if given is None else given.value
        if not isinstance(policy, str) or policy not in CLASSES:
            assert given is not None
            raise refuse(given, f"{policy!r} is not modelled. There are: {', '.join(CLASSES)}")
        return Sorts(CLASSES[policy], integer(body["priority"], least=-100) if "priority" in body else None)

    def sorted(self, pair: Pair, body: dict[str, Pair]) -> dict[str, Any]:
        """The same as keys of a scenario's task."""
        policy, priority = self.sorts(body)
        if policy in ("fifo", "rr"):
            return {"class": policy, "rt_priority": RT_PRIORITY if priority is None else priority}
        return {**({} if policy == "normal" else {"class": policy}), **({"nice": priority} if priority else {})}

    def cpu_list(self, pair: Pair) -> list[int]:
        numbers = pair.value if isinstance(pair.value, list) else [pair.value]
        if not numbers or not all(type(n) is int and 0 <= n < 1024 for n in numbers):
            raise refuse(pair, f"must be a list of CPU numbers, not {shown(pair.value)}")
        self.cpus = max(self.cpus, *(n + 1 for n in numbers))
        return sorted(set(numbers))

    # -- what a task does -----------------------------------------------------------------------------

    def phases(self, pair: Pair) -> list[Pair]:
        """The phases of a thread object; without `phases` it is its own only phase."""
        given = [part for part in pair.value if part.key == "phases"]
        if not given:
            return [pair]
        if not isinstance(given[0].value, Pairs) or not given[0].value:
            raise refuse(given[0], "must be an object of phases")
        for phase in given[0].value:
            if not isinstance(phase.value, Pairs):
                raise refuse(phase, "must be an object")
        return list(given[0].value)

    def all_events(self, pair: Pair) -> list[Pair]:
        return [event for phase in self.phases(pair) for event in phase.value if kind_of(event.key)]

    def steps(self, pair: Pair, forks: tuple[str, ...]) -> list[Any]:
        """All that a thread does."""
        whole = self.phases(pair)
        does: list[Any] = []
        for phase in whole:
            body = self.phase(phase, whole_task=phase is pair, forks=forks)
            loop = next((part for part in phase.value if part.key == "loop"), None)
            times = 1 if loop is None else integer(loop, least=FOREVER)
            if phase is pair and loop is None:
                times = FOREVER
            does += body if times == 1 else [repeat(body, times)]
        if whole[0] is pair:
            return does
        loop = next((part for part in pair.value if part.key == "loop"), None)
        times = FOREVER if loop is None else integer(loop, least=FOREVER)
        return does if times == 1 else [repeat(does, times)]

    def phase(self, phase: Pair, whole_task: bool, forks: tuple[str, ...]) -> list[Any]:
        """The steps of one pass through a phase."""
        steps: list[Any] = []
        events: list[Pair] = []
        for part in phase.value:
            if kind_of(part.key):
                events.append(part)
            elif part.key in REFUSED_KEYS:
                if part.value != "":
                    raise refuse(part, REFUSED_KEYS[part.key])
            elif not whole_task:
                steps += self.phase_setting(part)
        if not events:
            raise refuse(phase, "holds no event, so it would do nothing")
        for i, event in enumerate(events):
            steps.append(self.step(event, events, i, forks))
        return steps

    def phase_setting(self, part: Pair) -> list[Any]:
        if part.key == "priority":
            return [{"renice": integer(part, least=-20)}]
        if part.key in ("policy", "cpus"):
            raise refuse(part, "may change from phase to phase only in rt-app; say it for the whole task")
        if part.key != "loop":
            raise refuse(part, f"is no key of a phase{nearest(part.key, (*PHASE_KEYS, *EVENTS))}")
        return []

    def step(self, event: Pair, events: list[Pair], i: int, forks: tuple[str, ...]) -> Any:
        """One event as a step."""
        kind = kind_of(event.key)
        assert kind is not None
        if kind in REFUSED_EVENTS:
            raise refuse(event, f"cannot be expressed: {REFUSED_EVENTS[kind]}")
        if kind in ("run", "runtime"):
            return {"run": f"{integer(event, least=1)} us"}
        if kind == "sleep":
            return {"sleep": f"{integer(event)} us"}
        if kind == "timer":
            return {"sleep": f"{max(0, period(event) - since_last(events, i))} us"}
        if kind == "yield":
            return "yield"
        if kind == "fork":
            return self.forked(event, forks)
        if kind in ("lock", "unlock"):
            return {kind: f"mutex {word(event)}"}
        if kind in ("sem_post", "sem_wait"):
            return {"wake" if kind == "sem_post" else "wait": f"semaphore {word(event)}"}
        if kind == "resume":
            if word(event) not in self.tasks:
                raise refuse(event, f"{shown(word(event))!r} is no task{nearest(word(event), tuple(self.tasks))}")
            return {"wake": f"suspended {word(event)}"}
        return {"wait": f"suspended {forks[-1]}"}  # suspend: the text is ignored, a task suspends itself

    def forked(self, event: Pair, forks: tuple[str, ...]) -> Any:
        name = word(event)
        if name not in self.tasks:
            raise refuse(event, f"{shown(name)!r} is no task{nearest(name, tuple(self.tasks))}")
        if name in forks or len(forks) > DEEPEST_FORK:
            raise refuse(event, "a task that forks itself would fill the machine; it is refused")
        pair = self.tasks[name]
        body = self.checked(pair)
        if self.sorts(body).policy != self.sorts(self.checked(self.tasks[forks[-1]])).policy or "cpus" in body:
            raise refuse(event, "a forked task has its parent's policy and CPUs in the model")
        does: list[Any] = [{"renice": integer(body["priority"], least=-20)}] if "priority" in body else []
        does += [{"sleep": f"{integer(body['delay'])} us"}] if "delay" in body else []
        return {"fork": {"name": name, "does": [*does, *self.steps(pair, (*forks, name))]}}


def kind_of(key: str) -> str | None:
    """The event that a key names, None if it names none."""
    return next((event for event in EVENTS if key.startswith(event)), None)


def since_last(events: list[Pair], i: int) -> int:
    """What the task does (us) between the last use of this timer, round the phase, and this one."""
    name = timer_name(events[i])
    done = 0
    for event in [*reversed(events[:i]), *reversed(events[i + 1 :])]:
        kind = kind_of(event.key)
        if kind == "timer":
            if timer_name(event) == name:
                break
            done += period(event)
        elif kind in ("run", "runtime", "sleep"):
            done += integer(event)
    return done


def timer_name(event: Pair) -> str:
    return str(next((part.value for part in event.value if part.key == "ref"), "unknown"))


def period(event: Pair) -> int:
    """The period of a timer, in us."""
    if not isinstance(event.value, Pairs):
        raise refuse(event, 'must be an object such as { "ref": "tick", "period": 10000 }')
    known = keys(event.value, ("ref", "period", "mode"), event.key)
    return integer(known["period"]) if "period" in known else 0


def repeat(steps: list[Any], times: int) -> dict[str, Any]:
    return {"repeat": steps} if times == FOREVER else {"repeat": steps, "times": times}


def keys(given: Pairs, allowed: tuple[str, ...], where: str) -> dict[str, Pair]:
    """An object's keys, each once and each known."""
    found: dict[str, Pair] = {}
    for pair in given:
        if pair.key not in allowed:
            raise refuse(pair, f"is no key of {where}{nearest(pair.key, allowed)}")
        if pair.key in found:
            raise refuse(pair, "stands here again")
        found[pair.key] = pair
    return found


def integer(pair: Pair, least: int = 0) -> int:
    value = pair.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 50:
        raise refuse(pair, f"must be a whole number from {least} up, not {shown(value)}")
    return value


def flag(pair: Pair) -> bool:
    if not isinstance(pair.value, bool):
        raise refuse(pair, f"must be true or false, not {shown(pair.value)}")
    return pair.value


def word(pair: Pair) -> str:
    if not isinstance(pair.value, str):
        raise refuse(pair, f"must be a name, not {shown(pair.value)}")
    return pair.value


def refuse(pair: Pair, why: str) -> ScenarioError:
    return ScenarioError(f"line {pair.line}: the key {shown(pair.key)!r}: {why}")
