"""The static picture: header, timeline, sentence, candidates and the rule, as one deterministic SVG.

It stands where no player can: on a code host, in print, in a saved notebook. Its description is the
text form. Same payload, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from schedlab.views import palette as tone
from schedlab.views.payload import (
    ASLEEP,
    IDLE,
    POOLED,
    PREEMPTED,
    RUNNING,
    SCHEDULER,
    SPINNING,
    SWAPPED,
    WAITING,
    WARM,
    sentences,
    shown,
    tame,
)
from schedlab.views.scene import SIGNS, UNITS, Scene
from schedlab.views.text import text
from schedlab.words import number

WIDTH = 1000
GUTTER = 125  # the left edge of everything that has a name before it
RIGHT = 984
SPAN = RIGHT - GUTTER
AXIS = 28
MOST_BARS = 400
MOST_BYTES = 60_000
MOST_CPUS, MOST_TASKS, MOST_ROWS, MOST_WAKES = 16, 12, 12, 120
TICK_APART, DIAMOND_APART = 84, 7  # px
CODE_LINES = 11
ROW = 30
MARK = 0x100000  # this character and those after it stand for tasks while a sentence is laid out
_BROKEN = re.compile("[\ud800-\udfff\ufffe\uffff]")  # what no XML file can hold
_WIDTHS = {  # in 1/100 of the size, of DejaVu Sans, the widest of the fonts that may be there
    27: "'", 28: "ijl", 30: "IJ", 32: " ,.·’", 34: "/:;\\|", 36: "f-", 39: "()[]t", 41: "!r", 46: '"', 50: "*_`–°",
    52: "sz", 54: "?cç", 57: "LFk", 59: "vxy", 61: "PTYaoöäeéè", 63: "ESbdghnpquüßñ$0123456789{}µ", 67: "KAV",
    69: "BRXZC", 74: "UHN", 77: "DG◆▶&", 79: "OQ", 82: "w", 84: "#+<=>^~−→×", 86: "M", 96: "%m", 100: "W@—…",
}  # fmt: skip
_WIDTH = {c: hundredths / 100 for hundredths, chars in _WIDTHS.items() for c in chars}


def svg(head: Mapping[str, Any], columns: bytes, event: int | None = None) -> str:
    """The picture around one event (by default `head["still"]`), 1000 px wide and at most 60 kB."""
    scene = Scene(head, columns)
    event = head.get("still", scene.first_telling()) if event is None else event
    most = MOST_BARS
    while True:
        drawn = _Drawing(scene, event, most).draw()
        if len(drawn.encode()) <= MOST_BYTES or most < 20:
            return drawn
        most //= 2


def clean(words: str) -> str:
    """Text for XML: no markup, no characters that XML forbids."""
    return escape(_BROKEN.sub("\ufffd", tame(words)), quote=True)


def wide(words: str, size: float = 13, bold: bool = False) -> float:
    """About how many pixels `words` take in a wide interface font."""
    ems = sum(_WIDTH.get(c, 1.0 if ord(c) > 0x2E80 else 0.66) for c in words)
    return ems * size * (1.11 if bold else 1)


def cut(words: str, room: float, size: float = 13, bold: bool = False) -> str:
    """`words`, or as much of them as fits, and an ellipsis."""
    if wide(words, size, bold) <= room:
        return words
    while words and wide(words + "…", size, bold) > room:
        words = words[:-1]
    return words + "…"


def n(value: float) -> str:
    """A coordinate, to two digits."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


class _Drawing:
    """One picture on its way."""

    def __init__(self, scene: Scene, event: int, most: int) -> None:
        self.scene, self.event, self.most = scene, event, most
        self.head = scene.head
        self.out: list[str] = []
        self.y = 48.0
        self.start, self.stop = scene.window(event) if len(scene) else (0.0, max(1.0, float(self.head["end"])))
        cpus = [k for k, lane in enumerate(scene.lanes) if lane["kind"] == "cpu"]
        tasks = [k for k, lane in enumerate(scene.lanes) if lane["kind"] == "task"]
        self.lanes = [*cpus[:MOST_CPUS], *tasks[:MOST_TASKS]]
        self.more = [(len(cpus) - MOST_CPUS, "text.cpus"), (len(tasks) - MOST_TASKS, "text.tasks")]
        count = min(len(cpus), MOST_CPUS)
        self.tall = 36 if count <= 2 else 28 if count <= 6 else 15
        self.patterns: set[int] = set()
        self.now = min(max(self.x(scene.at[event]), GUTTER), RIGHT) if len(scene) else RIGHT
        self.later: list[str] = []  # what is written on the paler bars of the future

    def draw(self) -> str:
        scene = self.scene
        self.header()
        self.timeline()
        if len(scene):
            self.sentence()
            self.panels()
        else:
            self.words(GUTTER, self.y + 30, scene.words.get("text.empty"), 16)
            self.y += 48
        height = n(round(self.y))
        title = clean(self.head["title"])
        described = clean_lines(text(self.head, scene.columns, self.event if len(scene) else None))
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'role="img" font-family="{escape(tone.FONT, quote=False)}" font-size="13" fill="{tone.INK}">'
        )
        frame = (
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{n(round(self.y) - 1)}" rx="8" fill="{tone.BACKGROUND}" '
            f'stroke="{tone.LINE}"/>'
        )
        about = f"<title>{title}</title><desc>{described}</desc>"
        return "".join((opening, about, self.definitions(), frame, *self.out, "</svg>"))

    def definitions(self) -> str:
        """The two patterns, if a task that is drawn has one."""
        drawn = {
            1: '<path d="M-2 2l4-4M0 8l8-8M6 10l4-4" stroke="#fff" stroke-opacity=".42" stroke-width="1.6"/>',
            2: '<g fill="#fff" fill-opacity=".46"><circle cx="2" cy="2" r="1.3"/><circle cx="6" cy="6" r="1.3"/></g>',
        }
        parts = [
            f'<pattern id="sl-p{k}" width="8" height="8" patternUnits="userSpaceOnUse">{drawn[k]}</pattern>'
            for k in sorted(self.patterns)
        ]
        return f"<defs>{''.join(parts)}</defs>" if parts else ""

    def words(
        self, x: float, y: float, said: str, size: float = 13, fill: str = "", bold: bool = False, anchor: str = ""
    ) -> None:
        """A line of text."""
        more = f' font-size="{n(size)}"' if size != 13 else ""
        more += f' fill="{fill}"' if fill else ""
        more += ' font-weight="600"' if bold else ""
        more += f' text-anchor="{anchor}"' if anchor else ""
        self.out.append(f'<text x="{n(x)}" y="{n(y)}"{more}>{clean(said)}</text>')

    def token(self, x: float, y: float, task: int, size: float = 20) -> None:
        """A task's token with its left edge at `x`, centred on `y`."""
        w, h = size, size * 0.9
        box = f'<rect x="{n(x)}" y="{n(y - h / 2)}" width="{n(w)}" height="{n(h)}" rx="4" '
        mark = clean(shown(self.head["tasks"][task]["letter"])[:4])
        self.out.append(f'{box}fill="{tone.colour(task)}"/>')
        kind = tone.pattern(task)
        if kind:
            self.patterns.add(kind)
            self.out.append(f'{box}fill="url(#sl-p{kind})"/>')
            plate = min(w - 3, 7.5 * len(mark) + 4)
            self.out.append(
                f'<rect x="{n(x + (w - plate) / 2)}" y="{n(y - 6)}" width="{n(plate)}" height="12" rx="3" '
                f'fill="{tone.colour(task)}"/>'
            )
        self.words(x + w / 2, y + 4, mark, 11, tone.letter_on(task), True, "middle")

    # the parts

    def header(self) -> None:
        """Title and where the trace comes from."""
        title = cut(tame(self.head["title"]), 560, 15, True)
        self.words(16, 30, title, 15, bold=True)
        at = 16 + wide(title, 15, True) + 14
        self.words(at, 30, cut(tame(self.head["from"]), RIGHT - at, 12), 12, tone.MUTED)

    def x(self, time: float) -> float:
        return GUTTER + (time - self.start) / (self.stop - self.start) * SPAN

    def timeline(self) -> None:
        """Axis with its decisions, lanes, the paler future and the play-head."""
        top = self.y
        lines = list(self.axis(top))
        self.diamonds(top)
        y = top + AXIS + 6
        rows: list[tuple[int, float, float]] = []
        for lane in self.lanes:
            task = self.scene.lanes[lane]["kind"] == "task"
            height = 20 if task else self.tall
            rows.append((lane, y, height))
            y += height + (4 if task or self.tall == 15 else 6)
        bottom = y
        self.out += [f'<path d="M{n(x)} {n(top + AXIS)}V{n(bottom)}" stroke="{tone.LINE}"/>' for x in lines]
        self.bars(rows)
        self.wakes(rows)
        for lane, row, tall in rows:
            self.name(lane, row + tall / 2)
        for more, key in self.more:
            if more > 0:
                self.words(GUTTER, y + 13, self.scene.words(key, more), 12, tone.MUTED)
                y += 20
        self.playhead(top, bottom)
        self.y = y + 8

    def axis(self, top: float) -> Iterator[float]:
        """Numbers at 1-2-5 steps; the places of their lines."""
        unit, scale = SIGNS[self.head["unit"]], UNITS[self.head["unit"]]
        least = (self.stop - self.start) / SPAN * TICK_APART
        step = next(m * 10**e for e in range(18) for m in (1, 2, 5) if m * 10**e > least)
        first = -int(-self.start // step)
        times = [k * step for k in range(first, int(self.stop // step) + 1)]
        for k, time in enumerate(times):
            last = k == len(times) - 1
            said = number(time / scale) + (f" {unit}" if last else "")
            x = self.x(time)
            half = wide(said, 12) / 2
            at = min(max(x, GUTTER + half), RIGHT - half)
            self.words(at, top + 16, said, 12, tone.MUTED, anchor="middle")
            yield x

    def diamonds(self, top: float) -> None:
        """One for each decision, not nearer than 7 px."""
        last, path = -99.0, []
        for event in self.scene.decisions:
            time = self.scene.at[event]
            if self.start <= time <= self.stop and self.x(time) - last >= DIAMOND_APART:
                last = self.x(time)
                path.append(f"M{n(last)} {n(top + AXIS - 8)}l3.5 3.5-3.5 3.5-3.5-3.5z")
        if path:
            self.out.append(f'<path d="{"".join(path)}" fill="{tone.EDGE}"/>')

    def name(self, lane: int, y: float) -> None:
        """A lane's name at the right of the gutter, a task's with its token."""
        one = self.scene.lanes[lane]
        if one["kind"] == "cpu":
            self.words(GUTTER - 12, y + 4, cut(shown(one["name"]), 104, 12, True), 12, "", True, "end")
            return
        said = cut(shown(one["name"]), 78, 12)
        self.words(GUTTER - 12, y + 4, said, 12, tone.MUTED, anchor="end")
        self.token(GUTTER - 12 - wide(said, 12) - 26, y, one["task"], 18)

    def bars(self, rows: Sequence[tuple[int, float, float]]) -> None:
        """All lanes; with more bars than may be drawn, columns that show what took most of their time."""
        found = [self.scene.bars(lane, self.start, self.stop) for lane, _y, _h in rows]
        if sum(map(len, found)) > self.most:
            found = [self.columns(bars, max(1, self.most // max(1, len(rows)))) for bars in found]
        for (lane, y, height), bars in zip(rows, found):
            task = self.scene.lanes[lane]["kind"] == "task"
            if task:
                self.out.append(
                    f'<path d="M{GUTTER} {n(y + height / 2)}H{RIGHT}" stroke="{tone.LINE}" stroke-dasharray="2 4"/>'
                )
            else:
                self.out.append(
                    f'<rect x="{GUTTER}" y="{n(y)}" width="{SPAN}" height="{n(height)}" fill="{tone.SOFT}"/>'
                )
            self.lane(bars, y, height, task)

    def columns(self, bars: Sequence[tuple[int, int, int, int]], count: int) -> list[tuple[int, int, int, int]]:
        """At most `count` bars in the place of many."""
        step = (self.stop - self.start) / count
        shares: list[dict[tuple[int, int], float]] = [{} for _ in range(count)]
        for begin, length, task, state in bars:
            if state in (ASLEEP, IDLE):
                continue
            a, b = max(begin, self.start), min(begin + length, self.stop)
            k = int((a - self.start) / step)
            while k < count and self.start + k * step < b:
                share = min(b, self.start + (k + 1) * step) - max(a, self.start + k * step)
                key = (task, RUNNING if state == PREEMPTED else state)
                shares[k][key] = shares[k].get(key, 0) + share
                k += 1
        out: list[tuple[int, int, int, int]] = []
        for k, held in enumerate(shares):
            if held:
                task, state = max(held, key=lambda key: (held[key], key))  # used within this turn
                begin = int(self.start + k * step)
                if out and out[-1][2:] == (task, state) and out[-1][0] + out[-1][1] >= begin:
                    out[-1] = (out[-1][0], int(self.start + (k + 1) * step) - out[-1][0], task, state)
                else:
                    out.append((begin, int(step) + 1, task, state))
        return out

    def lane(self, bars: Sequence[tuple[int, int, int, int]], y: float, height: float, of_task: bool) -> None:
        """One lane: bars of a colour together, then patterns, bitten corners and letters over them."""
        solid: dict[int, list[str]] = {}
        waits: dict[int, list[str]] = {}
        over: dict[int, list[str]] = {}
        bites, letters, kernel, spins = [], [], [], []
        outside: dict[tuple[int, int], list[str]] = {}
        for begin, length, task, state in bars:
            x, end = max(self.x(begin), GUTTER), min(self.x(begin + length), RIGHT)
            w = max(end - x - (1 if end - x > 3 else 0), 0.75)
            x = min(x, RIGHT - w)
            if state in (RUNNING, PREEMPTED):
                rx = ' rx="3"' if w > 6 else ""
                solid.setdefault(task, []).append(
                    f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(height)}"{rx}/>'
                )
                if task >= 0 and tone.pattern(task) and w > 7:
                    over.setdefault(tone.pattern(task), []).append(f"M{n(x)} {n(y)}h{n(w)}v{n(height)}h{n(-w)}z")
                if state == PREEMPTED and not of_task and w > 10 and self.x(begin + length) <= RIGHT:
                    bites.append(f"M{n(x + w)} {n(y)}h-6l6 6z")
                if not of_task and task >= 0 and height > 10:
                    letters.append(self.letter(x, w, y + height / 2, height, task))
            elif state == WAITING:
                waits.setdefault(task, []).append(f"M{n(x)} {n(y + height / 2)}h{n(w)}")
            elif state in (SWAPPED, POOLED):
                outside.setdefault((task, state), []).append(f"M{n(x)} {n(y + height / 2)}h{n(w)}")
            elif state == SCHEDULER:
                kernel.append(f"M{n(x)} {n(y + height / 2)}h{n(w)}")
            elif state == SPINNING:
                spins.append(f"M{n(x + 1)} {n(y + 1)}h{n(max(0, w - 2))}v{n(height - 2)}h{n(-max(0, w - 2))}z")
        for task, paths in sorted(waits.items()):
            d, hue = "".join(paths), tone.colour(task) if task >= 0 else tone.EDGE
            self.out.append(f'<path d="{d}" stroke="{hue}" stroke-width="6" stroke-opacity=".65"/>')
            self.out.append(f'<path d="{d}" stroke="#fff" stroke-width="4" stroke-opacity=".6"/>')
        for (task, state), paths in sorted(outside.items()):
            hue, dashes = tone.colour(task) if task >= 0 else tone.EDGE, "6 3" if state == SWAPPED else "1 4"
            self.out.append(f'<path d="{"".join(paths)}" stroke="{hue}" stroke-width="2" stroke-dasharray="{dashes}"/>')
        for task, rects in sorted(solid.items()):
            self.out.append(f'<g fill="{tone.colour(task) if task >= 0 else tone.EDGE}">{"".join(rects)}</g>')
        for kind, paths in sorted(over.items()):
            self.patterns.add(kind)
            self.out.append(f'<path d="{"".join(paths)}" fill="url(#sl-p{kind})"/>')
        for paths, look in (
            (bites, f'fill="{tone.BACKGROUND}"'),
            (kernel, f'stroke="{tone.EDGE}" stroke-width="2"'),
            (spins, f'fill="none" stroke="{tone.SPIN}" stroke-width="1.5" stroke-dasharray="4 3"'),
        ):
            if paths:
                self.out.append(f'<path d="{"".join(paths)}" {look}/>')
        written = [letter for letter in letters if letter]
        if written:
            self.out.append(f'<g font-weight="600" text-anchor="middle">{"".join(written)}</g>')

    def letter(self, x: float, w: float, y: float, height: float, task: int) -> str:
        """The name on a bar where it fits, else the letter, else nothing; on a plate where there is a pattern.

        A bar that is cut by the play-head has it on the wider side.
        """
        later = self.now < x + w / 2
        if x < self.now < x + w:
            x, w = (self.now, x + w - self.now) if later else (x, self.now - x)
        name, mark = self.scene.names[task], shown(self.head["tasks"][task]["letter"])[:4]
        size = 13 if height > 20 else 11
        said = name if wide(name, size, True) + 22 < w else mark
        room = wide(said, size, True)
        if room + 5 > w:
            return ""
        plate = ""
        if tone.pattern(task):
            tall = min(18, height - 2)
            plate = (
                f'<rect x="{n(x + w / 2 - room / 2 - 3)}" y="{n(y - tall / 2)}" width="{n(room + 6)}" '
                f'height="{n(tall)}" rx="3" fill="{tone.colour(task)}"/>'
            )
        small = "" if size == 13 else f' font-size="{size}"'
        at = f'x="{n(x + w / 2)}" y="{n(y + size * 0.35)}"{small}'
        if later:
            self.later.append(f"<text {at}>{clean(said)}</text>")
            return plate
        return f'{plate}<text {at} fill="{tone.letter_on(task)}">{clean(said)}</text>'

    def wakes(self, rows: Sequence[tuple[int, float, float]]) -> None:
        """A black triangle at a task's lane for each of its wake-ups."""
        scene = self.scene
        kinds = {k for k, kind in enumerate(self.head["kinds"]) if kind["mark"] == "wake"}
        feet = {
            scene.lanes[lane]["task"]: y + height for lane, y, height in rows if scene.lanes[lane]["kind"] == "task"
        }
        first, last = scene.event_at(self.start), scene.event_at(self.stop) if len(scene) else -1
        path: list[str] = []
        before: dict[int, float] = {}
        for event in range(first, last + 1 if len(scene) else 0):
            who, time = scene.data["events.who"][event], scene.at[event]
            if scene.data["events.kind"][event] not in kinds or who not in feet or time < self.start:
                continue
            x = self.x(time)
            if x - before.get(who, -99) >= DIAMOND_APART and x < RIGHT - 3 and len(path) < MOST_WAKES:
                before[who] = x
                path.append(f"M{n(x)} {n(feet[who] - 11)}l4 11h-8z")
        if path:
            self.out.append(f'<path d="{"".join(path)}"/>')

    def playhead(self, top: float, bottom: float) -> None:
        """What comes later is paler; the play-head's pill stands above the axis."""
        if not len(self.scene):
            return
        time, x = self.scene.at[self.event], self.now
        self.out.append(
            f'<rect x="{n(x)}" y="{n(top + AXIS)}" width="{n(RIGHT - x)}" height="{n(bottom - top - AXIS)}" '
            f'fill="{tone.BACKGROUND}" fill-opacity=".56"/>'
        )
        if self.later:
            self.out.append(f'<g font-weight="600" text-anchor="middle">{"".join(self.later)}</g>')
        said = self.scene.time(time)
        w = wide(said, 12, True) + 14
        at = min(max(x - w / 2, 4), WIDTH - w - 4)
        self.out.append(
            f'<path d="M{n(x)} {n(top + 4)}V{n(bottom)}" stroke="{tone.ACCENT}" stroke-width="2"/>'
            f'<rect x="{n(at)}" y="{n(top - 14)}" width="{n(w)}" height="20" rx="4" fill="{tone.ACCENT}"/>'
        )
        self.words(at + w / 2, top, said, 12, tone.WHITE, True, "middle")

    def sentence(self) -> None:
        """The kind in the gutter, the sentence with its tokens, the grey line."""
        scene = self.scene
        tasks = self.head["tasks"]
        marked = {**self.head, "tasks": [{"name": chr(MARK + k), "letter": ""} for k in range(len(tasks))]}
        kind, said, small = sentences(marked, scene.columns, [self.event])[0]
        lines = self.broken(said, 16)
        greys = self.broken(small, 13) if small else []
        height = 20 + 25 * len(lines) + 20 * len(greys)
        self.out.append(f'<rect x="1" y="{n(self.y)}" width="{WIDTH - 2}" height="{height}" fill="{tone.SOFT}"/>')
        self.out.append(
            f'<path d="M1 {n(self.y)}H{WIDTH - 1}M1 {n(self.y + height)}H{WIDTH - 1}" stroke="{tone.LINE}"/>'
        )
        decision = self.event in self.scene.decisions
        label = ("◆ " if decision else "") + cut(tame(kind), 90)
        y = self.y + 29
        self.words(GUTTER - 12, y, label, 13, tone.ACCENT if decision else tone.MUTED, True, "end")
        for line in lines:
            self.flow(line, y, 16)
            y += 25
        y -= 3
        for line in greys:
            self.flow(line, y, 13, tone.MUTED)
            y += 20
        self.y += height

    def broken(self, said: str, size: float) -> list[list[str]]:
        """Words in lines that fit; a task's mark is a word."""
        lines: list[list[str]] = [[]]
        at = 0.0
        for word in re.split("( )", said):
            room = self.word_width(word, size)
            if at + room > SPAN - 8 and at and word != " ":
                lines.append([])
                at = 0
            lines[-1].append(word)
            at += room
        return lines

    def word_width(self, word: str, size: float) -> float:
        total = 0.0
        for c in word:
            task = ord(c) - MARK
            if 0 <= task < len(self.scene.names):
                total += wide(self.scene.names[task], size, size > 14) + (26 if size > 14 else 0)
            else:
                total += wide(c, size)
        return total

    def flow(self, line: Sequence[str], y: float, size: float, fill: str = "") -> None:
        """A line of the sentence: plain runs as they are, a task as its token and its name."""
        x = float(GUTTER)
        run = ""
        for c in [*"".join(line), ""]:
            task = ord(c) - MARK if c else -1
            if c and not 0 <= task < len(self.scene.names):
                run += c
                continue
            if run.strip():
                lead = len(run) - len(run.lstrip(" "))
                body = run.strip(" ")
                self.run(x + wide(" " * lead, size), y, body, size, fill)
            x += wide(run, size)
            run = ""
            if c:
                name = self.scene.names[task]
                if size > 14:
                    self.token(x, y - 5.5, task)
                    x += 26
                self.run(x, y, name, size, fill, size > 14)
                x += wide(name, size, size > 14)

    def run(self, x: float, y: float, said: str, size: float, fill: str, bold: bool = False) -> None:
        """Text that takes exactly the room that was reckoned for it, in any font."""
        length = wide(said, size, bold)
        more = (f' fill="{fill}"' if fill else "") + (' font-weight="600"' if bold else "")
        self.out.append(
            f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}" textLength="{n(length)}"{more}>{clean(said)}</text>'
        )

    def panels(self) -> None:
        """Who could run at the left, the rule at the right."""
        rows = self.scene.candidates(self.event)
        code = self.code()
        if not rows and not code:
            self.y += 8
            return
        top = self.y
        split = 560 if rows else 0
        below = self.table(rows, top, split) if rows else top
        if code:
            below = max(below, self.rule(code, top, split + 1 if rows else 0))
            if rows:
                self.out.append(f'<path d="M{split} {n(top)}V{n(below)}" stroke="{tone.LINE}"/>')
        self.y = below

    def table(self, rows: Sequence[Any], top: float, right: float) -> float:
        """The candidates with their numbers and verdicts; the winner's row is washed. Returns where it ends."""
        scene, words = self.scene, self.scene.words
        self.words(16, top + 26, words.get("text.who"), 13, "", True)
        shown_rows = list(rows)
        if len(rows) > MOST_ROWS:
            shown_rows = shown_rows[: MOST_ROWS - 2]
            shown_rows += [row for row in rows[MOST_ROWS - 2 :] if row.won] or [rows[MOST_ROWS - 2]]
        heads = scene.headings()
        room = right - 16 - 16
        result = max([80.0, *(wide(row.result, 13) + 24 for row in shown_rows)])
        result = min(result, room * 0.45)
        name = min(160.0, max(90.0, *(wide(row.name, 13) + 40 for row in shown_rows)))
        each = (room - name - result) / max(1, len(heads))
        edges = [16 + name + each * (k + 1) - 8 for k in range(len(heads))]
        y = top + 54
        self.words(20, y, self.head["candidates"].get("title") or words.get("task"), 12, tone.MUTED)
        for edge, said in zip(edges, heads):
            self.words(edge, y, cut(said, each - 8, 12), 12, tone.MUTED, anchor="end")
        at = 16 + name + each * len(heads) + 12
        self.words(at, y, words.get("result"), 12, tone.MUTED)
        y += 12
        for row in shown_rows:
            if row.won:
                self.out.append(
                    f'<rect x="16" y="{n(y)}" width="{n(room)}" height="{ROW}" fill="{tone.WASH}"/>'
                )  # fmt: skip
            self.out.append(f'<path d="M16 {n(y)}h{n(room)}" stroke="{tone.LINE}"/>')
            if row.task >= 0:
                self.token(20, y + ROW / 2, row.task)
            self.words(46 if row.task >= 0 else 20, y + 20, cut(row.name, name - 34, 13))
            for edge, cell in zip(edges, row.cells):
                self.words(edge, y + 20, cell, anchor="end")
            said = ("▶ " if row.won else "") + row.result
            self.words(at, y + 20, cut(said, right - at - 8), 13, tone.ACCENT if row.won else "", row.won)
            y += ROW
        if len(shown_rows) < len(rows):
            self.words(46, y + 20, words("many", len(rows) - len(shown_rows)), 13, tone.MUTED)
            y += ROW
        return y + 12

    def code(self) -> list[tuple[int, str, int, str]]:
        """Lines of the rule around the lit one: number, text, 2 lit or 1 took part or 0, value beside it."""
        data, source = self.scene.data, self.head["source"]
        events = data.get("lines.event", ())
        marks: dict[int, tuple[int, str]] = {}
        for k in range(len(events)):
            if events[k] == self.event:
                value = data["lines.value"][k]
                lit = value != WARM
                names = self.head["names"]
                marks[data["lines.line"][k]] = (2 if lit else 1, names[value] if lit and value < len(names) else "")
        lit_line = next((line for line, (kind, _v) in sorted(marks.items()) if kind == 2), 0)
        if not source or not lit_line:
            return []
        lines = source["lines"]
        first = max(1, min(lit_line - 6, len(lines) - CODE_LINES + 1))
        return [
            (k, lines[k - 1], *marks.get(k, (0, ""))) for k in range(first, min(len(lines), first + CODE_LINES - 1) + 1)
        ]

    def rule(self, code: Sequence[tuple[int, str, int, str]], top: float, left: float) -> float:
        """The policy's source with its line lit. Returns where it ends."""
        file = cut(tame(str(self.head["source"]["file"])), 240, 12)
        self.words(RIGHT, top + 26, file, 12, tone.MUTED, anchor="end")
        self.words(left + 16, top + 26, self.scene.words.get("text.rule"), 13, "", True)
        y = top + 40
        room = RIGHT - left - 16
        before = self.head["source"].get("first", 1) - 1  # lines of the file above the first one shown
        indent = min((len(t) - len(t.lstrip()) for _k, t, _m, _v in code if t.strip()), default=0)
        out = []
        for number_, line, kind, value in code:
            if kind:
                fill, opacity = (tone.ACCENT, ".15") if kind == 2 else (tone.ACCENT, ".06")
                self.out.append(
                    f'<rect x="{n(left + 16)}" y="{n(y)}" width="{n(room)}" height="19" fill="{fill}" '
                    f'fill-opacity="{opacity}"/>'
                )
            body = line[indent:].rstrip()
            most = int((room - 44) / 7.3) - (len(value) + 3 if value else 0)
            body = body if len(body) <= most else body[: max(0, most - 1)] + "…"
            said = clean(body.replace(" ", "\u00a0"))
            if value:
                said += f'<tspan fill="{tone.ACCENT}" font-weight="600">\u00a0\u00a0→ {clean(shown(value))}</tspan>'
            weight = f' fill="{tone.ACCENT}" font-weight="600"' if kind == 2 else f' fill="{tone.MUTED}"'
            out.append(
                f'<text x="{n(left + 36)}" y="{n(y + 14)}" text-anchor="end"{weight}>{number_ + before}</text>'
                f'<text x="{n(left + 46)}" y="{n(y + 14)}">{said}</text>'
            )
            y += 19
        self.out.append(f'<g font-family="{escape(tone.CODE, quote=False)}" font-size="12">{"".join(out)}</g>')
        return y + 12


def clean_lines(words: str) -> str:
    """Several lines of text for XML, their ends kept."""
    return "\n".join(clean(line) for line in words.split("\n"))
