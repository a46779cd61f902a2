"""The player's numbers and sentences are Python's, letter for letter."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlab.views.payload import fill, number, sentences, shown
from schedlab.words import UNITS
from tests.browser import payloads

FORMATS = [
    "",
    "n",
    ".0",
    "+.3",
    "|.2",
    "%",
    "+|ms.3",
    *UNITS,
    *(f"{u}.1" for u in UNITS),
    "time",
    "+time",
    "dur",
    "|dur",
]
VALUES = st.one_of(
    st.integers(-(2**46), 2**46),
    st.floats(allow_nan=False, width=64),
    st.sampled_from([0, 1, -1, 0.5, 1.5, 2.5, 0.125, -0.0004, 0.0005, 1e21, 123456789012345, 9999.9996, 1e-7]),
)


@pytest.fixture(scope="module")
def module(chromium):
    """The player's module in a page of its own, asked in bulk: one call for a list of questions."""
    from tests.browser.conftest import PlayerPage

    page = chromium.new_page()
    it = PlayerPage(page)
    it.open()
    yield page
    page.close()


@settings(max_examples=15)
@given(st.lists(st.tuples(VALUES, st.one_of(st.none(), st.integers(0, 6)), st.booleans()), min_size=20, max_size=60))
def test_numbers_are_written_alike(module, asked):
    got = module.evaluate("rows => rows.map(([x, d, s]) => module.number(x, d, s))", asked)
    assert got == [number(*row) for row in asked]


def test_what_is_no_number_is_written_alike(module):
    got = module.evaluate("[NaN, Infinity, -Infinity, null].map(x => module.number(x))")
    assert got == [number(x) for x in (math.nan, math.inf, -math.inf, None)]


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.text(alphabet="ab {}:?|.+", max_size=12),
            st.sampled_from(FORMATS),
            st.one_of(VALUES, st.none(), st.text(max_size=8), st.lists(VALUES, max_size=3)),
        ),
        min_size=10,
        max_size=40,
    )
)
def test_templates_are_filled_alike(module, asked):
    tables = {"unit": "us", "digits": 1, "list": "; "}
    rows = [
        (text.replace("{", "{{").replace("}", "}}") + "{v:" + form + "} {v?one|many} {w}", v) for text, form, v in asked
    ]
    got = module.evaluate(
        "([rows, tables]) => rows.map(([t, v]) => module.plain(module.fill(t, { v }, tables)))",
        [json.loads(json.dumps(rows)), tables],
    )
    assert got == [fill(template, {"v": value}, tables) for template, value in rows]


@settings(max_examples=15)
@given(st.lists(st.text(max_size=40), min_size=5, max_size=40))
def test_names_are_shown_alike(module, names):
    assert module.evaluate("names => names.map(n => module.shown(n, { noName: '(no name)' }))", names) == [
        shown(n) for n in names
    ]


@pytest.mark.parametrize(
    "make",
    [
        payloads.linux_small,
        payloads.go_small,
        payloads.kube_small,
        payloads.hostile_names,
        payloads.nodes,
        payloads.flights,
    ],
    ids=lambda make: make.__name__,
)
def test_every_sentence_of_a_run_is_pythons(player, make):
    """45"""
    payload = make()
    p = player(payload)
    got = p.page.evaluate(
        """n => {
          const hook = document.querySelector('#here .sl').__player;
          return Array.from({ length: n }, (_, i) => hook.sentence(i));
        }""",
        payload[0]["counts"]["events"],
    )
    assert [tuple(row) for row in got] == sentences(*payload)
