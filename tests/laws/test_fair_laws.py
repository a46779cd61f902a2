"""What the fair schedulers owe everybody at every instant, and deadline tasks in every period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedlab.linux.fair import calc_delta_fair
from schedlab.linux.task import Step, run, yield_cpu
from schedlab.linux.weights import NICE_0_LOAD
from schedlab.scenario import Scenario
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import Recorder

NICE = st.integers(-10, 10)
HZ = st.sampled_from([100, 250, 1000])


def at_every_instant(scenario: Scenario, look: Callable[[Any], None]) -> None:
    """Run it, and `look` at the machine whenever all of an instant is done."""
    engine, recorder = Engine(scenario.seed), Recorder(scenario.family.FAMILY, on=False)
    running: Any = scenario.family.build(scenario, scenario.policy(), engine, recorder)
    running.machine.on_instant = lambda: look(running.machine)
    running.start()
    assert scenario.until is not None
    engine.run(scenario.until)


def queued(rq: Any) -> list[Any]:
    """Everybody who is runnable on one CPU."""
    return [*rq.tree, *([rq.curr] if rq.curr is not None else [])]


@settings(max_examples=60)
@example([(0, None), (-9, None), (10, None), (10, None), (10, None)], 100)
@given(st.lists(st.tuples(NICE, st.sampled_from([None, "1ms", "3ms", "10ms", "30ms"])), min_size=2, max_size=8), HZ)
def test_under_eevdf_nobody_owes_more_than_a_request_and_a_tick_or_is_owed_more_than_all_others_owe(tasks, hz):
    """Stoica and Abdel-Wahab 1995: lag lies between -r and the longest r, were it not for ticks.

    A request that ends between two ticks runs on to the second, so nobody owes more than a tick above r. All lags
    together are nothing, so what somebody is owed is at most what all others may owe; trying found 3.05 ticks above r.
    """
    hogs = [
        {"name": f"hog{i}", "nice": nice, **({} if slice_ is None else {"slice": slice_})}
        for i, (nice, slice_) in enumerate(tasks)
    ]
    tick = S // hz

    def look(machine: Any) -> None:
        (rq,) = machine.policy.queues_of
        everybody = queued(rq)
        most = sum(task.slice + tick for task in everybody)
        for task in everybody:
            lag = (rq.average() - task.vruntime) * task.weight // NICE_0_LOAD
            assert lag >= -(task.slice + tick), f"{task.name} owes {-lag} ns at {machine.now} ns"
            assert lag <= most - task.slice - tick, f"{task.name} is owed {lag} ns at {machine.now} ns"

    at_every_instant(Scenario("eevdf", hogs, until="2s", machine={"hz": hz}), look)


@settings(max_examples=60)
@given(st.lists(NICE, min_size=2, max_size=12), HZ)
def test_under_cfs_nobody_is_ahead_by_more_than_a_slice_and_a_tick(nices, hz):
    hogs = [{"name": f"hog{i}", "nice": nice} for i, nice in enumerate(nices)]
    tick = S // hz

    def look(machine: Any) -> None:
        (rq,) = machine.policy.queues_of
        everybody = queued(rq)
        least = min(task.vruntime for task in everybody)
        for task in everybody:
            most = calc_delta_fair(machine.policy.ideal_slice(rq, task) + tick, task)
            start = calc_delta_fair(machine.policy.ideal_slice(rq, task), task)  # a newcomer is placed so far ahead
            assert task.vruntime - least <= most + start, f"{task.name} at {machine.now} ns"

    at_every_instant(Scenario("cfs", hogs, until="2s", machine={"hz": hz}), look)


def jobs(work: int) -> Callable[[], Iterator[Step]]:
    """One job a period: the work, and the rest of the budget is given back."""

    def periodic() -> Iterator[Step]:
        while True:
            yield run(work)
            yield yield_cpu()

    return periodic


def lateness(tasks: list[tuple[int, int]], cpus: int) -> dict[int, int]:
    """For each task the worst of its jobs, how long after its deadline it was done (ns), 0 if never."""
    given_tasks = [
        {"name": f"dl{i}", "class": "deadline", "runtime": runtime, "period": period, "does": jobs(runtime - US)}
        for i, (runtime, period) in enumerate(tasks)
    ]
    trace = Scenario("linux-6.12", given_tasks, cpus=cpus, until="1s", machine={"hz": 1000}).run()
    worst = dict.fromkeys(range(len(tasks)), 0)
    done = dict.fromkeys(range(len(tasks)), 0)
    for row in trace.table("yields"):
        done[row.who] += 1
        worst[row.who] = max(worst[row.who], row.time - done[row.who] * tasks[row.who][1])
    for i, (_runtime, period) in enumerate(tasks):
        worst[i] = max(worst[i], trace.end - (done[i] + 1) * period)  # of a job that is not done at the end
    return worst


TASK = st.tuples(st.integers(1, 40), st.integers(5, 100)).map(lambda pair: (pair[0] * 100 * US, pair[1] * MS))


def within(tasks: list[tuple[int, int]], limit: float) -> list[tuple[int, int]]:
    """As many of them, from the first, as the limit has room for."""
    kept: list[tuple[int, int]] = []
    for runtime, period in tasks:
        if runtime < period and sum(c / p for c, p in [*kept, (runtime, period)]) <= limit:
            kept.append((runtime, period))
    return kept


@settings(max_examples=60)
@given(st.lists(TASK, min_size=1, max_size=12))
def test_on_one_cpu_no_deadline_is_missed(tasks):
    """EDF is optimal there: whatever is admitted is on time"""
    tasks = within(tasks, 0.95)
    assert not any(lateness(tasks, 1).values())


@settings(max_examples=40)
@given(st.lists(TASK, min_size=2, max_size=16), st.integers(2, 4))
def test_on_many_cpus_lateness_is_bounded(tasks, cpus):
    """Devi and Anderson 2005: by a job's own work and (sum of the m-1 longest) / (m - sum of the m-1 heaviest)"""
    tasks = within(tasks, 0.95 * cpus)
    longest = sum(sorted((c for c, _p in tasks), reverse=True)[: cpus - 1])
    heaviest = sum(sorted((c / p for c, p in tasks), reverse=True)[: cpus - 1])
    for i, late in lateness(tasks, cpus).items():
        assert late <= tasks[i][0] + longest / (cpus - heaviest)


def test_the_effect_of_dhall_and_liu():
    """Two light tasks with earlier deadlines take both CPUs, and a heavy one is late though half the machine is idle"""
    light, heavy = (1 * MS, 10 * MS), (10 * MS, 10_500 * US)
    found = lateness([light, light, heavy], 2)
    assert (found[0], found[1]) == (0, 0)
    assert 400 * US <= found[2] <= 600 * US
