"""The generic adapter: exact numbers, rules of sequence, requests, and a real feed by a mapping."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.shared_files import needs
from tests.venue.cases.generic import MAPPING, mapping
from tests.venue.recorded import received, scaled
from tests.venue.wire import FEED, Quote, Recorder, Trade, Wire, run

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.generic.dialect import REQUEST_BYTES, GenericDialect, requests
from thft.gateway.ws.generic.findings import mapping_findings
from thft.gateway.ws.generic.mapping import FeedMapping, Subscribe
from thft.model.fixed import ABSENT
from thft.sim.ws.generic import GenericVenue

CAPTURE = "ws/okx/v5_public_capture_20220513.tsv.gz"
OKX_MAPPING = """
ping = "ping"

[[subscribe]]
text = '{"op":"subscribe","args":[{"channel":"tickers","instId":"{symbol}"}]}'

[[messages]]
kind = "quote"
where = { "/arg/channel" = "tickers" }
items = "/data"
symbol = "/instId"
bid = "/bidPx"
bid_size = "/bidSz"
ask = "/askPx"
ask_size = "/askSz"
time = "/ts"

[[messages]]
kind = "trade"
where = { "/arg/channel" = "trades" }
items = "/data"
symbol = "/arg/instId"
price = "/px"
size = "/sz"
side = "/side"
id = "/tradeId"
time = "/ts"

[ack]
where = { "/event" = "subscribe" }
symbol = "/arg/instId"

[error]
where = { "/event" = "error" }
"""


def _dialect(text: str, inbox: Recorder, **wanted: Any) -> GenericDialect:
    return GenericDialect(mapping(text), inbox, Wanted(FEED, {"EURUSD": 1, "GBPUSD": 2}, **wanted))


def _row(row: str, symbol: str = "EURUSD") -> bytes:
    return f'{{"kind":"quotes","topic":"q.{symbol}","rows":[{row}]}}'.encode()


def test_trades_are_left_alone_unless_they_are_wanted() -> None:
    row = '{"p":1,"v":2,"side":"S","id":1,"ms":1767000000000}'
    trade = f'{{"kind":"trades","topic":"t.EURUSD","rows":[{row}]}}'.encode()
    for wanted in (False, True):
        inbox = Recorder()
        dialect = _dialect(MAPPING, inbox, trades=wanted)
        assert any(b"t.EURUSD" in frame for frame in dialect.begin()) is wanted
        dialect.received(trade, 1)
        assert len(inbox.trades) == wanted and inbox.faults == []


def test_json_numbers_keep_every_digit() -> None:
    inbox = Recorder()
    dialect = _dialect(MAPPING, inbox)
    tops = (
        "[[8999999999.123456789,12345678901.12345678],[9000000000.000000001,1e-8]]",
        '[["0.000000001","0.1"],["1E-1","2"]]',
        "[[5,7],[6,null]]",
        "[[1.10,1.0],[1.1000000000000000000,9007199254740993]]",
    )
    for number, top in enumerate(tops, 1):
        dialect.received(_row(f'{{"at":1767000000.123456789,"n":{number},"top":{top}}}'), 1)
    assert inbox.quotes == [
        Quote(1, 8_999_999_999_123_456_789, 1_234_567_890_112_345_678, 9 * 10**18 + 1, 1, 1),
        Quote(1, 1, 10**7, 10**8, 2 * 10**8, 2),
        Quote(1, 5 * 10**9, 7 * 10**8, 6 * 10**9, ABSENT, 3),
    ]
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"]  # more than 64 bits


@pytest.mark.parametrize(
    ("unit", "text", "ns"),
    (
        ("s", "1767000000.123456789", 1_767_000_000_123_456_789),
        ("ms", "1767000000123", 1_767_000_000_123_000_000),
        ("us", '"1767000000123456"', 1_767_000_000_123_456_000),
        ("ns", "1767000000123456789", 1_767_000_000_123_456_789),
        ("iso", '"2025-12-29T09:20:00.123456789Z"', 1_767_000_000_123_456_789),
        ("iso", '"2025-12-29T10:20:00+01:00"', 1_767_000_000_000_000_000),
        ("iso", '"2025-12-29T09:20:00"', 1_767_000_000_000_000_000),
    ),
)
def test_times_of_all_units(unit: str, text: str, ns: int) -> None:
    inbox = Recorder()
    told = MAPPING.replace('time = "/ms"', f'time = "/ms"\ntime_unit = "{unit}"')
    dialect = _dialect(told, inbox, trades=True)
    row = f'{{"p":1,"v":2,"side":"S","id":"ab","ms":{text}}}'
    dialect.received(f'{{"kind":"trades","topic":"t.GBPUSD","rows":[{row}]}}'.encode(), 1)
    (trade,) = inbox.trades
    assert trade[:5] == (2, 10**9, 2 * 10**8, -1, ns)
    assert trade.venue_trade_id > 0


@pytest.mark.parametrize(
    ("rule", "scope", "faults"),
    (
        ("plus_one", "symbol", ["gap", "out_of_order"]),
        ("increasing", "symbol", ["out_of_order"]),
        ("plus_one", "connection", ["out_of_order", "out_of_order"]),
    ),
)
def test_rules_of_sequence(rule: str, scope: str, faults: list[str]) -> None:
    inbox = Recorder()
    told = MAPPING.replace('"plus_one"', f'"{rule}"\nsequence_of = "{scope}"')
    dialect = _dialect(told, inbox)
    for symbol, number in (("EURUSD", 1), ("GBPUSD", 1), ("EURUSD", 3), ("EURUSD", 3)):
        dialect.received(_row(f'{{"at":1767000000,"n":{number},"top":[[1,1],[2,1]]}}', symbol), 1)
    kinds = [fault for _, fault, _ in inbox.faults]
    if scope == "connection":
        assert kinds == ["out_of_order", "gap", "out_of_order"]
    else:
        assert kinds == faults
    assert len(inbox.quotes) == 4 - kinds.count("out_of_order")


def test_a_gap_is_counted_on_the_wire_and_the_next_quote_taken() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.skip = 1
        wire.tick(0, "1.17001", "1.17009")
        wire.tick(0, "1.17002", "1.17010")
        await wire.settled()
        assert wire.inbox.quotes[-1].bid == 1_170_020_000

    assert [fault[:2] for fault in run(story, "generic").faults] == [(1, "gap")]


def test_requests_are_filled_batched_and_sent_once() -> None:
    names = [f'X"{number}' for number in range(2_500)]
    one = Subscribe('{"op":"sub","args":{symbols}}', "T.{symbol_lower}", 1_000)
    frames = [json.loads(frame)["args"] for frame in requests(one, names)]
    assert [len(frame) for frame in frames] == [1_000, 1_000, 500]
    assert frames[0][7] == 'T.x"7'
    long = Subscribe("{symbols}", "x" * 1_000 + "{symbol}", 1_000)
    assert all(len(frame) < REQUEST_BYTES + 2_000 for frame in requests(long, names))
    each = list(requests(Subscribe('["{symbol}","{symbol_upper}"]'), ['a"b', "c"]))
    assert [json.loads(frame) for frame in each] == [['a"b', 'A"B'], ["c", "C"]]
    assert list(requests(Subscribe("all"), ["a", "b"])) == [b"all"]


def test_a_ping_goes_out_in_its_interval_while_data_comes_in() -> None:
    assert _dialect("ping_s = 20\n" + MAPPING, Recorder()).ping_every_s == 20

    async def story(wire: Wire) -> None:
        await wire.ready()
        before = wire.venue.counts.messages_in
        assert wire.feed._dialect is not None
        wire.feed._dialect.ping_every_s = 0.05
        for _ in range(10_000):
            wire.tick(0)
            await wire.until(lambda: bool(wire.inbox.quotes), "a quote")
            wire.inbox.quotes.clear()
            if wire.venue.counts.messages_in >= before + 3:
                break
        assert wire.venue.counts.messages_in >= before + 3

    assert run(story, "generic").faults == []


def test_a_venue_that_pings_is_answered() -> None:
    async def story(wire: Wire) -> None:
        assert isinstance(wire.venue, GenericVenue)
        wire.venue.beat_s = 0.03
        await wire.ready()
        before = wire.venue.counts.messages_in
        await wire.until(lambda: wire.venue.counts.messages_in > before + 5, "answers")
        wire.venue.send_raw(b'{"op":"ping"}')  # answered with null: not what was asked
        await wire.settled()

    inbox = run(story, "generic")
    assert inbox.faults == [] and inbox.reasons("OFFLINE") == []


@needs(CAPTURE)
def test_a_recorded_feed_is_read_by_a_mapping() -> None:
    inbox = Recorder()
    symbols = {"BTC-USDT": 1, "UNI-USD-SWAP": 2, "BTC-USD-220527": 3}
    dialect = GenericDialect(mapping(OKX_MAPPING), inbox, Wanted(FEED, symbols, trades=True))
    dialect.begin()
    quotes: list[Quote] = []
    trades: list[Trade] = []
    for raw, message in received(CAPTURE):
        dialect.received(raw, 1)
        for one in message.get("data", ()):
            at = symbols[message["arg"]["instId"]]
            if message["arg"]["channel"] == "tickers":
                bid, ask = scaled(one["bidPx"], 9), scaled(one["askPx"], 9)
                sizes = scaled(one["bidSz"], 8), scaled(one["askSz"], 8)
                quotes.append(Quote(at, bid, sizes[0], ask, sizes[1], 0))
            elif message["arg"]["channel"] == "trades":
                side = {"buy": 1, "sell": -1}[one["side"]]
                price, size = scaled(one["px"], 9), scaled(one["sz"], 8)
                ns = int(one["ts"]) * 1_000_000
                trades.append(Trade(at, price, size, side, ns, int(one["tradeId"])))
    assert inbox.quotes == quotes and len(quotes) == 28
    assert inbox.trades == trades and len(trades) == 74
    assert dialect.synced
    assert {fault for _, fault, _ in inbox.faults} == {"unknown_message"}  # books


BAD = (
    ('kind = "quote"', 'kind = "trade"', "messages: none is of kind 'quote'"),
    ('bid = "/top/0/0"\n', "", "messages[0].bid: missing: a quote needs it"),
    ('ask = "/top', 'price = "/x"\nask = "/top', "messages[0].price: only a trade has it"),
    ('sequence = "/n"\n', "", "messages[0].sequence_rule: sequence and its rule belong together"),
    ('"/kind" = "quotes"', '"kind" = "q"', "messages[0].where.kind: expected a path"),
    ('where = { "/kind" = "quotes" }\n', "", "messages[0].where: missing: every message is"),
    ('each = "q.{symbol}"', 'each = "q.{sym}"', "subscribe[0].each: {sym} stands for nothing"),
    ("{symbols}}'", '{symbols},"x":"{symbol}"}\'', "subscribe[0].text: {symbols} and {symbol}"),
    ('where = { "/op" = "pong" }', "where = {}", "ignore[0].where: empty"),
    ('buy = "B"', 'buy = "S"', "messages[1].sell: the same as buy"),
    ('symbol = "/topic"\nsymbol_prefix = "q."\nbid', "bid", "messages[0].symbol: missing"),
)


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_what_is_wrong_with_a_mapping_is_said_with_its_key(old: str, new: str, said: str) -> None:
    assert old in MAPPING
    found = mapping_findings(mapping(MAPPING.replace(old, new, 1)), 2, True)
    assert any(f"{key}: {text}".startswith(said) for key, text in found)


def test_a_good_mapping_has_no_findings() -> None:
    assert list(mapping_findings(mapping(), 2, True)) == []
    assert list(mapping_findings(mapping(OKX_MAPPING), 2, True)) == []
    empty = FeedMapping([])
    assert [key for key, _ in mapping_findings(empty, 1, True)] == ["messages", "messages"]
