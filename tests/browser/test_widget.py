"""The player's Python side: the module that is sent, the page that needs no kernel, the widget's static forms."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from typing import Any

import pytest

from schedlab.widgets import bundle
from schedlab.widgets.player import Player
from tests.browser import payloads


def test_the_module_and_its_style_weigh_at_most_60_kb_gzipped():
    assert len(gzip.compress((bundle.module_text() + bundle.css_text()).encode())) <= 60_000


def test_every_rule_of_the_style_sheet_begins_at_the_player():
    css = re.sub(r"/\*.*?\*/", "", bundle.css_text(), flags=re.S)
    selectors = [s.strip() for block in re.findall(r"([^{};]+)\{", css) for s in block.split(",")]
    own = re.compile(r"^(\.sl\b|\.sl-|\.lay-)")
    strange = [s for s in selectors if not own.match(s) and not s.startswith("@") and s not in ("to", "from")]
    assert [s for s in strange if not re.fullmatch(r"[\w\s:()-]*\)?", s)] == []


ASKING = {
    "words.en.js": [name for name in bundle.PARTS if name not in bundle.WORDS],
    "kit.words.en.js": ["kit.js", "knobs.js", "quiz.js", "report.js"],
}
BUILT = {"showA", "showB"}  # from the letter of a future


@pytest.mark.parametrize("table", ASKING)
def test_the_words_of_a_table_are_those_that_are_asked_for(table):
    parts = "\n".join(bundle.source(name) for name in ASKING[table])
    known = set(re.findall(r"^  (\w+):", bundle.source(table), re.M))
    asked = set(re.findall(r"\bwords\.(\w+)", parts)) | set(re.findall(r"say\((?:this\.|app\.)?words, '(\w+)'", parts))
    assert asked - known == set(), "asked for and not there"
    assert known - asked - set(re.findall(r"'(\w+)'", parts)) - BUILT == set(), "there and asked by nobody"


def test_the_page_holds_hostile_names_as_data_only():
    head, columns = payloads.hostile_names()
    page = bundle.standalone_html(head, columns, text="<script>text</script>")
    outside = re.sub(r"<script type=\"module\">.*?</script>", "", page, flags=re.S)
    assert "<img" not in outside
    assert "<b>title" not in outside
    assert outside.count("<script") == outside.count("</script>") == 2
    assert bundle.standalone_html(head, columns) == bundle.standalone_html(head, columns)


def test_the_page_plays_from_a_file_without_a_network(chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(bundle.standalone_html(*payloads.hostile_names()), encoding="utf-8")
    context = chromium.new_context(offline=True)
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("request", lambda r: asked.append(r.url))
    page.goto(path.as_uri())
    page.locator(".sl-canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.querySelector('.sl').__player.state().i") == 1
    assert page.evaluate("window.hacked") is None
    assert (errors, asked) == ([], [path.as_uri()])
    context.close()


def test_the_widget_shows_its_text_and_picture_where_nothing_runs():
    widget = Player(*payloads.linux_small(), text="the run in words", svg="<svg/>")
    bundled = widget._repr_mimebundle_()
    assert bundled is not None
    data, _ = bundled
    assert data["text/plain"] == "the run in words"
    assert data["image/svg+xml"] == "<svg/>"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert repr(widget) == "Player('EEVDF shares one CPU', 58 events)"


@pytest.fixture
def asked(monkeypatch):
    """A widget with answers, and what it sends."""
    sent: list[dict[str, Any]] = []
    payload = payloads.linux_small()

    def fork(event: int, change: Mapping[str, Any]) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
        if change["ms"] <= 0:
            raise ValueError("a slice is longer than nothing")
        return *payload, {"prefix": event, "differ_a": None, "differ_b": None}

    widget = Player(*payload, explain=lambda event: {"candidates": [[0, 0, 1.0]], "lines": []}, fork=fork)
    monkeypatch.setattr(widget, "send", lambda message, buffers=None: sent.append(message))
    return widget, sent


def test_questions_are_answered_with_their_numbers(asked):
    widget, sent = asked
    widget._asked(widget, {"n": 7, "ask": "explain", "event": 3}, [])
    assert sent == [{"n": 7, "explained": 3, "candidates": [[0, 0, 1.0]], "lines": []}]


def test_a_fork_sends_the_second_run_and_a_bad_change_says_why(asked):
    widget, sent = asked
    widget._asked(widget, {"n": 1, "ask": "fork", "event": 3, "change": {"ms": 1}}, [])
    assert sent[-1] == {"n": 1, "forked": {"prefix": 3, "differ_a": None, "differ_b": None}}
    assert widget.head_b["title"] == "EEVDF shares one CPU"
    widget._asked(widget, {"n": 2, "ask": "fork", "event": 3, "change": {"ms": 0}}, [])
    assert sent[-1] == {"n": 2, "forked": None, "error": "a slice is longer than nothing"}


def test_a_recording_cannot_be_forked_and_strange_messages_are_ignored():
    widget = Player(*payloads.linux_small())
    sent: list[dict[str, Any]] = []
    widget.send = lambda message, buffers=None: sent.append(message)
    messages: list[Any] = [None, 3, "ask", [], {}, {"ask": "explain", "n": 1, "event": 2}]
    for strange in messages:
        widget._asked(widget, strange, [])
    assert sent == []
    widget._asked(widget, {"n": 4, "ask": "fork", "event": 0}, [])
    assert sent[0]["forked"] is None
    assert "recorded" in sent[0]["error"]
