"""CFS and EEVDF with groups: what each of them does at one level of the tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from schedlab.linux.cfs import CFS, CfsRq
from schedlab.linux.eevdf import EEVDF, EEVDF_6_6, EevdfRq, truncated
from schedlab.linux.eevdf_later import EEVDF_7_2, EEVDF_6_12_Stable, EevdfRq72
from schedlab.linux.groups import GROUP_ID, Groups
from schedlab.linux.weights import calc_delta, inverse_of_load


class GroupedCFS(Groups, CFS):
    """CFS with groups."""

    name = "CFS with groups"

    def enter(self, queue: CfsRq, cpu: Any, entity: Any, why: str) -> None:
        self.enqueue_entity(queue, entity, why)

    def leave(self, queue: CfsRq, cpu: Any, entity: Any, why: str) -> bool:
        if entity.id != GROUP_ID and self.balancer is not None:
            self.balancer.dequeued(entity, cpu, why)
        self.dequeue_entity(queue, entity, "sleep" if why == "throttle" else why)
        return True

    def choose(self, queue: CfsRq) -> Any:
        return self.pick_next_entity(queue, queue.curr if queue.curr is not None and queue.curr.on_rq else None)

    def charge_queue(self, queue: CfsRq, cpu: Any) -> None:
        self.update_curr(queue)

    def update_curr(self, rq: CfsRq) -> None:
        before = 0 if rq.curr is None else rq.curr.sum_exec_runtime
        super().update_curr(rq)
        if rq.owner is not None and rq.curr is not None and rq.curr.sum_exec_runtime > before:
            self.account(rq.owner, rq.curr.sum_exec_runtime - before)

    def check_tick(self, queue: CfsRq, cpu: Any, entity: Any) -> None:
        if queue.nr_running > 1:
            self.check_preempt_tick(queue, cpu, entity)

    def compare(self, queue: CfsRq, cpu: Any, curr: Any, woken: Any) -> bool:
        return self.preempts_entity(queue, curr, woken)

    def fork_in(self, queue: CfsRq, child: Any, parent: Any) -> None:
        self.fork_entity(queue, child)

    def reweigh_entity(self, queue: CfsRq, entity: Any, weight: int) -> None:
        if entity.on_rq:
            if queue.curr is entity:
                self.update_curr(queue)
            queue.load -= entity.weight

    def put_weighed(self, queue: CfsRq, entity: Any) -> None:
        if entity.on_rq:
            queue.load += entity.weight

    def ideal_slice(self, rq: CfsRq, task: Any) -> int:
        """sched_slice(): the group's part of the period, and of that the task's."""
        part = self.period(self.root(task.cpu).h_nr_running + (not task.on_rq))
        for queue, entity in self.levels(task):
            load = queue.load + (0 if entity.on_rq else entity.weight)
            part = calc_delta(part, entity.weight, inverse_of_load(load))
        return max(part, self.min_granularity_ns)


class GroupsOfEEVDF(Groups):
    """What is the same in every EEVDF."""

    def enter(self: Any, queue: EevdfRq, cpu: Any, entity: Any, why: str) -> None:
        self.update_curr(queue, cpu)
        if entity.id == GROUP_ID:
            entity.custom_slice = self.shortest(entity.queue)
        self.place(queue, entity, initial=why in ("new", "fork"))
        self.queue_up(queue, entity)
        if self.server is not None and queue is self.root(cpu) and queue.nr_running == 1:
            self.server.start_server(cpu)

    def leave(self: Any, queue: EevdfRq, cpu: Any, entity: Any, why: str) -> bool:
        if entity.sched_delayed and why == "throttle":
            self.finish_entity(queue, cpu, entity)
            return True
        self.update_curr(queue, cpu)
        if self.delays_dequeue(queue, entity, why):
            entity.sched_delayed = True
            return False
        if entity.id != GROUP_ID and self.balancer is not None:
            self.balancer.dequeued(entity, cpu, why)
        self.take_off(queue, entity, sleeps=why in ("sleep", "exit", "throttle"), advance=why != "renice")
        return True

    def shortest(self, queue: Any) -> int:
        """cfs_rq_min_slice(): an entity asks for the shortest request in its queue."""
        return int(queue.requests()[0]) if queue.nr_running else 0

    def has_changed(self: Any, queue: Any, entity: Any) -> None:
        if entity.id == GROUP_ID:
            shortest = self.shortest(entity.queue)
            if shortest:
                entity.custom_slice = shortest
                queue.ask(entity, shortest)

    def choose(self: Any, queue: EevdfRq) -> Any:
        return self.pick_eevdf(queue)

    def charge_queue(self: Any, queue: EevdfRq, cpu: Any) -> None:
        self.update_curr(queue, cpu)

    def update_curr(self: Any, rq: EevdfRq, cpu: Any) -> None:
        before = 0 if rq.curr is None else rq.curr.sum_exec_runtime
        super().update_curr(rq, cpu)  # type: ignore[misc]  # of EEVDF
        if rq.owner is not None and rq.curr is not None and rq.curr.sum_exec_runtime > before:
            self.account(rq.owner, rq.curr.sum_exec_runtime - before)

    def tell_server(self: Any, cpu: Any, curr: Any, ran: int) -> None:
        if curr.id != GROUP_ID:
            super().tell_server(cpu, curr, ran)  # type: ignore[misc]  # of EEVDF

    def compare(self: Any, queue: EevdfRq, cpu: Any, curr: Any, woken: Any) -> bool:
        return bool(self.preempts_entity(queue, cpu, curr, woken))

    def finish_climbing(self: Any, queue: EevdfRq, cpu: Any, entity: Any) -> None:
        is_task = entity.id != GROUP_ID
        if self.balancer is not None and is_task:
            self.balancer.dequeued(entity, cpu, "sleep")
        elif self.shares is not None:
            self.shares.renew(queue, entity)
        self.finish_entity(queue, cpu, entity)
        if queue.owner is not None:
            self.give_back(queue.owner)
        self.climb_out(list(self.levels(entity)), cpu, int(is_task))

    def fork_in(self: Any, queue: EevdfRq, child: Any, parent: Any) -> None:
        child.custom_slice = parent.custom_slice
        self.update_curr(queue, parent.cpu)

    def reweigh_entity(self: Any, queue: EevdfRq, entity: Any, weight: int) -> None:
        """reweight_eevdf(): the lag in real time stays what it was, and so does what is left of the request."""
        old = entity.weight
        if not entity.on_rq:
            entity.vlag = truncated(entity.vlag * old, weight)
            return
        self.update_curr(queue, entity.cpu)
        average = queue.average()
        if queue.curr is not entity:
            queue.remove(entity)
        queue.load -= old
        if average != entity.vruntime:
            entity.vruntime = average - truncated(self.bounded_lag(queue, entity, average) * old, weight)
        entity.deadline = average + truncated((entity.deadline - average) * old, weight)

    def put_weighed(self: Any, queue: EevdfRq, entity: Any) -> None:
        if entity.on_rq:
            queue.load += entity.weight
            if queue.curr is not entity:
                queue.insert(entity)
            self.update_min_vruntime(queue)

    def reweigh(self: Any, task: Any, nice: int) -> None:
        old_weight = task.weight
        super().reweigh(task, nice)
        task.vlag = truncated(task.vlag * old_weight, task.weight)

    def candidates_in(self: Any, queue: EevdfRq) -> Iterable[tuple[Any, ...]]:
        return [(*args, queue) for args in super().candidates_in(queue)]


class GroupedEEVDF_6_6(GroupsOfEEVDF, EEVDF_6_6):
    """EEVDF of 6.6 with groups."""

    name = "EEVDF 6.6 with groups"

    def shortest(self, queue: Any) -> int:
        """All slices are alike."""
        return 0


class GroupedEEVDF(GroupsOfEEVDF, EEVDF):
    """EEVDF with groups."""

    name = "EEVDF with groups"
    Rq: ClassVar[type[EevdfRq]] = EevdfRq72


class GroupedEEVDF_6_12_Stable(GroupsOfEEVDF, EEVDF_6_12_Stable):
    """EEVDF of stable 6.12 with groups."""

    name = "EEVDF 6.12 stable with groups"
    Rq: ClassVar[type[EevdfRq]] = EevdfRq72


class GroupedEEVDF_7_2(GroupsOfEEVDF, EEVDF_7_2):
    """EEVDF of 7.2 with groups."""

    name = "EEVDF 7.2 with groups"

    def picked(self, cpu: Any, task: Any) -> None:
        self.start_hrtick(self.root(cpu), cpu)

    def hrtick_for(self, rq: EevdfRq) -> Any:
        cpu = self.cpu_of(rq)
        running = self.running(cpu)
        return running[-1][1] if running and self.tasks_on(cpu) > 1 else None

    def cpu_of(self, rq: EevdfRq) -> Any:
        return super().cpu_of(rq) if rq.owner is None else rq.owner.cpu

    def update_running(self, cpu: Any) -> bool:
        running = self.running(cpu)
        for queue, _entity in reversed(running):
            self.update_curr(queue, cpu)
        return bool(running)
