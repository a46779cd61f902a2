"""Every lesson in a real JupyterLab: it runs, its players live, read well in both tones, and ask no other machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from schedlab.lessons.lint import SVG
from tests.browser.lab import DARK, LIGHT, Lab, Notebook
from tests.browser.see import axe, colours_drawn, unreadable
from tests.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.jupyterlab]

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))

PLOTLY = "application/vnd.plotly.v1+json"
PAINT_MS = 1_000  # from the widget's message to its first picture
GUARD = 5  # times that, for machines slower than this one
WIDTH = 1_000  # px of a player beside JupyterLab's own bars on a 13-inch screen


def promised(lesson: Path) -> list[int]:
    """The cells whose stored output is the picture of a widget; a chart of plotly's is none."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    shown = [[output.get("data", {}) for output in cell.get("outputs", [])] for cell in cells]
    return [k for k, data in enumerate(shown) if any(SVG in one and PLOTLY not in one for one in data)]


def faults_of_player(root: Locator) -> list[str]:
    """Why a player is not alive: it has drawn nothing, or a step does not move it."""
    if root.locator(".sl-problem").count():
        return [root.locator(".sl-problem").inner_text()]
    out = []
    if not colours_drawn(root.locator("canvas").first):
        out.append("its canvas is blank")
    slider = root.get_by_role("slider", name="Position in the trace")
    step = root.get_by_role("button", name="Step", exact=True)
    before = int(slider.get_attribute("aria-valuenow") or 0)
    said = root.locator(".sl-say").inner_text()
    if not said.strip():
        out.append("it says nothing")
    if step.is_enabled():
        step.click()
        if root.get_attribute("data-asking") is not None:  # it predicts from the start: the step stops before a choice
            return [*out, *unreadable(root)]
        after = int(slider.get_attribute("aria-valuenow") or 0)
        if after != before + 1:
            out.append(f"Step moved it from event {before} to {after}")
        if not root.locator(".sl-say").inner_text().strip():
            out.append("after a step it says nothing")
        root.get_by_role("button", name="Step back", exact=True).click()
        if root.locator(".sl-say").inner_text() != said:
            out.append("stepping back does not bring the first sentence back")
    return [*out, *unreadable(root)]


def faults(notebook: Notebook, lab: Lab, cells: list[int]) -> list[str]:
    """Everything that is wrong with an open lesson whose `cells` promise a widget."""
    notebook.run_all()
    out = notebook.errors()
    players: list[Locator] = []
    others: list[Locator] = []
    for cell in cells:
        found = notebook.widgets(cell)
        if not found:
            out.append(f"cell {cell} shows no widget")
        for widget in found:
            if not widget.is_visible():  # what a prediction covers is drawn when it is uncovered
                continue
            if "sl-kit" in (widget.get_attribute("class") or ""):
                others.append(widget)
                out += [f"cell {cell}: {fault}" for fault in unreadable(widget)]
            elif widget.get_attribute("data-lm-suppress-shortcuts"):
                if not players:
                    lab.fit(widget, WIDTH)
                players.append(widget)
                out += [f"cell {cell}: {fault}" for fault in faults_of_player(widget)]
    for cell, ms in notebook.paints().items():
        if ms is None or ms > PAINT_MS * GUARD:
            out.append(f"cell {cell} was painted {'never' if ms is None else f'after {ms:.0f} ms'}")
    for theme in (DARK, LIGHT):
        lab.theme(theme)
        for widget in (*players, *others):
            tone = widget.get_attribute("data-tone")
            if tone != ("dark" if theme == DARK else "light"):
                out.append(f"{theme}: a widget is {tone}")
        shown = [*players, *others]
        # all rules once, and what another tone can change
        only = () if theme == LIGHT else ("color-contrast",)
        out += [f"{theme}: {fault}" for fault in axe(lab.page, *shown, together=True, only=only)]
    out += notebook.problems.errors
    out += [f"asked {url}" for url in notebook.problems.foreign]
    return out


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_lives_in_jupyterlab(lesson: Path, lab: Lab):
    cells = promised(lab.server.lessons / lesson.name)
    with lab.open(f"lessons/{lesson.name}") as notebook:
        found = faults(notebook, lab, cells)
    assert not found, "\n".join(found)


PLAYER_CELL = """
from tests.browser import payloads
from schedlab.widgets.player import Player
Player(*payloads.linux_small())
"""


def test_a_notebook_without_faults_has_none(lab: Lab):
    path = lab.server.write("good.ipynb", PLAYER_CELL, PLAYER_CELL, "1 + 1")
    with lab.open(path) as notebook:
        assert faults(notebook, lab, [0, 1]) == []


def test_each_fault_of_a_notebook_is_found(lab: Lab):
    """What the tests of lessons look for is looked for: without this, a blind harness would pass them all."""
    still = (
        PLAYER_CELL
        + """
class Dead(Player):
    _esm = "export default { render({ el }) { const s = document.createElement('section'); " \\
           "s.setAttribute('data-lm-suppress-shortcuts', 'true'); s.className = 'sl'; " \\
           "s.innerHTML = '<div class=sl-problem>The trace cannot be read</div><canvas></canvas><button></button>'; " \\
           "el.append(s); } }"
Dead(*payloads.linux_small())
"""
    )
    path = lab.server.write(
        "bad.ipynb",
        "from IPython.display import HTML\nHTML('<img src=https://elsewhere.test/x.png>')",
        "'no widget'",
        still,
        "from IPython.display import Javascript\nJavascript('console.error(\"a sad widget\")')",
        "1 / 0",
    )
    with lab.open(path) as notebook:
        found = "\n".join(faults(notebook, lab, [1, 2]))
    assert "cell 4: ZeroDivisionError" in found
    assert "asked https://elsewhere.test/x.png" in found
    assert "cell 1 shows no widget" in found
    assert "cell 2: The trace cannot be read" in found
    assert "a sad widget" in found
    assert "button-name" in found, "axe was not asked"


def test_first_lesson_lives_in_notebook_7(notebook7: Lab):
    if not LESSONS:
        pytest.fail("there is no lesson")
    cells = promised(notebook7.server.lessons / LESSONS[0].name)
    with notebook7.open(f"lessons/{LESSONS[0].name}") as notebook:
        found = faults(notebook, notebook7, cells)
    assert not found, "\n".join(found)
