"""The class of schedulers that are loaded into a running kernel: sched_ext.

A scheduler that is loaded (see schedlab.linux.scx) is asked in three places. A waking task: on which CPU? A runnable
one: into which queue? A CPU without work: what shall it have? Between these stand dispatch queues, and a CPU runs only
what has come into its own.

The kernel does not trust it. What it answers wrongly, what it raises, and a task that it leaves waiting for 30 s: each
puts it out, and all its tasks go back to the fair class.

Left out: cgroups, SMT and NUMA nodes, CPUs that come and go, cpu_acquire and cpu_release, SCX_OPS_ENQ_LAST and
SCX_OPS_ENQ_EXITING, walking a queue, wake-ups that are told to be synchronous. Which idle CPU is taken goes round for
the whole machine; upstream each CPU goes round for itself.
Upstream: kernel/sched/ext.c of Linux 6.12.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, ClassVar

from schedlab.guard import LearnerError
from schedlab.linux.policy import Policy, Ranking
from schedlab.linux.scx import (
    DEQ_SLEEP,
    DSQ_GLOBAL,
    DSQ_LOCAL,
    DSQ_LOCAL_ON,
    ENQ_HEAD,
    ENQ_PREEMPT,
    ENQ_WAKEUP,
    SLICE_DFL,
    SLICE_INF,
    TIMEOUT_MS,
    SchedExt,
)
from schedlab.linux.task import SCHED_IDLE
from schedlab.linux.weights import IDLE_WEIGHT, weight_of
from schedlab.scenario import whole
from schedlab.trace import judgement

MS = 1_000_000  # ns
CGROUP_WEIGHT_DFL, CGROUP_WEIGHT_MAX = 100, 10_000
DSP_MAX_LOOPS, DSP_MAX_BATCH = 32, 32
EBUSY = 16
WATCHDOG, PUT_OUT = "scx watchdog", "scx disable"
DSQ_FLAG_BUILTIN = 1 << 63

by_vtime = attrgetter("scx.dsq_vtime")
by_sequence = attrgetter("scx.sequence")


class Dsq:
    """A dispatch queue: first come first served, or in order of vtime."""

    def __init__(self, id: int, name: str, cpu: Any = None) -> None:
        self.id = id
        self.name = name
        self.cpu = cpu  # whose local queue it is
        self.tasks: list[Any] = []
        self.by_vtime = False  # of the tasks that it holds now


class Entity:
    """struct sched_ext_entity: what this class keeps of a task."""

    def __init__(self) -> None:
        self.slice = SLICE_DFL  # ns left of its turn
        self.weight = CGROUP_WEIGHT_DFL
        self.dsq_vtime = 0
        self.dsq: Dsq | None = None  # where it waits
        self.queued = False  # runnable
        self.kept = False  # the loaded scheduler keeps it in a place of its own
        self.sequence = 0  # when it was last given to the loaded scheduler: a number that grows
        self.runnable_at = -1  # jiffy since when it waits; -1 while it does not
        self.verdict: tuple[int, int] | None = None  # queue and flags that it was sent to while it became runnable


def cgroup_weight(task: Any) -> int:
    """sched_weight_to_cgroup(): 100 at nice 0."""
    weight = IDLE_WEIGHT if task.policy == SCHED_IDLE else weight_of(task.nice)
    return min(max((weight * CGROUP_WEIGHT_DFL + 512) // 1024, 1), CGROUP_WEIGHT_MAX)


class Ext(Policy):
    """sched_ext with one loaded scheduler, `ops`."""

    name = "ext"
    ranking = Ranking(by="place", best="lowest", tie="the queue that is looked at first")
    classes: ClassVar[tuple[str, ...]] = ("ext",)

    def __init__(self, ops: SchedExt) -> None:
        whole(ops.timeout_ms, f"{type(ops).__name__}.timeout_ms", 1, TIMEOUT_MS)
        self.ops = ops
        ops.kernel = self
        self.loaded = True
        self.bypassing = False

    def attach(self, machine: Any) -> None:
        """The built-in queues, the scheduler's own, the watchdog."""
        self.machine = machine
        self.local = [Dsq(DSQ_LOCAL, f"local {cpu.id}", cpu) for cpu in machine.cpus]
        self.dsqs = {DSQ_GLOBAL: Dsq(DSQ_GLOBAL, "global")}
        self.exec_start = [0] * len(machine.cpus)
        self.claimed: set[int] = set()  # idle CPUs that somebody counts on
        self.last_idle = -1  # the idle CPU that was taken last
        self.subject: Any = None  # the task that is becoming runnable
        self.sent = False  # and has been sent to a queue
        self.dispatching: Any = None  # the CPU for which `dispatch` runs
        self.buffer: list[tuple[Any, int, int, int]] = []  # task, its sequence, queue, flags
        self.dispatched = 0
        self.sequence = 0  # tasks given to the loaded scheduler so far
        self.call("init")
        self.timeout_jiffies = self.ops.timeout_ms * machine.hz // 1000
        machine.timer(machine.cpus[0], machine.now + self.ops.timeout_ms * MS // 2, WATCHDOG)

    # -- the loaded scheduler -------------------------------------------------------------------

    def has(self, op: str) -> bool:
        """Does it answer this?"""
        return not self.bypassing and getattr(type(self.ops), op) is not getattr(SchedExt, op)

    def call(self, op: str, *arguments: Any) -> Any:
        """Ask it, if it answers; what it raises puts it out."""
        if not self.has(op):
            return None
        try:
            return getattr(self.ops, op)(*arguments)
        except LearnerError as error:
            self.fail("runtime error", str(error))
            return None

    def fail(self, reason: str, why: str) -> None:
        """scx_ops_error(): from now on it is asked nothing; it is put out as soon as the kernel's worker runs."""
        if not self.bypassing:
            self.bypassing = True
            name = type(self.ops).__name__
            self.machine.tell(f'sched_ext: BPF scheduler "{name}" disabled ({reason})')
            self.machine.tell(f"sched_ext: {name}: {why}")
            self.machine.timer(self.machine.cpus[0], self.machine.now, PUT_OUT)

    def watch(self) -> None:
        """scx_watchdog_workfn(): has anybody waited for too long?"""
        jiffies = self.machine.jiffies
        for task in self.machine.tasks.values():
            scx = task.scx
            if scx is not None and scx.queued and scx.runnable_at >= 0:
                waited = jiffies - scx.runnable_at
                if waited > self.timeout_jiffies:
                    ms = waited * 1000 // self.machine.hz
                    return self.fail(
                        "runnable task stall", f"{task.name} failed to run for {ms // 1000}.{ms % 1000:03}s"
                    )

    def timer(self, cpu: Any, name: Any) -> None:
        """The watchdog, twice in each timeout."""
        if name == WATCHDOG and self.loaded:
            self.watch()
            self.machine.timer(cpu, self.machine.now + self.ops.timeout_ms * MS // 2, WATCHDOG)

    # -- queues ---------------------------------------------------------------------------------

    def create_dsq(self, dsq: Any) -> None:
        """create_dsq(): -EINVAL and -EEXIST end the loading."""
        if not isinstance(dsq, int) or isinstance(dsq, bool) or not 0 <= dsq < DSQ_FLAG_BUILTIN:
            return self.fail(
                "runtime error", f"create_dsq({dsq!r}): the number of a queue is from 0 to 2^63 - 1 (EINVAL)"
            )
        if dsq in self.dsqs:
            return self.fail("runtime error", f"create_dsq({dsq}): there is one already (EEXIST)")
        self.dsqs[dsq] = Dsq(dsq, f"DSQ {dsq}")

    def dsq_named(self, dsq: Any, cpu: Any = None, task: Any = None) -> Dsq:
        """find_dsq_for_dispatch(): the global one, and an error, where there is none of that number."""
        if dsq == DSQ_LOCAL and cpu is not None:
            return self.local[cpu.id]
        if isinstance(dsq, int) and dsq & DSQ_LOCAL_ON == DSQ_LOCAL_ON:
            number = dsq & (1 << 62) - 1
            if number < len(self.local):
                return self.local[number]
            self.fail("runtime error", f"invalid CPU {number} in SCX_DSQ_LOCAL_ON dispatch verdict")
        elif isinstance(dsq, int) and dsq in self.dsqs:
            return self.dsqs[dsq]
        else:
            shown = f"0x{dsq:x}" if isinstance(dsq, int) else repr(dsq)
            self.fail("runtime error", f"non-existent DSQ {shown}" + (f" for {task.name}" if task is not None else ""))
        return self.dsqs[DSQ_GLOBAL]

    def put(self, dsq: Dsq, task: Any, flags: int, ordered: bool = False) -> None:
        """dispatch_enqueue(): into the queue."""
        if ordered and dsq.id & DSQ_FLAG_BUILTIN:
            self.fail("runtime error", "cannot use vtime ordering for built-in DSQs")
            ordered = False
        if dsq.tasks and dsq.by_vtime != ordered:
            kind = "PRIQ" if dsq.by_vtime else "FIFO"
            self.fail("runtime error", f"DSQ ID 0x{dsq.id:016x} already had {kind}-enqueued tasks")
        dsq.by_vtime = ordered
        if ordered:
            insort_right(dsq.tasks, task, key=by_vtime)
        elif flags & (ENQ_HEAD | ENQ_PREEMPT):
            dsq.tasks.insert(0, task)
        else:
            dsq.tasks.append(task)
        task.scx.dsq = dsq
        if dsq.cpu is not None:
            curr = dsq.cpu.curr
            if (
                flags & ENQ_PREEMPT
                and curr is not task
                and curr is not dsq.cpu.idle
                and curr.scx is not None
                and curr.scx.queued
            ):
                curr.scx.slice = 0
                self.machine.resched(dsq.cpu)
            elif curr is dsq.cpu.idle:
                self.machine.resched(dsq.cpu)

    def take(self, task: Any) -> None:
        """task_unlink_from_dsq()."""
        if task.scx.dsq is not None:
            task.scx.dsq.tasks.remove(task)
            task.scx.dsq = None

    def insert(self, task: Any, dsq: Any, slice_ns: Any, vtime: Any, flags: Any) -> None:
        """scx_bpf_dispatch(): while a task becomes runnable, for that task; in `dispatch`, for any that is kept."""
        scx = getattr(task, "scx", None)
        if scx is None:
            return self.fail("runtime error", f"called with {task!r}, which is no task of this class")
        numbers = {"slice_ns": slice_ns, "enq_flags": flags, **({} if vtime is None else {"vtime": vtime})}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int) or (value < 0 and name != "vtime"):
                return self.fail("runtime error", f"{name}: a whole number, at least 0, not {value!r}")
        scx.slice = slice_ns or scx.slice or 1
        if vtime is not None:
            scx.dsq_vtime = vtime
        flags |= 0 if vtime is None else ORDERED
        if self.subject is not None:
            if task is not self.subject:
                self.fail(
                    "runtime error",
                    f"scheduling for {self.subject.name} but trying to direct-dispatch {task.name}",
                )
            elif self.sent:
                self.fail("runtime error", f"{task.name} already direct-dispatched")
            else:
                self.sent, scx.verdict = True, (dsq, flags)
        elif self.dispatching is None:
            self.fail("runtime error", "dsq_insert() is for select_cpu, enqueue and dispatch")
        elif len(self.buffer) >= DSP_MAX_BATCH:
            self.fail("runtime error", "dispatch buffer overflow")
        else:
            self.buffer.append((task, scx.sequence, dsq, flags))

    def move_to_local(self, dsq: Any) -> bool:
        """scx_bpf_consume(): only in `dispatch`, and only from a queue of one's own."""
        cpu = self.dispatching
        if cpu is None:
            self.fail("runtime error", "dsq_move_to_local() is for dispatch")
            return False
        self.flush(cpu)
        if not isinstance(dsq, int) or dsq not in self.dsqs or dsq == DSQ_GLOBAL:
            self.fail("runtime error", f"invalid DSQ ID {dsq!r}")
            return False
        moved = self.consume(self.dsqs[dsq], cpu)
        self.dispatched += moved
        return moved

    def consume(self, dsq: Dsq, cpu: Any) -> bool:
        """consume_dispatch_q(): the first task that may run on `cpu` goes to its queue."""
        for task in dsq.tasks:
            if task.cpu is cpu or may_use(task, cpu):
                self.take(task)
                self.move(task, cpu, 0)
                return True
        return False

    def move(self, task: Any, cpu: Any, flags: int) -> None:
        """To the local queue of a CPU, wherever it was."""
        if task.cpu is not cpu:
            self.machine.migrate(task, cpu)
        self.put(self.local[cpu.id], task, flags)

    def flush(self, cpu: Any) -> None:
        """flush_dispatch_buf(): what `dispatch` has ordered is done, as far as it is still kept."""
        waiting, self.buffer = self.buffer, []
        for task, sequence, dsq, flags in waiting:
            if task.scx.kept and task.scx.sequence == sequence:
                task.scx.kept = False
                self.send(task, self.dsq_named(dsq, cpu, task), flags)
        self.dispatched += len(waiting)

    def send(self, task: Any, dsq: Dsq, flags: int) -> None:
        """finish_dispatch(): the local queue of a CPU that the task may not use is an error."""
        ordered, flags = bool(flags & ORDERED), flags & ~ORDERED
        if dsq.cpu is None or dsq.cpu is task.cpu:
            return self.put(dsq, task, flags, ordered)
        if not may_use(task, dsq.cpu):
            self.fail("runtime error", f"SCX_DSQ_LOCAL[_ON] target CPU {dsq.cpu.id} not allowed for {task.name}")
            return self.put(self.dsqs[DSQ_GLOBAL], task, flags)
        self.move(task, dsq.cpu, flags)

    # -- idle CPUs ------------------------------------------------------------------------------

    def is_idle(self, cpu: Any) -> bool:
        """Idle, and nobody counts on it yet."""
        return cpu.curr is cpu.idle and cpu.id not in self.claimed

    def claim(self, cpu: Any) -> bool:
        """test_and_clear_cpu_idle()."""
        if not self.valid_cpu(cpu, "") or not self.is_idle(self.machine.cpus[cpu]):
            return False
        self.claimed.add(cpu)
        return True

    def pick_idle(self, allowed: frozenset[int] | None) -> int:
        """scx_pick_idle_cpu(): the next one after the one that was taken last."""
        cpus = self.machine.cpus
        for step in range(1, len(cpus) + 1):
            cpu = cpus[(self.last_idle + step) % len(cpus)]
            if self.is_idle(cpu) and (allowed is None or cpu.id in allowed):
                self.claimed.add(cpu.id)
                self.last_idle = cpu.id
                return int(cpu.id)
        return -EBUSY

    def default_cpu(self, task: Any, prev_cpu: int) -> tuple[int, bool]:
        """scx_select_cpu_dfl(): where it was if that is idle, else any idle CPU, else where it was."""
        if self.claim(prev_cpu):
            return prev_cpu, True
        cpu = self.pick_idle(task.allowed)
        return (prev_cpu, False) if cpu < 0 else (cpu, True)

    def valid_cpu(self, cpu: Any, where: str) -> bool:
        """ops_cpu_valid()."""
        if isinstance(cpu, int) and not isinstance(cpu, bool) and 0 <= cpu < len(self.machine.cpus):
            return True
        self.fail("runtime error", f"invalid CPU {cpu!r}{where}")
        return False

    def kick(self, cpu: Any) -> None:
        """scx_bpf_kick_cpu()."""
        if self.valid_cpu(cpu, ""):
            self.machine.resched(self.machine.cpus[cpu])

    # -- tasks come and go ----------------------------------------------------------------------

    def select_cpu(self, task: Any, why: str) -> Any:
        """select_task_rq_scx()."""
        cpus = self.machine.cpus
        if task.scx is None:
            self.switched_to(task)
        first = 0 if task.allowed is None else min(task.allowed)
        if task.cpu is None:
            return cpus[first]  # it is being created; it will be asked for when it wakes
        prev = task.cpu.id if may_use(task, task.cpu) else first
        task.scx.verdict = None
        if not self.has("select_cpu"):
            cpu, found = self.default_cpu(task, prev)
            if found:
                task.scx.slice, task.scx.verdict = SLICE_DFL, (DSQ_LOCAL, 0)
            return cpus[cpu]
        self.subject, self.sent = task, False
        cpu = self.call("select_cpu", task, prev, 0)
        self.subject = None
        if self.bypassing or not self.valid_cpu(cpu, " from ops.select_cpu()"):
            return cpus[prev]
        return cpus[cpu] if may_use(task, cpus[cpu]) else cpus[prev]

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_task_scx()."""
        if task.scx is None:
            self.switched_to(task)
        scx = task.scx
        scx.queued = True
        flags = ENQ_WAKEUP if why == "wake" else 0
        self.call("runnable", task, flags)
        if cpu.curr is task:  # it runs on, with another weight or class
            self.exec_start[cpu.id] = self.machine.now
            self.call("running", task)
            return
        if scx.runnable_at < 0:
            scx.runnable_at = self.machine.jiffies
        self.give(task, cpu, flags)

    def give(self, task: Any, cpu: Any, flags: int) -> None:
        """do_enqueue_task(): to where it was sent, or to the loaded scheduler, or to the global queue."""
        scx = task.scx
        if scx.verdict is None and self.has("enqueue"):
            self.sequence += 1
            scx.sequence = self.sequence
            self.subject, self.sent = task, False
            self.call("enqueue", task, flags)
            self.subject = None
            scx.kept = not self.sent and self.has("enqueue")  # it may have failed meanwhile
            if scx.kept:
                return
        if self.bypassing or scx.verdict is None:
            scx.verdict, scx.slice = None, SLICE_DFL
            return self.put(self.dsqs[DSQ_GLOBAL], task, flags)
        (dsq, more), scx.verdict = scx.verdict, None
        self.send(task, self.dsq_named(dsq, cpu, task), flags | more)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_task_scx()."""
        scx = task.scx
        self.update_curr(cpu)
        if scx.kept:
            scx.kept = False
            self.call("dequeue", task, 0)
        if cpu.curr is task:
            self.call("stopping", task, False)
        self.call("quiescent", task, DEQ_SLEEP if why in ("sleep", "exit") else 0)
        scx.queued = False
        scx.runnable_at = -1
        self.take(task)

    def update_curr(self, cpu: Any) -> None:
        """update_curr_scx(): what has run is off the slice."""
        curr = cpu.curr
        if curr is cpu.idle or curr.scx is None or not curr.scx.queued:
            return
        now = self.machine.now
        ran, self.exec_start[cpu.id] = now - self.exec_start[cpu.id], now
        if ran > 0 and curr.scx.slice != SLICE_INF:
            curr.scx.slice -= min(curr.scx.slice, ran)

    def balance_one(self, cpu: Any, prev: Any) -> Any:
        """balance_scx(): `prev` if it is to go on, else None; then what there is to run stands in the local queue."""
        local = self.local[cpu.id]
        mine = prev is not cpu.idle and prev.scx is not None and prev.scx.queued
        if mine and prev.scx.slice and not self.bypassing:
            return prev
        if local.tasks or self.consume(self.dsqs[DSQ_GLOBAL], cpu):
            return None
        for _loop in range(DSP_MAX_LOOPS if self.has("dispatch") else 0):
            self.dispatched = 0
            self.dispatching = cpu
            self.call("dispatch", cpu.id, prev if mine else None)
            self.dispatching = None
            self.flush(cpu)
            if mine and prev.scx.slice:
                return prev
            if local.tasks or self.consume(self.dsqs[DSQ_GLOBAL], cpu):
                return None
            if not self.dispatched:
                break
        return prev if mine else None

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_task_scx(), put_prev_task_scx() and set_next_task_scx()."""
        self.claimed.discard(cpu.id)
        self.update_curr(cpu)
        chosen = self.balance_one(cpu, prev)
        if chosen is None:
            chosen = next(iter(self.local[cpu.id].tasks), None)
            if chosen is None:
                return None
        chosen.scx.slice = chosen.scx.slice or SLICE_DFL
        if chosen is prev:
            return prev
        self.set_down(cpu, prev)
        self.take(chosen)
        chosen.scx.runnable_at = -1
        self.exec_start[cpu.id] = self.machine.now
        self.call("running", chosen)
        return chosen

    def set_down(self, cpu: Any, prev: Any) -> None:
        """put_prev_task_scx(): with some of its slice left it stays first here; else it is enqueued anew."""
        if prev is cpu.idle or prev.scx is None or not prev.scx.queued:
            return
        self.update_curr(cpu)
        self.call("stopping", prev, True)
        prev.scx.runnable_at = self.machine.jiffies
        if prev.scx.slice and not self.bypassing:
            self.put(self.local[cpu.id], prev, ENQ_HEAD)
        else:
            self.give(prev, cpu, 0)

    def tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_scx()."""
        self.update_curr(cpu)
        if self.bypassing:
            curr.scx.slice = 0
        else:
            self.call("tick", curr)
        if not curr.scx.slice:
            self.machine.resched(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """wakeup_preempt_scx(): never; who is to preempt is inserted with ENQ_PREEMPT."""
        return False

    def yields(self, cpu: Any, curr: Any) -> None:
        """yield_task_scx()."""
        if self.has("yield_"):
            self.call("yield_", curr)
        else:
            curr.scx.slice = 0
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """reweight_task_scx(), and a waiting task is enqueued anew."""
        waits = task.scx.queued and cpu.curr is not task
        if waits:
            self.dequeue(task, cpu, "renice")
        task.nice = nice
        task.scx.weight = cgroup_weight(task)
        self.call("set_weight", task, task.scx.weight)
        if waits:
            self.enqueue(task, cpu, "renice")

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """Between the policies that are this class's."""
        task.policy = policy
        self.renice(task, cpu, task.nice)

    def affinity(self, task: Any) -> None:
        """set_cpus_allowed_scx(): a waiting task is enqueued anew by the machine if it has to move."""

    def switched_to(self, task: Any) -> None:
        """switching_to_scx()."""
        task.scx = Entity()
        task.scx.weight = cgroup_weight(task)
        self.call("enable", task)
        self.call("set_weight", task, task.scx.weight)

    def switched_from(self, task: Any) -> None:
        """switched_from_scx()."""
        self.call("disable", task)
        task.scx = None

    # -- for the picture and the reasons ----------------------------------------------------------

    @judgement
    def place(self, task: Any) -> int:
        """How many stand before it in its queue, or came before it to where the loaded scheduler keeps its tasks."""
        if task.scx.dsq is not None:
            return task.scx.dsq.tasks.index(task)
        return self.kept().index(task) if task.scx.kept else 0

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The local queue, then the others; who runs, as long as it has a slice."""
        found = [prev] if prev is not cpu.idle and prev.scx is not None and prev.scx.queued else []
        for dsq in (self.local[cpu.id], *self.dsqs.values()):
            found += [task for task in dsq.tasks if may_use(task, cpu)]
        return [(task,) for task in [*found, *self.kept()]]

    def kept(self) -> list[Any]:
        """The tasks that the loaded scheduler keeps in places of its own, as they came."""
        mine = [task for task in self.machine.tasks.values() if task.scx is not None and task.scx.kept]
        return sorted(mine, key=by_sequence)

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """Every dispatch queue, and what is kept."""
        for dsq in (*self.local, *self.dsqs.values()):
            yield dsq.name, list(dsq.tasks)
        yield "kept", self.kept()


ORDERED = 1 << 57  # SCX_ENQ_DSQ_PRIQ


def may_use(task: Any, cpu: Any) -> bool:
    """Does the affinity of a task allow a CPU?"""
    return task.allowed is None or cpu.id in task.allowed
