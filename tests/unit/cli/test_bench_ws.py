"""`thft bench ws`: the venue sends what its simulator makes, and both takers get all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.base.errors import LocalError
from thft.cli import bench_ws
from thft.cli.bench_ws_venue import SYMBOLS, framed

COUNT = 2_000


@pytest.mark.parametrize("name", SYMBOLS)
def test_core_and_floor_take_every_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_ws, "ROUNDS", 1)
    takers = {"own": bench_ws._core(tmp_path), "floor": bench_ws._bare}
    taken = bench_ws.measured(name, takers, COUNT)
    assert all(len(values) == 1 and values[0] > 0 for values in taken.values())


def test_messages_that_do_not_come_are_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_ws, "PATIENCE_S", 0.5)

    async def deaf(venue: bench_ws.Venue) -> float:
        return await venue.flood(lambda: 0)

    with pytest.raises(LocalError, match="says nothing"):
        bench_ws.measured("binance", {"deaf": deaf}, COUNT)


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
def test_a_frame_says_its_length(size: int) -> None:
    frame = framed(bytes(size))
    head = len(frame) - size
    assert head == (2 if size < 126 else 4 if size < 65_536 else 10)
    assert frame[0] == 0x81
