"""The list of classes, one behaviour each, worked out from kernel/sched/core.c of 5.15 and 6.12."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.linux.classes import ClassStack, Linux_5_15, Linux_6_12
from schedlab.linux.deadline import DLEntity
from schedlab.linux.task import SCHED_BATCH, SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_RR, run, sleep
from schedlab.sim import MS
from tests.linux.scene import machine_of, ran, rows_of, task_of, trace_of

BOTH = pytest.mark.parametrize("kernel", [Linux_5_15, Linux_6_12])


def burst(ms: int, **fields: Any) -> dict[str, Any]:
    return {"does": [run(ms * MS), sleep()], **fields}


def dl_burst(ms: int) -> dict[str, Any]:
    return burst(ms, policy=SCHED_DEADLINE, dl=DLEntity(ms * MS, 100 * MS, 100 * MS))


@BOTH
def test_each_class_waits_for_all_above_it(kernel):
    tasks = {
        "fair": burst(8),
        "rr": burst(8, policy=SCHED_RR, rt_priority=1),
        "fifo": burst(8, policy=SCHED_FIFO, rt_priority=99),
        "dl": dl_burst(8),
    }
    assert ran(machine_of(kernel(), tasks), 40) == [("dl", 0, 8), ("fifo", 8, 16), ("rr", 16, 24), ("fair", 24, 32)]


@BOTH
def test_who_wakes_in_a_better_class_interrupts_at_once(kernel):
    fifo = {"does": [sleep(13 * MS), run(2 * MS), sleep()], "policy": SCHED_FIFO, "rt_priority": 1}
    assert ran(machine_of(kernel(), {"fair": {"nice": -20}, "fifo": fifo}), 20) == [
        ("fair", 0, 13), ("fifo", 13, 15), ("fair", 15, 20),
    ]  # fmt: skip


@BOTH
def test_who_wakes_in_a_worse_class_interrupts_nobody(kernel):
    fair = {"does": [sleep(13 * MS), run(2 * MS), sleep()], "nice": -20}
    fifo = burst(30, policy=SCHED_FIFO, rt_priority=1, start=1 * MS)
    machine = machine_of(kernel(), {"fair": fair, "fifo": fifo})
    assert ran(machine, 40) == [("fifo", 1, 31), ("fair", 31, 33)]
    assert rows_of(trace_of(machine), "keep") == []


@BOTH
def test_a_class_that_was_interrupted_goes_on_where_it_was(kernel):
    """Two fair tasks share what is left, whatever the FIFO task takes."""

    def fifo() -> Any:
        while True:
            yield run(3 * MS)
            yield sleep(7 * MS)

    tasks = {"a": {}, "b": {}, "fifo": {"does": fifo(), "policy": SCHED_FIFO, "rt_priority": 1}}
    machine = machine_of(kernel(), tasks)
    ran(machine, 4000)
    a, b, real_time = (task_of(machine, name).sum_exec for name in tasks)
    assert real_time == 1200 * MS
    assert abs(a - b) <= 8 * MS


@BOTH
def test_an_idle_task_gets_three_parts_of_1027(kernel):
    """The policy SCHED_IDLE is no idle class: it gets little, but it gets it."""
    machine = machine_of(kernel(), {"idle": {"policy": SCHED_IDLE}, "fair": {}})
    ran(machine, 20_000)
    idle, fair = (task_of(machine, name).sum_exec for name in ("idle", "fair"))
    assert idle / (idle + fair) == pytest.approx(3 / 1027, rel=0.25)


@BOTH
def test_a_batch_task_has_the_share_of_a_normal_one(kernel):
    machine = machine_of(kernel(), {"batch": {"policy": SCHED_BATCH}, "fair": {}})
    ran(machine, 4000)
    batch, fair = (task_of(machine, name).sum_exec for name in ("batch", "fair"))
    assert abs(batch - fair) <= 8 * MS


@BOTH
def test_every_task_belongs_to_one_class(kernel):
    policy = kernel()
    tasks = {
        "fair": {}, "batch": {"policy": SCHED_BATCH}, "idle": {"policy": SCHED_IDLE},
        "fifo": {"policy": SCHED_FIFO, "rt_priority": 1}, "dl": dl_burst(1),
    }  # fmt: skip
    machine = machine_of(policy, tasks)
    found = {name: next(i for i, part in enumerate(policy.parts()) if part is policy.part_of(task_of(machine, name)))
             for name in tasks}  # fmt: skip
    assert found == {"dl": 1, "fifo": 2, "fair": 3, "batch": 3, "idle": 3}


@BOTH
def test_the_ranking_is_that_of_the_class_that_decides(kernel):
    policy = kernel()
    machine = machine_of(policy, {"fair": {}, "fifo": burst(4, policy=SCHED_FIFO, rt_priority=1), "dl": dl_burst(4)})
    cpu, asked = machine.cpus[0], []
    for ms in (1, 5, 9):
        ran(machine, ms)
        names = [args[0].name for args in policy.candidates(cpu, cpu.curr)]
        asked.append((names, policy.ranking.by))
    fair = "virtual_runtime" if kernel is Linux_5_15 else "virtual_deadline"
    assert asked == [(["dl"], "absolute_deadline"), (["fifo"], "rt_prio"), (["fair"], fair)]


def test_a_list_of_no_classes_is_refused():
    with pytest.raises(ValueError, match="classes: at least one class"):
        ClassStack([])
