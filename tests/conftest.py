"""With CI=true a skipped test is a failed one; tests over absent material are left out."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.shared_files import missing

LEFT_OUT = pytest.StashKey[dict[str, str]]()
"""The tests that cannot run here, by name, and what is not there."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests whose material is not on this machine."""
    left_out: list[pytest.Item] = []
    for item in items:
        if reason := _absent(item):
            left_out.append(item)
            config.stash[LEFT_OUT][item.nodeid] = reason
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of a parallel run, which cannot print, hands on what it has left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a worker hands on: each collects the whole, so all say the same."""
    node.config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Names what was left out."""
    for name, reason in config.stash[LEFT_OUT].items():
        terminalreporter.write_line(f"left out {name}: {reason}")


def _absent(item: pytest.Item) -> str:
    """Returns what is not there, empty when a test can run."""
    mark = item.get_closest_marker("left_out")
    if mark is not None:
        return str(mark.args[0])
    mark = item.get_closest_marker("shared_files")
    if mark is not None and missing(mark.args):
        return f"no {missing(mark.args)[0]} on this machine"
    return ""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
