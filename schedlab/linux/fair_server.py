"""The fair server of Linux 6.12: a deadline for those who have none.

Real-time tasks that never sleep would starve all fair tasks. So each CPU keeps a *server* in the
deadline class that stands for its fair tasks: 50 ms in every second. It is *deferred*: it waits,
throttled, until it could only just keep its deadline. Fair tasks that run in the meantime use its
budget up in the background, and then it begins a new period and waits on; only if they have
starved does it step into the tree, and whoever picks it picks a fair task.

armed    it waits for its zero-laxity time, deadline - runtime
running  it has not waited in vain: fair tasks starve, and it does not wait again before it runs

The flaw: nothing but the tick ends its turn, so real-time tasks, even the highest, lose up to a
tick more than the 5 % that they were to give.
Upstream: kernel/sched/deadline.c (`dl_server_*`, `update_curr_dl_se`, `replenish_dl_entity`) of Linux 6.12, and of 6.18
where the server is stopped: 6.12.0 did that when the last fair task slept, which gave one that sleeps often more than
its budget. Idle time is not counted as use of the budget (`dl_server_update_idle_time`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schedlab.linux.deadline import Deadline, DLEntity, overflows
from schedlab.linux.task import SCHED_DEADLINE

SERVER_RUNTIME_NS = 50_000_000
SERVER_PERIOD_NS = 1_000_000_000
MIN_RES_NS = 1_000_000  # dl_server_min_res: a timer that comes earlier than this is put off


class Server:
    """One CPU's fair tasks, as the deadline class sees them."""

    def __init__(self, cpu: Any) -> None:
        self.cpu = cpu
        self.name = f"fair server {cpu.id}"
        self.dl = DLEntity(SERVER_RUNTIME_NS, SERVER_PERIOD_NS, SERVER_PERIOD_NS)
        self.active = False
        self.armed = False
        self.running = False
        self.ticket = 0  # of the timer that counts; earlier ones are void


class DeadlineWithServer(Deadline):
    """The deadline class, with a fair server on every CPU."""

    def attach(self, machine: Any) -> None:
        """The servers wait until there are fair tasks."""
        super().attach(machine)
        self.servers = [Server(cpu) for cpu in machine.cpus]

    def start_server(self, cpu: Any) -> None:
        """dl_server_start(): the first fair task is queued."""
        server = self.servers[cpu.id]
        if server.active:
            return
        server.active = True
        dl, now = server.dl, self.machine.now
        if dl.new or dl.deadline < now or overflows(dl.dl_runtime, dl.dl_deadline, dl.runtime, dl.deadline - now):
            self.new_period(server)
        elif not server.running:
            server.armed = dl.throttled = True
        self.enqueue_server(server)

    def stop_server(self, server: Server) -> None:
        """dl_server_stop(): it was picked, and there is no fair task to run."""
        self.remove(server)
        server.ticket += 1
        server.active = server.armed = server.dl.throttled = False

    def charge_server(self, cpu: Any, ran: int) -> None:
        """dl_server_update(): a fair task has run for `ran` ns, on behalf of the server or not."""
        server = self.servers[cpu.id]
        dl = server.dl
        if not server.active:
            return
        dl.runtime -= ran
        if dl.runtime > 0:
            return
        if dl.throttled:  # used up in the background: nobody starves
            server.running = False
            self.new_period(server)
            self.start_timer(server)
        else:
            self.throttle_server(server)

    def throttle_server(self, server: Server) -> None:
        """Its budget is gone: out of the tree until the next period."""
        server.dl.throttled = True
        if server.dl.queued:
            self.remove(server)
        if not self.start_timer(server):
            self.new_period(server)
            self.start_timer(server)
        self.machine.resched(server.cpu)

    def new_period(self, server: Server) -> None:
        """replenish_dl_new_period(): and it waits, unless fair tasks starve."""
        server.dl.new_period(self.machine.now)
        if not server.running:
            server.armed = server.dl.throttled = True

    def start_timer(self, server: Server) -> bool:
        """start_dl_timer(): for the zero-laxity time or the next period; False if that is past."""
        dl = server.dl
        due = dl.deadline - dl.runtime if server.armed else dl.next_period
        if due < self.machine.now:
            return False
        server.ticket += 1
        self.machine.timer(server.cpu, due, ("server", server.ticket))
        return True

    def enqueue_server(self, server: Server) -> None:
        """enqueue_dl_entity(): into the tree, unless it has to wait."""
        if server.dl.throttled and self.start_timer(server):
            return
        server.ticket += 1
        server.armed = server.dl.throttled = False
        self.insert(server)
        curr = server.cpu.curr
        if curr.policy != SCHED_DEADLINE or curr.dl is None or server.dl.deadline < curr.dl.deadline:
            self.machine.resched(server.cpu)

    def timer(self, cpu: Any, name: Any) -> None:
        """dl_server_timer(), for the server of this CPU."""
        server = self.servers[cpu.id]
        if not isinstance(name, tuple) or name[0] != "server":
            return super().timer(cpu, name)
        dl, now = server.dl, self.machine.now
        if name[1] != server.ticket or not dl.throttled:
            return
        if server.armed:
            if now < dl.deadline - dl.runtime - MIN_RES_NS:
                self.start_timer(server)
                return
            server.running = True
        self.replenish_server(server)
        self.enqueue_server(server)

    def replenish_server(self, server: Server) -> None:
        """replenish_dl_entity(): a whole new period if the rest of this one would be too much at once."""
        dl, now = server.dl, self.machine.now
        if server.armed and overflows(dl.dl_runtime, dl.dl_deadline, dl.runtime, dl.deadline - now):
            dl.new_period(now)
        dl.replenish(now)
        if server.armed:
            server.armed = False
        elif not server.running and now < dl.deadline - dl.runtime:
            server.armed = dl.throttled = True

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """The tree, without what other CPUs run and their servers."""
        others = {server for server in self.servers if server.cpu is not cpu}
        return [args for args in super().candidates(cpu, prev) if args[0] not in others]

    def queues(self) -> Iterable[tuple[str, list[Any]]]:
        """The tree, without the servers: they are no tasks."""
        return [("deadline tree", [task for task in self.tree if not isinstance(task, Server)])]
