"""The scheduling classes: a list, walked in order.

Every task belongs to one class. To choose, the kernel asks each class from the top; the first that
has something to run decides, and the classes below do not matter. A task that wakes up in a better
class always interrupts; inside a class the class decides.

stop > deadline > rt > fair > ext > idle

The flaw: the list is absolute. One loop in a high class starves all below, so each class needs a
fence of its own: deadline its admission, rt its throttling, and since 6.12 the fair server.
Upstream: kernel/sched/core.c (`__pick_next_task`, `wakeup_preempt`) of Linux 5.15 and 6.12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import signature
from typing import Any, ClassVar

from schedlab.linux.cfs import CFS
from schedlab.linux.deadline import Deadline
from schedlab.linux.eevdf import EEVDF
from schedlab.linux.eevdf_later import EEVDF_7_2
from schedlab.linux.ext import PUT_OUT, Ext
from schedlab.linux.fair_server import DeadlineWithServer, Server
from schedlab.linux.grouped import GroupedCFS, GroupedEEVDF, GroupedEEVDF_7_2
from schedlab.linux.groups import Group, GroupError
from schedlab.linux.kinds import GONE, READY, RUNNING, ZOMBIE
from schedlab.linux.policy import Policy
from schedlab.linux.rt import RealTime
from schedlab.linux.scx import SchedExt
from schedlab.linux.stop import Stop
from schedlab.linux.task import CLASSES, SCHED_BATCH, SCHED_DEADLINE, SCHED_EXT, SCHED_IDLE, SCHED_NORMAL, SCHED_STOP
from schedlab.trace import Ranking

GROUPED: dict[type[Policy], type[Policy]] = {CFS: GroupedCFS, EEVDF: GroupedEEVDF, EEVDF_7_2: GroupedEEVDF_7_2}


class ClassStack(Policy):
    """Several policies as one: the first that has a task decides. The last one is the fair class."""

    def __init__(self, classes: Sequence[Policy]) -> None:
        if not classes:
            raise ValueError("classes: at least one class")
        self.stack = tuple(classes)
        self.stop = next((cls for cls in self.stack if isinstance(cls, Stop)), None)
        self.ext = next((cls for cls in self.stack if isinstance(cls, Ext)), None)
        self.fair: Any = [cls for cls in self.stack if cls is not self.ext][-1]
        self.deciding: Policy = self.fair  # the class whose candidates were asked for last
        self.rank_policies()

    def rank_policies(self) -> None:
        """Which class has which tasks. A loaded scheduler of sched_ext has the fair class's, unless it wants less."""
        self.rank = {CLASSES[name]: i for i, cls in reversed(list(enumerate(self.stack))) for name in cls.classes}
        if self.stop is not None:
            self.rank[SCHED_STOP] = self.stack.index(self.stop)
        if self.ext is None:
            return
        theirs = self.stack.index(self.ext) if self.ext.loaded else self.stack.index(self.fair)
        self.rank[SCHED_EXT] = theirs
        if not self.ext.ops.switch_partial:
            self.rank |= dict.fromkeys((SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE), theirs)

    def parts(self) -> Iterable[Policy]:
        """The classes, highest first."""
        return self.stack

    def part_of(self, task: Any) -> Policy:
        """The class of a task."""
        return self.stack[self.rank[task.policy]]

    def use_groups(self, groups: Sequence[Group]) -> None:
        """The fair class gets control groups; to be called before it meets a machine."""
        fair: Any = self.fair
        grouped: Any = GROUPED.get(type(fair))
        if grouped is None:
            raise GroupError(f"{type(fair).__name__} has no control groups")
        settings = {key: value for key, value in vars(fair).items() if key in signature(type(fair)).parameters}
        self.fair = grouped(groups=groups, **settings)
        self.stack = tuple(self.fair if cls is fair else cls for cls in self.stack)
        self.deciding = self.fair

    def attach(self, machine: Any) -> None:
        """All classes meet the machine."""
        self.machine = machine
        self.balancer: Any = None
        for cls in self.stack:
            cls.attach(machine)
            if isinstance(cls, DeadlineWithServer):
                self.serving = cls
                self.fair.server = cls
        self.balancer = getattr(self.fair, "balancer", None)
        if self.balancer is not None:
            self.balancer.above = self.above

    def above(self, cpu: Any) -> int:
        """How many tasks of the classes above the fair one a CPU has to run."""
        waiting = sum(cls.queues_of[cpu.id].nr_running for cls in self.stack if isinstance(cls, RealTime))
        return waiting + (cpu.curr.policy == SCHED_DEADLINE)

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """Its class's."""
        self.part_of(task).enqueue(task, cpu, why)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """Its class's."""
        self.part_of(task).dequeue(task, cpu, why)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """__pick_next_task(): ask each class in order; a task that loses the CPU to another class is set down."""
        for cls in self.stack:
            chosen = cls.pick(cpu, prev)
            while isinstance(chosen, Server):
                chosen = self.served(chosen, cpu, prev)
            if chosen is not None:
                break
        else:
            return None
        if prev is not cpu.idle and self.part_of(prev) is not self.part_of(chosen):
            self.part_of(prev).set_down(cpu, prev)
        return chosen

    def served(self, server: Server, cpu: Any, prev: Any) -> Any:
        """Whom a fair server runs: a fair task; if there is none, what the deadline class has next."""
        chosen = self.fair.pick(cpu, prev)
        if chosen is not None:
            return chosen
        self.serving.stop_server(server)
        return self.serving.pick(cpu, prev)

    def tick(self, cpu: Any, curr: Any) -> None:
        """The running task's class."""
        if curr is not cpu.idle:
            self.part_of(curr).tick(cpu, curr)
            if self.balancer is not None and self.part_of(curr) is not self.fair:
                self.balancer.tick(cpu)  # whatever runs, the fair class looks around

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """A better class always; the same class decides; a worse one never."""
        if cpu.curr is cpu.idle:
            return True
        mine, theirs = self.rank[woken.policy], self.rank[cpu.curr.policy]
        return mine < theirs or (mine == theirs and self.stack[mine].preempts(cpu, woken))

    def born(self, task: Any) -> bool:
        """Its class's."""
        return self.part_of(task).born(task)

    def fork(self, child: Any, parent: Any) -> None:
        """Its class's."""
        self.part_of(child).fork(child, parent)

    def select_cpu(self, task: Any, why: str) -> Any:
        """Its class's."""
        return self.part_of(task).select_cpu(task, why)

    def execs(self, task: Any) -> Any:
        """Its class's."""
        return self.part_of(task).execs(task)

    def send_away(self, task: Any, cpu: Any) -> bool:
        """The stop class sees to it."""
        return self.stop is not None and self.stop.send_away(task, cpu)

    def put_prev(self, cpu: Any, prev: Any) -> None:
        """Its class's."""
        self.part_of(prev).put_prev(cpu, prev)

    def yields(self, cpu: Any, curr: Any) -> None:
        """Its class's."""
        self.part_of(curr).yields(cpu, curr)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """Its class's."""
        self.part_of(task).renice(task, cpu, nice)

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """__sched_setscheduler(): off the queue of the old class, onto that of the new. Raises Refused."""
        old, new = self.part_of(task), self.stack[self.rank[policy]]
        if old is new:
            return old.setscheduler(task, cpu, policy, rt_priority)
        if isinstance(new, Deadline):
            new.born(task)
        queued, running = task.state in (READY, RUNNING), cpu.curr is task
        if queued:
            old.dequeue(task, cpu, "setscheduler")
            if running:
                old.set_down(cpu, task)
        old.switched_from(task)
        task.policy, task.rt_priority = policy, rt_priority
        new.switched_to(task)
        if queued:
            new.enqueue(task, cpu, "setscheduler")
            if running or self.preempts(cpu, task) or (len(self.machine.cpus) > 1 and new is not self.fair):
                self.machine.resched(cpu)

    def affinity(self, task: Any) -> None:
        """Its class's."""
        self.part_of(task).affinity(task)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """Its class's."""
        self.part_of(prev).set_down(cpu, prev)

    def exit(self, task: Any) -> None:
        """Its class's."""
        self.part_of(task).exit(task)

    def release(self, task: Any) -> None:
        """Its class's."""
        self.part_of(task).release(task)

    def timer(self, cpu: Any, name: Any) -> None:
        """Every class knows its own timers."""
        for cls in self.stack:
            cls.timer(cpu, name)
        if name == PUT_OUT:
            self.put_out()

    def put_out(self) -> None:
        """scx_ops_disable_workfn(): all tasks of the loaded scheduler go over to the fair class."""
        assert self.ext is not None
        tasks = [
            task for task in self.machine.tasks.values() if task.scx is not None and task.state not in (ZOMBIE, GONE)
        ]
        self.ext.loaded = False
        self.rank_policies()
        for task in tasks:
            queued = task.state in (READY, RUNNING)
            if queued:
                self.ext.dequeue(task, task.cpu, "setscheduler")
            self.ext.switched_from(task)
            self.fair.switched_to(task)
            if queued:
                self.fair.enqueue(task, task.cpu, "setscheduler")
                self.machine.resched(task.cpu)

    @property
    def ranking(self) -> Ranking:  # type: ignore[override]  # that of the class that would decide now
        """How the class that has candidates compares them."""
        return self.deciding.ranking

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Those of the first class that has any."""
        for cls in self.stack:
            found = list(cls.candidates(cpu, prev))
            if found and isinstance(found[0][0], Server):
                cls = self.fair
                found = list(cls.candidates(cpu, prev))
            if found:
                self.deciding = cls
                return [args for args in found if not isinstance(args[0], Server)]
        return []

    def tree_of(self, cpu: Any) -> list[tuple[Any, Any, bool, int, int]] | None:
        """That of the fair class."""
        return self.fair.tree_of(cpu)

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The queues of every class."""
        for cls in self.stack:
            yield from cls.queues()


class Linux_5_15(ClassStack):
    """stop > deadline > rt (throttled at 95 %) > CFS."""

    name = "Linux 5.15"
    Task = CFS.Task
    watched = CFS.watched
    classes = (*Deadline.classes, *RealTime.classes, *CFS.classes)
    default_hz = CFS.default_hz

    def __init__(self, latency: int | str | None = None) -> None:
        super().__init__([Stop(), Deadline(), RealTime(), CFS(latency)])


class Linux_6_1(Linux_5_15):
    """Linux 6.1: its classes decide as those of 5.15."""

    name = "Linux 6.1"


class Linux_6_12(ClassStack):
    """stop > deadline, with the fair servers > rt (not throttled) > EEVDF."""

    name = "Linux 6.12"
    chosen_slices = True
    Task = EEVDF.Task
    watched = EEVDF.watched
    classes = (*Deadline.classes, *RealTime.classes, *EEVDF.classes)
    default_hz = EEVDF.default_hz

    def __init__(self, base_slice: int | str | None = None) -> None:
        super().__init__([Stop(), DeadlineWithServer(), RealTime(runtime=None), EEVDF(base_slice)])


class WithExt(ClassStack):
    """Linux 6.12 into which a scheduler for sched_ext has been loaded: stop > deadline > rt > fair > ext."""

    ops_class: ClassVar[type[SchedExt]] = SchedExt
    chosen_slices = True
    Task = EEVDF.Task
    watched = EEVDF.watched
    classes = (*Linux_6_12.classes, *Ext.classes)
    default_hz = EEVDF.default_hz

    def __init__(self, **options: Any) -> None:
        self.ops = self.ops_class(**options)
        super().__init__([Stop(), DeadlineWithServer(), RealTime(runtime=None), EEVDF(), Ext(self.ops)])


_KERNELS: dict[type[SchedExt], type[WithExt]] = {}


def kernel_with(ops_class: type[SchedExt]) -> type[WithExt]:
    """Linux 6.12 with this scheduler; its options are those of the scheduler."""
    if ops_class not in _KERNELS:
        name = f"sched_ext {ops_class.__name__}"
        said = f"Linux 6.12 with sched_ext. {(ops_class.__doc__ or '').strip()}"
        held = {"name": name, "ops_class": ops_class, "__signature__": signature(ops_class), "__doc__": said}
        _KERNELS[ops_class] = type(name, (WithExt,), held)
    return _KERNELS[ops_class]


class Linux_7_2(ClassStack):
    """stop > deadline, with the fair servers > rt (not throttled) > EEVDF of 7.2, whose slices a timer ends."""

    name = "Linux 7.2"
    chosen_slices = True
    Task = EEVDF.Task
    watched = EEVDF.watched
    classes = (*Deadline.classes, *RealTime.classes, *EEVDF.classes)
    default_hz = EEVDF.default_hz

    def __init__(self, base_slice: int | str | None = None, hrtick: bool = True) -> None:
        super().__init__([Stop(), DeadlineWithServer(), RealTime(runtime=None), EEVDF_7_2(base_slice, hrtick)])
