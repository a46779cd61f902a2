"""Summary charts: plotly figures in the player's colours, each with a twin in SVG.

plotly's own output shows nothing on a code host, so every helper returns a `Chart`: in JupyterLab it is
the figure, elsewhere the SVG, in a terminal the text. plotly is imported when a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schedlab.views import palette as tone
from schedlab.views.payload import tame
from schedlab.views.svg import clean, clean_lines, cut, n, wide
from schedlab.words import number

WIDTH, HEIGHT = 1000, 360
LEFT, TOP, BOTTOM, EDGE = 70, 64, 310, 16
LEGEND, MARK = 18, 30  # px of a line of the legend, of a series' own mark
TICK_APART = 60  # px between the lines of an axis
DASHES = ("", "7 4", "2 3", "8 3 2 3")  # a line is told apart by its dash as well
PLOTLY_DASHES = ("solid", "dash", "dot", "dashdot")
BINS = 30
MOST_POINTS = 800  # of a line in the SVG

Points = Sequence[tuple[float, float]]


class Chart:
    """A figure as plain values: kind, title, axes, and series by name."""

    def __init__(
        self,
        kind: str,
        title: str,
        x: str,
        y: str,
        series: Mapping[str, Points],
        labels: Sequence[str] = (),
        at: float | None = None,
    ):
        self.kind, self.title, self.x, self.y = kind, str(title), str(x), str(y)
        self.at = None if at is None else float(at)  # the x that is spoken of: a line upright through it
        self.series = {str(name): [(float(a), float(b)) for a, b in points] for name, points in series.items()}
        self.labels = [str(label) for label in labels]  # of bars, by position

    def __repr__(self) -> str:
        return f"<Chart {self.title}: {', '.join(self.series)}>"

    def figure(self) -> Any:
        """The plotly figure."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for k, (name, points) in enumerate(self.series.items()):
            xs: list[Any] = [p[0] for p in points]
            ys = [p[1] for p in points]
            if self.kind == "line":
                look = {"color": tone.colour(k), "dash": PLOTLY_DASHES[k % len(DASHES)], "width": 2}
                figure.add_scatter(x=xs, y=ys, name=_plain(name), mode="lines", line=look)
            else:
                at = [_plain(self.labels[int(x)]) for x in xs] if self.labels else xs
                figure.add_bar(x=at, y=ys, name=_plain(name), marker={"color": tone.colour(k)})
        if self.at is not None:
            figure.add_vline(x=self.at, line={"color": tone.ACCENT, "width": 2})
        figure.update_layout(
            title={"text": _plain(self.title), "font": {"size": 15}},
            template="plotly_white", height=HEIGHT, margin={"l": LEFT, "r": EDGE, "t": TOP, "b": 50},
            xaxis_title=_plain(self.x), yaxis_title=_plain(self.y), showlegend=len(self.series) > 1,
            bargap=0.02 if self.kind == "histogram" else 0.2,
        )  # fmt: skip
        return figure

    def text(self) -> str:
        """The chart's facts in words: for each series its range, or its bars."""
        lines = [tame(self.title)]
        for name, points in self.series.items():
            ys = [y for _x, y in points]
            if not ys:
                said = "–"
            elif self.kind == "bar" and self.labels and len(ys) <= 12:
                said = ", ".join(f"{tame(self.labels[int(x)])} {number(y)}" for x, y in points)
            else:
                said = f"{number(min(ys))} to {number(max(ys))} {tame(self.y)}, last {number(ys[-1])}"
            lines.append(f"  {tame(name)}: {said}")
        return "\n".join(lines)

    def svg(self, width: int = WIDTH) -> str:
        """The same chart as a static picture, its text as large at any width."""
        return _Picture(self, width).draw()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": self.text(), "image/svg+xml": self.svg()}
        try:
            figure = self.figure()
        except ModuleNotFoundError:
            return bundle  # without plotly the picture is what there is
        return {"application/vnd.plotly.v1+json": figure.to_plotly_json() | {"config": {"displaylogo": False}}} | bundle


def line(series: Mapping[str, Points], *, title: str, x: str, y: str, at: float | None = None) -> Chart:
    """Lines over a common axis; `series` maps a name to its points, `at` is an x to mark: where a knob stands."""
    return Chart("line", title, x, y, series, at=at)


def bar(values: Mapping[str, float] | Mapping[str, Mapping[str, float]], *, title: str, x: str = "", y: str) -> Chart:
    """A bar for each label; a mapping of mappings draws one group of bars a label: `{series: {label: value}}`."""
    grouped = {name: v for name, v in values.items() if isinstance(v, Mapping)}
    if not grouped:
        flat = {str(name): float(v) for name, v in values.items() if not isinstance(v, Mapping)}
        return Chart("bar", title, x, y, {y: [(k, v) for k, v in enumerate(flat.values())]}, list(flat))
    labels = list(dict.fromkeys(str(label) for one in grouped.values() for label in one))
    series = {
        name: [(labels.index(str(label)), float(v)) for label, v in one.items()] for name, one in grouped.items()
    }  # fmt: skip
    return Chart("bar", title, x, y, series, labels)


def histogram(values: Sequence[float], *, title: str, x: str, y: str, bins: int = BINS) -> Chart:
    """How often values fall into equal steps between the least and the largest. Raises ValueError for no bins."""
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, not {bins}")
    if not values:
        return Chart("histogram", title, x, y, {y: []})
    least, most = min(values), max(values)
    step = (most - least) / bins or 1.0
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - least) / step))] += 1
    return Chart("histogram", title, x, y, {y: [(least + (k + 0.5) * step, c) for k, c in enumerate(counts)]})


def _plain(words: str) -> str:
    """plotly reads a little HTML in its texts; names of users must stay text."""
    return tame(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def ticks(low: float, high: float, room: float) -> list[float]:
    """Round numbers from `low` to `high`, at steps of 1, 2 or 5 times a power of ten."""
    least = (high - low) / max(1.0, room / TICK_APART)
    power = 1e-12
    while True:
        for m in (1, 2, 5):
            if m * power >= least:
                step = m * power
                first = -int(-low // step)
                return [round(k * step, 12) for k in range(first, int(high // step) + 1)]
        power *= 10


class _Picture:
    def __init__(self, chart: Chart, width: int) -> None:
        self.chart, self.width, self.right = chart, width, width - EDGE
        self.rows = list(self.legend_rows())
        down = LEGEND * (len(self.rows) - 1) if self.rows else 0
        self.height, self.top, self.bottom = HEIGHT + down, TOP + down, BOTTOM + down
        points = [p for one in chart.series.values() for p in one]
        xs, ys = [p[0] for p in points] or [0.0, 1.0], [p[1] for p in points] or [0.0, 1.0]
        self.low, self.high = min(0.0, *ys), max(0.0, *ys) or 1.0
        self.first, self.last = min(xs), max(xs)
        if chart.kind != "line":
            half = (self.last - self.first) / max(1, len(set(xs)) - 1) / 2 if len(set(xs)) > 1 else 0.5
            self.first, self.last = self.first - half, self.last + half
        if self.last <= self.first:
            self.first, self.last = self.first - 1, self.last + 1

    def px(self, x: float) -> float:
        return LEFT + (x - self.first) / (self.last - self.first) * (self.right - LEFT)

    def py(self, y: float) -> float:
        return self.bottom - (y - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def draw(self) -> str:
        chart = self.chart
        title = clean(chart.title)
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" font-family="{tone.FONT}" font-size="12" '
            f'fill="{tone.MUTED}">'
            f"<title>{title}</title><desc>{clean_lines(chart.text())}</desc>"
            f'<rect x=".5" y=".5" width="{self.width - 1}" height="{self.height - 1}" rx="8" fill="{tone.BACKGROUND}" '
            f'stroke="{tone.LINE}"/><text x="16" y="28" font-size="15" font-weight="600" fill="{tone.INK}">'
            f"{clean(cut(chart.title, self.width - 60, 15, True))}</text>"
        )
        out = [opening]
        for y in ticks(self.low, self.high, self.bottom - self.top):
            out.append(f'<path d="M{LEFT} {n(self.py(y))}H{self.right}" stroke="{tone.LINE}"/>')
            out.append(f'<text x="{LEFT - 8}" y="{n(self.py(y) + 4)}" text-anchor="end">{number(y)}</text>')
        out += self.below()
        for k, points in enumerate(chart.series.values()):
            out.append(self.line(k, points) if chart.kind == "line" else self.bars(k, points))
        out.append(f'<path d="M{LEFT} {n(self.py(0))}H{self.right}" stroke="{tone.EDGE}"/>')
        if chart.at is not None and self.first <= chart.at <= self.last:
            x = round(self.px(chart.at), 1)
            beside, side = (x - 6, "end") if x > self.right - 60 else (x + 6, "start")
            out.append(f'<path d="M{n(x)} {self.top}V{self.bottom}" stroke="{tone.ACCENT}" stroke-width="2"/>')
            out.append(
                f'<text x="{n(round(beside, 1))}" y="{self.top + 12}" text-anchor="{side}" font-weight="600" '
                f'fill="{tone.ACCENT}">{number(chart.at)}</text>'
            )
        out.append(f'<text x="16" y="50">{clean(cut(chart.y, 300, 12))}</text>')
        across = clean(cut(chart.x, self.right - LEFT, 12))
        out.append(f'<text x="{self.right}" y="{self.bottom + 38}" text-anchor="end">{across}</text>')
        return "".join([*out, *self.legend(), "</svg>"])

    def below(self) -> list[str]:
        """What stands under the axis: labels of bars, or numbers."""
        chart = self.chart
        marks = (
            [(float(k), label) for k, label in enumerate(chart.labels)]
            if chart.labels
            else [(x, number(x)) for x in ticks(self.first, self.last, (self.right - LEFT) * 0.7)]
        )
        room = (self.right - LEFT) / max(1, len(marks)) - 6
        return [
            f'<text x="{n(self.px(x))}" y="{self.bottom + 18}" text-anchor="middle">{clean(cut(said, room, 12))}</text>'
            for x, said in marks
        ]

    def line(self, k: int, points: Points) -> str:
        step = max(1, len(points) // MOST_POINTS)
        path = "L".join(f"{n(round(self.px(x), 1))} {n(round(self.py(y), 1))}" for x, y in points[::step])
        dash = f' stroke-dasharray="{DASHES[k % 4]}"' if DASHES[k % 4] else ""
        return f'<path d="M{path}" fill="none" stroke="{tone.colour(k)}" stroke-width="2"{dash}/>' if path else ""

    def bars(self, k: int, points: Points) -> str:
        count = len(self.chart.series)
        slots = len(self.chart.labels) or max(1, len(points))
        pitch = (self.right - LEFT) / slots
        each = min(90.0, pitch * (0.96 if self.chart.kind == "histogram" else 0.7) / count)
        zero = self.py(0)
        rects = []
        for x, y in points:
            left = self.px(x) + (k - count / 2) * each
            top, bottom = sorted((self.py(y), zero))
            box = f'x="{n(round(left, 2))}" y="{n(round(top, 2))}" width="{n(round(each - 1, 2))}"'
            rects.append(f'<rect {box} height="{n(round(bottom - top, 2))}"/>')
            if self.chart.kind == "bar" and each > wide(number(y), 12):
                at = f'x="{n(round(left + each / 2, 2))}" y="{n(round(top - 5, 2))}"'
                rects.append(f'<text {at} text-anchor="middle" fill="{tone.INK}">{number(y)}</text>')
        return f'<g fill="{tone.colour(k)}">{"".join(rects)}</g>'

    def legend_rows(self) -> Iterator[list[int]]:
        """The series in lines: beside the name of the upright axis what finds room there, the rest below it."""
        count = len(self.chart.series)
        if count < 2:
            return
        takes = [wide(self.said(k), 12) + MARK + 16 for k in range(count)]
        room = self.right - EDGE - wide(cut(self.chart.y, 300, 12), 12) - 20
        row: list[int] = []
        if sum(takes) - 16 > room:
            yield []
            room = float(self.right - EDGE)
        for k in range(count):
            if row and sum(takes[n] for n in (*row, k)) - 16 > room:
                yield row
                row = []
            row.append(k)
        yield row

    def said(self, k: int) -> str:
        """The name of a series, as long as a line can hold."""
        return cut(list(self.chart.series)[k], self.right - EDGE - MARK, 12)

    def legend(self) -> list[str]:
        """Names of the series at the upper right, each with its colour and dash."""
        out = []
        for line_, row in enumerate(self.rows):
            x, y = float(self.right), 50 + LEGEND * line_
            for k in reversed(row):
                said = self.said(k)
                x -= wide(said, 12)
                out.append(f'<text x="{n(round(x, 1))}" y="{y}" fill="{tone.INK}">{clean(said)}</text>')
                dash = f' stroke-dasharray="{DASHES[k % 4]}"' if self.chart.kind == "line" and DASHES[k % 4] else ""
                thick = 2 if self.chart.kind == "line" else 10
                at = f"M{n(round(x - MARK, 1))} {y - 4}h24"
                out.append(f'<path d="{at}" stroke="{tone.colour(k)}" stroke-width="{thick}"{dash}/>')
                x -= MARK + 16
        return out
