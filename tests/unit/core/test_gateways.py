"""What a configuration says of a venue reaches its gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.core.config import BadConfig, load
from thft.core.runner import Core
from thft.gateway.fix.client import FixClient
from thft.model.fixed import SIZE_ONE

CONFIG = """
mode = "paper"
[journal]
min_free_mib = 0
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[instruments]]
symbol = "XAUUSD"
digits = 2
pip = "0.01"
[[venues]]
name = "lmax"
dialect = "lmax"
symbols = { EURUSD = "4001", XAUUSD = "100637" }
[venues.fix]
host = "127.0.0.1"
sender_comp_id = "me"
target_comp_id = "LMXBL"
username = "me"
password = "env:NOWHERE"
contract_sizes = { EURUSD = "10000", XAUUSD = "0.5" }
"""


def test_sizes_of_contracts(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    core = Core(load(path), tmp_path / "data")
    (client,) = core._gateways.all
    assert isinstance(client, FixClient)
    symbols = client.quotes._symbols
    assert [symbols.contract(number) for number in (1, 2)] == [10_000 * SIZE_ONE, SIZE_ONE // 2]
    core.journal.abandon()


def test_a_missing_size_of_a_contract_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace(', XAUUSD = "0.5"', ""))
    with pytest.raises(BadConfig, match=r"venues\[0\].fix.contract_sizes.XAUUSD: missing"):
        load(path)
