"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import schedlab
from schedlab import cli
from schedlab.lessons import files
from tests.source import ROOT

HOGS = str(ROOT / "data" / "scenarios" / "three-hogs.yaml")
RECORDING = str(ROOT / "data" / "linux" / "raw" / "trace-cmd_report_raw_ns_6.1_cpu1_w03_inter.txt.gz")


def run(*arguments, module="schedlab", cwd=ROOT, env=None):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **(env or {})},
    )  # fmt: skip


def fails(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 2, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_run_is_told_in_sentences():
    done = run("run", HOGS)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "    0.000000 ms  hog0 is created on CPU 0, nice 0"
    assert any("CPU 0 picks" in line for line in lines)


def test_limit_leaves_the_rest_out_and_says_so():
    lines = run("run", HOGS, "--limit", "3").stdout.splitlines()
    assert len(lines) == 4
    assert lines[3].endswith("more rows")


def test_changes_reach_the_run():
    assert (
        run("run", HOGS, "--until", "200ms").stdout
        != run("run", HOGS, "--until", "200ms", "--scheduler", "o(n)").stdout
    )
    editor = HOGS.replace("three-hogs", "editor-and-compilers")
    assert run("run", editor, "--seed", "1").stdout != run("run", editor, "--seed", "2").stdout
    assert run("run", editor, "--seed", "1").stdout == run("run", editor, "--seed", "1").stdout


def test_explain_tells_why():
    plain, told = run("run", HOGS).stdout, run("run", HOGS, "--explain").stdout
    assert len(told) > 5 * len(plain)


@pytest.mark.parametrize("suffix", ["json", "perfetto.json", "html", "svg", "gif"])
def test_a_run_and_a_recording_are_written_down(suffix, tmp_path):
    out = tmp_path / f"x.{suffix}"
    done = run("run", HOGS, "-o", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert out.stat().st_size > 500
    out.unlink()
    done = run("view", RECORDING, "-o", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert out.stat().st_size > 500


def test_a_saved_run_can_be_viewed(tmp_path):
    run("run", HOGS, "-o", str(tmp_path / "x.json"))
    assert run("view", str(tmp_path / "x.json")).stdout == run("run", HOGS).stdout


def test_schedulers_are_listed():
    lines = run("schedulers").stdout.splitlines()
    assert {"v0.01", "o(n)", "o1", "o1-2.6.22"} <= {line.split()[1] for line in lines}
    assert all(len(line.split()) > 2 for line in lines)


def test_version():
    assert run("--version").stdout == f"schedlab {schedlab.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "none.yaml"), "none.yaml: there is no such file"),
        (("view", "none.txt"), "none.txt: there is no such file"),
        (("view", "."), "this is a folder"),
        (("run", HOGS, "--scheduler", "o2"), "did you mean 'o1'"),
        (("run", HOGS, "--until", "5 parsecs"), "is not a time"),
        (("run", HOGS, "--cpus", "0"), "cpus"),
        (("run", HOGS, "-o", "x.json", "--limit", "3"), "--limit is for sentences"),
        (("run", HOGS, "-o", "x.txt"), "there are .perfetto.json, .json"),
        (("run", HOGS, "-o", "no/such/folder/x.json"), "schedlab: no/such/folder/x.json: No such file or directory"),
        (("run", HOGS, "-o", "x" * 250 + ".json"), "x.json: File name too long"),
        (("view", HOGS), "it reads"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(arguments, says, tmp_path):
    assert says.lower() in fails(*arguments, cwd=tmp_path).lower()


@pytest.mark.parametrize("arguments", [("fly",), ("run",), ("run", HOGS, "--limit", "-1"), ("view", "x", "--what")])
def test_wrong_arguments_have_exit_code_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_hostile_names_only_show(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(
        'scheduler: o1\nuntil: 1ms\ntasks: [{name: "\\e[2J\\e]0;owned\\a\\x7f\\u202eabc\\u009b"}]\n', encoding="utf-8"
    )
    done = run("run", str(file))
    assert done.returncode == 0
    assert "␛[2J␛]0;owned␇␡�abc�" in done.stdout
    assert not [c for c in done.stdout if not c.isprintable() and c not in "\n\u202f\u00a0"]
    assert "␛" in fails("run", "\x1b[2J.yaml", cwd=tmp_path)


def test_a_terminal_that_knows_fewer_characters_gets_what_it_can_show(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("scheduler: o1\nuntil: 1ms\ntasks: [{name: 名前}]\n", encoding="utf-8")
    done = run("run", str(file), env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "?? is created" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "schedlab", "run", HOGS, "--explain"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()


# -- opening the lessons ------------------------------------------------------------------------------


def test_without_jupyterlab_the_command_that_installs_it_is_told(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main([]) == 2
    assert capsys.readouterr().err == "schedlab: the lessons need JupyterLab: pip install 'schedlab[lessons]'\n"


@pytest.mark.parametrize("written", [True, False], ids=["first lesson", "folder"])
def test_no_argument_opens_the_lessons_of_the_checkout(written, monkeypatch, tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    first = tmp_path / "lessons" / cli.FIRST_LESSON
    if written:
        first.write_text("{}")
    asked: list[list[str]] = []

    def start(command, check):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(files, "PACKAGE", tmp_path / "schedlab")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("subprocess.run", start)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main([]) == 0
    assert asked == [[sys.executable, "-m", "jupyterlab", str(first if written else tmp_path / "lessons")]]
    monkeypatch.setattr("os.geteuid", lambda: 0)  # as in a container, where JupyterLab alone would refuse
    assert cli.main([]) == 0
    assert asked[1] == [*asked[0], "--allow-root"]


def test_an_installed_package_copies_its_lessons_once(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "schedlab"
    (package / "lessons" / "shipped" / "lessons").mkdir(parents=True)
    (package / "lessons" / "shipped" / "lessons" / cli.FIRST_LESSON).write_text("{}")
    monkeypatch.setattr(files, "PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    copied = cli.lessons_folder()
    assert copied == tmp_path / cli.COPIED
    (copied / cli.FIRST_LESSON).write_text("my notes")
    assert (cli.lessons_folder() / cli.FIRST_LESSON).read_text() == "my notes"
