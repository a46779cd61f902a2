"""The player's module: small parts in `static`, joined in this order into one ES module without imports.

The parts share one scope, as if they were one file; comments and indentation stay behind. `module_text` is what the
widget sends and the page holds; `standalone_html` is a page that needs neither kernel nor network.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

WORDS = ("words.en.js",)
PARTS = (
    *WORDS,
    "dom.js",
    "format.js",
    "trace.js",
    "look.js",
    "player.js",
    "timeline.js",
    "transport.js",
    "sentence.js",
    "panel.js",
    "candidates.js",
    "queues.js",
    "source.js",
    "messages.js",
    "compare.js",
    "app.js",
)
STYLES = ("player.css",)


_AFTER_CODE = re.compile(r"""^([^'"`/]*[;,{}()\]])\s+//.*$""")  # nothing before it in which // could mean anything else


def slim(text: str) -> str:
    """JavaScript or CSS as it is sent: without comments, indentation and empty lines; line ends stay, as code may
    lean on them.

    Only what is surely a comment goes: one that begins its line, or follows code without quotes and slashes. Lines
    inside a template literal stay as they are.
    """
    lines, literal, comment = [], False, False
    for line in text.split("\n"):
        bare = line.strip()
        if literal:
            lines.append(line)
        elif comment or bare.startswith("/*"):
            comment = "*/" not in bare
            if not comment and (rest := bare.partition("*/")[2].strip()):
                lines.append(rest)
            continue
        elif bare and not bare.startswith("//"):
            lines.append(_AFTER_CODE.sub(r"\1", bare) if line.count("`") % 2 == 0 else line.lstrip())
        else:
            continue
        literal ^= line.count("`") % 2 == 1
    return "\n".join(lines) + "\n"


def source(name: str) -> str:
    """One of the files in `static`, as it is written."""
    return (files("schedlab.widgets") / "static" / name).read_text(encoding="utf-8")


def part(name: str) -> str:
    """The same as it is sent."""
    return slim(source(name))


@cache
def module_text() -> str:
    """The ES module: exports `default { render }`, as anywidget asks."""
    return "".join(map(part, PARTS))


@cache
def css_text() -> str:
    """The player's style sheet; every rule begins at `.sl`, so a host's own page is left alone."""
    return "".join(map(part, STYLES))


# The page's own model: what the module asks of a widget model, without a kernel.
_SHIM = """
const text = id => document.getElementById(id).textContent;
const bytes = Uint8Array.from(atob(text('columns')), c => c.charCodeAt(0));
const state = { head: JSON.parse(text('head')), columns: new DataView(bytes.buffer) };
render({
  model: { get: k => state[k], set: (k, v) => { state[k] = v; }, on() {}, off() {}, save_changes() {} },
  el: document.getElementById('player'),
});
"""

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
html {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 20px; background: Canvas; font-family: system-ui, sans-serif; }}
main {{ max-width: 1400px; margin: 0 auto; }}
{css}
</style>
</head>
<body>
<main>
<div id="player"></div>
<noscript><pre>{text}</pre></noscript>
</main>
<script type="application/json" id="head">{head}</script>
<script type="text/plain" id="columns">{columns}</script>
<script type="module">
{module}
{shim}
</script>
</body>
</html>
"""
# Only what stands in the page runs, and nothing is fetched.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


def _inside_script(text: str) -> str:
    """JSON that cannot end its script element, whatever names it holds."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def standalone_html(head: Mapping[str, Any], columns: bytes, text: str = "") -> str:
    """One page that plays the trace offline; `text` is what stands there with scripts off.

    Same input, same bytes. Names are data in it: JSON with `<`, `>` and `&` escaped, columns as base64.
    """
    return _PAGE.format(
        language=html.escape(str(head.get("language", "en")), quote=True),
        policy=_POLICY,
        title=html.escape(str(head.get("title", ""))),
        css=css_text(),
        text=html.escape(text or str(head.get("title", ""))),
        head=_inside_script(json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":"))),
        columns=base64.b64encode(columns).decode("ascii"),
        module=module_text(),
        shim=_SHIM,
    )
