"""The picture of what has none: lines of text under a heading, on a card."""

from __future__ import annotations

from collections.abc import Sequence

from schedlab.views import palette as tone
from schedlab.views.svg import clean, clean_lines, n

WIDTH = 1000
LEFT, TOP, LINE = 24, 62, 20  # px: the text's edge, its first base line, and from each to the next
INDENT = 8  # px for a space at the left of a line


def card(title: str, lines: Sequence[str], *, code: bool = False) -> str:
    """A title and lines as SVG; `code` sets them in one width. A line keeps its indentation."""
    height = TOP + LINE * len(lines)
    font = tone.CODE if code else tone.FONT
    body = [
        f'<text x="{n(LEFT + INDENT * (len(line) - len(line.lstrip())))}" y="{TOP + LINE * k}" '
        f'font-family="{clean(font)}" xml:space="preserve">{clean(line.lstrip())}</text>'
        for k, line in enumerate(lines)
        if line.strip()
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" font-family="{clean(tone.FONT)}" font-size="13" fill="{tone.INK}"><title>{clean(title)}</title>'
        f"<desc>{clean_lines(chr(10).join([title, *lines]))}</desc>"
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="{tone.BACKGROUND}" '
        f'stroke="{tone.LINE}"/><text x="{LEFT}" y="32" font-size="15" font-weight="600">{clean(title)}</text>'
        f"{''.join(body)}</svg>"
    )
