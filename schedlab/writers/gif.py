"""A moving picture of a trace: its timeline, drawn small, with a play-head that passes over it.

Drawn with Pillow's own font and a fixed palette, so equal traces make equal bytes with equal releases of Pillow. A long
trace shows its beginning: as much as can be told apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schedlab.trace import Trace
from schedlab.views.look import look_of
from schedlab.views.payload import RUNNING, WAITING, tame
from schedlab.words import fill
from schedlab.writers import CannotWrite
from schedlab.writers.spans import Span, idle, spans

WIDTH = 960  # pixels
LEFT, RIGHT, TOP, BOTTOM = 130, 20, 44, 58  # pixels round the timeline
ROW = 26  # pixels from one track to the next
BAR = 18  # pixels
MOST_TRACKS = 24
MOST_SPANS = 120  # of the CPUs; more cannot be told apart at this width
FRAMES = 80
FRAME_MS = 100

PAPER, INK, MUTED, LINE, HEAD, WAITS = range(6)
COLOURS = ("#ffffff", "#14181d", "#64676a", "#e1e1e2", "#0b62c4", "#c9cbce")
# The player's colours for tasks (widgets/static/look.js), with the ink that reads on each.
TASK_COLOURS = (
    "#5363a5", "#e76b19", "#00a589", "#8c354d", "#1399e4", "#9b1c28", "#87984f", "#684176",
    "#007567", "#dc6da9", "#7b6f03", "#5938a9",
)  # fmt: skip


def write(trace: Trace, path: Path) -> None:
    """Write the picture. Raises CannotWrite where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise CannotWrite("a GIF needs Pillow: pip install 'schedlab[gif]'") from None
    picture = _Picture(trace)
    font: Any = ImageFont.load_default(13)
    still = Image.new("P", (WIDTH, picture.height), PAPER)
    still.putpalette(palette())
    picture.still(ImageDraw.Draw(still), font)
    shots = []
    for number in range(FRAMES):
        shot = still.copy()
        picture.moment(ImageDraw.Draw(shot), font, picture.stop * number // (FRAMES - 1))
        shots.append(shot)
    shots[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=shots[1:],
        duration=FRAME_MS,
        loop=0,
        optimize=False,
        disposal=1,
    )


def palette() -> list[int]:
    """All colours, as the numbers that Pillow asks for."""
    return [int(colour[i : i + 2], 16) for colour in (*COLOURS, *TASK_COLOURS) for i in (1, 3, 5)]


class _Picture:
    """What is drawn of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.look = look_of(trace.family.name)
        self.stop = self.end_of_view()
        self.spans = [one for one in spans(trace, self.stop) if isinstance(one, Span)]
        self.running = {i for i, name in enumerate(trace.family.states) if self.look.bars.get(name) == RUNNING}
        self.waiting = {i for i, name in enumerate(trace.family.states) if self.look.bars.get(name) == WAITING}
        lanes = sorted({span.key for span in self.spans if span.of == "lane"})
        tasks = sorted(
            {span.key for span in self.spans if span.of == "task" and span.value in self.running | self.waiting}
        )
        tracks = [("lane", key) for key in lanes] + [("task", key) for key in tasks]
        self.left_out = max(0, len(tracks) - MOST_TRACKS)
        self.rows = {track: i for i, track in enumerate(tracks[:MOST_TRACKS])}
        self.height = TOP + ROW * max(1, len(self.rows)) + BOTTOM

    def end_of_view(self) -> int:
        """As much as can be told apart: up to the end of the 120th stretch on a CPU."""
        seen = 0
        for one in spans(self.trace):
            if isinstance(one, Span) and one.of == "lane" and not idle(one):
                seen += 1
                if seen == MOST_SPANS:
                    return max(1, one.end)
        return max(1, self.trace.end)

    def x(self, time: int) -> int:
        return LEFT + (WIDTH - LEFT - RIGHT) * time // self.stop

    def still(self, draw: Any, font: Any) -> None:
        """All that does not move."""
        draw.fontmode = "1"  # no shades between the colours: the palette holds none
        draw.text((16, 12), cut(draw, font, tame(str(self.trace.about.get("title", ""))), WIDTH - 32), INK, font)
        for (of, key), row in self.rows.items():
            y = TOP + ROW * row
            table = self.look.lanes if of == "lane" else self.look.tasks
            draw.text((16, y + 2), cut(draw, font, tame(self.trace.name(table, key)), LEFT - 24), INK, font)
            draw.line((LEFT, y + BAR, WIDTH - RIGHT, y + BAR), LINE)
        for span in self.spans:
            if (span.of, span.key) in self.rows:
                self.bar(draw, font, span, TOP + ROW * self.rows[span.of, span.key])
        foot = fill("0 to {end:dur}", {"end": self.stop})
        if self.stop < self.trace.end:
            foot += fill(" of {end:dur}", {"end": self.trace.end})
        if self.left_out:
            foot += f", {self.left_out} tracks not shown"
        foot = foot.replace("\u202f", " ")
        draw.text((WIDTH - RIGHT - draw.textlength(foot, font), 12), foot, MUTED, font)

    def bar(self, draw: Any, font: Any, span: Span, y: int) -> None:
        left, right = self.x(span.start), max(self.x(span.start) + 1, self.x(span.end) - 1)
        if span.of == "task" and span.value in self.waiting:
            draw.rectangle((left, y + BAR // 2, right, y + BAR - 1), WAITS)
        elif (span.of == "task" and span.value in self.running) or (span.of == "lane" and not idle(span)):
            task = span.value if span.of == "lane" else span.key
            draw.rectangle((left, y, right, y + BAR - 1), len(COLOURS) + task % len(TASK_COLOURS))
            name = tame(self.trace.name(self.look.tasks, task))
            if span.of == "lane" and draw.textlength(name, font) + 6 < right - left:
                draw.text((left + 4, y + 1), name, PAPER, font)

    def moment(self, draw: Any, font: Any, time: int) -> None:
        """The play-head, and what happened last."""
        draw.fontmode = "1"
        x = self.x(time)
        bottom = TOP + ROW * max(1, len(self.rows))
        draw.line((x, TOP - 6, x, bottom), HEAD, 2)
        draw.polygon(((x - 5, TOP - 12), (x + 6, TOP - 12), (x, TOP - 5)), HEAD)
        row = self.trace.index_at(time) - 1
        said = fill("{now:ms.1}", {"now": time}) + ("   " + self.trace.sentence(row) if row >= 0 else "")
        draw.text((16, bottom + 22), cut(draw, font, tame(said.replace("\u202f", " ")), WIDTH - 32), INK, font)


def cut(draw: Any, font: Any, text: str, width: int) -> str:
    """As much of a text as has room."""
    if draw.textlength(text, font) <= width:
        return text
    low, high = 0, len(text)  # `low` characters have room, `high` have none
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if draw.textlength(text[:middle] + "…", font) <= width else (low, middle)
    text = text[:low]
    return text + "…"
