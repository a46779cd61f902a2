"""docs/scenario.md: every example runs, every key that a family takes is told."""

from __future__ import annotations

import re

import pytest

from schedlab import scenario as schema
from schedlab.behaviour import RANDOM_KEYS, step_keys
from schedlab.linux import given as linux
from schedlab.linux.grammar import GRAMMAR
from schedlab.linux.task import POLICY_NAMES
from schedlab.readers import rtapp
from schedlab.readers.scenarios import read_scenario
from tests.source import ROOT

DOC = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(yaml|json)\n(.*?)```", DOC, re.DOTALL)


@pytest.mark.parametrize(("suffix", "text"), EXAMPLES, ids=[f"example{i}" for i in range(len(EXAMPLES))])
def test_every_example_runs(suffix, text, tmp_path):
    file = tmp_path / f"example.{suffix}"
    file.write_text(text, encoding="utf-8")
    trace = read_scenario(file).run()
    assert any(trace.kinds[kind].decision for kind in trace.kind)


def test_there_are_examples_of_each_form():
    assert sorted({suffix for suffix, _text in EXAMPLES}) == ["json", "yaml"]
    assert len(EXAMPLES) >= 7


def section(title: str) -> str:
    return re.split(r"^## ", DOC.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("The keys of a scenario", schema.KEYS),
        ("Linux: the keys of a task", linux.TASK_KEYS),
        ("Linux: the machine", linux.MACHINE_KEYS),
        ("Linux: steps", step_keys(GRAMMAR)),
        ("The keys of a scenario", RANDOM_KEYS),
        ("Linux: events", linux.EVENT_KEYS),
        ("rt-app workloads", [*rtapp.TASK_KEYS, *rtapp.EVENTS, *rtapp.REFUSED_KEYS]),
    ],
)
def test_every_key_is_told(title, keys):
    text = section(title)
    missing = [key for key in keys if not re.search(rf"`[^`\n]*(?<![\w-]){re.escape(key)}(?![\w-])[^`\n]*`", text)]
    assert [key for key in missing if not key.startswith("dl-")] == []


def test_every_class_is_told():
    text = section("Linux: the keys of a task")
    assert [name for name in POLICY_NAMES if f"`{name}`" not in text] == []


def test_every_example_scenario_of_the_data_folder_runs():
    files = sorted((ROOT / "data" / "scenarios").iterdir())
    assert len(files) >= 3
    for file in files:
        assert len(read_scenario(file).run()) > 10, file
