"""Predict: the learner answers before anything shows the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator

from schedlab.views.payload import QUESTION, sentences, unpack
from tests.browser import payloads
from tests.browser.conftest import PlayerPage
from tests.browser.see import rgb

pytestmark = pytest.mark.browser
Open = Callable[..., PlayerPage]

PAYLOAD = payloads.linux_small()
QUESTIONS = [i for i, flags in enumerate(unpack(*PAYLOAD)["events.flags"]) if flags & QUESTION]
SAID = sentences(*PAYLOAD)
NAMES = [t["name"] for t in PAYLOAD[0]["tasks"]]


def candidates(question: int) -> list[tuple[int, int]]:
    """Task and verdict (0 = won) of each candidate of a decision."""
    data = unpack(*PAYLOAD)
    events, first = list(data["decisions.event"]), list(data["decisions.first"])
    d = events.index(question)
    stop = first[d + 1] if d + 1 < len(first) else len(data["candidates.task"])
    return [(data["candidates.task"][k], data["candidates.verdict"][k]) for k in range(first[d], stop)]


def winner(question: int) -> int:
    return next(task for task, verdict in candidates(question) if verdict == 0)


def losers(question: int) -> list[int]:
    return [task for task, verdict in candidates(question) if verdict]


def asked(p: PlayerPage) -> int:
    found: int = p.state()["predict"]["ask"]
    return found


@pytest.fixture
def p(player: Open) -> Iterator[PlayerPage]:
    """A player that predicts and stands at the first event."""
    opened = player(PAYLOAD, motion=False)
    opened.press("p")
    assert opened.state()["predict"]["on"]
    yield opened
    assert opened.errors == []


def to_question(p: PlayerPage) -> int:
    for _ in range(10):
        if asked(p) >= 0:
            break
        p.press("ArrowRight")
    return asked(p)


def button(p: PlayerPage, name: str) -> Locator:
    found: Locator = p.root().get_by_role("button", name=name, exact=True)
    return found


def answer(p: PlayerPage, right: bool) -> int:
    """Goes to the next question and answers it."""
    q = to_question(p)
    task = winner(q) if right else losers(q)[0]
    order = [t for t, _ in candidates(q)]
    p.page.keyboard.press(str(order.index(task) + 1))
    button(p, "Reveal").click()
    return q


@pytest.mark.parametrize(
    "how", ["step", "next decision", "play", "simulated time", "scrub", "end", "page down", "overview", "click", "goto"]
)
def test_it_stops_before_the_first_question_however_one_comes(p: PlayerPage, how: str):
    """47"""
    box = p.root().locator(".sl-canvas").bounding_box()
    over = p.root().locator(".sl-over").bounding_box()
    if how == "step":
        p.press("ArrowRight", "ArrowRight")
    elif how == "next decision":
        p.press("Shift+ArrowRight")
    elif how in ("play", "simulated time"):
        p.root().get_by_role("combobox", name="Play by").select_option("event" if how == "play" else "time")
        p.root().get_by_role("combobox", name="Speed").select_option("8")
        p.press("k")
        p.page.wait_for_function("document.querySelector('#here .sl').__player.state().predict.ask >= 0", timeout=8_000)
    elif how == "scrub":
        p.page.mouse.move(box["x"] + 1, box["y"] + 60)
        p.page.mouse.down()
        p.page.mouse.move(box["x"] + 500, box["y"] + 60, steps=5)
        p.page.mouse.up()
    elif how == "end":
        p.press("End")
    elif how == "page down":
        p.press("PageDown")
    elif how == "overview":
        p.page.mouse.click(over["x"] + over["width"] * 0.8, over["y"] + 10)
    elif how == "click":
        p.page.mouse.click(box["x"] + 400, box["y"] + 60)
    elif how == "goto":
        p.receive({"goto": 30})
    state = p.state()
    assert state["predict"]["ask"] == QUESTIONS[0]
    assert state["i"] < QUESTIONS[0]
    assert not state["playing"]
    data = unpack(*PAYLOAD)
    assert p.root().locator(".sl-head-line b").inner_text() == f"{data['events.at'][QUESTIONS[0]] / 1e6:.3f} ms"
    for name in ("Play", "Step", "Next decision", "To the end"):
        assert button(p, name).is_disabled(), name


def forward_is_closed(p: PlayerPage, q: int) -> None:
    for key in ("ArrowRight", "Shift+ArrowRight", "End", "k", "PageDown"):
        p.press(key)
        assert asked(p) == q
        assert p.state()["i"] < q


def test_no_key_passes_an_open_question(p: PlayerPage):
    """47"""
    forward_is_closed(p, to_question(p))


def columns_with_tasks(p: PlayerPage, canvas: str, hidden: float) -> tuple[int, int]:
    """How many pixels before and from the x of time `hidden` wear a task's colour, plain or thinned to the ground."""
    colours = p.page.evaluate("t => module.PALETTE[t]", p.root().get_attribute("data-tone"))
    found: list[int] = p.page.evaluate(
        """([css, hidden, colours, whole]) => {
          const root = document.querySelector('#here .sl'), c = root.querySelector(css), state = root.__player.state();
          const end = root.__player.player.trace.end;
          const [a, b] = whole ? [0, end] : state.view;
          const edge = Math.ceil((hidden - a) / (b - a) * c.width) + 1;
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          let before = 0, after = 0;
          for (let y = whole ? 0 : Math.round(28 * c.height / c.clientHeight); y < c.height; y++)
            for (let x = 0; x < c.width; x++) {
              const k = (y * c.width + x) * 4;
              if (!d[k + 3]) continue;
              const [r, g, b_] = [d[k], d[k + 1], d[k + 2]];
              // grounds and lines are grey; a task's colour, even thinned, is not
              const grey = Math.max(r, g, b_) - Math.min(r, g, b_) < 12;
              if (grey && !colours.some(q => q[0] === r && q[1] === g && q[2] === b_)) continue;
              if (x >= edge) after++; else before++;
            }
          return [before, after];
        }""",
        [canvas, hidden, [[round(v * 255) for v in rgb(c)] for c in colours], ".sl-over" in canvas],
    )
    return found[0], found[1]


@pytest.mark.parametrize("at", ["on the way", "first", "later"])
def test_nothing_at_or_after_the_next_question_is_drawn_or_named(p: PlayerPage, at: str):
    """48"""
    if at == "first":
        to_question(p)
    elif at == "later":
        for _ in range(4):
            answer(p, True)
            button(p, "Go on").click()
        to_question(p)
    q = asked(p) if asked(p) >= 0 else QUESTIONS[0]
    data = unpack(*PAYLOAD)
    hidden = data["events.at"][q]
    root = p.root()
    # canvas and overview
    for canvas in (".sl-canvas canvas", ".sl-over canvas"):
        before, after = columns_with_tasks(p, canvas, hidden)
        assert after == 0, f"{canvas} draws what is not decided"
        if at == "later":
            assert before > 0
    # tool-tips
    box = root.locator(".sl-canvas").bounding_box()
    start, stop = p.state()["view"]
    x = (hidden - start) / (stop - start) * box["width"]
    for part in (0.1, 0.4, 0.8):
        for lane in root.locator(".sl-lanes > div > div").all():
            top = lane.bounding_box()
            p.page.mouse.move(box["x"] + x + (box["width"] - x) * part, top["y"] + top["height"] / 2)
            assert not root.locator(".sl-tip").is_visible()
    # a tool-tip of a bar that runs into the fog does not tell how long it will run on
    if hidden > 0:
        p.page.mouse.move(box["x"] + x - 3, box["y"] + 52)
        tip = root.locator(".sl-tip")
        if tip.is_visible():
            shown = [float(n.replace("\u202f", "")) for n in re.findall(r"([\d\u202f.]+) ms", tip.inner_text())]
            assert sum(shown) <= hidden / 1e6 + 0.001
    # table, tree, sentence, live region
    if asked(p) >= 0:
        results = root.locator(".p-candidates tbody tr:not(.absent) td:last-child").all_inner_texts()
        assert results
        assert set(results) == {"?"}
        assert root.locator("tr.won").count() == 0
        assert root.locator(".p-source .lit").count() == 0
    text = root.evaluate("root => root.textContent")
    for i in range(q, len(SAID)):
        if SAID[i][1] not in {s[1] for s in SAID[:q]}:
            assert SAID[i][1] not in text
            assert SAID[i][1] not in p.live()
    on_cpu = root.locator(".p-tree svg[role=img]").get_attribute("aria-label") or ""
    if asked(p) >= 0:
        p.press("ArrowLeft")
        assert (root.locator(".p-tree svg[role=img]").get_attribute("aria-label") or "").startswith(
            on_cpu.split(".")[0].split(":")[0]
        )
    titles = root.evaluate(
        "root => [...root.querySelectorAll('[title], title')].map(e => e.getAttribute('title') ?? e.textContent)"
    )
    assert not any("picks" in title for title in titles)


def test_after_the_fog_has_moved_on_the_answer_is_drawn(p: PlayerPage):
    """48: and the same pixels are there once the question is answered, so the test above can fail"""
    answer(p, True)
    second = QUESTIONS[1]
    data = unpack(*PAYLOAD)
    before, after = columns_with_tasks(p, ".sl-canvas canvas", data["events.at"][second])
    assert before > 0
    assert after == 0
    p.press("p")
    assert columns_with_tasks(p, ".sl-canvas canvas", data["events.at"][second])[1] > 0


def test_reveal_is_disabled_until_a_choice_is_made(p: PlayerPage):
    """49"""
    q = to_question(p)
    assert button(p, "Reveal").is_disabled()
    assert button(p, "Skip").is_enabled()
    p.press("Enter")
    assert asked(p) == q, "Enter does not reveal without a choice"
    p.root().get_by_role("radio").first.check()
    assert button(p, "Reveal").is_enabled()


def test_choosing_by_radio_digit_table_row_and_dot_is_one_choice(p: PlayerPage):
    """50"""
    for _ in range(3):  # until the tree holds the candidates
        answer(p, True)
        button(p, "Go on").click()
    q = to_question(p)
    order = [task for task, _ in candidates(q)]
    assert len(order) >= 2
    rows = p.root().locator(".p-candidates tbody tr[data-pick]")
    radios = p.root().get_by_role("radio")
    dots = p.root().locator(".p-candidates svg g.fade")
    tokens = p.root().locator(".p-tree svg g.tokg")

    def by_token(task: int) -> None:
        tokens.filter(has_text=NAMES[task]).first.click()

    def by_dot(task: int) -> None:
        letter = PAYLOAD[0]["tasks"][task]["letter"]
        dots.filter(has_text=re.compile(rf"^{letter}$")).first.locator("text").click()

    ways: list[Callable[[int], object]] = [
        lambda task: radios.nth(order.index(task)).check(),
        lambda task: p.press(str(order.index(task) + 1)),
        lambda task: rows.nth(order.index(task)).click(),
        by_dot,
        by_token,
    ]
    for k, way in enumerate(ways):
        task = order[k % len(order)]
        way(task)
        assert p.state()["predict"]["choice"] == task, k
        assert [r.is_checked() for r in radios.all()] == [t == task for t in order]
        assert [("chosen" in (r.get_attribute("class") or "")) for r in rows.all()] == [t == task for t in order]
        assert button(p, "Reveal").is_enabled()
    assert asked(p) == q


def test_a_right_answer_says_so_in_sign_word_and_sentence(p: PlayerPage):
    """51"""
    q = answer(p, True)
    text = p.root().locator(".sl-say .what").inner_text()
    assert text.startswith("✓ Right.")
    assert SAID[q][1].split(":")[1].strip() in " ".join(text.split())
    assert p.live().startswith("Right. ")
    assert SAID[q][1] in p.live()
    row = p.root().locator(".p-candidates tbody tr.won")
    assert NAMES[winner(q)] in row.inner_text()
    assert row.locator(".you").inner_text() == "you"


def test_a_wrong_answer_tells_why_the_chosen_one_lost_in_its_own_numbers(p: PlayerPage):
    """51"""
    q = answer(p, False)
    chosen = NAMES[losers(q)[0]]
    text = " ".join(p.root().locator(".sl-say .what").inner_text().split())
    assert text.startswith("✗ Not this one.")
    why = text.removeprefix("✗ Not this one.").strip()
    assert chosen in why.split(".")[0]
    assert re.search(r"\d", why.split(" CPU 0 ")[0]), "no number of the chosen"
    assert p.live().startswith("Not this one. ")
    assert p.live().endswith(SAID[q][1])
    you = p.root().locator(".p-candidates tr:has(.you)")
    assert chosen in you.inner_text()
    assert "won" not in (you.get_attribute("class") or "")


def test_skip_counts(p: PlayerPage):
    """52"""
    to_question(p)
    button(p, "Skip").click()
    assert p.state()["predict"]["skipped"] == 1
    button(p, "Go on").click()
    answer(p, True)
    button(p, "Go on").click()
    answer(p, False)
    score = p.root().locator(".sl-say .then").inner_text()
    assert "1 right, 1 not, 1 skipped" in score
    answers = p.model["answers"]
    assert [(a[0], a[2]) for a in answers] == list(zip(QUESTIONS, (False, True, False)))
    assert answers[0][1] in (-1, None)
    assert answers[1][1] == winner(QUESTIONS[1])
    assert answers[2][1] == losers(QUESTIONS[2])[0]


@pytest.mark.parametrize("played", [True, False])
def test_go_on_resumes_play_only_if_it_played(p: PlayerPage, played: bool):
    """53"""
    if played:
        p.root().get_by_role("combobox", name="Speed").select_option("8")
        p.press("k")
        p.page.wait_for_function("document.querySelector('#here .sl').__player.state().predict.ask >= 0")
    q = to_question(p)
    p.page.keyboard.press("1")
    button(p, "Reveal").click()
    assert not p.state()["playing"]
    assert p.state()["i"] == q
    button(p, "Go on").click()
    if played:
        assert p.state()["playing"] or asked(p) == QUESTIONS[1]
        p.page.wait_for_function(
            "q => document.querySelector('#here .sl').__player.state().predict.ask === q", arg=QUESTIONS[1]
        )
    else:
        assert not p.state()["playing"]
        assert asked(p) == QUESTIONS[1] or p.state()["i"] == q + 1


@pytest.mark.parametrize("how", ["ArrowLeft", "Home", "Escape", "Shift+ArrowLeft", "button"])
def test_stepping_back_leaves_the_question_open(p: PlayerPage, how: str):
    """54"""
    q = to_question(p)
    if how == "button":
        button(p, "Step back").click()
    else:
        p.press(how)
    assert asked(p) == -1
    assert p.state()["i"] < q
    assert p.model["answers"] == []
    assert button(p, "Step").is_enabled()
    assert to_question(p) == q, "it is asked again"
    assert button(p, "Reveal").is_disabled()


def test_an_answered_question_does_not_ask_again(p: PlayerPage):
    """55"""
    q = answer(p, True)
    p.press("Home")
    assert asked(p) == -1
    for _ in range(q):
        p.press("ArrowRight")
        assert asked(p) == -1
    assert p.state()["i"] == q
    p.press("ArrowRight")
    assert asked(p) == QUESTIONS[1]
    p.press("p", "p")
    assert p.state()["predict"]["right"] == 0, "Predict anew resets the score"
    p.press("Home")
    assert to_question(p) == q, "and asks again"


@pytest.mark.parametrize("width", [700, 1000, 1400])
def test_the_box_is_as_high_for_the_question_as_for_the_verdict(player: Open, width: int):
    """56"""
    p = player(PAYLOAD, motion=False, width=width)
    p.press("p")
    high = []
    box = p.root().locator(".sl-say")
    for right in (True, False, True):
        to_question(p)
        high += [box.bounding_box()["height"], p.root().bounding_box()["height"]]
        answer(p, right)
        high += [box.bounding_box()["height"], p.root().bounding_box()["height"]]
        button(p, "Go on").click()
    assert len(set(high[::2])) == 1
    assert len(set(high[1::2])) == 1
    assert box.evaluate("e => e.scrollHeight <= e.clientHeight + 1"), "it does not fit"


def test_focus_goes_to_the_first_candidate_then_to_go_on_then_to_play(p: PlayerPage):
    """57"""
    to_question(p)
    first = p.root().get_by_role("radio").first
    assert first.evaluate("e => e === document.activeElement")
    assert not first.is_checked(), "asking is not choosing"
    p.page.keyboard.press("1")
    p.page.keyboard.press("Enter")
    assert button(p, "Go on").evaluate("e => e === document.activeElement")
    p.page.keyboard.press("Enter")
    if asked(p) >= 0:
        assert p.root().get_by_role("radio").first.evaluate("e => e === document.activeElement")
    else:
        assert button(p, "Play").evaluate("e => e === document.activeElement")


def test_asking_does_not_take_the_focus_from_outside(p: PlayerPage):
    """57: a page's own focus is the page's"""
    p.root().get_by_role("combobox", name="Speed").select_option("8")
    p.press("k")
    p.page.locator("#outside").focus()
    p.page.wait_for_function("document.querySelector('#here .sl').__player.state().predict.ask >= 0")
    assert p.page.locator("#outside").evaluate("e => e === document.activeElement")


def test_the_question_is_a_named_group_and_is_said(p: PlayerPage):
    """Section 2: radiogroup named by the question, live wording"""
    q = to_question(p)
    group = p.root().get_by_role("radiogroup")
    question = group.get_attribute("aria-label") or ""
    assert question.endswith("?")
    wanted = ", ".join(f"{k + 1}: {NAMES[task]}" for k, (task, _) in enumerate(candidates(q)))
    assert p.live() == f"{question} {wanted}."


def test_the_score_is_the_sentence_at_the_end(player: Open):
    """Section 5, 6"""
    payload = payloads.linux_small(decisions=4)
    p = player(payload, motion=False)
    p.press("p")
    asked_ = 0
    for _ in range(40):
        if asked(p) >= 0:
            button(p, "Skip").click()
            asked_ += 1
        if button(p, "Step").is_disabled() and asked(p) < 0:
            break
        p.press("ArrowRight")
    assert asked_ >= 2
    if p.root().locator(".sl-say .verdict").count():
        button(p, "Go on").click()
    assert f"0 right, 0 not, {asked_} skipped" in p.root().locator(".sl-say").inner_text()


# -- a lesson that begins with questions ---------------------------------------------------------------


def test_a_lesson_that_begins_with_questions_begins_at_the_first(player: Open):
    head, columns = PAYLOAD
    p = player(({**head, "mode": "predict"}, columns), motion=False)
    assert asked(p) == QUESTIONS[0]
    assert p.live() == "", "nothing is said before the learner does something"
    assert p.page.evaluate("document.activeElement === document.body"), "nor is the focus taken"
    p.root().locator(".sl-head h2").click()
    p.page.keyboard.press("1")
    assert p.state()["predict"]["choice"] >= 0
    p.page.keyboard.press("Enter")
    assert p.root().locator(".sl-say .verdict").count() == 1


def test_a_lesson_that_names_a_moment_begins_there_and_shows_the_way(player: Open):
    head, columns = PAYLOAD
    p = player(({**head, "mode": "predict"}, columns), motion=False, cursor=1)
    assert asked(p) < 0
    assert p.state()["i"] == 1
    button(p, "To the question").click()
    assert asked(p) == QUESTIONS[0]


def test_the_keyboard_goes_on_where_a_button_was_clicked(p: PlayerPage):
    """The button is gone with its click; the focus is not."""
    button(p, "To the question").click()
    assert asked(p) == QUESTIONS[0]
    p.page.keyboard.press("1")
    assert p.state()["predict"]["choice"] >= 0
    p.page.keyboard.press("Enter")
    assert p.root().locator(".sl-say .verdict").count() == 1
    p.page.keyboard.press("Enter")  # Go on
    to_question(p)
    button(p, "Skip").click()
    p.page.keyboard.press("Enter")
    assert p.root().get_by_role("button", name="Go on").count() == 0


@pytest.mark.parametrize("how", ["Reveal", "Skip"])
def test_digits_do_nothing_while_an_answer_stands(p: PlayerPage, how: str):
    q = to_question(p)
    p.page.keyboard.press("1")
    button(p, how).click()
    p.page.keyboard.press("2")
    assert asked(p) < 0
    assert p.state()["i"] == q
    assert button(p, "Go on").evaluate("b => b === document.activeElement")


def test_digits_and_enter_lead_to_the_next_question(p: PlayerPage):
    for key in ("1", "Enter"):
        assert asked(p) < 0
        p.press(key)
        assert asked(p) >= 0
        assert p.state()["predict"]["choice"] < 0, "it leads there and answers nothing"
        button(p, "Skip").click()
        p.press("ArrowLeft")  # away from the verdict
    button(p, "To the question").click()
    assert asked(p) == QUESTIONS[2]


def test_no_step_before_a_question_tells_of_a_theft(player: Open):
    """What the choice takes from another CPU stands before it in the trace and names who will run."""
    from schedlab import lesson
    from schedlab.views import picture

    head, columns, _text, _svg = picture(lesson("stealing/stealing").run().explain(), predict=True)
    data, leads = unpack(head, columns), {n for n, kind in enumerate(head["kinds"]) if kind["leads"]}
    first = {
        e: next(k for k in range(e, -1, -1) if k == 0 or data["events.kind"][k - 1] not in leads)
        for e, flags in enumerate(data["events.flags"])
        if flags & QUESTION
    }
    theft = next(e for e, begin in first.items() if begin < e and data["events.at"][begin] == data["events.at"][e])
    p = player((head, columns), motion=False)
    p.go(first[theft] - 1)
    p.press("p", "ArrowRight")
    assert asked(p) == theft
    assert p.state()["i"] == first[theft] - 1
    p.press("ArrowLeft")
    assert asked(p) < 0
    assert p.state()["i"] == first[theft] - 1


def test_the_queues_of_a_question_are_those_that_the_choice_saw(player: Open):
    """o1/hook at 33 ms: who has just fallen asleep waits at no level."""
    from schedlab import lesson
    from schedlab.views import picture

    head, columns, _text, _svg = picture(lesson("o1/hook").run().explain(), predict=True)
    data = unpack(head, columns)
    q = next(
        e for e, flags in enumerate(data["events.flags"]) if flags & QUESTION and data["events.at"][e] == 33_000_000
    )
    p = player((head, columns), motion=False)
    p.go(q - 1)
    queues = p.root().locator(".p-queues svg[role=img]")
    assert "editor" in queues.get_attribute("aria-label")
    p.press("p", "ArrowRight")
    assert asked(p) == q
    assert "editor" not in queues.get_attribute("aria-label")
    p.press("ArrowLeft")
    assert "editor" in queues.get_attribute("aria-label")
