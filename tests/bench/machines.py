"""What the Linux machines are measured with: a mixed load, and how fast a run goes."""

from __future__ import annotations

from typing import Any

from schedlab.scenario import Scenario
from schedlab.sim import MS, Engine, S
from schedlab.trace import Recorder, Trace
from tests.bench.conftest import cpu_time

# Two of three tasks compute and sleep, each at a pace of its own, as editors and compilers do; the others only compute.
MIXED: list[dict[str, Any]] = [
    *(
        {"name": f"sleeper{i}", "does": [{"repeat": [{"run": (5 + i) * MS}, {"sleep": (20 + 3 * i) * MS}]}]}
        for i in range(21)
    ),
    {"name": "hog", "count": 11},
]


def events_in(trace: Trace) -> int:
    """Dispatches, preemptions and completions, counted in the rows; to go on after a turn is one of each."""
    count = {kind.name: trace.kind.count(kind.id) for kind in trace.family.kinds}
    dispatched = count["switch"] + count["resume"] + count["keep"]
    left = count["switch"] + count["rest"] + count["keep"]
    return dispatched + left


def kernel_events_in(trace: Trace) -> int:
    """The same, and what only a kernel has: ticks and wake-ups."""
    assert trace.scenario is not None
    hz = trace.scenario.machine.get("hz") or trace.scenario.policy().default_hz
    return events_in(trace) + len(trace.table("wake")) + trace.end * hz // S * trace.scenario.cpus


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
