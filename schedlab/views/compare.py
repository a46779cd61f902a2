"""Two futures: where their pictures part, and what the difference comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.payload import DIFFERENCE, NONE16, PREEMPTED, RUNNING, WAITING
from schedlab.views.scene import Scene

Packed = tuple[dict[str, Any], bytes]
TELLING = 5  # points of a share of the CPU
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
    return {
        "prefix": prefix,
        "within": within,
        "differ_a": prefix if prefix < len(one) else None,
        "differ_b": prefix if prefix < len(two) else None,
        "totals": totals(one, two),
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


def totals(a: Scene, b: Scene) -> list[dict[str, Any]]:
    """Switches and the longest wait of each, which every scheduler trades against each other, and the share of the CPU
    that differs most, when it tells something."""
    found: list[dict[str, Any]] = [
        {"name": a.words.get("compare.switches"), "a": switches(a), "b": switches(b), "digits": 0}
    ]
    waits = longest_wait(a), longest_wait(b)
    if any(waits):
        found.append(
            {"name": a.words.get("compare.wait"), "a": waits[0], "b": waits[1], "unit": "ms", "scale": 1e6, "digits": 3}
        )
    one, two = shares(a), shares(b)
    gap, name = max(((abs(one[name] - two[name]), name) for name in one if name in two), default=(0.0, ""))
    if gap >= TELLING:
        total = {"name": a.words("compare.share", name), "a": one[name], "b": two[name], "unit": "%", "digits": 0}
        found.append(total)
    return found


def shares(scene: Scene) -> dict[str, float]:
    """How much of all CPUs' time each task has had, in %; tasks of equal names are left out."""
    data, got = scene.data, [0] * len(scene.names)
    cpus = [lane for lane, one in enumerate(scene.lanes) if one["kind"] == "cpu"]
    for lane in cpus:
        for k in range(data["lane_first"][lane], data["lane_first"][lane + 1]):
            if data["segments.state"][k] in (RUNNING, PREEMPTED) and data["segments.task"][k] != NONE16:
                got[data["segments.task"][k]] += data["segments.length"][k]
    whole = max(1, scene.head["end"] // scene.tick * len(cpus))
    once = Counter(scene.names)
    return {name: 100 * ran / whole for name, ran in zip(scene.names, got) if once[name] == 1}


def switches(scene: Scene) -> int:
    """How often a CPU has gone over to another task than it ran before."""
    first, task, state = scene.data["lane_first"], scene.data["segments.task"], scene.data["segments.state"]
    count = 0
    for lane, one in enumerate(scene.lanes):
        if one["kind"] == "cpu":
            ran = [task[k] for k in range(first[lane], first[lane + 1]) if state[k] in (RUNNING, PREEMPTED)]
            count += sum(x != y for x, y in pairwise(ran))
    return count


def longest_wait(scene: Scene) -> int:
    """The longest time for which a task that has a lane was ready and did not run, ns."""
    length, state = scene.data["segments.length"], scene.data["segments.state"]
    return max((length[k] for k in range(len(length)) if state[k] == WAITING), default=0) * scene.tick


def flagged(packed: Packed, event: int | None) -> Packed:
    """The payload with the first difference marked at `event`."""
    head, columns = packed
    if event is None:
        return packed
    place: Mapping[str, Any] = head["columns"]
    bytes_ = bytearray(columns)
    bytes_[place["events.flags"][1] + event] |= DIFFERENCE
    return head, bytes(bytes_)
