"""The supervisor over real processes: what stands still is ended, what dies is started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.e2e.supervised import SupervisedEngine

from thft.model import event as ev

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_a_core_that_stands_still_is_killed_and_no_strategy_is_blamed(tmp_path: Path) -> None:
    with SupervisedEngine(tmp_path) as engine:
        before = engine.until(lambda state: state["counters"]["fills"] > 0)
        os.kill(before["core"]["pid"], signal.SIGSTOP)  # it cannot even take the abort
        after = engine.until(
            lambda state: (
                state["core"]["restarts"] == 1
                and state["counters"]["fills"] > before["counters"]["fills"]
            )
        )
        assert {row["state"] for row in after["strategies"]} == {"ENABLED"}
    assert engine.happened[0] == "core has not turned for 5 s: ending it"
    assert "core ended (SIGKILL)" in engine.happened[1]
    assert engine.events(ev.StrategyDisabled) == []


def test_a_role_that_cannot_run_ends_all_and_says_why(tmp_path: Path) -> None:
    broken = lambda text: text.replace('mode = "demo"', 'mode = "real"')  # noqa: E731
    with SupervisedEngine(tmp_path, broken) as engine:
        assert engine.core.process is not None
        engine.core.process.wait(20)
        engine.supervisor.check()
        failure = engine.supervisor.failure
    assert failure.startswith("core cannot run: ")
    assert "mode: expected one of 'live', 'paper', 'demo', got 'real'" in failure
    assert engine.core.restarts == 0
