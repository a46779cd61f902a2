"""The text form and the SVG: the same facts as the player's."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from schedlab.views import picture
from schedlab.views.frames import frames
from schedlab.views.language import width
from schedlab.views.payload import sentences, unpack
from schedlab.views.scene import Scene
from schedlab.views.svg import MOST_BYTES, svg
from schedlab.views.text import COLUMNS, text
from tests.views.runs import MS, explained, hostile, recording, scenario, turns

SVG = "{http://www.w3.org/2000/svg}"
TRACES = {
    "v0.01": lambda: explained("v0.01"),
    "o(n)": lambda: explained("o(n)"),
    "o1": lambda: explained("o1"),
    "two CPUs": lambda: scenario("o1", cpus=2).run().explain(),
    "recorded": recording,
    "hostile": hostile,
    "64 CPUs": lambda: turns(3000, cpus=64, tasks=200),
}


@pytest.fixture(params=TRACES, scope="module")
def shown(request):
    return picture(TRACES[request.param]())


def test_the_text_form_of_a_choice_by_goodness():
    _head, _columns, said, _svg = picture(explained("o(n)"), at=120 * MS)
    assert said == "\n".join(
        [
            "o(n) (simulated: O(n), 100 ticks a second, seed 0), 0 to 145 ms, one column 2.5 ms",
            "CPU 0    CBBBBBBBBBBBBCAAAAAAAAAAAABBBBBBBBBBAACAAAAAAAAAAAACBBBBBB",
            "A hog0   ··············▪▪▪▪▪▪▪▪▪▪▪▪··········▪▪·▪▪▪▪▪▪▪▪▪▪▪▪·······   ▪ runs",
            "B hog1   ·▪▪▪▪▪▪▪▪▪▪▪▪·············▪▪▪▪▪▪▪▪▪▪················▪▪▪▪▪▪   · waits",
            "C editor ▪            ▪                        ▪            ▪         blank: asleep",
            "                                                         ^",
            "120 ms  CPU 0 picks hog0: its goodness 27 is the highest of 2, 1 more than hog1's.",
            "  Task   counter   mm   20−nice   goodness   Result",
            "  hog0         6    1        20         27   runs",
            "  hog1         6    0        20         26   1 less",
        ]
    )


def test_no_line_of_the_text_form_is_wider_than_96_columns(shown):
    assert max(width(line) for line in shown[2].split("\n")) <= COLUMNS


def test_the_text_says_the_sentence_of_the_payload_letter_for_letter(shown):
    head, columns, said, _svg = shown
    _kind, sentence, small = sentences(head, columns)[head["still"]]
    flat = re.sub(r"\s+", " ", said)
    assert re.sub(r"\s+", " ", sentence) in flat
    assert re.sub(r"\s+", " ", small) in flat


def test_the_text_says_every_event_as_the_payload_does():
    head, columns = frames(explained("o1"))
    for event, (_kind, sentence, _small) in enumerate(sentences(head, columns)):
        assert sentence in re.sub(r"\s+", " ", text(head, columns, event))


def test_the_table_of_the_text_has_every_candidate_and_one_winner():
    head, columns = frames(explained("o(n)"))
    scene = Scene(head, columns)
    for event in scene.decisions:
        rows = scene.candidates(event)
        said = text(head, columns, event).split("\n")
        table = [line for line in said if line.startswith("  ") and line.split()[-1:] == ["runs"] and "▪" not in line]
        assert len(table) == 1
        assert sum(row.won for row in rows) == 1
        heading = max(k for k, line in enumerate(said) if line.startswith("  Task "))
        assert [line.split()[0] for line in said[heading + 1 :]] == [row.name for row in rows]


def test_the_svg_is_xml_with_a_title_and_the_text_as_its_description(shown):
    _head, _columns, said, picture_ = shown
    root = ET.fromstring(picture_)
    assert [child.tag for child in root][:2] == [SVG + "title", SVG + "desc"]
    assert root[1].text == said


def test_the_svg_is_small_and_has_no_more_than_400_bars(shown):
    assert len(shown[3].encode()) <= MOST_BYTES
    groups = [g for g in ET.fromstring(shown[3]).iter(SVG + "g") if g.get("font-weight") is None]
    assert sum(len(list(g.iter(SVG + "rect"))) for g in groups) <= 400


def test_the_svg_has_no_ids_but_its_patterns_and_nothing_that_runs_or_loads(shown):
    root = ET.fromstring(shown[3])
    assert {e.get("id") for e in root.iter() if e.get("id")} <= {"sl-p1", "sl-p2"}
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags <= {"svg", "title", "desc", "defs", "pattern", "path", "g", "circle", "rect", "text", "tspan"}
    assert not [k for e in root.iter() for k in e.attrib if k.startswith("on") or k.endswith("href") or k == "style"]


def test_what_is_written_on_the_paler_bars_of_the_future_is_dark_and_over_the_veil():
    drawn = ET.fromstring(picture(explained("o(n)"), at=120 * MS)[3])
    at = {id(e): k for k, e in enumerate(drawn.iter())}
    veil = next(e for e in drawn.iter(SVG + "rect") if e.get("fill-opacity") == ".56")
    now, top = float(veil.attrib["x"]), float(veil.attrib["y"])
    bottom = top + float(veil.attrib["height"])
    lane = [e for e in drawn.iter(SVG + "text") if float(e.attrib["x"]) > 124 and top < float(e.attrib["y"]) < bottom]
    past, future = ([e for e in lane if (float(e.attrib["x"]) > now) is later] for later in (False, True))
    assert past
    assert future
    assert all(at[id(e)] < at[id(veil)] for e in past)
    assert all(at[id(e)] > at[id(veil)] and e.get("fill") is None for e in future)


def test_a_name_that_looks_like_markup_stays_text():
    _head, _columns, said, drawn = picture(hostile())
    assert "<img" not in drawn
    (said + drawn).encode()


def test_the_svg_says_the_winner_and_lights_the_line():
    _head, _columns, _text, drawn = picture(explained("o(n)"), at=120 * MS)
    assert "▶ runs" in drawn
    assert "→ hog0" in drawn


def test_numbers_in_the_svg_have_two_digits_at_most(shown):
    attributes = [
        v for e in ET.fromstring(shown[3]).iter() for k, v in e.attrib.items() if k in ("x", "y", "d", "width")
    ]
    assert not [v for v in attributes if re.search(r"\.\d{3}", v)]


def test_a_trace_without_rows_says_so():
    from schedlab.linux.kinds import LINUX
    from schedlab.trace import Recorder
    from tests.views.runs import recorder_trace

    _head, _columns, said, drawn = picture(recorder_trace(Recorder(LINUX), [], 0))
    assert said == "by hand\nNothing happened: the scenario has no tasks."
    assert "Nothing happened" in drawn


def test_a_moment_outside_the_first_view_brings_its_own_window():
    trace = explained("o(n)")
    head, columns = frames(trace, at=500 * MS)
    scene = Scene(head, columns)
    start, stop = scene.window(head["still"])
    assert start <= 500 * MS <= stop
    assert "^" in text(head, columns)
    ET.fromstring(svg(head, columns))


def test_a_table_of_many_candidates_shows_the_winner_and_counts_the_rest():
    from schedlab.scenario import Scenario

    trace = Scenario("o(n)", [{"name": "job", "count": 40}], until="100ms").run().explain()
    head, columns, said, drawn = picture(trace)
    won = [row for row in Scene(head, columns).candidates(head["still"]) if row.won]
    assert len(won) == 1
    assert "and 29 more" in said
    assert "▶ runs" in drawn


def test_columns_of_the_head_and_of_the_scene_agree():
    head, columns = frames(explained("o1"))
    scene = Scene(head, columns)
    data = unpack(head, columns)
    assert sum(len(scene.bars(lane, 0, head["end"])) for lane in range(len(scene.lanes))) == len(data["segments.start"])
