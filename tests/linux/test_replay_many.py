"""Workloads on several CPUs of which no recording is at hand: they run, and as the README of the recordings says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from schedlab.linux.real.recorded import Home, Job, Look, Model, Spread, Unmodelled
from schedlab.linux.real.replay_many import StageOfMany, play
from schedlab.linux.task import SCHED_NORMAL
from schedlab.sim import MS, US, S

KERNELS = ("5.10.0-32-cloud", "6.1.0-56-cloud", "6.12.107+deb13", "7.2.13")


def job(name: str, kind: str = "hog", run: int = 0, sleep: int = 0) -> Job:
    return Job(name, kind, SCHED_NORMAL, 0, 0, run, sleep, 0, 0, 0, 0)


def recording(kernel: str, cpus: int, jobs: list[Job], forked: bool = False, window: int = 2 * S) -> Spread:
    """Tasks that wake on one CPU after the other, or are forked on the first."""
    homes = {
        each.name: Home(300 * US * i, 0, True) if forked else Home(3 * US * i, i % cpus, False)
        for i, each in enumerate(jobs)
    }
    return Spread(
        Path("none"), "none", kernel, "", 250, window, tuple(jobs), (), (), cpus=cpus, release_clock=1, homes=homes
    )  # fmt: skip


def moves_of(model: Model) -> list[int]:
    assert isinstance(model.stage, StageOfMany)
    return [time for time, _woke in model.stage.moves()]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_odd_one_of_three_moves_every_110_to_126_ms(kernel: str) -> None:
    model = play(recording(kernel, 2, [job(f"hog{i}") for i in range(3)]))
    times = moves_of(model)
    assert len(times) > 10
    assert all(110 <= (after - before) / MS <= 126 for before, after in pairwise(times))
    assert all(0.3 <= ns / sum(model.cpu.values()) <= 0.39 for ns in model.cpu.values())


@pytest.mark.parametrize("kernel", KERNELS)
def test_forked_tasks_leave_the_cpu_of_their_parent_when_they_have_asked_for_all(kernel: str) -> None:
    model = play(recording(kernel, 4, [job(f"hog{i}") for i in range(6)], forked=True))
    assert model.first_pull is not None
    assert model.first_pull < 20 * MS
    assert sum(model.cpu.values()) > 0.98 * 4 * 2 * S


@pytest.mark.parametrize("kernel", KERNELS)
def test_bursts_end_and_nobody_is_lost(kernel: str) -> None:
    model = play(recording(kernel, 4, [job(f"fin{i}", "burst", 300 * MS) for i in range(6)], window=3 * S))
    assert all(300 * MS <= ns < 301 * MS for ns in model.cpu.values())


def test_sleepers_have_what_they_ask_for_where_there_are_cpus_enough() -> None:
    model = play(recording(KERNELS[1], 4, [job(f"sl{i}", "run_sleep", 5 * MS, 5 * MS) for i in range(3)]))
    assert all(0.99 * S <= ns <= 1.01 * S for ns in model.cpu.values())


def test_a_cpu_looks_when_and_as_often_as_it_was_recorded() -> None:
    spread = recording(KERNELS[1], 2, [job("hog0")])
    stage = StageOfMany(Spread(**{**vars(spread), "looks": {1: Look(130 * MS, 64, idle=True)}}))
    balancer = stage.policy.balancer
    (domain,), next_balance = balancer.domains[1], balancer.next_balance[1]
    assert (domain.interval_ms, next_balance - domain.last_balance) == (64, 16)
    assert stage.first_tick + (next_balance - 1) * 4 * MS <= 130 * MS < stage.first_tick + next_balance * 4 * MS


def test_tasks_on_pipes_are_not_modelled_on_many_cpus() -> None:
    with pytest.raises(Unmodelled, match="ping"):
        play(recording(KERNELS[0], 2, [job("ping", "ping")]))
