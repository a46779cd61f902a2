"""How the whole suite runs: what may share a worker, and that nothing is skipped where all was asked for."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from tests.browser.server import BrowserServer, asked_for
from tests.conftest import find

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
ALL = os.environ.get("SCHEDLAB_ALL") == "1"
SERVER = pytest.StashKey[BrowserServer]()

# A shared machine makes one example slow without meaning anything; where all is asked for, every run tries the same
# examples, so that a failure there can be repeated here.
hypothesis.settings.register_profile("schedlab", deadline=None, print_blob=True, derandomize=ALL)
hypothesis.settings.load_profile("schedlab")

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:  # one process is enough to run everything
    pass
else:

    class WholeFiles(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        """Keeps a file on one worker, and all that needs JupyterLab on one; what takes longest begins first.

        The cells of a lesson share a kernel, and one JupyterLab serves all its tests. xdist's own loadgroup would say
        this with marks, but its marks do nothing under pytest 9.
        """

        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::", 1)[0]
            return "JupyterLab" if in_jupyterlab(path) else path

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
        config.option.loadscopereorder = False  # they are in order
        return WholeFiles(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(node: Any) -> None:
        """Tell a worker where the one browser is, which the first of them brings about.

        If it does not start, each worker starts one of its own: its tests tell why that fails.
        """
        config, chromium = node.config, find("chromium")
        if chromium is None or not asked_for(config.args, config.rootpath):
            return
        if SERVER not in config.stash:
            folder = tempfile.TemporaryDirectory()
            config.add_cleanup(folder.cleanup)
            try:
                config.stash[SERVER] = BrowserServer(chromium, Path(folder.name))
            except RuntimeError:
                return
            config.add_cleanup(config.stash[SERVER].stop)
        node.workerinput["browser"] = config.stash[SERVER].url


def in_jupyterlab(path: str) -> bool:
    """Does the file of this path, or of this node's id, drive JupyterLab?"""
    return re.match(r"tests/browser/\w+lab\.py\b", path) is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left alone with it: JupyterLab, then the browser."""
    items.sort(key=lambda item: (not in_jupyterlab(item.nodeid), not item.nodeid.startswith("tests/browser/")))


def _refuse_skip(report: Report) -> Report:
    """SCHEDLAB_ALL=1 says that everything is installed: a skip is then a test that did not run."""
    if ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and SCHEDLAB_ALL=1 allows no skip.\n{reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))
