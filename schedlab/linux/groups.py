"""Groups: a tree of queues, each a fair scheduler of its own.

A control group has, on each CPU, one *entity* and one queue. The entity stands in the parent's queue
like a task; to choose is to walk down from the root, at each level as among tasks. So ten tasks of
one group share what one task of another has alone.

weight  of a group (`cpu.weight`), 100 is as much as nice 0; of an entity: its part of that, by how much
        of the group's load is on its CPU (`schedlab.linux.shares`); on one CPU all of it
quota   of CPU time (`cpu.max`), see `schedlab.linux.quota`

The flaw: a group's weight is shared by all its tasks, so each new one takes from the others; and a
deep tree costs at every level, at each choice, wake-up and tick.
Upstream: kernel/sched/fair.c of Linux 5.15, 6.1 and 6.12 (`for_each_sched_entity`, `pick_next_task_fair`,
`update_cfs_group`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schedlab.linux.fair import set_load_weight
from schedlab.linux.quota import (
    DEFAULT_PERIOD_NS,
    KEPT_NS,
    MAX_PERIOD_NS,
    MIN_PERIOD_NS,
    MIN_QUOTA_NS,
    Bandwidth,
    Quotas,
)
from schedlab.linux.shares import Shares
from schedlab.linux.weights import NICE_0_LOAD, inverse_of_load

MIN_WEIGHT, DEFAULT_WEIGHT, MAX_WEIGHT = 1, 100, 10_000  # cpu.weight
GROUP_ID = -2  # of the entities, which are no tasks


class GroupError(ValueError):
    """A group that cannot be: what the kernel would refuse with EINVAL, and loops."""


@dataclass(frozen=True)
class Group:
    """A control group. `quota` is ns of CPU time in each `period`, None for no limit (`cpu.max` "max")."""

    name: str
    weight: int = DEFAULT_WEIGHT
    quota: int | None = None
    period: int = DEFAULT_PERIOD_NS
    parent: str | None = None

    def __post_init__(self) -> None:
        if not MIN_WEIGHT <= self.weight <= MAX_WEIGHT:
            raise GroupError(f"{self.name}: cpu.weight is {self.weight}, not in {MIN_WEIGHT}..{MAX_WEIGHT} (ERANGE)")
        if self.quota is not None and self.quota < MIN_QUOTA_NS:
            raise GroupError(f"{self.name}: a quota of {self.quota} ns is less than {MIN_QUOTA_NS} ns (EINVAL)")
        if not MIN_PERIOD_NS <= self.period <= MAX_PERIOD_NS:
            raise GroupError(f"{self.name}: a period of {self.period} ns is not in {MIN_PERIOD_NS}..{MAX_PERIOD_NS}")

    @property
    def shares(self) -> int:
        """`cpu.weight` on the scale of nice values: 100 is as much as nice 0."""
        return (self.weight * NICE_0_LOAD + DEFAULT_WEIGHT // 2) // DEFAULT_WEIGHT


def parents_first(groups: Sequence[Group]) -> list[Group]:
    """In an order in which every parent comes before its children. Raises GroupError."""
    by_name = {group.name: group for group in groups}
    if len(by_name) < len(groups):
        raise GroupError("two groups have the same name")
    ordered: dict[str, Group] = {}
    for group in groups:
        chain = [group]
        while (parent := chain[-1].parent) is not None and parent not in ordered:
            if parent not in by_name:
                raise GroupError(f"{chain[-1].name}: there is no group {parent}")
            if by_name[parent] in chain:
                raise GroupError(f"{group.name}: a loop of groups, through {parent}")
            chain.append(by_name[parent])
        ordered.update((each.name, each) for each in reversed(chain))
    return list(ordered.values())


def entity_class(task: type[Any]) -> type[Any]:
    """What stands for a group in its parent's queue: all that a task of this scheduler is, and a queue."""

    class Entity(task):  # type: ignore[misc]  # the base is only known at run time
        __slots__ = ("queue", "up", "bandwidth", "runtime_remaining", "throttled", "shares")

    return Entity


class Groups(Quotas):
    """What groups add to a fair class: every walk along the levels of the tree. To be mixed into one."""

    queues_of: list[Any]
    balancer: Any
    server: Any

    def __init__(self, *args: Any, groups: Sequence[Group] = (), first_period: int | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.groups = parents_first(groups)
        self.first_period = first_period  # ns: a period begins at this time; None: when a group first needs one

    def attach(self, machine: Any) -> None:
        """An entity and a queue for every group on every CPU."""
        super().attach(machine)  # type: ignore[misc]  # of the fair class
        make = entity_class(self.Task)  # type: ignore[attr-defined]  # of the fair class
        self.entities: dict[str, list[Any]] = {}
        for group in self.groups:
            pool = None if group.quota is None else Bandwidth(group.quota, group.period)
            self.entities[group.name] = [self.entity_of(group, make, pool, cpu) for cpu in machine.cpus]
        self.shares = None
        if self.balancer is not None:
            self.balancer.loads = self.shares = Shares(self)

    def entity_of(self, group: Group, make: type[Any], pool: Bandwidth | None, cpu: Any) -> Any:
        """A group on one CPU."""
        entity = make(GROUP_ID, group.name)
        entity.cpu = cpu
        entity.shares = group.shares
        entity.weight, entity.inverse = group.shares, inverse_of_load(group.shares)
        entity.queue = self.Rq()  # type: ignore[attr-defined]  # of the fair class
        entity.queue.owner = entity
        entity.up = self.entities[group.parent][cpu.id] if group.parent else None
        entity.bandwidth = pool
        entity.runtime_remaining = 0 if pool is None else KEPT_NS
        entity.throttled = False
        return entity

    # -- the tree ---------------------------------------------------------------------------------------

    def root(self, cpu: Any) -> Any:
        """The queue of a CPU in which no group's tasks stand."""
        return self.queues_of[cpu.id]

    def up(self, entity: Any) -> Any:
        """The entity in whose queue this one stands; None for the root's."""
        if entity.id == GROUP_ID:
            return entity.up
        return self.entities[entity.group][entity.cpu.id] if entity.group is not None else None

    def above(self, entity: Any) -> Any:
        """The queue in which it stands."""
        owner = self.up(entity)
        return self.queues_of[entity.cpu.id] if owner is None else owner.queue

    def levels(self, entity: Any) -> Iterator[tuple[Any, Any]]:
        """for_each_sched_entity(): queue and entity, from the task to the root."""
        while entity is not None:
            above = self.up(entity)
            yield (self.queues_of[entity.cpu.id] if above is None else above.queue), entity
            entity = above

    def running(self, cpu: Any) -> list[tuple[Any, Any]]:
        """Queue and running entity, from the root down to the task."""
        chain, queue = [], self.queues_of[cpu.id]
        while queue is not None and queue.curr is not None:
            chain.append((queue, queue.curr))
            queue = queue.curr.queue if queue.curr.id == GROUP_ID else None
        return chain

    def tasks_on(self, cpu: Any) -> int:
        """h_nr_running: tasks of all levels that may run."""
        return int(self.queues_of[cpu.id].h_nr_running)

    def may_pull(self, task: Any, cpu: Any) -> bool:
        """throttled_lb_pair(): not if its group is throttled, here or there."""
        if task.group is None:
            return True
        here, there = self.entities[task.group][task.cpu.id], self.entities[task.group][cpu.id]
        return not self.held_up(here) and not self.held_up(there)

    # -- what is asked of a fair class -------------------------------------------------------------------

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_task_fair(): into its queue, and every entity above that is not queued yet into its own."""
        levels = list(self.levels(task))
        if task.on_rq and getattr(task, "sched_delayed", False):
            return self.requeue_delayed(levels[0][0], task)  # type: ignore[attr-defined]  # of EEVDF
        for number, (queue, entity) in enumerate(levels):
            if entity.on_rq:
                if getattr(entity, "sched_delayed", False):
                    self.requeue_delayed(queue, entity)  # type: ignore[attr-defined]  # of EEVDF
                return self.count(levels[number:], 1)
            if entity is not task:
                self.weigh(queue, entity)
            elif self.balancer is not None:
                self.balancer.enqueued(task, cpu)
            self.enter(queue, cpu, entity, why)
            queue.h_nr_running += 1
            if queue.owner is not None:
                if queue.nr_running == 1:
                    self.check_enqueue_throttle(queue.owner)
                if queue.owner.throttled:
                    return
            why = "wake"

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_task_fair(): out of its queue, and every entity whose queue is empty then."""
        levels = list(self.levels(task))
        if self.goes(*levels[0], cpu, why):
            self.climb_out(levels, cpu, 1)

    def climb_out(self, levels: Sequence[tuple[Any, Any]], cpu: Any, tasks: int) -> None:
        """The first of them has left its queue, with so many tasks: those above follow where nobody is left."""
        for number, (queue, _entity) in enumerate(levels):
            queue.h_nr_running -= tasks
            if queue.owner is not None and queue.owner.throttled:
                return
            above = levels[number + 1 :]
            if queue.nr_running or not above or not self.goes(*above[0], cpu, "sleep"):
                return self.count(above, -tasks)

    def count(self, levels: Sequence[tuple[Any, Any]], tasks: int) -> None:
        """Entities that stay where they are have so many tasks more: their part of the weight may change."""
        for queue, entity in levels:
            self.weigh(queue, entity)
            self.has_changed(queue, entity)
            queue.h_nr_running += tasks
            if queue.owner is not None and queue.owner.throttled:
                return

    def take_down(self, owner: Any) -> None:
        """throttle_cfs_rq(): with all its tasks."""
        levels = list(self.levels(owner))
        self.goes(*levels[0], owner.cpu, "throttle")
        self.climb_out(levels, owner.cpu, owner.queue.h_nr_running)

    def put_up(self, owner: Any) -> None:
        """unthrottle_cfs_rq(): with all its tasks."""
        levels, tasks = list(self.levels(owner)), owner.queue.h_nr_running
        for number, (queue, entity) in enumerate(levels):
            if getattr(entity, "sched_delayed", False):
                self.finish_entity(queue, owner.cpu, entity)  # type: ignore[attr-defined]  # of EEVDF
            if entity.on_rq:
                return self.count(levels[number:], tasks)
            self.weigh(queue, entity)
            self.enter(queue, owner.cpu, entity, "wake")
            queue.h_nr_running += tasks
            if queue.owner is not None and queue.owner.throttled:
                return

    def goes(self, queue: Any, entity: Any, cpu: Any, why: str) -> bool:
        """dequeue_entity(): an empty queue gives back what it has left of its slice. False: it stays for now."""
        if entity.id == GROUP_ID and self.shares is not None:
            self.shares.renew(queue, entity)
        if not self.leave(queue, cpu, entity, why):
            return False
        if queue.owner is not None:
            self.give_back(queue.owner)
        return True

    def weigh(self, queue: Any, entity: Any) -> None:
        """update_load_avg(), update_cfs_group(): a group's entity gets its part of the group's weight."""
        shares = self.shares
        if shares is None:
            return
        if entity.id != GROUP_ID:
            queue.avg.advance(self.machine.now)
            return
        shares.tell(entity.queue)
        shares.renew(queue, entity)
        weight = shares.part_of(entity, entity.shares)
        if weight != entity.weight and not self.held_up(entity):
            self.reweigh_entity(queue, entity, weight)
            entity.weight, entity.inverse = weight, inverse_of_load(weight)
            self.put_weighed(queue, entity)
            queue.avg.reweigh(shares.tasks[entity], weight)

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_fair(): from the root down; who finds nothing looks at the other CPUs."""
        chain = self.way_down(cpu)
        if not chain and self.balancer is not None:
            self.switch(cpu, [])
            if self.balancer.newly_idle(cpu):
                chain = self.way_down(cpu)
        if not chain or chain[-1:] != self.running(cpu)[-1:]:
            self.switch(cpu, chain)
        return chain[-1][1] if chain else None

    def way_down(self, cpu: Any) -> list[tuple[Any, Any]]:
        """Queue and chosen entity at each level; start again if a group is throttled on the way."""
        root = self.queues_of[cpu.id]
        chain: list[tuple[Any, Any]] = []
        queue = root
        while root.nr_running:
            if queue.curr is not None and queue.curr.on_rq:
                self.charge_queue(queue, cpu)
            if queue.owner is not None and self.out_of_runtime(queue.owner):
                chain, queue = [], root
                continue
            entity = self.choose(queue)
            if getattr(entity, "sched_delayed", False):
                self.finish_climbing(queue, cpu, entity)
                chain, queue = [], root
                continue
            chain.append((queue, entity))
            if entity.id != GROUP_ID:
                break
            queue = entity.queue
        return chain

    def switch(self, cpu: Any, chain: list[tuple[Any, Any]]) -> None:
        """Put back what ran and set what will run, on all levels on which they differ."""
        before = self.running(cpu)
        same = 0
        while same < min(len(before), len(chain)) and before[same] == chain[same]:
            same += 1
        for queue, entity in reversed(before[same:]):
            self.put_back(queue, cpu, entity)
        for queue, entity in chain[same:]:
            self.set_next_entity(queue, entity)  # type: ignore[attr-defined]  # of the fair class
        if chain:
            if self.balancer is not None:
                self.balancer.seen(chain[-1][1], cpu)
            self.picked(cpu, chain[-1][1])

    def picked(self, cpu: Any, task: Any) -> None:
        """`task` is newly set."""

    def put_back(self, queue: Any, cpu: Any, entity: Any) -> None:
        """put_prev_entity(), and a look at the runtime that is left."""
        if entity.on_rq:
            self.charge_queue(queue, cpu)
        if queue.owner is not None:
            self.out_of_runtime(queue.owner)
        self.put_prev_entity(queue)  # type: ignore[attr-defined]  # of the fair class

    def fork(self, child: Any, parent: Any) -> None:
        """A child is born into its parent's group."""
        child.group = parent.group
        self.fork_in(self.above(parent), child, parent)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): off the queues, the new weight, back; a running task is set again on every level."""
        old, queued = task.nice, task.on_rq
        running = bool(queued and self.running(cpu)[-1:] == [next(self.levels(task))])
        if queued:
            self.dequeue(task, cpu, "renice")
            if running:
                self.switch(cpu, [])
        self.reweigh(task, nice)
        if queued:
            self.enqueue(task, cpu, "renice")
            chain = list(self.levels(task))[::-1]
            if running and all(entity.on_rq for _queue, entity in chain):
                self.switch(cpu, chain)
            elif running:  # its group is throttled, and it is about to go
                self.machine.resched(cpu)
            self.priority_changed(task, cpu, self.above(task), old)  # type: ignore[attr-defined]  # of both

    def rq_of(self, task: Any) -> Any:
        """The queue of its group."""
        return self.above(task)

    def affinity(self, task: Any) -> None:
        """A delayed task leaves now, and with it the groups that are empty then."""
        if getattr(task, "sched_delayed", False):
            self.finish_climbing(self.above(task), task.cpu, task)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU."""
        self.switch(cpu, [])

    def tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_fair(): every level."""
        if curr is cpu.idle:
            return
        for queue, entity in list(self.levels(curr)):
            self.charge_queue(queue, cpu)
            self.weigh(queue, entity)
            self.check_tick(queue, cpu, entity)
        if self.balancer is not None:
            self.balancer.tick(cpu)

    def preempts(self, cpu: Any, woken: Any) -> bool:
        """find_matching_se(): the two are compared in the queue in which both, or their groups, stand."""
        if cpu.curr is cpu.idle:
            return True
        if cpu.need_resched or any(entity.id == GROUP_ID and entity.throttled for _, entity in self.levels(woken)):
            return False
        here = {id(queue): entity for queue, entity in self.levels(cpu.curr)}
        for queue, entity in self.levels(woken):
            curr = here.get(id(queue))
            if curr is not None:
                return bool(curr is not entity and self.compare(queue, cpu, curr, entity))
        return False

    # -- in what the fair classes differ ------------------------------------------------------------------

    def enter(self, queue: Any, cpu: Any, entity: Any, why: str) -> None:
        """enqueue_entity()."""
        raise NotImplementedError

    def leave(self, queue: Any, cpu: Any, entity: Any, why: str) -> bool:
        """dequeue_entity(). False: it stays for now."""
        raise NotImplementedError

    def choose(self, queue: Any) -> Any:
        """pick_next_entity()."""
        raise NotImplementedError

    def charge_queue(self, queue: Any, cpu: Any) -> None:
        """update_curr()."""
        raise NotImplementedError

    def check_tick(self, queue: Any, cpu: Any, entity: Any) -> None:
        """What a tick looks at besides."""

    def compare(self, queue: Any, cpu: Any, curr: Any, woken: Any) -> bool:
        """check_preempt_wakeup(), for two of one queue."""
        raise NotImplementedError

    def finish_climbing(self, queue: Any, cpu: Any, entity: Any) -> None:
        """The delayed dequeue of an entity is carried out, and that of those above it."""
        raise NotImplementedError

    def fork_in(self, queue: Any, child: Any, parent: Any) -> None:
        """task_fork_fair(), in the queue of parent and child."""
        raise NotImplementedError

    def reweigh_entity(self, queue: Any, entity: Any, weight: int) -> None:
        """reweight_entity(), before the entity has its new weight: out of the queue's sums."""
        raise NotImplementedError

    def put_weighed(self, queue: Any, entity: Any) -> None:
        """The same, after: back into the sums."""
        raise NotImplementedError

    def has_changed(self, queue: Any, entity: Any) -> None:
        """Something has come to or gone from the queue of an entity that stays where it is."""

    def reweigh(self, task: Any, nice: int) -> None:
        """reweight_task(), of one that is not queued."""
        task.nice = nice
        set_load_weight(task, nice)

    def born(self, task: Any) -> bool:
        """Its group must exist."""
        if task.group is not None and task.group not in self.entities:
            raise GroupError(f"{task.name}: there is no group {task.group}")
        return bool(super().born(task))  # type: ignore[misc]  # of the fair class

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The root's tree of every CPU, and every group's; entities of groups stand among the tasks."""
        many = len(self.queues_of) > 1
        for number, root in enumerate(self.queues_of):
            yield f"tree {number}" if many else "tree", [each for each in root.tree if each.id != GROUP_ID]
        for name, entities in self.entities.items():
            for entity in entities:
                where = f"{name} on CPU {entity.cpu.id}" if many else f"tree of {name}"
                yield where, [each for each in entity.queue.tree if each.id != GROUP_ID]

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Those of the last queue on the way down."""
        running = self.running(cpu)
        queue = running[-1][0] if running else self.queues_of[cpu.id]
        return [args for args in self.candidates_in(queue) if args[0].id != GROUP_ID]

    def candidates_in(self, queue: Any) -> Iterable[tuple[Any, ...]]:
        """Everybody of one queue."""
        running = [queue.curr] if queue.curr is not None and queue.curr.on_rq else []
        return [(each,) for each in [*running, *queue.tree]]
