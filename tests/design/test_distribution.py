"""The same unbalanced Pareto work left where it arrives, shared, and stolen."""

from __future__ import annotations

from collections import Counter

import pytest

from schedlab.design.results import Results, results
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS
from schedlab.trace import Trace
from tests.design.test_figures import Tasks

PARETO = {"pareto": "1ms", "alpha": 1.3, "most": "200ms"}
UNBALANCED = [{"name": "job", "count": 200, "work": PARETO, "every": "800us", "cpu": [0, 0, 0, 1]}]


def run(scheduler: str, **changes) -> Trace:
    return Scenario(scheduler, UNBALANCED, cpus=4, seed=7).but(**changes).run()


def work_of(trace: Trace) -> dict[str, int]:
    """CPU time that each task had, ns, read off the rows."""
    had: Counter[str] = Counter()
    since: dict[int, tuple[int, int]] = {}
    changes = {trace.kind_named(kind).id for kind in ("switch", "resume", "rest")}
    for row in trace.rows():
        if row.kind in changes:
            if row.where in since:
                task, start = since.pop(row.where)
                had[trace.name("task", task)] += row.time - start
            if row.who >= 0:
                since[row.where] = (row.who, row.time)
    return had


def test_the_work_is_the_same_however_it_is_distributed():
    assert work_of(run("none")) == work_of(run("sharing")) == work_of(run("stealing"))


def test_the_work_has_a_heavy_tail():
    work = sorted(work_of(run("none")).values(), reverse=True)
    assert work[-1] >= MS
    assert sum(work[:20]) > sum(work) / 3, "a tenth of the tasks brings more than a third of the work"


def test_left_alone_some_cpus_idle_while_others_have_a_queue():
    alone = results(run("none"))
    assert alone.messages == alone.moved == 0
    assert alone.idle[2] == alone.idle[3] == alone.makespan


def test_sharing_and_stealing_are_done_sooner():
    alone, shared, stolen = (results(run(scheduler)) for scheduler in ("none", "sharing", "stealing"))
    assert max(shared.makespan, stolen.makespan) < alone.makespan * 0.7
    assert max(sum(shared.idle), sum(stolen.idle)) < sum(alone.idle)


def test_where_all_are_busy_stealing_sends_less_than_sharing():
    busy = [{"name": "job", "count": 400, "work": PARETO, "cpu": [0, 1, 2, 3]}]
    shared, stolen = (results(run(scheduler, tasks=busy)) for scheduler in ("sharing", "stealing"))
    assert stolen.messages < shared.messages / 4
    assert stolen.makespan <= shared.makespan


def test_every_message_is_a_row_that_says_who_from_where_and_how_many():
    burst = [{"name": "job", "count": 5, "work": "1ms"}]
    trace = Scenario("stealing", burst, cpus=2, seed=1).run()
    assert list(trace.sentences(5, 12)) == [
        "    0.000000 ms  CPU 0 was idle and picks job0",
        "    0.000000 ms  CPU 1 steals 2 tasks from CPU 0, job1 first",
        "    0.000000 ms  job1 moves from CPU 0 to CPU 1",
        "    0.000000 ms  job2 moves from CPU 0 to CPU 1",
        "    0.000000 ms  CPU 1 was idle and picks job1",
        "    1.000000 ms  job0 is done",
        "    1.000000 ms  CPU 0 picks job3; job0 is now finished",
    ]
    shared = Scenario("sharing", burst, cpus=2, seed=1).run()
    assert list(shared.sentences(0, 6)) == [
        "    0.000000 ms  job0 arrives at CPU 0",
        "    0.000000 ms  CPU 0 asks CPU 1 how busy it is: 0 tasks",
        "    0.000000 ms  job1 arrives at CPU 0",
        "    0.000000 ms  CPU 0 asks CPU 1 how busy it is: 0 tasks",
        "    0.000000 ms  CPU 0 hands job1 over to CPU 1",
        "    0.000000 ms  job1 moves from CPU 0 to CPU 1",
    ]


def test_a_thief_takes_half_or_one():
    burst = [{"name": "job", "count": 9, "work": "1ms"}]

    def loot(amount: str) -> int:
        trace = Scenario("stealing", burst, cpus=2, options={"amount": amount}).run()
        return next(row.b for row in trace.rows() if row.kind == trace.kind_named("steal").id)

    assert (loot("half"), loot("one")) == (4, 1)


def test_one_at_a_time_means_more_attempts():
    burst = [{"name": "job", "count": 100, "work": "1ms"}]
    by_half = results(Scenario("stealing", burst, cpus=4).run())
    by_one = results(Scenario("stealing", burst, cpus=4, options={"amount": "one"}).run())
    assert by_one.messages > 2 * by_half.messages


def test_messages_have_a_price_where_the_machine_says_so():
    free, dear = results(run("stealing")), results(run("stealing", machine={"message": "500us"}))
    assert dear.makespan > free.makespan


def test_work_that_a_task_creates_is_distributed_too():
    tree = [{"name": "root", "does": [{"run": "1ms"}, {"spawn": {"name": "leaf", "count": 8, "work": "4ms"}}]}]
    end = {s: Scenario(s, tree, cpus=4).run().end for s in ("none", "sharing", "stealing")}
    assert end["none"] == 33 * MS
    assert end["stealing"] == 9 * MS
    assert end["sharing"] < end["none"]


@pytest.mark.parametrize("scheduler", ["none", "sharing", "stealing"])
def test_the_seed_names_the_run(scheduler):
    assert run(scheduler).digest() == run(scheduler).digest() != run(scheduler, seed=8).digest()


# What every Python must draw and decide alike. Only a change of the model may change these.
DIGESTS = {"none": "8efaa600b34a42e8", "sharing": "16c85cd2dac8e5a3", "stealing": "205cec3f2a7956e9"}


@pytest.mark.parametrize("scheduler", DIGESTS)
def test_the_digest_is_the_one_of_every_python(scheduler):
    assert run(scheduler).digest()[:16] == DIGESTS[scheduler]


def test_results_of_a_run_by_hand():
    tasks: Tasks = [{"name": "a", "work": "3ms"}, {"name": "b", "work": "5ms"}, {"name": "c", "work": "1ms", "cpu": 1}]
    assert results(Scenario("none", tasks, cpus=2).run()) == Results(8 * MS, (0, 7 * MS), 3, 0, 0)


@pytest.mark.parametrize(
    ("scheduler", "options", "complaint"),
    [
        ("stealing", {"amount": "all"}, "amount: 'half' or 'one', not 'all'"),
        ("sharing", {"ask": 0}, "ask: 0 is not in 1..1024"),
        ("sharing", {"ask": "two"}, "ask: a whole number"),
        ("none", {"quantum": "0ms"}, "quantum: 0 ns is too short"),
    ],
)
def test_an_impossible_option_is_refused(scheduler, options, complaint):
    with pytest.raises(ScenarioError, match=complaint):
        run(scheduler, options=options)
