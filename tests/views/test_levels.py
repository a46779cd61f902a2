"""Tasks in the job pool and on the swap device are drawn, named and told in every form."""

from __future__ import annotations

import json
import re

import pytest

from schedlab.scenario import Scenario
from schedlab.trace import Trace
from schedlab.views.frames import frames
from schedlab.views.payload import POOLED, SWAPPED, sentences
from schedlab.views.scene import Scene
from schedlab.views.svg import svg
from schedlab.views.text import text
from schedlab.writers import write


@pytest.fixture(scope="module")
def run() -> Trace:
    """a has the memory until 3 s, and b from then on; c is in the pool all the time."""
    tasks = [{"name": "a", "memory": "60MB"}, {"name": "b", "memory": "60MB"}, {"name": "c", "memory": "1MB"}]
    return Scenario("o1", tasks, until="5s", machine={"memory": "100MB", "jobs": 2}).run()


def test_every_task_has_a_bar_of_its_own_kind_while_it_is_not_in_memory(run):
    scene = Scene(*frames(run))
    lanes = {scene.names[lane["task"]]: n for n, lane in enumerate(scene.lanes) if lane["kind"] == "task"}
    outside = {
        name: [(bar[0], bar[1]) for bar in scene.bars(lane, 0, run.end) if bar[3] in (SWAPPED, POOLED)]
        for name, lane in lanes.items()
    }
    assert outside == {
        "a": [(3_000_000_000, 2_000_000_000)],
        "b": [(0, 3_000_000_000)],
        "c": [(0, 5_000_000_000)],
    }


def test_the_text_form_marks_and_names_them(run):
    head, columns = frames(run)
    lines = text(head, columns).split("\n")
    assert re.fullmatch(r"B b   ○+   · waits", lines[3])
    assert re.fullmatch(r"C c   :+   ○ swapped out", lines[4])


def test_the_picture_draws_them_as_broken_lines(run):
    drawn = svg(*frames(run))
    assert drawn.count('stroke-dasharray="6 3"') == 1
    assert drawn.count('stroke-dasharray="1 4"') == 1


def test_they_stand_in_places_of_their_own_which_other_runs_do_not_have(run):
    assert [p["name"] for p in frames(run)[0]["places"]][3:] == ["job pool", "swapped out"]
    plain = Scenario("o1", [{"name": "a"}, {"name": "b"}], until="1s").run()
    assert len(frames(plain)[0]["places"]) == 3


def test_each_step_is_a_sentence(run):
    said = [sentence for _kind, sentence, _small in sentences(*frames(run))]
    for sentence in (
        "c is submitted and waits in the job pool.",
        "b is admitted: 2 of at most 2 jobs are in.",
        "there is no room for b: it begins on the swap device.",
        "b could run, but is swapped out.",
        "a is being swapped out; it was running.",
        "the memory of a is free again.",
        "b is being swapped in.",
        "b is in memory.",
    ):
        assert sentence in said


def test_perfetto_shows_them_by_the_names_of_their_states(run, tmp_path):
    write(run, tmp_path / "x.perfetto.json")
    events = json.loads((tmp_path / "x.perfetto.json").read_text())["traceEvents"]
    names = {event["name"] for event in events if event["ph"] == "X"}
    assert {"swapped out", "in the job pool"} <= names


def test_an_explained_run_is_told_with_them_too(run):
    head, _columns = frames(run.explain())
    assert {"submitted", "admitted", "swap-out", "swap-in", "swapped in"} <= {kind["name"] for kind in head["kinds"]}
