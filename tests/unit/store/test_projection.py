"""The projection: all or nothing, emptied for another journal or another schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from thft.base.frame import Frame
from thft.model import event as ev
from thft.model.codec import encode
from thft.store.projection import METRICS_KEPT_NS, Projection


def frame(seq: int, event: ev.Event, ts_ns: int = 5) -> Frame:
    return Frame(seq, ts_ns, event.TYPE, event.VERSION, 1, event.STREAM, 0, encode(event))


def fill(seq: int) -> Frame:
    order = f"ab-1-{seq}"
    return frame(seq, ev.Fill(1, order, f"X{seq}", "arb", "paper", 1, 1, 10, 20, 3, seq * 100, ""))


def test_a_batch_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Projection(tmp_path / "store.sqlite", "ab-1")
    store.apply([fill(3)])
    with pytest.raises(IntegrityError):
        store.apply([fill(4), fill(3)])
    assert store.cursor == 3
    assert store.totals() == {"arb": (1, 300, 3)}
    store.apply([fill(4)])
    assert store.totals() == {"arb": (2, 700, 6)}
    assert [trade.fill.exec_id for trade in store.trades(9, None, "")] == ["X4", "X3"]
    store.close()


def test_the_store_goes_on_where_it_stood(tmp_path: Path) -> None:
    for seq in (3, 7):
        store = Projection(tmp_path / "store.sqlite", "ab-1")
        store.apply([fill(seq)])
        store.close()
    store = Projection(tmp_path / "store.sqlite", "ab-1")
    assert (store.cursor, len(store.trades(9, None, ""))) == (7, 2)
    store.close()


def test_the_store_of_another_journal_is_emptied(tmp_path: Path) -> None:
    store = Projection(tmp_path / "store.sqlite", "ab-1")
    store.apply([fill(3)])
    store.close()
    other = Projection(tmp_path / "store.sqlite", "cd-2")
    assert (other.cursor, other.totals(), other.trades(9, None, "")) == (0, {}, [])
    other.close()


def test_a_store_of_another_schema_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE trades (everything TEXT)")
    old.execute("PRAGMA user_version=99")
    old.close()
    store = Projection(path, "ab-1")
    store.apply([fill(3)])
    assert store.cursor == 3
    store.close()


def test_metrics_are_kept_for_a_day(tmp_path: Path) -> None:
    store = Projection(tmp_path / "store.sqlite", "ab-1")
    metrics = ev.MetricSnapshot(1, "feed", "fast", (("quotes", 5),))
    store.apply([frame(1, metrics, 10), frame(2, metrics, METRICS_KEPT_NS // 2)])
    assert store.metric_count() == 2
    store.apply([frame(3, metrics, METRICS_KEPT_NS + 1_000)])
    assert store.metric_count() == 2
    store.close()
