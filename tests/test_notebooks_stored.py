"""A lesson as it is stored: small, stable, useful without a kernel, and shaped so that somebody learns from it.

The rules themselves stand in schedlab/lessons/lint.py, where a lesson's author can ask them too; tests/lessons_kit
holds that each of them catches what it is there for.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from schedlab.lessons.lint import RULES, STAGES, Notebook, links, stages
from tests.source import ROOT

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))


def read(path: Path) -> Notebook:
    loaded: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def test_there_are_lessons():
    assert LESSONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_rule(path, rule):
    assert list(rule(read(path), path)) == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_documents_lead_to_what_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [link for link in links(text) if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(list(paths), id=f"part-{number}")
        for number, paths in groupby(LESSONS, lambda path: path.stem[0])
        if number != "0"  # part 0 is a tour
    ],
)
def test_a_part_goes_through_every_stage(part):
    seen = {stage for path in part for stage in stages(read(path))}
    assert set(STAGES) - seen == set()
