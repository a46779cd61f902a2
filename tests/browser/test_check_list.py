"""Every behaviour of the player's check list has its test: their numbers stand in the docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
BEHAVIOURS = range(1, 83)
IN_JUPYTERLAB = {3, 4, 36, 64}  # those that the list also asks for in JupyterLab
NUMBERS = re.compile(r"(\d+(?:, \d+)*)( S)?\b")


def claimed() -> dict[int, set[bool]]:
    """Number of a behaviour -> whether its tests drive a bare page (False) or JupyterLab (True)."""
    found: dict[int, set[bool]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                match = NUMBERS.match(ast.get_docstring(node) or "")
                for number in map(int, match[1].split(", ")) if match else ():
                    found.setdefault(number, set()).add(bool(match and match[2]))
    return found


def test_every_behaviour_of_the_list_has_a_test():
    assert sorted(claimed()) == list(BEHAVIOURS)


def test_what_a_host_could_spoil_is_also_tested_in_jupyterlab():
    found = claimed()
    assert {n for n in BEHAVIOURS if True in found.get(n, ())} >= IN_JUPYTERLAB
    assert {n for n in IN_JUPYTERLAB if False not in found.get(n, ())} == set()
