"""The tables of the store and how its file is opened; called by the projection.

Everything here is a projection of the journal: a file of another schema version, or of another
journal, is emptied and filled anew from the first event.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)
from sqlalchemy.engine.interfaces import DBAPIConnection

SCHEMA_VERSION = 1
metadata = MetaData()

progress = Table(
    "progress",
    metadata,
    Column("consumer", String, primary_key=True),
    Column("journal", String, nullable=False),
    Column("cursor", BigInteger, nullable=False),
)
"""How far each projection is: written in the transaction of its effects."""

trades = Table(
    "trades",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("account", String, nullable=False),
    Column("strategy", String, nullable=False),
    Column("instrument", Integer, nullable=False),
    Column("client_order_id", String, nullable=False),
    Column("exec_id", String, nullable=False),
    Column("side", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("realised", BigInteger, nullable=False),
    Column("position_id", String, nullable=False),
    Index("trades_of_strategy", "strategy", "seq"),
)
"""One row per fill; prices and money 1e-9, sizes 1e-8."""

strategy_totals = Table(
    "strategy_totals",
    metadata,
    Column("strategy", String, primary_key=True),
    Column("fills", BigInteger, nullable=False),
    Column("realised", BigInteger, nullable=False),
    Column("fees", BigInteger, nullable=False),
)
"""Sums that grow with every fill: an effect applied twice would show."""

positions = Table(
    "positions",
    metadata,
    Column("account", String, primary_key=True),
    Column("instrument", Integer, primary_key=True, autoincrement=False),
    Column("position_id", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("avg_price", BigInteger, nullable=False),
    Column("realised", BigInteger, nullable=False),
)

metric_snapshots = Table(
    "metric_snapshots",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("metrics", String, nullable=False),
    Index("metrics_by_time", "ts_ns"),
)
"""One second of one node, feed, account or strategy; `metrics` is a JSON object of integers."""


def open_store(path: Path) -> Engine:
    """Opens the SQLite file, creating what is missing; one of another schema version is removed.

    A lost tail is harmless, because the cursor is lost with it: WAL without a sync per commit.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(path)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version not in (0, SCHEMA_VERSION):
        engine.dispose()
        path.unlink()
        engine = _engine(path)
    metadata.create_all(engine)
    with engine.begin() as transaction:
        transaction.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    return engine


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            connection.cursor().execute(f"PRAGMA {pragma}")

    return engine
