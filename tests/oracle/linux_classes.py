"""Vectors of the classes of 6.12: PELT, the formulas of the deadline class, and its sequences.

The schema is `linux-classes/v1`. Sequences (`dl-derived-*`) end budgets on the nanosecond, and their end is exclusive.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from schedlab.linux.classes import ClassStack
from schedlab.linux.deadline import Admission, Deadline, DLEntity, overflows, to_ratio
from schedlab.linux.pelt import CAPACITY, LoadAverage, decay_load
from schedlab.linux.task import SCHED_DEADLINE, Step, run, sleep
from schedlab.sim import MS
from tests.oracle.compare import Difference, first_difference
from tests.oracle.linux_golden import Rig

Vector = dict[str, Any]
HZ = 250  # budgets end on the nanosecond, so it does not matter


def replay_decay(vector: Vector) -> Difference | None:
    """decay_load(): [value, periods, result]."""
    table = vector["table"]
    return first_difference(table, [[value, periods, decay_load(value, periods)] for value, periods, _result in table])


def replay_run(vector: Vector) -> Difference | None:
    """One entity through segments [ns, queued, running] again and again; its sums and averages after each."""
    entity, elapsed = LoadAverage(vector["weight"]), 0
    got: list[list[int]] = []
    for _row, (ns, queued, running) in zip(vector["after_each"], cycle(vector["segments"])):
        elapsed += ns
        entity.update(elapsed, queued, queued, CAPACITY * running)
        got.append(
            [
                elapsed, entity.load_sum, entity.util_sum, entity.period_contrib,
                entity.load_avg, entity.runnable_avg, entity.util_avg,
            ]
        )  # fmt: skip
    return first_difference(vector["after_each"], got)


def replay_ratio(vector: Vector) -> Difference | None:
    """to_ratio(): [period, runtime, ratio]."""
    table = vector["table"]
    return first_difference(table, [[period, runtime, to_ratio(period, runtime)] for period, runtime, _ratio in table])


def replay_overflow(vector: Vector) -> Difference | None:
    """dl_entity_overflow(): [runtime, deadline, budget left, time to the deadline, is it too much?]."""
    table = vector["table"]
    return first_difference(table, [[*row[:4], int(overflows(*row[:4]))] for row in table])


def replay_admission(vector: Vector) -> Difference | None:
    """__dl_overflow(): [CPUs, runtime ms, period ms, admitted, total]; they add up for each number of CPUs."""
    machines: dict[int, Admission] = {}
    got = []
    for cpus, runtime_ms, period_ms, _admitted, _total in vector["table"]:
        admission = machines.setdefault(cpus, Admission(cpus))
        admitted = admission.admit(runtime_ms * MS, period_ms * MS)
        got.append([cpus, runtime_ms, period_ms, int(admitted), admission.total])
    return first_difference(vector["table"], got)


class Log:
    """What happens in a deadline class, as `[t, event, task, deadline, budget left, who runs]`."""

    def __init__(self, deadline: Deadline, rig: Rig) -> None:
        self.rig = rig
        self.lines: list[list[Any]] = []
        self.deadline = deadline
        self.hooks = {name: getattr(deadline, name) for name in ("enqueue", "dequeue", "pick", "throttle", "timer")}
        for name in self.hooks:
            setattr(deadline, name, getattr(self, name))

    def note(self, event: str, task: Any) -> None:
        running = task.id if event == "run" else self.rig.current or None
        self.lines.append([self.rig.machine.now, event, task.id, task.dl.deadline, task.dl.runtime, running])

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        self.hooks["enqueue"](task, cpu, why)
        self.note("wake-throttled" if task.dl.throttled else "wake", task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        self.hooks["dequeue"](task, cpu, why)
        self.note(why, task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        task = self.hooks["pick"](cpu, prev)
        if task is not None and task is not prev:
            self.note("run", task)
        return task

    def throttle(self, task: Any, cpu: Any) -> None:
        self.hooks["throttle"](task, cpu)
        self.note("throttle", task)

    def timer(self, cpu: Any, name: Any) -> None:
        what, task = name
        due = what == "replenish" and task.dl.throttled
        self.hooks["timer"](cpu, name)
        if due:
            self.note("replenish", task)


def jobs(entry: Vector, rig: Rig) -> Iterator[Step]:
    """The work of each job, from its release on."""
    for release, work in entry["jobs"]:
        if release > rig.machine.now:
            yield sleep(release - rig.machine.now)
        yield run(work)
    yield sleep()


def by_instant(line: list[Any]) -> tuple[int, bool, int]:
    """At one instant each task's events in their order, tasks by number, and whoever runs then at the end."""
    return line[0], line[1] == "run", line[2]


def replay_sequence(vector: Vector) -> Difference | None:
    """Tasks {id: Q, D, P, jobs} under the deadline class alone."""
    deadline = Deadline(exact=True)
    rig = Rig(ClassStack([deadline]), HZ)
    log = Log(deadline, rig)
    for number, entry in vector["tasks"].items():
        entity = DLEntity(entry["Q"], entry["D"], entry["P"])
        task = rig.machine.create(f"task{number}", jobs(entry, rig), id=int(number), policy=SCHED_DEADLINE, dl=entity)
        release = entry["jobs"][0][0]
        rig.machine.start(task, release or None)
    rig.machine.boot()
    rig.engine.run(vector["end_ns"] - 1)
    return first_difference(sorted(vector["log"], key=by_instant), sorted(log.lines, key=by_instant), ".log")


def replay(schema: str, vector: Vector) -> Difference | None:
    """Replay one vector; the first difference, or None. Raises ValueError for a vector of no known kind."""
    replays = {
        "pelt612-decay": replay_decay,
        "pelt612-run": replay_run,
        "dl612-to-ratio": replay_ratio,
        "dl612-overflow": replay_overflow,
        "dl612-admission": replay_admission,
        "dl-derived": replay_sequence,
    }
    for beginning, play in replays.items():
        if vector["id"].startswith(beginning):
            return play(vector)
    raise ValueError(f"no replay for {vector['id']!r}")


SCHEMAS = ("linux-classes/v1",)
