"""A recorded run of a real kernel, the same workload on the model, and both in one table."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from schedlab.linux import replay, replay_old
from schedlab.linux.kinds import LINUX
from schedlab.linux.recorded import Model, Recording, Stretch, Traced, first_divergence, read_recording
from schedlab.sim import MS, S
from schedlab.trace import Trace

SHARE_POINTS = 0.01  # tolerance: of the total
SWITCH_PART = 0.05
WAIT_PART = 0.10  # or one tick


def play(recording: Recording) -> Model:
    """Run the workload on the model of its kernel. Raises Unmodelled."""
    return replay.play(recording) if isinstance(recording, Traced) else replay_old.play(recording)


def trace_of(recording: Recording, model: Model) -> Trace:
    """The model's run as a trace, its clock set to 0 at the release: all that came before stands at 0."""
    stage = model.stage
    release = stage.released or 0
    time, *columns = stage.recorder.columns
    shifted = array("q", (max(0, when - release) for when in time))
    names = {"task": stage.machine.names, "cpu": [cpu.name for cpu in stage.machine.cpus]}
    source = f"simulated: {model.policy}, {recording.hz} ticks a second, a workload recorded on {recording.kernel}"
    about = {"title": recording.workload, "from": source}
    return Trace(LINUX, (shifted, *columns), names, end=recording.window, about=about)


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

    @property
    def ok(self) -> bool:
        """No tolerance is exceeded."""
        return all(line.ok for line in self.lines)

    def __str__(self) -> str:
        return "\n".join(table(self))


def compare_with_recording(path: str | Path) -> Comparison:
    """Run a recorded workload on the model of its kernel, and set both side by side.

    `path` is the JSON file of the recording. Raises RecordingError for one that cannot be read, and Unmodelled
    where there is no model of its kernel or its tasks.
    """
    recording = read_recording(path)
    model = play(recording)
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
                Figure(*switches, ok=abs(switches[0] - switches[1]) <= SWITCH_PART * switches[0]),
                Figure(*wait, ok=abs(wait[0] - wait[1]) <= max(WAIT_PART * wait[0], recording.tick)),
            )
        )
    return Comparison(recording, model, tuple(lines), divergence(recording, model))


def divergence(recording: Recording, model: Model) -> Divergence | None:
    """Where the order of turns, or their times, first differ."""
    at = first_divergence(recording.stretches, model.turns, recording.tick)
    if at is None:
        return None
    kernel, mine = (turns[at] if at < len(turns) else None for turns in (recording.stretches, model.turns))
    time = min(turn.start for turn in (kernel, mine) if turn)
    real, ours = (turn.task if turn else "nobody" for turn in (kernel, mine))
    return Divergence(at, time, real, ours, cause(recording, kernel, mine))


def cause(recording: Recording, kernel: Stretch | None, model: Stretch | None) -> str:
    """What can be told of a divergence from the two turns alone."""
    if kernel is None or model is None:
        return "one of the two ends here: a turn at the very end of the window"
    apart = abs(model.start - kernel.start) / MS
    side = "later" if model.start > kernel.start else "earlier"
    if kernel.task == model.task:
        return f"its turn began {apart:.1f} ms {side} in the model: the slice or the sleep before had another length"
    if apart > recording.tick / MS / 2:
        return f"the turn before ended {apart:.1f} ms {side} in the model"
    return "chosen at the same moment: the two are equal in what the model compares, or it does not know all"


def table(comparison: Comparison) -> Iterator[str]:
    """The table as lines of text; a `!` stands behind a number that is out of its tolerance."""
    recording, model = comparison.recording, comparison.model
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
