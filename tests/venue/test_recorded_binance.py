"""The Binance dialect over recorded depth with its HTTP snapshots: books equal to Decimals'."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

from tests.shared_files import needs, shared_file
from tests.venue.recorded import DecimalBook, received, scaled
from tests.venue.wire import FEED, Recorder, Trade

from thft.gateway.ws.dialect import Fetch, Wanted
from thft.gateway.ws.dialects.binance import BinanceDialect
from thft.gateway.ws.venues import VENUES
from thft.model.fixed import ABSENT

CAPTURE = "ws/binance/spot_capture_20211012.tsv.gz"
SNAPSHOTS = "ws/binance/spot_rest_depth_20211012.tsv.gz"
MESSAGES = "ws/binance/spot_messages.jsonl"
SYMBOLS = {"NKNUSDT": 1, "BLZETH": 2, "LRCBTC": 3, "RUNEEUR": 4}


def _snapshots() -> dict[str, bytes]:
    rows = gzip.decompress(shared_file(SNAPSHOTS).read_bytes()).splitlines()
    fields = [row.split(b"\t", 2) for row in rows]
    return {where.split(b"symbol=")[1].split(b"&")[0].decode(): raw for _, where, raw in fields}


def _depth() -> list[tuple[bytes, dict[str, str]]]:
    return [
        (raw, message["data"])
        for raw, message in received(CAPTURE)
        if message.get("data", {}).get("e") == "depthUpdate"
    ]


def _begun() -> tuple[Recorder, BinanceDialect]:
    inbox = Recorder()
    dialect = BinanceDialect(inbox, Wanted(FEED, SYMBOLS, "depth"))
    dialect.begin()
    dialect.received(b'{"result":null,"id":1}', 1)
    assert [fetch.key for fetch in dialect.fetches] == list(SYMBOLS)
    return inbox, dialect


@needs(CAPTURE, SNAPSHOTS)
def test_recorded_books_are_books_of_decimals() -> None:
    """The snapshots come late: after a third of the events, which are kept until then."""
    inbox, dialect = _begun()
    events = _depth()
    late = len(events) // 3
    truth: dict[str, DecimalBook] = {}
    for number, (raw, _) in enumerate(events):
        if number == late:
            for symbol, body in _snapshots().items():
                assert dialect.fetched(Fetch(symbol, ""), body, "") == []
        dialect.received(raw, 1)
    for symbol, body in _snapshots().items():
        snapshot, book = json.loads(body), DecimalBook()
        rows = [(True, snapshot["bids"]), (False, snapshot["asks"])]
        for _, event in events:
            if event["s"] == symbol and event["u"] > snapshot["lastUpdateId"]:
                rows += [(True, event["b"]), (False, event["a"])]
        for bid, levels in rows:
            for price, size in levels:
                book.set(bid, Decimal(price), Decimal(size))
        truth[symbol] = book
    assert dialect.synced and inbox.faults == []
    for symbol, instrument in SYMBOLS.items():
        mine = inbox.books[instrument]
        assert (mine.bids(), mine.asks()) == truth[symbol].levels()


@needs(CAPTURE, SNAPSHOTS)
def test_a_recorded_event_left_out_is_noticed() -> None:
    events = [raw for raw, event in _depth() if event["s"] == "NKNUSDT"]
    body = _snapshots()["NKNUSDT"]
    newer = [
        at
        for at, raw in enumerate(events)
        if json.loads(raw)["data"]["u"] > json.loads(body)["lastUpdateId"]
    ]
    for missing in newer[1:-1]:
        inbox, dialect = _begun()
        dialect.fetches.clear()
        dialect.fetched(Fetch("NKNUSDT", ""), body, "")
        for raw in events[:missing] + events[missing + 1 :]:
            dialect.received(raw, 1)
        assert [fault for _, fault, _ in inbox.faults] == ["gap"], missing
        assert [fetch.key for fetch in dialect.fetches] == ["NKNUSDT"]


@needs(CAPTURE, SNAPSHOTS)
def test_a_snapshot_older_than_what_has_come_is_fetched_again() -> None:
    inbox, dialect = _begun()
    dialect.fetches.clear()
    for raw, event in _depth():
        if event["s"] == "NKNUSDT":
            dialect.received(raw, 1)
    body = b'{"lastUpdateId":5,"bids":[],"asks":[]}'
    assert dialect.fetched(Fetch("NKNUSDT", ""), body, "") == []
    assert [fetch.key for fetch in dialect.fetches] == ["NKNUSDT"] and inbox.batches == 0
    for _ in range(50):  # and not for ever
        dialect.fetches.clear()
        dialect.fetched(Fetch("NKNUSDT", ""), body, "")
    assert dialect.fetches == []
    assert [fault for _, fault, _ in inbox.faults] == ["snapshot"]


@needs(MESSAGES)
def test_recorded_trades() -> None:
    inbox = Recorder()
    dialect = BinanceDialect(inbox, Wanted(FEED, {"BNBBTC": 1}, "quotes", trades=True))
    trades = []
    for line in shared_file(MESSAGES).read_bytes().splitlines():
        dialect.received(line, 1)
        data = json.loads(line)["data"]
        if data.get("e") == "trade" and data["s"] == "BNBBTC":
            side = -1 if data["m"] else 1
            ts_ns = data["T"] * 1_000_000
            trades.append(
                Trade(1, scaled(data["p"], 9), scaled(data["q"], 8), side, ts_ns, data["t"])
            )
    assert inbox.trades == trades and [trade.aggressor for trade in trades] == [1, -1]


def test_a_side_without_orders_is_absent_and_not_a_price_of_nothing() -> None:
    inbox = Recorder()
    dialect = VENUES["binance"].dialect(inbox, Wanted(FEED, {"BTCUSDT": 1}))
    dialect.begin()
    for number, (bid, ask) in enumerate((("1", "2"), ("0.00000000", "2"), ("1", "0")), 1):
        payload = f'{{"u":{number},"s":"BTCUSDT","b":"{bid}","B":"0.1","a":"{ask}","A":"0.2"}}'
        waiting = dialect.reader.take(payload.encode())
        assert not waiting or number == 1
        if not waiting:
            dialect.received(payload.encode(), 1)
        dialect.flush(1)
    assert [(quote.bid, quote.ask) for quote in inbox.quotes] == [
        (10**9, 2 * 10**9), (ABSENT, 2 * 10**9), (10**9, ABSENT)
    ]  # fmt: skip
    assert inbox.faults == []


def test_a_snapshot_nested_without_end_is_fetched_again() -> None:
    inbox = Recorder()
    dialect = BinanceDialect(inbox, Wanted(FEED, {"BTCUSDT": 1}, "depth"))
    dialect.begin()
    dialect.received(b'{"result":null,"id":1}', 1)
    (fetch,) = dialect.fetches
    dialect.fetched(fetch, b'{"lastUpdateId":1,"asks":[],"bids":' + b"[" * 100_000, "")
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"]
    assert dialect.renewals.due
