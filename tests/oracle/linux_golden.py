"""Vectors of real kernel functions of v0.01, 2.4.16, 2.6.11 and 2.6.22.

Their schemas are `linux-0.01/v1`, `linux-2.4/v1` and `linux-o1/v1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from schedlab.linux.kinds import ABSENT, LINUX, READY, RUNNING, SLEEPING
from schedlab.linux.machine import EVENT_RANK, Machine
from schedlab.linux.o1 import INTERACTIVE, INTERRUPTED, NONINTERACTIVE, NORMAL, O1, O1_2_6_22, O1Task
from schedlab.linux.on import ON, ONTask, nice_to_ticks
from schedlab.linux.policy import Policy
from schedlab.linux.task import FOREVER, POLICY_NAMES, Step, disk, run, sleep, system
from schedlab.linux.v001 import V001, V001Task
from schedlab.sim import Engine
from schedlab.trace import Recorder
from tests.oracle.compare import Difference, first_difference

Vector = dict[str, Any]


def bursts(length: int, pause: int, uninterruptible: bool = False) -> Iterator[Step]:
    """Run, sleep, run, sleep ... ; a length of 0 runs for ever, a pause of 0 or less never ends."""
    while True:
        yield run(length or FOREVER)
        yield (disk if uninterruptible else sleep)(FOREVER if pause <= 0 else pause)


class Rig:
    """A machine whose tasks, wake-ups and events come from a vector."""

    def __init__(self, policy: Policy, hz: int, first_jiffy: int = 0) -> None:
        self.engine = Engine()
        self.recorder = Recorder(LINUX, on=False)
        self.machine = Machine(policy, self.engine, self.recorder, hz=hz, first_jiffy=first_jiffy)
        self.cpu = self.machine.cpus[0]

    def event(self, when: int, order: int, do: Callable[[Any], None], arg: Any) -> None:
        """An outside event; those of one instant come in the order of the vector."""
        self.engine.at(when, do, arg, EVENT_RANK + order)

    @property
    def current(self) -> int:
        return max(self.cpu.curr.id, 0)


# -- Linux 0.01 ---------------------------------------------------------------------------------


def v001_bursts(entry: Vector, tick: int, inside: set[int]) -> Iterator[Step]:
    """Ticks number 0, m, 2m ... of a task are user mode and the others kernel mode, if m is set.

    A burst that ends within its kernel ticks sleeps inside the call: `inside` holds its slot until it returns.
    """
    period, used = entry["kernel_mode_period"], 0
    while True:
        left = entry["run"] or FOREVER
        if not period:
            yield run(left if left == FOREVER else left * tick)
            left = 0
        while left:
            user = used % period == 0
            stretch = 1 if user else period - used % period
            if left != FOREVER:
                if not user and left < stretch:
                    inside.add(entry["slot"])
                stretch = min(stretch, left)
                left -= stretch
            yield run(stretch * tick) if user else system(stretch * tick)
            used += stretch
        yield sleep(FOREVER if entry["sleep"] <= 0 else entry["sleep"] * tick)
        inside.discard(entry["slot"])


def replay_v001(vector: Vector) -> Difference | None:
    """A tick by tick vector of v0.01."""
    policy = V001()
    rig = Rig(policy, vector["hz"])
    machine, tick = rig.machine, rig.machine.tick_ns
    idle = rig.cpu.idle
    inside: set[int] = set()
    for entry in vector["tasks"]:
        task = machine.create(
            f"slot{entry['slot']}",
            v001_bursts(entry, tick, inside),
            id=entry["slot"],
            slot=entry["slot"],
            priority=entry["priority"],
            counter=entry["counter"],
            alarm_due=entry["alarm"],
        )
        if entry["start"] == 0:
            machine.start(task)
        elif entry["start"] > 0:
            machine.start(task, entry["start"] * tick)
    machine.boot()
    log: list[Any] = []
    charged: dict[str, int] = {}
    serve_tick = policy.tick

    def note_charged(cpu: Any, curr: Any) -> None:
        charged["ran"] = max(curr.id, 0)
        charged["cpl"] = 0 if curr.in_kernel else 3
        serve_tick(cpu, curr)

    def note_instant() -> None:
        if not charged:
            return
        counters = {"0": idle.counter} | {str(t.slot): t.counter for t in policy.slots[1:] if t is not None}
        asleep = [t.slot for t in policy.slots[1:] if t is not None and t.state not in (READY, RUNNING)]
        log.append({"t": machine.jiffies, **charged, "next": rig.current, "counter": counters, "sleeping": asleep})
        charged.clear()

    blocked: set[int] = set()  # the recorder delivers a signal only when a task that has blocked becomes runnable
    deliver = machine.signal

    def note_blocked(task: Any, cpu: Any, why: str) -> None:
        blocked.add(task.id)

    def deliver_to_sleeper(task: Any) -> None:
        if task.state == SLEEPING:
            deliver(task)
            task.has_signal = task.id not in blocked

    return_to_user = policy.system_return

    def leave_the_kernel(cpu: Any, curr: Any) -> None:
        if curr.slot not in inside:
            return_to_user(cpu, curr)

    policy.system_return = leave_the_kernel  # type: ignore[method-assign]  # a call that sleeps has not returned
    policy.dequeue = note_blocked  # type: ignore[method-assign]  # nothing else to do in this generation
    machine.signal = deliver_to_sleeper  # type: ignore[method-assign]  # the recorder's rule, not the machine's
    policy.tick = note_charged  # type: ignore[method-assign]  # the vector also tells whom the tick found running
    machine.on_instant = note_instant
    initial = rig.current
    rig.engine.run(vector["n_ticks"] * tick)
    return first_difference(
        {"initial": vector["initial"], "ticks": vector["ticks"]}, {"initial": initial, "ticks": log}
    )


def replay_fork_limit(vector: Vector) -> Difference | None:
    """find_empty_process() until the table is full; the description says when slots are freed."""
    policy = V001()
    results: list[list[int]] = []
    after = int(vector["description"].split("after attempt index ")[1].split()[0])
    freed = [int(word) for word in vector["description"].split("slots ")[1].split(" are freed")[0].split(" and ")]
    for attempt in range(len(vector["results"])):
        task = V001Task(attempt + 1, f"task{attempt}")
        results.append([task.slot if policy.born(task) else -11, policy.last_pid])
        if attempt == after:
            for slot in freed:
                policy.release(policy.slots[slot])
    return first_difference(vector["results"], results)


# -- Linux 2.4 ----------------------------------------------------------------------------------


def replay_on(vector: Vector) -> Difference | None:
    """A tick by tick vector of 2.4."""
    policy = ON()
    rig = Rig(policy, vector["hz"])
    machine, tick = rig.machine, rig.machine.tick_ns
    for entry in vector["tasks"]:
        task = machine.create(
            f"task{entry['id']}",
            bursts(entry["run"] * tick, entry["sleep"] * tick),
            id=entry["id"],
            **{field: entry[field] for field in ("nice", "counter", "policy", "rt_priority")},
            mm=entry["mm"] or None,
        )
        if entry["start"] == 0:
            machine.start(task)
        elif entry["start"] > 0:
            machine.start(task, entry["start"] * tick)
    machine.boot()
    initial = rig.current
    for order, event in enumerate(vector["events"]):
        rig.event(event["t"] * tick, order, lambda e: on_event(rig, e, tick), event)
    log: list[Any] = []
    before: list[int] = [initial]

    def note_instant() -> None:
        counters = {str(task.id): task.counter for task in machine.tasks.values()}
        log.append(
            {
                "t": machine.jiffies,
                "ran": before[0],
                "next": rig.current,
                "counter": counters,
                "queue": [task.id for task in policy.runqueue],
            }
        )
        before[0] = rig.current

    machine.on_instant = note_instant
    rig.engine.run(vector["n_ticks"] * tick)
    return first_difference(
        {"initial": vector["initial"], "ticks": vector["ticks"]}, {"initial": initial, "ticks": log}
    )


def on_event(rig: Rig, event: Vector, tick: int) -> None:
    """`f` forks, `n` renices, `y` yields; f and y only when the task is current."""
    machine, task = rig.machine, rig.machine.tasks.get(event["a"])
    if event["op"] == "n":
        machine.renice(task, event["b"])
    elif event["op"] == "f" and task is not None:
        child = bursts(event["run"] * tick, event["sleep"] * tick)
        machine.fork(task, f"task{event['b']}", child, id=event["b"])
    elif event["op"] == "y" and rig.cpu.curr is task:
        machine.yield_now(rig.cpu)


def table_goodness(vector: Vector) -> Difference | None:
    """goodness() of an SMP build, row by row; the last two rows are a yielding task and a FIFO task."""
    policy = ON()
    machine = Machine(policy, Engine(), Recorder(LINUX, on=False), cpus=2)
    here, there = machine.cpus
    got = []
    rows = vector["table"]
    for row in rows:
        task = ONTask(1, "task")
        if len(row) == 2:  # [what it is, goodness]
            kind = row[0].rstrip("0123456789")
            task.yielded = kind == "yield"
            if kind in ("fifo", "rr"):
                task.policy, task.rt_priority = POLICY_NAMES.index(kind), int(row[0][len(kind) :])
            got.append([row[0], policy.goodness(task, here, 1)])
            continue
        counter, nice, same_cpu, same_mm, _goodness = row
        task.counter, task.nice = counter, nice
        task.last_cpu = here if same_cpu else there
        got.append([counter, nice, same_cpu, same_mm, policy.goodness(task, here, 1 if same_mm else 2)])
    return first_difference(rows, got)


def table_nice_to_ticks(vector: Vector) -> Difference | None:
    """The refill of every nice value at several HZ."""
    got = {hz: [nice_to_ticks(nice, int(hz)) for nice in range(-20, 20)] for hz in vector["table"]}
    return first_difference(vector["table"], got)


# -- Linux 2.6, O(1) ----------------------------------------------------------------------------


def o1_policy(vector: Vector) -> O1:
    """The rules that the vector's id names."""
    return O1_2_6_22() if vector["id"].startswith("o1-2622") else O1()


def replay_o1(vector: Vector) -> Difference | None:
    """An event by event vector of 2.6.11 or 2.6.22."""
    policy = o1_policy(vector)
    rig = Rig(policy, vector["hz"], vector["jiffies0"])
    machine = rig.machine
    for entry in vector["tasks"]:
        blocks = bursts(entry["run_ns"], entry["sleep_ns"], bool(entry["uninterruptible_sleep"]))
        task = machine.create(
            f"task{entry['id']}",
            blocks,
            id=entry["id"],
            **{field: entry[field] for field in ("nice", "policy", "rt_priority")},
            sleep_avg=entry["sleep_avg0_ns"],
            mm=entry["id"] if entry["user_mm"] else None,
            woken_by_irq=bool(entry["woken_from_irq"]),
        )
        if entry["start_ns"] == 0:
            machine.start(task)
        elif entry["start_ns"] > 0:
            machine.start(task, entry["start_ns"])
    machine.boot()
    happened: list[str] = []
    watch_instants(rig, happened)
    initial, state0 = rig.current, o1_snapshot(rig)
    for order, event in enumerate(vector["events"]):
        rig.event(event["t_ns"], order, lambda e: o1_event(rig, e, happened), event)
    log: list[Any] = []
    shown: list[Any] = [None]  # the first instant is always written down

    def note_instant() -> None:
        if not happened:
            return
        events = [word for word in happened if word != "look"]
        happened.clear()
        snapshot = o1_snapshot(rig)
        now = (rig.current, visible(snapshot))
        named = [word for word in events if word != "tick"]
        if vector["full_log"] or named or now != shown[0]:
            told = events if vector["full_log"] else named
            log.append({"t": machine.now, "ev": told, "cur": rig.current, **snapshot})
        shown[0] = now

    machine.on_instant = note_instant
    rig.engine.run(vector["end_ns"])
    times = {str(task.id): task.sum_exec for task in machine.tasks.values()}
    got = {"initial": initial, "state0": state0, "log": log, "cpu_ns": times}
    expected = {key: vector[key] for key in got}
    return first_difference(expected, got)


def visible(snapshot: Vector) -> Any:
    """What makes a line of a short log: a priority or an array changed."""
    return [(number, task[0], task[4]) for number, task in snapshot["s"].items()]


def o1_snapshot(rig: Rig) -> Vector:
    """prio, slice, sleep_avg, kind of sleep and array of every task that has not exited."""
    policy = rig.machine.policy
    assert isinstance(policy, O1)
    rq = policy.runqueues[0]
    tasks = {}
    for task in rig.machine.tasks.values():
        if task.state != ABSENT:
            array = "-" if task.array is None else "A" if task.array is rq.active else "E"
            sleep_type = task.sleep_type
            if isinstance(policy, O1_2_6_22):
                sleep_type = {NORMAL: 0, NONINTERACTIVE: 1, INTERACTIVE: 2, INTERRUPTED: 3}[sleep_type]
            tasks[str(task.id)] = [task.prio, task.time_slice, task.sleep_avg, sleep_type, array]
    return {"exp_ts": rq.expired_timestamp, "best_exp": rq.best_expired_prio, "s": tasks}


def watch_instants(rig: Rig, happened: list[str]) -> None:
    """Note ticks, wake-ups and blocks as the machine serves them."""
    policy = rig.machine.policy
    serve_tick, enqueue, dequeue = policy.tick, policy.enqueue, policy.dequeue

    def tick(cpu: Any, curr: Any) -> None:
        happened.append("tick")
        serve_tick(cpu, curr)

    def note_enqueue(task: Any, cpu: Any, why: str) -> None:
        if why == "wake":
            happened.append(f"wake {task.id}")
        enqueue(task, cpu, why)

    def note_dequeue(task: Any, cpu: Any, why: str) -> None:
        if why == "sleep":
            happened.append(f"block {task.id}")
        dequeue(task, cpu, why)

    policy.tick, policy.enqueue, policy.dequeue = tick, note_enqueue, note_dequeue  # type: ignore[method-assign]  # an observer
    policy.exit = policy.release  # type: ignore[method-assign]  # the recorder reaps the dead at once


def o1_event(rig: Rig, event: Vector, happened: list[str]) -> None:
    """`f` forks, `n` renices, `y` yields, `x` exits; all but n only when the task is current (-1: whoever is)."""
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
    elif event["op"] == "x":
        machine.exit_now(cpu)


def table_o1(vector: Vector) -> Difference | None:
    """Slices, DELTA, INTERACTIVE_SLEEP, granularity and priorities."""
    policy = o1_policy(vector)
    Machine(policy, Engine(), Recorder(LINUX, on=False), hz=vector["hz"])

    def task_at(nice: int, sleep_avg: int = 0) -> O1Task:
        task = O1Task(1, "task")
        task.static_prio, task.sleep_avg = 120 + nice, sleep_avg
        task.prio = policy.effective_prio(task)
        return task

    nices = range(-20, 20)
    prio = []
    for nice, sleep_avg, *_rest in vector["table"]["prio"]:
        task = task_at(nice, sleep_avg)
        prio.append([nice, sleep_avg, policy.current_bonus(task), task.prio, int(policy.is_interactive(task))])
    got = {
        "slice": [policy.task_timeslice(task_at(nice)) for nice in nices],
        "delta": [policy.delta(nice) for nice in nices],
        "interactive_sleep_ns": [policy.interactive_sleep(task_at(nice)) for nice in nices],
        "granularity": [policy.timeslice_granularity(bonus) for bonus in range(11)],
        "prio": prio,
    }
    return first_difference(vector["table"], got)


def replay(schema: str, vector: Vector) -> Difference | None:
    """Replay one vector; the first difference, or None. Raises ValueError for a vector of no known kind."""
    id_ = vector["id"]
    if schema == "linux-0.01/v1":
        return replay_fork_limit(vector) if "results" in vector else replay_v001(vector)
    if schema == "linux-2.4/v1":
        if "table" not in vector:
            return replay_on(vector)
        return table_goodness(vector) if "goodness" in id_ else table_nice_to_ticks(vector)
    if schema == "linux-o1/v1":
        return table_o1(vector) if "table" in vector else replay_o1(vector)
    raise ValueError(f"no replay for schema {schema!r}")


SCHEMAS = ("linux-0.01/v1", "linux-2.4/v1", "linux-o1/v1")
