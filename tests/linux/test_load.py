"""How loaded CPUs are: what tasks bring to a queue, leave in it and take along."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.cfs import CFS
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.load import QueueLoad, TaskLoad
from schedlab.linux.pelt import LEAST_DIVIDER, LoadAverage
from schedlab.scenario import Scenario
from schedlab.sim import MS

HALF_LIFE = 32 * 1024 * 1024  # ns: 32 periods


def machine(scheduler: str, tasks: list[dict[str, Any]], until: str, cpus: int = 2, **more: Any) -> Any:
    """The policy after a run."""
    scenario = Scenario(scheduler, tasks, cpus=cpus, until=until, **more)
    policy = scenario.policy()
    scenario.run(policy=policy)
    return policy


def load_of(policy: Any, cpu: int) -> QueueLoad:
    return policy.balancer.loads.current(policy.machine.cpus[cpu])


def test_a_task_that_comes_brings_its_averages_and_takes_the_queues_periods():
    queue, task = QueueLoad(0, None), TaskLoad(335, 0)
    queue.period_contrib, queue.last_update = 700, 700 * 1024
    task.util_avg = 100
    queue.attach(task)
    assert (task.period_contrib, task.last_update) == (700, 700 * 1024)
    assert (queue.load_avg, queue.util_avg) == (335, 100)
    assert task.load_sum == LEAST_DIVIDER + 700
    assert queue.load_sum == 335 * task.load_sum
    queue.detach(task)
    assert (queue.load_avg, queue.load_sum, queue.util_avg, queue.util_sum) == (0, 0, 0, 0)


def test_a_queue_is_never_less_than_nothing():
    queue, much = QueueLoad(0, None), LoadAverage(1024)
    much.load_avg = much.util_avg = much.runnable_avg = 500
    much.load_sum, much.util_sum, much.runnable_sum = 10**6, 10**9, 10**9
    queue.detach(much)
    assert (queue.load_avg, queue.load_sum, queue.util_sum, queue.runnable_sum) == (0, 0, 0, 0)


def test_another_weight_is_another_load_for_the_same_time():
    queue, task = QueueLoad(0, None), TaskLoad(1024, 0)
    queue.attach(task)
    queue.reweigh(task, 335)
    assert (task.load_avg, queue.load_avg) == (335, 335)
    assert queue.load_sum == 335 * task.load_sum


@pytest.mark.parametrize("policy", ["cfs", "eevdf", "eevdf-6.6", "linux-7.2"])
def test_three_hogs_weigh_three_times_as_much_and_use_one_cpu(policy):
    found = machine(policy, [{"name": "hog", "count": 3, "cpus": [0]}], "2s")
    queue = load_of(found, 0)
    assert 3 * 1024 - 4 <= queue.load_avg <= 3 * 1024
    assert 1020 <= queue.util_avg <= 1024
    assert 3 * 1024 - 50 <= queue.runnable_avg <= 3 * 1024
    assert load_of(found, 1).load_avg == 0


def test_a_new_task_counts_as_if_it_had_always_been_there_and_used_half_of_what_is_left():
    policy = machine("cfs", [{"name": "hog", "count": 3, "cpus": [0]}], "100us")
    loads = policy.balancer.loads
    assert [mine.util_avg for mine in loads.tasks.values()] == [512, 256, 128]
    assert [mine.load_avg for mine in loads.tasks.values()] == [1024] * 3
    assert load_of(policy, 0).util_avg == 512 + 256 + 128


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf"])
def test_who_sleeps_still_counts_and_half_as_much_after_32_periods(scheduler):
    does = [{"run": "1s"}, {"sleep": "1s"}]
    ends: list[int] = [0, 1, 2, 3]
    left = [
        load_of(machine(scheduler, [{"name": "hog", "cpus": [0], "does": does}], f"{1_000 * MS + n * HALF_LIFE}ns"), 0)
        for n in ends
    ]
    assert [queue.load_avg for queue in left] == pytest.approx([1023, 511, 255, 127], abs=2)


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf"])
def test_half_of_the_time_is_half_of_the_load(scheduler):
    does = [{"repeat": [{"run": "2ms"}, {"sleep": "2ms"}]}]
    queue = load_of(machine(scheduler, [{"name": "half", "cpus": [0], "does": does}], "1s"), 0)
    assert queue.load_avg == pytest.approx(512, abs=30)
    assert queue.util_avg == pytest.approx(512, abs=30)


@pytest.mark.parametrize("scheduler", ["cfs", "eevdf"])
def test_what_moves_takes_its_load_along(scheduler):
    """The whole of the machine's load is that of its hogs wherever they are."""
    policy = machine(scheduler, [{"name": "hog", "count": 5}], "3s", cpus=3)
    assert policy.machine.record is not None
    queues = [load_of(policy, cpu).load_avg for cpu in range(3)]
    assert sum(queues) == pytest.approx(5 * 1024, abs=15)
    held = [policy.queues_of[cpu].nr_running for cpu in range(3)]
    assert queues == pytest.approx([1024 * many for many in held], abs=10)


def test_who_dies_takes_its_load_along_and_who_is_reniced_weighs_as_it_is():
    dies = machine("cfs", [{"name": "brief", "cpus": [0], "does": [{"run": "500ms"}]}, {"name": "hog"}], "501ms")
    assert load_of(dies, 0).load_avg == 0
    event = [{"at": "300ms", "renice": {"task": "hog", "nice": 5}}]
    reniced = machine("eevdf", [{"name": "hog", "cpus": [0]}], "400ms", events=event)
    assert load_of(reniced, 0).load_avg == pytest.approx(335, abs=2)


def test_another_class_is_no_load_of_the_fair_one():
    event = [{"at": "300ms", "setscheduler": {"task": "hog", "class": "fifo", "rt_priority": 1}}]
    found = machine("linux-6.12", [{"name": "hog", "cpus": [0]}], "400ms", events=event)
    assert load_of(type("P", (), {"balancer": found.balancer, "machine": found.machine}), 0).load_avg == 0


def test_one_cpu_keeps_no_averages():
    for policy in (CFS(), EEVDF()):
        scenario = Scenario(type(policy), [{"name": "hog"}], until="10ms")
        scenario.run(policy=policy)
        assert policy.balancer is None
