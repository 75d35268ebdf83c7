"""Fills the store from the journal, each event once; the api feeds it, its routes query it.

Effects and cursor are one transaction: a process that dies between two of them goes on exactly
where the store stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from thft.base.frame import METRICS, ORDERS, POSITIONS, Frame
from thft.model import event as ev
from thft.model.codec import decode
from thft.store import schema

STREAMS = (ORDERS, POSITIONS, METRICS)
CONSUMER = "store"
Row = dict[str, Any]
METRICS_KEPT_NS = 24 * 3_600 * 1_000_000_000
PRUNE_EVERY_S = 600


class Trade(NamedTuple):
    """A fill with the place and time of its event; its cause is not kept."""

    seq: int
    ts_ns: int
    fill: ev.Fill


class Projection:
    """Trades, positions, totals and metrics of one journal."""

    def __init__(self, path: Path, journal: str) -> None:
        """Opens the store; `journal` names the log, another log's store is emptied first."""
        self._engine = schema.open_store(path)
        self._pruned_ns = 0
        with self._engine.begin() as transaction:
            begun = transaction.execute(select(schema.progress)).one_or_none()
            if begun is None or begun.journal != journal:
                for table in schema.metadata.sorted_tables:
                    transaction.execute(delete(table))
                start = {"consumer": CONSUMER, "journal": journal, "cursor": 0}
                transaction.execute(insert(schema.progress).values(start))

    def close(self) -> None:
        """Closes the store."""
        self._engine.dispose()

    @property
    def cursor(self) -> int:
        """Sequence number of the last event whose effect is in the store."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(schema.progress.c.cursor)).scalar_one())

    def apply(self, frames: Sequence[Frame]) -> None:
        """Applies frames and moves the cursor to the last of them, all or nothing."""
        batch = _Batch()
        for frame in frames:
            batch.add(frame.seq, frame.recv_ts_ns, decode(frame.type, frame.version, frame.payload))
        with self._engine.begin() as transaction:
            batch.write(transaction)
            self._prune(transaction, frames[-1].recv_ts_ns)
            transaction.execute(update(schema.progress).values(cursor=frames[-1].seq))

    def _prune(self, transaction: Connection, now_ns: int) -> None:
        """Keeps one day of metrics."""
        if now_ns - self._pruned_ns > PRUNE_EVERY_S * 1_000_000_000:
            self._pruned_ns = now_ns
            old = schema.metric_snapshots.c.ts_ns < now_ns - METRICS_KEPT_NS
            transaction.execute(delete(schema.metric_snapshots).where(old))

    # ---- questions -----------------------------------------------------------------------------

    def trades(self, limit: int, before_seq: int | None, strategy: str) -> list[Trade]:
        """Returns fills, newest first, before a seq and of one strategy when given."""
        table = schema.trades
        query = select(table).order_by(table.c.seq.desc()).limit(limit)
        if before_seq is not None:
            query = query.where(table.c.seq < before_seq)
        if strategy:
            query = query.where(table.c.strategy == strategy)
        with self._engine.connect() as connection:
            return [_trade(dict(row)) for row in connection.execute(query).mappings()]

    def totals(self) -> dict[str, tuple[int, int, int]]:
        """Returns (fills, realised, fees) of each strategy, money 1e-9."""
        with self._engine.connect() as connection:
            found = connection.execute(select(schema.strategy_totals))
            return {row.strategy: (row.fills, row.realised, row.fees) for row in found}

    def metric_count(self) -> int:
        """Returns how many metric snapshots are kept."""
        with self._engine.connect() as connection:
            counted = select(func.count()).select_from(schema.metric_snapshots)
            return int(connection.execute(counted).scalar_one())


class _Batch:
    """What a run of events changes, gathered so that each table is written once."""

    def __init__(self) -> None:
        self._trades: list[Row] = []
        self._totals: dict[str, Row] = {}
        self._positions: dict[tuple[str, int, str], Row] = {}
        self._metrics: list[Row] = []

    def add(self, seq: int, ts_ns: int, event: ev.Event) -> None:
        """Takes one event; most kinds change nothing here."""
        stamp = {"seq": seq, "ts_ns": ts_ns}
        if isinstance(event, ev.MetricSnapshot):
            values = msgspec.json.encode(dict(event.values)).decode()
            self._metrics.append({**stamp, "kind": event.kind, "id": event.id, "metrics": values})
        elif isinstance(event, ev.Fill):
            self._trades.append({**stamp, **_fields(event)})
            total = self._totals.setdefault(
                event.strategy, {"strategy": event.strategy, "fills": 0, "realised": 0, "fees": 0}
            )
            total["fills"] += 1
            total["realised"] += event.realised
            total["fees"] += event.fee
        elif isinstance(event, ev.PositionChanged):
            key = event.account, event.instrument, event.position_id
            self._positions[key] = {**stamp, **_fields(event)}

    def write(self, to: Connection) -> None:
        """Writes everything gathered."""
        for row in self._positions.values():
            self._write_position(row, to)
        for table, found in (
            (schema.trades, self._trades),
            (schema.metric_snapshots, self._metrics),
        ):
            if found:
                to.execute(insert(table), found)
        totals = schema.strategy_totals
        for row in self._totals.values():
            statement = insert(totals).values(row)
            names = ("fills", "realised", "fees")
            grown = {name: totals.c[name] + statement.excluded[name] for name in names}
            to.execute(statement.on_conflict_do_update(index_elements=["strategy"], set_=grown))

    def _write_position(self, row: Row, to: Connection) -> None:
        """A closed position with an id never comes back: its trades tell of it."""
        keys = list(schema.positions.primary_key)
        if row["position_id"] and not row["size"]:
            to.execute(delete(schema.positions).where(*(key == row[key.name] for key in keys)))
            return
        placed = insert(schema.positions).values(row)
        names = [key.name for key in keys]
        to.execute(placed.on_conflict_do_update(index_elements=names, set_=row))


def _fields(event: ev.Fill | ev.PositionChanged) -> Row:
    fields = msgspec.structs.asdict(event)
    del fields["cause"]
    return fields


def _trade(row: Row) -> Trade:
    return Trade(row.pop("seq"), row.pop("ts_ns"), ev.Fill(cause=0, **row))
