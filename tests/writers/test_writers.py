"""A trace as a file: each form opens where it should, equal traces make equal bytes, names stay names."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from typing import Any

import pytest

from schedlab.readers import read_trace
from schedlab.scenario import Scenario
from schedlab.trace import Trace
from schedlab.writers import WRITERS, CannotWrite, form_of, write
from schedlab.writers.perfetto import LANES, TASKS, micro
from schedlab.writers.spans import Span, spans
from tests.source import ROOT

NASTY = '</script><b>"\\\x1b[31m名\n'
RECORDING = ROOT / "data" / "linux" / "6.12-eevdf" / "w03_inter.csv.gz"


@pytest.fixture(scope="module")
def run() -> Trace:
    tasks: list[dict[str, Any]] = [
        {"name": NASTY, "does": [{"repeat": [{"wait": "x"}, {"run": "2ms"}]}]},
        {"name": "b", "does": [{"repeat": [{"run": "7ms"}, {"wake": "x"}, {"sleep": "1ms"}]}]},
        {"name": "c", "nice": 5},
    ]
    return Scenario("o1", tasks=tasks, until="300ms", cpus=2).run()


@pytest.fixture(scope="module")
def recording() -> Trace:
    return read_trace(RECORDING)


@pytest.mark.parametrize("suffix", WRITERS)
def test_equal_traces_make_equal_bytes(suffix, run, tmp_path):
    assert run.scenario is not None
    write(run, tmp_path / f"a{suffix}")
    write(run.scenario.run(), tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_recording_can_be_written_too(suffix, recording, tmp_path):
    write(recording, tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size > 1000


def test_a_saved_trace_comes_back_equal(run, tmp_path):
    write(run, tmp_path / "x.json")
    assert Trace.load(tmp_path / "x.json").digest() == run.digest()


def test_the_longest_suffix_decides():
    assert form_of("a/x.perfetto.json") == ".perfetto.json"
    assert form_of("X.JSON") == ".json"
    for name in ("x.txt", "x", ".json", "json", "x.html.gz"):
        with pytest.raises(CannotWrite, match=r"\.perfetto\.json, \.json, \.html, \.svg, \.gif"):
            form_of(name)


def test_nothing_is_left_where_writing_fails(run, tmp_path):
    (tmp_path / "x.json").mkdir()
    with pytest.raises(OSError, match=r"x\.json"):
        write(run, tmp_path / "x.json")
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_no_name_is_markup_in_a_page_or_a_picture(run, tmp_path):
    write(run, tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert page.count("</script>") == page.count("<script")
    write(run, tmp_path / "x.svg")
    picture = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert not [e for e in ElementTree.fromstring(picture).iter() if e.tag.split("}")[-1] in ("script", "b")]


# -- Perfetto ---------------------------------------------------------------------------------------


def events(trace, tmp_path):
    write(trace, tmp_path / "x.perfetto.json")
    text = (tmp_path / "x.perfetto.json").read_text(encoding="ascii")
    assert "<" not in text
    return json.loads(text)["traceEvents"]


@pytest.mark.parametrize("which", ["run", "recording"])
def test_perfetto_tracks_have_the_cpu_time_of_the_trace(which, request, tmp_path):
    trace = request.getfixturevalue(which)
    found = events(trace, tmp_path)
    slices = [e for e in found if e["ph"] == "X"]
    for task, name in enumerate(trace.names["task"]):
        wanted = sum(
            s.end - s.start for s in spans(trace) if isinstance(s, Span) and s.of == "lane" and s.value == task
        )
        on_cpus = sum(e["dur"] for e in slices if e["pid"] == LANES and e["name"] == name)
        on_track = sum(
            e["dur"] for e in slices if e["pid"] == TASKS and e["tid"] == task + 1 and e["name"] == "running"
        )
        assert round(on_cpus * 1000) == round(on_track * 1000) == wanted


def test_perfetto_slices_of_a_track_follow_each_other(run, tmp_path):
    tracks: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for e in events(run, tmp_path):
        if e["ph"] == "X":
            tracks.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["ts"] + e["dur"]))
    for track in tracks.values():
        track.sort()
        assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(track))


def test_perfetto_arrows_go_from_who_wakes_to_who_runs(run, tmp_path):
    found = events(run, tmp_path)
    starts = {e["id"]: e for e in found if e["ph"] == "s"}
    ends = {e["id"]: e for e in found if e["ph"] == "f"}
    assert len(ends) > 10
    assert set(ends) <= set(starts)
    assert all(starts[i]["ts"] <= ends[i]["ts"] for i in ends)
    slices = [e for e in found if e["ph"] == "X" and e["pid"] == LANES]
    for arrow in [*starts.values(), *ends.values()]:
        assert any(s["tid"] == arrow["tid"] and s["ts"] <= arrow["ts"] <= s["ts"] + s["dur"] for s in slices)


def test_perfetto_names_are_the_names(run, tmp_path):
    named = {(e["pid"], e["tid"]): e["args"]["name"] for e in events(run, tmp_path) if e["name"] == "thread_name"}
    assert named == {(1, 1): "CPU 0", (1, 2): "CPU 1", (2, 1): NASTY, (2, 2): "b", (2, 3): "c"}


def test_microseconds_keep_every_nanosecond():
    assert [micro(ns) for ns in (0, 1, 999, 1000, 1001, 2**60 + 1)] == [
        "0", "0.001", "0.999", "1", "1.001", "1152921504606846.977"]  # fmt: skip


# -- GIF --------------------------------------------------------------------------------------------


def test_the_play_head_of_a_gif_moves(run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="the GIF writer needs Pillow")
    write(run, tmp_path / "x.gif")
    with image.open(tmp_path / "x.gif") as picture:
        assert picture.n_frames == 80
        head = []
        for frame in (0, 40, 79):
            picture.seek(frame)
            shot = picture.convert("RGB")
            columns = [x for x in range(shot.width) if shot.getpixel((x, 40)) == (0x0B, 0x62, 0xC4)]
            head.append(columns[0])
        assert head == sorted(set(head))
        assert head[0] <= 131
        assert head[-1] >= 930


def test_a_gif_without_pillow_says_what_to_install(run, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(CannotWrite, match=r"pip install 'schedlab\[gif\]'"):
        write(run, tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_is_cut_to_its_room_without_measuring_each_length():
    from schedlab.writers.gif import cut

    asked = []

    class Draw:
        def textlength(self, text, font):
            asked.append(text)
            return 10 * len(text)

    assert cut(Draw(), None, "x" * 300, 205) == "x" * 19 + "…"
    assert len(asked) < 12
    assert cut(Draw(), None, "short", 205) == "short"
    assert cut(Draw(), None, "x" * 9, 5) == "…"
