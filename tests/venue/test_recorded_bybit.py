"""The Bybit dialect over recorded messages: books equal to ones of Decimals, gaps noticed."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

from tests.shared_files import needs, shared_file
from tests.venue.recorded import DecimalBook, scaled
from tests.venue.wire import FEED, Quote, Recorder, Trade

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.bybit import BybitDialect
from thft.model.fixed import trade_id

BOOKS = "ws/bybit/v5_orderbook500_xrpusdt_20241201.jsonl.gz"
MESSAGES = "ws/bybit/v5_public_messages.jsonl"
ACK, FAILURE = "ws/bybit/v5_subscription_ack.json", "ws/bybit/v5_subscription_failure.json"


class Deep(BybitDialect):
    """Takes the depth that was recorded."""

    books = "orderbook.500"


def _lines() -> list[bytes]:
    return gzip.decompress(shared_file(BOOKS).read_bytes()).splitlines()


@needs(BOOKS)
def test_recorded_books_are_books_of_decimals() -> None:
    inbox = Recorder()
    dialect = Deep(inbox, Wanted(FEED, {"XRPUSDT": 1}, "depth"))
    dialect.begin()
    truth = DecimalBook()
    for line in _lines():
        assert dialect.received(line, 1) == []
        update = json.loads(line)["data"]
        for bid, name in ((True, "b"), (False, "a")):
            for price, size in update[name]:
                truth.set(bid, Decimal(price), Decimal(size))
        mine = inbox.books[1]
        assert (mine.bids(), mine.asks()) == truth.levels()
    assert inbox.faults == [] and inbox.batches == 50


@needs(BOOKS)
def test_a_recorded_message_left_out_is_noticed() -> None:
    lines = _lines()
    for missing in range(1, len(lines) - 1):
        inbox = Recorder()
        dialect = Deep(inbox, Wanted(FEED, {"XRPUSDT": 1}, "depth"))
        answers: list[Any] = []
        for line in lines[:missing] + lines[missing + 1 :]:
            answers += map(json.loads, dialect.received(line, 1))
        assert [fault for _, fault, _ in inbox.faults] == ["gap"], missing
        assert [(one["op"], one["args"]) for one in answers] == [
            ("unsubscribe", ["orderbook.500.XRPUSDT"]),
            ("subscribe", ["orderbook.500.XRPUSDT"]),
        ]


@needs(MESSAGES, ACK, FAILURE)
def test_recorded_quotes_and_trades() -> None:
    inbox = Recorder()
    symbols = {"BTCUSDT": 1, "BTCUSD": 2, "LTCUSDT": 3}
    dialect = BybitDialect(inbox, Wanted(FEED, symbols, "quotes", trades=True))
    trades, quotes = [], []
    for line in shared_file(MESSAGES).read_bytes().splitlines():
        dialect.received(line, 1)
        message = json.loads(line)
        if message["topic"].startswith("publicTrade."):
            trades += [
                Trade(
                    symbols[one["s"]],
                    scaled(one["p"], 9),
                    scaled(one["v"], 8),
                    {"Buy": 1, "Sell": -1}[one["S"]],
                    one["T"] * 1_000_000,
                    trade_id(one["i"]),
                )
                for one in message["data"]
                if one["s"] in symbols
            ]
        elif message["topic"].startswith("orderbook.1."):
            quotes += [message["data"]] if message["data"]["s"] in symbols else []
    assert inbox.trades == trades and len(trades) == 4
    assert [quote["u"] for quote in quotes] == [one.venue_seq for one in inbox.quotes] + [1188472]
    first, second = inbox.quotes
    assert first == Quote(
        1, scaled("28552.00", 9), scaled("0.047", 8), scaled("28552.10", 9), scaled("25.433", 8),
        7003305,
    )  # fmt: skip
    assert (second.bid_size, second.ask_size) == (scaled("0.012", 8), scaled("25.433", 8))
    assert {fault for _, fault, _ in inbox.faults} == {"unknown_message", "gap"}  # of two markets
    inbox.faults.clear()
    for name in (ACK, FAILURE):
        dialect.received(json.dumps(json.loads(shared_file(name).read_bytes())).encode(), 1)
    assert inbox.faults == [(0, "refused", "Invalid topic: invalid.topic.BTCUSDT")]
