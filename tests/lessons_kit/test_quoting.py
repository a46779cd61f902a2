"""Source quoted by name: its own lines, marked by sign and colour, and never markup."""

from __future__ import annotations

import html
import inspect
import re

import pytest

from schedlab.lessons.quoting import diff, show
from schedlab.linux.o1 import O1
from schedlab.linux.on import ON


def visible(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_a_quotation_is_the_source_with_its_own_line_numbers():
    lines, first = inspect.getsourcelines(O1.tick)
    text = show(O1.tick).text().split("\n")
    assert text[0] == f"O1.tick   schedlab/linux/o1.py, lines {first} to {first + len(lines) - 1}"
    assert [line.split(None, 1)[0] for line in text[1:4]] == [str(first), str(first + 1), str(first + 2)]
    for quoted, line in zip(text[1:], lines, strict=True):
        assert quoted.endswith(line.strip())


def test_the_markup_says_the_same_as_the_text():
    quote = show(O1.task_running_tick, highlight="resched")
    for line in quote.source.lines:
        assert line.strip() in visible(quote.html())


def test_a_highlighted_line_has_a_sign_as_well_as_a_colour():
    quote = show(O1.task_running_tick, highlight="resched")
    marked = [line for line in quote.text().split("\n") if line.startswith(">")]
    assert marked
    assert all("resched" in line for line in marked)
    assert quote.html().count("›") == len(marked)


def test_lines_can_be_highlighted_by_number():
    first = inspect.getsourcelines(O1.tick)[1]
    assert show(O1.tick, highlight=[first, first + 1]).highlight == {first, first + 1}


@pytest.mark.parametrize(
    ("target", "highlight", "says"),
    [(O1.tick, "no such text", "no line 'no such text'"), (len, (), "len"), (3, (), "int"), (O1.tick, 1, "no line 1")],
)
def test_what_cannot_be_quoted_is_told(target, highlight, says):
    with pytest.raises(ValueError, match=says):
        show(target, highlight)


def test_what_is_quoted_is_never_markup():
    def hostile() -> str:
        return "<script>alert(1)</script>"  # <img src=x onerror=alert(2)>

    shown = show(hostile).html()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<script>alert(1)</script>" in visible(shown)


def test_a_cell_of_the_learner_is_not_named_by_its_temporary_file():
    scope: dict[str, object] = {"__name__": "__main__"}
    source = "def mine():\n    return 1\n"
    import linecache

    name = "/tmp/ipykernel_1/123.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), scope)
    quote = show(scope["mine"])
    assert "your cell" in quote.text()
    assert "/tmp" not in quote.text() + quote.html()


def test_a_diff_shows_the_hooks_that_both_had_to_answer():
    both = diff(ON, O1)
    assert both.hooks == ["enqueue", "dequeue", "pick", "tick", "preempts"]
    text = both.text().split("\n")
    old = inspect.getsource(ON.tick).strip().split("\n")
    new = inspect.getsource(O1.tick).strip().split("\n")
    assert [line.strip() for line in old] == [
        line[2:].strip() for line in diff(ON, O1, "tick").text().split("\n")[2:] if line[:1] in "- "
    ]
    assert all(any(line.strip() in shown for shown in text) for line in new)


def test_a_diff_marks_changed_lines_on_both_sides():
    shown = diff(ON, O1, "tick").html()
    assert "−" in shown
    assert "+" in shown
    assert "ON.tick" in shown
    assert "O1.tick" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((ON, O1, "fly"), "neither ON nor O1 has 'fly'"), ((ON, 3), "not 3"), ((int, str), "no hook in common|have no")],
)
def test_what_cannot_be_compared_is_told(arguments, says):
    with pytest.raises(ValueError, match=says):
        diff(*arguments)


def test_a_highlight_that_is_none_is_told():
    with pytest.raises(ValueError, match=r"highlight: a text, a line's number or several of these, not 1\.5"):
        show(O1.tick, highlight=1.5)  # type: ignore[arg-type]  # what is refused
