"""What a recording is replayed with: scheduler by version, tunables, groups, costs, and what is missing in it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from schedlab.linux.cfs import CFS
from schedlab.linux.eevdf import EEVDF_6_6
from schedlab.linux.eevdf_later import EEVDF_7_2, EEVDF_6_12_Stable
from schedlab.linux.fair_server import DeadlineWithServer
from schedlab.linux.real.compared import compare_with_recording
from schedlab.linux.real.recorded import (
    Job,
    Placed,
    Stretch,
    Traced,
    Unmodelled,
    joined,
    read_job,
    read_recording,
    version_of,
    waiters,
)
from schedlab.linux.real.replay import Costs, costs_of, kernel_of, phase_of_period, play
from schedlab.linux.task import SCHED_FIFO, SCHED_NORMAL
from schedlab.sim import MS, US, S

RECORDINGS = Path(__file__).parents[2] / "data" / "linux"


def job(name: str, kind: str = "hog", **fields: Any) -> Job:
    blank = Job(name, kind, SCHED_NORMAL, 0, 0, 0, 0, 0, 0, 0, 0)
    return blank._replace(**fields)


def traced(*jobs: Job, kernel: str = "6.1.0", **fields: Any) -> Traced:
    made = Traced(Path("none"), "w", kernel, "", 250, 1 * S, jobs, (), (), woken={each.name: 5 * US for each in jobs})
    return dataclasses.replace(made, foreign=((0, 20 * US),), **fields)


@pytest.mark.parametrize(
    ("kernel", "fair", "server"),
    [
        ("5.10.0-33-cloud-amd64", CFS, False),
        ("6.5.13", CFS, False),
        ("6.6.9", EEVDF_6_6, False),
        ("6.12.107+deb13-cloud-amd64", EEVDF_6_12_Stable, True),
        ("7.2.13-cloud-amd64", EEVDF_7_2, True),
    ],
)
def test_the_scheduler_of_a_version(kernel: str, fair: type, server: bool) -> None:
    policy = kernel_of(traced(job("hog"), kernel=kernel))
    assert type(policy.fair) is fair
    assert isinstance(policy.deadline, DeadlineWithServer) is server


def test_version_of() -> None:
    assert version_of("6.12.107+deb13-cloud-amd64") == (6, 12, 107)
    assert version_of("5.10.0-33-cloud-amd64") == (5, 10, 0, 33)
    assert version_of("next") == ()


@pytest.mark.parametrize("prefix", ["", "sched_"])
def test_tunables_are_those_of_the_recording(prefix: str) -> None:
    tunables = {f"{prefix}latency_ns": "12000000", f"{prefix}min_granularity_ns": "1500000"}
    fair = kernel_of(traced(job("hog"), tunables=tunables)).fair
    assert isinstance(fair, CFS)
    assert (fair.latency, fair.min_granularity, fair.wakeup_granularity) == (12 * MS, 1500 * US, None)


@pytest.mark.parametrize(("features", "hrtick"), [("HRTICK", True), ("NO_HRTICK", False), ("", False)])
def test_the_timer_is_a_feature(features: str, hrtick: bool) -> None:
    fair = kernel_of(traced(job("hog"), kernel="7.2.13", tunables={"features": features})).fair
    assert isinstance(fair, EEVDF_7_2)
    assert fair.hrtick is hrtick


def test_groups_that_the_program_does_not_make() -> None:
    with pytest.raises(Unmodelled, match="groups web"):
        kernel_of(traced(job("hog", group="web")))


def test_a_task_is_known_by_its_name_where_its_kind_is_not() -> None:
    entry = json.loads((RECORDINGS / "6.1-cfs" / "w01_3hogs.json").read_text(encoding="utf-8"))["tasks"][0]
    assert read_job({**entry, "kind": "pipe writer", "comm": "ping"}).kind == "ping"
    with pytest.raises(Unmodelled, match="pipe writer"):
        read_job({**entry, "kind": "pipe writer"})


def test_costs_are_those_of_rounds_that_nobody_interrupted() -> None:
    inter = job("inter", "interactive", run=1 * MS, sleep=10 * MS)
    turns, at = [], 0
    for extra in (9_000, 9_100, 12_200, 9_050, 40_000):
        turns.append(Stretch("inter", at, at + MS + extra, "S"))
        at += 11 * MS + extra + 2_400
    recording = traced(inter, stretches=tuple(turns))
    assert costs_of(recording, inter, switch_ns=6_000) == Costs(calls=3_050, waking=2_170, tick=3_150)


def test_costs_where_every_round_is_interrupted() -> None:
    long = job("long", "interactive", run=6 * MS, sleep=47 * MS)
    assert costs_of(traced(long), long, 6_000) == costs_of(traced(job("hog")), job("hog"), 6_000)


def test_the_period_of_throttling_begins_when_real_time_takes_the_cpu_back() -> None:
    turns = (
        Stretch("fifo", 0, 950 * MS, "R"),
        Stretch("hog", 950 * MS, 990 * MS, "R"),
        Stretch("fifo", 990 * MS, S, "R"),
    )
    fifo = job("fifo", policy=SCHED_FIFO, rt_priority=1)
    assert phase_of_period(traced(fifo, job("hog"), stretches=turns)) == 990 * MS - 5 * US
    assert phase_of_period(traced(job("hog"))) == 0


def test_a_task_that_was_never_picked_is_placed_at_the_average() -> None:
    placed = {"a": Placed(20 * US, 8_000_000_000, 0, 0, 8_000_000_500)}
    model = play(traced(job("a"), job("never"), placed=placed))
    assert model.cpu["never"] / S == pytest.approx(0.5, abs=0.02)


def test_turns_are_joined_over_short_gaps_only() -> None:
    turns = [Stretch("a", 0, 10, "R"), Stretch("a", 20, 30, "R"), Stretch("a", 80, 90, "S"), Stretch("a", 91, 95, "R")]
    assert joined(turns, 15) == (Stretch("a", 0, 30, "R"), *turns[2:])
    assert joined(turns) == (Stretch("a", 0, 90, "S"), turns[3])


def test_who_else_is_queued_is_told_by_nr() -> None:
    def pick(now: int, nr: int) -> dict[str, str]:
        return {"t_ns": str(now), "event": "pick", "comm": "a", "nr": str(nr), "extra": "depth=0 x", "prev_state": ""}

    woken = {"t_ns": "1", "event": "wakeup", "comm": "a", "nr": "", "extra": "", "prev_state": ""}
    rows = [woken, pick(2, 1), pick(3, 2), pick(4, 3), pick(6, 2), pick(8, 1), pick(9, 2)]
    assert list(waiters(rows, 10, set())) == [(3, 6), (4, 8), (9, 10)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("6.1-cfs/w10_forkstorm", "st38 rather than st27: in the kernel 1.9 us"),
        ("6.1-cfs/w03_inter", "hog1 rather than hog0: in the kernel 2.5 us"),
    ],
)
def test_a_divergence_tells_how_near_the_two_were(name: str, said: str) -> None:
    divergence = compare_with_recording(RECORDINGS / f"{name}.json").divergence
    assert divergence is not None
    assert said in divergence.cause


def test_what_the_tracepoints_tell() -> None:
    recording = read_recording(RECORDINGS / "6.12-eevdf" / "w07b_cpumax_alone.json")
    assert isinstance(recording, Traced)
    assert recording.has_barrier
    assert recording.refilled == 84_008_711
    assert recording.foreign[0][0] == 0
    assert recording.placed is not None
    assert set(recording.placed) == {"limited", "group:lim"}
    storm = read_recording(RECORDINGS / "6.12-eevdf" / "w10_forkstorm.json")
    assert isinstance(storm, Traced)
    assert (storm.has_barrier, len(storm.forks)) == (False, 50)
