"""`import schedlab` brings the core alone: it starts at once, and in a browser's Python too."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import schedlab

HEAVY = {"numpy", "plotly", "networkx", "anywidget", "ipywidgets", "IPython", "PIL", "yaml"}
CORE = ("sim", "trace", "scenario", "laws", "goals", "explain", "design", "linux", "golang")


def modules_after(statement: str) -> set[str]:
    """The top-level names that a fresh interpreter holds once `statement` has run."""
    ask = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_schedlab_brings_no_heavy_library():
    assert not modules_after("import schedlab") & HEAVY


@pytest.mark.parametrize("module", [m.name for m in pkgutil.iter_modules(schedlab.__path__) if m.name in CORE])
def test_the_core_is_standard_library_only(module):
    brought = modules_after(f"import pkgutil, importlib, schedlab.{module} as top\n{WALK}") - modules_after("")
    known = sys.stdlib_module_names | {"schedlab"}
    # what an editable install itself puts there when an interpreter starts
    assert {name for name in brought if name not in known and not name.startswith(("_", "__editable__"))} == set()


WALK = """
for m in pkgutil.walk_packages(getattr(top, '__path__', []), top.__name__ + '.'):
    importlib.import_module(m.name)
"""
