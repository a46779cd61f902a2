"""Source quoted by name: `show(ON.pick)` with its line numbers, `diff(ON, O1)` with two generations side by side.

Lessons never paste code: what they show is what runs.
"""

from __future__ import annotations

import difflib
import html
import inspect
import io
import keyword
import textwrap
import tokenize
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

ABOUT_PICTURES = {"candidates", "queues", "looks_at", "lock"}  # hooks that only pictures ask

# Colours of a quotation follow the notebook's editor; behind each stands one that reads on white.
PAPER = "var(--jp-cell-editor-background, #f7f7f7)"
INK = "var(--jp-content-font-color1, #14181d)"
QUIET = "var(--jp-content-font-color2, #5b5e61)"
BAR = "var(--jp-brand-color1, #0b62c4)"
STYLES = {
    "comment": "color:var(--jp-mirror-editor-comment-color, #4d6b6b);font-style:italic",
    "string": "color:var(--jp-mirror-editor-string-color, #9a1a1a)",
    "keyword": "color:var(--jp-mirror-editor-keyword-color, #006b00);font-weight:600",
    "number": "color:var(--jp-mirror-editor-number-color, #00600f)",
}
BOX = (
    f"margin:0;padding:8px 0;overflow-x:auto;white-space:pre;background:{PAPER};color:{INK};"
    "font:13px/20px var(--jp-code-font-family, ui-monospace, 'DejaVu Sans Mono', monospace);tab-size:4"
)


class Source(NamedTuple):
    """A piece of source: the file as a path inside the project, its first line's number, its lines."""

    file: str
    first: int
    lines: list[str]
    name: str


def source_of(target: Any) -> Source:
    """The source of a function, method, class or module. Raises ValueError where Python has none."""
    target = inspect.unwrap(target) if callable(target) else target
    target = getattr(target, "fget", None) or target  # a property is its getter
    name = getattr(target, "__qualname__", getattr(target, "__name__", type(target).__name__))
    try:
        lines, first = inspect.getsourcelines(target)
        module = inspect.getmodule(target)
    except (OSError, TypeError):
        raise ValueError(f"show() needs a function, method, class or module with a source, not {name}") from None
    inside = module is not None and module.__name__.split(".")[0] == "schedlab"
    file = str(module.__name__).replace(".", "/") + ".py" if inside and module else "your cell"
    text = textwrap.dedent("".join(lines)).rstrip("\n")
    return Source(file, max(first, 1), text.split("\n"), name)


class Quote:
    """A piece of source to be shown; highlighted lines are marked by a sign as well as by colour."""

    def __init__(self, source: Source, highlight: frozenset[int]) -> None:
        self.source, self.highlight = source, highlight

    @property
    def heading(self) -> str:
        """Name, file and lines."""
        source = self.source
        return f"{source.name}   {source.file}, lines {source.first} to {source.first + len(source.lines) - 1}"

    def text(self) -> str:
        """The lines with their numbers; `>` stands before a highlighted one."""
        width = len(str(self.source.first + len(self.source.lines)))
        body = [
            f"{'>' if number in self.highlight else ' '} {number:>{width}}  {line}".rstrip()
            for number, line in enumerate(self.source.lines, start=self.source.first)
        ]
        return "\n".join([self.heading, *body])

    def html(self) -> str:
        """The same with colours. What is quoted is text, never markup."""
        width = len(str(self.source.first + len(self.source.lines)))
        rows = [
            _row(f"{number:>{width}}", line, "›" if number in self.highlight else " ", number in self.highlight)
            for number, line in zip(range(self.source.first, 10**9), coloured(self.source.lines))
        ]
        name = html.escape(self.source.name)
        where = html.escape(self.heading.partition("   ")[2])
        return (
            f'<div style="margin:4px 0"><div style="color:{QUIET};font-size:13px;padding:0 0 4px">'
            f'<b style="color:{INK}">{name}</b> · {where}</div>'
            f'<pre tabindex="0" role="region" aria-label="Source of {name}" style="{BOX}">{"".join(rows)}</pre></div>'
        )

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _row(number: str, line: str, sign: str, marked: bool, colour: str = BAR) -> str:
    edge = f"3px solid {colour if marked else 'transparent'}"
    wash = f"background:color-mix(in srgb, {colour} 10%, transparent);" if marked else ""
    return (
        f'<div style="{wash}border-left:{edge};padding-left:8px">'  # a block with or without its style
        f'<span aria-hidden="true" style="color:{QUIET};user-select:none">{number} {sign} </span>{line or " "}</div>'
    )


def coloured(lines: list[str]) -> list[str]:
    """The lines as HTML: comments, strings, numbers, keywords in their colours. What is no Python stays plain."""
    text = "\n".join(lines)
    marks: dict[int, list[tuple[int, int, str]]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            style = _style(token)
            if style:
                for row in range(token.start[0], token.end[0] + 1):
                    begin = token.start[1] if row == token.start[0] else 0
                    end = token.end[1] if row == token.end[0] else len(lines[row - 1])
                    marks.setdefault(row - 1, []).append((begin, end, style))
    except (tokenize.TokenError, SyntaxError):
        marks.clear()
    return [_painted(line, marks.get(k, [])) for k, line in enumerate(lines)]


def _style(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.COMMENT:
        return STYLES["comment"]
    if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
        return STYLES["string"]
    if token.type == tokenize.NUMBER:
        return STYLES["number"]
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return STYLES["keyword"]
    return ""


def _painted(line: str, marks: list[tuple[int, int, str]]) -> str:
    out, at = [], 0
    for begin, end, style in marks:
        out += [html.escape(line[at:begin]), f'<span style="{style}">{html.escape(line[begin:end])}</span>']
        at = end
    return "".join([*out, html.escape(line[at:])])


def show(target: Any, highlight: str | int | Iterable[str | int] = ()) -> Quote:
    """Quote the source of `target`: `show(O1.tick)`, `show(O1.tick, highlight="time_slice")`.

    `highlight` is a text that the lines hold, a line's number in its file, or several of these. Raises ValueError
    for a target without source and for a highlight that is on no line.
    """
    source = source_of(target)
    if not isinstance(highlight, Iterable) and not isinstance(highlight, int):
        raise ValueError(f"highlight: a text, a line's number or several of these, not {highlight!r:.60}")
    wanted = [highlight] if isinstance(highlight, (str, int)) else list(highlight)
    chosen: set[int] = set()
    for one in wanted:
        numbers = {
            number
            for number, line in enumerate(source.lines, start=source.first)
            if (number == one if isinstance(one, int) else one in line)
        }
        if not numbers:
            raise ValueError(f"{source.name} has no line {one!r} to highlight")
        chosen |= numbers
    return Quote(source, frozenset(chosen))


class Diff:
    """The same hooks of two generations, line against line."""

    def __init__(self, old: type, new: type, hooks: list[str]) -> None:
        self.old, self.new, self.hooks = old, new, hooks

    def pairs(self) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
        """Each hook with its rows (sign, old line, new line); sign is " ", "-", "+" or "~" for both at once."""
        for hook in self.hooks:
            a = source_of(vars(self.old)[hook]).lines if hook in vars(self.old) else []
            b = source_of(vars(self.new)[hook]).lines if hook in vars(self.new) else []
            yield hook, list(_aligned(a, b))

    def text(self) -> str:
        """Both as one text: `-` lines are the older generation's, `+` lines the newer one's."""
        out = [f"- {self.old.__name__}   + {self.new.__name__}"]
        for _hook, rows in self.pairs():
            out.append("")
            held: list[str] = []
            for sign, old, new in rows:
                if sign == " ":
                    out += [*held, f"  {old}".rstrip()]
                    held = []
                else:
                    if sign in "-~":
                        out.append(f"- {old}".rstrip())
                    if sign in "+~":
                        held.append(f"+ {new}".rstrip())
            out += held
        return "\n".join(out)

    def html(self) -> str:
        """Two columns; a line that only one has carries a sign."""
        names = [html.escape(cls.__name__) for cls in (self.old, self.new)]
        cell = f"vertical-align:top;padding:0 4px 12px 0;width:50%;max-width:0;text-align:left;background:{PAPER}"
        heads = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in names)
        body = []
        for hook, rows in self.pairs():
            sides = []
            for side, signs, name in ((1, "-~", names[0]), (2, "+~", names[1])):
                painted = coloured([row[side] for row in rows])
                colour = "#b3261e" if side == 1 else "#1a6e3c"
                lines = [
                    _row("", line, "−+"[side - 1] if row[0] in signs else " ", row[0] in signs, colour)
                    for line, row in zip(painted, rows)
                ]
                label = f"{name}.{html.escape(hook)}"
                sides.append(
                    f'<td style="{cell}"><pre tabindex="0" role="region" aria-label="{label}" style="{BOX}">'
                    f"{''.join(lines)}</pre></td>"
                )
            body.append(f"<tr>{''.join(sides)}</tr>")
        return (
            '<table style="width:100%;table-layout:fixed;border-collapse:collapse">'
            f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        )

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _aligned(a: list[str], b: list[str]) -> Iterator[tuple[str, str, str]]:
    for what, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        old, new = a[a0:a1], b[b0:b1]
        for k in range(max(len(old), len(new))):
            left, right = (lines[k] if k < len(lines) else "" for lines in (old, new))
            both = k < len(old) and k < len(new)
            yield (" " if what == "equal" else "~" if both else "-" if k < len(old) else "+"), left, right


def diff(old: type, new: type, *hooks: str) -> Diff:
    """What changed from one generation to the next: `diff(ON, O1)`, `diff(ON, O1, "pick", "tick")`.

    Without names: the questions that both had to answer. Raises ValueError for a hook that neither has.
    """
    for cls in (old, new):
        if not isinstance(cls, type):
            raise ValueError(f"diff() compares two classes, not {cls!r}")
    if not hooks:
        base = next((cls for cls in old.__mro__ if cls in new.__mro__ and cls not in (old, new)), object)
        shared = set(vars(old)) & set(vars(new))
        hooks = tuple(
            name
            for name, member in vars(base).items()
            if name in shared and name not in ABOUT_PICTURES and callable(member) and _must_be_answered(member)
        )
    for hook in hooks:
        if hook not in vars(old) and hook not in vars(new):
            raise ValueError(f"neither {old.__name__} nor {new.__name__} has {hook!r}")
    if not hooks:
        raise ValueError(f"{old.__name__} and {new.__name__} have no hook in common: name some")
    return Diff(old, new, list(hooks))


def _must_be_answered(member: Any) -> bool:
    return "NotImplementedError" in getattr(getattr(member, "__code__", None), "co_names", ())
