"""The text form: a run in 96 columns of a terminal, for `text/plain`, screen readers and listings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schedlab.views.language import fit, width
from schedlab.views.payload import (
    ASLEEP,
    POOLED,
    PREEMPTED,
    RUNNING,
    SCHEDULER,
    SPINNING,
    STATES,
    SWAPPED,
    THROTTLED,
    WAITING,
    tame,
)
from schedlab.views.scene import SIGNS, UNITS, Scene
from schedlab.words import number

COLUMNS = 96
LABEL = 16  # columns of a lane's name at most
LEGEND = 18  # columns kept free at the right
MOST_CPUS, MOST_TASKS = 16, 12  # lanes that are shown
MOST_ROWS = 12  # of the table
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OTHER = "+"  # a task that has no single letter
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # a column is one of these times a power of ten
MARKS = {
    RUNNING: "▪", PREEMPTED: "▪", WAITING: "·", THROTTLED: "×", SPINNING: "~", SCHEDULER: "-",
    SWAPPED: "○", POOLED: ":",
}  # fmt: skip
INDENT = 2


def text(head: Mapping[str, Any], columns: bytes, event: int | None = None) -> str:
    """The run around one event (by default `head["still"]`), its sentence and its candidates; no line over 96."""
    scene = Scene(head, columns)
    if not len(scene):
        return f"{_line(tame(head['title']))}\n{scene.words.get('text.empty')}"
    event = head.get("still", scene.first_telling()) if event is None else event
    start, stop, step = grid(scene, event)
    lines = [*_title(scene, start, stop, step), *_lanes(scene, event, start, stop, step)]
    lines += [*_sentence(scene, event), *_table(scene, event)]
    return "\n".join(line.rstrip() for line in lines)


def grid(scene: Scene, event: int) -> tuple[float, float, float]:
    """Start and end of what is shown, and how long one column is: a round number, all in ns."""
    start, stop = scene.window(event)
    room = COLUMNS - LABEL - LEGEND if _label_width(scene) > 12 else COLUMNS - 12 - LEGEND
    power = 1.0
    while True:
        for step in STEPS:
            if (stop - start) <= step * power * room:
                return start, stop, step * power
        power *= 10


def _line(text: str) -> str:
    return text if width(text) <= COLUMNS else fit(text, COLUMNS)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        tame(text), COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )  # fmt: skip


def _title(scene: Scene, start: float, stop: float, step: float) -> list[str]:
    head, unit = scene.head, scene.head["unit"]
    key = "text.title" if head["from"] else "text.plain"
    begin = scene.time(start, None)
    if begin.endswith(SIGNS[unit]):
        begin = begin.removesuffix(SIGNS[unit]).rstrip()
    said = scene.words(key, head["title"], head["from"], begin, scene.time(stop, None), _length(step))
    kept = re.sub(r"(?<=[0-9]) (?=(?:ns|µs|ms|s)\b)", "\u00a0", said)  # a number and its unit stay on one line
    return [line.replace("\u00a0", " ") for line in _wrapped(kept, "", "  ")]


def _length(ns: float) -> str:
    unit = next((u for u in ("s", "ms", "us") if ns >= UNITS[u] / 10), "ns")
    return f"{number(ns / UNITS[unit])} {SIGNS[unit]}"


def _label_width(scene: Scene) -> int:
    cpus = [lane["name"] for lane in scene.lanes if lane["kind"] == "cpu"]
    tasks = [f"A {scene.names[lane['task']]}" for lane in scene.lanes if lane["kind"] == "task"]
    return min(LABEL, max((width(tame(name)) for name in cpus[:MOST_CPUS] + tasks[:MOST_TASKS]), default=0) + 1)


def letter(task: int) -> str:
    """One character for a task."""
    return LETTERS[task] if task < len(LETTERS) else OTHER


def _cells(scene: Scene, lane: int, start: float, step: float, count: int, task_lane: bool) -> str:
    """A lane as characters: in each column what took most of its time."""
    shares: list[dict[str, float]] = [{} for _ in range(count)]
    for begin, length, task, state in scene.bars(lane, start, start + step * count):
        if state == ASLEEP or (not task_lane and state not in (RUNNING, PREEMPTED, SPINNING, SCHEDULER)):
            continue
        mark = MARKS.get(state, " ") if task_lane or task < 0 else letter(task)
        a, b = max(begin, start), min(begin + length, start + step * count)
        column = int((a - start) // step)
        while column < count and start + column * step < b:
            left, right = start + column * step, start + (column + 1) * step
            share = min(b, right) - max(a, left)
            shares[column][mark] = shares[column].get(mark, 0) + share
            column += 1
    return "".join(
        max(share, key=lambda mark: (share[mark], mark)) if share and sum(share.values()) * 2 >= step else " "
        for share in shares
    )  # fmt: skip


def _lanes(scene: Scene, event: int, start: float, stop: float, step: float) -> Iterator[str]:
    label, words = _label_width(scene), scene.words
    count = max(1, -int(-(stop - start) // step))
    count = min(count, COLUMNS - label - LEGEND)
    cpus = [n for n, lane in enumerate(scene.lanes) if lane["kind"] == "cpu"]
    tasks = [n for n, lane in enumerate(scene.lanes) if lane["kind"] == "task"]
    outside = {state for lane in tasks for *_bar, state in scene.bars(lane, start, stop)} & {SWAPPED, POOLED}
    legend = [f"▪ {words.get('text.runs')}", f"· {words.get('text.waits')}"]
    names = {state: words.get(f"text.{STATES[state]}") for state in sorted(outside)}
    legend += [f"{MARKS[state]} {name}" for state, name in names.items()]
    legend.append(words.get("text.asleep"))
    if len(scene.names) > len(LETTERS):
        legend.append(f"{OTHER} {words.get('text.other')}")
    for lane in cpus[:MOST_CPUS]:
        cells = _cells(scene, lane, start, step, count, False)
        yield fit(tame(scene.lanes[lane]["name"]), label - 1) + " " + cells
    if len(cpus) > MOST_CPUS:
        yield " " * label + words("text.cpus", len(cpus) - MOST_CPUS)
    for n, lane in enumerate(tasks[:MOST_TASKS]):
        task = scene.lanes[lane]["task"]
        name = fit(f"{letter(task)} {scene.names[task]}", label - 1) + " "
        note = f"   {legend[n]}" if n < len(legend) else ""
        yield name + fit(_cells(scene, lane, start, step, count, True), count) + note
    if len(tasks) > MOST_TASKS:
        yield " " * label + words("text.tasks", len(tasks) - MOST_TASKS)
    column = min(count - 1, max(0, int((scene.at[event] - start) // step)))
    yield " " * (label + column) + "^"


def _sentence(scene: Scene, event: int) -> Iterator[str]:
    _kind, said, small = scene.said(event)
    first = f"{scene.time(scene.at[event])}  "
    yield from _wrapped(said, first, " " * len(first))
    if small:
        yield from _wrapped(small, " " * len(first), " " * len(first))


def _table(scene: Scene, event: int) -> Iterator[str]:
    """The candidates of the event; of a long list the first ones, the winner and a count."""
    rows = scene.candidates(event)
    if not rows:
        if event in scene.decisions:
            yield " " * INDENT + scene.words.get("text.unknown")
        return
    if len(rows) > MOST_ROWS:
        shown_rows = rows[: MOST_ROWS - 2]
        shown_rows += [row for row in rows[MOST_ROWS - 2 :] if row.won] or rows[MOST_ROWS - 2 : MOST_ROWS - 1]
    else:
        shown_rows = rows
    words = scene.words
    grid_ = [[scene.head["candidates"].get("title") or words.get("task"), *scene.headings(), words.get("result")]]
    grid_ += [[row.name, *row.cells, row.result] for row in shown_rows]
    yield from _columns(grid_)
    if len(shown_rows) < len(rows):
        yield " " * INDENT + words("many", len(rows) - len(shown_rows))


def _columns(grid_: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(width(tame(row[n])) for row in grid_) for n in range(len(grid_[0]))]
    for row in grid_:
        cells = [tame(cell) for cell in row]
        line = " " * INDENT + cells[0] + " " * (widths[0] - width(cells[0]))
        for cell, wide in zip(cells[1:-1], widths[1:-1]):
            line += "   " + " " * (wide - width(cell)) + cell
        yield _line(f"{line}   {cells[-1]}")
