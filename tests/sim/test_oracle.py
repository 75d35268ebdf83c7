"""What the engine believes after a wild run is what an independent reader of its journal finds."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest
from tests.oracle import journal_oracle
from tests.oracle.journal_oracle import OracleFinding, Told

from thft.sim.engine_sim import EngineSim, simulate


def run(seed: int, steps: int, directory: Path) -> tuple[EngineSim, Told]:
    """Simulates a seed, writes its journal out and lets the oracle read it."""
    runs: list[EngineSim] = []
    simulate(seed, steps, runs.append)
    directory.mkdir()
    for name, content in runs[0].disk.files.items():
        (directory / name).write_bytes(content)
    return runs[0], journal_oracle.read(directory)


def test_the_oracle_shares_nothing_with_the_product() -> None:
    tree = ast.parse(Path(journal_oracle.__file__).read_text())
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [])
        + [alias.name for alias in node.names]
    }
    assert imported and not any(str(name).startswith("thft") for name in imported)


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_positions_money_and_epochs_agree(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")
    simulated, told = run(seed, 5_000, tmp_path / "journal")
    kernel = simulated.kernel
    assert told.frames == kernel.lane.seq
    assert sorted(set(told.epochs)) == list(range(1, max(told.epochs) + 1))
    assert max(told.epochs) == simulated.journal.epoch
    assert len(set(told.executions)) == len(told.executions) == kernel.state.counters.fills > 50
    held = kernel.state.positions
    kept = {key: one for key, one in told.holdings.items() if one.size or not key[2]}
    assert held.keys() == kept.keys()
    for key, holding in kept.items():
        assert Fraction(held[key].size, 10**8) == holding.size
    slack = Fraction(len(told.executions), 50_000)
    for account, realised in told.realised.items():
        assert realised == kernel.state.accounts[account].realised
        all_of_it = sum(one.realised for key, one in told.holdings.items() if key[0] == account)
        assert abs(Fraction(realised, 10**9) - all_of_it) <= slack


def test_the_oracle_notices_a_changed_byte(tmp_path: Path) -> None:
    simulated, _ = run(9, 500, tmp_path / "journal")
    name = sorted(simulated.disk.files)[0]
    content = bytearray(simulated.disk.files[name])
    content[300] ^= 1
    (tmp_path / "journal" / name).write_bytes(content)
    with pytest.raises(OracleFinding):
        journal_oracle.read(tmp_path / "journal")
