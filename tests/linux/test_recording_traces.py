"""A recording and the model's run of it as traces that can be set side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlab.goals import cpu_time
from schedlab.laws import check
from schedlab.linux.real.compared import divergence, play, trace_of
from schedlab.linux.real.recorded import Recording, read_recording
from schedlab.readers import read_trace
from schedlab.trace import Trace
from schedlab.views.compare import compare
from tests.source import ROOT

DATA = ROOT / "data" / "linux"
RECORDED = sorted(path for path in DATA.glob("*/*.json") if path.stem != "w10_forkstorm")


def both(path: Path) -> tuple[Recording, Trace, Trace]:
    recording = read_recording(path)
    return recording, trace_of(recording), trace_of(recording, play(recording))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_two_traces_part_where_the_table_says_that_the_turns_do(path: Path) -> None:
    recording = read_recording(path)
    model = play(recording)
    kernel, other = trace_of(recording), trace_of(recording, model)
    assert kernel.names == other.names == {"task": [job.name for job in recording.jobs], "cpu": ["CPU 0"]}
    assert kernel.end == other.end == recording.window
    first, info = divergence(recording, model), compare(kernel, other)[2]
    if first is None:
        assert (info["differ_a"], info["differ_b"]) == (None, None)
    else:
        at = min(trace.time[info[key]] for trace, key in ((kernel, "differ_a"), (other, "differ_b")))
        assert abs(at - first.time) <= recording.tick


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_turns_are_the_recorded_ones_and_break_no_law(path: Path) -> None:
    recording, kernel, other = both(path)
    begun = [
        (trace.time[i], trace.name("task", trace.who[i]))
        for trace in (kernel,)
        for i in range(len(trace))
        if trace.kinds[trace.kind[i]].decision
    ]
    assert begun == [(turn.start, turn.task) for turn in recording.stretches]
    if not any(job.group for job in recording.jobs):  # in a throttled group one waits while the CPU is idle
        assert check(kernel) == check(other) == []


def test_wake_ups_are_the_kernels_where_it_told_them_and_told_to_be_missing_where_not() -> None:
    _recording, kernel, other = both(DATA / "6.12-eevdf" / "w03_inter.json")
    assert len(kernel.table("wake")) == len(other.table("wake")) == 166
    raw = read_trace(DATA / "6.12-eevdf" / "w03_inter.csv.gz")
    times = {row.time for row in raw.table("wake") if raw.name("task", row.who) == "inter"}
    assert {row.time for row in kernel.table("wake")} < times
    assert not any("Wake-ups" in text for text in kernel.about["assumptions"])
    _recording, kernel, other = both(DATA / "2.6.20-o1" / "w13_late.json")
    assert any("Wake-ups" in text for text in kernel.about["assumptions"])
    assert any("Wake-ups" in text for text in other.about["assumptions"])


def test_the_cpu_is_left_when_nobody_of_the_workload_has_it() -> None:
    recording, kernel, _other = both(DATA / "2.6.20-o1" / "w10_forkstorm.json")
    gaps = sum(
        after.start - before.end >= recording.tick // 2
        for before, after in zip(recording.stretches, recording.stretches[1:])
    )
    assert len(kernel.table("rest")) == gaps


@pytest.mark.parametrize("kernel", ["6.1-cfs", "6.12-eevdf"])
def test_goals_and_laws_read_a_recording_as_they_read_a_run(kernel: str) -> None:
    path = DATA / kernel / "w03_inter.json"
    raw, recording = read_trace(path.with_suffix(".csv.gz")), read_recording(path)
    assert check(raw) == []
    given = cpu_time(raw)
    assert {job.name: given[job.name] for job in recording.jobs} == {job.name: job.cpu for job in recording.jobs}
    assert sum(given.values()) == raw.end  # the CPU never rested, and who had it in the beginning is counted too
