"""What all tests share: skips are counted, written down, and fail where CI is meant to have the thing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPORTS = Path(os.environ.get("TEST_REPORTS") or Path(__file__).parents[1] / "build" / "test-reports")

# The same examples for everybody, so that a change is what makes a test fail; soak looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("new", print_blob=True)
settings.load_profile("new" if os.environ.get("SOAK") else "same")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many tests were skipped and what each lacked, and leave it for CI to count."""
    skipped = terminalreporter.stats.get("skipped", [])
    lines = [f"{report.nodeid}: {report.longrepr[2]}" for report in skipped]
    REPORTS.mkdir(parents=True, exist_ok=True)
    suite = (config.getoption("markexpr") or "all").replace(" ", "-")
    (REPORTS / f"{suite}.skipped").write_text("".join(f"{line}\n" for line in lines))
    if lines:
        terminalreporter.write_line(f"{len(lines)} skipped:")
        for line in lines:
            terminalreporter.write_line(f"  {line}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skip is a failure: what is missing there must be installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
