"""Quiz, prediction, knobs and report in a bare page: by mouse, by keys, for the ear, with Python slow or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schedlab.exercises import Report
from schedlab.lessons.asking import predict_one, quiz
from schedlab.lessons.checking import ReportBoard
from schedlab.views.charts import line
from schedlab.widgets.board import Board
from schedlab.widgets.knobs import Knob, explore
from schedlab.widgets.quiz import Option, Question, Quiz
from tests.browser.conftest import MODEL, PAGE
from tests.browser.see import HELD, WATCH, axe, unreadable

pytestmark = pytest.mark.browser

NASTY = "<img src=x onerror='window.hacked=1'>"
ASKED = [
    Question(
        f"Who runs `{NASTY}` first?", (Option("A", "the lowest wins", True), Option(NASTY, f"no, {NASTY}", idea="x"))
    ),
    Question("What ends?", (Option("A slice", "not yet"), Option("An epoch", "all are used up", True))),
]


class KitPage:
    """One widget of the kit in a page, and the real widget behind it that answers when `serve` is called."""

    def __init__(self, page: Any, widget: Board, theme: str, watch: bool) -> None:
        self.page, self.widget = page, widget
        self.errors: list[str] = []
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        back = {"light": "#ffffff", "dark": "#111111"}[theme]
        page.set_content(PAGE.format(css=widget._css, theme=theme, back=back))
        page.evaluate(MODEL)
        if watch:
            page.evaluate(WATCH)
        state = {
            name: getattr(widget, name) for name in ("head", "answers", "values", "view") if widget.has_trait(name)
        }
        page.evaluate(
            """async ([text, state]) => {
              const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
              const module = await import(url);
              window.model = makeModel(state, true);
              window.cleanup = module.default.render({ model, el: document.getElementById('here') });
            }""",
            [widget._esm, state],
        )
        self.root = page.locator("#here > .sl")

    @property
    def sent(self) -> list[Any]:
        """What the page has said to Python."""
        return self.page.evaluate("model.sent")

    def serve(self) -> None:
        """Python answers everything that has been asked."""
        widget: Any = self.widget
        for message in self.page.evaluate("model.sent.splice(0)"):
            answers: list[Any] = []
            widget.send = lambda content, buffers=None, to=answers: to.append(content)
            widget._asked(widget, message, [])
            self.page.evaluate(
                """([view, values, answers]) => {
                  model.set('view', view); model.set('values', values);
                  for (const one of answers) model.tell('msg:custom', one, []);
                }""",
                [widget.view, widget.values, answers],
            )

    def live(self) -> str:
        """What the live region holds."""
        text: str = self.root.locator("[role=status].sr").inner_text()
        return text


Open = Callable[..., KitPage]


@pytest.fixture
def kit(chromium: Any) -> Iterator[Open]:
    """Opens widgets: `kit(widget, width=1000, theme="light")`."""
    contexts = []

    def open_(
        widget: Board, *, width: int = 1000, theme: str = "light", forced: bool = False, watch: bool = False
    ) -> KitPage:
        how = {"forced_colors": "active"} if forced else {}
        context = chromium.new_context(viewport={"width": width, "height": 900}, **how)
        contexts.append(context)
        return KitPage(context.new_page(), widget, theme, watch)

    yield open_
    for context in contexts:
        context.close()


def sleeps() -> Any:
    chart = lambda n: line({"wait": [(0, 0), (1, n)]}, title="Waits", x="t", y="ms")  # noqa: E731  # one of three parts
    return explore(
        lambda sleep, tasks, name: ({"sleep": f"{sleep} ns", NASTY: tasks}, chart(tasks), f"with {name}"),
        Knob("sleep of the editor", "1ms", "100ms", start="30ms"),
        Knob("tasks", values=[10, 100, 1000]),
        Knob("scheduler", values=["o(n)", "o1"]),
        title="What is a sleep worth?",
    )


def widgets() -> dict[str, Any]:
    failed = Report("Bonus", NASTY, held=["Nobody is lost."], hints=["Look at the editor."], error=f"it {NASTY}")
    return {"quiz": Quiz(ASKED), "predict": predict_one("o1/empty"), "knobs": sleeps(), "report": ReportBoard(failed)}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["quiz", "predict", "knobs", "report"])
def test_it_is_accessible_readable_and_never_markup(kit, name, theme):
    p = kit(widgets()[name], theme=theme)
    for radio in p.root.get_by_role("radio").all():
        radio.check()
    for button in p.root.get_by_role("button").all():
        if button.is_visible() and button.is_enabled():
            button.click()
    assert p.root.get_attribute("data-tone") == theme
    assert axe(p.page, p.root) == []
    assert unreadable(p.root) == []
    assert p.page.evaluate("window.hacked") is None
    assert p.root.locator("img[src=x]").count() == 0
    assert p.errors == []


@pytest.mark.parametrize("width", [534, 760, 1000, 1400])
def test_the_text_of_a_chart_is_never_small(kit, width):
    """It is drawn in letters of 12 px, and scaled with its picture."""
    p = kit(sleeps(), width=width)
    picture = p.root.locator(".sl-picture")
    scale = picture.evaluate("img => img.decode().then(() => img.clientWidth / img.naturalWidth)")
    assert 12 * scale >= 11


@pytest.mark.parametrize("name", ["quiz", "predict", "knobs", "report"])
@pytest.mark.parametrize("width", [440, 740])
def test_nothing_is_cut_off_where_it_is_narrow(kit, name, width):
    p = kit(widgets()[name], width=width)
    assert unreadable(p.root) == []
    assert p.page.evaluate("document.documentElement.scrollWidth") <= width


def test_checking_needs_a_choice_and_tells_why(kit):
    p = kit(Quiz(ASKED))
    check = p.root.get_by_role("button", name="Check").first
    assert check.is_disabled()
    p.root.get_by_role("radio").nth(1).check()
    check.click()
    assert "✗ Not this one." in p.root.inner_text()
    assert f"no, {NASTY}" in p.root.inner_text()
    assert p.live().startswith("✗ Not this one.")
    p.root.get_by_role("radio").nth(0).check()
    assert p.root.locator(".sl-verdict").first.inner_text() == "", "a verdict is of the choice it was given for"
    check.click()
    assert "✓ Right. the lowest wins" in p.root.inner_text()
    assert p.page.evaluate("model.get('answers')") == [[0, 1, False], [0, 0, True]]


def test_the_score_counts_first_tries(kit):
    p = kit(Quiz(ASKED))
    for option in (1, 0, 3):
        p.root.get_by_role("radio").nth(option).check()
        p.root.get_by_role("button", name="Check").nth(option // 2).click()
    assert "1 of 2 right at the first try" in p.root.inner_text()


def test_a_quiz_is_answered_by_keys_alone(kit):
    p = kit(quiz("o1"))
    p.page.locator("#outside").focus()
    p.page.keyboard.press("Tab")
    p.page.keyboard.press("1")
    p.page.keyboard.press("Enter")
    assert p.live().startswith("✓ Right.")
    p.page.keyboard.press("ArrowDown")
    assert p.root.get_by_role("radio").nth(1).is_checked()


@pytest.mark.parametrize("key", ["a", "b", "d", "1", "Enter", "ArrowDown", "ArrowRight", " "])
def test_keys_that_are_typed_inside_do_not_reach_the_notebook(kit, key):
    p = kit(sleeps())
    p.page.evaluate("window.got = []; document.addEventListener('keydown', e => got.push(e.key))")
    p.root.get_by_role("slider").first.focus()
    p.page.keyboard.press(key)
    assert p.page.evaluate("got") == []
    p.page.keyboard.press("Control+Enter")
    assert "Enter" in p.page.evaluate("got"), "combinations with Ctrl are the notebook's"
    assert p.root.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_a_prediction_is_made_once_and_uncovers_what_happens(kit):
    p = kit(predict_one("o1/empty"))
    p.page.evaluate(
        """() => {
          const el = document.getElementById('here'), below = document.createElement('p');
          el.className = 'sl-covered'; below.id = 'below'; below.textContent = 'the run'; el.append(below);
        }"""
    )
    assert not p.page.locator("#below").is_visible()
    reveal = p.root.get_by_role("button", name="Reveal")
    assert reveal.is_disabled()
    p.root.get_by_role("radio").nth(0).check()
    reveal.click()
    assert p.page.locator("#below").is_visible()
    text = p.root.inner_text()
    assert "That was 2.4" in text
    assert "What happens: Two pointers swap." in text
    assert p.root.get_by_role("radio").nth(1).is_disabled()
    assert not reveal.is_visible()
    assert p.page.evaluate("document.activeElement.className") == "sl-verdict"


def test_a_prediction_can_be_skipped_and_that_is_counted(kit):
    p = kit(predict_one("o1/empty"))
    p.root.get_by_role("button", name="Skip").click()
    assert "Skipped." in p.root.inner_text()
    assert "Two pointers swap" in p.root.locator(".sl-verdict").inner_text()
    assert p.page.evaluate("model.get('answers')") == [[0, -1, False]]


def test_a_knob_has_its_name_its_value_and_its_unit(kit):
    p = kit(sleeps())
    slider = p.root.get_by_role("slider", name="sleep of the editor")
    assert slider.get_attribute("aria-valuetext") == "30 ms"
    assert p.root.get_by_role("spinbutton", name="sleep of the editor, in ms").input_value() == "30"
    assert p.root.get_by_role("slider", name="tasks").get_attribute("aria-valuetext") == "10"
    assert p.root.get_by_role("combobox", name="scheduler").input_value() == "0"


def test_a_chart_follows_the_theme_of_its_page(kit):
    grounds = {}
    for theme in ("light", "dark"):
        p = kit(sleeps(), theme=theme)
        picture = p.root.locator(".sl-picture")
        assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
        grounds[theme] = picture.evaluate(
            """img => {
              const g = Object.assign(document.createElement('canvas'), { width: 1000, height: 360 }).getContext('2d');
              g.drawImage(img, 0, 0, 1000, 360);
              return [...g.getImageData(500, 20, 1, 1).data].slice(0, 3);
            }"""
        )
    assert min(grounds["light"]) > 240
    assert max(grounds["dark"]) < 40


def test_arrows_move_a_knob_and_python_answers(kit):
    p = kit(sleeps())
    p.root.get_by_role("slider", name="sleep of the editor").focus()
    p.page.keyboard.press("ArrowRight")
    assert [message["values"] for message in p.sent] == [[31, 0, 0]]
    p.serve()
    assert "31000000 ns" in p.root.inner_text()
    assert "sleep of the editor 31 ms" in p.live()


def test_while_python_works_only_the_newest_wish_is_kept(kit):
    p = kit(sleeps())
    p.root.get_by_role("slider", name="sleep of the editor").focus()
    for _ in range(20):
        p.page.keyboard.press("ArrowRight")
    assert [message["values"][0] for message in p.sent] == [31]
    p.page.wait_for_function("document.querySelector('.sl-state').textContent === 'working…'")
    p.serve()
    assert [message["values"][0] for message in p.sent] == [50]
    p.serve()
    assert p.sent == []
    assert "50000000 ns" in p.root.inner_text()
    assert p.root.locator(".sl-state").inner_text() == ""


def test_an_answer_to_an_older_question_is_dropped(kit):
    p = kit(sleeps())
    p.root.get_by_role("combobox").select_option("1")
    p.page.evaluate("model.tell('msg:custom', { n: 99, error: 'old news' }, [])")
    assert "old news" not in p.root.inner_text()
    p.serve()
    assert "with o1" in p.root.inner_text()


def test_a_number_that_is_typed_is_brought_into_the_range(kit):
    p = kit(sleeps())
    box = p.root.get_by_role("spinbutton")
    for typed, taken in (("77", 77), ("5000", 100), ("-3", 1), ("", 1)):
        box.fill(typed)
        box.press("Tab")
        assert p.sent[-1]["values"][0] == taken
        assert box.input_value() == str(taken)
        p.serve()


def test_what_goes_wrong_is_a_sentence_and_the_old_facts_stay(kit):
    p = kit(explore(lambda n: {"inverse": 1 / (3 - n)}, Knob("n", 1, 5)))
    slider = p.root.get_by_role("slider")
    slider.fill("3")
    p.serve()
    assert "division by zero" in p.root.locator(".sl-state").inner_text()
    assert "0.5" in p.root.inner_text()
    slider.fill("4")
    p.serve()
    assert p.root.locator(".sl-state").inner_text() == ""


def test_without_a_kernel_it_says_so(kit):
    p = kit(sleeps())
    p.page.evaluate("model.dead = true")
    p.root.get_by_role("slider").first.fill("40")
    assert "not connected" in p.root.inner_text()
    q = kit(sleeps())
    q.page.evaluate("model.tell('comm_live_update')")
    assert "not connected" in q.live()


def test_a_widget_that_goes_leaves_nothing_behind(kit):
    for widget in widgets().values():
        p = kit(widget, watch=True)
        assert p.page.evaluate(HELD)["observers"], "nothing was counted, so this shows nothing"
        p.page.evaluate("cleanup()")
        assert p.page.evaluate(HELD) == {"listeners": [], "observers": [], "frames": [], "timers": []}
        assert p.page.evaluate("document.getElementById('here').children.length") == 0
        assert p.page.evaluate("Object.values(model.heard).flat().length") == 0


def test_a_chart_is_there_after_a_theme_that_changed_while_it_was_hidden(kit):
    p = kit(sleeps(), theme="light")
    before = p.root.locator("img").first.get_attribute("src")
    p.page.evaluate(
        """async () => {
          const here = document.getElementById('here');
          here.style.display = 'none';
          document.body.style.background = '#111111';
          await null; // the change is heard of now
          here.style.display = '';
        }"""
    )
    p.page.wait_for_function("() => document.querySelector('#here > *').dataset.tone === 'dark'")
    p.page.wait_for_timeout(400)
    after = p.root.locator("img").first.get_attribute("src")
    assert after
    assert after != before


def test_a_widget_made_before_it_stands_in_the_page_takes_the_right_tone(kit):
    p = kit(sleeps(), theme="light")
    tone = p.page.evaluate(
        """async text => {
          const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
          const module = await import(url), el = document.createElement('div');
          module.default.render({ model, el });
          await new Promise(r => setTimeout(r, 50));
          document.querySelector('main').append(el);
          await new Promise(r => setTimeout(r, 300));
          return el.firstChild.dataset.tone;
        }""",
        p.widget._esm,
    )
    assert tone == "light"


def test_in_forced_colours_a_choice_can_be_told(kit):
    p = kit(Quiz(ASKED), forced=True)
    p.root.get_by_role("radio").nth(0).check()
    p.root.get_by_role("button", name="Check").first.click()
    assert "✓ Right." in p.root.inner_text()
    assert axe(p.page, p.root) == []
