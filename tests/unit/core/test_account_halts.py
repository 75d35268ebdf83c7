"""An account that the kernel halted stays so, whatever its gateway says, until a new core."""

from __future__ import annotations

from pathlib import Path

from thft.cli.demo_config import demo_configuration
from thft.core.config import load
from thft.core.runner import Core
from thft.model import event as ev
from thft.model.fixed import ABSENT

ACCOUNT = "slow-account"
REPORT = ("V9", "X", "trade", 1, ABSENT, 1, 5, 0, "", 1, "", 1)


def core_in(folder: Path) -> Core:
    config = folder / "demo.toml"
    ports = {"binance": 9, "quote": 9, "trade": 9}
    config.write_text(demo_configuration(folder / "data", 0, 1, ports))
    return Core(load(config), folder / "data")


def test_a_foreign_order_halts_for_good_and_a_gateways_own_halt_does_not(tmp_path: Path) -> None:
    core = core_in(tmp_path)

    def said(state: str, reason: str) -> str:
        core.account_state(ACCOUNT, state, reason, 1)
        return core.kernel.state.accounts[ACCOUNT].state

    assert said("READY", "equal") == "READY"
    assert said("HALTED", "positions differ") == "HALTED"
    assert said("SYNCING", "asked again") == "SYNCING"
    assert said("READY", "equal") == "READY"
    assert said("HALTED", "positions differ") == "HALTED"
    core.execution(ev.ExecutionReport(0, ACCOUNT, "venue:9", *REPORT))
    assert said("SYNCING", "asked again") == "SYNCING"
    assert said("READY", "equal") == "HALTED"
    assert "never sent" in core.kernel.state.accounts[ACCOUNT].reason
    assert said("OFFLINE", "cut") == "OFFLINE"
    assert said("READY", "equal") == "HALTED"
    core.journal.abandon()
