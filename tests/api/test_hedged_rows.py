"""Rows of a hedging account: positions side by side, and gone from page and store when closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from tests.engine import EURUSD, MILLION, SLOW, Engine

from thft.api.replica import Replica
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.store import schema
from thft.store.projection import Projection


class Hand(Strategy):
    """Does what the test does through its context."""

    kind = "hand"


def order(engine: Engine, side: int, **how: Any) -> None:
    engine.kernel.slots["h"].ctx.submit("acc", EURUSD, side, MILLION, **how)
    engine.process(ev.MetricSnapshot(0, "test", "", ()))
    engine.wait(10)


def test_positions_stand_side_by_side_until_they_are_closed(tmp_path: Path) -> None:
    engine = Engine(Hand, model="hedging")
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("h", "hand")
    replica, store = Replica(tmp_path), Projection(tmp_path / "store.sqlite", "ab-1")
    pushed: list[dict[str, Any]] = []
    seen = 0

    def follow() -> list[dict[str, Any]]:
        nonlocal seen
        frames = engine.recorder.frames[seen:]
        seen += len(frames)
        pushed.clear()
        replica.fold(frames, pushed.append)
        store.apply(frames)
        return [one["row"] for one in pushed if one["type"] == "position"]

    def stored() -> dict[str, int]:
        table = schema.positions
        with create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}").connect() as connection:
            found = connection.execute(select(table.c.position_id, table.c.size))
            return {row.position_id: row.size for row in found}

    order(engine, 1)
    order(engine, -1)
    rows = follow()
    long, short = (row["position_id"] for row in rows)
    assert [row["side"] for row in rows] == ["long", "short"] and long != short
    assert stored() == {long: MILLION, short: -MILLION}
    order(engine, -1, position_id=long)
    (row,) = follow()
    assert (row["position_id"], row["side"], row["size"]) == (long, "flat", "0")
    assert (row["avg_price"], row["realised_pnl"]) == (None, "-100.00")
    assert list(replica.state.positions) == [("acc", EURUSD, short)]
    assert stored() == {short: -MILLION}
    store.close()
