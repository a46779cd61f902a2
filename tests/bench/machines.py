"""What the Linux machines are measured with: a mixed load, and how fast a run goes."""

from __future__ import annotations

from typing import Any

from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine
from schedlab.trace import Recorder
from tests.bench.conftest import cpu_time

# Two of three tasks compute and sleep, each at a pace of its own, as editors and compilers do; the others only compute.
MIXED: list[dict[str, Any]] = [
    *(
        {"name": f"sleeper{i}", "does": [{"repeat": [{"run": (5 + i) * MS}, {"sleep": (20 + 3 * i) * MS}]}]}
        for i in range(21)
    ),
    {"name": "hog", "count": 11},
]


def timed(scenario: Scenario) -> tuple[float, int]:
    """CPU seconds of the run proper, and the pops of the engine's heap."""
    engine, recorder = Engine(scenario.seed), Recorder(scenario.family.FAMILY)
    running = scenario.family.build(scenario, scenario.policy(), engine, recorder)
    running.start()
    assert scenario.until is not None
    until = scenario.until
    took = cpu_time(lambda: engine.run(until))
    assert len(recorder) > 0
    return took, engine.fired


def pops_per_second(scenario: Scenario) -> float:
    took, pops = timed(scenario)
    return pops / took
