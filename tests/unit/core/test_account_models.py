"""An account nets or hedges as its venue's dialect allows; all else is a finding with its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thft.core.config import Config
from thft.core.findings import findings
from thft.gateway import dialects

SHIPPED = Path(dialects.__file__).parent


def found(dialect: str, model: str | None, kind: str = "venue") -> list[str]:
    """Returns what is wrong with an account's model."""
    account: dict[str, Any] = {"name": "acc", "feed": "broker", "kind": kind}
    if model is not None:
        account["model"] = model
    fix = {"host": "127.0.0.1", "sender_comp_id": "x"}
    venue = {"name": "broker", "dialect": dialect, "symbols": {}, "fix": fix}
    table = {"mode": "paper", "venues": [venue], "accounts": [account]}
    return [one for one in findings(table, Config) if one.startswith("accounts[0].model")]


@pytest.mark.parametrize(
    ("dialect", "model", "words"),
    [
        ("ctrader", "hedging", ""),
        ("ctrader", "netting", ""),
        ("fxcm", "hedging", ""),
        ("lmax", None, ""),
        (
            "lmax",
            "hedging",
            "positions.model = 'netting': its positions have no id to close them by",
        ),
        ("binance", "hedging", "positions.model = 'balances': its positions have no id"),
        ("generic", "netting", ""),
        ("generic", "hedging", "positions.model = '?': write positions.model into a dialect"),
    ],
)
def test_an_account_holds_positions_as_its_dialect_says(
    dialect: str, model: str | None, words: str
) -> None:
    said = found(dialect, model)
    assert [words in one for one in said] == ([True] if words else [])


def test_a_dialect_that_hedges_takes_no_netting_account(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = (SHIPPED / "ctrader.toml").read_text()
    own.write_text(text.replace('model = "account"', 'model = "hedging"'))
    assert found(str(own), "hedging") == []
    (said,) = found(str(own), None)
    assert said == "accounts[0].model: the dialect's accounts keep positions apart, write 'hedging'"
    assert found(str(own), None, "paper") == []
