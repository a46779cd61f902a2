"""SimSo's EDF: 50 periodic tasks on 4 processors at 80 % load for two seconds. Prints scheduling events a CPU second.

Run by the interpreter of an environment of its own, because SimSo wants a SimPy that nobody else can use.
"""

from __future__ import annotations

import contextlib
import io
import random
import statistics
import time

from simso.configuration import Configuration
from simso.core import Model
from simso.core.JobEvent import JobEvent
from simso.core.ProcEvent import ProcEvent

TASKS, PROCESSORS, LOAD = 50, 4, 0.8
PERIODS_MS = (5, 10, 20, 40, 50, 100)
CYCLES_PER_MS = 1_000_000
LENGTH_MS = 2_000


def configuration():
    """The tasks share the load at random."""
    rng = random.Random(42)
    shares = [rng.expovariate(1) for _ in range(TASKS)]
    made = Configuration()
    made.cycles_per_ms = CYCLES_PER_MS
    made.duration = LENGTH_MS * CYCLES_PER_MS
    for number, share in enumerate(shares):
        period = rng.choice(PERIODS_MS)
        use = min(0.95, LOAD * PROCESSORS * share / sum(shares))
        made.add_task(
            name=f"task {number}",
            identifier=number,
            period=period,
            activation_date=0,
            wcet=max(0.01, use * period),
            deadline=period,
        )
    for number in range(PROCESSORS):
        made.add_processor(name=f"CPU {number}", identifier=number)
    made.scheduler_info.clas = "simso.schedulers.EDF"
    made.check_all()
    return made


def run() -> float:
    """Events a CPU second of one run."""
    model = Model(configuration())
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its idle processors
        model.run_model()
    took = time.process_time() - began
    runs = sum(entry[1].event == ProcEvent.RUN for cpu in model.processors for entry in cpu.monitor)
    told = [entry[1].event for task in model.task_list for entry in task.monitor]
    return (runs + told.count(JobEvent.PREEMPTED) + told.count(JobEvent.TERMINATED)) / took


if __name__ == "__main__":
    print(statistics.median(run() for _ in range(3)))
