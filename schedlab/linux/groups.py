"""Groups: a tree of queues, each a fair scheduler of its own, and quotas of CPU time.

A control group has, on its CPU, one *entity* and one queue. The entity stands in the parent's queue
like a task, with the group's weight (`cpu.weight`); to choose is to walk down from the root, at each
level as among tasks. So ten tasks of one group share what one task of another has alone.

`cpu.max` is a quota of CPU time in each period. It lies in a pool of which a queue takes slices of
5 ms; when the pool is empty and the queue has used its slice up, it is *throttled*: its entity
leaves the parent's queue until the period's timer fills the pool. What was used too much is paid back.

runtime            ns left in the pool
runtime_remaining  ns left of the queue's slice; negative when it was overrun

The flaw: all of a quota can be used up at the period's beginning, so a group with 20 ms in 100 may
stand still for 80 ms at a time.
Upstream: kernel/sched/fair.c of Linux 5.15, 6.1 and 6.12 (`for_each_sched_entity`, `*_cfs_bandwidth*`). On one CPU a
group's entity has the whole of the group's weight (`calc_group_shares`), so no load averages are needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schedlab.linux.cfs import CFS, CfsRq
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6, EevdfRq, truncated
from schedlab.linux.eevdf_later import EEVDF_7_2, EEVDF_6_12_Stable
from schedlab.linux.fair import set_load_weight
from schedlab.linux.weights import NICE_0_LOAD, calc_delta, inverse_of_load

MIN_WEIGHT, DEFAULT_WEIGHT, MAX_WEIGHT = 1, 100, 10_000  # cpu.weight
MIN_QUOTA_NS = 1_000_000
MIN_PERIOD_NS, DEFAULT_PERIOD_NS, MAX_PERIOD_NS = 1_000_000, 100_000_000, 1_000_000_000
BANDWIDTH_SLICE_NS = 5_000_000  # sched_cfs_bandwidth_slice
KEPT_NS = 1_000_000  # min_cfs_rq_runtime: what an empty queue keeps of its slice
PERIOD_TIMER = "cpu.max period"
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


class Bandwidth:
    """The pool of a group with a quota, and its queues that wait for it."""

    def __init__(self, quota: int, period: int) -> None:
        self.quota = quota
        self.period = period
        self.runtime = quota
        self.idle = True
        self.timer_on = False
        self.throttled: list[Any] = []


def entity_class(task: type[Any]) -> type[Any]:
    """What stands for a group in its parent's queue: all that a task of this scheduler is, and a queue."""

    class Entity(task):  # type: ignore[misc]  # the base is only known at run time
        __slots__ = ("queue", "up", "bandwidth", "runtime_remaining", "throttled")

    return Entity


class Groups:
    """What groups add to a fair class: every walk along the levels of the tree. To be mixed into one."""

    most_cpus: ClassVar[int | None] = 1

    machine: Any
    queues_of: list[Any]
    server: Any

    def __init__(self, *args: Any, groups: Sequence[Group] = (), first_period: int | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.groups = parents_first(groups)
        self.first_period = first_period  # ns: a period begins at this time; None: when a group first needs one

    def attach(self, machine: Any) -> None:
        """An entity and a queue for every group."""
        super().attach(machine)  # type: ignore[misc]  # of the fair class
        make = entity_class(self.Task)  # type: ignore[attr-defined]  # of the fair class
        self.entities: dict[str, Any] = {}
        self.owners: dict[int, Any] = {}  # by the identity of their queue
        for group in self.groups:
            entity = make(GROUP_ID, group.name)
            entity.weight, entity.inverse = group.shares, inverse_of_load(group.shares)
            entity.queue = type(self.queues_of[0])()
            entity.up = self.entities[group.parent] if group.parent else None
            entity.bandwidth = None if group.quota is None else Bandwidth(group.quota, group.period)
            entity.runtime_remaining = 0 if group.quota is None else KEPT_NS
            entity.throttled = False
            self.entities[group.name] = entity
            self.owners[id(entity.queue)] = entity

    # -- the tree ---------------------------------------------------------------------------------------

    def up(self, entity: Any) -> Any:
        """The entity in whose queue this one stands; None for the root's."""
        if entity.id == GROUP_ID:
            return entity.up
        return self.entities[entity.group] if entity.group is not None else None

    def levels(self, entity: Any) -> Iterator[tuple[Any, Any]]:
        """for_each_sched_entity(): queue and entity, from the task to the root."""
        while entity is not None:
            above = self.up(entity)
            yield (self.queues_of[0] if above is None else above.queue), entity
            entity = above

    def running(self) -> list[tuple[Any, Any]]:
        """Queue and running entity, from the root down to the task."""
        chain, queue = [], self.queues_of[0]
        while queue is not None and queue.curr is not None:
            chain.append((queue, queue.curr))
            queue = queue.curr.queue if queue.curr.id == GROUP_ID else None
        return chain

    def tasks_in(self, queue: Any) -> int:
        """h_nr_running: tasks of a queue and all queues below it."""
        entities = [*queue.tree, *([queue.curr] if queue.curr is not None and queue.curr.on_rq else [])]
        return sum(self.tasks_in(each.queue) if each.id == GROUP_ID else 1 for each in entities)

    # -- what is asked of a fair class -------------------------------------------------------------------

    def enqueue(self, task: Any, cpu: Any, why: str) -> None:
        """enqueue_task_fair(): into its queue, and every entity above that is not queued yet into its own."""
        for queue, entity in self.levels(task):
            if entity.on_rq:
                if getattr(entity, "sched_delayed", False):
                    self.requeue_delayed(queue, entity)  # type: ignore[attr-defined]  # of EEVDF
                break
            self.enter(queue, cpu, entity, why)
            owner = self.up(entity)
            if owner is not None:
                if queue.nr_running == 1:
                    self.check_enqueue_throttle(owner)
                if owner.throttled:
                    break
            why = "wake"

    def dequeue(self, task: Any, cpu: Any, why: str) -> None:
        """dequeue_task_fair(): out of its queue, and every entity whose queue is empty then."""
        self.climb_out(self.levels(task), cpu, why)

    def climb_out(self, levels: Iterable[tuple[Any, Any]], cpu: Any, why: str) -> None:
        """The dequeuing of an entity and of those above it."""
        for queue, entity in levels:
            if not self.leave(queue, cpu, entity, why):
                return
            owner = self.up(entity)
            if owner is not None and owner.throttled:
                return
            if queue.nr_running:
                return
            if owner is not None:
                self.give_back(owner)
            why = "sleep"

    def pick(self, cpu: Any, prev: Any) -> Any:
        """pick_next_task_fair(): from the root down; start again if a group is throttled on the way."""
        root = self.queues_of[0]
        chain: list[tuple[Any, Any]] = []
        queue = root
        while root.nr_running:
            if queue.curr is not None and queue.curr.on_rq:
                self.charge_queue(queue, cpu)
                owner = self.owners.get(id(queue))
                if owner is not None and self.out_of_runtime(owner):
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
        if not chain or chain[-1:] != self.running()[-1:]:
            self.switch(cpu, chain)
        return chain[-1][1] if chain else None

    def switch(self, cpu: Any, chain: list[tuple[Any, Any]]) -> None:
        """Put back what ran and set what will run, on all levels on which they differ."""
        before = self.running()
        same = 0
        while same < min(len(before), len(chain)) and before[same] == chain[same]:
            same += 1
        for queue, entity in reversed(before[same:]):
            self.put_back(queue, cpu, entity)
        for queue, entity in chain[same:]:
            self.set_next_entity(queue, entity)  # type: ignore[attr-defined]  # of the fair class
        if chain:
            self.picked(cpu, chain[-1][1])

    def picked(self, cpu: Any, task: Any) -> None:
        """`task` is newly set."""

    def put_back(self, queue: Any, cpu: Any, entity: Any) -> None:
        """put_prev_entity(), and a look at the runtime that is left."""
        if entity.on_rq:
            self.charge_queue(queue, cpu)
        owner = self.owners.get(id(queue))
        if owner is not None:
            self.out_of_runtime(owner)
        self.put_prev_entity(queue)  # type: ignore[attr-defined]  # of the fair class

    def fork(self, child: Any, parent: Any) -> None:
        """A child is born into its parent's group."""
        child.group = parent.group
        self.fork_in(next(self.levels(parent))[0], child, parent)

    def renice(self, task: Any, cpu: Any, nice: int) -> None:
        """set_user_nice(): off the queues, the new weight, back; a running task is set again on every level."""
        old, queued = task.nice, task.on_rq
        running = bool(queued and self.running()[-1:] == [next(self.levels(task))])
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
            self.priority_changed(task, cpu, next(self.levels(task))[0], old)  # type: ignore[attr-defined]  # of both

    def rq_of(self, task: Any) -> Any:
        """The queue of its group."""
        return next(self.levels(task))[0]

    def affinity(self, task: Any) -> None:
        """A delayed task leaves now, and with it the groups that are empty then."""
        if getattr(task, "sched_delayed", False):
            self.finish_climbing(self.rq_of(task), task.cpu, task)

    def set_down(self, cpu: Any, prev: Any) -> None:
        """A better class takes the CPU."""
        self.switch(cpu, [])

    def tick(self, cpu: Any, curr: Any) -> None:
        """task_tick_fair(): every level."""
        if curr is not cpu.idle:
            for queue, entity in list(self.levels(curr)):
                self.tick_entity(queue, cpu, entity)

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

    # -- quotas -------------------------------------------------------------------------------------------

    def account(self, owner: Any, ran: int) -> None:
        """account_cfs_rq_runtime(): off the slice; if it is gone and there is no other, the CPU chooses again."""
        if owner.bandwidth is None:
            return
        owner.runtime_remaining -= ran
        if owner.runtime_remaining > 0 or owner.throttled:
            return
        if not self.assign(owner, BANDWIDTH_SLICE_NS) and owner.queue.curr is not None:
            self.machine.resched(self.machine.cpus[0])

    def assign(self, owner: Any, target: int) -> bool:
        """assign_cfs_rq_runtime(): from the pool, so that `target` is left. Is anything left?"""
        pool = owner.bandwidth
        self.start_period(owner)
        amount = min(pool.runtime, target - owner.runtime_remaining)
        if pool.runtime > 0:
            pool.runtime -= amount
            pool.idle = False
            owner.runtime_remaining += amount
        return bool(owner.runtime_remaining > 0)

    def out_of_runtime(self, owner: Any) -> bool:
        """check_cfs_rq_runtime(): throttle the group if it has nothing left."""
        if owner.bandwidth is None or owner.runtime_remaining > 0:
            return False
        if not owner.throttled:
            self.throttle(owner)
        return bool(owner.throttled)

    def check_enqueue_throttle(self, owner: Any) -> None:
        """A queue that is not empty any more may have to wait at once."""
        if owner.bandwidth is None or owner.queue.curr is not None or owner.throttled:
            return
        self.account(owner, 0)
        if owner.runtime_remaining <= 0:
            self.throttle(owner)

    def throttle(self, owner: Any) -> None:
        """throttle_cfs_rq(): its entity leaves the parent's queue, unless the pool has just been filled."""
        if self.assign(owner, 1):
            return
        owner.bandwidth.throttled.append(owner)
        if owner.on_rq:
            self.climb_out(self.levels(owner), self.machine.cpus[0], "throttle")
        owner.throttled = True

    def unthrottle(self, owner: Any) -> None:
        """unthrottle_cfs_rq(): back into the parent's queue; an idle CPU looks at it."""
        cpu = self.machine.cpus[0]
        owner.throttled = False
        owner.bandwidth.throttled.remove(owner)
        if not owner.queue.nr_running:
            return
        for queue, entity in self.levels(owner):
            if entity.on_rq:
                break
            self.enter(queue, cpu, entity, "wake")
            above = self.up(entity)
            if above is not None and above.throttled:
                return
        if cpu.curr is cpu.idle:
            self.machine.resched(cpu)

    def give_back(self, owner: Any) -> None:
        """return_cfs_rq_runtime(): an empty queue keeps 1 ms of its slice."""
        if owner.bandwidth is not None and owner.runtime_remaining > KEPT_NS and not owner.queue.nr_running:
            owner.bandwidth.runtime += owner.runtime_remaining - KEPT_NS
            owner.runtime_remaining = KEPT_NS

    def start_period(self, owner: Any) -> None:
        """start_cfs_bandwidth()."""
        pool, now = owner.bandwidth, self.machine.now
        if not pool.timer_on:
            pool.timer_on = True
            since = 0 if self.first_period is None else (now - self.first_period) % pool.period
            self.machine.timer(self.machine.cpus[0], now + pool.period - since, (PERIOD_TIMER, owner))

    def timer(self, cpu: Any, name: Any) -> None:
        """do_sched_cfs_period_timer(): fill the pool, and let those go on that were throttled, in order."""
        if not isinstance(name, tuple) or name[0] != PERIOD_TIMER:
            return super().timer(cpu, name)  # type: ignore[misc]  # of the fair class
        pool = name[1].bandwidth
        pool.runtime = pool.quota
        if pool.idle and not pool.throttled:
            pool.timer_on = False
            return
        self.machine.timer(cpu, self.machine.now + pool.period, name)
        pool.idle = not pool.throttled
        for owner in list(pool.throttled):
            amount = min(pool.runtime, 1 - owner.runtime_remaining)
            pool.runtime -= amount
            owner.runtime_remaining += amount
            if owner.runtime_remaining > 0:
                self.unthrottle(owner)

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

    def tick_entity(self, queue: Any, cpu: Any, entity: Any) -> None:
        """entity_tick()."""
        self.charge_queue(queue, cpu)

    def compare(self, queue: Any, cpu: Any, curr: Any, woken: Any) -> bool:
        """check_preempt_wakeup(), for two of one queue."""
        raise NotImplementedError

    def finish_climbing(self, queue: Any, cpu: Any, entity: Any) -> None:
        """The delayed dequeue of an entity is carried out, and that of those above it."""
        raise NotImplementedError

    def fork_in(self, queue: Any, child: Any, parent: Any) -> None:
        """task_fork_fair(), in the queue of parent and child."""
        raise NotImplementedError

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
        """The root's tree, and every group's; entities of groups stand among the tasks."""
        yield "tree", [each for each in self.queues_of[0].tree if each.id != GROUP_ID]
        for name, entity in self.entities.items():
            yield f"tree of {name}", [each for each in entity.queue.tree if each.id != GROUP_ID]

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Those of the last queue on the way down."""
        running = self.running()
        queue = running[-1][0] if running else self.queues_of[0]
        return [args for args in self.candidates_in(queue) if args[0].id != GROUP_ID]

    def candidates_in(self, queue: Any) -> Iterable[tuple[Any, ...]]:
        """Everybody of one queue."""
        running = [queue.curr] if queue.curr is not None and queue.curr.on_rq else []
        return [(each,) for each in [*running, *queue.tree]]


class GroupedCFS(Groups, CFS):
    """CFS with groups, on one CPU."""

    name = "CFS with groups"

    def enter(self, queue: CfsRq, cpu: Any, entity: Any, why: str) -> None:
        self.enqueue_entity(queue, entity, why)

    def leave(self, queue: CfsRq, cpu: Any, entity: Any, why: str) -> bool:
        self.dequeue_entity(queue, entity, "sleep" if why == "throttle" else why)
        return True

    def choose(self, queue: CfsRq) -> Any:
        return self.pick_next_entity(queue, queue.curr if queue.curr is not None and queue.curr.on_rq else None)

    def charge_queue(self, queue: CfsRq, cpu: Any) -> None:
        self.update_curr(queue)

    def update_curr(self, rq: CfsRq) -> None:
        before = 0 if rq.curr is None else rq.curr.sum_exec_runtime
        super().update_curr(rq)
        owner = self.owners.get(id(rq))
        if owner is not None and rq.curr is not None and rq.curr.sum_exec_runtime > before:
            self.account(owner, rq.curr.sum_exec_runtime - before)

    def tick_entity(self, queue: CfsRq, cpu: Any, entity: Any) -> None:
        self.update_curr(queue)
        if queue.nr_running > 1:
            self.check_preempt_tick(queue, cpu, entity)

    def compare(self, queue: CfsRq, cpu: Any, curr: Any, woken: Any) -> bool:
        return self.preempts_entity(queue, curr, woken)

    def fork_in(self, queue: CfsRq, child: Any, parent: Any) -> None:
        self.fork_entity(queue, child)

    def ideal_slice(self, rq: CfsRq, task: Any) -> int:
        """sched_slice(): the group's part of the period, and of that the task's."""
        part = self.period(self.tasks_in(self.queues_of[0]) + (not task.on_rq))
        for queue, entity in self.levels(task):
            load = queue.load + (0 if entity.on_rq else entity.weight)
            part = calc_delta(part, entity.weight, inverse_of_load(load))
        return max(part, self.min_granularity_ns)


class GroupsOfEEVDF(Groups):
    """What is the same in every EEVDF."""

    def enter(self: Any, queue: EevdfRq, cpu: Any, entity: Any, why: str) -> None:
        self.update_curr(queue, cpu)
        if entity.id == GROUP_ID:
            entity.custom_slice = min((each.slice for each in entity.queue.tree), default=0)
        self.place(queue, entity, initial=why in ("new", "fork"))
        self.queue_up(queue, entity)
        if self.server is not None and queue is self.queues_of[0] and queue.nr_running == 1:
            self.server.start_server(cpu)

    def leave(self: Any, queue: EevdfRq, cpu: Any, entity: Any, why: str) -> bool:
        self.update_curr(queue, cpu)
        if self.delays_dequeue(queue, entity, why):
            entity.sched_delayed = True
            return False
        self.take_off(queue, entity, sleeps=why in ("sleep", "exit", "throttle"), advance=why != "renice")
        return True

    def choose(self: Any, queue: EevdfRq) -> Any:
        return self.pick_eevdf(queue)

    def charge_queue(self: Any, queue: EevdfRq, cpu: Any) -> None:
        self.update_curr(queue, cpu)

    def update_curr(self: Any, rq: EevdfRq, cpu: Any) -> None:
        before = 0 if rq.curr is None else rq.curr.sum_exec_runtime
        super().update_curr(rq, cpu)  # type: ignore[misc]  # of EEVDF
        owner = self.owners.get(id(rq))
        if owner is not None and rq.curr is not None and rq.curr.sum_exec_runtime > before:
            self.account(owner, rq.curr.sum_exec_runtime - before)

    def tell_server(self: Any, cpu: Any, curr: Any, ran: int) -> None:
        if curr.id != GROUP_ID:
            super().tell_server(cpu, curr, ran)  # type: ignore[misc]  # of EEVDF

    def compare(self: Any, queue: EevdfRq, cpu: Any, curr: Any, woken: Any) -> bool:
        return bool(self.preempts_entity(queue, cpu, curr, woken))

    def finish_climbing(self: Any, queue: EevdfRq, cpu: Any, entity: Any) -> None:
        self.finish_delayed(queue, cpu, entity)
        owner = self.up(entity)
        if owner is not None and not queue.nr_running:
            self.give_back(owner)
            self.climb_out(self.levels(owner), cpu, "sleep")

    def fork_in(self: Any, queue: EevdfRq, child: Any, parent: Any) -> None:
        child.custom_slice = parent.custom_slice
        self.update_curr(queue, parent.cpu)

    def reweigh(self: Any, task: Any, nice: int) -> None:
        old_weight = task.weight
        super().reweigh(task, nice)
        task.vlag = truncated(task.vlag * old_weight, task.weight)

    def candidates_in(self: Any, queue: EevdfRq) -> Iterable[tuple[Any, ...]]:
        return [(*args, queue) for args in super().candidates_in(queue)]


class GroupedEEVDF_6_6(GroupsOfEEVDF, EEVDF_6_6):
    """EEVDF of 6.6 with groups, on one CPU."""

    name = "EEVDF 6.6 with groups"


class GroupedEEVDF(GroupsOfEEVDF, EEVDF):
    """EEVDF with groups, on one CPU."""

    name = "EEVDF with groups"


class GroupedEEVDF_6_12_Stable(GroupsOfEEVDF, EEVDF_6_12_Stable):
    """EEVDF of stable 6.12 with groups, on one CPU."""

    name = "EEVDF 6.12 stable with groups"


class GroupedEEVDF_7_2(GroupsOfEEVDF, EEVDF_7_2):
    """EEVDF of 7.2 with groups, on one CPU."""

    name = "EEVDF 7.2 with groups"

    def picked(self, cpu: Any, task: Any) -> None:
        self.start_hrtick(self.queues_of[0], cpu)

    def hrtick_for(self, rq: EevdfRq) -> Any:
        running = self.running()
        return running[-1][1] if running and self.tasks_in(self.queues_of[0]) > 1 else None

    def cpu_of(self, rq: EevdfRq) -> Any:
        return self.machine.cpus[0]

    def update_running(self, cpu: Any) -> bool:
        running = self.running()
        for queue, _entity in reversed(running):
            self.update_curr(queue, cpu)
        return bool(running)
