"""The OKX dialect over recorded messages: every book proven and equal to one of Decimals."""

from __future__ import annotations

import json
from decimal import Decimal

from tests.shared_files import needs, shared_file
from tests.venue.recorded import DecimalBook, received, scaled
from tests.venue.wire import FEED, Quote, Recorder, Trade

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.okx import OkxDialect

CAPTURE = "ws/okx/v5_public_capture_20220513.tsv.gz"
BBO, SNAPSHOT = "ws/okx/v5_bbo_tbt.json", "ws/okx/v5_books_snapshot.json"
OTHERS = ("ws/okx/v5_spot_messages.jsonl", "ws/okx/v5_futures_messages.jsonl")
SYMBOLS = {"BTC-USDT": 1, "UNI-USD-SWAP": 2, "BTC-USD-220527": 3}


@needs(CAPTURE)
def test_recorded_books_are_books_of_decimals() -> None:
    inbox = Recorder()
    dialect = OkxDialect(inbox, Wanted(FEED, SYMBOLS, "depth", trades=True))
    dialect.begin()
    books: dict[str, DecimalBook] = {}
    count = 0
    for raw, message in received(CAPTURE):
        assert dialect.received(raw, 1) == []
        if "data" not in message or message["arg"]["channel"] != "books":
            continue
        count += 1
        symbol, (update,) = message["arg"]["instId"], message["data"]
        if message["action"] == "snapshot":
            books[symbol] = DecimalBook()
        for bid, name in ((True, "bids"), (False, "asks")):
            for price, size, *_ in update[name]:
                books[symbol].set(bid, Decimal(price), Decimal(size))
        mine = inbox.books[SYMBOLS[symbol]]
        assert (mine.bids(), mine.asks()) == books[symbol].levels()
    assert count == inbox.batches == 290
    assert dialect.synced
    assert {fault for _, fault, _ in inbox.faults} == {"unknown_message"}  # tickers
    assert len(inbox.faults) == 28


@needs(CAPTURE)
def test_recorded_trades_are_prints() -> None:
    inbox = Recorder()
    dialect = OkxDialect(inbox, Wanted(FEED, SYMBOLS, "depth", trades=True))
    expected: list[Trade] = []
    for raw, message in received(CAPTURE):
        dialect.received(raw, 1)
        if "data" in message and message["arg"]["channel"] == "trades":
            expected += [
                Trade(
                    SYMBOLS[one["instId"]],
                    scaled(one["px"], 9),
                    scaled(one["sz"], 8),
                    {"buy": 1, "sell": -1}[one["side"]],
                    int(one["ts"]) * 1_000_000,
                    int(one["tradeId"]),
                )
                for one in message["data"]
            ]
    assert inbox.trades == expected and len(expected) == 74


@needs(CAPTURE)
def test_a_recorded_message_left_out_is_noticed() -> None:
    """Messages had no numbers then: the checksum shows it, if the first 25 levels changed."""
    updates = [
        raw
        for raw, message in received(CAPTURE)
        if message.get("arg", {}).get("channel") == "books" and "data" in message
        if message["arg"]["instId"] == "BTC-USDT"
    ]
    noticed = 0
    for missing in range(1, len(updates) - 1):
        inbox = Recorder()
        dialect = OkxDialect(inbox, Wanted(FEED, SYMBOLS, "depth"))
        answers: list[bytes] = []
        for raw in updates[:missing] + updates[missing + 1 :]:
            answers += dialect.received(raw, 1)
        kinds = {fault for _, fault, _ in inbox.faults}
        assert kinds <= {"checksum"}
        assert [json.loads(frame)["op"] for frame in answers] == (
            ["unsubscribe", "subscribe"] if kinds else []
        )
        noticed += bool(kinds)
    assert noticed > len(updates) * 3 // 4


@needs(BBO, SNAPSHOT)
def test_a_documented_quote_and_a_snapshot_whose_checksum_is_wrong() -> None:
    inbox = Recorder()
    dialect = OkxDialect(inbox, Wanted(FEED, {"BTC-USDT": 1}))
    dialect.received(shared_file(BBO).read_bytes(), 1)
    price, ask, seq = scaled("8476.97", 9), scaled("8476.98", 9), 123_456
    assert inbox.quotes == [Quote(1, price, scaled(256, 8), ask, scaled(415, 8), seq)]
    dialect = OkxDialect(inbox, Wanted(FEED, {"BTC-USDT": 1}, "depth"))
    dialect.received(shared_file(SNAPSHOT).read_bytes(), 1)
    assert [fault for _, fault, _ in inbox.faults] == ["checksum"] and inbox.batches == 0


@needs(*OTHERS)
def test_recorded_messages_of_other_channels_do_no_harm() -> None:
    inbox = Recorder()
    dialect = OkxDialect(inbox, Wanted(FEED, {"BTC-USDT": 1}))
    for name in OTHERS:
        for line in shared_file(name).read_bytes().splitlines():
            assert dialect.received(line, 1) == []
    assert {fault for _, fault, _ in inbox.faults} <= {"unknown_message", "unknown_symbol"}
    assert inbox.batches == 0 and inbox.quotes == []
