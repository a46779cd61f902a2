"""House rules that no linter knows: who may print, ask the clock or the network, and how long a text may be."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.source import PACKAGE, ROOT, modules, tracked

MAX_FILE = 900  # lines; a chapter, not a book
MAX_FUNCTION = 70  # lines without the docstring: what a screen holds

PRINTS = {"cli", "__main__"}
# Wall time: a learner's cell is stopped after a second of it, and a served cluster is paced by it.
ASKS_THE_CLOCK = {"exercises", "kube.http", "cli"}
CLOCKS = {"time", "datetime"}
CHANCE = {"random", "secrets", "uuid"}
DRAWS_CHANCE = {"sim", "kube.http"}  # the engine owns the streams; a server needs a token

Rule = Callable[[str, ast.Module], Iterator[str]]


def no_print(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            if name not in PRINTS:
                yield f"line {node.lineno}: only the command line prints"


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def no_wall_clock(name: str, tree: ast.Module) -> Iterator[str]:
    if name not in ASKS_THE_CLOCK:
        for module, line in _imported(tree):
            if module in CLOCKS:
                yield f"line {line}: {module} is the wall clock; time is Engine.now, in nanoseconds"


def no_chance(name: str, tree: ast.Module) -> Iterator[str]:
    for module, line in _imported(tree):
        if module in CHANCE and name not in DRAWS_CHANCE:
            yield f"line {line}: {module} draws outside the scenario's seed; ask Engine.stream(name)"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "random"
            and node.func.attr != "Random"
        ):
            yield f"line {node.lineno}: random.{node.func.attr} draws from the one generator that all modules share"


def no_long_function(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > MAX_FUNCTION:
                yield f"line {node.lineno}: {node.name} has {lines} lines, {MAX_FUNCTION} at most"


RULES: tuple[Rule, ...] = (no_print, no_wall_clock, no_chance, no_long_function)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", modules())
def test_a_module_keeps_the_rule(name, rule):
    assert list(rule(name, modules()[name])) == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (no_print, "def pick():\n    print('debugging')"),
        (no_wall_clock, "from time import perf_counter"),
        (no_wall_clock, "def f():\n    import datetime"),
        (no_chance, "import random\nrandom.shuffle([])"),
        (no_long_function, "def f():\n" + "    x = 1\n" * (MAX_FUNCTION + 1)),
    ],
)
def test_the_rule_catches(rule, source):
    assert list(rule("linux.o1", ast.parse(source)))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_short_enough_to_be_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE


# The player works with no network and no server, and what a user typed never becomes markup or code.
IN_NO_SCRIPT = {
    r"\bfetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts": "asks the network",
    r"^\s*import\b|\bimport\s*\(|\brequire\s*\(": "imports another module",
    r"(?<![\w.:])//[\w-]+\.\w|https?://(?!www\.w3\.org/)": "names an address",
    r"@import|url\(\s*['\"]?(?!data:|#)": "loads a style or picture from elsewhere",
    r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\bsrcdoc\b": "turns text into markup",
    r"\b(?:localStorage|sessionStorage|indexedDB)\b|document\.cookie": "keeps something in the browser",
    r"\beval\s*\(|new\s+Function\s*\(": "turns text into code",
}
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LINE_COMMENT = re.compile(r"(?m)^\s*//.*$|\s//\s.*$")


def script_breaches(text: str) -> list[str]:
    code = LINE_COMMENT.sub("", BLOCK_COMMENT.sub("", text))
    return [why for pattern, why in IN_NO_SCRIPT.items() if re.search(pattern, code, re.MULTILINE)]


@pytest.mark.parametrize(
    "path",
    sorted([*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_the_players_parts_need_nobody(path):
    assert script_breaches(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "await fetch('/api')",
        "import * as d3 from 'd3'",
        "const m = await import(name)",
        "img.src = 'https://example.org/a.png'",
        "cell.innerHTML = task.name",
        "row.insertAdjacentHTML('beforeend', name)",
        ".bar { background: url(bar.png) }",
        "eval(source)",
        "localStorage.setItem('seen', 1)",
    ],
)
def test_the_script_rule_catches(line):
    assert script_breaches(line)


@pytest.mark.parametrize(
    "line",
    [
        "const SVG = 'http://www.w3.org/2000/svg'; // the name space, not an address",
        "/* see https://example.org */",
        "ctx.fillStyle = `url(#${pattern})`",
        "important(x); reimport = 1",
    ],
)
def test_the_script_rule_lets_pass(line):
    assert script_breaches(line) == []


HOSTS = re.compile(r"(?:pypi|pythonhosted|registry[.]npmjs|deb[.]debian)[.](?:org|com)")
HERE = sorted({str(ROOT), sys.prefix, str(Path.home() / ".")} - {"/usr", "/"})  # paths of the machine that runs this
MACHINE = re.compile("|".join([*map(re.escape, HERE), r"/home/(?!jovyan\b)\w+/[.]"]))
BINARY = {".gif", ".png", ".ico", ".gz", ".xz", ".zst", ".bin", ".pyc"}


def test_no_tracked_file_names_a_machine_or_a_registry():
    found = []
    for path in tracked():
        if path.suffix not in BINARY:
            text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), start=1):
                if HOSTS.search(line) or MACHINE.search(line):
                    found.append(f"{path}:{number}: {line.strip()[:100]}")
    assert found == []


IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<rest>.*)")
WITH_REASON = re.compile(r"(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[a-z, -]+\])\s+#\s*\S.+")


def test_every_ignore_names_its_rule_and_its_reason():
    found = []
    for path in tracked():
        if path.suffix == ".py" and path.name != "test_tidy.py":
            for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
                if (ignore := IGNORE.search(line)) and not WITH_REASON.match(ignore["rest"]):
                    found.append(f"{path}:{number}: {line.strip()}")
    assert found == [], "write `# noqa: RULE  # reason` or `# type: ignore[code]  # reason`"


@pytest.mark.parametrize(
    ("line", "fine"),
    [
        ("x = 1  # noqa", False),
        ("x = 1  # noqa: E501", False),
        ("x = 1  # type: ignore[attr-defined]", False),
        ("x = 1  # noqa: E501, N802  # the upstream name", True),
        ("x = 1  # type: ignore[attr-defined]  # plotly has no types", True),
    ],
)
def test_an_ignore_without_reason_is_seen(line, fine):
    ignore = IGNORE.search(line)
    assert ignore
    assert bool(WITH_REASON.match(ignore["rest"])) is fine
