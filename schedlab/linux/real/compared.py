"""A recorded run of a real kernel, the same workload on the model, and both in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from schedlab.linux.kinds import LINUX, READY, RUNNING, SLEEPING
from schedlab.linux.real import replay, replay_many, replay_old
from schedlab.linux.real.recorded import (
    LEFT,
    Model,
    Recording,
    Spread,
    Stretch,
    Traced,
    Unmodelled,
    first_divergence,
    read_recording,
)
from schedlab.sim import MS, US, S
from schedlab.trace import NOBODY, Recorder, Trace

SHARE_POINTS = 0.01  # tolerance: of the total
SWITCH_PART = 0.05  # or one switch: of three, that is the least by which two can differ
WAIT_PART = 0.10  # or one tick

# tolerances on several CPUs, where nothing else is judged
SHARE_POINTS_OF_MANY = 0.05  # of the total
PULL_PART = 0.20  # of the time until the first pull
FINEST_NS = 1 * MS  # no time between two CPUs of an emulator means less
MIGRATIONS_FACTOR = 2

WAKE = next(kind.id for kind in LINUX.kinds if kind.name == "wake")
STATE_LEFT = {letter: state for state, letter in LEFT.items()}


def play(recording: Recording) -> Model:
    """Run the workload on the model of its kernel. Raises Unmodelled."""
    if isinstance(recording, Spread):
        return replay_many.play(recording)
    return replay.play(recording) if isinstance(recording, Traced) else replay_old.play(recording)


# -- as traces ----------------------------------------------------------------------------------------


def trace_of(recording: Recording, model: Model | None = None) -> Trace:
    """The recording as a trace; with `model`, the model's run of it in the same form, to be set beside it.

    Both have the recorded tasks alone, in their order, and the turns that the table compares: one row for each change
    of turns, and one for each wake-up after the release where the kernel's are recorded. A task is shown on the CPU
    until the next turn begins, unless half a tick or more lies between. The model's `about["tolerance"]` is that half
    tick in ns: so far its rows may lie from the kernel's and still be called the same.
    Raises Unmodelled for a recording on several CPUs.
    """
    if isinstance(recording, Spread):
        raise Unmodelled("turns on several CPUs are not compared")
    names = [job.name for job in recording.jobs]
    wakes = wake_ups(recording, model)
    rows = sorted(
        [(when, 0, name, None) for when, name in wakes]
        + [(turn.start, 1, turn.task, turn) for turn in (model.turns if model else recording.stretches)],
        key=lambda row: row[:2],
    )
    released = recording.has_barrier or not isinstance(recording, Traced)
    writer = TurnWriter(recording, first_state=READY if released else SLEEPING)
    for when, _rank, name, turn in rows:
        if turn is None:
            writer.wake(when, name)
        else:
            writer.begin(turn)
    writer.end()
    about: dict[str, Any] = {
        "title": f"{recording.kernel} {recording.workload}",
        "from": f"recorded: Linux {recording.kernel}; workload {recording.workload}",
        "assumptions": ["Turns of the workload's tasks only: what others took from one is part of it."],
    }
    if model:
        about["tolerance"] = recording.tick // 2
        about["title"] = f"{model.policy}, the model: {recording.workload}"
        about["from"] = f"simulated: {model.policy}, {recording.hz} ticks a second, recorded on {recording.kernel}"
    if not wakes:
        about["assumptions"].append("Wake-ups are not recorded: a task is shown asleep until it is picked.")
    return Trace(LINUX, writer.recorder.columns, {"task": names, "cpu": ["CPU 0"]}, end=recording.window, about=about)


def wake_ups(recording: Recording, model: Model | None) -> list[tuple[int, str]]:
    """When tasks woke, ns since the release; nothing where the kernel's wake-ups are not recorded."""
    if not isinstance(recording, Traced):
        return []
    if model is None:
        return list(recording.wakes)
    names, release = model.stage.machine.names, model.stage.released or 0
    known = {job.name for job in recording.jobs}
    time, kind, who, *_ = model.stage.recorder.columns
    return [(time[i] - release, names[who[i]]) for i in range(len(kind)) if kind[i] == WAKE and names[who[i]] in known]


class TurnWriter:
    """Turns and wake-ups, in the order of time, as rows of a trace."""

    def __init__(self, recording: Recording, first_state: int) -> None:
        self.recorder = Recorder(LINUX)
        self.window, self.near = recording.window, recording.tick // 2
        self.number = {job.name: k for k, job in enumerate(recording.jobs)}
        self.state = [first_state] * len(recording.jobs)
        self.last: Stretch | None = None  # the turn whose task has the CPU
        for job in recording.jobs:
            self.recorder.found(0, self.number[job.name], 0, job.nice, first_state)

    def wake(self, when: int, name: str) -> None:
        """A task wakes, if it sleeps; at the release all are ready."""
        self.leave(when)
        task = self.number[name]
        if self.state[task] == SLEEPING:
            self.recorder.wake(when, task, 0, NOBODY, SLEEPING)
            self.state[task] = READY

    def begin(self, turn: Stretch) -> None:
        """A turn begins, and with it the one before ends."""
        task, now = self.number[turn.task], max(0, turn.start)
        self.leave(now, turn.task)
        if self.state[task] == SLEEPING:
            self.recorder.wake(now, task, 0, NOBODY, SLEEPING)
        if self.last is None:
            self.recorder.resume(now, task, 0, NOBODY, RUNNING)
        else:
            before = self.number[self.last.task]
            self.state[before] = STATE_LEFT[self.last.left]
            self.recorder.switch(now, task, 0, before, self.state[before])
        self.state[task] = RUNNING
        self.last = turn

    def leave(self, now: int, to: str | None = None) -> None:
        """The CPU has nobody of the workload, if the last turn is over for long, or its task is the next as well."""
        last = self.last
        if last is None or (last.task != to and now - last.end < self.near):
            return
        task = self.number[last.task]
        self.state[task] = STATE_LEFT[last.left]
        self.recorder.rest(last.end, NOBODY, 0, task, self.state[task])
        self.last = None

    def end(self) -> None:
        """What is over before the window is."""
        self.leave(self.window)


# -- model against kernel ---------------------------------------------------------------------------


class Figure(NamedTuple):
    """One number of the kernel, the model's, and whether they are as near as they have to be."""

    kernel: float
    model: float
    ok: bool


class Line(NamedTuple):
    """One task in the table. `share` is a part of all CPU time that the tasks had, `longest_wait` is in ns."""

    task: str
    share: Figure
    switches: Figure
    longest_wait: Figure

    @property
    def ok(self) -> bool:
        """All three within their tolerance."""
        return self.share.ok and self.switches.ok and self.longest_wait.ok


class Moves(NamedTuple):
    """On several CPUs: ns until the first pull (-1: never), and how often tasks moved."""

    first_pull: Figure
    migrations: Figure

    @property
    def ok(self) -> bool:
        """Both within their tolerance."""
        return self.first_pull.ok and self.migrations.ok


class Divergence(NamedTuple):
    """The first turn in which model and kernel differ: its number, when, who, and why as far as it can be told."""

    turn: int
    time: int
    kernel: str
    model: str
    cause: str


@dataclass(frozen=True)
class Comparison:
    """A recording, the model's run of it, and the table of both."""

    recording: Recording
    model: Model
    lines: tuple[Line, ...]
    divergence: Divergence | None
    moves: Moves | None = None  # on several CPUs

    @property
    def ok(self) -> bool:
        """No tolerance is exceeded."""
        return all(line.ok for line in self.lines) and (self.moves is None or self.moves.ok)

    def __str__(self) -> str:
        return "\n".join(table(self))


def compare_with_recording(path: str | Path) -> Comparison:
    """Run a recorded workload on the model of its kernel, and set both side by side.

    `path` is the JSON file of the recording. Raises RecordingError for one that cannot be read, and Unmodelled
    where there is no model of its kernel or its tasks.
    """
    recording = read_recording(path)
    model = play(recording)
    if isinstance(recording, Spread):
        return compare_many(recording, model)
    of_kernel, of_model = sum(job.cpu for job in recording.jobs) or 1, sum(model.cpu.values()) or 1
    lines = []
    for job in recording.jobs:
        share = job.cpu / of_kernel, model.cpu.get(job.name, 0) / of_model
        switches = job.switches, model.switches.get(job.name, 0)
        wait = job.longest_wait, model.longest_wait.get(job.name, 0)
        if job.kind == "yield" and not isinstance(recording, Traced):
            # the old totals count turns that a task gave to itself; the switches do not
            switches = sum(turn.task == job.name for turn in recording.stretches), switches[1]
            wait = replay_old.longest_wait(recording.stretches, job.name), wait[1]
        lines.append(
            Line(
                job.name,
                Figure(*share, ok=abs(share[0] - share[1]) <= SHARE_POINTS),
                Figure(*switches, ok=abs(switches[0] - switches[1]) <= max(SWITCH_PART * switches[0], 1)),
                Figure(*wait, ok=abs(wait[0] - wait[1]) <= max(WAIT_PART * wait[0], recording.tick)),
            )
        )
    return Comparison(recording, model, tuple(lines), divergence(recording, model))


def compare_many(recording: Spread, model: Model) -> Comparison:
    """Shares, the first pull and migrations: all that may be judged on several CPUs."""
    of_kernel, of_model = sum(job.cpu for job in recording.jobs) or 1, sum(model.cpu.values()) or 1
    lines = []
    for job in recording.jobs:
        kernel, mine = job.cpu / of_kernel, model.cpu.get(job.name, 0) / of_model
        share = Figure(kernel, mine, ok=abs(kernel - mine) <= SHARE_POINTS_OF_MANY)
        lines.append(Line(job.name, share, Figure(0, 0, ok=True), Figure(0, 0, ok=True)))
    start = recording.unpinned or 0
    real, ours = (-1 if time is None else time - start for time in (recording.first_pull, model.first_pull))
    near = abs(real - ours) <= max(PULL_PART * real, FINEST_NS) if min(real, ours) >= 0 else real == ours
    least, most = sorted((recording.migrations, model.migrations))
    moves = Moves(
        Figure(real, ours, ok=near),
        Figure(recording.migrations, model.migrations, ok=most <= MIGRATIONS_FACTOR * least),
    )
    return Comparison(recording, model, tuple(lines), None, moves)


def divergence(recording: Recording, model: Model) -> Divergence | None:
    """Where the order of turns, or their times, first differ."""
    at = first_divergence(recording.stretches, model.turns, recording.tick)
    if at is None:
        return None
    kernel, mine = (turns[at] if at < len(turns) else None for turns in (recording.stretches, model.turns))
    time = min(turn.start for turn in (kernel, mine) if turn)
    real, ours = (turn.task if turn else "nobody" for turn in (kernel, mine))
    return Divergence(
        at, time, real, ours, cause(recording, kernel, mine, recording.stretches[at - 1].task if at else None)
    )


def cause(recording: Recording, kernel: Stretch | None, model: Stretch | None, before: str | None) -> str:
    """What can be told of a divergence from the two turns, and from who ran before."""
    if kernel is None or model is None:
        return "one of the two ends here: a turn at the very end of the window"
    apart = abs(model.start - kernel.start) / MS
    side = "later" if model.start > kernel.start else "earlier"
    if kernel.task == model.task:
        return f"its turn began {apart:.1f} ms {side} in the model: the slice or the sleep before had another length"
    if apart > recording.tick / MS / 2:
        return f"the turn before ended {apart:.1f} ms {side} in the model"
    # where one of the two began earlier, the other went on with the task before
    earlier = model.start - kernel.start > recording.tick // 8, kernel.start - model.start > recording.tick // 8
    chosen = before if earlier[1] else kernel.task, before if earlier[0] else model.task
    near = how_near(recording, chosen, kernel.start)
    if near is not None:
        return f"{chosen[0]} rather than {chosen[1]}: in the kernel {near / US:.1f} us of virtual time lay between them"
    return "chosen at the same moment: the two are equal in what the model compares, or it does not know all"


def how_near(recording: Recording, tasks: tuple[str | None, str | None], since: int) -> int | None:
    """How far the numbers of two tasks lie apart by which the kernel chose, in virtual ns; None where not recorded."""
    if not isinstance(recording, Traced):
        return None
    picks = [pick for pick in recording.picks if pick.time > since - MS]
    first = [next((pick for pick in picks if pick.task == task), None) for task in tasks]
    return None if first[0] is None or first[1] is None else abs(first[0].compared - first[1].compared)


def table(comparison: Comparison) -> Iterator[str]:
    """The table as lines of text; a `!` stands behind a number that is out of its tolerance."""
    recording, model = comparison.recording, comparison.model
    if comparison.moves is not None:
        yield from table_of_many(comparison, comparison.moves)
        return
    yield (
        f"{recording.workload}: {recording.kernel} at {recording.hz} Hz against {model.policy}, "
        f"{recording.window / S:.3g} s; {model.set_up}"
    )
    yield f"  {'task':<12}{'share':>9}{'model':>9}{'switches':>11}{'model':>8}{'longest wait':>16}{'model':>10}"
    for line in comparison.lines:
        marks = ["" if figure.ok else "!" for figure in line[1:]]
        yield (
            f"  {line.task:<12}{line.share.kernel:>9.2%}{line.share.model:>9.2%}{marks[0]:1}"
            f"{line.switches.kernel:>10.0f}{line.switches.model:>8.0f}{marks[1]:1}"
            f"{line.longest_wait.kernel / MS:>12.1f} ms{line.longest_wait.model / MS:>7.1f} ms{marks[2]:1}".rstrip()
        )
    turns, other = len(recording.stretches), comparison.divergence
    if other is None:
        yield f"  the same tasks ran at the same times, to half a tick, in all {turns} turns"
    else:
        yield (
            f"  the same in {other.turn} of {turns} turns, until {other.time / MS:.1f} ms: "
            f"the kernel ran {other.kernel}, the model {other.model} ({other.cause})"
        )


def table_of_many(comparison: Comparison, moves: Moves) -> Iterator[str]:
    """The same on several CPUs: what may be judged there."""
    recording, model = comparison.recording, comparison.model
    assert isinstance(recording, Spread)
    yield (
        f"{recording.workload}: {recording.kernel} at {recording.hz} Hz on {recording.cpus} CPUs "
        f"against {model.policy}, {recording.window / S:.3g} s; {model.set_up}"
    )
    yield f"  {'task':<12}{'share':>9}{'model':>9}"
    for line in comparison.lines:
        mark = "" if line.share.ok else "!"
        yield f"  {line.task:<12}{line.share.kernel:>9.2%}{line.share.model:>9.2%}{mark}"
    pulled = ["never" if time < 0 else f"{time / MS:.1f} ms" for time in moves.first_pull[:2]]
    since = "the tasks were unpinned" if recording.unpinned is not None else "the release"
    yield f"  first pull after {since}: {pulled[0]}, model {pulled[1]}{'' if moves.first_pull.ok else ' !'}"
    kernel, mine, near = moves.migrations
    yield f"  migrations: {kernel:.0f}, model {mine:.0f}{'' if near else ' !'}"
