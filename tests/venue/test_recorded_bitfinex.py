"""The Bitfinex dialect over recorded messages: every book equal to one of Decimals."""

from __future__ import annotations

from decimal import Decimal

from tests.shared_files import needs, shared_file
from tests.venue.recorded import DecimalBook, received, scaled
from tests.venue.wire import FEED, Recorder, Trade

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.bitfinex import BitfinexDialect

CAPTURE = "ws/bitfinex/v2_capture_20210417.tsv.gz"
TRADES = "ws/bitfinex/v2_trade_variants.jsonl"
ERRORS = "ws/bitfinex/v2_error_variants.jsonl"
NAMES = ("BFTUSD", "IOTETH", "DOGUSD", "MNABTC", "ODEUSD", "TESTBTC:TESTUSD", "SNGUSD")
SYMBOLS = {f"t{name}": number for number, name in enumerate(NAMES, 1)}


@needs(CAPTURE)
def test_recorded_books_are_books_of_decimals() -> None:
    inbox = Recorder()
    dialect = BitfinexDialect(inbox, Wanted(FEED, SYMBOLS, "depth", trades=True))
    dialect.begin()
    channels: dict[Decimal, tuple[str, str]] = {}
    books: dict[str, DecimalBook] = {}
    count = 0
    for raw, message in received(CAPTURE):
        if raw.startswith(b'{"event":"conf"'):
            raw = raw.replace(b"65536", b"229376")  # what we ask for beyond the recorder
        assert dialect.received(raw, 1) == []
        if isinstance(message, dict):
            if message["event"] == "subscribed":
                channels[message["chanId"]] = message["channel"], message["symbol"]
            continue
        channel, symbol = channels.get(message[0], ("", ""))
        if channel != "book" or message[1] == "hb":
            continue
        count += 1
        whole = isinstance(message[1][0], list)
        book = books.setdefault(symbol, DecimalBook())
        for price, orders, amount in message[1] if whole else [message[1]]:
            book.set(amount > 0, price, abs(amount) if orders else Decimal(0))
        mine = inbox.books[SYMBOLS[symbol]]
        assert (mine.bids(), mine.asks()) == book.levels()
    assert count == inbox.batches == 1_600
    assert dialect.leave == "" and dialect.synced
    assert {(fault, detail) for _, fault, detail in inbox.faults} == {
        ("unknown_message", "ticker ")
    }


@needs(CAPTURE)
def test_a_recorded_message_left_out_costs_all_books() -> None:
    lines = [raw for raw, _ in received(CAPTURE)]
    inbox = Recorder()
    dialect = BitfinexDialect(inbox, Wanted(FEED, SYMBOLS, "depth"))
    answers: list[bytes] = []
    for raw in lines[:1_000] + lines[1_001:]:
        answers += dialect.received(raw.replace(b":65536", b":229376"), 1)
    gaps = {instrument for instrument, fault, _ in inbox.faults if fault == "gap"}
    assert gaps == set(SYMBOLS.values())
    assert len(answers) == len(SYMBOLS) and all(b"unsubscribe" in frame for frame in answers)


@needs(TRADES)
def test_a_trade_is_told_once_when_it_is_executed() -> None:
    inbox = Recorder()
    dialect = BitfinexDialect(inbox, Wanted(FEED, {"tBTCUSD": 4}, trades=True))
    dialect.received(
        b'{"event":"subscribed","channel":"trades","chanId":18788,"symbol":"tBTCUSD"}', 1
    )
    for line in shared_file(TRADES).read_bytes().splitlines():
        dialect.received(line, 1)
    price, size = scaled(102_570, 9), scaled("0.00991467", 8)
    assert inbox.trades == [Trade(4, price, size, 1, 1_734_237_017_719_000_000, 5_690_221_201)]
    # what is said of loans, on channels that are not asked for
    assert [detail for _, _, detail in inbox.faults] == ['trades "fte"', 'trades "ftu"']


@needs(ERRORS)
def test_odd_events_are_counted() -> None:
    inbox = Recorder()
    dialect = BitfinexDialect(inbox, Wanted(FEED, SYMBOLS))
    for line in shared_file(ERRORS).read_bytes().splitlines():
        assert dialect.received(line, 1) == []
    assert [fault for _, fault, _ in inbox.faults] == [
        "unknown_message",
        "malformed",
        "unknown_message",
        "refused",
        "refused",
    ]
    assert inbox.faults[-1][2] == "42 redcoats"
