"""Scenario files: YAML or JSON in schedlab's own schema (docs/scenario.md), and rt-app workloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from schedlab.readers import loose_json, rtapp
from schedlab.readers.stream import shown
from schedlab.scenario import Scenario, ScenarioError

LARGEST_FILE = 16 << 20  # bytes
MOST_VALUES = 2_000_000  # in a file once its YAML aliases are written out
SUFFIXES = (".yaml", ".yml", ".json")


def read_scenario(path: str | Path, **changes: Any) -> Scenario:
    """The scenario in a file, with some keys changed (`until="2s"`). Raises ScenarioError with file, line and key."""
    path = Path(path)
    try:
        text = _text(path)
        if path.suffix.lower() == ".json" or (path.suffix.lower() not in SUFFIXES and text.lstrip()[:1] == "{"):
            data = _from_json(text, path)
        else:
            data = _from_yaml(text)
        if isinstance(data, dict):
            data = {**data, **changes}
        return Scenario.from_data(data)
    except ScenarioError as error:
        raise ScenarioError(f"{shown(path)}: {error}") from None


def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ScenarioError("there is no such file") from None
    except IsADirectoryError:
        raise ScenarioError("this is a folder; give a file") from None
    except OSError as error:
        raise ScenarioError(str(error.strerror)) from None
    except ValueError as error:  # a path with a NUL
        raise ScenarioError(str(error)) from None
    if len(raw) > LARGEST_FILE:
        raise ScenarioError(f"the file is larger than {LARGEST_FILE >> 20} MB; a scenario is not")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"line {line}: not UTF-8 text: {error.reason}") from None
    if not text.strip():
        raise ScenarioError("the file is empty")
    return text


def _from_json(text: str, path: Path) -> Any:
    try:
        value = loose_json.parse(text)
        if rtapp.is_workload(value):
            return rtapp.scenario_data(value, title=path.stem)
        return loose_json.plain(value)
    except loose_json.JsonError as error:
        raise ScenarioError(str(error)) from None


def _from_yaml(text: str) -> Any:
    try:
        data = yaml.load(text, Loader=Loader)  # Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ScenarioError(f"{at}{shown(error.problem or error.context or 'not YAML')}") from None
    except yaml.YAMLError as error:
        raise ScenarioError(shown(" ".join(str(error).split()))) from None
    except RecursionError:
        raise ScenarioError("too many lists and mappings inside each other") from None
    except ValueError as error:  # a date that is none
        raise ScenarioError(shown(error)) from None
    _check_size(data)
    return data


class Loader(yaml.SafeLoader):
    """Plain values only, and no key twice."""


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    own: dict[Any, int] = {}
    for key_node, _value in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        try:
            first = own.get(key)
        except TypeError:
            raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key_node.start_mark) from None
        if first is not None:
            problem = f"the key {shown(key)!r} stands here again; first in line {first}"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        own[key] = key_node.start_mark.line + 1
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _check_size(data: Any) -> None:
    """Refuse a few lines of aliases that stand for millions of values."""
    sizes: dict[int, int] = {}

    def size(value: Any) -> int:
        if not isinstance(value, (dict, list)):
            return 1
        if id(value) not in sizes:
            total = 1 + sum(map(size, value.values() if isinstance(value, dict) else value))
            if total > MOST_VALUES:
                raise ScenarioError(f"the aliases stand for more than {MOST_VALUES:,} values")
            sizes[id(value)] = total
        return sizes[id(value)]

    try:
        size(data)
    except RecursionError:
        raise ScenarioError("a list or mapping holds itself, or too many stand inside each other") from None
