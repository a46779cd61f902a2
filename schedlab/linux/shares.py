"""What part of a group's weight each CPU's entity has: shares by load.

A group has one weight, but on each CPU an entity of its own. The weight is divided among them by
the load of their queues, on average (PELT): an entity with half of the group's load has half of its
weight. On one CPU the part is always the whole, so nothing of this is needed there.

load_avg   of a group: the sum of what its queues have told it; a queue tells news of a 64th and more
pending    what tasks that came or went have brought or taken, for the entity above to take over

The flaw: the averages are slow. When a group's load moves to another CPU, its weight follows later.
Upstream: kernel/sched/fair.c of Linux 6.12 (calc_group_shares, update_tg_load_avg,
propagate_entity_load_avg, update_cfs_rq_h_load). An average is brought up to date where tasks come
and go and at ticks, not at every switch.
"""

from __future__ import annotations

from typing import Any

from schedlab.linux.load import Loads, QueueLoad, TaskLoad
from schedlab.linux.pelt import CAPACITY, CAPACITY_SHIFT, LEAST_DIVIDER, UNIT_NS, LoadAverage

MIN_SHARES = 2  # of an entity, in units of 1/1024 of a weight
SCALE_SHIFT = 10  # scale_load(): shares are counted in such units
TOLD_EVERY_NS = 1_000_000  # a queue tells its group no more often, since 6.7


class GroupQueueLoad(QueueLoad):
    """Of a queue in a tree of groups: the root's of a CPU, or a group's."""

    __slots__ = ("owner", "had", "told", "told_at", "pending", "changed")

    def __init__(self, now: int, rq: Any) -> None:
        super().__init__(now, rq)
        self.owner = rq.owner
        self.had = 0  # ns of CPU time that the group has had on this CPU, up to the last update
        self.told = 0  # of the load average, to the group
        self.told_at = -TOLD_EVERY_NS  # ns
        self.pending = 0  # load_sum that came or went (prop_runnable_sum)
        self.changed = False

    def advance(self, now: int) -> None:
        """Up to `now`; time in which the group is throttled does not count."""
        passed = now - self.last_update
        if passed < UNIT_NS:
            return
        rq, owner = self.rq, self.owner
        if owner is None:
            self.update(now, rq.load, rq.h_nr_running, CAPACITY if rq.h_nr_running else 0)
            return
        if owner.throttled:
            self.last_update += passed // UNIT_NS * UNIT_NS
        else:
            ran = owner.sum_exec_runtime - self.had
            self.update(now, rq.load, rq.h_nr_running, min(CAPACITY, ran * CAPACITY // passed))
        self.had = owner.sum_exec_runtime

    def attach(self, entity: LoadAverage) -> None:
        """And the entity above is to know."""
        super().attach(entity)
        self.pending += entity.load_sum
        self.changed = True

    def detach(self, entity: LoadAverage) -> None:
        """And the entity above is to know."""
        super().detach(entity)
        self.pending -= entity.load_sum
        self.changed = True


class Shares(Loads):
    """The averages of tasks, of the queues of all groups, and of the entities that stand for groups."""

    policy: Any

    def __init__(self, policy: Any) -> None:
        super().__init__(policy)
        self.totals = dict.fromkeys(policy.entities, 0)  # of each group: load_avg
        for root in policy.queues_of:
            root.avg = GroupQueueLoad(0, root)
        for entities in policy.entities.values():
            for entity in entities:
                entity.queue.avg = GroupQueueLoad(0, entity.queue)
                mine = self.tasks[entity] = TaskLoad(entity.weight, 0)
                mine.load_avg = 0
                mine.queue = policy.above(entity).avg

    # -- where tasks come and go, and at ticks -----------------------------------------------------------

    def renew(self, rq: Any, entity: Any) -> None:
        """update_load_avg() for a group's entity and the queue in which it stands."""
        now = self.machine.now
        mine = self.tasks[entity]
        passed = now - mine.last_update
        if passed > 0:
            had = entity.sum_exec_runtime
            ran = min(CAPACITY, (had - mine.had) * CAPACITY // passed)
            mine.update(now, int(entity.on_rq), entity.queue.h_nr_running if entity.on_rq else 0, ran)
            mine.had = had
        rq.avg.advance(now)
        self.take_over(rq.avg, mine, entity.queue)
        self.tell(rq)

    def tell(self, rq: Any) -> None:
        """update_tg_load_avg(): a group's queue tells the group its load, if it is much different."""
        queue, now = rq.avg, self.machine.now
        if rq.owner is None or now - queue.told_at < TOLD_EVERY_NS:
            return
        news = queue.load_avg - queue.told
        if abs(news) > queue.told // 64:
            self.totals[rq.owner.name] += news
            queue.told, queue.told_at = queue.load_avg, now

    def part_of(self, entity: Any, weight: int) -> int:
        """calc_group_shares(): the weight of an entity, of a group with this one."""
        queue = entity.queue.avg
        load = max(entity.queue.load, queue.load_avg)
        total = self.totals[entity.name] - queue.told + load
        scaled = weight << SCALE_SHIFT
        part = scaled * load // total if total else scaled * load
        return max(MIN_SHARES, min(max(part, MIN_SHARES), scaled) >> SCALE_SHIFT)

    # -- what comes from below ---------------------------------------------------------------------------

    def take_over(self, above: GroupQueueLoad, mine: TaskLoad, rq: Any) -> None:
        """propagate_entity_load_avg(): the entity has the use of its queue, and a load as near as can be."""
        below = rq.avg
        if not below.changed:
            return
        below.changed = False
        pending, below.pending = below.pending, 0
        above.pending += pending
        above.changed = True
        divider = above.divider
        self.take_over_use(above, mine, below, divider)
        if pending:
            self.take_over_load(above, mine, rq, pending, divider)

    def take_over_use(self, above: GroupQueueLoad, mine: TaskLoad, below: QueueLoad, divider: int) -> None:
        """update_tg_cfs_util(), update_tg_cfs_runnable()."""
        above.util_avg = max(0, above.util_avg + below.util_avg - mine.util_avg)
        above.util_sum = max(
            0, above.util_sum + below.util_avg * divider - mine.util_sum, above.util_avg * LEAST_DIVIDER
        )
        mine.util_avg, mine.util_sum = below.util_avg, below.util_avg * divider
        above.runnable_avg = max(0, above.runnable_avg + below.runnable_avg - mine.runnable_avg)
        above.runnable_sum = max(
            0, above.runnable_sum + below.runnable_avg * divider - mine.runnable_sum, above.runnable_avg * LEAST_DIVIDER
        )
        mine.runnable_avg, mine.runnable_sum = below.runnable_avg, below.runnable_avg * divider

    def take_over_load(self, above: GroupQueueLoad, mine: TaskLoad, rq: Any, pending: int, divider: int) -> None:
        """update_tg_cfs_load(): who came adds its time queued, up to all of it; who went leaves that of the others."""
        if pending >= 0:
            queued = min(mine.load_sum + pending, divider)
        else:
            queued = min(mine.load_sum, rq.avg.load_sum // rq.load if rq.load else 0)
        queued = max(queued, mine.util_sum >> CAPACITY_SHIFT)
        load_avg = mine.weight * queued // divider
        if load_avg == mine.load_avg:
            return
        above.load_avg = max(0, above.load_avg + load_avg - mine.load_avg)
        above.load_sum = max(0, above.load_sum + mine.weight * (queued - mine.load_sum), above.load_avg * LEAST_DIVIDER)
        mine.load_sum, mine.load_avg = queued, load_avg

    # -- what is asked -----------------------------------------------------------------------------------

    def load_of(self, task: Any, queued: bool = True) -> int:
        """task_h_load(): through all levels, the part of the CPU's load that is this task's."""
        self.refresh(task, queued)
        load = self.current(task.cpu).load_avg
        for rq, entity in reversed(list(self.policy.levels(task))):
            load = load * self.tasks[entity].load_avg // (rq.avg.load_avg + 1)
        return load
