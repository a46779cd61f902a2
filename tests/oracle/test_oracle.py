"""What was recorded of real kernels comes out of the package's own classes, and the oracle says so when it does not."""

from __future__ import annotations

import copy
import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schedlab.linux.kinds import LINUX
from schedlab.linux.machine import Machine
from schedlab.linux.o1 import O1_2_6_22
from schedlab.linux.o1_2418 import O1_2_4_18
from schedlab.linux.on import ON, ON_2_4_24
from schedlab.linux.real.compared import compare_with_recording, trace_of
from schedlab.linux.real.recorded import Job, Recording, RecordingError, Stretch, Unmodelled, mended, read_recording
from schedlab.linux.real.replay_many import MIGRATE
from schedlab.linux.real.replay_old import Stage, longest_wait
from schedlab.linux.task import FOREVER, SCHED_BATCH, SCHED_FIFO, SCHED_NORMAL, run, wait
from schedlab.sim import MS, US, Engine, S
from schedlab.trace import Recorder
from tests.oracle import linux_golden
from tests.oracle.__main__ import REPLAYS, main

VECTORS = Path(__file__).parent / "data"
RECORDINGS = Path(__file__).parents[2] / "data" / "linux"
KERNELS = ("2.4.24-on", "2.6.20-o1", "6.1-cfs", "6.12-eevdf")
RECORDED = sorted(path for kernel in KERNELS for path in (RECORDINGS / kernel).glob("*.json"))
ON_MANY = sorted(path for kernel in KERNELS for path in (RECORDINGS / kernel).glob("cpu*/*.json"))
DIVERGE_AT = {  # turns until two numbers lie nearer together than the real costs are known; causes in the tables
    "6.1-cfs-w03_inter": 149,
    "6.1-cfs-w10_forkstorm": 84,
    "6.12-eevdf-w10_forkstorm": 78,
}


def vectors() -> list[Any]:
    """Every vector of the project's own copies, with its schema, named by its id."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(VECTORS.rglob("*.json"))]
    return [pytest.param(data["schema"], vector, id=vector["id"]) for data in files for vector in data["vectors"]]


def vector_named(name: str) -> tuple[str, dict[str, Any]]:
    """A copy of one vector that a test may alter."""
    for param in vectors():
        schema, vector = param.values
        if vector["id"] == name:
            return schema, copy.deepcopy(vector)
    raise AssertionError(f"no vector {name}")


# -- vectors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schema", "vector"), vectors())
def test_a_vector_is_equal(schema: str, vector: dict[str, Any]) -> None:
    difference = REPLAYS[schema](schema, vector)
    assert difference is None, str(difference)


def test_there_are_vectors_and_recordings() -> None:
    assert len(vectors()) >= 40
    assert len(RECORDED) == 33
    assert len(ON_MANY) == 4


@pytest.mark.parametrize(
    ("name", "alter", "where"),
    [
        ("24-hogs3-equal", lambda v: v["ticks"][40]["counter"].update({"1": 99}), ".ticks[40].counter.1"),
        ("o1-2622-gaming", lambda v: v["log"][5].update(cur=77), ".log[5].cur"),
        ("001-alarm", lambda v: v["ticks"][3].update(next=63), ".ticks[3].next"),
        ("24-table-nice-to-ticks", lambda v: v["table"]["100"].__setitem__(0, 12), ".100[0]"),
        ("dl-derived-overrun", lambda v: v["log"][3].__setitem__(4, 7), ".log[3][4]"),
        ("dl612-admission", lambda v: v["table"][2].__setitem__(3, 1), "[2][3]"),
        ("dl612-overflow", lambda v: v["table"][0].__setitem__(4, 0), "[0][4]"),
        ("dl612-to-ratio", lambda v: v["table"][1].__setitem__(2, 996148), "[1][2]"),
        ("pelt612-decay", lambda v: v["table"][0].__setitem__(2, 1024), "[0][2]"),
        ("pelt612-run-2", lambda v: v["after_each"][1].__setitem__(6, 82), "[1][6]"),
    ],
)
def test_an_altered_vector_is_told(
    name: str, alter: Any, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, vector = vector_named(name)
    alter(vector)
    path = tmp_path / "altered.json"
    path.write_text(json.dumps({"schema": schema, "vectors": [vector]}), encoding="utf-8")
    assert main([str(path)]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"DIFFERENT  {name}  {where}: expected ")
    assert ", got " in line


def test_a_vector_that_breaks_the_model_is_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, vector = vector_named("24-hogs3-equal")
    del vector["tasks"][0]["nice"]
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({"schema": schema, "vectors": [vector, vector_named("24-yield")[1]]}), encoding="utf-8")
    assert main([str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "BROKEN     24-hogs3-equal: KeyError: 'nice'",
        "equal      24-yield",
    ]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_an_unreadable_file_is_told(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.json"
    path.write_bytes(content)
    assert main([str(path)]) == 2
    assert capsys.readouterr().out.startswith(f"unreadable  {path}: ")


def test_a_missing_path_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "no such file or folder" in capsys.readouterr().out


@pytest.mark.parametrize("data", [{"schema": "tea/v1", "vectors": []}, {"schema": ["x"]}, [1, 2], {}])
def test_an_unknown_schema_is_told(data: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "unknown.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"not replayed  {path}: unknown schema ")


def test_vectors_that_are_no_list_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"schema": "linux-2.4/v1", "vectors": {}}), encoding="utf-8")
    assert main([str(path)]) == 2
    assert "'vectors' is not a list" in capsys.readouterr().out


# -- recordings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recording_is_within_its_tolerances(path: Path) -> None:
    comparison = compare_with_recording(path)
    assert comparison.ok, str(comparison)
    known = DIVERGE_AT.get(f"{path.parent.name}-{path.stem}")
    assert (comparison.divergence and comparison.divergence.turn) == known, str(comparison)


@pytest.mark.parametrize("path", ON_MANY, ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}-{path.stem}")
def test_a_recording_on_several_cpus_is_within_its_tolerances(path: Path) -> None:
    comparison = compare_with_recording(path)
    assert comparison.ok, str(comparison)
    assert comparison.moves is not None
    kernel, model, _near = comparison.moves.first_pull
    assert abs(kernel - model) < 2 * MS, "the emulator's CPUs lie a millisecond and a half apart"
    assert sum(line.share.model for line in comparison.lines) == pytest.approx(1)


def pulls_on_four_cpus(kernel: str) -> list[tuple[int, int]]:
    """From which CPU to which, in the model's run, in order."""
    stage: Any = compare_with_recording(RECORDINGS / kernel / "cpu4" / "w06b_lb_release.json").model.stage
    _time, kind, who, to, source, _b = stage.recorder.columns
    hogs = {number for number, name in enumerate(stage.machine.names) if name.startswith("hog")}
    return [(source[i], to[i]) for i in range(len(kind)) if kind[i] == MIGRATE and who[i] in hogs]


@pytest.mark.parametrize(
    ("kernel", "first"),
    [  # the migrate rows of the recordings
        ("6.1-cfs", [(0, 2), (0, 2), (0, 2), (0, 3), (2, 1), (2, 1), (0, 3), (3, 2), (1, 0), (0, 3)]),
        ("6.12-eevdf", [(0, 2), (0, 1), (0, 3), (0, 3)]),
    ],
)
def test_the_same_cpus_pull_in_the_same_order_as_in_the_kernel(kernel: str, first: list[tuple[int, int]]) -> None:
    assert pulls_on_four_cpus(kernel)[: len(first)] == first


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (lambda rows, data: data["tasks"][0].update(cpu_ns=2 * S), "hog0 "),
        (lambda rows, data: [row for row in rows if ",migrate," not in row], "migrations: 0, model 3 !"),
        (lambda rows, data: [row.replace("WL_UNPIN", "other") for row in rows], "first pull after the release: "),
    ],
    ids=["share", "migrations", "pull"],
)
def test_an_altered_recording_on_several_cpus_is_told(
    alter: Any, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = RECORDINGS / "6.1-cfs" / "cpu2" / "w06b_lb_release.json"
    data = json.loads(source.read_text(encoding="utf-8"))
    rows = gzip.decompress(source.with_suffix(".csv.gz").read_bytes()).decode().splitlines(keepends=True)
    rows = alter(rows, data) or rows
    (tmp_path / "w06b.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "w06b.csv.gz").write_bytes(gzip.compress("".join(rows).encode()))
    assert main([str(tmp_path)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if told in line)
    assert "!" in line


def test_several_cpus_of_an_old_kernel_are_not_replayed(tmp_path: Path) -> None:
    data = json.loads((RECORDINGS / "2.6.20-o1" / "w01_3hogs.json").read_text(encoding="utf-8"))
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**data, "ncpu": 2}), encoding="utf-8")
    with pytest.raises(Unmodelled, match="on 2 CPUs"):
        read_recording(path)


def test_a_recording_may_be_named_by_its_events(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(RECORDINGS / "2.4.24-on" / "w01_3hogs.csv.gz")]) == 0
    assert capsys.readouterr().out.startswith("within     w01_3hogs: 2.4.24 at 100 Hz")


def test_the_model_of_a_recording_is_a_trace_that_replays() -> None:
    comparison = compare_with_recording(RECORDINGS / "2.6.20-o1" / "w03_inter.json")
    trace = trace_of(comparison.recording, comparison.model)
    middle = comparison.model.turns[200]
    replay = trace.at((middle.start + middle.end) // 2)
    assert trace.names["task"][replay.state["running"][0]] == middle.task
    replay.seek(0)
    assert replay.state["running"] == [-1]
    assert trace.end == 5 * S


def longest_turn(path: str, task: str) -> float:
    """ms of the longest turn that the model gives a task."""
    turns = compare_with_recording(RECORDINGS / path).model.turns
    return max(round((turn.end - turn.start) / MS) for turn in turns if turn.task == task)


def test_slices_of_2_4_24() -> None:
    """80, 70, 60, 40 ms by nice value; one tick longer only where the slice of the epoch before was left."""
    turns = compare_with_recording(RECORDINGS / "2.4.24-on" / "w02a_nice.json").model.turns
    for task, slice_ms in (("n-10", 80), ("n-5", 70), ("n0", 60), ("n5", 40)):
        lengths = [round((turn.end - turn.start) / MS) for turn in turns if turn.task == task]
        assert max(set(lengths), key=lengths.count) == slice_ms


def test_the_last_of_an_epoch_runs_twice_as_long() -> None:
    turns = compare_with_recording(RECORDINGS / "2.4.24-on" / "w01_3hogs.json").model.turns
    lengths = [round((turn.end - turn.start) / MS) for turn in turns if turn.task == "hog0"]
    assert {60, 120} <= set(lengths)
    assert max(lengths) == 120


def test_slices_of_2_6_20() -> None:
    assert [longest_turn("2.6.20-o1/w02a_nice.json", task) for task in ("n-10", "n-5", "n0", "n5")] == [
        600,
        500,
        100,
        70,
    ]


def test_a_long_sleeper_runs_710_ms_in_2_6_20() -> None:
    assert longest_turn("2.6.20-o1/w13_late.json", "late2000") == 710


def test_round_robin_turns_in_2_6_20_are_100_ms() -> None:
    """From one hand-over to the next; the FIFO task that comes between does not stop the count of ticks."""
    turns = compare_with_recording(RECORDINGS / "2.6.20-o1" / "w04_rt.json").model.turns
    takers = [turn for turn in turns if turn.task.startswith("rr")]
    changes = [right.start for left, right in pairwise(takers) if left.task != right.task][
        1:
    ]  # without the first slices
    assert len(changes) == 30
    assert {round((right - left) / MS) for left, right in pairwise(changes)} <= {98, 100, 102}


def workload(kernel: str, hz: int, seconds: int, *jobs: Job) -> Recording:
    """A workload of which no recording is at hand."""
    scheduler = "O(1)" if hz == 512 else ""
    return Recording(Path("none"), "none", kernel, scheduler, hz, seconds * S, jobs, (), ())


def job(name: str, kind: str = "hog", nice: int = 0, run_ms: int = 0, delay_ms: int = 0) -> Job:
    return Job(name, kind, SCHED_NORMAL, nice, 0, run_ms * MS, 0, delay_ms * MS, 0, 0, 0)


@pytest.mark.parametrize(
    ("kernel", "hz", "nices", "shares"),
    [  # README of the recordings, w02a and w02b
        ("2.4.24", 100, (0, 5, 10, 19), (0.433, 0.286, 0.211, 0.070)),
        ("2.6.20", 100, (0, 5, 10, 19), (0.439, 0.304, 0.214, 0.044)),
        ("2.4.18-14custom", 512, (-10, -5, 0, 5), (0.338, 0.281, 0.225, 0.156)),
        ("2.4.18-14custom", 512, (0, 5, 10, 19), (0.433, 0.326, 0.215, 0.027)),
    ],
)
def test_shares_by_nice_value(kernel: str, hz: int, nices: tuple[int, ...], shares: tuple[float, ...]) -> None:
    jobs = [job(f"n{nice}", nice=nice) for nice in nices]
    start = {"counter": 5} if kernel == "2.4.24" else {"time_slice": 5}
    stage = Stage(workload(kernel, hz, 8, *jobs), start, S // hz // 2)
    stage.run(8 * S)
    total = sum(stage.cpu.values())
    assert [stage.cpu[each.name] / total for each in jobs] == pytest.approx(shares, abs=0.01)


@pytest.mark.parametrize(
    ("kernel", "hz", "share"), [("2.4.24", 100, 0.02), ("2.6.20", 100, 0.01), ("2.4.18", 512, 0.48)]
)
def test_share_of_a_task_that_yields(kernel: str, hz: int, share: float) -> None:
    stage = Stage(workload(kernel, hz, 3, job("hog0"), job("yield", "yield", run_ms=1)), {}, S // hz // 2)
    stage.run(3 * S)
    assert stage.cpu["yield"] / sum(stage.cpu.values()) == pytest.approx(share, abs=0.025)


def test_a_long_sleeper_in_2_4_18() -> None:
    """611 ms in the README; where in its slice it wakes decides the last few ticks."""
    jobs = job("hog0"), job("hog1"), job("late", "late_hog", delay_ms=2000)
    turns = Stage(workload("2.4.18", 512, 6, *jobs), {}, S // 512 // 2).run(6 * S)
    assert max(turn.end - turn.start for turn in turns if turn.task == "late") == pytest.approx(611 * MS, abs=15 * MS)


def copied(name: str, folder: Path) -> tuple[Path, Path]:
    """A copy of a recording that a test may spoil: its JSON file and its events."""
    source = RECORDINGS / name
    for suffix in (".json", ".csv.gz"):
        (folder / (source.name + suffix)).write_bytes(source.with_name(source.name + suffix).read_bytes())
    return folder / f"{source.name}.json", folder / f"{source.name}.csv.gz"


def test_an_exceeded_tolerance_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _events = copied("2.4.24-on/w01_3hogs", tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["tasks"][0]["switches_in"] = 12
    path.write_text(json.dumps(data), encoding="utf-8")
    assert main([str(path)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("EXCEEDED  ")
    assert "!" in printed[2]
    assert "!" not in printed[3]


def test_a_divergence_is_told(tmp_path: Path) -> None:
    path, events = copied("2.6.20-o1/w02a_nice", tmp_path)
    text = gzip.decompress(events.read_bytes()).decode()
    swapped = text.replace("n5,149,125,R,n-10,146", "n5,149,125,R,n-5,147", 1).replace(
        "n-10,146,110,R,other", "n-5,147,115,R,other", 1
    )
    assert swapped != text
    events.write_bytes(gzip.compress(swapped.encode()))
    divergence = compare_with_recording(path).divergence
    assert divergence is not None
    assert (divergence.turn, divergence.kernel, divergence.model, round(divergence.time / MS)) == (4, "n-5", "n-10", 40)
    assert "chosen at the same moment" in divergence.cause


def test_a_cut_off_recording_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, events = copied("2.4.24-on/w01_3hogs", tmp_path)
    events.write_bytes(events.read_bytes()[:500])
    with pytest.raises(RecordingError, match=r"w01_3hogs\.csv\.gz: after \d+ ns"):
        read_recording(path)
    assert main([str(tmp_path)]) == 2
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["hz", "tasks", "window_ns", "ncpu"])
def test_an_incomplete_set_up_is_told(key: str, tmp_path: Path) -> None:
    path, _events = copied("2.4.24-on/w01_3hogs", tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    del data[key]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(RecordingError, match=f"no key '{key}'"):
        read_recording(path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kernel", "3.2.0", "no model of the recordings of 3.2.0 yet"),
        ("ncpu", 2, "on 2 CPUs"),
        ("kind", "tea", "kind 'tea'"),
    ],
)
def test_a_recording_without_a_model_is_told(key: str, value: Any, said: str, tmp_path: Path) -> None:
    path, _events = copied("2.4.24-on/w01_3hogs", tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    (data["tasks"][0] if key == "kind" else data)[key] = value
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(Unmodelled, match=said):
        read_recording(path)


def test_a_visit_too_short_to_be_noticed_does_not_end_a_turn() -> None:
    turns = [
        Stretch("hog", 0, 50 * MS, "R"),
        Stretch("late", 50 * MS, 50 * MS + 20, "S"),
        Stretch("other hog", 110 * MS, 170 * MS, "R"),
    ]
    assert list(mended(turns))[2] == Stretch("hog", 50 * MS + 20, 110 * MS, "R")
    assert longest_wait(mended(turns), "hog") == 20


# -- rules that no vector of ours covers, worked out by hand ----------------------------------------------


def made(machine: Machine, name: str, *does: Any, **fields: Any) -> Any:
    """A task that the machine has room for; it computes for ever if nothing else is said."""
    task = machine.create(name, does or [run(FOREVER)], **fields)
    assert task is not None
    return task


def machine_of(policy: Any, hz: int = 100) -> Machine:
    return Machine(policy, Engine(), Recorder(LINUX, on=False), hz=hz)


def test_2_4_24_appends_where_2_4_16_inserts() -> None:
    for policy, order in ((ON(), ["b", "a"]), (ON_2_4_24(), ["a", "b"])):
        machine = machine_of(policy)
        for name in ("a", "b"):
            machine.start(made(machine, name))
        assert [task.name for task in policy.runqueue] == order


def test_setscheduler_of_2_4_moves_to_the_head_only_in_2_4_16() -> None:
    for policy, order in ((ON(), ["a", "b"]), (ON_2_4_24(), ["a", "b"])):
        machine = machine_of(policy)
        tasks = {name: made(machine, name) for name in ("a", "b")}
        for task in tasks.values():
            machine.start(task)
        machine.setscheduler(tasks["a"], SCHED_FIFO, 1)
        assert [task.name for task in policy.runqueue] == order
        machine.setscheduler(tasks["b"], SCHED_FIFO, 1)
        assert [task.name for task in policy.runqueue] == (["b", "a"] if type(policy) is ON else ["a", "b"])


def test_a_kernel_thread_gets_the_bonus_for_the_address_space() -> None:
    policy = ON()
    machine = machine_of(policy)
    thread, process = (made(machine, name, counter=6) for name in ("thread", "process"))
    thread.mm = None
    cpu = machine.cpus[0]
    assert (policy.goodness(thread, cpu, 99), policy.goodness(process, cpu, 99)) == (6 + 1 + 20, 6 + 20)


def test_threads_of_one_address_space_share_the_bonus() -> None:
    policy = ON()
    machine = machine_of(policy)
    left, right = (made(machine, name, counter=6, mm=5) for name in ("left", "right"))
    cpu = machine.cpus[0]
    assert policy.goodness(left, cpu, 5) == policy.goodness(right, cpu, 5) == 27


def test_o1_setscheduler_moves_between_lists() -> None:
    policy = O1_2_6_22()
    machine = machine_of(policy, hz=1000)
    tasks = [made(machine, name) for name in ("a", "b")]
    for task in tasks:
        machine.start(task)
    machine.boot()
    machine.setscheduler(tasks[1], SCHED_FIFO, 50)
    assert (tasks[1].prio, machine.cpus[0].need_resched) == (49, True)
    machine.setscheduler(tasks[1], SCHED_BATCH, 0)
    assert tasks[1].array is policy.runqueues[0].expired
    assert tasks[1].sleep_avg == 0


def test_the_rest_of_a_slice_comes_back_when_the_child_is_reaped() -> None:
    policy = O1_2_6_22()
    machine = machine_of(policy)
    parent = made(machine, "parent")
    machine.start(parent)
    machine.boot()
    child = machine.fork(parent, "child", [run(1 * US)])
    assert child
    assert (parent.time_slice, child.time_slice) == (5, 5)
    machine.engine.run(1 * MS)
    assert parent.time_slice == 5, "a zombie has given nothing back"
    machine._release(child, parent)
    assert parent.time_slice == 10


def test_hz_250_of_2_6_22() -> None:
    """nice 0: 25 ticks; 19: max(25/20, 1) = 1; -20: 200; the granularity is two ticks, not 2.5."""
    policy = O1_2_6_22()
    machine_of(policy, hz=250)
    task = policy.Task(1, "task")
    got = []
    for nice in (-20, 0, 19):
        task.static_prio = 120 + nice
        got.append(policy.task_timeslice(task))
    assert (got, policy.timeslice_granularity(10)) == ([200, 25, 1], 2)


def test_batch_tasks_of_2_6_22_gain_nothing_by_sleeping() -> None:
    policy = O1_2_6_22()
    machine = machine_of(policy, hz=1000)
    machine.start(made(machine, "hog"))
    batch = made(machine, "batch", wait("door"), run(FOREVER), policy=SCHED_BATCH)
    machine.start(batch)
    machine.boot()
    machine.engine.run(500 * MS)
    machine.wake_now(batch)
    assert batch
    assert batch.sleep_avg == 0
    assert batch.array is policy.runqueues[0].expired


def test_early_o1_slices() -> None:
    """README: 225, 187, 150, 113, 76 and 10 ms at nice -10, -5, 0, 5, 10 and 19."""
    policy = O1_2_4_18()
    machine_of(policy, hz=512)
    task = policy.Task(1, "task")
    got = []
    for nice in (-10, -5, 0, 5, 10, 19):
        task.static_prio = 120 + nice
        got.append(int(policy.task_timeslice(task) * 1000 / 512))
    assert got == [224, 187, 150, 113, 76, 9]


def test_a_burst_that_ends_inside_the_kernel_sleeps_there() -> None:
    """0.01: the return to user mode, where a used up counter is noticed, does not come before the sleep."""
    entry = {"slot": 3, "run": 2, "sleep": 4, "kernel_mode_period": 3}
    inside: set[int] = set()
    steps = linux_golden.v001_bursts(entry, 10, inside)
    assert [next(steps)[1], next(steps)[1]] == [10, 10]
    assert inside == {3}
    assert next(steps)[1] == 40
    next(steps)
    assert inside == set()
