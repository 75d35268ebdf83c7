"""The example of docs/strategies.md is real: it loads from a folder and trades."""

from __future__ import annotations

import re
from pathlib import Path

from tests.engine import EURUSD, SLOW, Engine

from thft.core.catalogue import load_catalogue

ROOT = Path(__file__).resolve().parents[3]


def test_the_example_loads_by_its_kind_and_buys_once(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "strategies.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    (tmp_path / "tight_spread.py").write_text(code[1])
    cls, _ = load_catalogue(str(tmp_path))["tight_spread"]
    engine = Engine(cls)
    engine.load("example", "tight_spread", account="acc", symbol="EURUSD", feed="slow")
    engine.quote(SLOW, 139_000, 139_020)
    engine.wait(5)
    assert engine.kernel.state.counters.orders == 0
    engine.quote(SLOW, 139_000, 139_003)
    engine.quote(SLOW, 139_000, 139_003)
    engine.wait(5)
    assert engine.kernel.state.net_size("acc", EURUSD) == 1_000 * 10**8
