"""The static forms: what stands where no player runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedlab.views.payload import sentences, unpack
from schedlab.views.svg import svg
from schedlab.views.text import text
from schedlab.widgets.bundle import standalone_html
from tests.browser import payloads
from tests.browser.lab import Problems
from tests.browser.see import axe, colours_drawn
from tests.source import ROOT

pytestmark = pytest.mark.browser

FORMS: dict[str, Callable[[], payloads.Packed]] = {
    "linux": payloads.linux_small,
    "go": payloads.go_small,
    "kube": payloads.kube_small,
    "slots": payloads.slots,
    "bitmap": lambda: payloads.many_candidates(20, "bitmap"),
    "empty": payloads.empty,
    "one event": payloads.one_event,
    "hostile": payloads.hostile_names,
    "load": lambda: payloads.segments(20_000),
}
SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 60_000
COLUMNS = 96

PRINT_DIGESTS = """
import hashlib
from schedlab.views.svg import svg
from schedlab.views.text import text
from schedlab.widgets.bundle import standalone_html
from tests.browser.test_static import FORMS
for name, form in FORMS.items():
    head, columns = form()
    for made in (svg(head, columns), text(head, columns), standalone_html(head, columns, text(head, columns))):
        print(name, hashlib.sha256(made.encode()).hexdigest())
"""


def test_static_forms_are_equal_byte_for_byte_in_two_runs_and_hash_seeds():
    """79"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGESTS],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "1")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) == 3 * len(FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_the_svg_has_title_and_description_and_renders_with_scripts_off(chromium: Any, form: str):
    """80"""
    head, columns = FORMS[form]()
    made = svg(head, columns)
    tree = ET.fromstring(made)
    title, desc = tree.find(f"{SVG}title"), tree.find(f"{SVG}desc")
    assert title is not None
    assert title.text
    assert desc is not None
    assert desc.text
    assert tree.tag == f"{SVG}svg"
    assert len(made.encode()) <= MOST_BYTES
    tags = {e.tag.removeprefix(SVG) for e in tree.iter()}
    assert not tags & {"script", "foreignObject", "image", "style", "animate", "set"}
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert set(ids) <= {"sl-p1", "sl-p2"}
    assert not any(name.startswith("on") or "href" in name for e in tree.iter() for name in e.attrib)
    numbers = [
        a
        for e in tree.iter()
        for k, v in e.attrib.items()
        if k in ("x", "y", "width", "height", "d")
        for a in re.findall(r"\d+\.(\d+)", v)
    ]
    assert all(len(decimals) <= 2 for decimals in numbers)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1040, "height": 900})
    try:
        page = context.new_page()
        problems = Problems("")
        problems.watch(page)
        page.set_content(f"<!doctype html><title>x</title><body style='margin:0'>{made}")
        drawing = page.locator("svg").first
        box = drawing.bounding_box()
        assert box["width"] == pytest.approx(1000, abs=1)
        picture = drawing.screenshot()
        assert len(picture) > 2_000, "it is blank"
        assert problems.errors == []
        assert problems.foreign == []
    finally:
        context.close()


def test_the_svgs_text_lies_inside_it(player: Callable[..., Any]):
    """80: nothing is cut off"""
    for form in ("linux", "go", "kube", "hostile"):
        head, columns = FORMS[form]()
        p = player()
        outside = p.page.evaluate(
            """made => {
              const el = document.getElementById('here');
              const parsed = new DOMParser().parseFromString(made, 'image/svg+xml').documentElement;
              el.replaceChildren(parsed);
              const box = parsed.getBoundingClientRect();
              return [...parsed.querySelectorAll('text')].filter(t => {
                const r = t.getBoundingClientRect();
                const across = r.left < box.left - 1 || r.right > box.right + 1;
                return r.width && (across || r.top < box.top - 1 || r.bottom > box.bottom + 1);
              }).map(t => t.textContent);
            }""",
            svg(head, columns),
        )
        assert outside == [], form


def columns_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


@pytest.mark.parametrize("form", FORMS)
def test_the_text_form_keeps_to_96_columns_and_tells_the_same_facts(form: str):
    """81"""
    head, columns = FORMS[form]()
    n = len(unpack(head, columns)["events.at"])
    said = sentences(head, columns)
    whole = text(head, columns)
    assert max(columns_of(line) for line in whole.splitlines()) <= COLUMNS
    assert not any(line != line.rstrip() for line in whole.splitlines())
    if form == "hostile":
        assert "\u202e" not in whole
        assert "\x1b" not in whole
        return
    assert whole.startswith(head["title"])
    for event in {0, n // 2, n - 1} if n else ():
        shown = " ".join(text(head, columns, event).split())
        assert " ".join(said[event][1].split()) in shown, f"event {event}"
        assert " ".join(said[event][1].split()) in " ".join(svg_words(svg(head, columns, event)).split())
        data = unpack(head, columns)
        if head["candidates"] and event in list(data.get("decisions.event", ())):
            d = list(data["decisions.event"]).index(event)
            first = list(data["decisions.first"])
            stop = first[d + 1] if d + 1 < len(first) else len(data["candidates.task"])
            for k in list(range(first[d], stop))[:6]:
                assert head["tasks"][data["candidates.task"][k]]["name"] in shown


def svg_words(made: str) -> str:
    """The description, which holds the text form."""
    desc = ET.fromstring(made).find(f"{SVG}desc")
    assert desc is not None
    return desc.text or ""


@pytest.mark.parametrize("form", ["linux", "go", "kube", "hostile"])
def test_the_exported_page_plays_offline_from_a_file(chromium: Any, tmp_path: Path, form: str):
    """82"""
    head, columns = FORMS[form]()
    file = tmp_path / "page.html"
    file.write_text(standalone_html(head, columns, text(head, columns)), encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900}, reduced_motion="reduce")
    try:
        page = context.new_page()
        problems = Problems("")
        problems.watch(page)
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url))
        page.goto(file.as_uri())
        root = page.locator("section.sl")
        root.wait_for()
        assert colours_drawn(root.locator("canvas").first) > 2
        slider = root.get_by_role("slider")
        before = int(slider.get_attribute("aria-valuenow"))
        root.get_by_role("button", name="Step", exact=True).click()
        assert int(slider.get_attribute("aria-valuenow")) == before + 1
        page.keyboard.press("k")
        page.wait_for_timeout(1_100)  # one event takes 900 ms; the page forbids the eval that waiting would need
        page.keyboard.press("k")
        assert int(slider.get_attribute("aria-valuenow")) >= before + 2
        assert [url for url in asked if url != file.as_uri()] == []
        assert problems.errors == []
        assert page.evaluate("window.hacked") is None
        assert axe(page, root) == []
    finally:
        context.close()


def test_the_exported_page_shows_its_text_with_scripts_off(chromium: Any, tmp_path: Path):
    """82: and without scripts the text form stands there"""
    head, columns = payloads.linux_small()
    file = tmp_path / "page.html"
    file.write_text(standalone_html(head, columns, text(head, columns)), encoding="utf-8")
    context = chromium.new_context(offline=True, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        assert text(head, columns).splitlines()[0] in page.locator("body").inner_text()
    finally:
        context.close()
