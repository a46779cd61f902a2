"""Knobs: exact positions, clear refusals, and what the function returns shown as it is."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.scenario import Scenario
from schedlab.sim import MS
from schedlab.views.charts import line
from schedlab.widgets.board import Stack
from schedlab.widgets.knobs import Knob, Knobs, explore


def twice_two() -> dict[str, int]:
    return {"twice": 4}


def scenario(sleep: int) -> Scenario:
    return Scenario("o1", [{"name": "editor", "does": [{"repeat": [{"sleep": sleep}, {"run": "1ms"}]}]}], until="50ms")


class Page:
    """Says to a widget what its page would say, and keeps what it sends back."""

    def __init__(self, widget: Any) -> None:
        self.widget, self.heard = widget, []  # type: ignore[var-annotated]  # whatever is sent
        widget.send = lambda message, buffers=None: self.heard.append(message)

    def say(self, **message: Any) -> Any:
        self.widget._asked(self.widget, message, [])
        return self.heard[-1] if self.heard else None


@pytest.mark.parametrize(
    ("knob", "position", "value", "words"),
    [
        (Knob("sleep", "1ms", "100ms", start="30ms"), 30, 30 * MS, "30 ms"),
        (Knob("sleep", "0.5ms", "2ms", step="0.5ms"), 1.5, 1_500_000, "1.5 ms"),
        (Knob("sleep", "100us", "1ms"), 250, 250_000, "250 µs"),
        (Knob("tasks", 1, 10), 3, 3, "3"),
        (Knob("share", 0, 1, step=0.25), 0.75, 0.75, "0.75"),
        (Knob("tasks", values=[10, 100, 10_000]), 2, 10_000, "10\u202f000"),
        (Knob("scheduler", values=["o(n)", "o1"], start="o1"), 0, "o(n)", "o(n)"),
        (Knob("bonus", values=[True, False]), 1, False, "False"),
    ],
)
def test_a_position_is_an_exact_value(knob, position, value, words):
    assert knob.value(position) == value
    assert type(knob.value(position)) is type(value)
    assert knob.words(position) == words


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("k",), {}),
        (("k", 5, 1), {}),
        (("k", 1, 5), {"step": 0}),
        (("k", 1, 5), {"start": 9}),
        (("k", "1ms", "x"), {}),
        (("k", "long", "5ms"), {}),
        (("k", 1, 5), {"values": [1]}),
        (("k",), {"values": []}),
        (("k",), {"values": [1, 2], "start": 3}),
        (("k", 0, 1), {"step": 0.00001}),
        (("k", True, 5), {}),
        (("k", float("nan"), 5), {}),
        (("k", 1, float("inf")), {}),
        (("k", 1, 10**400), {}),
        (("k", 1, 5), {"step": float("nan")}),
        (("k",), {"values": 5}),
        (("k",), {"values": "abc"}),
    ],
)
def test_a_range_that_is_none_is_refused(arguments, options):
    with pytest.raises(ValueError, match="'k'"):
        Knob(*arguments, **options)


@pytest.mark.parametrize("position", [0, 11, "3", None, True, float("nan")])
def test_a_position_outside_is_refused(position):
    with pytest.raises(ValueError, match="tasks: "):
        Knob("tasks", 1, 10).value(position)


def test_moving_a_knob_runs_the_function_and_answers_with_its_number():
    calls: list[int] = []

    def twice(n: int) -> dict[str, int]:
        calls.append(n)
        return {"twice": 2 * n}

    board = explore(twice, Knob("n", 1, 9))
    page = Page(board)
    assert page.say(n=7, values=[4])["n"] == 7
    assert calls == [1, 4]
    assert board.view == [{"kind": "facts", "rows": [["twice", "8"]]}]
    assert "n 4" in page.heard[-1]["says"]
    assert "n: 4  (from 1 to 9)" in board.text()


@pytest.mark.parametrize("values", [[99], [1, 2], ["x"], []])
def test_a_page_that_says_nonsense_gets_a_sentence_and_changes_nothing(values):
    board = explore(lambda n: {"n": n}, Knob("n", 1, 9))
    assert Page(board).say(n=1, values=values)["error"]
    assert board.values == [1.0]


def test_a_function_that_fails_later_is_told_and_the_old_picture_stays():
    board = explore(lambda n: {"inverse": 1 / (3 - n)}, Knob("n", 1, 5))
    before = board.view
    assert "division" in Page(board).say(n=2, values=[3])["error"]
    assert board.view == before


def test_other_messages_are_not_answered():
    board = explore(lambda n: {"n": n}, Knob("n", 1, 9))
    assert Page(board).say(hello=1) is None


@pytest.mark.parametrize(
    ("made", "kind", "words"),
    [
        ({"wait": 1.5}, "facts", "wait  1.5"),
        ("A sentence.", "text", "A sentence."),
        ([{"n": 1, "cost": 10}, {"n": 2, "cost": 10_000}], "table", "10\u202f000"),
        (line({"a": [(0, 1), (1, 2)]}, title="Cost", x="n", y="steps"), "picture", "Cost"),
    ],
)
def test_what_the_function_returns_is_shown(made, kind, words):
    board = explore(lambda n: made, Knob("n", 1, 9))
    assert board.view[0]["kind"] == kind
    assert words in board.text()
    assert "<svg" in board.svg()


def test_what_cannot_be_shown_is_told():
    with pytest.raises(ValueError, match="is shown"):
        explore(lambda n: object(), Knob("n", 1, 9))
    with pytest.raises(ValueError, match="one knob or more"):
        explore(twice_two)
    with pytest.raises(ValueError, match="5 is not a function"):
        explore(5, Knob("n", 1, 9))  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="two runs"):
        explore(lambda n: (scenario(n), scenario(n)), Knob("n", 1, 9))


def test_a_run_goes_into_a_player_that_takes_the_next_one():
    stack = explore(lambda sleep: (scenario(sleep), {"sleep": sleep}), Knob("sleep", "1ms", "20ms", start="5ms"))
    assert isinstance(stack, Stack)
    knobs, player = stack.children
    assert isinstance(knobs, Knobs)
    before = player.head, player.columns, player.text
    Page(knobs).say(n=1, values=[15])
    assert player.trace.scenario.given_tasks[0]["does"][0]["repeat"][0]["sleep"] == 15 * MS
    assert before != (player.head, player.columns, player.text)
    assert "sleep: 15 ms" in stack.text()
    assert player.text in stack.text()
    assert stack.svg() == player.picture


def test_a_run_that_stops_coming_is_told():
    stack = explore(lambda n: scenario(n) if n < 3 else {"n": n}, Knob("n", 1, 5))
    assert "every position" in Page(stack.children[0]).say(n=1, values=[4])["error"]


def test_two_explorers_are_stored_alike():
    one, two = (explore(lambda n: {"n": n}, Knob("n", 1, 9)) for _ in range(2))
    assert (one.text(), one.svg()) == (two.text(), two.svg())
    assert "0x" not in repr(one)
