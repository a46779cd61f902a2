"""The machine under every Linux scheduler: CPUs, ticks, sleeping and waking, bursts of work.

It knows no policy. It asks `schedlab.linux.policy.Policy` at the moments at which the kernel asks
its scheduler, carries the answer out, and writes down what happened.

What can fall on one instant is served in this order: the tick, wake-ups, outside events, and at
the end *settle*: a task that has finished its burst blocks, and a CPU whose `need_resched` is set
chooses again. (v0.01 wakes its sleepers before the tick.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from schedlab.linux.kinds import DISK, GONE, LINUX, READY, RUNNING, SLEEPING, ZOMBIE
from schedlab.linux.mutex import Mutexes
from schedlab.linux.policy import Policy
from schedlab.linux.task import (
    ALARM,
    DISK_SLEEP,
    EXEC,
    EXIT,
    FOREVER,
    FORK,
    LOCK,
    MOVE,
    REAP,
    RENICE,
    RUN,
    SETSCHEDULER,
    SLEEP,
    SYSTEM,
    UNLOCK,
    WAIT,
    WAKE,
    YIELD,
    Refused,
    Step,
    Task,
)
from schedlab.linux.topology import LOCAL_DISTANCE, Topology, one_node
from schedlab.scenario import MOST_TASKS, ScenarioError
from schedlab.sim import Engine, S
from schedlab.trace import NOBODY, Recorder
from schedlab.words import show

EARLY_WAKE_RANK, IDLE_RANK, TICK_RANK, WAKE_RANK, TIMER_RANK, EVENT_RANK, BURST_RANK = range(0, 7 << 20, 1 << 20)
# Within a rank calls go by number of CPU or task, which is added to these.

STEPS_WITHOUT_TIME = 10_000  # steps of one task at one instant before we say that it loops
FORKS_WITHOUT_TIME = 10_000  # forks of all tasks at one instant before we say the same
PICKS_WITHOUT_TIME = 10_000  # picks of one CPU at one instant before we say that the policy loops

by_number = attrgetter("id")


class Loop(RuntimeError):
    """A behaviour or a policy that goes on for ever without using time."""


class PolicyError(RuntimeError):
    """A policy answered what no scheduler may answer; says what, on which CPU and about which task."""


class CPU:
    """One processor. `curr` is what runs on it, `idle` when nothing does."""

    __slots__ = (
        "id", "name", "curr", "idle", "need_resched", "since", "done_at", "planned", "picks", "picked_at", "queued",
    )  # fmt: skip

    def __init__(self, id: int, idle: Any) -> None:
        self.id = id
        self.name = f"CPU {id}"
        self.idle = idle
        self.curr = idle
        self.need_resched = False
        self.since = 0  # ns: up to when `curr` has been charged
        self.done_at: int | None = None  # ns: when `curr` ends its step if nobody interrupts it
        self.planned: int | None = None  # ns: when the engine will look at this CPU next because of `done_at`
        self.picks = 0  # at the present instant
        self.picked_at = -1
        self.queued = False  # in the list of CPUs to settle

    def __repr__(self) -> str:
        return self.name


class Machine:
    """Runs tasks under a policy and records what happens.

    `now` is the simulated time in ns. `cpus` is a number from 1 up, `hz` the ticks per second.
    `switch_ns` is lost at each change of task; `lock_ns` and `look_ns` are how long a pick holds its
    run queue's lock: a fixed part and a part for every task it looks at. `cache_ns` is lost by a task
    that runs on another CPU than the last time, and more between nodes, as they are further: at a
    distance of 20, twice as much. All four are 0 unless a scenario sets them. `topology` says where
    the CPUs lie.
    """

    now: property = property(attrgetter("engine.now"))  # asked so often that a method of our own would cost

    def __init__(
        self,
        policy: Policy,
        engine: Engine,
        recorder: Recorder,
        *,
        cpus: int = 1,
        hz: int | None = None,
        first_tick_ns: int | None = None,
        first_jiffy: int = 0,
        switch_ns: int = 0,
        lock_ns: int = 0,
        look_ns: int = 0,
        cache_ns: int = 0,
        inherit: bool = False,
        topology: Topology | None = None,
    ) -> None:
        self.policy = policy
        self.engine = engine
        self.record = recorder
        self.hz = hz or policy.default_hz
        self.tick_ns = S // self.hz
        self.jiffies = first_jiffy
        self.last_tick = 0  # ns
        self.switch_ns = switch_ns
        self.lock_ns = lock_ns
        self.look_ns = look_ns
        self.cache_ns = cache_ns
        self.topology = one_node(cpus) if topology is None else topology
        self.tasks: dict[int, Any] = {}
        self.alive = 0  # tasks that have not exited
        self._parents: set[int] = set()  # tasks that have ever had a child
        self.names: list[str] = []
        self.cpus = [CPU(i, self._idle_task(policy)) for i in range(cpus)]
        if len(self.topology.nodes) > 1:
            for cpu in self.cpus:
                cpu.name = f"CPU {cpu.id} (node {self.topology.node_of[cpu.id]})"
        self.idle_cpus = cpus  # how many have nothing to run
        self._settling: list[CPU] = []
        self._wake_rank = EARLY_WAKE_RANK if policy.wakes_before_tick else WAKE_RANK
        self._channels: dict[str, deque[Any]] = {}
        self._pending_wakes: dict[str, int] = {}
        self._charges = type(policy).charge is not Policy.charge
        self._puts = type(policy).put_prev is not Policy.put_prev
        self._locks: dict[str, int] = {}  # when each lock is free again, ns
        self._forked_at, self._forks = -1, 0  # when the last fork was, ns, and how many there were at that time
        self._must_move: dict[Any, CPU] = {}  # running tasks that may not stay on their CPU, and where they go
        self.waker: Any = None  # the task whose call wakes another one just now; None: an interrupt does
        self.class_changes = 0
        self.mutexes = Mutexes(self, inherit)
        self.living: tuple[int, ...] = (READY, RUNNING, SLEEPING, DISK)
        self.told: list[str] = []  # what the kernel has written into its log
        self.groups: list[str] = []  # control groups that have been throttled
        self._costs = bool(switch_ns or lock_ns or look_ns or cache_ns)
        self.on_instant: Callable[[], None] | None = None  # told when all of an instant is done; for observers
        engine.settle = self._settle
        policy.attach(self)
        first = self.tick_ns if first_tick_ns is None else first_tick_ns
        engine.at(first, self._ticks, None, TICK_RANK)

    def _idle_task(self, policy: Policy) -> Any:
        idle = policy.Task(NOBODY, "idle")
        idle.state = RUNNING
        idle.remaining = FOREVER
        idle.nice = 20  # so the idle task of 2.4; the others do not look
        return idle

    @property
    def everybody(self) -> Iterable[Any]:
        """Who can be called by a name."""
        return self.tasks.values()

    # -- what the policy may do -----------------------------------------------------------------

    def resched(self, cpu: CPU) -> None:
        """Set need_resched: `cpu` chooses again before this instant ends."""
        cpu.need_resched = True
        if not cpu.queued:
            cpu.queued = True
            self._settling.append(cpu)

    def signal(self, task: Any) -> None:
        """Deliver a signal: it ends an interruptible sleep, and stays pending in an uninterruptible one."""
        if task.state == DISK:
            return
        self.record.signal(self.now, task.id, task.cpu.id)
        task.has_signal = False
        if task.state == SLEEPING:
            self._end_sleep(task)

    def migrate(self, task: Any, cpu: CPU) -> None:
        """Write down that a waiting task has changed to another CPU's queue."""
        self.record.migrate(self.now, task.id, cpu.id, task.cpu.id)
        task.cpu = cpu

    def tell(self, line: str) -> None:
        """printk(): a line of the kernel's log."""
        self.told.append(line)
        self.record.told(self.now, NOBODY, NOBODY, len(self.told) - 1)

    def group_stops(self, group: str, cpu: CPU, owes: int) -> None:
        """Write down that a control group is throttled on `cpu`, and how much it has had too much (ns)."""
        self.record.throttled(self.now, self._group_number(group), cpu.id, owes)

    def group_goes_on(self, group: str, cpu: CPU) -> None:
        """Write down that it is not any more."""
        self.record.unthrottled(self.now, self._group_number(group), cpu.id)

    def _group_number(self, group: str) -> int:
        if group not in self.groups:
            self.groups.append(group)
        return self.groups.index(group)

    def timer(self, cpu: CPU, when: int, name: Any) -> None:
        """Plan `policy.timer(cpu, name)` for time `when` (ns); `cpu` is charged before."""
        self.engine.at(when, self._timer_fires, (cpu, name), TIMER_RANK + cpu.id)

    def _timer_fires(self, what: tuple[CPU, Any]) -> None:
        cpu, name = what
        if self.engine.now > cpu.since:
            self._charge(cpu)
        self.policy.timer(cpu, name)

    # -- tasks come and go ----------------------------------------------------------------------

    def create(
        self, name: str, behaviour: Iterable[Step], *, id: int | None = None, parent: Any = None, **fields: Any
    ) -> Any | None:
        """A new task that does not run yet; None when the policy has no room for it.

        `fields` are set on it before the policy sees it: nice, policy, rt_priority, mm, and those of the generation.
        """
        if len(self.tasks) >= MOST_TASKS:
            raise Loop(f"{name} would be task number {MOST_TASKS + 1:,}: do these tasks fork for ever?")
        task = self.policy.Task(len(self.names) if id is None else id, name)
        task.parent = parent
        for field, value in fields.items():
            setattr(task, field, value)
        task.steps = iter(behaviour)
        task.state = SLEEPING
        task.sleeps_as = SLEEPING
        if not self.policy.born(task):
            return None
        self.names.extend([""] * (task.id + 1 - len(self.names)))
        self.names[task.id] = name
        self.tasks[task.id] = task
        self.alive += 1
        if parent is not None:
            self._parents.add(parent.id)
        task.cpu = parent.cpu if parent else self._checked_cpu(self.policy.select_cpu(task, "new"), task)
        self.record.spawn(self.now, task.id, task.cpu.id, parent.id if parent else NOBODY, task.nice)
        return task

    def thread(self, name: str, behaviour: Iterable[Step], cpu: CPU, policy: int) -> Any:
        """A thread of the kernel's own, bound to a CPU and runnable at once. A run does not wait for its end."""
        thread = self.create(name, behaviour, policy=policy, mm=None, allowed=frozenset({cpu.id}))
        self.alive -= 1
        self.start(thread)
        return thread

    def start(self, task: Any, when: int | None = None) -> None:
        """Make a created task runnable at `when` (ns); at once, without a plan, if None."""
        if when is None:
            self._make_ready(task, "new", NOBODY)
        else:
            task.wake_ticket = self.engine.at(when, self._wake_by_timer, task, self._wake_rank + task.id)

    def boot(self) -> None:
        """Every CPU makes its first choice."""
        for cpu in self.cpus:
            self.resched(cpu)
        self._settle()

    # -- the timer ------------------------------------------------------------------------------

    def _ticks(self, _nothing: None) -> int:
        """The timer interrupts of all CPUs, and when the next ones come."""
        self.jiffies += 1
        self.last_tick = now = self.engine.now
        for cpu in self.cpus:
            self._tick(cpu, now)
        return now + self.tick_ns

    def _tick(self, cpu: CPU, now: int) -> None:
        """The timer interrupt of one CPU."""
        policy = self.policy
        curr, ran = cpu.curr, now - cpu.since
        if ran > 0:  # as in _charge(), where most of all calls come from
            cpu.since = now
            curr.sum_exec += ran
            if curr.remaining != FOREVER:
                curr.remaining -= ran
            if self._charges:
                policy.charge(cpu, curr, ran)
        policy.tick(cpu, curr)
        if cpu.need_resched and policy.tick_calls_schedule:
            self._schedule(cpu)

    def _charge(self, cpu: CPU) -> None:
        """Book the CPU time that `curr` has had since it was last charged."""
        now = self.engine.now
        ran = now - cpu.since
        if ran <= 0:  # still inside the switch
            return
        cpu.since = now
        curr = cpu.curr
        curr.sum_exec += ran
        if curr.remaining != FOREVER:
            curr.remaining -= ran
        if self._charges:
            self.policy.charge(cpu, curr, ran)

    # -- waking ---------------------------------------------------------------------------------

    def _wake_by_timer(self, task: Any) -> None:
        task.wake_ticket = 0
        self._make_ready(task, "wake", NOBODY)

    def _make_ready(self, task: Any, why: str, waker: int) -> None:
        policy, now = self.policy, self.engine.now
        was = task.state
        self.waker = self.tasks.get(waker)
        cpu = policy.select_cpu(task, why)
        if cpu is not task.cpu:
            self.migrate(task, self._checked_cpu(cpu, task))
        if now > cpu.since:
            self._charge(cpu)
        task.state = READY
        policy.enqueue(task, cpu, why)
        self.record.wake(now, task.id, cpu.id, waker, was)
        if policy.preempts(cpu, task):
            if policy.idle_polls and cpu.curr is cpu.idle:
                self.engine.at(now, self._idle_looks, cpu, IDLE_RANK)
            else:
                self.resched(cpu)

    def _idle_looks(self, cpu: CPU) -> None:
        if cpu.curr is cpu.idle:
            self._schedule(cpu)
            if not cpu.queued:  # the end of the new task's burst is planned when the instant settles
                cpu.queued = True
                self._settling.append(cpu)

    def _end_sleep(self, task: Any) -> None:
        """Take a task out of its sleep before its time, without asking whether it preempts."""
        self._stop_waiting(task)
        was = task.state
        task.state = READY
        self.policy.enqueue(task, task.cpu, "signal")
        if task.cpu.curr is not task:  # it may be about to sleep, inside the very pick that delivers the signal
            self.record.wake(self.now, task.id, task.cpu.id, NOBODY, was)

    def _checked_cpu(self, cpu: Any, task: Any) -> CPU:
        """A policy may only send a task to a CPU of this machine that the task may use."""
        if not isinstance(cpu, CPU) or cpu not in self.cpus:
            raise PolicyError(f"{self.policy.name}.select_cpu must return a CPU of the machine, not {cpu!r}")
        if task.allowed is not None and cpu.id not in task.allowed:
            raise PolicyError(f"{self.policy.name} sends {task.name} to {cpu.name}, but it {_may_use(task)}")
        return cpu

    # -- choosing -------------------------------------------------------------------------------

    def _settle(self) -> None:
        """The end of an instant: blocked tasks leave, CPUs that must choose again do."""
        waiting = self._settling
        while waiting:
            if len(waiting) > 1:
                waiting.sort(key=by_number)
            cpu = waiting.pop(0)
            cpu.queued = False
            self._settle_cpu(cpu)
        if self.on_instant is not None:
            self.on_instant()

    def _settle_cpu(self, cpu: CPU) -> None:
        now = self.engine.now
        while True:
            if cpu.done_at is not None and cpu.done_at <= now:
                if now > cpu.since:
                    self._charge(cpu)
                self._next_step(cpu)
            elif cpu.need_resched:
                self._schedule(cpu)
            else:
                break
        done_at = cpu.done_at
        if done_at is not None and (cpu.planned is None or done_at < cpu.planned):
            cpu.planned = done_at
            self.engine.at(done_at, self._burst_ends, cpu, BURST_RANK)

    def _burst_ends(self, cpu: CPU) -> None:
        """The moment at which `curr` may have finished its step; if it was interrupted since, look again later."""
        now = self.engine.now
        if cpu.planned != now:
            return
        cpu.planned = None
        if cpu.done_at is not None and not cpu.queued:
            cpu.queued = True
            self._settling.append(cpu)

    def _schedule(self, cpu: CPU) -> None:
        """Ask the policy who runs next, and switch."""
        now, policy, prev = self.engine.now, self.policy, cpu.curr
        if now > cpu.since:
            self._charge(cpu)
        if prev is not cpu.idle and prev.state != RUNNING:
            policy.dequeue(prev, cpu, "exit" if prev.state == ZOMBIE else "sleep")
            self._must_move.pop(prev, None)
        moving = self._must_move.pop(prev, None) if self._must_move else None
        if moving is not None:
            policy.dequeue(prev, cpu, "migrate")
            policy.set_down(cpu, prev)
        if cpu.picked_at == now:
            self._count_pick(cpu)
        else:
            cpu.picked_at, cpu.picks = now, 1
        next_ = policy.pick(cpu, prev)
        cpu.need_resched = False  # whatever the pick itself has noticed is answered by it
        if next_ is None:
            next_ = cpu.idle
        was_on = cpu
        if next_ is not prev:
            if type(next_) is not policy.Task or next_.state != READY or next_.allowed is not None:
                self._check_pick(cpu, next_)
            cpu.curr = next_
            was_on = next_.last_cpu
            if prev is not cpu.idle and prev.state == RUNNING:
                prev.state = READY
            next_.state = RUNNING
            if next_ is not cpu.idle:
                if next_.cpu is not cpu:
                    self.migrate(next_, cpu)
                next_.last_cpu = cpu
            self.idle_cpus += (next_ is cpu.idle) - (prev is cpu.idle)
            record = self.record
            tell = record.resume if prev is cpu.idle else record.rest if next_ is cpu.idle else record.switch
            tell(now, next_.id, cpu.id, prev.id, prev.state)
        elif next_ is not cpu.idle:
            if next_.state == READY:  # a signal ended its sleep inside this pick
                next_.state = RUNNING
            if next_.state != RUNNING:
                raise PolicyError(f"{policy.name} picks {next_.name} on {cpu.name}, but it is {_state(next_)}")
            self.record.keep(now, next_.id, cpu.id)
        start = now + self._cost(cpu, next_ is not prev, was_on) if self._costs else now
        cpu.since = start
        remaining = next_.remaining
        cpu.done_at = None if remaining == FOREVER else start + remaining
        if next_ is not prev and prev is not cpu.idle:
            if moving is not None:
                self._place(prev, moving)
            elif prev.state == READY and self._puts:
                policy.put_prev(cpu, prev)
            elif prev.state == ZOMBIE:
                policy.exit(prev)
                self._bury(prev)

    def _count_pick(self, cpu: CPU) -> None:
        """It has chosen at this instant before."""
        cpu.picks += 1
        if cpu.picks > PICKS_WITHOUT_TIME + 4 * len(self.tasks):  # that many may well go to sleep at one instant
            raise Loop(
                f"{cpu.name} has chosen {cpu.picks - 1:,} times at {show(self.now)} without time passing: "
                f"{self.policy.name} asks it to choose again and again, or tasks only yield to each other"
            )

    def _check_pick(self, cpu: CPU, task: Any) -> None:
        """A policy, a learner's too, may only pick a task that is ready and not running elsewhere."""
        if task is cpu.idle:
            return
        if not isinstance(task, Task) or task.id == NOBODY:
            raise PolicyError(f"{self.policy.name}.pick must return a task or None, not {task!r}")
        but = ""
        if task.state == RUNNING:
            but = f"runs on {task.cpu} already"
        elif task.state != READY:
            but = f"is {_state(task)}"
        elif task.allowed is not None and cpu.id not in task.allowed:
            but = _may_use(task)
        if but:
            raise PolicyError(f"{self.policy.name} picks {task.name} on {cpu.name}, but it {but}")

    def _cost(self, cpu: CPU, switched: bool, was_on: CPU | None) -> int:
        """How long this pick keeps the CPU from its task: waiting for the lock, holding it, switching, warming (ns)."""
        now, held = self.engine.now, self.lock_ns + self.look_ns * self.policy.looks_at(cpu)
        waited = 0
        if held:
            lock = self.policy.lock(cpu)
            free = self._locks.get(lock, 0)
            waited = max(0, free - now)
            self._locks[lock] = now + waited + held
            self.record.lock(now, self._lock_number(lock), cpu.id, waited, held)
        cold = 0
        if self.cache_ns and was_on is not None and was_on is not cpu:
            cold = self.cache_ns * self.topology.distance(was_on.id, cpu.id) // LOCAL_DISTANCE
            self.record.warms(now, cpu.curr.id, cpu.id, was_on.id, cold)
        return waited + held + cold + (self.switch_ns if switched else 0)

    def _lock_number(self, lock: str) -> int:
        return list(self._locks).index(lock)

    @property
    def lock_names(self) -> list[str]:
        """The locks that were taken, by number."""
        return list(self._locks)

    # -- what tasks do --------------------------------------------------------------------------

    def _next_step(self, cpu: CPU) -> None:
        """`curr` has finished a step: take the next ones until one needs time, sleeps or gives the CPU up."""
        task = cpu.curr
        policy, engine = self.policy, self.engine
        now = engine.now
        if task.in_kernel:
            task.in_kernel = False
            policy.system_return(cpu, task)
            if cpu.need_resched:
                task.remaining = 0
                cpu.done_at = None  # the next step is taken when it runs again
                return
        for _ in range(STEPS_WITHOUT_TIME):
            step = self._take(task)
            op = step[0]
            if op == RUN or op == SYSTEM:
                ns = step[1]
                task.remaining = ns
                task.in_kernel = op == SYSTEM
                if ns == 0 and op == RUN:
                    continue
                cpu.done_at = None if ns == FOREVER else max(now, cpu.since) + ns
                return
            task.remaining = 0
            cpu.done_at = now
            if op == SLEEP or op == DISK_SLEEP:
                if step[1] != FOREVER:
                    task.wake_ticket = engine.at(now + step[1], self._wake_by_timer, task, self._wake_rank + task.id)
                return self._block(cpu, DISK if op == DISK_SLEEP else SLEEPING)
            if op == WAIT:
                if self._pending_wakes.get(step[1], 0):
                    self._pending_wakes[step[1]] -= 1
                    continue
                self._channels.setdefault(step[1], deque()).append(task)
                return self._block(cpu, SLEEPING)
            if op == LOCK:
                if not self._mutex(self.mutexes.lock, task, step[1]):
                    task.retry = None if self.mutexes.inherit else step
                    return self._block(cpu, DISK)
                continue
            if op == EXIT:
                return self._exit(cpu)
            if op == YIELD:
                self.record.yields(now, task.id, cpu.id)
                policy.yields(cpu, task)
                if cpu.need_resched:
                    cpu.done_at = None
                    return
                continue
            self._small_step(cpu, task, step)
            if cpu.need_resched:
                cpu.done_at = None
                return
        raise Loop(f"{task.name} has taken {STEPS_WITHOUT_TIME:,} steps at {show(now)} without using time")

    def _take(self, task: Any) -> Step:
        """The next step of a behaviour; its end means exit."""
        if task.retry is not None:
            step, task.retry = task.retry, None
            return step
        steps = task.steps
        try:
            if task.answer is not None and hasattr(steps, "send"):
                answer, task.answer = task.answer, None
                return steps.send(answer)
            return next(steps)
        except StopIteration:
            return (EXIT,)

    def _small_step(self, cpu: CPU, task: Any, step: Step) -> None:
        """A step after which the task simply goes on."""
        op = step[0]
        if op == FORK:
            _op, name, behaviour, born = step
            child = self.fork(task, name, behaviour(), **born)
            task.answer = child.id if child else -11
        elif op == RENICE:
            self.renice(task, step[1])
        elif op == SETSCHEDULER:
            try:
                self.setscheduler(task, *step[1:])
            except Refused as error:
                raise ScenarioError(f"at {show(self.now)}: {error}") from None
        elif op == EXEC:
            self._exec(task)
        elif op == MOVE:
            self._send(*step[1:])
        elif op == WAKE:
            self._wake_channel(task, step[1])
        elif op == UNLOCK:
            self._mutex(self.mutexes.unlock, task, step[1])
        elif op == ALARM:
            self._set_alarm(task, step[1])
        elif op == REAP:
            for child in [t for t in self.tasks.values() if t.parent is task and t.state == ZOMBIE]:
                self._release(child, task)
        else:
            raise ValueError(f"{task.name} asks for {step!r}, which is no step; make steps with schedlab.linux.task")

    def _exec(self, task: Any) -> None:
        """sched_exec(): the new program may begin on another CPU."""
        self.record.execs(self.now, task.id, task.cpu.id)
        cpu = self._checked_cpu(self.policy.execs(task), task)
        if cpu is not task.cpu:
            self.move_running(task, cpu)

    def _mutex(self, call: Callable[[Any, str], Any], task: Any, name: str) -> Any:
        """Take a mutex or let it go; what the kernel refuses is told with the time."""
        try:
            return call(task, name)
        except Refused as error:
            raise ScenarioError(f"at {show(self.now)}: {error}") from None

    def wake_for_mutex(self, task: Any, waker: Any) -> None:
        """The wait for a mutex is over."""
        self._make_ready(task, "wake", waker.id)

    def set_priority(self, task: Any, policy: int, rt_priority: int) -> None:
        """rt_mutex_setprio(): as sched_setscheduler() does it, but nothing is said about it."""
        if self.now > task.cpu.since:
            self._charge(task.cpu)
        self.policy.setscheduler(task, task.cpu, policy, rt_priority)

    def _set_alarm(self, task: Any, ns: int) -> None:
        """alarm(): another one takes the place of the first."""
        if self.policy.looks_for_alarms:
            task.alarm_due = self.jiffies + max(1, ns // self.tick_ns)
            return
        if task.alarm_ticket:
            self.engine.cancel(task.alarm_ticket)
        task.alarm_ticket = self.engine.at(self.now + ns, self._alarm_rings, task, self._wake_rank + task.id)

    def _alarm_rings(self, task: Any) -> None:
        """it_real_fn(): the timer's interrupt sends the signal, which wakes whoever sleeps interruptibly."""
        task.alarm_ticket = 0
        if task.state in (ZOMBIE, GONE):
            return
        self.record.signal(self.now, task.id, task.cpu.id)
        self.wake_now(task)

    def _block(self, cpu: CPU, state: int) -> None:
        task = cpu.curr
        task.state = task.sleeps_as = state
        task.remaining = 0
        cpu.done_at = None
        self._schedule(cpu)

    def _wake_channel(self, waker: Any, channel: str) -> None:
        sleepers = self._channels.get(channel)
        if sleepers:
            self._make_ready(sleepers.popleft(), "wake", waker.id)
        else:
            self._pending_wakes[channel] = self._pending_wakes.get(channel, 0) + 1

    def fork(
        self, parent: Any, name: str, behaviour: Iterable[Step], *, id: int | None = None, **born: Any
    ) -> Any | None:
        """`parent` creates a child that inherits its nice value and policy; None where there is no room (EAGAIN)."""
        policy, rt_priority = self.mutexes.own_priority(parent)
        inherited = {"nice": parent.nice, "policy": policy, "rt_priority": rt_priority, "allowed": parent.allowed}
        self._count_fork(name)
        child = self.create(name, behaviour, id=id, parent=parent, **{**inherited, **born})
        if child is None:
            self.record.no_slot(self.now, parent.id, parent.cpu.id)
            return None
        self._charge(parent.cpu)
        self.policy.fork(child, parent)
        self._make_ready(child, "fork", parent.id)
        return child

    def _count_fork(self, name: str) -> None:
        if self._forked_at != self.now:
            self._forked_at, self._forks = self.now, 0
        self._forks += 1
        if self._forks > FORKS_WITHOUT_TIME:
            at_once = f"{self._forks:,} tasks forked at {show(self.now)}"
            raise Loop(f"{name} would be one of {at_once} without using time: do these tasks fork for ever?")

    def renice(self, task: Any, nice: int) -> None:
        """Change a nice value, from inside or outside."""
        old, cpu = task.nice, task.cpu
        self._charge(cpu)
        self.policy.renice(task, cpu, nice)
        task.nice = nice
        self.record.renice(self.now, task.id, cpu.id, nice, old)

    def setscheduler(self, task: Any, policy: int, rt_priority: int, dl: tuple[int, int, int] | None = None) -> None:
        """Give a task another class, from inside or outside; `dl` are the numbers of SCHED_DEADLINE, ns."""
        self._charge(task.cpu)
        task.wanted_dl = dl
        if not self.mutexes.changed(task, policy, rt_priority):
            self.policy.setscheduler(task, task.cpu, policy, rt_priority)
            self.mutexes.adjust(self.mutexes.moved(task))
        self.class_changes += 1
        self.record.setscheduler(self.now, task.id, task.cpu.id, policy, rt_priority)

    def set_affinity(self, task: Any, allowed: frozenset[int] | None) -> None:
        """sched_setaffinity(): who may not stay is moved; a running task as soon as its CPU has chosen another."""
        self._charge(task.cpu)
        self.policy.affinity(task)
        task.allowed = allowed
        self._must_move.pop(task, None)
        if allowed is None or task.cpu.id in allowed:
            return
        cpu = self.cpus[min(allowed)]
        if task.state == RUNNING:
            self.move_running(task, cpu)
        elif task.state == READY:
            self.policy.dequeue(task, task.cpu, "migrate")
            self._place(task, cpu)
        elif task.state not in (ZOMBIE, GONE):
            self.migrate(task, cpu)

    def move_running(self, task: Any, cpu: CPU) -> None:
        """A running task goes to another CPU as soon as its own has chosen again."""
        if not self.policy.send_away(task, cpu):
            self._must_move[task] = cpu
            self.resched(task.cpu)

    def _send(self, task: Any, cpu: CPU) -> None:
        """migration_cpu_stop(): unless the task is gone, or has been moved or forbidden that CPU since."""
        if task.state == READY and task.cpu is not cpu and (task.allowed is None or cpu.id in task.allowed):
            self.policy.dequeue(task, task.cpu, "migrate")
            self._place(task, cpu)

    def _place(self, task: Any, cpu: CPU) -> None:
        """__migrate_task(): to a CPU that it may use; there it may preempt."""
        if self.now > cpu.since:
            self._charge(cpu)
        self.migrate(task, cpu)
        self.policy.enqueue(task, cpu, "migrate")
        if self.policy.preempts(cpu, task):
            self.resched(cpu)

    def yield_now(self, cpu: CPU) -> None:
        """The running task yields, asked from outside its behaviour."""
        self._charge(cpu)
        self.record.yields(self.now, cpu.curr.id, cpu.id)
        self.policy.yields(cpu, cpu.curr)

    def exit_now(self, cpu: CPU) -> None:
        """The running task exits, asked from outside its behaviour."""
        self._charge(cpu)
        self._exit(cpu)

    def kill(self, task: Any) -> None:
        """End a task from outside, whatever it is doing."""
        if task.state == RUNNING:
            return self.exit_now(task.cpu)
        if task.state in (ZOMBIE, GONE):
            return
        was = task.state
        self._stop_waiting(task)
        task.state = ZOMBIE
        self.alive -= 1
        if was == READY:
            self.policy.dequeue(task, task.cpu, "exit")
        self.mutexes.leave(task)
        self.record.kill(self.now, task.id, task.cpu.id, NOBODY, was)
        self.policy.exit(task)
        self._bury(task)

    def wake_now(self, task: Any) -> None:
        """End a sleep from outside: a key, a packet. Nothing happens to a task that does not sleep."""
        if task.state == SLEEPING:
            self._stop_waiting(task)
            self._make_ready(task, "wake", NOBODY)

    def _stop_waiting(self, task: Any) -> None:
        """A sleep that has ended in another way: no timer and nobody on its channel may wake the task any more."""
        if task.wake_ticket:
            self.engine.cancel(task.wake_ticket)
            task.wake_ticket = 0
        for sleepers in self._channels.values():
            if task in sleepers:
                sleepers.remove(task)

    def _exit(self, cpu: CPU) -> None:
        task = cpu.curr
        self.record.exit(self.now, task.id, cpu.id)
        task.state = ZOMBIE
        self.alive -= 1
        self.mutexes.leave(task)
        task.remaining = 0
        cpu.done_at = None
        self.resched(cpu)

    def _bury(self, dead: Any) -> None:
        """Children of the dead have no parent any more; a dead task without a parent leaves no trace."""
        for child in self.tasks.values() if dead.id in self._parents else ():
            if child.parent is dead:
                child.parent = None
                if child.state == ZOMBIE:
                    self._release(child, None)
        if dead.parent is None:
            self._release(dead, None)

    def _release(self, task: Any, by: Any) -> None:
        if by is None:
            self.record.gone(self.now, task.id, task.cpu.id)
        else:
            self.record.reap(self.now, task.id, task.cpu.id, by.id)
        task.state = GONE
        self.policy.release(task)


def _may_use(task: Any) -> str:
    return f"may only use CPU {', '.join(map(str, sorted(task.allowed)))}"


def _state(task: Any) -> str:
    return LINUX.states[task.state]
