"""What the Linux machine does under any policy, one behaviour each."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals, laws, play
from schedlab.guard import LearnerError
from schedlab.linux.machine import Loop
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.schedulers import SCHEDULERS
from schedlab.linux.task import SCHED_DEADLINE, SCHED_FIFO, fork, reap, run, setscheduler, sleep, wait, wake
from schedlab.scenario import Scenario, ScenarioError
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


@pytest.mark.parametrize("scheduler", ["o(n)", "o1", "cfs-2.6.23", "cfs", "eevdf", "linux-6.12"])
class TestAlarms:
    """Since 2.4 a timer's interrupt sends the signal; 0.01 looks for it in schedule() (see test_v001)."""

    def run(self, scheduler, does, until="300ms"):
        return Scenario(scheduler, [{"name": "a", "does": does}], until=until).run()

    def rings(self, trace):
        return [row.time / MS for row in trace.table("signal")]

    def test_an_alarm_wakes_a_sleeper(self, scheduler):
        trace = self.run(scheduler, [{"alarm": "50ms"}, {"sleep": "forever"}, {"run": "5ms"}])
        assert self.rings(trace) == [50]
        assert [row.time / MS for row in trace.table("exit")] == [55]

    def test_it_does_not_wake_who_waits_for_the_disk_and_is_over_then(self, scheduler):
        trace = self.run(scheduler, [{"alarm": "20ms"}, {"disk": "100ms"}, {"sleep": "50ms"}])
        assert [row.time / MS for row in trace.table("exit")] == [150]

    def test_a_second_alarm_takes_the_place_of_the_first(self, scheduler):
        trace = self.run(scheduler, [{"alarm": "20ms"}, {"alarm": "70ms"}, {"sleep": "forever"}])
        assert self.rings(trace) == [70]

    def test_the_dead_hear_no_alarm(self, scheduler):
        assert self.rings(self.run(scheduler, [{"alarm": "20ms"}, {"run": "1ms"}])) == []

    def test_a_wait_for_a_channel_is_left_too(self, scheduler):
        trace = self.run(scheduler, [{"alarm": "20ms"}, {"wake": "other"}, {"wait": "key"}, {"run": "1ms"}, "exit"])
        assert [row.time / MS for row in trace.table("exit")] == [21]


@pytest.mark.parametrize("scheduler", ["o(n)", "o(n)-2.4.24"])
def test_who_is_killed_while_it_runs_is_picked_by_no_other_cpu(scheduler):
    tasks = [
        {"name": "a", "class": "fifo", "rt_priority": 28, "start": "18ms"},
        {"name": "b", "class": "rr", "rt_priority": 56, "start": "18ms"},
        {"name": "c", "count": 3},
    ]
    events = [{"at": f"{at}ms", "kill": name} for at, name in ((70, "b"), (90, "a"), (120, "c0"), (120, "c1"))]
    trace = Scenario(scheduler, tasks, cpus=2, until="200ms", events=events).run()
    assert laws.check(trace) == []
    assert len(trace.table("kill") + trace.table("exit")) == 4


def test_2_4_wakes_nobody_on_a_cpu_that_it_may_no_longer_use():
    tasks = [
        {"name": "z", "cpus": [1], "does": [{"repeat": [{"run": "1ms"}, {"sleep": "20ms"}]}]},
        {"name": "rt", "class": "fifo", "cpus": [0], "start": "5ms"},
    ]
    trace = Scenario(
        "o(n)", tasks, cpus=2, until="100ms", events=[{"at": "10ms", "cpus": {"task": "z", "cpus": [0]}}]
    ).run()
    assert {row.where for row in trace.table("wake") if row.who == 0 and row.time > 10 * MS} == {0}


def test_a_change_of_class_that_the_kernel_refuses_is_told_with_its_time():
    does = [{"run": "5ms"}, {"setscheduler": {"class": "deadline", "runtime": "1ms", "period": "10ms"}}]
    given = Scenario("linux-6.12", [{"name": "a", "cpus": [0], "does": does}], cpus=2)
    with pytest.raises(ScenarioError, match=r"at 5 ms: a: a deadline task must be allowed on all CPUs \(EPERM\)"):
        given.run()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (setscheduler(4), "setscheduler(4): there is no such class"),
        (setscheduler(99), "setscheduler(99): there is no such class"),
        (setscheduler(SCHED_FIFO, 500), "rt_priority: 500 is not in 1..99"),
        (setscheduler(SCHED_FIFO), "rt_priority: 0 is not in 1..99"),
        (setscheduler(SCHED_DEADLINE), "a deadline task needs 'runtime' and 'period'"),
        (setscheduler(SCHED_DEADLINE, dl=(1,)), "dl is (runtime, deadline, period) in ns, not (1,)"),  # type: ignore[arg-type]  # as a student might
        (setscheduler(SCHED_DEADLINE, dl=(5 * MS, 4 * MS, 3 * MS)), "(EINVAL)"),
        (wait([]), "wait([]): the name of a channel is a text"),  # type: ignore[arg-type]  # as a student might
        (fork("b", list, foo=1), "there is no key 'foo'"),
        (fork("b", list, nice=99), "nice: 99 is not in -20..19"),
        (fork("b", []), "the child's behaviour is a function that yields steps, not []"),  # type: ignore[arg-type]  # as a student might
    ],
)
@pytest.mark.parametrize("where", ["list", "function"])
def test_a_step_made_in_python_is_checked_like_one_given_as_data(step, words, where):
    def behaviour():
        yield step

    with pytest.raises((ScenarioError, LearnerError)) as caught:
        Scenario("linux-6.12", [{"does": [step] if where == "list" else behaviour}], until="1s").run()
    assert words in str(caught.value)


def test_a_class_that_the_scheduler_lacks_is_told_in_steps_of_python_too():
    with pytest.raises(ScenarioError, match="CFS has no class 'fifo'"):
        Scenario("cfs", [{"does": [setscheduler(SCHED_FIFO, 5)]}], until="1s").run()


@pytest.mark.parametrize("scheduler", ["v0.01", "o(n)", "o1", "cfs", "eevdf"])
def test_forks_that_use_no_time_come_to_an_end(scheduler, monkeypatch):
    monkeypatch.setattr("schedlab.linux.machine.FORKS_WITHOUT_TIME", 50)
    monkeypatch.setattr("schedlab.linux.machine.STEPS_WITHOUT_TIME", 500)

    def bomb():
        while True:
            yield fork("bomb", bomb)

    with pytest.raises(Loop, match="at 0 ns without using time"):
        Scenario(scheduler, [{"name": "bomb", "does": bomb}], until="1s").run()


class Barely(Policy):
    """Only what every policy must answer."""

    def attach(self, machine):
        self.machine = machine
        self.line: list[Any] = []

    def enqueue(self, task, cpu, why):
        self.line.append(task)

    def dequeue(self, task, cpu, why):
        self.line.remove(task)

    def pick(self, cpu, prev):
        return self.line[0] if self.line else None

    def tick(self, cpu, curr):
        if self.line:
            self.line.append(self.line.pop(0))
            self.machine.resched(cpu)

    def preempts(self, cpu, woken):
        return False


def test_a_policy_that_answers_only_what_it_must_can_be_played_and_explained():
    given = Scenario(Barely, [{"name": "a"}, {"name": "b"}], until="60ms")
    explained = given.run().explain()
    assert explained.plain().digest() == given.run().digest()
    assert not explained.table("decided")
    assert "picks a" in play(given).text


def test_a_ranking_by_what_is_no_judgement_is_told():
    class Typo(Barely):
        ranking = Ranking(by="waitng")

    with pytest.raises(
        ScenarioError, match=r"Typo\.ranking compares by 'waitng', but no method of that name is marked"
    ):
        Scenario(Typo, [{"name": "a"}], until="60ms").run().explain()


@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if not name.startswith("scx")])
def test_a_child_may_be_forked_with_a_nice_value_of_its_own(scheduler):
    def parent():
        yield fork("child", lambda: [run()], nice=10)
        yield run()

    had = goals.cpu_time(Scenario(scheduler, [{"name": "parent", "does": parent}], until="4s").run())
    assert had["child"] < 0.6 * had["parent"]
