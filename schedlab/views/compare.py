"""Two futures: where their pictures part, and what the difference comes to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.payload import DIFFERENCE, NONE16, PREEMPTED, RUNNING, WAITING
from schedlab.views.scene import Scene

Packed = tuple[dict[str, Any], bytes]
TELLING = 5  # points of a share of the CPU
BESIDE = 0.1  # of what the longest wait differs: a mean that differs by less is nothing beside it
SHORTER = 0.01  # of a run: one that goes on so much longer than the other is said to be cut
ENDINGS = ("exit", "kill")  # kinds after which a task is over
TOLD = ("events.a", "events.b")


def compare(a: Trace, b: Trace, **options: Any) -> tuple[Packed, Packed, dict[str, Any]]:
    """Both traces as payloads, with the first difference flagged in each, and `parting` of the two.

    `options` are those of `frames`. Raises ValueError for traces of two families, which have no
    events in common.
    """
    if a.family.name != b.family.name:
        raise ValueError(f"a {a.family.name} run and a {b.family.name} run have no events in common")
    one, two = frames(a, **options), frames(b, **options)
    info = parting(one, two, tolerance(a, b))
    return flagged(one, info["differ_a"]), flagged(two, info["differ_b"]), info


def tolerance(a: Trace, b: Trace) -> int:
    """How far two events may lie apart and still be the same, ns: a model does not know every cost of its kernel."""
    given = (trace.about.get("tolerance") for trace in (a, b))
    return max((ns for ns in given if isinstance(ns, int)), default=0)


def parting(a: Packed, b: Packed, within: int = 0) -> dict[str, Any]:
    """How many events two payloads share (`prefix`), the first event of each that the other does not have
    (`differ_a`, `differ_b`; None where one is the beginning of the other) and `totals` to set side by side.

    Events that say the same and lie `within` so many ns of each other are shared.
    """
    one, two = Scene(*a), Scene(*b)
    shared = min(len(one), len(two))
    prefix = next(
        (k for k in range(shared) if abs(one.at[k] - two.at[k]) > within or told(one, k) != told(two, k)), shared
    )
    sides = [scene.at[prefix] for scene in (one, two) if prefix < len(scene)]
    return {
        "prefix": prefix,
        "within": within,
        "differ_a": prefix if prefix < len(one) else None,
        "differ_b": prefix if prefix < len(two) else None,
        "totals": totals(one, two, min(sides, default=None), within),
    }


def told(scene: Scene, event: int) -> tuple[Any, ...]:
    """What an event says, but for its time, in names instead of numbers: two payloads number them differently."""
    data, head = scene.data, scene.head
    kind = head["kinds"][data["events.kind"][event]]
    columns = tuple(data[name][event] for name in TOLD)
    names = tuple(
        None if data[column][event] == NONE16 else scene.tables[table][data[column][event]]
        for column, table in (("events.who", kind["who"]), ("events.other", kind["other"]), ("events.lane", "lane"))
    )
    return (kind["name"], *columns, *names)


def totals(a: Scene, b: Scene, parted: float | None, within: int = 0) -> list[dict[str, Any]]:
    """What two futures come to: switches, when all is done or how long a sleeper waits from where they have `parted`,
    and the share of the CPU that differs most, when it tells something.

    Two runs that end when their work is done are counted to their ends; others as far as the shorter one goes.
    """
    words = a.words
    ends = [float(scene.head["end"]) for scene in (a, b)]
    done = all_done(a) and all_done(b)
    until = ends if done else [min(ends)] * 2
    cut = "" if done or max(ends) - min(ends) <= SHORTER * max(ends) else a.time(until[0], None)

    def total(name: str, one: float, two: float, **form: Any) -> dict[str, Any]:
        return {"name": words("compare.first", name, cut) if cut else name, "a": one, "b": two, **form}

    ms: dict[str, Any] = {"unit": "ms", "scale": 1e6, "digits": 3}
    found = [total(words.get("compare.switches"), switches(a, until[0]), switches(b, until[1]), digits=0)]
    if done and ends[0] != ends[1]:
        found.append(total(words.get("compare.done"), ends[0], ends[1], **ms))
    mean = None if parted is None else most_apart(mean_waits(a, parted, until[0]), mean_waits(b, parted, until[1]))
    waits = longest_wait(a, until[0]), longest_wait(b, until[1])
    if mean and abs(mean[1] - mean[2]) > max(within, BESIDE * abs(waits[0] - waits[1])):
        found.append(total(words("compare.waits", mean[0]), mean[1], mean[2], **ms))
    elif any(waits):
        found.append(total(words.get("compare.wait"), *waits, **ms))
    share = None if done else most_apart(shares(a, until[0]), shares(b, until[1]))  # all work that is done is the same
    if share and abs(share[1] - share[2]) >= TELLING:
        found.append(total(words("compare.share", share[0]), share[1], share[2], unit="%", digits=0))
    return found


def most_apart(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[str, float, float] | None:
    """Of the tasks that both have: the one whose numbers differ most, with these."""
    both = [(name, a[name], b[name]) for name in a if name in b]
    return max(both, key=lambda one: abs(one[1] - one[2]), default=None)


def all_done(scene: Scene) -> bool:
    """Has every task come to its end?"""
    kinds, who = scene.data["events.kind"], scene.data["events.who"]
    ends = {k for k, kind in enumerate(scene.head["kinds"]) if kind["name"] in ENDINGS}
    over = {who[event] for event in range(len(scene)) if kinds[event] in ends}
    return bool(scene.names) and over >= set(range(len(scene.names)))


def by_name(scene: Scene, numbers: Mapping[int, float]) -> dict[str, float]:
    """Numbers of tasks by their names; tasks of equal names are left out."""
    once = Counter(scene.names)
    return {scene.names[task]: value for task, value in numbers.items() if once[scene.names[task]] == 1}


def mean_waits(scene: Scene, since: float, until: float) -> dict[str, float]:
    """How long each task that has slept waits after a wake-up, ns: the mean of those in this stretch of time."""
    data = scene.data
    found: defaultdict[int, list[float]] = defaultdict(list)
    met: set[int] = set()  # who has woken up before: the first time it is born
    lanes = {one["task"]: lane for lane, one in enumerate(scene.lanes) if one["kind"] == "task"}
    wakes = {k for k, kind in enumerate(scene.head["kinds"]) if kind["mark"] == "wake"}
    for event, time in enumerate(scene.at):
        task = data["events.who"][event]
        if data["events.kind"][event] not in wakes or task not in lanes:
            continue
        born = task not in met
        met.add(task)
        if born or not since <= time < until:
            continue
        for start, length, _task, state in scene.bars(lanes[task], time, time + 1):
            if state == WAITING and start + length < until:  # else nobody knows how long
                found[task].append(start + length - time)
            elif state in (RUNNING, PREEMPTED):
                found[task].append(0)
    return by_name(scene, {task: sum(waits) / len(waits) for task, waits in found.items()})


def shares(scene: Scene, until: float) -> dict[str, float]:
    """How much of all CPUs' time each task has had until then, in %; tasks of equal names are left out."""
    got: dict[int, float] = dict.fromkeys(range(len(scene.names)), 0)
    cpus = [lane for lane, one in enumerate(scene.lanes) if one["kind"] == "cpu"]
    for lane in cpus:
        for start, length, task, state in scene.bars(lane, 0, until):
            if state in (RUNNING, PREEMPTED) and task >= 0:
                got[task] += min(length, until - start)
    whole = max(1, until * len(cpus))
    return by_name(scene, {task: 100 * ran / whole for task, ran in got.items()})


def switches(scene: Scene, until: float) -> int:
    """How often a CPU has gone over to another task than it ran before."""
    count = 0
    for lane, one in enumerate(scene.lanes):
        if one["kind"] == "cpu":
            ran = [task for _start, _length, task, state in scene.bars(lane, 0, until) if state in (RUNNING, PREEMPTED)]
            count += sum(x != y for x, y in pairwise(ran))
    return count


def longest_wait(scene: Scene, until: float) -> float:
    """The longest time for which a task that has a lane was ready and did not run, ns."""
    waits = (
        min(length, until - start)
        for lane in range(len(scene.lanes))
        for start, length, _task, state in scene.bars(lane, 0, until)
        if state == WAITING
    )
    return max(waits, default=0)


def flagged(packed: Packed, event: int | None) -> Packed:
    """The payload with the first difference marked at `event`."""
    head, columns = packed
    if event is None:
        return packed
    place: Mapping[str, Any] = head["columns"]
    bytes_ = bytearray(columns)
    bytes_[place["events.flags"][1] + event] |= DIFFERENCE
    return head, bytes(bytes_)
