"""Short words for tests of one generation: a machine whose policy can be looked at, and who ran when."""

from __future__ import annotations

from typing import Any

from schedlab import goals
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.policy import Policy
from schedlab.linux.task import run
from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine
from schedlab.trace import Recorder, Trace

Turn = tuple[str, float, float]


def machine_of(policy: Policy, tasks: dict[str, dict[str, Any]], **settings: Any) -> Machine:
    """A booted machine with these tasks; what they do stands under "does", when they come under "start" (ns)."""
    machine = Machine(policy, Engine(), Recorder(LINUX), **settings)
    for name, given in tasks.items():
        fields = dict(given)
        does, start = fields.pop("does", [run()]), fields.pop("start", None)
        task = machine.create(name, does, **fields)
        assert task is not None
        machine.start(task, start)
    machine.boot()
    return machine


def task_of(machine: Machine, name: str) -> Any:
    return next(task for task in machine.tasks.values() if task.name == name)


def trace_of(machine: Machine) -> Trace:
    """What the machine has done so far."""
    names = {
        "task": machine.names,
        "cpu": [cpu.name for cpu in machine.cpus],
        "lock": machine.lock_names,
        "change": [],
    }
    return Trace(LINUX, machine.record.columns, names, end=machine.now)


def turns(trace: Trace, cpu: int = 0) -> list[Turn]:
    """Who ran from when to when, in ms; being picked again does not end a turn."""
    names = goals.labels(trace)
    return [
        (names[segment.task], segment.start / MS, segment.stop / MS)
        for segment in goals.segments(trace)
        if segment.cpu == cpu and segment.stop > segment.start
    ]


def ran(machine: Machine, until_ms: float, cpu: int = 0) -> list[Turn]:
    """Let the machine go on, and tell all turns so far."""
    machine.engine.run(round(until_ms * MS))
    return turns(trace_of(machine), cpu)


def ran_in(scheduler: Any, tasks: Any, until: str, **more: Any) -> list[Turn]:
    """The turns of a scenario."""
    return turns(Scenario(scheduler, tasks, until=until, **more).run())


def rows_of(trace: Trace, kind: str) -> list[tuple[float, str]]:
    """When (ms) and for whom rows of a kind stand."""
    return [(row.time / MS, trace.name("task", row.who)) for row in trace.table(kind)]
