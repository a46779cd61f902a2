"""What a schedule is judged by: pure functions of a trace.

Times are whole nanoseconds. Tasks go by their names; where two share one, the second is "name#7"
with its number. A task is counted from the row that creates it.

segment      a stretch of CPU time: one task, one CPU, without what switching and waiting for a lock cost
latency      from a wake-up to the next time on a CPU
wait         time spent ready, not running
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from schedlab.sim import S
from schedlab.trace import NOBODY, Replay, Row, Trace


class Segment(NamedTuple):
    """`task` (by number) has CPU `cpu` from `start` to `stop`, in ns."""

    cpu: int
    task: int
    start: int
    stop: int


class Latency(NamedTuple):
    """`task` woke at `wake` (ns) and ran `ns` later."""

    task: str
    wake: int
    ns: int


class Summary(NamedTuple):
    """How many values, and three of them (ns). With no values the three are None."""

    number: int
    median: int | None
    p95: int | None
    longest: int | None


def labels(trace: Trace) -> list[str]:
    """A name for every task number, each only once."""
    seen: set[str] = set()
    result = []
    for number, name in enumerate(trace.names.get("task", ())):
        while name in seen:
            name = f"{name}#{number}"
        result.append(name)
        seen.add(name)
    return result


def segments(trace: Trace) -> list[Segment]:
    """Who had which CPU when, in the order of their ends; costs of a pick are nobody's time."""
    switch_ns = int(trace.about.get("switch_ns", 0))
    names = {kind.id: kind.name for kind in trace.family.kinds}
    running: dict[int, int] = {}
    since: dict[int, int] = {}
    found: list[Segment] = []

    def close(cpu: int, now: int) -> None:
        task = running.get(cpu, NOBODY)
        if task != NOBODY and now > since[cpu]:
            found.append(Segment(cpu, task, since[cpu], now))

    for row in trace.rows():
        name = names[row.kind]
        if name in ("switch", "resume", "rest", "keep", "found_running"):
            close(row.where, row.time)
            running[row.where] = row.who
            since[row.where] = row.time + (0 if name == "keep" else switch_ns)
        elif name == "lock":
            since[row.where] = since.get(row.where, row.time) + row.a + row.b
        elif name == "warms":
            since[row.where] += row.b
    for cpu in sorted(running):
        close(cpu, trace.end)
    return _joined(found)


def _joined(found: list[Segment]) -> list[Segment]:
    """A task that is picked again has one segment, not two."""
    result: list[Segment] = []
    last: dict[int, int] = {}
    for segment in found:
        before = last.get(segment.cpu)
        if before is not None and result[before].stop == segment.start and result[before].task == segment.task:
            result[before] = result[before]._replace(stop=segment.stop)
        else:
            last[segment.cpu] = len(result)
            result.append(segment)
    return sorted(result, key=lambda s: (s.stop, s.cpu))


def cpu_time(trace: Trace) -> dict[str, int]:
    """CPU time of every task, ns."""
    names = labels(trace)
    total = dict.fromkeys(_born(trace, names), 0)
    for segment in segments(trace):
        name = names[segment.task]  # one that was there before the trace began has no birth in it
        total[name] = total.get(name, 0) + segment.stop - segment.start
    return total


def shares(trace: Trace) -> dict[str, float]:
    """Each task's part of all CPU time that the machine had, 0..1; the rest was idle or lost in switching."""
    whole = trace.end * max(len(trace.names.get("cpu", ())), 1)
    return {name: ns / whole if whole else 0.0 for name, ns in cpu_time(trace).items()}


def fairness(trace: Trace, tasks: Iterable[str] | None = None) -> float:
    """Jain's index of the CPU times of `tasks` (all, if None): 1 when all are equal, 1/n when one has everything.

    Raises KeyError for a name that no task has.
    """
    chosen = None if tasks is None else list(tasks)
    _known(trace, chosen or ())
    times = cpu_time(trace)
    return jain([times.get(name, 0) for name in (times if chosen is None else chosen)])


def jain(values: Sequence[int]) -> float:
    """(sum of x)² / (n · sum of x²); 1 when there is nothing to share."""
    squares = sum(value * value for value in values)
    return float(Fraction(sum(values) ** 2, len(values) * squares)) if squares else 1.0


def switches(trace: Trace) -> int:
    """How often a CPU went from one task to another one, with or without being idle in between."""
    names = {kind.id: kind.name for kind in trace.family.kinds}
    last: dict[int, int] = {}
    count = 0
    for row in trace.rows():
        if names[row.kind] in ("switch", "resume"):
            count += last.get(row.where, row.who) != row.who
            last[row.where] = row.who
    return count


def completions(trace: Trace) -> dict[str, int]:
    """When each task that has ended did so, ns."""
    names = labels(trace)
    return {names[row.who]: row.time for row in trace.rows() if _is(trace, row, "exit", "kill", "withdraw")}


def births(trace: Trace) -> dict[str, int]:
    """When each task was created, ns; a job is there from when it was submitted."""
    names = labels(trace)
    born: dict[str, int] = {}
    for row in trace.rows():
        if _is(trace, row, "submit", "spawn"):
            born.setdefault(names[row.who], row.time)
    return born


def makespan(trace: Trace) -> int | None:
    """From the first task's creation to the last one's end, ns; None while a task has not ended."""
    begun, ended = births(trace), completions(trace)
    if not begun or len(ended) < len(begun):
        return None
    return max(ended.values()) - min(begun.values())


def turnaround(trace: Trace) -> dict[str, int]:
    """From creation to end of each task that has ended, ns."""
    begun = births(trace)
    return {name: time - begun[name] for name, time in completions(trace).items() if name in begun}


def maximum_lateness(trace: Trace, due: Mapping[str, int]) -> int | None:
    """The largest `end − due` over the tasks of `due` (ns); negative when all were early, None while one has not ended.

    Raises KeyError for a name that no task has.
    """
    _known(trace, due)
    ended = completions(trace)
    if not due or any(name not in ended for name in due):
        return None
    return max(ended[name] - time for name, time in due.items())


def total_weighted_completion(trace: Trace, weights: Mapping[str, int] | None = None) -> int | None:
    """The sum of weight · end over `weights` (all with weight 1, if None), ns; None while a task has not ended.

    Raises KeyError for a name that no task has.
    """
    _known(trace, weights or {})
    ended = completions(trace)
    weighted = dict.fromkeys(births(trace), 1) if weights is None else dict(weights)
    if any(name not in ended for name in weighted):
        return None
    return sum(weight * ended[name] for name, weight in weighted.items())


def latencies(trace: Trace, tasks: Iterable[str] | None = None) -> list[Latency]:
    """From every wake-up of `tasks` (all, if None) until the task runs, in the order of the wake-ups.

    Raises KeyError for a name that no task has.
    """
    names = labels(trace)
    chosen = None if tasks is None else frozenset(tasks)
    _known(trace, sorted(chosen or ()))
    woken: dict[int, int] = {}
    found = []
    for row in trace.rows():
        if _is(trace, row, "wake"):
            woken.setdefault(row.who, row.time)
        elif _is(trace, row, "switch", "resume", "keep") and row.who in woken:
            found.append(Latency(names[row.who], woken[row.who], row.time - woken.pop(row.who)))
        elif _is(trace, row, "kill"):
            woken.pop(row.who, None)
    found.sort(key=lambda one: one.wake)
    return [one for one in found if chosen is None or one.task in chosen]


def summary(values: Iterable[int]) -> Summary:
    """Count, median, 95th percentile and longest; a percentile is a value that occurs (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        return Summary(0, None, None, None)

    def rank(percent: int) -> int:
        return ordered[-(-percent * len(ordered) // 100) - 1]

    return Summary(len(ordered), rank(50), rank(95), ordered[-1])


def latency(trace: Trace, tasks: Iterable[str] | None = None) -> Summary:
    """The latencies of `tasks` in four numbers, ns."""
    return summary(one.ns for one in latencies(trace, tasks))


def waits(trace: Trace) -> dict[str, int]:
    """How long each task has been ready without running, in all, ns."""
    names = labels(trace)
    total = dict.fromkeys(_born(trace, names), 0)
    for task, start, stop in _ready_stretches(trace):
        total[names[task]] += stop - start
    return total


def longest_waits(trace: Trace) -> dict[str, int]:
    """Each task's longest single wait, ns."""
    names = labels(trace)
    longest = dict.fromkeys(_born(trace, names), 0)
    for task, start, stop in _ready_stretches(trace):
        longest[names[task]] = max(longest[names[task]], stop - start)
    return longest


def throughput(trace: Trace) -> float:
    """Tasks ended for each second of simulated time."""
    return len(completions(trace)) * S / trace.end if trace.end else 0.0


def _ready_stretches(trace: Trace) -> list[tuple[int, int, int]]:
    ready = trace.family.states.index("ready")
    replay = Replay(trace)
    since: dict[int, int] = {}
    found = []
    for i in range(len(trace)):
        row = replay.forward()
        kind = trace.kinds[row.kind]
        for task in {row.who if kind.who == "task" else NOBODY, row.a if kind.a == "task" else NOBODY}:
            if not 0 <= task < len(replay.state["state"]):
                continue
            if replay.state["state"][task] == ready:
                since.setdefault(task, trace.time[i])
            elif task in since:
                found.append((task, since.pop(task), trace.time[i]))
    return found + [(task, start, trace.end) for task, start in since.items()]


def _is(trace: Trace, row: Row, *kinds: str) -> bool:
    return trace.kinds[row.kind].name in kinds


def _born(trace: Trace, names: Sequence[str]) -> list[str]:
    return [names[row.who] for row in trace.rows() if _is(trace, row, "submit", "spawn", "found", "found_running")]


def _known(trace: Trace, asked: Iterable[str]) -> None:
    names = labels(trace)
    for name in asked:
        if name not in names:
            raise KeyError(f"no task is called {name!r}; there are {', '.join(names)}")
