"""Lists at the end of a lesson: what the models simplify, where the same idea stands, what its words mean."""

from __future__ import annotations

import html
import json
import re
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

from schedlab.lessons.assumptions import ASSUMPTIONS, Assumption
from schedlab.lessons.catalogue import LessonError, part
from schedlab.lessons.glossary import TERMS
from schedlab.scenario import nearest

COLUMNS = 96  # of a text
QUIET = "color:var(--jp-content-font-color2, #5b5e61);font-size:0.92em"
FIRST_LESSON = "00"
SYSTEMS = {  # by the first digit of a lesson's number
    "0": "How schedulers are designed", "1": "Linux", "2": "Go", "3": "Kubernetes", "4": "List-watch", "5": "All three",
}  # fmt: skip


class Elsewhere(NamedTuple):
    """The same idea in another system: the number of the lesson that shows it, and what to ask there."""

    lesson: str
    asks: str


class Listing:
    """Entries below a heading, as HTML-safe markup and as text."""

    def __init__(self, entries: list[tuple[str, str, str]], name: str, heading: str = "") -> None:
        """`entries`: what stands in front (may be empty), the sentence, and the quiet line below it.

        What stands in front is not said twice: it may also be how the sentence begins.
        """
        self.entries, self.name, self.heading = entries, name, heading
        self.links: dict[int, str] = {}
        self.more: tuple[str, list[str]] = ("", [])  # what unfolds below: its line, and the entries

    def text(self) -> str:
        """One entry after the other, wrapped."""
        out = [self.heading, ""] if self.heading else []
        for front, says, small in self.entries:
            first = "- " if not front or says.startswith(front) else f"- {front}: "
            out += textwrap.wrap(says, COLUMNS, initial_indent=first, subsequent_indent="  ")
            if small:
                out += textwrap.wrap(small, COLUMNS, initial_indent="    ", subsequent_indent="    ")
        return "\n".join(out) if self.entries else f"{self.name}: nothing yet"

    def html(self) -> str:
        """A list; whatever stands in a table is text, never markup."""
        rows = []
        for k, (front, says, small) in enumerate(self.entries):
            head = f"<b>{html.escape(front)}</b>" if front else ""
            if front and k in self.links:
                head = f'<a href="{html.escape(self.links[k], quote=True)}">{html.escape(front)}</a>'
            rest = says
            if front and says.startswith(front):
                rest = says[len(front) :]
            elif front:
                head += ": "
            tail = f'<br><span style="{QUIET}">{html.escape(small)}</span>' if small else ""
            rows.append(f'<li style="margin:0 0 8px">{head}{_code(rest)}{tail}</li>')
        if not rows:
            return f"<p>{html.escape(self.text())}</p>"
        above = f"<h2>{html.escape(self.heading)}</h2>" if self.heading else ""
        line, more = self.more
        folded = "".join(f"<li>{html.escape(one)}</li>" for one in more)
        below = f'<details style="{QUIET}"><summary>{html.escape(line)}</summary><ul>{folded}</ul></details>'
        return f"{above}<ul>{''.join(rows)}</ul>{below if more else ''}"

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _code(text: str) -> str:
    """Escaped, with `backticks` as code."""
    pieces = text.split("`")
    return "".join(
        f"<code>{html.escape(piece)}</code>" if k % 2 else html.escape(piece) for k, piece in enumerate(pieces)
    )


def assumptions(name: str) -> list[Assumption]:
    """What is simplified in a part's models. Raises LessonError when nothing is listed for it."""
    found = [one for one in ASSUMPTIONS if name in one.of]
    if not found:
        raise LessonError(
            f"no assumption is listed for {name!r}{nearest(name, sorted({o for a in ASSUMPTIONS for o in a.of}))}"
        )
    return found


def simplified(name: str) -> Listing:
    """The assumptions of a part, each with its source; the tests that hold them unfold below. Raises LessonError."""
    found = assumptions(name)
    listing = Listing([("", one.says, f"Source: {one.source}.") for one in found], "simplified", "What is simplified")
    listing.more = ("The test that holds each of them", [f"{one.id}: {one.test}" for one in found])
    return listing


def lesson_files(folder: str | Path | None = None) -> dict[str, Path]:
    """Number to file of every lesson there is: in `folder`, else where the notebook runs, else in the project."""
    places = [Path(folder)] if folder else [Path.cwd(), Path(__file__).resolve().parents[2] / "lessons"]
    for place in places:
        files = {path.stem.partition("-")[0]: path for path in sorted(place.glob("[0-9][0-9R]-*.ipynb"))}
        if files:
            return files
    return {}


def elsewhere(name: str, folder: str | Path | None = None) -> Listing:
    """The same idea in the other systems; only a lesson that exists is linked. Raises LessonError."""
    asked: tuple[Elsewhere, ...] = getattr(part(name), "ELSEWHERE", ())
    if not asked:
        raise LessonError(f"{name} names no other system")
    files = lesson_files(folder)
    listing = Listing([(SYSTEMS[one.lesson[0]], one.asks, "") for one in asked], "elsewhere", "The same idea elsewhere")
    for k, one in enumerate(asked):
        if one.lesson in files:
            listing.links[k] = files[one.lesson].name
    return listing


def contents(folder: str | Path | None = None) -> Listing:
    """A map of the lessons that exist, each with its title as the link and what it begins with."""
    files = lesson_files(folder)
    listing = Listing([], "contents")
    for number, path in files.items():
        if number == FIRST_LESSON:  # which shows the map
            continue
        title, first = opening(path)
        listing.links[len(listing.entries)] = path.name
        listing.entries.append((title, first, SYSTEMS.get(number[0], "")))
    return listing


def opening(path: Path) -> tuple[str, str]:
    """The heading of a stored lesson and the first sentence below it, without markup."""
    cells = json.loads(path.read_text(encoding="utf-8")).get("cells", [])
    heading, _, below = "".join(cells[0]["source"] if cells else "").strip().partition("\n")
    paragraph = re.sub(r"<[^>]+>|\*+", "", below.strip().partition("\n\n")[0]).replace("\n", " ")
    sentence = re.match(r".+?[.?!](?=\s|$)", paragraph)
    return heading.lstrip("# ") or path.stem, sentence[0] if sentence else paragraph


def terms(*wanted: str) -> Listing:
    """What words of the glossary mean, in a sentence each. Raises LessonError for a word that is not in it."""
    for term in wanted:
        if str(term) not in TERMS:
            raise LessonError(f"the glossary has no {term!r}{nearest(term, sorted(TERMS))}")
    return Listing([(term, TERMS[term], "") for term in wanted], "terms")
