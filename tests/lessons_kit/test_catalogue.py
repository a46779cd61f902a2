"""Runs, questions and words by name; what there is not is told with what there is."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys

import pytest

import schedlab
from schedlab.lessons import catalogue
from schedlab.lessons.catalogue import LessonError, lesson, part, parts, questions
from schedlab.lessons.glossary import TERMS
from schedlab.lessons.listing import Elsewhere, Listing, contents, elsewhere, lesson_files, simplified, terms
from schedlab.scenario import Scenario
from schedlab.trace import Trace
from schedlab.widgets.quiz import faults
from tests.source import ROOT

EVERY = sorted(parts())


@pytest.mark.parametrize("name", EVERY)
def test_every_run_of_a_part_can_be_run_and_says_what_it_is(name):
    for entry in getattr(part(name), "RUNS", {}):
        run = lesson(f"{name}/{entry}")
        assert isinstance(run, (Scenario, Trace))
        trace = run.run() if isinstance(run, Scenario) else run
        assert len(trace)
        assert trace.about["title"].strip()


@pytest.mark.parametrize("name", EVERY)
def test_every_question_has_one_right_answer_and_a_message_for_each(name):
    module = part(name)
    for question in [*getattr(module, "QUESTIONS", ()), *getattr(module, "PREDICTIONS", {}).values()]:
        assert faults(question) == []
        assert any(option.idea for option in question.options), "a distractor names the misconception behind it"


@pytest.mark.parametrize("name", EVERY)
def test_what_a_part_says_of_others_names_lessons_by_number(name):
    for one in getattr(part(name), "ELSEWHERE", ()):
        assert len(one.lesson) == 2
        assert one.asks.endswith("?"), "a transfer is a question, not a remark"


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: lesson("o1/hok"), "did you mean 'hook'"),
        (lambda: lesson("strat/hook"), "did you mean 'start'"),
        (lambda: lesson("o1"), "such as 'o1/hook'"),
        (lambda: questions("nowhere"), "no part of a lesson called 'nowhere'"),
        (lambda: catalogue.exercise("o1/flying"), "no exercise called 'flying'"),
        (lambda: terms("epok"), "did you mean 'epoch'"),
        (lambda: simplified("o(2)"), "no assumption is listed"),
    ],
)
def test_what_there_is_not_is_told_with_the_nearest(ask, says):
    with pytest.raises(LessonError, match=says.replace("(", r"\(").replace(")", r"\)")):
        ask()


def test_a_lesson_that_is_not_there_is_named_but_not_linked(tmp_path):
    listing = elsewhere("o1", tmp_path)
    assert "<a " not in listing.html()
    assert "Go" in listing.text()
    (tmp_path / "22-go-stealing.ipynb").write_text("{}")
    assert 'href="22-go-stealing.ipynb"' in elsewhere("o1", tmp_path).html()


def test_lessons_are_found_by_number(tmp_path):
    for name in ("1R-real.ipynb", "13-o1.ipynb", "notes.ipynb"):
        (tmp_path / name).write_text("{}")
    assert sorted(lesson_files(tmp_path)) == ["13", "1R"]


def test_what_a_table_says_is_never_markup(monkeypatch):
    module = part("o1")
    monkeypatch.setattr(module, "ELSEWHERE", (Elsewhere("22", "<img src=x onerror=alert(1)> `<b>`?"),))
    shown = elsewhere("o1").html()
    assert "<img" not in shown
    assert "<code>&lt;b&gt;</code>" in shown


def test_assumptions_are_listed_with_their_source_and_the_tests_are_folded_away():
    listing = simplified("o1")
    text, (shown, _, folded) = listing.text(), listing.html().partition("<details")
    assert text.startswith("What is simplified\n")
    assert shown.startswith("<h2>What is simplified</h2>")
    assert "Source:" in text
    assert max(map(len, text.split("\n"))) <= 96
    for inner in ("switch-is-free", "tests/"):
        assert inner not in text
        assert inner not in shown
        assert inner in folded


@pytest.mark.parametrize("name", ["preemption", "stealing", "v001", "on", "o1", "many", "cfs", "eevdf", "real"])
def test_no_system_is_named_twice_in_a_row(name):
    listing = elsewhere(name)
    assert listing.text().startswith("The same idea elsewhere\n")
    plain = re.sub("<[^>]+>", "", listing.html())
    for said in (listing.text(), plain):
        assert not re.search(r"\b(\w+):? \1\b", said)


def test_what_stands_in_front_is_set_off_unless_the_sentence_begins_with_it():
    listing = Listing([("Go", "Go's list is one.", ""), ("Linux", "CFS has none.", "")], "two")
    assert listing.text() == "- Go's list is one.\n- Linux: CFS has none."
    assert "<b>Go</b>'s list" in html.unescape(listing.html())
    assert "<b>Linux</b>: CFS" in listing.html()


@pytest.mark.parametrize("term", sorted(TERMS))
def test_a_term_is_explained_in_one_sentence(term):
    assert TERMS[term].endswith(".")
    assert ". " not in TERMS[term]
    assert len(TERMS[term]) <= 120


def test_public_names_are_where_the_package_says():
    assert {*schedlab._HOME, "__version__"} == set(schedlab.__all__)
    for name in schedlab._HOME:
        assert getattr(schedlab, name).__name__.strip("_")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        schedlab.nothing  # noqa: B018  # the access is what is tried


def test_every_public_name_is_declared_for_the_type_checker():
    text = (ROOT / "schedlab" / "__init__.py").read_text(encoding="utf-8").partition("if TYPE_CHECKING:")[2]
    declared = text.partition("\n\n\n")[0].replace(",", " ").split()
    assert set(schedlab._HOME) <= set(declared)


def test_looking_at_the_names_loads_none_of_them():
    ask = "import schedlab, sys; dir(schedlab); print(*[m for m in sys.modules if m.startswith('schedlab')])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["schedlab"]


def test_the_map_holds_the_lessons_that_exist_and_each_links_to_its_file(tmp_path):
    def write(name, source):
        cells = [{"cell_type": "markdown", "source": source}] if source else []
        (tmp_path / name).write_text(json.dumps({"cells": cells}), encoding="utf-8")

    write("00-start-here.ipynb", "# 00 · Start here\n\nNot in its own map.")
    write("13-o1.ipynb", "# 13 · O(1)\n\nA **server** of <dfn>threads</dfn>\nwith 2.6.11 runs. More.\n\nElse.")
    write("20-go.ipynb", ["# 20 · <script>\n", "\n", "No end"])
    write("22-empty.ipynb", "")
    listing = contents(tmp_path)
    assert listing.entries == [
        ("13 · O(1)", "A server of threads with 2.6.11 runs.", "Linux"),
        ("20 · <script>", "No end", "Go"),
        ("22-empty", "", "Go"),
    ]
    assert 'href="13-o1.ipynb"' in listing.html()
    assert "<script>" not in listing.html()
    assert set(contents().links.values()) == {path.name for path in (ROOT / "lessons").glob("[1-9]*.ipynb")} | {
        path.name for path in (ROOT / "lessons").glob("0[1-9]*.ipynb")
    }


@pytest.mark.parametrize("nonsense", [None, 5, ["o1"], object()])
def test_what_is_no_name_is_told(nonsense):
    from schedlab import check, elsewhere, quiz, terms

    for ask in (lesson, quiz, elsewhere, terms, lambda name: check("o1", name)):
        with pytest.raises(LessonError):
            ask(nonsense)
