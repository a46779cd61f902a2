"""What a scheduler of one's own looks like to sched_ext: a class with a few answers, all of them optional.

    class Mine(SchedExt):
        def enqueue(self, task, enq_flags):
            self.dsq_insert(task, DSQ_GLOBAL, SLICE_DFL, enq_flags)

    Scenario(Mine, tasks, cpus=2, until="1s")

Tasks wait in *dispatch queues* (DSQs): one for each CPU, a global one, and as many of your own as you create. A CPU
runs only what stands in its own; when that is empty it takes from the global one, and then asks `dispatch` to fill it.
A task has `task.scx.slice` (ns left of its turn), `task.scx.weight` (100 at nice 0) and `task.scx.dsq_vtime`.

Names are the kernel's: those of `struct sched_ext_ops` and, without their prefix `scx_bpf_`, of its kfuncs (6.13
renamed two: dispatch is dsq_insert, consume is dsq_move_to_local). CPUs are numbers here.
Upstream: kernel/sched/ext.c and tools/sched_ext/scx_simple.bpf.c of Linux 6.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schedlab.linux.ext import Ext

SLICE_DFL = 20_000_000  # ns: SCX_SLICE_DFL
SLICE_INF = (1 << 64) - 1  # SCX_SLICE_INF: no tick ends this turn
DSQ_GLOBAL = 1 << 63 | 1  # SCX_DSQ_GLOBAL
DSQ_LOCAL = 1 << 63 | 2  # SCX_DSQ_LOCAL: that of the CPU at hand
DSQ_LOCAL_ON = 0b11 << 62  # SCX_DSQ_LOCAL_ON | cpu: that of another one
ENQ_WAKEUP, ENQ_HEAD, ENQ_PREEMPT = 1, 1 << 4, 1 << 32  # SCX_ENQ_*
DEQ_SLEEP = 1  # SCX_DEQ_SLEEP
TIMEOUT_MS = 30_000  # SCX_WATCHDOG_MAX_TIMEOUT


class SchedExt:
    """struct sched_ext_ops. What is not overridden the kernel does itself: one global queue, 20 ms a turn."""

    timeout_ms: ClassVar[int] = TIMEOUT_MS  # how long a runnable task may wait before the watchdog bites
    switch_partial: ClassVar[bool] = False  # SCX_OPS_SWITCH_PARTIAL: only tasks of class "ext" are yours

    kernel: Ext

    def init(self) -> None:
        """You are being loaded: create your queues."""

    def select_cpu(self, task: Any, prev_cpu: int, wake_flags: int) -> int:
        """A CPU for a waking or new task. Inserting it into a queue here skips `enqueue`."""
        raise NotImplementedError

    def enqueue(self, task: Any, enq_flags: int) -> None:
        """`task` is runnable: insert it into a queue, or keep it until `dispatch`."""

    def dequeue(self, task: Any, deq_flags: int) -> None:
        """A task that you keep is taken back: it was killed, or changes its class."""

    def dispatch(self, cpu: int, prev: Any) -> None:
        """`cpu` has nothing to run: move something to it. `prev` ran until now, None if that was no task of yours."""

    def tick(self, task: Any) -> None:
        """The timer interrupt finds `task` running."""

    def runnable(self, task: Any, enq_flags: int) -> None:
        """`task` becomes runnable."""

    def running(self, task: Any) -> None:
        """`task` begins a turn."""

    def stopping(self, task: Any, runnable: bool) -> None:
        """`task` ends a turn; `task.scx.slice` is what is left of it."""

    def quiescent(self, task: Any, deq_flags: int) -> None:
        """`task` is runnable no more."""

    def enable(self, task: Any) -> None:
        """`task` becomes one of yours."""

    def disable(self, task: Any) -> None:
        """`task` is yours no more."""

    def set_weight(self, task: Any, weight: int) -> None:
        """The weight of `task` is `weight` now."""

    def yield_(self, task: Any) -> None:
        """`task` calls sched_yield. Without an answer its slice becomes 0."""

    # -- what you may call ----------------------------------------------------------------------

    def create_dsq(self, dsq: int) -> None:
        """A queue of your own; numbers from 0 to 2^63 - 1."""
        self.kernel.create_dsq(dsq)

    def dsq_insert(self, task: Any, dsq: int, slice_ns: int = SLICE_DFL, enq_flags: int = 0) -> None:
        """Put `task` at the end of a queue and give it `slice_ns`; 0 leaves it what it has."""
        self.kernel.insert(task, dsq, slice_ns, None, enq_flags)

    def dsq_insert_vtime(self, task: Any, dsq: int, slice_ns: int, vtime: int, enq_flags: int = 0) -> None:
        """Put `task` into a queue of your own that is in order of `vtime`, lowest first."""
        self.kernel.insert(task, dsq, slice_ns, vtime, enq_flags)

    def dsq_move_to_local(self, dsq: int) -> bool:
        """In `dispatch`: move the first task that may run on this CPU to its queue. False if there is none."""
        return self.kernel.move_to_local(dsq)

    def dsq_nr_queued(self, dsq: int) -> int:
        """How many tasks wait in a queue."""
        return len(self.kernel.dsq_named(dsq).tasks)

    def kick_cpu(self, cpu: int) -> None:
        """Make a CPU choose again."""
        self.kernel.kick(cpu)

    def test_and_clear_cpu_idle(self, cpu: int) -> bool:
        """Claim `cpu` if it is idle."""
        return self.kernel.claim(cpu)

    def pick_idle_cpu(self, allowed: Iterable[int] | None = None) -> int:
        """Claim any idle CPU; -16 (EBUSY) if there is none."""
        return self.kernel.pick_idle(None if allowed is None else frozenset(allowed))

    def select_cpu_dfl(self, task: Any, prev_cpu: int, wake_flags: int = 0) -> tuple[int, bool]:
        """What the kernel would answer in `select_cpu`, and whether that CPU was idle and is claimed now."""
        return self.kernel.default_cpu(task, prev_cpu)

    @property
    def now(self) -> int:
        """The time, ns."""
        return self.kernel.machine.now

    def error(self, why: str) -> None:
        """scx_bpf_error(): give up; the fair class takes over."""
        self.kernel.fail("scx_bpf_error", why)


SHARED_DSQ = 0


class Simple(SchedExt):
    """scx_simple -f: one queue for all, first come, first served."""

    def init(self) -> None:
        """The queue."""
        self.create_dsq(SHARED_DSQ)

    def select_cpu(self, task: Any, prev_cpu: int, wake_flags: int) -> int:
        """An idle CPU runs the task at once."""
        cpu, is_idle = self.select_cpu_dfl(task, prev_cpu, wake_flags)
        if is_idle:
            self.dsq_insert(task, DSQ_LOCAL)
        return cpu

    def enqueue(self, task: Any, enq_flags: int) -> None:
        """At the end."""
        self.dsq_insert(task, SHARED_DSQ, SLICE_DFL, enq_flags)

    def dispatch(self, cpu: int, prev: Any) -> None:
        """The first."""
        self.dsq_move_to_local(SHARED_DSQ)


class SimpleVtime(Simple):
    """scx_simple: one queue for all, in order of what each has had, weighed."""

    vtime_now = 0

    def enqueue(self, task: Any, enq_flags: int) -> None:
        """Who has slept may come back at most one slice behind."""
        vtime = max(task.scx.dsq_vtime, self.vtime_now - SLICE_DFL)
        self.dsq_insert_vtime(task, SHARED_DSQ, SLICE_DFL, vtime, enq_flags)

    def running(self, task: Any) -> None:
        """Time goes on with who runs."""
        self.vtime_now = max(self.vtime_now, task.scx.dsq_vtime)

    def stopping(self, task: Any, runnable: bool) -> None:
        """What was used of the slice counts, less for the heavy."""
        task.scx.dsq_vtime += (SLICE_DFL - task.scx.slice) * 100 // task.scx.weight

    def enable(self, task: Any) -> None:
        """Who comes begins with the others."""
        task.scx.dsq_vtime = self.vtime_now
