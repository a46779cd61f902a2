"""Every rule about a stored lesson lets a good one pass and catches what it is there for."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from schedlab.lessons import lint
from schedlab.lessons.lint import SVG, WIDGET, Notebook

PICTURE = {"text/plain": "a run", SVG: "<svg><title>A run</title></svg>"}


def cell(name: str, tag: str = "", source: str = "play(run)", data: object = None) -> dict[str, object]:
    shown = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}] if data else []
    return {
        "cell_type": "code", "id": name, "metadata": {"tags": [tag]} if tag else {}, "source": source,
        "outputs": shown, "execution_count": None,
    }  # fmt: skip


def prose(name: str, source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


GOOD: Notebook = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        prose("opening", "An <dfn>epoch</dfn> ends."),
        cell("first", "hook", data=PICTURE),
        cell("guess", "predict", data=PICTURE),
        cell("one-tick", "worked", data=PICTURE),
        cell("turn", "modify", data=PICTURE),
        cell("write", "make", data=PICTURE),
        cell("left-out", "simplified", data={"text/plain": "-"}),
        cell("others", "elsewhere", data={"text/plain": "-"}),
        cell("asked", "questions", data=PICTURE),
    ],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "13-o1.ipynb"
    file.write_text(json.dumps(GOOD), encoding="utf-8")
    return file


def test_a_good_lesson_breaks_no_rule(path):
    assert lint.check(path) == []


def output(lesson: Notebook, **data: object) -> object:
    return lesson["cells"][1]["outputs"][0]["data"].update(data)


@pytest.mark.parametrize(
    ("rule", "do", "says"),
    [
        ("no_state", lambda lesson: lesson["metadata"].update(widgets={}), "state of widgets"),
        ("no_state", lambda lesson: lesson["cells"][1]["metadata"].update(execution={}), "time it ran"),
        ("cell_names", lambda lesson: lesson["cells"][1].update(id="a1b2c3d4"), "no name of its own"),
        ("cell_names", lambda lesson: lesson["cells"][1].update(id="guess"), "two cells are called 'guess'"),
        ("size", lambda lesson: lesson["cells"].extend([cell(f"more-{k}") for k in range(20)]), "29 cells"),
        ("size", lambda lesson: output(lesson, **{"text/html": "x" * 200_001}), "an output of more"),
        ("outputs", lambda lesson: [c.update(outputs=[]) for c in lint.code(lesson)], "no cell has an output"),
        (
            "outputs",
            lambda lesson: lesson["cells"][1].update(outputs=[{"output_type": "error", "ename": "E"}]),
            "ends in an error",
        ),
        (
            "outputs",
            lambda lesson: lesson["cells"][1].update(outputs=[{"output_type": "stream", "name": "stderr", "text": ""}]),
            "stderr",
        ),
        ("no_place", lambda lesson: output(lesson, **{"text/plain": "<X at 0x7f0012ab>"}), "0x7f0012ab"),
        ("no_place", lambda lesson: output(lesson, **{"text/plain": "/home/somebody/x"}), "/home/"),
        ("compared", lambda lesson: lesson["cells"][1].update(source="# NBVAL_SKIP"), "not be compared"),
        ("pictures", lambda lesson: (output(lesson, **{WIDGET: {}}), _drop(lesson, SVG)), "without picture"),
        ("pictures", lambda lesson: output(lesson, **{SVG: "<svg/>"}), "no title"),
        ("early_widget", lambda lesson: _drop(lesson, SVG), "none of the first"),
        ("order", lambda lesson: lesson["cells"][1]["metadata"].update(tags=["hooked"]), "no stage"),
        ("order", lambda lesson: lesson["cells"].append(cell("again", "play")), "closes with"),
        ("order", lambda lesson: lesson["cells"].insert(2, cell("early", "make")), "worked example"),
        ("doing", lambda lesson: lesson["cells"].__delitem__(slice(2, 6)), "0 cells"),
        ("few_terms", lambda lesson: _say(lesson, "<dfn>epoch</dfn> <dfn>tick</dfn> <dfn>O(1)</dfn>"), "3 new words"),
        ("few_terms", lambda lesson: _say(lesson, "a <dfn>frobnication</dfn>"), "not in the glossary"),
        ("few_terms", lambda lesson: _say(lesson, "<dfn>epoch</dfn> <dfn>epoch</dfn>"), "twice"),
        ("live_links", lambda lesson: _say(lesson, "see [Go](22-go.ipynb)"), "22-go.ipynb is not there"),
        ("live_links", lambda lesson: output(lesson, **{"text/html": '<a href="22-go.ipynb">'}), "22-go.ipynb"),
    ],
)  # fmt: skip
def test_the_rule_catches(rule, do, says, path):
    lesson = copy.deepcopy(GOOD)
    do(lesson)
    assert says in "; ".join(getattr(lint, rule)(lesson, path))


def _drop(lesson: Notebook, mime: str) -> object:
    return lesson["cells"][1]["outputs"][0]["data"].pop(mime)


def _say(lesson: Notebook, text: str) -> None:
    lesson["cells"][0]["source"] = text


def test_a_file_without_a_number_is_caught(tmp_path):
    assert list(lint.file_name(GOOD, tmp_path / "o1.ipynb"))


def test_a_link_to_a_lesson_that_is_there_passes(path):
    lesson = copy.deepcopy(GOOD)
    _say(lesson, f"see [this](./{path.name}#cell) and [that](https://www.kernel.org)")
    assert list(lint.live_links(lesson, path)) == []


def test_every_rule_is_tried_here():
    marked = [mark for mark in test_the_rule_catches.pytestmark if mark.name == "parametrize"]
    tried = {row[0] for mark in marked for row in mark.args[1]} | {"file_name"}
    assert {rule.__name__ for rule in lint.RULES} == tried
