"""What a toy scheduler is asked: three questions and one number.

enqueue   a task has become ready: where does it wait?
pick      a CPU is free: who runs next?
quantum   how long may a task keep the CPU before the scheduler takes it back? None: as long as it likes

A scheduler of your own can be as short as this:

    class ShortestFirst(Scheduler):
        def pick(self, cpu, prev):
            if not self.ready:
                return None
            shortest = min(self.ready, key=lambda task: task.remaining)
            self.ready.remove(shortest)
            return shortest

    Scenario(ShortestFirst, tasks=[...]).run()
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from schedlab.trace import Ranking, judgement

if TYPE_CHECKING:
    from collections.abc import Sequence


class MachineView(Protocol):
    """What a scheduler sees of the machine."""

    tasks: dict[int, Any]

    @property
    def now(self) -> int: ...  # ns
    @property
    def cpus(self) -> Sequence[Any]: ...

    def shuffled(self, stream: str, items: list[Any]) -> list[Any]: ...
    def ask(self, cpu: Any, other: Any, busy: int) -> None: ...
    def share(self, task: Any, cpu: Any, other: Any) -> None: ...
    def steal(self, cpu: Any, victim: Any, tasks: list[Any]) -> None: ...
    def miss(self, cpu: Any, victim: Any) -> None: ...


class Scheduler:
    """One line of ready tasks for all CPUs; subclasses say who is taken out of it.

    `why` is "new", "wake", "yield" or "preempt". `prev` is the task that has just left the CPU, None if it was idle.
    """

    name: ClassVar[str] = "scheduler"
    ranking: ClassVar[Ranking] = Ranking(by="place", best="lowest")
    watched: ClassVar[tuple[str, ...]] = ()  # fields of a task that an explained run follows
    quantum: Any = None  # ns once the machine is ready; a class may also say "10ms"

    machine: MachineView
    ready: deque[Any]

    def attach(self, machine: MachineView) -> None:
        """The machine is ready; `machine.cpus` exist."""
        self.machine = machine
        self.ready = deque()

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """`task` is ready; it last ran on `cpu`, or arrives there."""
        self.ready.append(task)

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """`task` is taken away from outside while it waits."""
        self.ready.remove(task)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """Who runs next on `cpu`: a task, taken out of its queue, or None for nobody."""
        raise NotImplementedError

    # asked only where a scheduler wants to be asked

    def tune(self) -> None:
        """An option has changed while the machine runs: work out what follows from the options."""

    def slice(self, cpu: Any, task: Any) -> int | None:
        """How long (ns) `task` may keep `cpu` this time; None for as long as it likes."""
        return self.quantum

    def preempts(self, cpu: Any, task: Any) -> bool:
        """`task` has become ready while no CPU is idle: should `cpu` choose again now?"""
        return False

    # for the picture and the reasons: pure, never asked in an ordinary run

    @judgement
    def place(self, task: Any) -> int:
        """How many stand before `task` in the line."""
        return self.ready.index(task)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Who could run on `cpu` now, in the order that decides ties: `(task, *arguments of the judgements)`."""
        return [(task,) for task in self.ready]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The places where ready tasks wait, each with its tasks in order."""
        return [("run queue", list(self.ready))]
