"""Who may import whom. One table, read off every import statement of the package.

sim <- trace <- design | linux | golang | kube <- stack
         ^---- readers, views <- widgets, writers <- lessons
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.source import PACKAGE, modules

FAMILIES = ("design", "linux", "golang", "kube")
RUNS = ("scenario", "laws", "goals", "explain")  # what is true of a run of any family

BASE = ("sim", "words")  # what needs nothing else

# part -> the parts that its modules may import when they are imported themselves
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "": (),
    "words": (),
    "sim": (),
    "guard": ("words",),
    "trace": BASE,
    "scenario": (*BASE, "trace", "guard"),
    "behaviour": ("sim", "scenario", "guard"),
    "outside": ("scenario",),
    "laws": (*BASE, "trace"),
    "goals": (*BASE, "trace"),
    "explain": (*BASE, "trace", "scenario", "guard"),
    **dict.fromkeys(FAMILIES, (*BASE, "trace", "scenario", "behaviour", "outside", "guard")),
    "stack": (*BASE, "trace", *RUNS, *FAMILIES),
    "readers": (*BASE, "trace", "scenario"),
    "views": (*BASE, "trace"),
    "widgets": (*BASE, "trace", *RUNS, "views"),
    "writers": (*BASE, "trace", "views"),
    "exercises": (*BASE, "trace", "guard", *RUNS),
    "lessons": (*BASE, "trace", *RUNS, *FAMILIES, "stack", "readers", "views", "widgets", "writers", "exercises"),
    "cli": (*BASE, "trace", *RUNS, "readers", "views", "writers"),
    "__main__": ("cli",),
}

# An import inside a function happens when the reader asks for more than a run; the package's own table still bounds it.
MAY_IMPORT_LATER: dict[str, tuple[str, ...]] = {
    "": (*BASE, "trace", *RUNS, *FAMILIES, "stack", "readers", "views", "widgets", "writers", "exercises", "lessons"),
    "trace": ("scenario", "explain", "views", "widgets", "writers"),
    "scenario": (*FAMILIES, "stack", "widgets", "readers"),
    "explain": FAMILIES,
    "laws": FAMILIES,
    "exercises": (*FAMILIES, "views", "widgets", "lessons"),
    "widgets": ("writers",),
    "writers": ("widgets",),
    "cli": (*FAMILIES, "stack", "lessons"),
}

# One generation, one file: these choose, and so may not reach for time, chance or the machine.
POLICY_FILES = {
    "linux": {"v001", "on", "o1", "cfs_2_6_23", "cfs", "eevdf", "rt", "deadline", "idle", "ext", "levels"},
    "golang": {"single", "global_queue", "stealing", "cooperative", "signals", "numa", "today"},
}
MECHANISM = {"linux": {"machine"}, "golang": {"runtime"}}
NOT_FOR_POLICIES = {"heapq", "random", "time", "schedlab.sim"}
MARKS = {"judgement", "episode", "Ranking"}  # all that a policy file takes from the trace: what it is explained by


class Import(NamedTuple):
    target: str  # dotted, as written: "schedlab.linux.task", "heapq"
    names: tuple[str, ...]  # of a `from` import
    when: str  # "import", "later" (inside a function) or "types" (for the type checker alone)
    line: int


def imports(tree: ast.Module, package: str) -> Iterator[Import]:
    """Every import statement of a module that stands in the dotted `package`."""

    def walk(node: ast.AST, when: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, (), when, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
                target = ".".join([*above, *([child.module] if child.module else [])])
                yield Import(target, tuple(alias.name for alias in child.names), when, child.lineno)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                yield from walk(child, "types")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from walk(child, "types" if when == "types" else "later")
            else:
                yield from walk(child, when)

    yield from walk(tree, "import")


def parts_of(found: Import) -> set[str]:
    """The parts of schedlab that an import names: `from schedlab import sim, trace` names two."""
    if found.target == "schedlab":
        return {name for name in found.names if name in MAY_IMPORT}
    head, _, rest = found.target.partition(".")
    return {rest.partition(".")[0]} if head == "schedlab" and rest else set()


def breaches(name: str, tree: ast.Module) -> list[str]:
    """What the module `name` ("linux.o1") imports and may not, one sentence each."""
    is_package = (PACKAGE / name.replace(".", "/")).is_dir()
    package = ".".join(filter(None, ["schedlab", name if is_package else name.rpartition(".")[0]]))
    part, _, inner = name.partition(".")
    found = []
    for one in imports(tree, package):
        if one.when != "types":
            allowed = {part, *MAY_IMPORT[part], *(MAY_IMPORT_LATER.get(part, ()) if one.when == "later" else ())}
            found += [
                f"line {one.line}: {part or 'schedlab'} may not import {other}" for other in parts_of(one) - allowed
            ]
        if inner in POLICY_FILES.get(part, ()):
            machine = {f"schedlab.{part}.{module}" for module in MECHANISM[part]}
            whole = {one.target, *(f"{one.target}.{n}" for n in one.names)}
            if one.when != "types" and (bad := whole & (NOT_FOR_POLICIES | machine)):
                found.append(f"line {one.line}: a policy file chooses only; it may not import {', '.join(sorted(bad))}")
            if one.target == "schedlab.trace" and (not one.names or set(one.names) - MARKS):
                found.append(f"line {one.line}: of schedlab.trace a policy file needs only {', '.join(sorted(MARKS))}")
    return found


@pytest.mark.parametrize("name", modules())
def test_a_module_imports_only_what_its_layer_may(name):
    assert name.partition(".")[0] in MAY_IMPORT, f"schedlab/{name} has no layer: give it a row in MAY_IMPORT"
    assert breaches(name, modules()[name]) == []


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("linux.o1", "from schedlab.golang import steps", "linux may not import golang"),
        ("linux.o1", "import schedlab.kube.store", "linux may not import kube"),
        ("linux.o1", "from ..golang import steps", "linux may not import golang"),
        ("linux.o1", "from schedlab import views", "linux may not import views"),
        ("views.svg", "def draw():\n    from schedlab.linux import o1", "views may not import linux"),
        ("sim", "from schedlab.trace import Kind", "sim may not import trace"),
        ("linux.o1", "import heapq", "it may not import heapq"),
        ("linux.o1", "from schedlab import sim", "it may not import schedlab.sim"),
        ("linux.on", "from schedlab.linux.machine import Machine", "it may not import schedlab.linux.machine"),
        ("linux.on", "from schedlab.linux import machine", "it may not import schedlab.linux.machine"),
        ("golang.stealing", "from schedlab.trace import Recorder", "needs only Ranking, episode, judgement"),
    ],
)
def test_the_table_catches(name, source, complaint):
    assert complaint in "; ".join(breaches(name, ast.parse(source)))


def test_what_only_the_type_checker_reads_is_free():
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from schedlab.scenario import Scenario"
    assert breaches("trace", ast.parse(source)) == []
