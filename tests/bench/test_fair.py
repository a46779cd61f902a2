"""CFS and EEVDF: what an event costs with few tasks and with many, with few CPUs and with many."""

from __future__ import annotations

import math

import pytest

from schedlab.scenario import Scenario
from tests.bench.conftest import cpu_time, tell
from tests.bench.machines import MIXED, pops_per_second

MANY = 10_000  # tasks
KERNELS = ["linux-5.15", "linux-6.1", "linux-6.12", "linux-7.2"]


@pytest.mark.parametrize("scheduler", ["cfs-2.6.23", "cfs", "eevdf-6.6", "eevdf", *KERNELS])
def test_an_event_costs_no_more_than_log_n(scheduler):
    def cost(tasks: int) -> float:
        half = tasks // 2
        sleeps = [{"repeat": [{"run": "1ms"}, {"sleep": f"{2 * tasks}ms"}]}]
        given = [{"name": "hog", "count": half}, {"name": "sleeper", "count": half, "does": sleeps}]
        return 1 / max(pops_per_second(Scenario(scheduler, given, until="4s")) for _ in range(2))

    few, many = cost(10), cost(MANY)
    tell(f"{scheduler}: an event costs {many / few:.1f} x as much with 10,000 tasks as with 10")
    assert many < few * math.log(MANY, 10)


@pytest.mark.parametrize("scheduler", KERNELS)
def test_a_minute_of_eight_cpus_and_a_hundred_tasks_is_simulated_within_twenty_seconds(scheduler):
    given = [{**task, "count": task.get("count", 1) * (5 if task.get("count") else 2)} for task in MIXED]
    scenario = Scenario(scheduler, [*given, {"name": "more", "count": 3}], cpus=8, until="60s")
    assert len(scenario.tasks) == 100
    took = cpu_time(scenario.run)
    tell(f"{scheduler}: a minute of 8 CPUs and 100 tasks in {took:.1f} s of CPU time")
    assert took < 20


@pytest.mark.parametrize("scheduler", KERNELS)
def test_sixty_four_cpus_are_balanced(scheduler):
    jobs = [{"repeat": [{"run": {"mean": "20ms"}}, {"sleep": {"mean": "40ms"}}]}]
    scenario = Scenario(scheduler, [{"name": "job", "count": 256, "does": jobs}], cpus=64, until="2s")
    made = scenario.run()
    assert len(made.table("migrate")) > 256
    took = cpu_time(scenario.run)
    tell(f"{scheduler}: 2 s of 64 CPUs and {len(scenario.tasks)} tasks in {took:.1f} s of CPU time")
    assert took < 20
