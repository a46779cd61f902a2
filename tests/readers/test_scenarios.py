"""Scenario files: what is right runs, what is wrong is told with its place."""

from __future__ import annotations

import pytest

from schedlab.readers.loose_json import Parser
from schedlab.readers.scenarios import read_scenario
from schedlab.scenario import Scenario, ScenarioError

YAML = "scheduler: o1\nuntil: 100ms\ntasks:\n  - name: a\n  - name: b\n"
JSON = '{"scheduler": "o1", "until": "100ms", "tasks": [{"name": "a"}, {"name": "b"}]}'


def read(tmp_path, text, name="x.yaml", **changes):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_scenario(file, **changes)


def test_yaml_json_and_python_give_the_same_run(tmp_path):
    made = Scenario("o1", tasks=[{"name": "a"}, {"name": "b"}], until="100ms").run().digest()
    assert read(tmp_path, YAML).run().digest() == made
    assert read(tmp_path, JSON, "x.json").run().digest() == made
    assert read(tmp_path, JSON, "x.txt").run().digest() == made
    assert Scenario.from_file(tmp_path / "x.yaml").run().digest() == made


def test_keys_can_be_changed_before_it_is_checked(tmp_path):
    endless = "scheduler: o1\ntasks: [{name: a}]\n"
    with pytest.raises(ScenarioError, match="until"):
        read(tmp_path, endless)
    assert read(tmp_path, endless, until="5ms", scheduler="o(n)").run().end == 5_000_000


def test_json_may_have_comments_and_a_comma_too_many(tmp_path):
    text = '{ // a run\n "scheduler": "o1", /* which? */ "until": "1ms", "tasks": [{"name": "a",},], }'
    assert len(read(tmp_path, text, "x.json").tasks) == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.yaml", YAML.replace("name: b", "nome: b"), "tasks[1]: there is no key 'nome'; did you mean 'name'?"),
        ("x.yaml", YAML.replace("until", "untill"), "'untill'; did you mean 'until'?"),
        ("x.yaml", YAML + "until: 2s\n", "line 6, column 1: the key 'until' stands here again; first in line 2"),
        ("x.yaml", "tasks:\n  - {name: a, name: b}\n", "line 2, column 15: the key 'name' stands here again"),
        ("x.yaml", "tasks: [\n", "line 2, column 1: "),
        ("x.yaml", "a: b: c\n", "line 1, column 5: "),
        ("x.yaml", "tasks: !!python/object/apply:os.system [ls]\n", "line 1, column 8: "),
        ("x.yaml", "? [a]\n: b\n", "line 1, column 3: "),
        ("x.yaml", "- a\n", "a mapping of keys to values"),
        ("x.yaml", "", "empty"),
        ("x.yaml", b"tasks: \xff\xfe\n", "line 1: not UTF-8"),
        ("x.yaml", "a: \x00\n", "special characters"),
        ("x.json", "[1, 2", "line 1, column 6: "),
        ("x.json", '{"a": 1 "b": 2}', "line 1, column 9: ',' or '}' is missing"),
        ("x.json", '{"tasks": [\n{"name": "a",\n"name": "b"}]}', "line 3: the key 'name' stands here again"),
        ("x.json", '{"scheduler": o1}', "line 1, column 15: a value is missing"),
        ("x.json", '{"a": "b\n"}', "line 1, column 7: this text has no closing quote"),
        ("x.json", "[" * 5000, "inside each other"),
        ("x.json", '{"a": 1} {', "nothing may follow"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, name, text, says):
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, text, name)
    assert str(tmp_path / name) in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ScenarioError, match="no such file"):
        read_scenario(tmp_path / "none.yaml")
    with pytest.raises(ScenarioError, match="folder"):
        read_scenario(tmp_path)
    with pytest.raises(ScenarioError, match="null"):
        read_scenario("a\0b")


@pytest.mark.timeout(10)
def test_a_few_lines_that_stand_for_millions_are_refused(tmp_path):
    bomb = "a0: &a0 [{run: 1ms}]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    with pytest.raises(ScenarioError, match="aliases"):
        read(tmp_path, bomb)
    with pytest.raises(ScenarioError, match="line 1, column 4: found unconstructable recursive node"):
        read(tmp_path, "a: &a [*a]\n")
    with pytest.raises(ScenarioError, match="a list or mapping holds itself"):
        read(tmp_path, "&a [*a]\n")


@pytest.mark.timeout(10)
def test_deep_yaml_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="inside each other"):
        read(tmp_path, "[" * 20_000)


class Counted(str):
    """A text that knows how much of it has been searched for line breaks."""

    looked_at = 0

    def count(self, sub, start=0, end=None):
        self.looked_at += (len(self) if end is None else end) - start
        return super().count(sub, start, end)


def test_the_lines_of_a_long_file_are_counted_once_and_not_for_every_key():
    text = Counted("[" + ",\n".join('{"name": "t",\n"nice": 1}' for _ in range(500)) + "]")
    pairs = Parser(text).document()
    assert pairs[-1][-1].line == 1000
    assert text.looked_at <= len(text)
