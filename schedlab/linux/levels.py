"""The two levels above a scheduler: who is let into the machine, and who must leave its memory for a while.

A scheduler is the short-term level: it picks from the ready tasks, many times a second. The
long-term level decides once for each job, when it is admitted; the medium-term level decides every
few seconds, which process is swapped out. Here are their rules alone; what they decide is carried
out by `schedlab.linux.swapping`.

job      a task of the scenario from when it is submitted until it exits; children that it forks are not counted
pool     submitted jobs that are not admitted yet, in order of submission
image    all the memory of one process: it is in core (main memory), on the swap device, or on its way
p_time   seconds since the image came to where it is, at most 127: how often the clock has struck a whole second

The flaw: a process moves as a whole, with all that it does not use just now, and for seconds
nobody gains from it. Linux has never done so: it moves single pages.
Upstream, medium term: ken/slp.c (sched) and ken/clock.c (clock) of Unix, Sixth Edition. Long term: IBM's JES3, to
which a job says whether it does much I/O for its computing (IORATE of the //*MAIN statement, "z/OS MVS JCL User's
Guide") and the installation, how that decides who is next (CHOICE and JOBMIX of the SELECT statement, "z/OS JES3
Initialization and Tuning Guide"). JES3 knows a medium rate too, and mixes of any kind; the rule here is the plainest,
as many of the one kind as of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from schedlab.linux.kinds import OUT, SLEEPING

SECOND = 1_000_000_000  # ns
MIN_OUT = 3  # seconds on the swap device before somebody who could run must make room (sched)
MIN_IN = 2  # seconds in core before one must (sched)
MAX_P_TIME = 127  # seconds; p_time is a char (clock)

IO, CPU = "io", "cpu"
KINDS = (IO, CPU)  # of jobs: I/O-bound, CPU-bound


# -- medium term: who has memory ----------------------------------------------------------------------


class Image:
    """The memory of a process, and where it is."""

    __slots__ = ("task", "size", "address", "loaded", "locked", "since", "has_run", "ended")

    def __init__(self, task: Any, size: int, now: int) -> None:
        self.task = task
        self.size = size  # bytes
        self.address: int | None = None  # in core; None when it has no room there
        self.loaded = False  # SLOAD: all of it is in core, the process can run
        self.locked = False  # SLOCK: on its way, or being copied
        self.since = now  # ns: when it came to where it is
        self.has_run = False  # has it ever been ready in core?
        self.ended = False  # its process has exited

    def p_time(self, now: int) -> int:
        """Whole seconds that the clock has struck since it came to where it is."""
        return min(now // SECOND - self.since // SECOND, MAX_P_TIME)


def to_swap_in(images: Iterable[Image], now: int) -> Image | None:
    """sched(): of all that could run but are out, the one that is out longest."""
    return longest([image for image in images if image.task.state == OUT and not image.locked], now)


def to_swap_out(images: Iterable[Image], wanted: Image, now: int) -> Image | None:
    """sched(): who makes room for `wanted`; None if nobody has to yet.

    The first that sleeps goes, whoever it is. If none does, `wanted` must have been out for 3 seconds; then
    the one goes that is in core longest, if that is 2 seconds.
    """
    loaded = [image for image in images if image.loaded and not image.locked]
    for image in loaded:
        if image.task.state == SLEEPING:
            return image
    if wanted.p_time(now) < MIN_OUT:
        return None
    oldest = longest(loaded, now)
    return oldest if oldest is not None and oldest.p_time(now) >= MIN_IN else None


def longest(images: Sequence[Image], now: int) -> Image | None:
    """Who has the greatest p_time; of equals the first in the table, which is the one created first."""
    return max(images, key=lambda image: image.p_time(now), default=None)


# -- long term: who is let in ---------------------------------------------------------------------------


class Job:
    """A job from its submission on. `begin(id)` makes a task of it; `fields` are those the task is born with."""

    __slots__ = ("id", "name", "kind", "fields", "begin", "state")

    def __init__(self, name: str, kind: str | None, fields: dict[str, Any], begin: Callable[[Job], None]) -> None:
        self.id = -1  # given when it is submitted
        self.name = name
        self.kind = kind
        self.fields = fields
        self.begin = begin
        self.state = 0  # in the pool, until it is a task or withdrawn


def first(pool: Sequence[Job], admitted: Iterable[Job]) -> Job:
    """In order of submission."""
    return pool[0]


def best_mix(pool: Sequence[Job], admitted: Iterable[Job]) -> Job:
    """Of the kind of which fewer are in, the first that was submitted; the first of all where both are equal."""
    kinds = [job.kind for job in admitted]
    io, cpu = kinds.count(IO), kinds.count(CPU)
    if io == cpu:
        return pool[0]
    fewer = IO if io < cpu else CPU
    return next((job for job in pool if job.kind == fewer), pool[0])


ADMISSION: dict[str, Callable[[Sequence[Job], Iterable[Job]], Job]] = {"fifo": first, "balanced": best_mix}
