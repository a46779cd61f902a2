"""Work stealing: a CPU that has run out of work takes some from another.

Its victims are the others in an order drawn at random; from the first one with waiting tasks it
takes the older half, or just one. As long as all CPUs have work, nothing is sent and nothing is
spent: that is why Linux and Go steal.

The flaw: a thief looks into queues that turn out to be empty, and stolen tasks leave a warm
cache behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from schedlab.design.own_queues import OwnQueues
from schedlab.design.scheduler import MachineView
from schedlab.trace import Ranking, judgement

AMOUNTS = ("half", "one")


class Stealing(OwnQueues):
    """Own queues, and idle CPUs that steal. `amount` is how much a thief takes: "half" (rounded up) or "one"."""

    name = "stealing"
    ranking = Ranking(by="turn", best="lowest")

    def __init__(self, amount: str = "half", quantum: int | str | None = None) -> None:
        super().__init__(quantum)
        if amount not in AMOUNTS:
            raise ValueError(f"amount: 'half' or 'one', not {amount!r}")
        self.amount = amount

    def attach(self, machine: MachineView) -> None:
        """Each CPU's next order of victims is drawn before it is needed, so that it can be looked at."""
        super().attach(machine)
        self.victims: list[list[Any]] = [[] for _cpu in machine.cpus]
        for cpu in machine.cpus:
            self.draw_victims(cpu)

    def draw_victims(self, cpu: Any) -> None:
        """The others, in a new random order."""
        others = [other for other in self.machine.cpus if other is not cpu]
        self.victims[cpu.id] = self.machine.shuffled(f"victims of {cpu.name}", others)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """The first of the own queue; when it is empty, steal."""
        queue = self.queue[cpu.id]
        if not queue:
            self.steal(cpu)
        return queue.popleft() if queue else None

    def steal(self, cpu: Any) -> None:
        """Take from the first victim that has waiting tasks, oldest first."""
        for victim in self.victims[cpu.id]:
            waiting = self.queue[victim.id]
            if waiting:
                many = (len(waiting) + 1) // 2 if self.amount == "half" else 1
                loot = [waiting.popleft() for _ in range(many)]
                self.machine.steal(cpu, victim, loot)
                self.queue[cpu.id].extend(loot)
                break
            self.machine.miss(cpu, victim)
        self.draw_victims(cpu)

    def line(self, cpu: Any) -> Iterator[Any]:
        """The tasks in the order in which `cpu` would come to them: its own, then its victims'."""
        for owner in (cpu, *self.victims[cpu.id]):
            yield from self.queue[owner.id]

    @judgement
    def turn(self, task: Any, cpu: Any) -> int:
        """How many tasks `cpu` would come to before `task`."""
        return list(self.line(cpu)).index(task)

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The own queue; when it is empty, what waits at the others."""
        if self.queue[cpu.id]:
            return [(task, cpu) for task in self.queue[cpu.id]]
        return [(task, cpu) for task in self.line(cpu)]
