"""Running a lesson into what is stored, and making its practice copy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schedlab.lessons.__main__ import main
from schedlab.lessons.lint import WIDGET, Notebook, text_of
from schedlab.lessons.notebooks import LessonFailed, execute, practised, settled, without_answers

HOOK = "from schedlab import lesson, play\nplay(lesson('o1/slice'))"


def write(path: Path, *sources: str, kind: str = "code") -> Path:
    cells: list[dict[str, object]] = [
        {"cell_type": kind, "id": f"0a1b2c3{k}", "metadata": {"tags": ["hook"] if k == 0 else []}, "source": source}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for k, source in enumerate(sources)
    ]
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"widgets": {"x": 1}}, "cells": cells}
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write(tmp_path_factory.mktemp("lessons") / "13-o1.ipynb", HOOK, "print('a')\nprint('b')", "1 + 1")
    assert execute(path)
    return path


def read(path: Path) -> Notebook:
    loaded: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_a_second_run_changes_nothing(stored):
    before = stored.read_bytes()
    assert not execute(stored)
    assert stored.read_bytes() == before


def test_what_is_stored_is_text_and_picture_and_no_state(stored):
    book = read(stored)
    assert set(book["metadata"]) == {"kernelspec", "language_info"}
    shown = book["cells"][0]["outputs"][0]["data"]
    assert {"text/plain", "image/svg+xml"} == set(shown)
    assert WIDGET not in stored.read_text(encoding="utf-8")


def test_cells_get_names_and_numbers(stored):
    cells = read(stored)["cells"]
    assert [cell["id"] for cell in cells] == ["hook-1", "run-1", "run-2"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    assert text_of(cells[1]["outputs"][0]["text"]) == "a\nb\n"


def test_nbval_finds_every_cell_as_it_was_stored(stored):
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-current-env", str(stored)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=stored.parent)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "3 passed" in done.stdout


def test_a_lesson_that_fails_is_told_and_left_as_it_was(tmp_path):
    path = write(tmp_path / "13-o1.ipynb", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(LessonFailed, match="ZeroDivisionError"):
        execute(path)
    assert path.read_bytes() == before


def test_streams_that_came_in_pieces_are_one():
    pieces = [{"output_type": "stream", "name": "stdout", "text": text} for text in ("a", ["b\n", "c"])]
    cell = {"cell_type": "code", "id": "x", "metadata": {}, "source": "", "outputs": pieces, "execution_count": 9}
    assert settled({"cells": [cell]})["cells"][0]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "ab\nc"}
    ]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("x = 1\n# answer\ny = 2", "x = 1\n..."),
        ("def f():\n    # answer\n    return 1\n\nf()", "def f():\n    ...\nf()"),
        ("class A:\n    def f(self):\n        # Solution: the sum\n        return 1\n    g = 2",
         "class A:\n    def f(self):\n        ...\n    g = 2"),
        ("answer = 1", "answer = 1"),
    ],
)  # fmt: skip
def test_answers_are_left_out_of_practice(source, left):
    assert without_answers(source) == left


def test_a_practice_copy_keeps_headings_and_code_without_outputs(stored, tmp_path):
    book = read(stored)
    book["cells"].insert(0, {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# O(1)\nLong prose."})
    book["cells"].insert(1, {"cell_type": "markdown", "id": "u", "metadata": {}, "source": "Only prose."})
    copy = practised(book)
    assert [text_of(cell["source"]) for cell in copy["cells"]][:2] == ["# O(1)", HOOK]
    assert all(not cell.get("outputs") for cell in copy["cells"])
    assert book["cells"][2]["outputs"], "the lesson itself is not touched"


def test_the_command_checks_and_copies(stored, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(stored.parent)
    assert main(["check", str(stored)]) == 1
    assert "0 cells in which the learner does something" in capsys.readouterr().out
    assert main(["practice", str(tmp_path / "practice")]) == 0
    assert (tmp_path / "practice" / stored.name).is_file()
    assert main(["check", "nothing.ipynb"]) == 1
    assert "no such file" in capsys.readouterr().out
