"""What only a real host can show: the player's message, its keys and its theme inside JupyterLab and Notebook 7."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import DARK, LIGHT, Lab, Notebook
from tests.browser.see import axe, colours_drawn, contrast, step_times, style, unreadable

pytestmark = [pytest.mark.browser, pytest.mark.jupyterlab]

PLAYER_CELL = """
from tests.browser import payloads
from schedlab.widgets.player import Player
player = Player(*payloads.linux_small(), text="as text")
player
"""


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    """A notebook with one player, run; the tests below share it."""
    path = lab.server.write("player.ipynb", PLAYER_CELL, "after = 1")
    with lab.open(path) as opened:
        opened.run_all()
        yield opened


@pytest.fixture
def player(notebook: Notebook) -> Locator:
    assert notebook.errors() == []
    found = notebook.widgets(0)
    assert len(found) == 1, "the player's root is not in its cell"
    found[0].evaluate("root => root.__player.go(0)")
    return found[0]


def place(player: Locator) -> int:
    return int(player.get_by_role("slider").get_attribute("aria-valuenow") or 0)


def test_the_first_picture_stands_within_a_second_of_its_message(notebook: Notebook, player: Locator):
    """3 S"""
    ms = notebook.paints()[0]
    assert ms is not None
    assert ms < 5 * 1_000, "a second here, five on a loaded machine"
    assert colours_drawn(player.locator("canvas").first) > 2


def test_nothing_is_asked_of_another_machine(notebook: Notebook, player: Locator):
    """4 S"""
    player.get_by_role("button", name="To the end").click()
    assert notebook.problems.foreign == []
    assert notebook.problems.errors == []


@pytest.mark.parametrize("focus", ["button", "slider", "select", "panel"])
def test_letters_typed_inside_do_not_reach_the_notebook(lab: Lab, focus: str):
    """36 S: in command mode A and B insert cells, and D D deletes one"""
    path = lab.server.write(f"letters-{focus}.ipynb", PLAYER_CELL, "after = 1")
    with lab.open(path) as opened:
        opened.run_all()
        (player,) = opened.widgets(0)
        opened.page.evaluate("() => { window.schedlabPanel.content.mode = 'command'; }")
        within = {
            "button": player.get_by_role("button", name="Step", exact=True),
            "slider": player.get_by_role("slider"),
            "select": player.get_by_role("combobox", name="Speed"),
            "panel": player.locator(".sl-scroll").first,
        }
        within[focus].focus()
        for key in ("a", "b", "d", "d", "x", "m", "Shift+A", "o"):
            opened.page.keyboard.press(key)
        opened.page.wait_for_timeout(200)
        assert [cell["type"] for cell in opened.cells()] == ["code", "code"]


def test_keys_of_the_player_work_inside_the_notebook(notebook: Notebook, player: Locator):
    """36 S: and the player's own keys are the player's"""
    before = notebook.focused_cell()
    player.get_by_role("slider").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowRight")
    assert place(player) == 3
    notebook.page.keyboard.press("ArrowLeft")
    notebook.page.keyboard.press("ArrowDown")
    assert place(player) == 2
    assert notebook.focused_cell() == before


def test_the_notebook_has_its_keys_back_outside(notebook: Notebook, player: Locator):
    """36 S: the same key acts when the focus is in the notebook, so the test above can fail"""
    cells = len(notebook.cells())
    notebook.page.evaluate(
        """() => { const list = window.schedlabPanel.content;
             list.mode = 'command'; list.activeCellIndex = 1; list.activate(); list.node.focus(); }"""
    )
    notebook.page.keyboard.press("b")
    notebook.page.wait_for_function("n => window.schedlabPanel.content.widgets.length === n", arg=cells + 1)
    notebook.page.keyboard.press("d")
    notebook.page.keyboard.press("d")
    notebook.page.wait_for_function("n => window.schedlabPanel.content.widgets.length === n", arg=cells)


def test_switching_the_theme_recolours_canvas_and_svg_without_reload(lab: Lab, notebook: Notebook, player: Locator):
    """64 S"""
    player.get_by_role("button", name="Next decision").click()
    seen = {}
    corner = """root => {
      const c = root.querySelector('canvas'), g = c.getContext('2d');
      const data = g.getImageData(0, 0, c.width, c.height).data, count = new Map();
      for (let k = 0; k < data.length; k += 4) if (data[k + 3] > 250) {
        const key = `rgb(${data[k]}, ${data[k + 1]}, ${data[k + 2]})`;
        count.set(key, (count.get(key) ?? 0) + 1);
      }
      return [...count].sort((a, b) => b[1] - a[1]).slice(0, 6).map(x => x[0]);
    }"""
    for theme in (DARK, LIGHT, DARK):
        lab.theme(theme)
        notebook.page.wait_for_function(
            "([root, tone]) => root.dataset.tone === tone",
            arg=[player.element_handle(), "dark" if theme == DARK else "light"],
        )
        notebook.page.wait_for_timeout(400)  # the style sheet may follow its attribute
        notebook.widgets(0)  # in sight: what is scrolled away is drawn when it comes back
        root = style(player, "background-color", "color")
        assert contrast(root["background-color"], root["color"]) > 10
        texts = player.locator("svg text").all()
        fills = {style(t, "fill")["fill"] for t in texts[:20]}
        seen[theme] = (root["background-color"], tuple(player.evaluate(corner)), frozenset(fills))
        assert axe(notebook.page, player) == []
    assert seen[DARK][0] != seen[LIGHT][0]
    assert set(seen[DARK][1]).isdisjoint(seen[LIGHT][1]), "the canvas kept colours of the other tone"
    assert seen[DARK][2] != seen[LIGHT][2], "SVG text kept its colour"
    lab.theme(LIGHT)


def test_play_and_step_go_on_while_the_kernel_is_busy(notebook: Notebook, player: Locator):
    """71, in a real host: no step asks Python"""
    with notebook.busy():
        ms = step_times(player, 10)
    notebook.widgets(0)  # in sight: what was scrolled away meanwhile is drawn when it comes back
    expect(player.get_by_role("slider")).to_have_attribute("aria-valuenow", "11")
    assert sorted(ms)[5] < 5 * 50


def test_the_cursor_and_the_answers_reach_python(notebook: Notebook, player: Locator):
    """Section 11: `cursor` follows at most four times a second, and always the last one"""
    for _ in range(5):
        player.get_by_role("button", name="Step", exact=True).click()
    notebook.page.wait_for_timeout(600)
    assert notebook.kernel("print(player.cursor)").strip() == "5"


def test_the_player_reads_well_where_it_stands(lab: Lab, notebook: Notebook, player: Locator):
    """68 S"""
    lab.fit(player, 1_000)
    assert unreadable(player) == []


def test_the_same_player_lives_in_notebook_7(notebook7: Lab):
    """Section 11: one module for every host"""
    path = notebook7.server.write("seven.ipynb", PLAYER_CELL)
    with notebook7.open(path) as opened:
        opened.run_all()
        assert opened.errors() == []
        (player,) = opened.widgets(0)
        assert colours_drawn(player.locator("canvas").first) > 2
        player.get_by_role("slider").focus()
        opened.page.keyboard.press("ArrowRight")
        assert place(player) == 2
        opened.page.keyboard.press("a")
        assert len(opened.cells()) == 1
        assert axe(opened.page, player) == []
        assert opened.problems.errors == []
        assert opened.problems.foreign == []


KEPT_CELL = """
from schedlab import lesson
from schedlab.widgets.play import play
player = play(lesson("o1/honest"), compare=lesson("o1/liar"), rules=2)
player
"""


def test_what_is_kept_is_the_trace_of_page_and_python(lab: Lab):
    """Section 6: drawn once, without the verdict of the other"""
    path = lab.server.write("keep.ipynb", KEPT_CELL)
    with lab.open(path) as opened:
        opened.run_all()
        (player,) = opened.widgets(0)
        player.get_by_role("button", name="Keep B").click()
        drawn = player.evaluate("root => root.__player.app.serial")
        told = "print(player.text == play(lesson('o1/liar')).text)"
        deadline = time.monotonic() + 20
        while opened.kernel(told).strip() != "True":  # the page's message is answered between two cells
            assert time.monotonic() < deadline
        assert opened.kernel("print(player.marks, player.fork_info)").strip() == "{} {}"
        assert opened.kernel("print(player.trace.scenario is lesson('o1/liar'))").strip() == "True"
        opened.page.wait_for_timeout(300)
        assert player.evaluate("root => root.__player.app.serial") == drawn
        assert not player.evaluate("root => root.__player.state().compare")
        assert "rules hold" not in player.inner_text()
        assert opened.problems.errors == []


LOOPING_CELL = """
import threading, time
from schedlab import ON, Scenario
from schedlab.linux.task import run
from schedlab.widgets.play import play

answered = set()

class Mine(ON):
    def pick(self, cpu, prev):
        answered.add(threading.current_thread() is threading.main_thread())
        while any(task.nice > 0 for task in self.machine.tasks.values()):
            pass
        return super().pick(cpu, prev)

play(Scenario(Mine, [{"name": "a", "does": [{"run": "1s"}]}, {"name": "b", "does": [{"run": "1s"}]}], until="500ms"))
"""


def test_a_loop_that_only_a_fork_reaches_is_broken_off_and_told(lab: Lab):
    """The page is answered in the thread of the cells, where there is an alarm and a stop button"""
    path = lab.server.write("looping.ipynb", LOOPING_CELL)
    with lab.open(path) as opened:
        opened.run_all()
        (player,) = opened.widgets(0)
        player.get_by_role("slider").focus()
        opened.page.keyboard.press("f")
        change = player.get_by_role("combobox", name="Change")
        change.select_option(label="change a nice value")
        player.get_by_role("spinbutton").fill("5")
        player.get_by_role("button", name="Run", exact=True).click()
        said = player.locator(".sl-fork .said")
        expect(said).to_contain_text("Mine.pick does not come back: broken off at", timeout=20_000)
        assert opened.kernel("print(answered)").strip() == "{True}"
        assert opened.problems.errors == []


def test_a_kernel_that_ends_leaves_a_player_that_plays(lab: Lab):
    """71 S: restarting the kernel with the page open leaves no blank cell, no error, and a working transport"""
    path = lab.server.write("gone.ipynb", PLAYER_CELL)
    with lab.open(path) as opened:
        opened.run_all()
        (player,) = opened.widgets(0)
        opened.page.evaluate("() => window.schedlabPanel.sessionContext.restartKernel()")
        opened.page.wait_for_timeout(500)
        assert colours_drawn(player.locator("canvas").first) > 2
        player.get_by_role("button", name="Step", exact=True).click()
        assert place(player) == 2
        assert opened.problems.errors == []
