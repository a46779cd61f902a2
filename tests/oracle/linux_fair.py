"""Vectors of real kernel functions of the fair class: 2.6.23, 5.15, 6.6 and 6.12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schedlab.linux.cfs import CFS
from schedlab.linux.cfs_2_6_23 import CFS_2_6_23
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6
from schedlab.linux.fair import FairTask, calc_delta_fair, set_load_weight
from schedlab.linux.machine import Machine
from schedlab.linux.weights import calc_delta, inverse_of_load
from schedlab.sim import Engine
from schedlab.trace import Recorder
from tests.oracle.compare import Difference, first_difference
from tests.oracle.linux_golden import Rig, bursts, watch_instants

Vector = dict[str, Any]


def fair_policy(vector: Vector) -> CFS_2_6_23 | CFS | EEVDF:
    """The rules that the vector's id names, with its times."""
    generation = vector["id"].split("-")[0]
    params = vector.get("params")
    if generation == "cfs515":
        if params is None:
            return CFS()
        return CFS(params["latency"], params["min_gran"], params["wakeup_gran"])
    if generation == "cfs23":
        return CFS_2_6_23()
    if generation in ("eevdf66", "eevdf612"):
        return (EEVDF_6_6 if generation == "eevdf66" else EEVDF)(params["base_slice"] if params else None)
    raise ValueError(f"no model of {generation}")


def replay_fair(vector: Vector) -> Difference | None:
    """An event by event vector."""
    policy = fair_policy(vector)
    rig = Rig(policy, vector["hz"])
    machine = rig.machine
    for entry in vector["tasks"]:
        extra = {"custom_slice": entry["custom_slice_ns"]} if hasattr(policy, "base_slice_ns") else {}
        task = machine.create(
            f"task{entry['id']}",
            bursts(entry["run_ns"], entry["sleep_ns"]),
            id=entry["id"],
            nice=entry["nice"],
            policy=entry["policy"],
            **extra,
        )
        if entry["start_ns"] == 0:
            machine.start(task)
        elif entry["start_ns"] > 0:
            machine.start(task, entry["start_ns"])
    machine.boot()
    happened: list[str] = []
    watch_instants(rig, happened)
    snapshot = snapshot_of(policy)
    initial, state0 = rig.current, snapshot(rig)
    for order, event in enumerate(vector["events"]):
        rig.event(event["t_ns"], order, lambda e: fair_event(rig, e, happened), event)
    log: list[Any] = []

    def note_instant() -> None:
        if happened:
            log.append({"t": machine.now, "ev": list(happened), "cur": rig.current, **snapshot(rig)})
            happened.clear()

    machine.on_instant = note_instant
    rig.engine.run(vector["end_ns"])
    times = {str(task.id): task.sum_exec for task in machine.tasks.values()}
    got = {"initial": initial, "state0": state0, "log": log, "cpu_ns": times}
    return first_difference({key: vector[key] for key in got}, got)


def fair_event(rig: Rig, event: Vector, happened: list[str]) -> None:
    """`f` forks, `n` renices, `y` yields; f and y only when the task is current (-1: whoever is)."""
    machine, cpu = rig.machine, rig.cpu
    happened.append(f"{event['op']} {event['a']} {event['b']}")
    if event["op"] == "n":
        machine.renice(machine.tasks[event["a"]], event["b"])
        return
    if cpu.curr is cpu.idle or event["a"] not in (-1, cpu.curr.id):
        return
    if event["op"] == "f":
        machine.fork(cpu.curr, f"task{event['b']}", bursts(event["x"], event["y"]), id=event["b"])
    elif event["op"] == "y":
        machine.yield_now(cpu)


def snapshot_of(policy: CFS_2_6_23 | CFS | EEVDF) -> Callable[[Rig], Vector]:
    """What a line of this generation's log holds."""
    if isinstance(policy, CFS_2_6_23):
        return cfs23_snapshot
    return eevdf_snapshot if isinstance(policy, EEVDF) else cfs_snapshot


def eevdf_snapshot(rig: Rig) -> Vector:
    """[vruntime, deadline, vlag or protection, sum_exec_runtime, on_rq, eligible, delayed] of every task; the queue."""
    policy = rig.machine.policy
    assert isinstance(policy, EEVDF)
    rq = policy.queues_of[0]
    tasks = {}
    for task in rig.machine.tasks.values():
        third = int(task.vlag == task.deadline) if task is rq.curr else task.vlag
        eligible = int(task.on_rq and rq.eligible(task))
        tasks[str(task.id)] = [
            task.vruntime, task.deadline, third, task.sum_exec_runtime, int(task.on_rq), eligible,
            int(task.sched_delayed),
        ]  # fmt: skip
    return {"min_vr": rq.min_vruntime, "nr": rq.nr_running, "load": rq.load, "V": rq.average(), "s": tasks}


def cfs23_snapshot(rig: Rig) -> Vector:
    """[wait_runtime, fair_key, sum_exec_runtime, on_rq] of every task; the queue's clock, bonus and load."""
    policy = rig.machine.policy
    assert isinstance(policy, CFS_2_6_23)
    rq = policy.queues_of[0]
    tasks = {
        str(task.id): [task.wait_runtime, task.fair_key, task.sum_exec_runtime, int(task.on_rq)]
        for task in rig.machine.tasks.values()
    }
    return {"fc": rq.fair_clock, "bonus": rq.sleeper_bonus, "load": rq.load, "s": tasks}


def cfs_snapshot(rig: Rig) -> Vector:
    """[vruntime, sum_exec_runtime, on_rq] of every task; the queue."""
    policy = rig.machine.policy
    assert isinstance(policy, CFS)
    rq = policy.queues_of[0]
    tasks = {
        str(task.id): [task.vruntime, task.sum_exec_runtime, int(task.on_rq)] for task in rig.machine.tasks.values()
    }
    return {"min_vr": rq.min_vruntime, "nr": rq.nr_running, "load": rq.load, "s": tasks}


def tables(vector: Vector) -> Difference | None:
    """calc_delta, calc_delta_fair, sched_period, sched_slice."""
    policy = fair_policy(vector)
    from schedlab.linux.kinds import LINUX

    Machine(policy, Engine(), Recorder(LINUX, on=False))
    table = vector["table"]
    got: Vector = {}

    def task_at(nice: int) -> FairTask:
        task = policy.Task(1, "task")
        set_load_weight(task, nice)
        assert isinstance(task, FairTask)
        return task

    if "calc_delta" in table:
        got["calc_delta"] = [
            [delta, weight, load, calc_delta(delta, weight, inverse_of_load(load))]
            for delta, weight, load, _result in table["calc_delta"]
        ]
    if "calc_delta_fair" in table:
        got["calc_delta_fair"] = [
            [delta, nice, calc_delta_fair(delta, task_at(nice))] for delta, nice, _result in table["calc_delta_fair"]
        ]
    if "sched_period" in table:
        assert isinstance(policy, CFS)
        got["sched_period"] = [policy.period(nr) for nr in range(1, len(table["sched_period"]) + 1)]
    if "sched_slice" in table:
        assert isinstance(policy, CFS)
        got["sched_slice"] = []
        for row in table["sched_slice"]:
            tasks = [task_at(nice) for nice in row["nices"]]
            rq = policy.queues_of[0]
            rq.load, rq.nr_running = sum(task.weight for task in tasks), len(tasks)
            for task in tasks:
                task.on_rq = True
            got["sched_slice"].append(
                {"nices": row["nices"], "slices": [policy.ideal_slice(rq, task) for task in tasks]}
            )
    return first_difference(table, got)


def replay(schema: str, vector: Vector) -> Difference | None:
    """Replay one vector; the first difference, or None."""
    return tables(vector) if "table" in vector else replay_fair(vector)


SCHEMAS = ("linux-cfs-2.6.23/v1", "linux-cfs/v1", "linux-eevdf/v1")
