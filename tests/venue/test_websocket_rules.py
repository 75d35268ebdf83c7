"""What Coinbase, Kraken and Bitfinex write of their feeds, rule by rule, against the dialects.

60 trades of before are none now        66 one wrong symbol among good ones
61 heartbeats counted by text too       67 a whole book of five MiB
62 a number that comes again or late    68 limits of the documents
63 a lost snapshot is asked for again   69 states without matching (Kraken)
64 books on one connection (Coinbase)   70 maintenance before and without end (Bitfinex)
65 a refused way out (Bitfinex)         71 broken trades stand alone
72 the price leaves the kept levels     73 a change that cannot be read
                                        74 a broken trade and the book
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from tests.venue.book_campaign import Line
from tests.venue.cases import CASES
from tests.venue.test_websocket_books import NAMES as BOOK_NAMES
from tests.venue.wire import FEED, Recorder, Wire, run

from thft.gateway.ws.dialect import LATE_IN_A_ROW, VenueDialect, Wanted
from thft.gateway.ws.dialects.bitfinex import PAUSE_NS
from thft.gateway.ws.venues import VENUES
from thft.model.fixed import parse_price
from thft.sim.ws.book import Change
from thft.sim.ws.coinbase import BOOKS
from thft.state.feed_fold import BOOK_FAULTS

THREE = pytest.mark.parametrize("name", ("coinbase", "kraken", "bitfinex"))
SNAPSHOTS = {
    "coinbase": [
        b'{"channel":"subscriptions","sequence_num":0,"events":[{"subscriptions":'
        b'{"level2":["EUR-USD"]}}]}',
        b'{"channel":"l2_data","sequence_num":1,"events":[{"type":"snapshot",'
        b'"product_id":"EUR-USD","updates":[{"side":"bid","price_level":"1.17",'
        b'"new_quantity":"5"}]}]}',
    ],
    "bitfinex": [
        b'{"event":"subscribed","channel":"book","chanId":7,"symbol":"tEURUSD"}',
        b"[7,[[1.17,1,5],[1.18,2,-4]],1,1767000000000]",
    ],
}
"""An acknowledgement, and the book."""


def _dialect(name: str, inbox: Recorder, symbol: str = "", trades: bool = True) -> VenueDialect:
    names = [symbol] if symbol else list(CASES[name].symbols)[:1]
    wanted = Wanted(FEED, {one: at for at, one in enumerate(names, 1)}, "depth", trades)
    dialect = VENUES[name].dialect(inbox, wanted)
    dialect.begin()
    return dialect


def _sim(wire: Wire) -> Any:
    return wire.venue


def test_60_trades_of_before_are_none_now() -> None:
    trade = '{"trade_id":"%d","product_id":"EUR-USD","price":"1.1","size":"2","side":"BUY"}'
    inbox = Recorder()
    dialect = _dialect("coinbase", inbox)
    for number, (kind, trades) in enumerate((("snapshot", (3, 2)), ("update", (10, 9, 11)))):
        event = {"type": kind, "trades": [json.loads(trade % one) for one in trades]}
        message = {"channel": "market_trades", "sequence_num": number, "events": [event]}
        dialect.received(json.dumps(message).encode(), 1)
    assert [one.venue_trade_id for one in inbox.trades] == [9, 10, 11]
    assert inbox.faults == []

    kraken = _dialect("kraken", inbox)
    row = '{"symbol":"EUR/USD","side":"buy","price":1.1,"qty":2,"trade_id":5}'
    kraken.received(f'{{"channel":"trade","type":"snapshot","data":[{row}]}}'.encode(), 1)
    bitfinex = _dialect("bitfinex", inbox)
    bitfinex.received(b'{"event":"subscribed","channel":"trades","chanId":9,"symbol":"tEURUSD"}', 1)
    bitfinex.received(b"[9,[[1,1580268444802,11.1998,1.3]],1,1767000000000]", 1)
    assert len(inbox.trades) == 3 and inbox.faults == []


@THREE
def test_60_a_trade_that_comes_again_is_told_once(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.repeat = 1
        _sim(wire).trade(wire.symbols[0], "1.17001", "2", "buy", 1_767_000_000_000_000_000)
        _sim(wire).trade(wire.symbols[1], "1.17002", "3", "sell", 1_767_000_000_000_000_000)
        _sim(wire).trade(wire.symbols[0], "1.17003", "4", "buy", 1_767_000_000_000_000_000)
        await wire.settled()

    inbox = run(story, name)
    assert [one.size for one in inbox.trades] == [2 * 10**8, 3 * 10**8, 4 * 10**8]
    assert [fault for _, fault, _ in inbox.faults] == ["out_of_order"]


@pytest.mark.parametrize("form", ("%d", '"%d"'))
def test_61_heartbeats_are_counted_as_numbers_and_as_texts(form: str) -> None:
    inbox = Recorder()
    dialect = _dialect("coinbase", inbox, "EUR-USD")
    for message in SNAPSHOTS["coinbase"]:
        dialect.received(message, 1)
    for number, beat in enumerate((3049, 3050, 3052), 2):
        event = f'[{{"heartbeat_counter":{form % beat}}}]'
        told = f'{{"channel":"heartbeats","sequence_num":{number},"events":{event}}}'
        dialect.received(told.encode(), 1)
    assert inbox.faults == [(1, "gap", "heartbeat 3052 follows 3050")]


@pytest.mark.parametrize("name", ("coinbase", "bitfinex"))
def test_62_a_number_that_comes_again_or_late_is_left_out(name: str) -> None:
    inbox = Recorder()
    dialect = _dialect(name, inbox)
    said = list(SNAPSHOTS[name])
    if name == "coinbase":
        trade = '{"trade_id":"9","product_id":"EUR-USD","price":"1.1","size":"2","side":"BUY"}'
        events = f'[{{"type":"update","trades":[{trade}]}}]'
        said.append(f'{{"channel":"market_trades","sequence_num":2,"events":{events}}}'.encode())
    else:
        said.append(b'{"event":"subscribed","channel":"trades","chanId":9,"symbol":"tEURUSD"}')
        said.append(b'[9,"te",[5,1767000000000,1.5,1.17],2,1767000000000]')
    for message in said:
        dialect.received(message, 1)
    assert dialect.received(said[-1], 1) == []
    assert len(inbox.trades) == 1 and [fault for _, fault, _ in inbox.faults] == ["out_of_order"]
    for _ in range(LATE_IN_A_ROW - 2):
        assert dialect.received(said[-1], 1) == [] and dialect.leave == ""
    dialect.received(said[-1], 1)
    assert "counts its messages anew" in dialect.leave


def test_63_a_lost_snapshot_is_asked_for_again() -> None:
    inbox = Recorder()
    coinbase = _dialect("coinbase", inbox, "EUR-USD")
    coinbase.received(SNAPSHOTS["coinbase"][0], 1)
    beat = b'{"channel":"heartbeats","sequence_num":2,"events":[{"heartbeat_counter":1}]}'
    asked = [json.loads(frame)["type"] for frame in coinbase.received(beat, 1)]
    assert asked == ["unsubscribe", "subscribe"]

    bitfinex = _dialect("bitfinex", inbox)
    for message in (b'[3,"hb",1,1767000000000]', SNAPSHOTS["bitfinex"][0]):
        bitfinex.received(message, 1)
    (frame,) = bitfinex.received(b'[7,"hb",3,1767000000000]', 1)
    assert json.loads(frame) == {"event": "unsubscribe", "chanId": 7}
    assert inbox.faults[-1] == (0, "gap", "1 messages before 3 are missing")


def test_63_what_was_held_before_a_gap_is_no_book() -> None:
    inbox = Recorder()
    dialect = _dialect("bitfinex", inbox)
    dialect.received(SNAPSHOTS["bitfinex"][1], 1)  # before its acknowledgement
    dialect.received(b'[3,"hb",3,1767000000000]', 1)
    (frame,) = dialect.received(SNAPSHOTS["bitfinex"][0], 1)
    assert json.loads(frame) == {"event": "unsubscribe", "chanId": 7}
    assert inbox.batches == 0
    (frame,) = dialect.received(b'{"event":"unsubscribed","status":"OK","chanId":7}', 1)
    assert json.loads(frame)["event"] == "subscribe"
    for message in (SNAPSHOTS["bitfinex"][0], b"[7,[[1.17,1,5]],4,1767000000000]"):  # 7 once more
        assert dialect.received(message, 1) == []
    assert inbox.batches == 1 and ("book", "tEURUSD") not in dialect.waiting


def test_64_books_beyond_a_connection_are_refused_and_the_others_live() -> None:
    inbox = Recorder()
    dialect = _dialect("coinbase", inbox)
    words = b'{"type":"error","message":"too many L2 streams requested in a single session"}'
    frames = dialect.received(words, 1)
    assert [json.loads(frame)["product_ids"] for frame in frames] == [["EUR-USD"]] * 2
    assert dialect.received(words, 1) == []
    assert {fault for _, fault, _ in inbox.faults} == {"refused"} and dialect.leave == ""
    assert VENUES["coinbase"].symbols == BOOKS


def test_65_a_channel_that_cannot_be_left_is_asked_for_anew() -> None:
    inbox = Recorder()
    dialect = _dialect("bitfinex", inbox)
    for message in SNAPSHOTS["bitfinex"]:
        dialect.received(message, 1)
    dialect.received(b'[7,"cs",1,2,1767000000000]', 1)  # a wrong one
    error = b'{"event":"error","msg":"unsubscribe: invalid","code":10400,"chanId":7}'
    (frame,) = dialect.received(error, 1)
    assert json.loads(frame)["event"] == "subscribe" and json.loads(frame)["symbol"] == "tEURUSD"
    assert dialect.received(error, 1) == []


@THREE
def test_66_one_wrong_symbol_does_not_silence_the_others(name: str) -> None:
    async def story(wire: Wire) -> None:
        wire.venue.absent = {wire.symbols[1]}
        good = wire.symbols[0]
        await wire.until(
            lambda: any(good in one for one in wire.venue.counts.subscribes), "the good one"
        )
        wire.tick(0, "1.17003", "1.17011")
        await wire.until(lambda: 1 in wire.inbox.books, "its book")
        await wire.until(lambda: wire.inbox.state == "DEGRADED", "DEGRADED")
        wire.tick(0, "1.17004", "1.17012")
        await wire.settled()

    inbox = run(story, name, mute_s=0.3, stale_s=30.0)
    wrong = list(CASES[name].symbols)[1]
    assert inbox.books[1].top()[0] == parse_price("1.17004")
    assert wrong in inbox.reasons("DEGRADED")[0]
    assert {fault for _, fault, _ in inbox.faults} == {"refused"}
    assert any(wrong in detail for _, _, detail in inbox.faults)
    assert inbox.reasons("OFFLINE") == []


def test_67_a_whole_book_of_five_mib_is_taken() -> None:
    """Coinbase sends all levels there are in one frame."""
    count = 22_000

    async def story(wire: Wire) -> None:
        bids = [(Decimal(100_000 - at).scaleb(-2), Decimal("0.12345678")) for at in range(count)]
        asks = [(Decimal(100_001 + at).scaleb(-2), Decimal("0.12345678")) for at in range(count)]
        book = _sim(wire).book(wire.symbols[0])
        book.apply(Change(bids, asks))
        _sim(wire).snapshot_levels = count
        wire.tick(1)
        await wire.until(lambda: wire.inbox.state == "READY", "READY")

    inbox = run(story, "coinbase", max_frame_bytes=VENUES["coinbase"].frame_bytes, stale_s=30.0)
    assert inbox.faults == [] and inbox.books[1].top()[0] == parse_price("1000")


def test_68_limits_of_the_documents() -> None:
    connects = {name: tuple(VENUES[name].connect) for name in ("coinbase", "kraken", "bitfinex")}
    assert connects == {"coinbase": (8, 1), "kraken": (150, 600), "bitfinex": (20, 60)}
    assert VENUES["coinbase"].of_address[0] == (8, 1)
    assert VENUES["kraken"].symbol_finding("XDG/USD") and VENUES["kraken"].symbol_finding("XBT/USD")
    assert not VENUES["kraken"].symbol_finding("DOGE/USD")
    assert VENUES["coinbase"].symbol_finding("btc-usd")
    assert VENUES["coinbase"].symbol_finding("BIT-28JUL23-CDE")
    assert not VENUES["coinbase"].symbol_finding("BTC-USDC")
    assert not VENUES["bitfinex"].symbol_finding("tTESTBTC:TESTUSD")
    assert VENUES["bitfinex"].symbol_finding("tTEST:testusd")


@pytest.mark.parametrize("system", ("maintenance", "cancel_only", "post_only"))
def test_69_where_nothing_is_matched_there_is_no_book(system: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        _sim(wire).set_system(system)
        await wire.until(lambda: wire.inbox.state == "SYNCING", "SYNCING")
        before = wire.inbox.batches
        wire.tick(0, "1.17002", "1.17010")
        await wire.settled()
        assert wire.inbox.batches == before
        _sim(wire).set_system("online")
        await wire.until(lambda: wire.inbox.state == "READY", "READY again")
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, "kraken")
    assert inbox.faults == [(0, "venue_status", f"the venue is in '{system}'")]
    assert inbox.books[1].top()[0] == parse_price("1.17003")
    assert inbox.reasons("OFFLINE") == []


def test_69_limit_orders_are_matched() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        _sim(wire).set_system("limit_only")
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, "kraken")
    assert inbox.state == "DISABLED" and inbox.reasons("SYNCING") == ["connected, subscribing"]
    assert inbox.books[1].top()[0] == parse_price("1.17003")


def test_70_a_venue_in_maintenance_is_left_and_tried_again() -> None:
    async def story(wire: Wire) -> None:
        _sim(wire).maintenance(True)  # before the connection is there
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        _sim(wire).maintenance(False)
        await wire.ready()

    inbox = run(story, "bitfinex")
    assert "the venue is in maintenance" in inbox.reasons("OFFLINE")[0]


def test_70_a_maintenance_without_end_is_left() -> None:
    dialect = _dialect("bitfinex", Recorder())
    for message in SNAPSHOTS["bitfinex"]:
        dialect.received(message, 1)
    dialect.received(b'{"event":"info","code":20060,"msg":"Entering in Maintenance"}', 1)
    dialect.received(b'{"event":"pong","ts":1}', PAUSE_NS)
    assert dialect.leave == ""
    dialect.received(b'{"event":"pong","ts":1}', PAUSE_NS + 2)
    assert "did not say that its maintenance is over" in dialect.leave


@pytest.mark.parametrize(
    "words",
    (
        b'{"Error":"Exceeded msg rate"}',
        b'{"error":"Exceeded msg rate","method":"subscribe","success":false}',
    ),
)
def test_68_a_rate_exceeded_is_heard_in_both_forms(words: bytes) -> None:
    inbox = Recorder()
    dialect = _dialect("kraken", inbox)
    dialect.received(words, 1)
    assert inbox.faults == [(0, "rate_limited", "Exceeded msg rate")]
    assert "too many requests" in dialect.leave


def test_71_a_broken_trade_does_not_take_the_others_with_it() -> None:
    row = '{"symbol":"EUR/USD","side":"%s","price":1.1,"qty":%s,"timestamp":"%s","trade_id":%d}'
    now = "2026-01-01T00:00:00.000001Z"
    told = ("buy", "1", "soon"), ("up", "1", now), ("sell", "-1", now), ("sell", "0.5", now)
    data = ",".join(row % (*one, number) for number, one in enumerate(told))
    inbox = Recorder()
    dialect = _dialect("kraken", inbox)
    dialect.received(f'{{"channel":"trade","type":"update","data":[{data}]}}'.encode(), 1)
    assert [one.size for one in inbox.trades] == [50_000_000]
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"] * 3
    bitfinex = _dialect("bitfinex", inbox)
    for message in (
        b'{"event":"subscribed","channel":"trades","chanId":9,"symbol":"tEURUSD"}',
        b'[9,"te",[5,99999999999999999,1.5,1.17],1,1767000000000]',
        b'[9,"te",[6,1767000000000,-1.5e-7,1.17],2,1767000000000]',
    ):
        bitfinex.received(message, 1)
    assert inbox.trades[-1][:4] == (1, 1_170_000_000, 15, -1)
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"] * 4


@pytest.mark.parametrize("up", (True, False))
def test_72_a_price_that_leaves_the_kept_levels_never_shows_a_wrong_best(up: bool) -> None:
    """Of a side 5,000 levels are kept, and the venue says nothing of those beyond them again."""
    count, step = 6_000, 200
    inbox = Recorder()
    dialect = _dialect("coinbase", inbox, "EUR-USD", trades=False)
    dialect.received(SNAPSHOTS["coinbase"][0], 1)

    def levels(side: str, ticks: range, size: str) -> list[dict[str, str]]:
        prices = (f"{tick / 100:.2f}" for tick in ticks)
        return [{"side": side, "price_level": one, "new_quantity": size} for one in prices]

    def say(number: int, kind: str, updates: list[dict[str, str]]) -> list[bytes]:
        event = {"type": kind, "product_id": "EUR-USD", "updates": updates}
        told = {"channel": "l2_data", "sequence_num": number, "events": [event]}
        return dialect.received(json.dumps(told).encode(), 1)

    whole = levels("bid", range(10_000 - count, 10_000), "1")
    whole += levels("offer", range(10_000, 10_000 + count), "1")
    assert say(1, "snapshot", whole) == []
    number, asked = 2, list[bytes]()
    for gone in range(0, count - step, step):
        side, first = ("offer", 10_000 + gone) if up else ("bid", 10_000 - gone - step)
        asked += say(number, "update", levels(side, range(first, first + step), "0"))
        bid, _, ask, _ = inbox.books[1].top()
        best = parse_price(f"{(first + step) / 100:.2f}" if up else f"{(first - 1) / 100:.2f}")
        assert (ask if up else bid) == best or dialect.waiting
        beat = {"channel": "heartbeats", "sequence_num": number + 1, "events": [{}]}
        asked += dialect.received(json.dumps(beat).encode(), 1)
        number += 2
    assert [json.loads(frame)["type"] for frame in asked] == ["unsubscribe", "subscribe"]
    assert inbox.faults == [(1, "gap", "EUR-USD: the price has left the levels that are kept")]


@pytest.mark.parametrize(
    "broken",
    (
        b'[7,[1.17,"x",5],2,1767000000000]',
        b"[7,[1.17,1],2,1767000000000]",
        b"[7,[1.17,1,-5e99],2,1767000000000]",
        b'[7,[1.17,1,6],2,"noon"]',
        b"[7,[1.17,1,6],2,99999999999999]",
    ),
)
def test_73_a_change_that_cannot_be_read_costs_its_book(broken: bytes) -> None:
    inbox = Recorder()
    dialect = _dialect("bitfinex", inbox)
    for message in SNAPSHOTS["bitfinex"]:
        dialect.received(message, 1)
    answers = dialect.received(broken, 1)
    answers += dialect.received(b'[7,"hb",3,1767000000000]', 1)
    assert [json.loads(frame)["event"] for frame in answers] == ["unsubscribe"]
    assert inbox.faults[0][1] == "malformed" and not dialect.synced


@pytest.mark.parametrize("broken", (b'[{"price":1.17}]', b'[{"price":{},"qty":5}]', b"[5]"))
@pytest.mark.parametrize("kind", ("snapshot", "update"))
def test_73_levels_that_cannot_be_read_are_no_book(kind: str, broken: bytes) -> None:
    inbox = Recorder()
    dialect = _dialect("kraken", inbox)
    whole = b'{"channel":"book","type":"snapshot","data":[{"symbol":"EUR/USD","bids":%s,"asks":[],'
    whole += b'"checksum":%d}]}'
    dialect.received(whole % (b'[{"price":1.17,"qty":5}]', crc32(b"1175")), 1)
    assert inbox.faults == [] and inbox.batches == 1
    answers = dialect.received(whole.replace(b"snapshot", kind.encode()) % (broken, 1), 1)
    assert [json.loads(frame)["method"] for frame in answers] == ["unsubscribe", "subscribe"]
    assert [fault[:2] for fault in inbox.faults] == [(1, "malformed")]
    assert ("book", "EUR/USD") in dialect.waiting


@pytest.mark.parametrize("name", BOOK_NAMES)
def test_74_a_broken_trade_says_nothing_against_the_book(name: str) -> None:
    """What names an instrument among the faults of books takes its book away until a new one."""

    async def story(wire: Wire) -> None:
        await wire.ready()
        at_ns = 1_767_000_000_000_000_000
        _sim(wire).trade(wire.symbols[0], "1.17000000001", "1", "buy", at_ns)
        _sim(wire).trade(wire.symbols[0], "1.17", "-1", "buy", at_ns)
        await wire.settled()

    inbox = run(story, name)
    symbol = next(iter(CASES[name].symbols))
    assert [fault for fault in inbox.faults if fault[0] and fault[1] in BOOK_FAULTS] == []
    told = [detail for _, fault, detail in inbox.faults if fault == "malformed"]
    assert len(told) == (1 if name == "bitfinex" else 2)  # whose sign is the side
    assert all(symbol in detail for detail in told)


def test_80_bitfinex_says_numbers_and_times_to_who_asked_for_them() -> None:
    async def snapshot(flags: int) -> str:
        venue = CASES["bitfinex"].venue()
        venue.tick("tEURUSD", "1.1", "5", "1.2", "4", 0)
        line = Line(venue)
        venue.received(line, f'{{"event":"conf","flags":{flags}}}'.encode())
        asked = {"event": "subscribe", "channel": "book", "symbol": "tEURUSD", "len": "25"}
        venue.received(line, json.dumps(asked | {"prec": "P0", "freq": "F0"}).encode())
        return next(one for one in map(bytes.decode, line.queue) if one.startswith("["))

    ends = {0: "]]]", 65_536: "]],1]", 65_536 | 32_768: "]],1,1767000000123,null]"}
    for flags, end in ends.items():
        assert asyncio.run(snapshot(flags)).endswith(end)


def test_81_a_long_name_that_nobody_wants_is_told_once_too() -> None:
    inbox = Recorder()
    dialect = _dialect("kraken", inbox)
    for _ in range(3):
        assert dialect.instrument("X" * 60) == 0
    assert [(fault, detail) for _, fault, detail in inbox.faults] == [("unknown_symbol", "X" * 40)]
