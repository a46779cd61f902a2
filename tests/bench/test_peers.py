"""Kernels against SimPy and SimSo: four CPUs, a mixed load, a thousand ticks a second, everything recorded."""

from __future__ import annotations

import statistics

import pytest

from schedlab.scenario import Scenario
from tests.bench import peers
from tests.bench.conftest import cpu_time, tell
from tests.bench.machines import MIXED, kernel_events_in, timed


def mixed(scheduler: str) -> Scenario:
    return Scenario(scheduler, MIXED, cpus=4, until="5s", machine={"hz": 1000})


@pytest.mark.parametrize("scheduler", ["o1", "cfs", "eevdf"])
def test_a_kernel_keeps_up_with_simpy(scheduler, work):
    """The best of each side, in turn: on a busy machine the other rounds measure the machine."""
    scenario = mixed(scheduler)
    events = kernel_events_in(scenario.run())
    ours, theirs = [], []
    for _ in range(9):
        ours.append(timed(scenario)[0] / events)
        theirs.append(cpu_time(lambda: peers.simpy_resource(work)) / peers.events_of(work))
    found = min(theirs) / min(ours)
    tell(f"{scheduler}, 4 CPUs, 32 tasks, recorded: {1e-3 / min(ours):,.0f} k events/s, {found:.2f} x SimPy Resource")
    assert found >= 1


@pytest.mark.parametrize(("scheduler", "least"), [("o1", 50), ("cfs", 40), ("eevdf", 40)])
def test_a_kernel_is_far_faster_than_simso(scheduler, least, simso):
    scenario = mixed(scheduler)
    events = kernel_events_in(scenario.run())
    ours, theirs = [], []
    for _ in range(3):
        theirs.append(simso())
        ours.append(max(events / timed(scenario)[0] for _ in range(5)))
    found = statistics.median(a / b for a, b in zip(ours, theirs))
    tell(
        f"{scheduler}, 4 CPUs, 32 tasks, recorded: "
        f"{found:.0f} x SimSo EDF ({statistics.median(theirs) / 1e3:.1f} k events/s)"
    )
    assert found >= least
