"""`thft bench session`: a few real orders give all its figures, and a wrong answer gives none."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from thft.base.errors import LocalError
from thft.cli import bench_session
from thft.cli.bench_orders import ENGINE, ORDER, REPORT, TRADER, Line, Trader, order_of, report_of
from thft.fix.session import Sent
from thft.fix.wire import Framer, Garbled, Header
from thft.store.fix_log import FixLog

Change = Callable[[int, bytes], list[tuple[int, bytes]]]
"""(number, body) of a report → what the engine sends instead."""


def test_real_orders_give_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_session, "environment", lambda: Path(sys.executable))
    figures = [
        *bench_session.written(tmp_path, -1, orders=40, burst=600),
        *bench_session.durable(tmp_path, -1, orders=10),
    ]
    assert [(one.figure, one.unit, one.goal) for one in figures] == [
        ("order to report, written, p50", "us", "ratio <= 1.5"),
        ("order to report, written, p99", "us", ""),
        ("round trips, 256 under way", "1/cpu-s", ">= 40000"),
        ("round trips, engine on any core, 256 under way", "1/s", ">= 40000"),
        ("QuickFIX-Python beside ours, order to report, p50", "us", ""),
        ("QuickFIX-Python beside ours, round trips", "1/cpu-s", ""),
        ("order to report, durable_orders, p50", "us", ""),
        ("order to report, durable_orders, p99", "us", ""),
    ]
    assert all(one.value > 0 and one.floor > 0 for one in figures)
    logs = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert logs == {"durable", "store", "written"}


def test_without_quickfix_its_figures_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_session, "environment", lambda: None)
    figures = bench_session.written(tmp_path, -1, orders=10, burst=8)
    assert [one.figure for one in figures if "QuickFIX" in one.figure] == []


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    taken = FixLog.open(tmp_path / "written", 1)
    with pytest.raises(LocalError, match="in use by process"):
        list(bench_session.written(tmp_path, -1, orders=10, burst=8))
    taken.close()


@contextmanager
def engine(change: Change) -> Iterator[int]:
    """An engine that fills every order, but sends what `change` makes of its reports."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)

    def serve() -> None:
        header, framer = Header("FIX.4.4", [(49, ENGINE), (56, TRADER)]), Framer()
        there, _ = listening.accept()
        there.settimeout(60)
        with there:
            while data := there.recv(1 << 16):
                for unit in framer.feed(data):
                    assert not isinstance(unit, Garbled)
                    answers = [(1, b"98=0\x01108=60\x01")]
                    if unit.type == "D":
                        body = REPORT.pack(report_of(ORDER.extract(unit)))
                        answers = change(unit.seq, body)
                    for seq, body in answers:
                        there.sendall(header.encode(unit.type.replace("D", "8"), seq, 0, body))
                    if not answers:
                        return

    serving = threading.Thread(target=serve)
    serving.start()
    yield listening.getsockname()[1]
    serving.join()
    listening.close()


def only(seq: int, change: Change) -> Change:
    return lambda at, body: change(at, body) if at == seq else [(at, body)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda at, body: [(at, body.replace(b"\x0131=1.0", b"\x0131=2.0"))], "is answered by"),
        (lambda at, body: [(at, body.replace(b"11=o-", b"11=O-"))], "is answered by"),
        (lambda at, body: [(at + 1, body)], "where 8 with number"),
        (lambda at, body: [(at, body), (at + 1, body)], "10 answers|is answered by"),
        (lambda at, body: [], "connection to the engine failed"),
    ],
)
def test_a_wrong_answer_is_no_figure(change: Change, words: str) -> None:
    with engine(only(7, change)) as port:
        trader = Trader(port)
        try:
            with pytest.raises(LocalError, match=words):
                trader.pipelined(9, 4)
        finally:
            Line.close(trader)


def test_an_echo_that_changes_something_is_no_floor() -> None:
    with engine(lambda at, body: [(at, body)]) as port:
        line = Line(port)
        try:
            with pytest.raises(LocalError, match="echo"):
                line.one_by_one(3)
        finally:
            line.close()


def test_a_log_without_a_report_is_an_error(tmp_path: Path) -> None:
    with engine(lambda at, body: [(at, body)]) as port:
        trader = Trader(port)
        trader.one_by_one(3)
        Line.close(trader)
    log = FixLog.open(tmp_path, 1)
    for seq in range(1, 6):
        body = REPORT.pack(report_of(order_of(seq - 2))) if 2 <= seq < 4 else b""
        log.append(Sent(seq, "8", 1, body) if body else None)
        log.set_next_in(seq + 1, "received")
    log.close()
    with pytest.raises(LocalError, match="the log holds None"):
        bench_session.check_log(tmp_path, trader)
