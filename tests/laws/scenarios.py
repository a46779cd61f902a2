"""Random scenarios: every scheduler, behaviours of all kinds, real time, nice values, things from outside."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from schedlab.linux.schedulers import SCHEDULERS
from schedlab.linux.task import POLICY_NAMES
from schedlab.scenario import Scenario, ScenarioError

NICE = st.integers(-20, 19)
# Whole ticks, and times beside them: what happens on one instant, and what does not.
TIMES = st.sampled_from(["1ms", "2ms", "10ms", "17ms", "20ms", "60ms", "300us", "1234567ns", "1ns"])
LONG = st.sampled_from(["1ms", "2ms", "10ms", "17ms", "60ms", "1234567ns", {"between": ["1ms", "30ms"]}])  # for ever
HOSTILE = [
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "{who}", "{{", "}", "\u202eevil", "", " ",
    "a\nb", "a\x00b", "x" * 200, "'; DROP TABLE tasks; --", "任务", "%s%d", "\\", "&amp;", "idle", "nobody", "-1",
]  # fmt: skip
NAMES = st.sampled_from(["hog", "editor", "build", "a", "b", *HOSTILE])
CHANNELS = st.sampled_from(["pipe", "lock"])


def random_time() -> st.SearchStrategy[Any]:
    drawn = st.sampled_from([{"mean": "3ms"}, {"mean": "40us"}, {"between": ["0ms", "30ms"]}])
    return st.one_of(TIMES, TIMES, drawn)


def critical(mutex: str, time: str) -> dict[str, Any]:
    """Computing under a mutex."""
    return {"repeat": [{"lock": mutex}, {"run": time}, {"unlock": mutex}], "times": 1}


def steps(depth: int = 0) -> st.SearchStrategy[list[Any]]:
    """A list of steps that begins with some computing, so that a repeat never stands still."""
    simple = [
        st.fixed_dictionaries({"run": random_time()}),
        st.fixed_dictionaries({"system": TIMES}),
        st.fixed_dictionaries({"sleep": random_time()}),
        st.fixed_dictionaries({"disk": TIMES}),
        st.fixed_dictionaries({"alarm": TIMES}),
        st.fixed_dictionaries({"wait": CHANNELS}),
        st.fixed_dictionaries({"wake": CHANNELS}),
        st.fixed_dictionaries({"renice": NICE}),
        st.builds(critical, CHANNELS, TIMES),
        st.sampled_from(["yield", "exec", "reap", "exit"]),
    ]
    if depth < 2:
        inner = st.deferred(lambda: steps(depth + 1))
        simple.append(st.fixed_dictionaries({"repeat": inner, "times": st.integers(0, 3)}))
        simple.append(st.fixed_dictionaries({"fork": st.fixed_dictionaries({"name": NAMES, "does": inner})}))
    rest = st.lists(st.one_of(simple), max_size=4)
    return st.builds(lambda first, more: [{"run": first}, *more], LONG, rest)


@st.composite
def behaviours(draw: st.DrawFn) -> list[Any]:
    kind = draw(st.sampled_from(["hog", "bursts", "forever", "any"]))
    if kind == "hog":
        return [{"run": "forever"}]
    if kind == "bursts":
        return [{"repeat": [{"run": draw(LONG)}, {"sleep": draw(random_time())}]}]
    does = draw(steps())
    return [{"repeat": does}] if kind == "forever" else does


@st.composite
def tasks(draw: st.DrawFn, cpus: int, classes: tuple[str, ...]) -> dict[str, Any]:
    task: dict[str, Any] = {"name": draw(NAMES), "nice": draw(st.one_of(st.just(0), NICE)), "does": draw(behaviours())}
    if draw(st.booleans()):
        task["start"] = draw(TIMES)
    if draw(st.integers(0, 5)) == 0:
        task["class"] = draw(st.sampled_from(classes))
        if task["class"] in ("fifo", "rr"):
            task["rt_priority"] = draw(st.integers(1, 99))
    if cpus > 1 and draw(st.integers(0, 4)) == 0:
        task["cpus"] = sorted(draw(st.sets(st.integers(0, cpus - 1), min_size=1)))
    if draw(st.integers(0, 9)) == 0:
        task["mm"] = "none"
    if "fifo" in classes and "idle" in classes and draw(st.integers(0, 5)) == 0:  # a whole kernel
        return deadline_task(task["name"], draw(st.sampled_from(DEADLINES)), task["does"])
    return task


DEADLINES = [("1ms", "20ms"), ("2ms", "30ms"), ("300us", "7ms")]  # so little that six of them are admitted


def deadline_task(name: str, numbers: tuple[str, str], does: Any) -> dict[str, Any]:
    return {"name": name, "class": "deadline", "runtime": numbers[0], "period": numbers[1], "does": does}


@cache
def classes_of(scheduler: str) -> tuple[str, ...]:
    """The classes that a scheduler takes, asked of the scheduler itself."""
    found = []
    for name in POLICY_NAMES:
        try:
            Scenario(scheduler, [{"class": name}], until=1)
        except ScenarioError:
            continue
        found.append(name)
    return tuple(found)


CLASS_CHANGES: list[dict[str, Any]] = [
    {"class": "fifo", "rt_priority": 7}, {"class": "rr"}, {"class": "normal"}, {"class": "batch"}, {"class": "idle"},
    {"class": "deadline", "runtime": "1ms", "period": "30ms"},
]  # fmt: skip


@st.composite
def events(draw: st.DrawFn, given: list[dict[str, Any]], cpus: int, classes: tuple[str, ...]) -> dict[str, Any]:
    task = draw(st.sampled_from(given))
    name = task["name"]
    simple: list[dict[str, Any]] = [{"wake": name}, {"kill": name}, {"yield": name}, {"spawn": {"name": "late"}}]
    change: dict[str, Any] = draw(
        st.sampled_from(simple) | st.builds(lambda nice: {"renice": {"task": name, "nice": nice}}, NICE)
    )
    kind = draw(st.integers(0, 4))
    if kind == 0:
        whole_kernel = "idle" in classes and "fifo" in classes
        bound = any("cpus" in one for one in given)  # a deadline task is allowed on all CPUs
        known = [
            one for one in CLASS_CHANGES
            if one["class"] in classes or (one["class"] == "deadline" and whole_kernel and not bound)
        ]  # fmt: skip
        change = {"setscheduler": {"task": name, **draw(st.sampled_from(known))}}
    if kind == 1 and not any(one.get("class") == "deadline" for one in given):
        change = {"cpus": {"task": name, "cpus": sorted(draw(st.sets(st.integers(0, cpus - 1), min_size=1)))}}
    return {"at": draw(st.integers(61, 200)) * 1_000_000 + draw(st.sampled_from([0, 0, 1, 500_000])), **change}


GROUPS: list[dict[str, Any]] = [
    {"a": {"weight": 300}, "b": {}},
    {"a": {"max": "5ms/20ms"}, "b": {"parent": "a", "weight": 1}},
    {"a": {}, "b": {"parent": "a", "max": "30ms"}, "c": {"parent": "a", "max": "1ms/10ms"}},
]


@st.composite
def scenarios(draw: st.DrawFn, schedulers: tuple[str, ...] = tuple(SCHEDULERS)) -> Scenario:
    """Anything that the Linux family takes."""
    scheduler = draw(st.sampled_from(schedulers))
    cpus = 1 if scheduler == "v0.01" else draw(st.integers(1, 4))
    given = draw(st.lists(tasks(cpus, classes_of(scheduler)), min_size=1, max_size=6))
    machine: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        machine = {"switch": "3us", "lock": draw(st.sampled_from(["0ns", "2us"])), "look": "100ns", "cache": "5us"}
    if draw(st.integers(0, 3)) == 0:
        machine["hz"] = draw(st.sampled_from([100, 250, 1000]))
    if cpus > 1 and draw(st.integers(0, 2)) == 0:
        machine["nodes"] = draw(st.sampled_from([nodes for nodes in (1, 2, cpus) if cpus % nodes == 0]))
    if "unlock" in repr(given):
        machine["inherit"] = draw(st.booleans())
        given = [one for one in given if one.get("class") != "deadline"] or [{"name": "hog"}]  # they have no mutexes
    if scheduler.startswith("linux-") and draw(st.booleans()):
        groups = draw(st.sampled_from(GROUPS))
        for task in given:
            task["group"] = draw(st.sampled_from([None, *groups]))
    else:
        groups = {}
    happens = draw(st.lists(events(given, cpus, classes_of(scheduler)), max_size=3))
    if "unlock" in repr(given) or any("cpus" in event for event in happens):  # a deadline task is allowed on all CPUs
        happens = [each for each in happens if each.get("setscheduler", {}).get("class") != "deadline"]
    return Scenario(
        scheduler, given, cpus=cpus, until="260ms", seed=draw(st.integers(0, 3)), machine=machine, events=happens,
        groups=groups,
    )  # fmt: skip


@st.composite
def hogs(draw: st.DrawFn, schedulers: tuple[str, ...]) -> Scenario:
    """Tasks that only compute, on one CPU: there waits and shares are bounded."""
    equal = draw(st.booleans())
    nice = draw(NICE)
    given = [
        {"name": f"hog{i}", "nice": nice if equal else draw(NICE), "start": draw(st.integers(0, 40)) * 1_000_000}
        for i in range(draw(st.integers(2, 5)))
    ]
    return Scenario(draw(st.sampled_from(schedulers)), given, until="6s")
