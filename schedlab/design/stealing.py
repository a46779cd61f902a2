"""Work stealing: a CPU that has run out of work takes some from another.

Its victims are the others in an order drawn at random; from the first one with waiting tasks it
takes the older half, or just one. As long as all CPUs have work, nothing is sent and nothing is
spent: that is why Linux and Go steal.

The flaw: a thief looks into queues that turn out to be empty, and stolen tasks leave a warm
cache behind.

A rule of your own is one method:

    class Neighbours(Stealing):
        def order(self, cpu):                  whom to try, one after the other
            return [self.machine.cpus[cpu.id - 1]]

        def take(self, cpu, victim, waiting):  how many of the victim's waiting tasks to take
            return 1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from schedlab.design.own_queues import OwnQueues
from schedlab.design.scheduler import MachineView
from schedlab.scenario import whole
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

    def order(self, cpu: Any) -> Iterable[Any]:
        """Whom `cpu` tries, one after the other, when it has run out of work. Pure: pictures ask it, too."""
        return self.victims[cpu.id]

    def take(self, cpu: Any, victim: Any, waiting: int) -> int:
        """How many of so many tasks that wait at `victim` the thief `cpu` takes: 1 or more."""
        return (waiting + 1) // 2 if self.amount == "half" else 1

    def steal(self, cpu: Any) -> None:
        """Take from the first victim that has waiting tasks, oldest first. Raises ValueError for an impossible rule."""
        for victim in self.order(cpu):
            if victim not in self.machine.cpus or victim is cpu:
                raise ValueError(f"{self.name}.order must name other CPUs, not {victim!r}: {cpu} is the thief")
            waiting = self.queue[victim.id]
            if waiting:
                many = whole(self.take(cpu, victim, len(waiting)), f"{self.name}.take", 1, len(waiting))
                loot = [waiting.popleft() for _ in range(many)]
                self.machine.steal(cpu, victim, loot)
                self.queue[cpu.id].extend(loot)
                break
            self.machine.miss(cpu, victim)
        self.draw_victims(cpu)

    def line(self, cpu: Any) -> Iterator[Any]:
        """The tasks in the order in which `cpu` would come to them: its own, then its victims'."""
        for owner in (cpu, *self.order(cpu)):
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
