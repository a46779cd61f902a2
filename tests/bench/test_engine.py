"""Speed of the core: ratios against peers doing the same work in the same run.

`pytest -m bench tests/bench` runs them and prints the figures. An event is a dispatch, a preemption or a completion;
of a kernel a tick and a wake-up too.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from schedlab.linux import o1, on
from schedlab.scenario import Scenario
from schedlab.sim import US, S
from schedlab.trace import COLUMNS, Replay, Trace
from tests.bench import peers
from tests.bench.conftest import cpu_time, in_turn, ratio, tell
from tests.bench.machines import MIXED, events_in, pops_per_second, timed

ROUNDS = 7


# -- round robin, against SimPy -----------------------------------------------------------------------


def round_robin(work: list[peers.Job]) -> Scenario:
    """The peers' work as a scenario."""
    tasks = [{"name": f"job {i}", "start": job.start * US, "work": job.work * US} for i, job in enumerate(work)]
    return Scenario("preemptive", tasks, cpus=peers.CPUS, options={"quantum": peers.QUANTUM_US * US})


def test_round_robin_is_several_times_faster_than_simpy(work):
    scenario = round_robin(work)
    assert peers.events_of(work) == 21_232
    assert events_in(scenario.run()) == peers.simpy_resource(work) == peers.simpy_store(work) == 21_232
    assert scenario.run(record=False).end == scenario.run().end
    resource, store, recorded, unrecorded, built = in_turn(
        ROUNDS,
        lambda: peers.simpy_resource(work),
        lambda: peers.simpy_store(work),
        scenario.run,
        lambda: scenario.run(record=False),
        lambda: round_robin(work).run(),
    )
    rate = 21_232 / statistics.median(recorded) / 1e3
    tell(f"round robin, 1,000 tasks, recorded: {rate:,.0f} k events/s")
    tell(
        f"  against SimPy Resource: {ratio(resource, recorded):.2f} x recorded, {ratio(resource, unrecorded):.2f} x not"
    )
    tell(f"  against SimPy Store: {ratio(store, recorded):.2f} x recorded")
    tell(f"  with the scenario's own checking of 1,000 tasks: {ratio(resource, built):.2f} x Resource")
    assert ratio(resource, recorded) >= 3
    assert ratio(resource, unrecorded) >= 4
    assert ratio(store, recorded) >= 2.5


# -- marks, and growth ---------------------------------------------------------------------------------


def unmarked(module: ModuleType, name: str) -> Any:
    """The policy class of a module, made from its text without the marks."""
    assert module.__file__ is not None
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if line.strip() not in ("@judgement", "@episode"))
    assert text.count("\n") < len(lines), "there was a mark to remove"
    copy = ModuleType(module.__name__)
    sys.modules[copy.__name__], kept = copy, sys.modules[module.__name__]
    try:
        exec(compile(text, module.__file__, "exec"), vars(copy))
    finally:
        sys.modules[module.__name__] = kept
    return vars(copy)[name]


@pytest.mark.parametrize(("module", "name"), [(o1, "O1"), (on, "ON")])
def test_marks_that_nobody_watches_cost_nothing(module, name):
    with_marks = Scenario(vars(module)[name], MIXED, cpus=4, until="2s")
    without = Scenario(unmarked(module, name), MIXED, cpus=4, until="2s")
    assert with_marks.run().digest() == without.run().digest()
    marked, bare = [], []
    for _ in range(15):
        marked.append(timed(with_marks)[0])
        bare.append(timed(without)[0])
    cost = min(marked) / min(bare)
    tell(f"marked judgements, unwatched ({name}): {cost:.3f} x the time of a copy without marks")
    assert cost < 1.05


@pytest.mark.parametrize("scheduler", ["preemptive", "o1"])
def test_an_event_costs_the_same_with_ten_and_ten_thousand_tasks(scheduler):
    def cost(tasks: int) -> float:
        one = {"work": "forever"} if scheduler == "preemptive" else {}
        count = {"name": "t", "count": tasks, **one}
        options = {"quantum": "1ms"} if scheduler == "preemptive" else {}
        scenario = Scenario(scheduler, [count], cpus=4, until="10s", options=options)
        return 1 / max(pops_per_second(scenario) for _ in range(3))

    small, large = cost(10), cost(10_000)
    tell(f"{scheduler}: an event costs {large / small:.2f} x as much with 10,000 tasks as with 10")
    assert large < 1.6 * small


@pytest.mark.parametrize("scheduler", ["preemptive", "o1"])
def test_tasks_that_come_and_go_cost_the_same_few_or_many(scheduler):
    def cost(tasks: int) -> float:
        if scheduler == "preemptive":
            scenario = round_robin(peers.jobs(tasks))
        else:
            scenario = Scenario(scheduler, [{"name": "t", "count": tasks, "does": [{"run": "1ms"}]}], cpus=4)
        return min(cpu_time(scenario.run) for _ in range(3)) / len(scenario.run())

    few, many = cost(200), cost(10_000)
    tell(f"{scheduler}: a row costs {many / few:.2f} x as much with 10,000 tasks that come and go as with 200")
    assert many < 1.5 * few


# -- replay ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def a_million_rows() -> Trace:
    tasks = [{"name": "t", "count": 100, "work": "forever"}]
    trace = Scenario("preemptive", tasks, cpus=4, until=250 * S, options={"quantum": "1ms"}).run()
    assert len(trace) > 1_000_000
    return trace


def test_a_million_rows_take_33_bytes_each(a_million_rows):
    columns = [getattr(a_million_rows, name) for name, _code in COLUMNS]
    assert sum(len(column) * column.itemsize for column in columns) == 33 * len(a_million_rows)


def test_a_seek_in_a_million_rows_takes_less_than_a_millisecond(a_million_rows):
    replay = Replay(a_million_rows)
    replay.seek(len(a_million_rows))  # the first long jump walks once
    draw = random.Random(1)
    places = [int(draw.random() * len(a_million_rows)) for _ in range(200)]
    times = sorted(cpu_time(partial(replay.seek, place)) for place in places)
    tell(
        f"seek in {len(a_million_rows):,} rows: median {times[100] * 1e3:.2f} ms, worst of 200 {times[-1] * 1e3:.2f} ms"
    )
    assert times[100] < 0.001
    assert times[189] < 0.001, "19 of 20"


def test_back_undoes_forward_on_every_row(a_million_rows):
    trace = Scenario("o1", MIXED, cpus=4, until="5s").run()
    for each, rows in ((trace, len(trace)), (a_million_rows, 20_000)):
        replay = Replay(each)
        for _ in range(rows):
            before = {field: list(held) for field, held in replay.state.items()}
            replay.forward()
            replay.back()
            assert replay.state == before
            replay.forward()


# -- import -----------------------------------------------------------------------------------------------


def import_time(statement: str) -> float:
    """CPU seconds of a fresh interpreter for a statement, less those of an empty one; median of seven."""

    def once(text: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", text], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    once(statement)
    return statistics.median(once(statement) - once("pass") for _ in range(7))


def test_import_is_quick(work):
    pytest.importorskip("numpy")
    ours, core, simpy, numpy = map(
        import_time,
        (
            "import schedlab",
            "import schedlab.scenario, schedlab.linux.scenario, schedlab.design.scenario",
            "import simpy",
            "import numpy",
        ),
    )
    tell(
        f"import schedlab: {ours * 1e3:.0f} ms, with two families {core * 1e3:.0f} ms; "
        f"simpy {simpy * 1e3:.0f} ms, numpy {numpy * 1e3:.0f} ms"
    )
    assert max(ours, core) < 0.150
    assert ours <= 1.5 * simpy
    assert core < numpy


def test_a_mark_returns_the_method_itself():
    from schedlab.trace import episode, judgement

    def method(self: Any) -> int:
        return 1

    marks: tuple[Callable[[Any], Any], ...] = (judgement, episode)
    assert [mark(method) is method for mark in marks] == [True, True]
