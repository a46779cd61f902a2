"""A machine with three levels: jobs are admitted, processes are swapped out and in, and a scheduler picks.

The rules are those of `schedlab.linux.levels`, the scheduler is any of the family. To it, who is
swapped out goes to sleep, uninterruptibly, and who is back wakes up.

swapper      process 0 of Unix: it asks for one transfer at a time and sleeps until that is done
swap device  does one transfer at a time; each takes time for every byte
RUNOUT       the swapper sleeps because nobody is out who could run; the next who could wakes it
RUNIN        the swapper sleeps because nobody has to leave yet; it looks again when a task goes to sleep
             (not for a disk), and at each whole second. That an exit leaves room it learns only then.

Upstream: ken/slp.c (sched, sleep, setrun, newproc), ken/text.c (xswap) and ken/clock.c (clock) of Unix, Sixth Edition.
Not as there: the swapper costs no CPU time, there are no shared texts, the swap device is never full, a process
neither grows nor shrinks, the table of processes is in the order of their creation, and a signal that kills ends one
that is swapped out at once, not when it is back. A process of the scenario that finds no room is on the swap device
from the start, and nobody waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schedlab.linux.coremap import CoreMap
from schedlab.linux.kinds import DISK, GONE, HELD, OUT, OUT_ASLEEP, OUT_DISK, READY, RUNNING, SLEEPING
from schedlab.linux.levels import ADMISSION, SECOND, Image, Job, to_swap_in, to_swap_out
from schedlab.linux.machine import BURST_RANK, CPU, Machine
from schedlab.linux.policy import Policy
from schedlab.linux.task import Step
from schedlab.sim import Engine
from schedlab.trace import NOBODY, Recorder

ADMIT_RANK, SWAP_RANK = BURST_RANK + (1 << 20), BURST_RANK + (2 << 20)  # the last of an instant
MEGABYTE = 1 << 20  # bytes
RUNOUT, RUNIN = "runout", "runin"
SWAPPED = {READY: OUT, RUNNING: OUT, SLEEPING: OUT_ASLEEP, DISK: OUT_DISK}  # what a task is while it is out


class SwappingMachine(Machine):
    """`memory` is in bytes, None for enough; `swap_ns` is how long the transfer of a megabyte takes.

    At most `jobs` jobs are in at a time, None for any number; `admission` names the rule of who is next.
    """

    def __init__(
        self,
        policy: Policy,
        engine: Engine,
        recorder: Recorder,
        *,
        memory: int | None = None,
        swap_ns: int = 0,
        jobs: int | None = None,
        admission: str = "fifo",
        **settings: Any,
    ) -> None:
        super().__init__(policy, engine, recorder, **settings)
        self.living += (OUT, OUT_ASLEEP, OUT_DISK)
        self.core = None if memory is None else CoreMap(memory)
        self.images: dict[int, Image] = {}  # of the living, by number of their task; the order is that of the table
        self.swap_ns = swap_ns
        self.device_free = 0  # ns: when the swap device has done all that it was asked for
        self.swapper_sleeps: str | None = RUNOUT
        self.looks_at = -1  # ns: the whole second at which a swapper that sleeps on RUNIN looks again
        self.most_jobs = jobs
        self.next_of = ADMISSION[admission]
        self.pool: list[Job] = []
        self.withdrawn: list[Job] = []
        self.admitted: dict[int, Job] = {}  # by number of their task

    # -- long term: jobs ------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """A job comes to the pool; where any number may be in, it begins at once."""
        job.id = len(self.names)
        if self.most_jobs is None:
            return job.begin(job)
        self.names.append(job.name)
        self.alive += 1  # it has not ended
        job.state = HELD
        self.pool.append(job)
        self.record.submit(self.now, job.id)
        self.engine.at(self.now, self._admit, None, ADMIT_RANK)

    def _admit(self, _nothing: None = None) -> None:
        """Let jobs in while there is a place and somebody wants it."""
        while self.pool and self.most_jobs is not None and len(self.admitted) < self.most_jobs:
            job = self.next_of(self.pool, self.admitted.values())
            self.pool.remove(job)
            self.admitted[job.id] = job
            self.alive -= 1  # and is counted again as a task
            self.record.admit(self.now, job.id, NOBODY, len(self.admitted), self.most_jobs)
            job.begin(job)

    def withdraw(self, job: Job) -> None:
        """A job that was never admitted is killed."""
        self.pool.remove(job)
        self.withdrawn.append(job)
        job.state = GONE
        self.alive -= 1
        self.record.withdraw(self.now, job.id)

    def boot(self) -> None:
        """Jobs that are there from the start are admitted before the CPUs choose."""
        self._admit()
        super().boot()

    # -- medium term: the swapper ---------------------------------------------------------------

    def _wake_swapper(self, slept: str) -> None:
        """wakeup(): it runs before this instant ends, if this is what it sleeps for."""
        if self.swapper_sleeps == slept:
            self.swapper_sleeps = None
            self.engine.at(self.now, self._sched, None, SWAP_RANK)

    def _second(self, when: int) -> None:
        """clock(): a whole second."""
        self._wake_swapper(RUNIN)

    def _sched(self, _nothing: None = None) -> None:
        """sched(): bring in who is out longest; if there is no room, take somebody out; sleep if nobody has to go."""
        assert self.core is not None
        now, images = self.now, self.images.values()
        wanted = to_swap_in(images, now)
        if wanted is None:
            self.swapper_sleeps = RUNOUT
            return
        address = self.core.take(wanted.size)
        if address is not None:
            return self._swap_in(wanted, address)
        victim = to_swap_out(images, wanted, now)
        if victim is not None:
            return self._swap_out(victim)
        self.swapper_sleeps = RUNIN
        next_second = (now // SECOND + 1) * SECOND
        if self.looks_at != next_second:
            self.looks_at = next_second
            self.engine.at(next_second, self._second, next_second, SWAP_RANK)

    def _swap_in(self, image: Image, address: int) -> None:
        task = image.task
        image.address, image.locked = address, True
        self.record.swap_in(self.now, task.id, task.cpu.id, image.size)
        self.engine.at(self._transferred(image), self._is_in, image, SWAP_RANK)

    def _is_in(self, image: Image) -> None:
        """The swapper has brought an image in: its process is ready, unless it was killed meanwhile."""
        image.locked = False
        image.loaded, image.since = True, self.now
        if image.ended:
            self._free(image)
        else:
            self.record.swapped_in(self.now, image.task.id, image.task.cpu.id)
            self._make_ready(image.task, "wake", NOBODY)
        self._sched()

    def _swap_out(self, image: Image) -> None:
        """The process stops at once; its memory is free when all of it is on the swap device."""
        image.loaded, image.locked = False, True
        self._stop(image.task)
        self.engine.at(self._transferred(image), self._is_out, image, SWAP_RANK)

    def _is_out(self, image: Image) -> None:
        """The swapper has taken an image out."""
        image.locked = False
        image.since = self.now
        self._free(image)
        self._sched()

    def _stop(self, task: Any) -> None:
        """Off its queue, or off its CPU; who sleeps sleeps on."""
        cpu, was = task.cpu, task.state
        if self.now > cpu.since:
            self._charge(cpu)
        if was in (READY, RUNNING):
            task.sleeps_as = DISK
        if was == RUNNING:
            self.record.swap_out(self.now, task.id, cpu.id, RUNNING, RUNNING)  # the switch tells what it is then
            task.state = OUT
            cpu.done_at = None
            self._schedule(cpu)
            if not cpu.queued:  # the end of the next task's burst is planned when the instant settles
                cpu.queued = True
                self._settling.append(cpu)
            return
        if was == READY:
            self.policy.dequeue(task, cpu, "sleep")
        task.state = SWAPPED[was]
        self.record.swap_out(self.now, task.id, cpu.id, task.state, was)

    def _transferred(self, image: Image) -> int:
        """When the swap device will have moved an image that it is asked to move now (ns)."""
        takes = -(-self.swap_ns * image.size // MEGABYTE)
        self.device_free = max(self.device_free, self.now) + takes
        return self.device_free

    def _free(self, image: Image) -> None:
        """mfree(): others may have the memory of an image."""
        assert self.core is not None
        assert image.address is not None
        self.core.give(image.address, image.size)
        image.address = None
        self.record.freed(self.now, image.task.id, image.task.cpu.id, image.size)

    # -- tasks come and go ----------------------------------------------------------------------

    def create(self, name: str, behaviour: Iterable[Step], *, memory: int = 0, **more: Any) -> Any | None:
        """A child needs as much memory as its parent; kernel threads need none."""
        task = super().create(name, behaviour, **more)
        parent = more.get("parent")
        size = self.images[parent.id].size if parent is not None and parent.id in self.images else memory
        if task is not None and self.core is not None and size:
            self._give_memory(task, size)
        return task

    def _give_memory(self, task: Any, size: int) -> None:
        """Room for a new process, if there is any."""
        assert self.core is not None
        image = self.images[task.id] = Image(task, size, self.now)
        image.address = self.core.take(size)
        image.loaded = image.address is not None
        if image.loaded:
            self.record.placed(self.now, task.id, task.cpu.id, size)
        else:
            self.record.no_room(self.now, task.id, task.cpu.id)

    def fork(self, parent: Any, name: str, behaviour: Iterable[Step], **more: Any) -> Any | None:
        """newproc(): where there is no room for a child, its parent waits until it is written to the swap device."""
        child = super().fork(parent, name, behaviour, **more)
        image = None if child is None else self.images.get(child.id)
        if image is not None and not image.loaded:
            image.locked = self.images[parent.id].locked = True
            parent.state = parent.sleeps_as = DISK
            self.resched(parent.cpu)
            self.engine.at(self._transferred(image), self._is_copied, (image, self.images[parent.id]), SWAP_RANK)
        return child

    def _is_copied(self, copied: tuple[Image, Image]) -> None:
        """The child is on the swap device, and its parent goes on."""
        image, parent = copied
        image.locked = parent.locked = False
        image.since = self.now
        if parent.ended:
            self._free(parent)
        else:
            self._make_ready(parent.task, "wake", NOBODY)
        self._wake_swapper(RUNOUT)

    def kill(self, task: Any) -> None:
        """A task that runs exits; of all others the memory is free now."""
        runs = task.state == RUNNING
        super().kill(task)
        if not runs:
            self._leave(task)

    def _exit(self, cpu: CPU) -> None:
        super()._exit(cpu)
        self._leave(cpu.curr)

    def _leave(self, task: Any) -> None:
        """A process that has ended gives its memory back, and its place if it was a job."""
        image = self.images.pop(task.id, None)
        if image is not None:
            image.ended = True
            if image.address is not None and not image.locked:
                self._free(image)
        if self.admitted.pop(task.id, None) is not None:
            self.engine.at(self.now, self._admit, None, ADMIT_RANK)

    # -- sleeping and waking, when it matters who is in memory ------------------------------------

    def _block(self, cpu: CPU, state: int) -> None:
        super()._block(cpu, state)
        if state == SLEEPING:
            self._wake_swapper(RUNIN)

    def _make_ready(self, task: Any, why: str, waker: int) -> None:
        image = self.images.get(task.id)
        if image is None:
            return super()._make_ready(task, why, waker)
        if not image.loaded:
            return self._could_run(task)
        if not image.has_run and why == "wake":
            why = "new"  # it began on the swap device
        image.has_run = True
        super()._make_ready(task, why, waker)

    def _could_run(self, task: Any) -> None:
        """setrun(): a process that is out wants to come in."""
        was, task.state = task.state, OUT
        self.record.out_ready(self.now, task.id, task.cpu.id, OUT, was)
        self._wake_swapper(RUNOUT)

    def _end_sleep(self, task: Any) -> None:
        image = self.images.get(task.id)
        if image is None or image.loaded:
            return super()._end_sleep(task)
        self._stop_waiting(task)
        self._could_run(task)

    def signal(self, task: Any) -> None:
        """As in core: it ends an interruptible sleep alone."""
        if task.state == OUT_DISK:
            return
        super().signal(task)
        if task.state == OUT_ASLEEP:
            self._end_sleep(task)

    def wake_now(self, task: Any) -> None:
        """As in core."""
        if task.state == OUT_ASLEEP:
            self._stop_waiting(task)
            self._could_run(task)
        else:
            super().wake_now(task)

    @property
    def everybody(self) -> list[Any]:
        """All tasks, and the jobs that are none yet or never will be."""
        return [*self.tasks.values(), *self.pool, *self.withdrawn]
