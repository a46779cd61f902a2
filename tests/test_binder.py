"""What Binder would build: which Python, which releases, and that they install and run together."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import pythons
from tests.source import ROOT

BADGE = re.compile(r"https://mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/[\w.-]+\?urlpath=lab/tree/(\S+?\.ipynb)\)")


def environment() -> tuple[str, list[str]]:
    """The Python version and the pip lines of binder/environment.yml."""
    wanted = yaml.safe_load((ROOT / "binder/environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (version,) = [item.partition("=")[2] for item in wanted if isinstance(item, str) and item.startswith("python=")]
    (pins,) = [item["pip"] for item in wanted if isinstance(item, dict)]
    return version, pins


def asked_for(*extras: str) -> list[Requirement]:
    """What the package and these extras of it need, extras of its own followed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, todo = [], [*project["dependencies"], *(f"schedlab[{extra}]" for extra in extras)]
    while todo:
        one = Requirement(todo.pop())
        if one.name == "schedlab":
            todo += [line for extra in one.extras for line in project["optional-dependencies"][extra]]
        else:
            found.append(one)
    return found


def test_every_line_is_pinned_to_one_release():
    for line in environment()[1]:
        specifiers = list(Requirement(line).specifier)
        assert [spec.operator for spec in specifiers] == ["=="], line
        assert "*" not in specifiers[0].version, line


def test_the_pins_are_within_the_bounds_of_the_package():
    pins = {canonicalize_name(one.name): one for one in map(Requirement, environment()[1])}
    for need in asked_for("lessons"):
        (pin,) = pins[canonicalize_name(need.name)].specifier
        assert need.specifier.contains(pin.version), f"{need} against the pin {pin.version}"


def test_the_package_accepts_that_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(environment()[0])


def test_the_package_itself_is_installed_after_the_pins():
    script = ROOT / "binder/postBuild"
    assert os.access(script, os.X_OK)
    assert "pip install" in script.read_text(encoding="utf-8")


def test_the_badge_opens_the_first_lesson():
    assert BADGE.findall((ROOT / "README.md").read_text(encoding="utf-8")) == ["lessons/00-start-here.ipynb"]


def test_repo2docker_takes_our_python_and_our_pins():
    program = shutil.which("jupyter-repo2docker", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
    if program is None:
        pytest.skip("jupyter-repo2docker is not installed: pip install -e .[test]")
    command = [program, "--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert f"Building conda environment for python={environment()[0]}\n" in said
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in said
    assert "RUN ./binder/postBuild" in said


@pytest.mark.registry
@pytest.mark.timeout(600)  # a hundred packages, 300 MB
def test_the_pins_install_and_run_together(tmp_path):
    version, pins = environment()
    # Binder's own Python where it is at hand; elsewhere this one, which the pins must fit as well.
    python = pythons.python(version) or Path(sys.executable)
    home = tmp_path / "env"
    subprocess.run([python, "-m", "venv", home], check=True, timeout=120)
    inside = home / "bin/python"
    listed = tmp_path / "pins.txt"
    listed.write_text("\n".join(pins), encoding="utf-8")

    def pip(*arguments: str | Path) -> None:
        command = [inside, "-m", "pip", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
        if "NewConnectionError" in done.stderr or "Temporary failure in name resolution" in done.stderr:
            pytest.skip("the package registry is not reached from here")
        assert done.returncode == 0, done.stdout + done.stderr

    pip("install", "--quiet", "--no-deps", "-r", listed)
    pip("install", "--quiet", "--no-deps", ROOT)
    pip("check")  # nothing missing, nothing that another refuses: the pins are a whole set
    names = "schedlab, anywidget, ipywidgets, jupyterlab, networkx, notebook, numpy, PIL, plotly, yaml"
    subprocess.run([inside, "-c", f"import {names}"], cwd=tmp_path, check=True, timeout=120)
