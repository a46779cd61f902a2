"""The CSV recordings: what the kernels did, row by row, and files that are not all there."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from schedlab.readers import read_trace
from schedlab.readers.recording import rows
from schedlab.trace import Replay, Trace, TraceError
from tests.source import ROOT

DATA = ROOT / "data" / "linux"
RECORDINGS = sorted(DATA.glob("*/*.csv.gz"))


def cpu_time(trace: Trace) -> dict[int, int]:
    """ns on the CPU by pid, from the replayed state."""
    spent = dict.fromkeys(trace.about["pids"], 0)
    replay = Replay(trace)
    last, runs = 0, -1
    for i in range(len(trace)):
        if runs >= 0:
            spent[trace.about["pids"][runs]] += trace.time[i] - last
        replay.forward()
        last, runs = trace.time[i], replay.state["running"][0]
    if runs >= 0:
        spent[trace.about["pids"][runs]] += trace.end - last
    return spent


def cpu_time_in_the_file(path: Path, end: int) -> dict[int, int]:
    """The same from the file's switches alone."""
    switches = [row for row in rows(path) if row["event"] == "switch"]
    first = switches[0]
    spent = {int(first["pid"]): int(first["t_ns"])}
    for row, next_time in zip(switches, [*(int(row["t_ns"]) for row in switches[1:]), end]):
        pid = int(row["next_pid"])
        spent[pid] = spent.get(pid, 0) + next_time - int(row["t_ns"])
    return {pid: ns for pid, ns in spent.items() if pid}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_task_gets_the_cpu_time_that_the_switches_give_it(path):
    trace = read_trace(path)
    spent = {pid: ns for pid, ns in cpu_time(trace).items() if ns}
    assert spent == {pid: ns for pid, ns in cpu_time_in_the_file(path, trace.end).items() if ns}


def test_cpu_time_is_what_the_kernel_itself_had_booked():
    """6.12: from the switches, against sum_exec_runtime; the README of the recordings allows 1.1 ms."""
    path = DATA / "6.12-eevdf" / "w03_inter.csv.gz"
    told = json.loads(path.with_name("w03_inter.json").read_text(encoding="utf-8"))
    spent = cpu_time(read_trace(path))
    assert [task["comm"] for task in told["tasks"] if abs(spent[task["pid"]] - task["cpu_ns"]) > 1_100_000] == []


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_row_can_be_undone(path):
    trace = read_trace(path)
    replay = Replay(trace)
    for _ in range(len(trace)):
        replay.forward()
    for _ in range(len(trace)):
        replay.back()
    assert replay.state == Replay(trace).state


def test_every_switch_of_the_file_is_a_row():
    path = DATA / "6.12-eevdf" / "w03_inter.csv.gz"
    switches = [row for row in rows(path) if row["event"] == "switch"]
    trace = read_trace(path)
    told = [row for row in trace.rows() if trace.kinds[row.kind].name in ("switch", "resume", "rest") and row.time]
    assert [row.time for row in told] == [int(row["t_ns"]) for row in switches]
    pids = [*trace.about["pids"], 0]
    assert [pids[row.who] for row in told] == [int(row["next_pid"]) for row in switches]


def test_three_hogs_of_2_4_take_turns_of_60_and_120_ms():
    trace = read_trace(DATA / "2.4.24-on" / "w01_3hogs.csv.gz")
    picks = [row for row in trace.rows() if trace.kinds[row.kind].name == "switch"]
    turns = [round((b.time - a.time) / 10**6) for a, b in pairwise(picks)]
    assert sum(turn in (60, 120) for turn in turns) > 0.6 * len(turns)
    assert sorted(set(turns), key=turns.count)[-2:] == [120, 60]


def test_a_recording_keeps_its_own_words():
    trace = read_trace(DATA / "6.12-eevdf" / "w03_inter.csv.gz")
    assert trace.scenario is None
    assert trace.family.name == "linux"
    assert "Linux 6.12.107" in trace.about["from"]
    with pytest.raises(ValueError, match="recording"):
        trace.explain()


def test_a_saved_recording_comes_back_equal(tmp_path):
    trace = read_trace(DATA / "6.12-eevdf" / "w03_inter.csv.gz")
    trace.save(tmp_path / "x.json")
    assert read_trace(tmp_path / "x.json").digest() == trace.digest()


TEXT = gzip.decompress((DATA / "2.4.24-on" / "w01_3hogs.csv.gz").read_bytes())

TEXT_6_12 = gzip.decompress((DATA / "6.12-eevdf" / "w03_inter.csv.gz").read_bytes())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT[:-10], "is cut off"),
        (TEXT.replace(b",switch,", b",swotch,", 1), "line 3: swotch is no event"),
        (TEXT.replace(b"\n", b"\nx", 3), "t_ns must be a whole number"),
        (TEXT.replace(b",runtime_ns", b"", 1), "line 1: the columns must be"),
        (b"\n".join([*TEXT.split(b"\n")[:5], *TEXT.split(b"\n")[6:]]), "a row is missing"),
        (b"\n".join([*TEXT.split(b"\n")[:5], *TEXT.split(b"\n")[4:]]), ""),
        (TEXT + TEXT.split(b"\n")[2] + b"\n", "time goes back"),
        (re.sub(rb"(,wakeup,[^,]*,)\d+", r"\1²".encode(), TEXT_6_12, count=1), "pid must be a whole number, not ²"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, says):
    file = tmp_path / "x.csv"
    file.write_bytes(text)
    with pytest.raises(TraceError, match=r"line \d+: ") as caught:
        read_trace(file)
    assert says in str(caught.value)


def test_a_recording_that_is_cut_at_a_line_is_noticed_by_its_description(tmp_path):
    shutil.copy(DATA / "2.4.24-on" / "w01_3hogs.json", tmp_path / "x.json")
    (tmp_path / "x.csv").write_bytes(b"\n".join(TEXT.split(b"\n")[:20]) + b"\n")
    with pytest.raises(TraceError, match="line 20: the file is cut off"):
        read_trace(tmp_path / "x.csv")


@pytest.mark.parametrize("tasks", ["5", "null", "[5]", '{"pid": 3}'])
def test_a_description_whose_tasks_are_none_is_told(tmp_path, tasks):
    (tmp_path / "x.json").write_text(f'{{"tasks": {tasks}}}', encoding="utf-8")
    (tmp_path / "x.csv").write_bytes(TEXT)
    with pytest.raises(TraceError, match="what stands beside it: 'tasks' is no list of tasks"):
        read_trace(tmp_path / "x.csv")


def test_odd_values_in_a_description_do_no_harm(tmp_path):
    odd = '{"tasks": [{"pid": []}], "trace_method": 5, "kernel": [], "ncpu": "two"}'
    (tmp_path / "x.json").write_text(odd, encoding="utf-8")
    (tmp_path / "x.csv").write_bytes(TEXT)
    assert len(read_trace(tmp_path / "x.csv")) > 50


def test_a_pipe_is_told_to_be_one():
    read_end, write_end = os.pipe()
    os.write(write_end, TEXT[:100])
    os.close(write_end)
    try:
        with pytest.raises(TraceError, match="a pipe cannot be read twice; save what it gives in a file"):
            read_trace(f"/dev/fd/{read_end}")
    finally:
        os.close(read_end)


def test_the_description_is_not_taken_for_a_trace():
    with pytest.raises(TraceError, match=r"\.csv\.gz"):
        read_trace(DATA / "2.4.24-on" / "w01_3hogs.json")
