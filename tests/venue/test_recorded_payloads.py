"""The dialects over messages recorded at the venues: every one decoded, every checksum proven."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

from tests.shared_files import needs, shared_file
from tests.venue.wire import FEED, Recorder, Trade

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.binance import BinanceDialect
from thft.gateway.ws.dialects.kraken import KrakenDialect

KRAKEN_BOOKS = "ws/kraken/v2_book_checksum_sequence.jsonl"
KRAKEN_OTHERS = "ws/kraken/v2_public_messages.jsonl"
BINANCE_SPOT = "ws/binance/spot_capture_20211012.tsv.gz"
BINANCE_FUTURES = "ws/binance/usdm_capture_20210722.tsv.gz"


def scaled(text: str, digits: int) -> int:
    return int(Decimal(text).scaleb(digits))


@needs(KRAKEN_BOOKS)
def test_recorded_kraken_books_prove_their_checksums() -> None:
    inbox = Recorder()
    dialect = KrakenDialect(inbox, Wanted(FEED, {"BTC/USD": 1}))
    lines = shared_file(KRAKEN_BOOKS).read_bytes().splitlines()
    book: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
    for line in lines:
        assert dialect.received(line, 1) == []
        (update,) = json.loads(line, parse_float=Decimal, parse_int=Decimal)["data"]
        for side, name in enumerate(("bids", "asks")):
            for level in update[name]:
                book[side][level["price"]] = level["qty"]
                if not level["qty"]:
                    del book[side][level["price"]]
        best_bid, best_ask = max(book[0]), min(book[1])
        assert inbox.books[1].top() == (
            scaled(str(best_bid), 9),
            scaled(str(book[0][best_bid]), 8),
            scaled(str(best_ask), 9),
            scaled(str(book[1][best_ask]), 8),
        )
    assert inbox.faults == [] and inbox.batches == len(lines) == 20


@needs(KRAKEN_BOOKS)
def test_a_recorded_message_left_out_is_noticed() -> None:
    lines = shared_file(KRAKEN_BOOKS).read_bytes().splitlines()
    for missing in range(1, 19):
        inbox = Recorder()
        dialect = KrakenDialect(inbox, Wanted(FEED, {"BTC/USD": 1}))
        answers: list[bytes] = []
        for line in lines[:missing] + lines[missing + 1 :]:
            answers += dialect.received(line, 1)
        assert [fault for _, fault, _ in inbox.faults] == ["checksum"], missing
        assert [json.loads(answer)["method"] for answer in answers] == ["unsubscribe", "subscribe"]


@needs(KRAKEN_OTHERS)
def test_recorded_messages_of_other_channels_do_no_harm() -> None:
    inbox = Recorder()
    dialect = KrakenDialect(inbox, Wanted(FEED, {"BTC/USD": 1}))
    for line in shared_file(KRAKEN_OTHERS).read_bytes().splitlines():
        dialect.received(line, 1)
    assert {fault for _, fault, _ in inbox.faults} == {"unknown_message", "venue_status"}
    assert [detail for _, fault, detail in inbox.faults if fault == "venue_status"] == [
        "maintenance is expected at 2025-08-12T02:00:00Z: Scheduled Maintenance",
        "incident: Spot Connectivity Incident",
    ]
    assert inbox.batches == 0
    at_ns = 1_791_506_062_814_908_000
    price = scaled("81776.7", 9)
    assert inbox.trades == [
        Trade(1, price, scaled("0.00005", 8), 1, at_ns, 110_763_305),
        Trade(1, price, scaled("0.00000879", 8), 1, at_ns, 110_763_306),
    ]


def _recorded_tickers(name: str) -> list[tuple[bytes, dict[str, str]]]:
    found = []
    for row in gzip.decompress(shared_file(name).read_bytes()).splitlines():
        _, direction, raw = row.split(b"\t", 2)
        message = json.loads(raw) if direction == b"in" else {}
        if "bookTicker" in message.get("stream", ""):
            found.append((raw, message["data"]))
    return found


@needs(BINANCE_SPOT, BINANCE_FUTURES)
def test_recorded_binance_tickers_are_quotes_to_the_last_digit() -> None:
    for name, count in ((BINANCE_SPOT, 84), (BINANCE_FUTURES, 613)):
        tickers = _recorded_tickers(name)
        symbols = {data["s"]: number for number, (_, data) in enumerate(tickers, 1)}
        inbox = Recorder()
        dialect = BinanceDialect(inbox, Wanted(FEED, symbols))
        for raw, _ in tickers:
            assert dialect.received(raw, 1) == []
        assert inbox.faults == []
        assert len(inbox.quotes) == len(tickers) == count
        for quote, (_, data) in zip(inbox.quotes, tickers, strict=True):
            assert quote == (
                symbols[data["s"]],
                scaled(data["b"], 9),
                scaled(data["B"], 8),
                scaled(data["a"], 9),
                scaled(data["A"], 8),
                int(data["u"]),
            )
