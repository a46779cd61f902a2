"""The README promises two commands; these are they, and CI runs the second one as it stands there."""

from __future__ import annotations

import re
import tomllib

from tests.source import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_there_are_exactly_two_commands_of_one_line_each():
    assert [block.count("\n") for block in BLOCKS] == [1, 1]


def test_both_make_an_environment_of_their_own_first():
    # a system's Python may be externally managed: pip would refuse there
    assert all(block.startswith("python3 -m venv .venv && .venv/bin/python -m pip install -e ") for block in BLOCKS)


def test_one_opens_the_lessons_and_one_passes_the_tests():
    opens, tests = BLOCKS
    assert opens.endswith("&& .venv/bin/schedlab\n")
    assert "&& .venv/bin/python -m pytest" in tests


def test_the_extras_that_they_install_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {extra for block in BLOCKS for extra in re.findall(r"\.\[(\w+)\]", block)} <= set(
        project["optional-dependencies"]
    )


def test_ci_runs_the_second_one():
    (pattern,) = re.findall(r"grep -x '(.+?)' README\.md", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert [line for line in README.splitlines() if re.fullmatch(pattern, line)] == [BLOCKS[1].rstrip("\n")]
