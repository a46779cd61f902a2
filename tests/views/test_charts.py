"""Summary charts: a figure, its picture, its text."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from schedlab.views import palette as tone
from schedlab.views.charts import bar, histogram, line
from schedlab.views.svg import wide

CHARTS = {
    "line": line({"hog <b>": [(0, 0), (10, 5)], "editor": [(0, 3), (10, 1)]}, title="CPU time", x="time, ms", y="ms"),
    "bar": bar({"hog": 10, "editor": 3}, title="Longest wait", y="ms"),
    "groups": bar({"none": {"p50": 1, "p99": 20}, "stealing": {"p50": 2, "p99": 5}}, title="Latency", y="ms"),
    "histogram": histogram([1, 1, 2, 9], title="Work", x="ms", y="tasks", bins=4),
    "empty": histogram([], title="Nothing", x="ms", y="tasks"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_figure_a_picture_and_a_text(name):
    bundle = CHARTS[name]._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"}
    root = ET.fromstring(bundle["image/svg+xml"])
    assert root[1].text == bundle["text/plain"]


def test_a_chart_has_the_values_that_were_given():
    figure = CHARTS["groups"].figure()
    assert [(trace.name, list(trace.x), list(trace.y)) for trace in figure.data] == [
        ("none", ["p50", "p99"], [1, 20]),
        ("stealing", ["p50", "p99"], [2, 5]),
    ]


def test_a_histogram_counts_every_value_once():
    assert [y for _x, y in CHARTS["histogram"].series["tasks"]] == [3, 0, 0, 1]


def test_names_are_never_markup():
    assert CHARTS["line"].figure().data[0].name == "hog &lt;b&gt;"
    assert "<b>" not in CHARTS["line"].svg()


def test_lines_differ_by_dash_as_well_as_by_colour():
    drawn = [
        e
        for e in ET.fromstring(CHARTS["line"].svg()).iter()
        if e.get("stroke-width") == "2" and e.get("fill") == "none"
    ]
    assert len({e.get("stroke-dasharray") for e in drawn}) == len(drawn) == 2


def test_charts_are_told_in_words():
    assert CHARTS["bar"].text() == "Longest wait\n  ms: hog 10, editor 3"


def test_a_histogram_needs_a_bin():
    with pytest.raises(ValueError, match="bins must be 1 or more, not 0"):
        histogram([1], title="", x="", y="", bins=0)


def test_views_load_no_plotly_and_no_networkx_before_they_are_used():
    code = (
        "import sys, schedlab.views.charts, schedlab.views.graphs, schedlab.views.frames, schedlab.views.svg\n"
        "print([m for m in ('plotly', 'networkx', 'numpy', 'anywidget') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_chart_marks_where_its_knob_stands():
    plain, marked = (line({"a": [(0, 0), (10, 5)]}, title="t", x="x", y="y", at=at) for at in (None, 4))
    assert tone.ACCENT not in plain.svg()
    assert marked.svg().count(tone.ACCENT) == 2
    assert ">4</text>" in marked.svg()
    assert len(marked.figure().layout.shapes) == 1
    outside = line({"a": [(0, 0), (10, 5)]}, title="t", x="x", y="y", at=11)
    assert tone.ACCENT not in outside.svg()


LONG = {
    "2.4, an epoch": [(0, 1), (9, 6)],
    "2.4, longest wait": [(0, 2), (9, 11)],
    "2.2, an epoch (its slice times n)": [(0, 3), (9, 21)],
}


@pytest.mark.parametrize("width", [480, 720, 1000])
def test_a_chart_of_any_width_names_its_series_in_full_and_inside_it(width):
    chart = line(LONG, title="Among programs that compute", x="programs", y="seconds")
    root = ET.fromstring(chart.svg(width))
    assert root.get("width") == str(width)
    texts = [e for e in root.iter() if e.tag.endswith("}text")]
    assert {e.text for e in texts} >= LONG.keys()
    spans = []
    for e in texts:
        said, anchor = e.text or "", e.get("text-anchor", "start")
        x, size = float(e.attrib["x"]), wide(said, float(e.get("font-size", 12)), e.get("font-weight") == "600")
        left = x - size * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        assert left >= 0
        assert left + size <= width
        spans.append((float(e.attrib["y"]), left, left + size))
    rows = sorted(spans)
    assert not [(p, q) for p in rows for q in rows if p < q and p[0] == q[0] and p[2] > q[1] + 0.1], "texts overlap"
