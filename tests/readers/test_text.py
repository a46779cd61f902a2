"""Text of ftrace, trace-cmd and perf: any name, any form, and nothing half-loaded."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedlab.readers import read_trace
from schedlab.trace import Replay, TraceError
from tests.source import ROOT

RAW = ROOT / "data" / "linux" / "raw"
TRACE_CMD = RAW / "trace-cmd_report_raw_ns_6.1_cpu1_w03_inter.txt.gz"
FTRACE = RAW / "ftrace_6.1_cpu1_w03_inter.trace.txt.gz"
CSV = ROOT / "data" / "linux" / "6.1-cfs" / "w03_inter.csv.gz"


def head(comm, pid, seconds, cpu=0, flags="d..2. "):
    return padded(comm, 16) + f"-{pid:<7} [{cpu:03d}] {flags}{seconds}: ".encode()


def padded(comm, width):
    raw = comm if isinstance(comm, bytes) else comm.encode()
    return b" " * (width - len(raw)) + raw


def switch(prev, next_, state="S"):
    (prev_comm, prev_pid), (next_comm, next_pid) = prev, next_
    return (
        b"sched_switch: prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%s "
        b"==> next_comm=%s next_pid=%d next_prio=120\n"
        % (raw(prev_comm), prev_pid, state.encode(), raw(next_comm), next_pid)
    )


def raw(comm):
    return comm if isinstance(comm, bytes) else comm.encode()


def read(tmp_path, text, name="trace.txt"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(file)


def rewinds(trace):
    """Forward to the end and back to the start: every row must undo itself."""
    replay = Replay(trace)
    for _ in range(len(trace)):
        replay.forward()
    ended = {field: list(values) for field, values in replay.state.items()}
    for _ in range(len(trace)):
        replay.back()
    assert all(set(replay.state[field.name]) <= {field.start} for field in trace.family.fields)
    return ended


def test_three_tools_and_the_csv_tell_the_same_run():
    kinds = []
    for path in (TRACE_CMD, FTRACE, CSV):
        trace = read_trace(path)
        rewinds(trace)
        kinds.append([(trace.kinds[row.kind].name, trace.value("task", row.who), row.b) for row in trace.rows()])
    assert kinds[0] == kinds[1]
    assert sorted(kinds[0]) == sorted(kinds[2])


def test_times_are_exact_nanoseconds():
    trace = read_trace(TRACE_CMD)
    assert trace.time[0] == 0
    assert trace.table("wake")[0].time == 20_588_709_789 - 20_588_705_188


def test_events_that_do_not_schedule_are_counted():
    assert read_trace(TRACE_CMD).about["other_events"] == {"pick": 646, "print": 2, "sched_stat_runtime": 1201}
    assert [text for _time, text in read_trace(TRACE_CMD).about["marks"]] == ["WL_RELEASE", "WL_END"]


NASTY = [
    "a b", "a:b", "=>", " ==> next_comm=", "[000]", "<...>", "-1", "--", "a prev_pid=1", "x prev_pid=9 ",
    "a next_pid=3", "next_prio=1", "a-1 [0] 1.0: b:", "a-12 [000] 3.4:", "名前", "ядро/0:1", "kworker/u8:2-ev", "#",
    "#!/bin", "CPU:0", "x pid=1 prio=2", " ", "é", "<b>x</b>", "\x1b[31mred", "a\tb", '"', "\\n",
    "prev_comm=", "a\nb", "\n", "1.5: x:",
]  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_a_task_may_have_any_name_in_ftrace(tmp_path, name):
    text = (
        head("<idle>", 0, "1.000000") + switch(("swapper/0", 0), (name, 7), "R")
        + head(name, 7, "1.000002") + b"sched_wakeup: comm=%s pid=8 prio=120 target_cpu=000\n" % raw(name)
        + head(name, 7, "1.000003") + switch((name, 7), (name, 8), "R+")
        + head(name, 8, "1.000009") + switch((name, 8), ("swapper/0", 0))
    )  # fmt: skip
    trace = read(tmp_path, text)
    rewinds(trace)
    assert trace.about["pids"] == [7, 8]
    assert trace.names["task"] == [f"{name}:7", f"{name}:8"]
    assert [trace.kinds[row.kind].name for row in trace.rows()][-4:] == ["resume", "wake", "switch", "rest"]
    assert "gaps" not in trace.about


@pytest.mark.parametrize("name", [n for n in NASTY if "\n" not in n])
def test_a_task_may_have_any_name_in_perf(tmp_path, name):
    def perf(comm, tid, time):
        return padded(comm, 16) + f" {tid:5d} [000] {time}:       sched:".encode()

    text = (
        perf("swapper", 0, "1.000000100") + switch(("swapper/0", 0), (name, 7), "R")
        + perf(name, 7, "1.000000200") + switch((name, 7), ("x", 8), "S")
        + perf("x", 8, "1.000000300") + b"sched_wakeup: comm=%s pid=7 prio=120 target_cpu=000\n" % raw(name)
    )  # fmt: skip
    trace = read(tmp_path, text)
    assert trace.names["task"] == [name, "x"]
    assert trace.end == 200
    assert "gaps" not in trace.about


names = st.binary(min_size=1, max_size=15).filter(lambda n: b"\0" not in n and b"\n" not in n and b"\r" not in n)


@given(a=names, b=names)
def test_no_name_is_mistaken_for_a_field(tmp_path_factory, a, b):
    text = head(b"<idle>", 0, "1.000000") + switch(("swapper/0", 0), (a, 7), "R") + head(a, 7, "1.000003")
    text += switch((a, 7), (b, 8), "R") + head(b, 8, "1.000004")
    text += b"sched_process_fork: comm=%s pid=8 child_comm=%s child_pid=9\n" % (b, a)
    trace = read(tmp_path_factory.mktemp("names"), text)
    assert trace.about["pids"] == [7, 8, 9]
    assert [name.removesuffix(f":{pid}") for name, pid in zip(trace.names["task"], (7, 8))] == [
        a.decode("utf-8", "replace"),
        b.decode("utf-8", "replace"),
    ]


def test_the_pid_in_the_head_settles_what_the_plugin_leaves_open(tmp_path):
    """`a:1 [2] S ==> b` is a name of 15 bytes; libtraceevent's plugin prints it as it is."""
    name = "a:1 [2] S ==> b"
    text = head("x", 3, "1.0", flags="") + b"sched_switch: x:3 [120] R ==> " + raw(name) + b":7 [120]\n"
    text += head(name, 7, "1.1", flags="") + b"sched_switch: " + raw(name) + b":7 [5] S ==> c:9 [5]\n"
    trace = read(tmp_path, text)
    assert trace.names["task"] == ["x", name, "c"]
    assert "gaps" not in trace.about


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("bash:7 [120] S ==> swapper/0:0 [120]", "asleep"),
        ("bash:7 [120] D|W ==> swapper/0:0 [120]", "in disk sleep"),
        ("bash:7 [120] R|p ==> swapper/0:0 [120]", "ready"),
        (
            "prev_comm=bash prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm=swapper/0 next_pid=0 next_prio=120",
            "ready",
        ),
        (
            "prev_comm=bash prev_pid=7 prev_prio=120 prev_state=256 next_comm=swapper/0 next_pid=0 next_prio=120",
            "ready",
        ),
        ("prev_comm=bash prev_pid=7 prev_prio=120 prev_state=0 next_comm=swapper/0 next_pid=0 next_prio=120", "ready"),
        ("prev_comm=bash prev_pid=7 prev_prio=120 prev_state=1 next_comm=swapper/0 next_pid=0 next_prio=120", "asleep"),
        (
            "prev_comm=bash prev_pid=7 prev_prio=120 prev_state=I ==> next_comm=swapper/0 next_pid=0 next_prio=120",
            "asleep",
        ),
        (
            "prev_comm=bash prev_pid=7 prev_prio=120 prev_state=16 next_comm=swapper/0 next_pid=0 next_prio=120",
            "zombie",
        ),
    ],
)
def test_what_a_task_is_left_in(tmp_path, line, state):
    trace = read(tmp_path, head("bash", 7, "5.000001") + b"sched_switch: " + line.encode() + b"\n")
    assert trace.family.states[rewinds(trace)["state"][0]] == state


HEADS = {
    "with flags": "            bash-1977    [001] d..2. 17284.993652: ",
    "with tgid": "            bash-1977    (   1977) [001] d..2. 17284.993652: ",
    "tgid unknown": "            bash-1977    (-----) [001] d..2. 17284.993652: ",
    "four flags": "            bash-1977    [001] .N.. 17284.993652: ",
    "no flags": "            bash-1977    [001] 17284.993652: ",
    "trace-cmd": "            bash-1977  [001] 17284.993652123: ",
    "dedented": "bash-1977 [001] d..2. 17284.993652: ",
    "latency": "    bash-1977    1d..2. 17284993652us : ",
    "latency, slow": "    bash-1977    1dN.2. 17284993652us!: ",
    "perf": "            bash  1977 [001] 17284.993652:       sched:",
    "perf, pid and tid": "            bash  1977/1977  [001] 17284.993652:       sched:",
    "perf, period": "            bash  1977 [001] 17284.993652:          1       sched:",
}


@pytest.mark.parametrize("form", HEADS)
def test_every_form_of_a_line(tmp_path, form):
    trace = read(tmp_path, HEADS[form].encode() + switch(("bash", 1977), ("cat", 12)))
    assert trace.names["task"] == ["bash", "cat"]
    assert trace.names["cpu"] == ["CPU 0", "CPU 1"]
    assert rewinds(trace)["running"] == [-1, 1]


def test_stacks_comments_and_markers_stand_between_events(tmp_path):
    text = (
        b"# tracer: nop\n#\nversion = 6\ncpus=4\nCPU 2 is empty\n" + head("a", 1, "1.0") + switch(("a", 1), ("b", 2))
        + b" => __schedule\n => schedule\n            bash-5 [000] .....  1.1: <stack trace>\n\n"
        + head("b", 2, "1.2") + b"tracing_mark_write: first line\nsecond line\n"
        + head("b", 2, "1.3") + switch(("b", 2), ("a", 1))
    )  # fmt: skip
    trace = read(tmp_path, text)
    assert trace.names["cpu"] == ["CPU 0", "CPU 1", "CPU 2", "CPU 3"]
    assert trace.end == 300_000_000


def test_waking_counts_where_no_wakeup_is_recorded(tmp_path):
    waking = head("a", 1, "1.0") + b"sched_waking: comm=b pid=2 prio=120 target_cpu=000\n"
    wakeup = head("a", 1, "1.5") + b"sched_wakeup: comm=b pid=2 prio=120 target_cpu=000\n"
    assert [row.time for row in read(tmp_path, waking).table("wake")][-1:] == [0]
    assert [row.time for row in read(tmp_path, waking + wakeup).table("wake") if row.time] == [500_000_000]


def test_an_interrupt_is_nobody(tmp_path):
    for flags, waker in (("d..2. ", 0), ("d.h2. ", -1), ("d.s2. ", -1)):
        text = head("a", 1, "1.0") + switch(("x", 9), ("a", 1)) + head("a", 1, "1.5", flags=flags)
        trace = read(tmp_path, text + b"sched_wakeup: comm=b pid=2 prio=120 target_cpu=000\n")
        woken = trace.table("wake")[-1]
        assert trace.value("task", woken.a) == ("a" if waker == 0 else "idle")


def test_lost_events_are_told(tmp_path):
    text = head("a", 1, "1.0") + switch(("a", 1), ("b", 2)) + b"CPU:0 [LOST 12 EVENTS]\n"
    text += head("c", 3, "2.0") + switch(("c", 3), ("d", 4))
    trace = read(tmp_path, text)
    assert trace.about["lost"] == [{"line": 2, "time": 0, "cpu": 0, "events": 12}]
    assert any("12 events were lost" in told for told in trace.about["assumptions"])
    assert "gaps" not in trace.about
    rewinds(trace)
    dropped = text.replace(b"CPU:0 [LOST 12 EVENTS]", b"CPU:0 [EVENTS DROPPED]")
    assert read(tmp_path, dropped).about["lost"][0]["events"] is None


def test_a_hole_without_a_marker_is_told_with_its_line(tmp_path):
    """Kernels leave them too: `set_event_pid` keeps only the switches of chosen tasks."""
    text = head("a", 1, "1.0") + switch(("a", 1), ("b", 2)) + head("c", 3, "2.0") + switch(("c", 3), ("d", 4))
    trace = read(tmp_path, text)
    rewinds(trace)
    assert trace.about["gaps"] == [{"line": 2, "time": 1_000_000_000, "cpu": 0}]
    assert any("line 2 on CPU 0" in told for told in trace.about["assumptions"])


def test_a_pid_that_is_born_again_is_another_task(tmp_path):
    text = (
        head("sh", 1, "1.0") + b"sched_process_fork: comm=sh pid=1 child_comm=sh child_pid=2\n"
        + head("sh", 1, "1.1") + b"sched_wakeup_new: comm=sh pid=2 prio=120 target_cpu=000\n"
        + head("sh", 1, "1.2") + switch(("sh", 1), ("sh", 2))
        + head("ls", 2, "1.3") + b"sched_process_exit: comm=ls pid=2 prio=120\n"
        + head("ls", 2, "1.4") + switch(("ls", 2), ("sh", 1), "Z")
        + head("sh", 1, "1.5") + b"sched_process_fork: comm=sh pid=1 child_comm=sh child_pid=2\n"
    )  # fmt: skip
    trace = read(tmp_path, text)
    assert trace.about["pids"] == [1, 2, 2]
    assert trace.names["task"] == ["sh:1", "ls", "sh:2"]
    assert trace.family.states[rewinds(trace)["state"][1]] == "zombie"


def test_a_migration_moves_a_waiting_task(tmp_path):
    text = (
        head("a", 1, "1.0") + b"sched_wakeup: comm=b pid=2 prio=120 target_cpu=000\n"
        + head("x", 5, "1.1", cpu=1) + b"sched_migrate_task: comm=b pid=2 prio=120 orig_cpu=0 dest_cpu=1\n"
        + head("x", 5, "1.2", cpu=1) + switch(("x", 5), ("b", 2))
    )  # fmt: skip
    trace = read(tmp_path, text)
    assert [trace.sentence(i) for i in range(len(trace))][-2:] == [
        "b moves from CPU 0 to CPU 1",
        "CPU 1 picks b; x is now asleep",
    ]
    rewinds(trace)


GOOD = b"".join(
    head(a, pid, f"1.{i:06d}") + switch((a, pid), (b, other), "R")
    for i, (a, pid, b, other) in enumerate([("one", 1, "two", 2), ("two", 2, "one", 1)] * 5)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + head("one", 1, "0.500000") + switch(("one", 1), ("two", 2)), "line 11: time goes back"),
        (GOOD + b"what is this?\n" + GOOD, "line 11: this is no event"),
        (
            GOOD + head("one", 1, "2.0") + b"sched_switch: prev_comm=one prev_pid=\n",
            "line 11: sched_switch with fields",
        ),
        (GOOD + head("one", 1, "2.0") + switch(("one", 1), ("two", 2), "Q"), "line 11: Q is no state"),
        (GOOD.replace(b"[000]", b"[99999]"), "line 1: CPU 99999 is more than"),
        (GOOD + head("one", 1, "2.0") + switch(("one", 1), ("two", 2))[:-25], "line 11"),
        (b"# entries-in-buffer/entries-written: 12/12   #P:1\n" + GOOD, "the header promises 12 events"),
        (b"no trace\nat all\n", "it reads"),
        (b"", "empty"),
        (b"{]", "line 1: not a saved trace"),
        (b"PERFILE2" + bytes(100), "binary perf.data"),
        (b"\x17\x08Dtracing" + bytes(100), "binary trace.dat"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, says):
    with pytest.raises(TraceError, match=r"trace\.txt: ") as caught:
        read(tmp_path, text)
    assert says.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_a_cut_off_file_says_so_wherever_it_is_cut(tmp_path):
    whole = gzip.decompress(TRACE_CMD.read_bytes())[:6000]
    whole = whole[: whole.rindex(b"\n") + 1]
    for cut in range(len(whole) - 700, len(whole)):
        part = whole[:cut]
        if part.endswith(b"\n") or whole[cut : cut + 1] == b"\n":
            continue  # nothing of a line is missing
        with pytest.raises(TraceError, match=f"line {part.count(10) + 1}: "):
            read(tmp_path, part)


def test_a_cut_off_packed_file_says_so(tmp_path):
    packed = TRACE_CMD.read_bytes()
    with pytest.raises(TraceError, match=r"line \d+: the packed file is cut off"):
        read(tmp_path, packed[: len(packed) // 2], "trace.gz")


def test_summaries_of_perf_are_refused_with_advice():
    for path in RAW.glob("perf_sched_*"):
        with pytest.raises(TraceError, match="give the events"):
            read_trace(path)


MEASURE = """
import resource, sys
from schedlab.readers import read_trace
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
trace = read_trace(sys.argv[1])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, len(trace))
"""


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="needs getrusage")
def test_a_large_file_needs_less_memory_than_four_times_its_size(tmp_path):
    file = tmp_path / "large.txt"
    rounds = 60_000
    with open(file, "wb") as out:
        for i in range(rounds):
            a, b = (("one", 1), ("two", 2)) if i % 2 == 0 else (("two", 2), ("one", 1))
            at = f"{i // 1000}.{i % 1000:03d}000"
            out.write(head(*a, at) + b"sched_wakeup: comm=%s pid=%d prio=120 target_cpu=000\n" % (raw(b[0]), b[1]))
            out.write(head(*a, at) + switch(a, b))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True
    )
    grown, rows = map(int, done.stdout.split())
    assert rows >= 2 * rounds
    assert grown < 4 * file.stat().st_size
