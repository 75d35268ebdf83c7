"""The user's own quote files (CSV, plain or gzip) as ticks in time order; called by `venue demo`.

Columns: ts_ms or ts_us, bid, ask, and optionally bid_size, ask_size; times are UTC. Prices keep
the text of the file.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from thft.base.errors import LocalError
from thft.sim.market_model import FAST, SLOW

DEFAULT_SIZE = "1000000"
DAY_NS = 86_400_000_000_000


class FileTick(NamedTuple):
    """One row: prices and sizes as the file's own text."""

    ts_ns: int
    venue: str
    bid: str
    ask: str
    bid_size: str
    ask_size: str


def read_ticks(path: Path, venue: str, from_ns: int, to_ns: int) -> Iterator[FileTick]:
    """Yields the rows whose time of day lies in [from_ns, to_ns).

    Raises LocalError naming file, line and what is wrong.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", "name an existing quote file") from error
    try:
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise LocalError(
            f"{path}: this is no CSV: {error}", "name a CSV file, plain or .gz"
        ) from error
    rows = csv.reader(io.StringIO(text))
    header = next(rows, [])
    time_column = "ts_us" if "ts_us" in header else "ts_ms"
    unit = 1_000 if time_column == "ts_us" else 1_000_000
    try:
        at, bid, ask = (header.index(name) for name in (time_column, "bid", "ask"))
    except ValueError as error:
        raise LocalError(
            f"{path}:1: columns {header} lack ts_ms (or ts_us), bid or ask", "rename them"
        ) from error
    sizes = [header.index(name) for name in ("bid_size", "ask_size") if name in header]
    last_ns = 0
    for line, row in enumerate(rows, 2):
        try:
            ts_ns = int(row[at]) * unit
            prices = row[bid], row[ask]
            shown = [row[index] for index in sizes] or [DEFAULT_SIZE, DEFAULT_SIZE]
        except (ValueError, IndexError) as error:
            raise LocalError(f"{path}:{line}: {row} is no quote row", "mend the line") from error
        if ts_ns < last_ns:
            raise LocalError(f"{path}:{line}: time runs backwards", "sort the file by time")
        last_ns = ts_ns
        if from_ns <= ts_ns % DAY_NS < to_ns:
            yield FileTick(ts_ns, venue, *prices, shown[0], shown[-1])


def merged(fast: Path, slow: Path, from_ns: int = 0, to_ns: int = DAY_NS) -> Iterator[FileTick]:
    """Yields both files' rows in time order, the fast one first at equal times."""
    return heapq.merge(
        read_ticks(fast, FAST, from_ns, to_ns),
        read_ticks(slow, SLOW, from_ns, to_ns),
        key=lambda tick: (tick.ts_ns, tick.venue),
    )
