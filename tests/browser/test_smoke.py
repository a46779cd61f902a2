"""The player stands up: every payload renders, steps, and the page stays quiet."""

from __future__ import annotations

import pytest

from schedlab.views.payload import sentences
from tests.browser import payloads

EVERY = [
    payloads.linux_small,
    payloads.one_task,
    payloads.one_event,
    payloads.empty,
    payloads.hostile_names,
    payloads.many_candidates,
    payloads.slots,
    payloads.marks_of_bars,
    payloads.go_small,
    payloads.kube_small,
    payloads.flights,
    payloads.nodes,
    payloads.unexplained,
    payloads.broken_rules,
]


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_every_payload_renders_and_steps_to_its_end_and_back(player, make):
    head, columns = make()
    p = player((head, columns))
    n = head["counts"]["events"]
    for i in [*range(n), *reversed(range(n))]:
        p.go(i)
        assert p.state()["i"] == i
    assert p.errors == []
    assert p.requests == []
    assert p.page.evaluate("window.hacked") is None


def test_the_sentence_on_the_screen_is_the_one_that_python_fills(player):
    payload = payloads.linux_small()
    p = player(payload)
    for i in (0, 5, 17, 40):
        p.go(i)
        assert p.say() == sentences(*payload)[i][1]


def test_a_step_by_key_moves_one_event_and_says_it(player):
    payload = payloads.linux_small()
    p = player(payload)
    p.press("ArrowRight")
    assert p.state()["i"] == 1
    assert p.live() == sentences(*payload)[1][1]


def test_predict_stops_before_the_first_question_and_answers_go_to_python(player):
    p = player(payloads.linux_small())
    p.press("p", "End")
    asked = p.state()["predict"]["ask"]
    assert asked > 0
    assert p.state()["i"] == asked - 1
    p.press("1")
    p.page.get_by_role("button", name="Reveal").click()
    assert p.state()["i"] == asked
    assert p.model["answers"][0][0] == asked


def test_cleanup_leaves_nothing_in_the_page(player):
    p = player(payloads.linux_small())
    p.page.evaluate("cleanup()")
    assert p.page.locator(".sl").count() == 0
    assert p.page.evaluate("Object.values(model.heard).every(list => list.length === 0)")
