"""How the whole suite runs: what may share a worker, and that nothing is skipped where all was asked for."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any, TypeVar

import hypothesis
import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
ALL = os.environ.get("SCHEDLAB_ALL") == "1"

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
        """Keeps a file on one worker, and all of tests/browser on one.

        The cells of a lesson share a kernel, and one browser and one JupyterLab serve all browser tests. xdist's own
        loadgroup would say this with marks, but its marks do nothing under pytest 9.
        """

        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::", 1)[0]
            return "tests/browser" if path.startswith("tests/browser/") else path

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
        return WholeFiles(config, log)


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
