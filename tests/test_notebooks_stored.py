"""A lesson as it is stored: small, stable, useful without a kernel, and shaped so that somebody learns from it."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.source import ROOT

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))

MAX_CELLS = 25
MAX_OUTPUT = 200_000  # bytes of one output's JSON
MAX_LESSON = 600_000  # bytes
MIN_INTERACTIONS = 3  # cells in which the learner changes something; watching alone teaches little
FIRST_WIDGET_WITHIN = 2  # cells

# What a lesson goes through: `hook` opens, the last three close in this order; between them the order is its own.
CLOSING = ("simplified", "elsewhere", "questions")
STAGES = ("hook", "predict", "worked", "play", "modify", "make", *CLOSING)
INTERACTIVE = {"predict", "play", "modify", "make"}

WIDGET = "application/vnd.jupyter.widget-view+json"
SVG = "image/svg+xml"

ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b", re.IGNORECASE)
ABSOLUTE = re.compile(r"(?<![\w.])/(?:home|root|tmp|usr|opt|Users|private|var|work)/|\b[A-Za-z]:\\\\?\w")
GENERATED_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}.*)?|[0-9a-f-]{32,36}")
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
NOT_COMPARED = re.compile(
    r"NBVAL_(?:IGNORE_OUTPUT|SKIP|RAISES_EXCEPTION)|nbval-(?:ignore-output|skip|raises-exception)"
)
LINK = re.compile(r"(?:\]\(|(?:href|src)=\\?[\"'])\s*([^)\s\"'\\]+)")

Notebook = dict[str, Any]


def text_of(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def code(lesson: Notebook) -> list[Notebook]:
    return [cell for cell in lesson["cells"] if cell["cell_type"] == "code"]


def tags(cell: Notebook) -> list[str]:
    found = cell["metadata"].get("tags", [])
    return [str(tag) for tag in found]


def stages(lesson: Notebook) -> list[str]:
    """The stages in the order of the cells, each run of equal ones once."""
    every = [tag for cell in lesson["cells"] for tag in tags(cell) if tag in STAGES]
    return [stage for stage, _ in groupby(every)]


def bundles(cell: Notebook) -> list[dict[str, Any]]:
    return [output["data"] for output in cell["outputs"] if "data" in output]


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def lesson(path: Path) -> Notebook:
    loaded: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_there_are_lessons():
    assert LESSONS


def test_the_file_has_a_number_and_a_name(path):
    assert re.fullmatch(r"\d[0-9R]-[a-z0-9]+(?:-[a-z0-9]+)*", path.stem)


def test_no_widget_state_and_no_timing_is_saved(lesson):
    assert "widgets" not in lesson["metadata"]
    assert [cell["id"] for cell in lesson["cells"] if "execution" in cell["metadata"]] == []


def test_cells_have_names_of_their_own(lesson):
    ids = [cell.get("id", "") for cell in lesson["cells"]]
    assert [one for one in ids if not NAME.fullmatch(one) or GENERATED_ID.fullmatch(one)] == []
    assert len(set(ids)) == len(ids)


def test_it_is_short_and_small(lesson, path):
    assert len(lesson["cells"]) <= MAX_CELLS
    assert path.stat().st_size <= MAX_LESSON
    for cell in code(lesson):
        for output in cell["outputs"]:
            assert len(json.dumps(output)) <= MAX_OUTPUT, cell["id"]


def test_outputs_are_there_and_without_errors(lesson):
    assert any(cell["outputs"] for cell in code(lesson)), "run the lesson: nbval would compare nothing"
    for cell in code(lesson):
        assert [output["output_type"] for output in cell["outputs"] if output["output_type"] == "error"] == [], cell[
            "id"
        ]
        assert [output for output in cell["outputs"] if output.get("name") == "stderr"] == [], cell["id"]


def test_outputs_name_no_address_and_no_place_of_this_machine(lesson):
    for cell in code(lesson):
        stored = json.dumps(cell["outputs"], ensure_ascii=False)
        for pattern in (ADDRESS, ABSOLUTE):
            found = pattern.search(stored)
            assert found is None, f"{cell['id']}: {found[0]}"


def test_every_output_is_compared(lesson):
    for cell in code(lesson):
        marked = text_of(cell["source"]) + " ".join(tags(cell))
        assert not NOT_COMPARED.search(marked), f"{cell['id']}: its output would not be compared"


def test_every_widget_is_also_a_picture_and_a_text(lesson):
    for cell in code(lesson):
        for bundle in bundles(cell):
            if WIDGET in bundle:
                assert {SVG, "text/plain"} <= bundle.keys(), cell["id"]
            if SVG in bundle:
                drawn = text_of(bundle[SVG])
                assert "<title" in drawn or "aria-label" in drawn, f"{cell['id']}: the picture has no title"


def test_the_first_widget_is_within_the_first_cells(lesson):
    first = lesson["cells"][:FIRST_WIDGET_WITHIN]
    assert any(SVG in bundle for cell in first if cell["cell_type"] == "code" for bundle in bundles(cell))


def test_the_stages_are_known_and_in_order(lesson):
    order = stages(lesson)
    assert order, "no cell has a stage as its tag"
    assert order[0] == "hook"
    assert order.count("hook") == 1
    ending = [stage for stage in order if stage in CLOSING]
    assert ending == [stage for stage in CLOSING if stage in ending]
    assert not ending or order[-len(ending) :] == ending, "nothing comes between or after the closing stages"
    if "make" in order and "worked" in order:
        assert order.index("worked") < order.index("make"), "a worked example comes before the learner's own"
    unknown = {tag for cell in lesson["cells"] for tag in tags(cell)} - set(STAGES)
    assert unknown == set()


def test_the_learner_does_something(lesson):
    doing = [cell["id"] for cell in lesson["cells"] if INTERACTIVE & set(tags(cell))]
    assert len(doing) >= MIN_INTERACTIONS


def links(text: str) -> list[str]:
    """Where a text points within the project: links without a scheme, and without their #place."""
    return [
        link.partition("#")[0]
        for link in LINK.findall(text)
        if not re.match(r"[a-z]+:|#|//", link) and link.partition("#")[0]
    ]


def test_links_lead_to_what_is_there(lesson, path):
    for cell in lesson["cells"]:
        shown = text_of(cell["source"]) if cell["cell_type"] == "markdown" else ""
        for bundle in bundles(cell) if cell["cell_type"] == "code" else []:
            shown += "".join(text_of(bundle[mime]) for mime in ("text/html", "text/markdown") if mime in bundle)
        dead = [link for link in links(shown) if not (path.parent / link).exists()]
        assert dead == [], f"{cell['id']}: a lesson that does not exist yet is not shown"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_documents_lead_to_what_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [link for link in links(text) if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(list(paths), id=f"part-{number}")
        for number, paths in groupby(LESSONS, lambda path: path.stem[0])
        if number != "0"  # part 0 is a tour
    ],
)
def test_a_part_goes_through_every_stage(part):
    seen = {stage for path in part for stage in stages(json.loads(path.read_text(encoding="utf-8")))}
    assert set(STAGES) - seen == set()
