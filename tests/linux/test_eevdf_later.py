"""EEVDF after 6.12: what the README of the recordings tells of 6.12.107 and 7.2, and rules by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schedlab.linux.eevdf_later import EEVDF_7_2, EevdfRq72
from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.real.recorded import Job, Model, Traced
from schedlab.linux.real.replay import play
from schedlab.linux.task import SCHED_NORMAL, run, sleep
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import Recorder

TUNABLES = {"base_slice_ns": "700000", "features": "HRTICK HRTICK_DL RUN_TO_PARITY"}


def job(name: str, kind: str = "hog", nice: int = 0, run_us: int = 0, sleep_us: int = 0, slice_us: int = 0) -> Job:
    fields = (run_us * US, sleep_us * US, 0, 0, 0, 0, slice_us * US)
    return Job(name, kind, SCHED_NORMAL, nice, 0, *fields)


def workload(kernel: str, *jobs: Job) -> Model:
    """Two seconds of a workload of which no recording is at hand, released in order."""
    woken = {each.name: (5 + 3 * i) * US for i, each in enumerate(jobs)}
    foreign = ((0, (12 + 3 * len(jobs)) * US),)
    recording = Traced(
        Path("none"), "none", kernel, "", 250, 2 * S, jobs, (), (),
        release_clock=1_300_000, tunables=TUNABLES, woken=woken, placed={}, foreign=foreign,
    )  # fmt: skip
    return play(recording)


def usual_turn(model: Model, task: str) -> float:
    """The median of a task's turns, ms."""
    lengths = sorted(turn.end - turn.start for turn in model.turns if turn.task == task)
    return lengths[len(lengths) // 2] / MS


def share(model: Model, task: str) -> float:
    return model.cpu[task] / sum(model.cpu.values())


@pytest.mark.parametrize(
    ("kernel", "part"), [("5.10.223", 0.50), ("6.1.0", 0.50), ("6.12.107", 0.399), ("7.2.13", 0.446)]
)
def test_share_of_a_task_that_yields(kernel: str, part: float) -> None:
    model = workload(kernel, job("hog0"), job("yield", "yield", run_us=1000))
    assert share(model, "yield") == pytest.approx(part, abs=0.01)


@pytest.mark.parametrize(("kernel", "ms"), [("5.10.223", 4.0), ("6.1.0", 4.0), ("6.12.107", 4.0), ("7.2.13", 0.712)])
def test_turns_of_three_hogs(kernel: str, ms: float) -> None:
    model = workload(kernel, *(job(f"hog{i}") for i in range(3)))
    assert [usual_turn(model, f"hog{i}") for i in range(3)] == pytest.approx([ms] * 3, abs=0.002)


def test_shares_by_nice_value_on_7_2() -> None:
    model = workload("7.2.13", *(job(f"n{nice}", nice=nice) for nice in (0, 5, 10, 19)))
    shares = [share(model, f"n{nice}") for nice in (0, 5, 10, 19)]
    assert shares == pytest.approx([0.6894, 0.2265, 0.0739, 0.0102], abs=0.003)


def test_asked_for_slices() -> None:
    """6.12: turns of the slice asked for, up to the next tick; 7.2: the long ones are cut by the short ones."""
    hogs = [job("0.1", slice_us=100), job("3", slice_us=3000), job("20", slice_us=20_000), job("100", slice_us=100_000)]
    old, new = workload("6.12.107", *hogs), workload("7.2.13", *hogs)
    assert [usual_turn(old, name) for name in ("0.1", "3")] == pytest.approx([4, 4], abs=0.01)
    assert usual_turn(old, "20") in (pytest.approx(20, abs=0.01), pytest.approx(24, abs=0.01))
    assert usual_turn(old, "100") in (pytest.approx(100, abs=0.01), pytest.approx(104, abs=0.01))
    assert [usual_turn(new, name) for name in ("20", "100")] == pytest.approx([4, 4], abs=1)


def two_tasks(policy: EEVDF_7_2, **second: Any) -> Machine:
    """A hog, and a task that sleeps 2 ms before it computes."""
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False))
    for name, does, fields in (("hog", [run()], {}), ("late", [sleep(2 * MS), run()], second)):
        task = machine.create(name, does, **fields)
        assert task is not None
        machine.start(task)
    machine.boot()
    return machine


def test_the_timer_ends_a_request_on_the_nanosecond() -> None:
    machine = two_tasks(EEVDF_7_2(base_slice=700_000))
    machine.engine.run(40 * MS)
    hog, late = machine.tasks.values()
    assert abs(hog.vruntime - late.vruntime) <= 1_400_000
    assert machine.policy.tickets[0] > 40  # type: ignore[attr-defined]  # about one for each request


def test_without_the_timer_only_the_tick_ends_it() -> None:
    machine = two_tasks(EEVDF_7_2(base_slice=700_000, hrtick=False))
    machine.engine.run(40 * MS)
    assert machine.policy.tickets == [0]  # type: ignore[attr-defined]  # of this policy


def test_a_shorter_request_shortens_the_protection_of_whoever_runs() -> None:
    policy = EEVDF_7_2(base_slice=3 * MS, hrtick=False)
    machine = two_tasks(policy, custom_slice=100_000)
    machine.engine.run(2 * MS - 1)
    hog, _late = machine.tasks.values()
    rq = policy.queues_of[0]
    assert (rq.curr, hog.vlag) == (hog, hog.deadline)
    policy.protect(rq, hog)
    assert hog.vlag == hog.deadline
    machine.engine.run(2 * MS)
    assert isinstance(rq, EevdfRq72)
    assert rq.requests() == (100_000, 3 * MS)
    assert rq.curr.name == "late" or hog.vlag <= hog.vruntime + 100_000


def test_a_negative_delay_is_told() -> None:
    with pytest.raises(ValueError, match="hrtick_late"):
        EEVDF_7_2(hrtick_late=-1)
