"""What the Linux machine does under any policy, one behaviour each."""

from __future__ import annotations

import pytest

from schedlab import goals
from schedlab.linux.task import fork, reap, run, sleep, wait, wake
from schedlab.scenario import Scenario
from schedlab.sim import MS

LINUX = ("v0.01", "o(n)", "o1", "o1-2.6.22")


def words(scenario):
    trace = scenario.run()
    return [f"{trace.time[i] / MS:g} {trace.sentence(i)}" for i in range(len(trace))]


@pytest.mark.parametrize("scheduler", LINUX)
def test_a_task_gets_exactly_the_cpu_time_it_asks_for(scheduler):
    tasks = [
        {"name": "a", "does": [{"run": "33ms"}]},
        {"name": "b", "does": [{"run": "7ms"}, {"sleep": "3ms"}, {"run": "1ns"}]},
    ]
    assert goals.cpu_time(Scenario(scheduler, tasks).run()) == {"a": 33 * MS, "b": 7 * MS + 1}


@pytest.mark.parametrize("scheduler", LINUX)
def test_a_task_may_sleep_no_time_at_all(scheduler):
    trace = Scenario(scheduler, [{"does": [{"sleep": "0ms"}, {"run": "1ms"}, {"sleep": 0}, {"run": "1ms"}]}]).run()
    assert trace.end == 2 * MS


@pytest.mark.parametrize("scheduler", LINUX)
def test_who_wakes_on_an_idle_cpu_runs_for_as_long_as_it_asks(scheduler):
    trace = Scenario(scheduler, [{"does": [{"run": "1ms"}, {"sleep": "5ms"}, {"run": "1ms"}]}]).run()
    assert trace.end == 7 * MS


@pytest.mark.parametrize("scheduler", LINUX)
def test_sleepers_on_a_channel_wake_in_the_order_they_came(scheduler):
    def waits(name):
        return {"name": name, "does": [wait("door"), run(1 * MS)]}

    opener = {"name": "opener", "start": "5ms", "does": [wake("door"), run(1 * MS), wake("door"), run(1 * MS)]}
    trace = Scenario(scheduler, [waits("first"), waits("second"), opener], until="900ms").run()
    asleep = [row.a for row in trace.rows() if trace.kinds[row.kind].name in ("switch", "rest") and row.b == 3]
    woken = [row.who for row in trace.table("wake") if row.time >= 5 * MS and row.a == 2]
    assert woken == asleep[:2]


def test_a_wake_before_the_wait_is_remembered():
    tasks = [{"name": "a", "does": [{"wake": "door"}, {"run": "1ms"}, {"wait": "door"}, {"run": "1ms"}]}]
    assert Scenario("o1", tasks).run().end == 2 * MS


def test_a_killed_task_does_not_run_again():
    scenario = Scenario("o1", [{"name": "a"}, {"name": "b"}], until="500ms", events=[{"at": "50ms", "kill": "a"}] * 2)
    used = goals.cpu_time(scenario.run())
    assert used == {"a": 50 * MS, "b": 450 * MS}


def test_a_sleeping_task_can_be_killed_and_its_timer_wakes_nobody():
    tasks = [{"name": "a", "does": [{"run": "1ms"}, {"sleep": "50ms"}, {"run": "1ms"}]}]
    trace = Scenario("o1", tasks, until="100ms", events=[{"at": "20ms", "kill": "a"}]).run()
    assert goals.completions(trace) == {"a": 20 * MS}
    assert goals.cpu_time(trace) == {"a": 1 * MS}


def test_a_key_ends_a_sleep_early_and_does_nothing_to_who_is_awake():
    tasks = [{"name": "a", "does": [{"run": "1ms"}, {"sleep": "50ms"}, {"run": "4ms"}]}]
    events = [{"at": "500us", "wake": "a"}, {"at": "10ms", "wake": "a"}]
    assert Scenario("o1", tasks, events=events).run().end == 14 * MS


def test_a_key_does_not_end_a_wait_for_the_disk():
    tasks = [{"name": "a", "does": [{"run": "1ms"}, {"disk": "50ms"}, {"run": "4ms"}]}]
    assert Scenario("o1", tasks, events=[{"at": "10ms", "wake": "a"}]).run().end == 55 * MS


@pytest.mark.parametrize("scheduler", LINUX)
def test_a_parent_is_told_the_number_of_its_child_and_collects_it(scheduler):
    told = []

    def parent():
        yield run(1 * MS)
        told.append((yield fork("kid", lambda: [run(2 * MS)])))
        yield sleep(300 * MS)
        yield reap()

    trace = Scenario(scheduler, [{"name": "shell", "does": parent}]).run()
    assert told == [1]
    (reaped, *_rest) = trace.table("reap")
    assert (trace.names["task"][reaped.who], trace.names["task"][reaped.a]) == ("kid", "shell")


def test_v001_refuses_a_fork_when_every_slot_is_taken():
    told = []

    def parent():
        for _ in range(70):
            told.append((yield fork("kid", lambda: [sleep()])))
        yield run(1 * MS)

    trace = Scenario("v0.01", [{"name": "bomb", "does": parent}], until="1s").run()
    assert told.count(-11) == 70 - 62
    assert len(trace.table("no_slot")) == 8


def test_a_child_may_run_only_where_its_parent_may():
    def parent():
        yield fork("kid", lambda: [run(50 * MS)])
        yield run(50 * MS)

    tasks = [{"name": "pinned", "cpus": [1], "does": parent}, {"name": "free", "count": 2, "does": [{"run": "5ms"}]}]
    for scheduler in ("o(n)", "o1"):
        trace = Scenario(scheduler, tasks, cpus=2).run()
        kid = trace.names["task"].index("kid")
        assert {segment.cpu for segment in goals.segments(trace) if segment.task == kid} == {1}


def test_what_a_switch_costs_is_nobodys_time():
    tasks = [{"name": "a", "count": 2, "does": [{"run": "30ms"}]}]
    free, dear = (Scenario("o1", tasks, machine={"switch": cost}).run() for cost in ("0us", "10us"))
    assert free.end == 60 * MS
    assert dear.end == 60 * MS + 2 * 10_000
    assert goals.cpu_time(dear) == goals.cpu_time(free)


def test_one_lock_for_all_makes_cpus_wait_and_locks_of_their_own_do_not():
    tasks = [{"name": "a", "count": 8, "does": [{"repeat": [{"run": "1ms"}, {"sleep": "1ms"}], "times": 20}]}]
    waited = {}
    for scheduler in ("o(n)", "o1"):
        trace = Scenario(scheduler, tasks, cpus=4, machine={"lock": "5us"}).run()
        waited[scheduler] = sum(row.a for row in trace.table("lock"))
    assert waited["o(n)"] > 0 == waited["o1"]


def test_a_new_task_of_2_4_goes_to_an_idle_cpu():
    lines = words(Scenario("o(n)", [{"name": "a"}, {"name": "b", "start": "5ms"}], cpus=2, until="6ms"))
    assert lines[-1] == "5 CPU 1 was idle and picks b"


def test_a_task_that_is_reniced_from_outside_keeps_the_change():
    events = [{"at": "10ms", "renice": {"task": "a", "nice": 7}}]
    trace = Scenario("o1", [{"name": "a"}], until="20ms", events=events).run()
    assert trace.at(9 * MS).state["nice"] == [0]
    assert trace.at(10 * MS).state["nice"] == [7]


@pytest.mark.parametrize("scheduler", LINUX)
def test_who_was_woken_from_outside_no_longer_waits_on_its_channel(scheduler):
    tasks = [
        {"name": "a", "does": [wait("pipe"), run(1 * MS), sleep(800 * MS), run(1 * MS)]},
        {"name": "b", "does": [run(1 * MS), sleep(200 * MS), wake("pipe"), run(1 * MS)]},
    ]
    trace = Scenario(scheduler, tasks, events=[{"at": "50ms", "wake": "a"}]).run()
    assert goals.cpu_time(trace) == {"a": 2 * MS, "b": 2 * MS}
    assert trace.end == 852 * MS
