"""The same work in other people's simulators, written as their manuals teach.

The work: tasks that arrive at random and compute for a random time, round robin with a quantum on four CPUs, until all
are done. Every form counts what it does: a dispatch, and a preemption or the end of the task.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any, NamedTuple

CPUS = 4
QUANTUM_US = 10_000
MEAN_BURST_US = 100_000
LOAD = 0.9


class Job(NamedTuple):
    """Times in microseconds."""

    start: int
    work: int


def jobs(count: int, seed: int = 42) -> list[Job]:
    """Exponential bursts that arrive at 90 % load of four CPUs."""
    draw = random.Random(seed).expovariate
    made, now = [], 0
    for _ in range(count):
        now += 1 + int(draw(LOAD * CPUS / MEAN_BURST_US))
        made.append(Job(now, 1 + int(draw(1 / MEAN_BURST_US))))
    return made


def events_of(work: list[Job]) -> int:
    """Dispatches, preemptions and completions that this work needs: two for every slice begun."""
    return sum(2 * -(-job.work // QUANTUM_US) for job in work)


def simpy_resource(work: list[Job]) -> int:
    """SimPy, a process for every task, each asking a Resource of four for a turn. Returns the events counted."""
    import simpy

    env = simpy.Environment()
    cpus = simpy.Resource(env, CPUS)
    events = 0

    def task(left: int) -> Generator[Any, Any, None]:
        nonlocal events
        while left > 0:
            with cpus.request() as turn:
                yield turn
                events += 1
                slice_ = min(left, QUANTUM_US)
                yield env.timeout(slice_)
                left -= slice_
                events += 1

    def arrivals() -> Generator[Any, Any, None]:
        for job in work:
            yield env.timeout(job.start - env.now)
            env.process(task(job.work))

    env.process(arrivals())
    env.run()
    return events


def simpy_store(work: list[Job]) -> int:
    """SimPy, a process for every CPU, each taking tasks out of a Store. Returns the events counted."""
    import simpy

    env = simpy.Environment()
    ready = simpy.Store(env)
    events = 0

    def cpu() -> Generator[Any, Any, None]:
        nonlocal events
        while True:
            task: Any = yield ready.get()
            events += 1
            slice_ = min(task["left"], QUANTUM_US)
            yield env.timeout(slice_)
            task["left"] -= slice_
            events += 1
            if task["left"]:
                ready.put(task)

    def arrivals() -> Generator[Any, Any, None]:
        for job in work:
            yield env.timeout(job.start - env.now)
            ready.put({"left": job.work})

    for _ in range(CPUS):
        env.process(cpu())
    env.process(arrivals())
    env.run()
    return events
