"""Questions: one right answer, a message for each, and no answer in what is stored."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from schedlab.lessons.asking import predict_one, quiz
from schedlab.lessons.catalogue import parts, questions
from schedlab.widgets.board import VIEW, Stack
from schedlab.widgets.quiz import Option, Question, Quiz, faults

ASKED = Question("Who runs <b>first</b>?", (Option("A", "because", right=True), Option("B", "no: `x < y`", idea="b")))


def stored(widget: object) -> dict[str, str]:
    bundle = widget._repr_mimebundle_()  # type: ignore[attr-defined]  # every widget of the kit has one
    data: dict[str, str] = bundle[0] if isinstance(bundle, tuple) else bundle
    return data


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        (ASKED._replace(options=(Option("A", "m"), Option("B", "m"))), "0 of its options are right"),
        (ASKED._replace(options=(Option("A", "m", True), Option("B", "m", True))), "2 of its options are right"),
        (ASKED._replace(options=(Option("A", "m", True),)), "fewer than two"),
        (ASKED._replace(options=(Option("A", "m", True), Option("B", " "))), "'B' has no message"),
        (ASKED._replace(options=(Option("A", "m", True), Option("A", "n"))), "say the same"),
        (ASKED._replace(options=tuple(Option(f"{n}", "m", n == 9) for n in range(10))), "more than 9 options"),
        (ASKED._replace(asks=" "), "asks nothing"),
    ],
)
def test_a_faulty_question_is_not_asked(question, fault):
    assert fault in "; ".join(faults(question))
    with pytest.raises(ValueError, match="the question"):
        Quiz([question])


@pytest.mark.parametrize("name", [name for name in sorted(parts()) if hasattr(__import__(
    f"schedlab.lessons.{parts()[name]}", fromlist=["QUESTIONS"]), "QUESTIONS")])  # fmt: skip
def test_what_is_stored_holds_the_questions_and_no_answer(name):
    bundle = stored(quiz(name))
    for question in questions(name):
        assert question.options[0].says[:40] in bundle["text/plain"]
        for option in question.options:
            for mime in ("text/plain", "image/svg+xml"):
                assert option.message not in bundle[mime]


def test_the_picture_is_svg_that_a_parser_reads():
    tree = ElementTree.fromstring(Quiz([ASKED], title="a \x00 <b>").svg())
    assert tree.findtext("{http://www.w3.org/2000/svg}title") == "a ␀ <b>"


def test_text_fits_96_columns_and_says_no_address():
    text = quiz("o1").text()
    assert max(map(len, text.split("\n"))) <= 96
    assert repr(quiz("o1")) == text
    assert "0x" not in repr(quiz("o1"))


def test_two_widgets_of_one_quiz_are_stored_alike():
    first, second = stored(quiz("o1")), stored(quiz("o1"))
    del first[VIEW], second[VIEW]
    assert first == second


def test_what_a_prediction_reveals_is_covered():
    card = predict_one("o1/empty", reveals="o1/slice", at="200ms")
    assert isinstance(card, Stack)
    assert "sl-covered" in card._dom_classes
    assert "Two pointers swap" in card.text()
    assert "A slice ends" not in card.text()


def test_the_page_is_sent_what_it_needs_and_nothing_it_could_run():
    head = Quiz([ASKED]).head
    json.dumps(head)
    assert [option["right"] for option in head["questions"][0]["options"]] == [True, False]
