"""What a Linux scheduler is asked.

The hooks stand in the same order in every generation's file, so that a diff of two files reads
as history. Five must be answered; the others are asked only where the kernel of that time asked,
and the default is what "not asked" meant. A policy never plans a call and never moves a CPU: it
sets `machine.resched(cpu)`, as the kernel sets need_resched, and the machine does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from schedlab.linux.task import Task
from schedlab.linux.topology import Topology
from schedlab.trace import Ranking as Ranking  # a policy imports its questions and its ranking from here

if TYPE_CHECKING:
    from collections.abc import Sequence


class CPU(Protocol):
    """What a policy sees of a CPU."""

    id: int
    curr: Any
    idle: Any
    need_resched: bool


class MachineView(Protocol):
    """What a policy sees of the machine.

    `now` is in ns, `jiffies` counts ticks, `hz` per second, and the last was at `last_tick` (ns). `cache_ns` is what a
    move costs a task. `waker` is who wakes or forks another task just now, None where an interrupt does.
    """

    jiffies: int
    last_tick: int
    hz: int
    idle_cpus: int
    tasks: dict[int, Any]
    topology: Topology
    cache_ns: int
    waker: Any

    @property
    def now(self) -> int: ...
    @property
    def cpus(self) -> Sequence[Any]: ...
    def resched(self, cpu: Any) -> None: ...
    def signal(self, task: Any) -> None: ...
    def migrate(self, task: Any, cpu: Any) -> None: ...
    def timer(self, cpu: Any, when: int, name: Any) -> None: ...
    def tell(self, line: str) -> None: ...
    def group_stops(self, group: str, cpu: Any, owes: int) -> None: ...
    def group_goes_on(self, group: str, cpu: Any) -> None: ...
    def thread(self, name: str, behaviour: Iterable[Any], cpu: Any, policy: int) -> Any: ...
    def wake_now(self, task: Any) -> None: ...


class Policy:
    """A scheduler of one generation.

    `why` is "wake", "new", "fork", "signal" or "migrate" for who comes, "sleep", "exit" or "migrate" for who goes, and
    "renice" or "setscheduler" for who does both at once. select_cpu is asked with "preempted" too.
    """

    name: ClassVar[str] = "policy"
    Task: ClassVar[type[Task]] = Task
    ranking: ClassVar[Ranking] = Ranking()
    watched: ClassVar[tuple[str, ...]] = ()  # fields of a task that an explained run follows
    classes: ClassVar[tuple[str, ...]] = ("normal", "fifo", "rr")  # of tasks, that this scheduler knows
    most_cpus: ClassVar[int | None] = None  # CPUs that it can serve, None for any number
    most_tasks: ClassVar[int | None] = None  # tasks that it has room for, None for any number
    default_hz: ClassVar[int] = 100  # ticks per second, unless the scenario says otherwise
    least_hz: ClassVar[int] = 1  # with fewer ticks per second a constant of this scheduler would be 0

    # where the order of steps itself differed
    wakes_before_tick: ClassVar[bool] = False  # at one instant, are sleepers woken before the tick is served?
    tick_calls_schedule: ClassVar[bool] = False  # does the tick switch at once, not on the way out of the interrupt?
    idle_polls: ClassVar[bool] = False  # does the idle task call schedule() all the time?
    looks_for_alarms: ClassVar[bool] = False  # does schedule() itself find the alarms that are over?

    machine: MachineView

    def __init_subclass__(cls, **options: Any) -> None:
        """A policy that says no name of its own goes by that of its class."""
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """`task` becomes runnable on `cpu`."""
        raise NotImplementedError

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """`task` is no longer runnable."""
        raise NotImplementedError

    def pick(self, cpu: Any, prev: Any) -> Any:
        """Who runs next on `cpu`: a runnable task, or None for idle. `prev` ran until now."""
        raise NotImplementedError

    def tick(self, cpu: Any, curr: Any) -> None:
        """The timer interrupt finds `curr` running."""
        raise NotImplementedError

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """Should `woken` make `cpu` choose again?"""
        raise NotImplementedError

    # asked only where the kernel of that time asked

    def attach(self, machine: MachineView) -> None:
        """The machine is ready; `machine.cpus` exist."""
        self.machine = machine

    def tune(self) -> None:
        """An option has changed, or the machine is ready: work out what follows from the options."""

    def born(self, task: Any) -> bool:
        """A task is created. False refuses it (EAGAIN)."""
        return True

    def fork(self, child: Any, parent: Any) -> None:
        """`parent` forks `child`: who inherits what."""

    def charge(self, cpu: Any, curr: Any, ran_ns: int) -> None:
        """`curr` has had `ran_ns` more of `cpu`; told before every hook that could look at it."""

    def select_cpu(self, task: Any, why: str) -> Any:
        """On which CPU's queue a waking or new task goes."""
        return task.last_cpu or self.machine.cpus[0]

    def execs(self, task: Any) -> Any:
        """On which CPU the running `task` is to start its new program."""
        return task.cpu

    def send_away(self, task: Any, cpu: Any) -> bool:
        """`task`, which runs, is to go to `cpu`. True: a thread of the kernel sees to it."""
        return False

    def put_prev(self, cpu: Any, prev: Any) -> None:
        """`prev` has been replaced on `cpu` and is still runnable."""

    def balance(self, cpu: Any) -> None:
        """`cpu` is about to go idle."""

    def yields(self, cpu: Any, curr: Any) -> None:
        """`curr` calls sched_yield."""
        self.machine.resched(cpu)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """The nice value of `task` becomes `nice`; the policy sets `task.nice` when it is ready for it."""
        task.nice = nice

    def setscheduler(self, task: Any, cpu: Any, policy: int, rt_priority: int) -> None:
        """`task` gets another class (SCHED_NORMAL, SCHED_FIFO, ...) and real-time priority."""
        task.policy, task.rt_priority = policy, rt_priority

    def affinity(self, task: Any) -> None:
        """The CPUs that `task` may use are about to change."""

    def system_return(self, cpu: Any, curr: Any) -> None:
        """`curr` returns from a system call."""

    def exit(self, task: Any) -> None:
        """`task` has exited and left its queue; its parent is told."""

    def timer(self, cpu: Any, name: Any) -> None:
        """The moment that was asked for by `machine.timer(cpu, when, name)` has come."""

    def set_down(self, cpu: Any, prev: Any) -> None:
        """`prev` loses the CPU to a task of another class."""

    def switched_from(self, task: Any) -> None:
        """`task`, which is queued no more, goes over to another class."""

    def switched_to(self, task: Any) -> None:
        """`task`, which is not queued yet, has come from another class."""

    def release(self, task: Any) -> None:
        """The last trace of a dead task is removed."""

    def parts(self) -> Iterable[Policy]:
        """The policies that this one is made of: itself, unless it is a list of classes."""
        return (self,)

    def part_of(self, task: Any) -> Policy:
        """The part that decides about `task`."""
        return self

    # for the picture and the reasons: pure, never asked in an ordinary run

    def lock(self, cpu: Any) -> str:
        """Which lock a pick on `cpu` takes: the name of a CPU's own queue, unless all share one."""
        return f"cpu{cpu.id}"

    def looks_at(self, cpu: Any) -> int:
        """How many tasks (or slots) one pick on `cpu` has to look at."""
        return 1

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Who could run on `cpu` now, as `(task, *arguments of the judgements)`, in the order in which ties fall."""
        return ()

    def tree_of(self, cpu: Any) -> list[tuple[Any, Any, bool, int, int]] | None:
        """The tree in which tasks wait for `cpu`, as `RBTree.drawn()` gives it; None where there is none."""
        return None

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The places where runnable tasks wait, each with its tasks in order."""
        return ()
