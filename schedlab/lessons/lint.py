"""What a stored lesson must be: one function a rule, each yielding what it found, a sentence each.

`python -m schedlab.lessons check` and the tests ask the same rules. Why there are such rules at all: the teaching
principles in CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from schedlab.lessons.glossary import TERMS

MAX_CELLS = 25
MAX_OUTPUT = 200_000  # bytes of one output's JSON
MAX_LESSON = 600_000  # bytes
MIN_INTERACTIONS = 3  # cells in which the learner changes something; watching alone teaches little
FIRST_WIDGET_WITHIN = 2  # cells
NEW_TERMS = 2  # a cell introduces at most so many

# What a lesson goes through: `hook` opens, the last three close in this order; between them the order is its own.
CLOSING = ("simplified", "elsewhere", "questions")
STAGES = ("hook", "predict", "worked", "play", "modify", "make", *CLOSING)
INTERACTIVE = {"predict", "play", "modify", "make"}

WIDGET = "application/vnd.jupyter.widget-view+json"
SVG = "image/svg+xml"

ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b", re.IGNORECASE)
ABSOLUTE = re.compile(r"(?<![\w.])/(?:home|root|tmp|usr|opt|Users|private|var)/|\b[A-Za-z]:\\\\?\w")
GENERATED_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}.*)?|[0-9a-f-]{32,36}")
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
FILE = re.compile(r"\d[0-9R]-[a-z0-9]+(?:-[a-z0-9]+)*")
NOT_COMPARED = re.compile(
    r"NBVAL_(?:IGNORE_OUTPUT|SKIP|RAISES_EXCEPTION)|nbval-(?:ignore-output|skip|raises-exception)"
)
LINK = re.compile(r"(?:\]\(|(?:href|src)=\\?[\"'])\s*([^)\s\"'\\]+)")
TERM = re.compile(r"<dfn>(.*?)</dfn>", re.DOTALL)

Notebook = dict[str, Any]
Rule = Callable[[Notebook, Path], Iterator[str]]


def text_of(value: str | list[str]) -> str:
    """A notebook's text, which is stored as one string or as lines."""
    return value if isinstance(value, str) else "".join(value)


def code(lesson: Notebook) -> list[Notebook]:
    """The cells that run."""
    return [cell for cell in lesson["cells"] if cell["cell_type"] == "code"]


def tags(cell: Notebook) -> list[str]:
    """A cell's tags."""
    return [str(tag) for tag in cell["metadata"].get("tags", [])]


def stages(lesson: Notebook) -> list[str]:
    """The stages in the order of the cells, each run of equal ones once."""
    every = [tag for cell in lesson["cells"] for tag in tags(cell) if tag in STAGES]
    return [stage for stage, _ in groupby(every)]


def bundles(cell: Notebook) -> list[dict[str, Any]]:
    """What a cell has shown, by kind of picture."""
    return [output["data"] for output in cell.get("outputs", []) if "data" in output]


def links(text: str) -> list[str]:
    """Where a text points within the project: links without a scheme, and without their #place."""
    return [
        link.partition("#")[0]
        for link in LINK.findall(text)
        if not re.match(r"[a-z]+:|#|//", link) and link.partition("#")[0]
    ]


def file_name(_lesson: Notebook, path: Path) -> Iterator[str]:
    """The file has a number and a name."""
    if not FILE.fullmatch(path.stem):
        yield f"{path.name} is not named like 13-o1.ipynb"


def no_state(lesson: Notebook, _path: Path) -> Iterator[str]:
    """No widget state and no timing is saved."""
    if "widgets" in lesson["metadata"]:
        yield "the state of widgets is saved with it"
    yield from (
        f"{cell['id']}: the time it ran is saved" for cell in lesson["cells"] if "execution" in cell["metadata"]
    )


def cell_names(lesson: Notebook, _path: Path) -> Iterator[str]:
    """Cells have names of their own, so that a rebuild changes only what changed."""
    ids = [cell.get("id", "") for cell in lesson["cells"]]
    yield from (
        f"the cell {one!r} has no name of its own"
        for one in ids
        if not NAME.fullmatch(one) or GENERATED_ID.fullmatch(one)
    )
    yield from (f"two cells are called {one!r}" for one in sorted({one for one in ids if ids.count(one) > 1}))


def size(lesson: Notebook, path: Path) -> Iterator[str]:
    """It is short and small."""
    if len(lesson["cells"]) > MAX_CELLS:
        yield f"{len(lesson['cells'])} cells, {MAX_CELLS} at most"
    if path.stat().st_size > MAX_LESSON:
        yield f"{path.stat().st_size:,} bytes, {MAX_LESSON:,} at most"
    for cell in code(lesson):
        for output in cell["outputs"]:
            if len(json.dumps(output)) > MAX_OUTPUT:
                yield f"{cell['id']}: an output of more than {MAX_OUTPUT:,} bytes"


def outputs(lesson: Notebook, _path: Path) -> Iterator[str]:
    """Outputs are there and without errors."""
    if not any(cell["outputs"] for cell in code(lesson)):
        yield "no cell has an output: run the lesson (python -m schedlab.lessons execute)"
    for cell in code(lesson):
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            yield f"{cell['id']}: it ends in an error"
        if any(output.get("name") == "stderr" for output in cell["outputs"]):
            yield f"{cell['id']}: it writes to stderr"


def no_place(lesson: Notebook, _path: Path) -> Iterator[str]:
    """Outputs name no address and no place of the machine that made them."""
    for cell in code(lesson):
        stored = json.dumps(cell["outputs"], ensure_ascii=False)
        for pattern in (ADDRESS, ABSOLUTE):
            if found := pattern.search(stored):
                yield f"{cell['id']}: {found[0]}"


def compared(lesson: Notebook, _path: Path) -> Iterator[str]:
    """Every output is compared."""
    for cell in code(lesson):
        if NOT_COMPARED.search(text_of(cell["source"]) + " ".join(tags(cell))):
            yield f"{cell['id']}: its output would not be compared"


def pictures(lesson: Notebook, _path: Path) -> Iterator[str]:
    """Every widget is also a picture and a text; every picture has a title."""
    for cell in code(lesson):
        for bundle in bundles(cell):
            if WIDGET in bundle and not {SVG, "text/plain"} <= bundle.keys():
                yield f"{cell['id']}: a widget without picture and text"
            if SVG in bundle:
                drawn = text_of(bundle[SVG])
                if "<title" not in drawn and "aria-label" not in drawn:
                    yield f"{cell['id']}: the picture has no title"


def early_widget(lesson: Notebook, _path: Path) -> Iterator[str]:
    """The first widget stands within the first cells."""
    first = [cell for cell in lesson["cells"][:FIRST_WIDGET_WITHIN] if cell["cell_type"] == "code"]
    if not any(SVG in bundle for cell in first for bundle in bundles(cell)):
        yield f"none of the first {FIRST_WIDGET_WITHIN} cells shows a widget"


def order(lesson: Notebook, _path: Path) -> Iterator[str]:
    """The stages are known and in order."""
    found = stages(lesson)
    unknown = {tag for cell in lesson["cells"] for tag in tags(cell)} - set(STAGES)
    yield from (f"the tag {tag!r} is no stage" for tag in sorted(unknown))
    if not found or found[0] != "hook" or found.count("hook") != 1:
        yield f"a lesson opens with the stage hook, once; this one goes {' '.join(found) or 'through no stage'}"
    ending = [stage for stage in found if stage in CLOSING]
    if ending != [stage for stage in CLOSING if stage in ending] or (ending and found[-len(ending) :] != ending):
        yield f"a lesson closes with {', '.join(CLOSING)} in this order and nothing between them"
    if "make" in found and "worked" in found and found.index("worked") > found.index("make"):
        yield "a worked example comes before the learner's own"


def doing(lesson: Notebook, _path: Path) -> Iterator[str]:
    """The learner does something."""
    active = [cell["id"] for cell in lesson["cells"] if INTERACTIVE & set(tags(cell))]
    if len(active) < MIN_INTERACTIONS:
        yield f"{len(active)} cells in which the learner does something, {MIN_INTERACTIONS} at least"


def few_terms(lesson: Notebook, _path: Path) -> Iterator[str]:
    """New words come few at a time, once, and stand in the glossary."""
    seen: set[str] = set()
    for cell in lesson["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        new = [term.strip() for term in TERM.findall(text_of(cell["source"]))]
        if len(new) > NEW_TERMS:
            yield f"{cell['id']}: {len(new)} new words, {NEW_TERMS} at most"
        for term in new:
            if term not in TERMS and term.lower() not in TERMS:
                yield f"{cell['id']}: {term!r} is not in the glossary"
            if term in seen:
                yield f"{cell['id']}: {term!r} is introduced twice"
            seen.add(term)


def live_links(lesson: Notebook, path: Path) -> Iterator[str]:
    """Links lead to what is there: a lesson that does not exist yet is not linked."""
    for cell in lesson["cells"]:
        shown = text_of(cell["source"]) if cell["cell_type"] == "markdown" else ""
        for bundle in bundles(cell) if cell["cell_type"] == "code" else []:
            shown += "".join(text_of(bundle[mime]) for mime in ("text/html", "text/markdown") if mime in bundle)
        yield from (f"{cell['id']}: {link} is not there" for link in links(shown) if not (path.parent / link).exists())


RULES: tuple[Rule, ...] = (
    file_name, no_state, cell_names, size, outputs, no_place, compared, pictures, early_widget, order, doing,
    few_terms, live_links,
)  # fmt: skip


def check(path: Path) -> list[str]:
    """All that is wrong with a stored lesson; empty when nothing is."""
    lesson: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return [f"{path.name}: {found}" for rule in RULES for found in rule(lesson, path)]
