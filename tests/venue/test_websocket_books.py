"""The venue matrix of books and trades: what proves a book, and what a venue says of itself.

40 books with many levels     45 restart announced        50 numbers start over (OKX)
41 gap                        46 maintenance              51 nothing changed (OKX)
42 wrong checksum             47 requests refused         52 early and unknown channels (Bitfinex)
43 wrong number               48 trades                   53 every ping is the venue's own
44 crossed                    49 unwanted: no trades      54 as few requests as may be (OKX)
55 service restarted (Bybit)  56 repeated level (Bybit)   57 topics a request, pings (Bybit)
58 snapshot refused (Binance)   59 USDC (Coinbase)        60 long requests (Binance)
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from tests.venue.cases import CASES
from tests.venue.wire import FEED, Recorder, Wire, run

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.bitfinex import HELD_MESSAGES, BitfinexDialect
from thft.gateway.ws.dialects.okx import REQUEST_BYTES, OkxDialect
from thft.gateway.ws.venues import VENUES
from thft.model.fixed import parse_price
from thft.sim.ws.book import Change

NAMES = ("binance_depth", "bybit_depth", "coinbase", "kraken", "okx_depth", "bitfinex")
BOOKS = pytest.mark.parametrize("name", NAMES)
DEPTH = 10


def _ladder(number: int) -> Change:
    """Returns thirty levels a side, none of which is the other's."""
    random = Random(number)
    sizes = [Decimal(random.randint(1, 10**9)).scaleb(-8) for _ in range(60)]
    prices = [Decimal(11_671 + step).scaleb(-4) for step in range(60)]
    return Change(
        list(zip(prices[:30], sizes[:30], strict=True)),
        list(zip(prices[30:], sizes[30:], strict=True)),
    )


def _sim(wire: Wire) -> Any:
    return wire.venue


@BOOKS
def test_40_books_with_many_levels_are_the_venues(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for number in range(20):
            for symbol in wire.symbols:
                _sim(wire).change(symbol, _ladder(number))
            await wire.settled()
            for symbol, instrument in wire.case.symbols.items():
                bids, asks = _sim(wire).book(symbol).truth(DEPTH)
                book = wire.inbox.books[instrument]
                assert (book.bids()[:DEPTH], book.asks()[:DEPTH]) == (bids, asks)

    assert run(story, name).faults == []


@BOOKS
def test_41_a_gap_drops_the_book_and_asks_for_a_new_one(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.skip = 1
        wire.tick(0, "1.17001", "1.17009")
        wire.tick(0, "1.17002", "1.17010")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, name)
    every = name in ("bitfinex", "coinbase")  # a number of the connection may have been any book's
    fault = "checksum" if name == "kraken" else "gap"
    assert [fault[:2] for fault in inbox.faults] == [(1, fault), (2, fault)][: 1 + every]
    assert [state for state, _ in inbox.states][2:5] == ["READY", "SYNCING", "READY"]
    assert inbox.books[1].top()[0] == parse_price("1.17003")
    assert inbox.reasons("OFFLINE") == []


@pytest.mark.parametrize("name", ("kraken", "okx_depth", "bitfinex"))
def test_42_a_wrong_checksum_touches_its_symbol_alone(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.checksum = 1
        wire.tick(1, "1.17002", "1.17010")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")
        wire.tick(1, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, name)
    symbol = list(CASES[name].symbols)[1]
    assert inbox.faults == [(2, "checksum", f"{symbol}: book differs from venue")]
    assert inbox.books[2].top()[0] == parse_price("1.17003")


@pytest.mark.parametrize("name", ("bybit_depth", "okx_depth", "bitfinex"))
def test_43_a_wrong_number_is_a_gap(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.sequence = 1
        wire.tick(0, "1.17002", "1.17010")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")

    assert {fault for _, fault, _ in run(story, name).faults} == {"gap"}


@BOOKS
def test_44_a_crossed_book_is_no_book(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.tick(0, "1.17500", "1.17000")
        await wire.until(lambda: bool(wire.inbox.faults), "the fault")
        wire.tick(0, "1.17000", "1.17008")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) >= 2, "READY again")
        await wire.settled()

    inbox = run(story, name)
    assert {fault[:2] for fault in inbox.faults} == {(1, "crossed_book")}
    assert inbox.books[1].top()[0] == parse_price("1.17000")


@pytest.mark.parametrize("name", ("okx", "bitfinex"))
def test_45_an_announced_restart_is_left_before_it_comes(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        _sim(wire).announce_restart()
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        await wire.ready(2)

    assert "the venue announced" in run(story, name).reasons("OFFLINE")[0]


def test_46_in_maintenance_bitfinex_has_no_books_and_afterwards_new_ones() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        _sim(wire).maintenance(True)
        await wire.until(lambda: wire.inbox.state == "SYNCING", "SYNCING")
        await wire.settled()
        before = wire.inbox.batches
        wire.tick(0, "1.17002", "1.17010")
        await wire.settled()
        assert wire.inbox.batches == before
        _sim(wire).maintenance(False)
        await wire.until(lambda: wire.inbox.state == "READY", "READY again")
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, "bitfinex")
    assert inbox.faults == [
        (0, "venue_status", "the venue is in maintenance: 20060 Entering in Maintenance")
    ]
    assert inbox.books[1].top()[0] == parse_price("1.17003")
    assert inbox.reasons("OFFLINE") == []


@pytest.mark.parametrize(
    "name", ("binance", "bybit", "coinbase", "kraken", "okx", "bitfinex", "generic")
)
def test_47_who_asks_too_often_backs_off_and_asks_again(name: str) -> None:
    async def story(wire: Wire) -> None:
        wire.venue.faults.refusals = 1
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        await wire.ready()

    inbox = run(story, name)
    assert [fault[:2] for fault in inbox.faults] == [(0, "rate_limited")]
    assert "the venue refused too many requests" in inbox.reasons("OFFLINE")[0]


@BOOKS
def test_48_trades_come_as_they_were_made(name: str) -> None:
    at_ns = 1_767_000_000_123_000_000

    async def story(wire: Wire) -> None:
        await wire.ready()
        symbol = wire.symbols[1]
        _sim(wire).trade(symbol, "1.17001", "0.00000001", "buy", at_ns)
        _sim(wire).trade(symbol, "1.17", "12.5", "sell", at_ns)
        await wire.settled()

    first, second = run(story, name).trades
    said = name != "coinbase"  # which does not say what its side is the side of
    assert first[:5] == (2, 1_170_010_000, 1, 1 * said, at_ns)
    assert second[:5] == (2, 1_170_000_000, 1_250_000_000, -1 * said, at_ns)
    assert second.venue_trade_id > 0 < first.venue_trade_id != second.venue_trade_id
    if name != "bybit_depth":  # whose ids are texts
        assert second.venue_trade_id == first.venue_trade_id + 1


@BOOKS
def test_49_nobody_is_asked_for_trades_that_are_not_wanted(name: str) -> None:
    case = CASES[name]
    record = case.venue_record()
    frames = record.dialect(Recorder(), Wanted(FEED, case.symbols, "depth")).begin()
    assert frames and not any(b"trade" in frame for frame in frames)


def test_50_numbers_that_start_over_after_maintenance_are_followed() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        _sim(wire).reset_numbers(wire.symbols[0])
        for number in range(5):
            wire.tick(0, f"1.1700{number}", "1.17010")
        await wire.settled()

    inbox = run(story, "okx_depth")
    assert inbox.faults == []
    assert len(inbox.reasons("READY")) == 1
    assert inbox.books[1].top()[0] == parse_price("1.17004")


def test_51_a_message_that_changes_nothing_is_a_sign_of_life_only() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        await wire.settled()
        before = wire.inbox.batches
        _sim(wire).keep_alive(wire.symbols[0])
        await wire.settled()
        assert wire.inbox.batches == before

    assert run(story, "okx_depth").faults == []


def test_52_what_comes_before_its_acknowledgement_is_held_within_a_bound() -> None:
    inbox = Recorder()
    dialect = BitfinexDialect(inbox, Wanted(FEED, {"tEURUSD": 1}))
    dialect.begin()
    dialect.received(b'[77,"hb",1,1767000000000]', 1)
    dialect.received(b"[77,[[1.17,1,5],[1.18,2,-4]],2,1767000000000]", 1)
    assert inbox.batches == 0 and inbox.faults == []
    dialect.received(b'{"event":"subscribed","channel":"book","chanId":77,"symbol":"tEURUSD"}', 1)
    assert inbox.books[1].top() == (1_170_000_000, 500_000_000, 1_180_000_000, 400_000_000)
    for number in range(3, 3 + HELD_MESSAGES + 1):
        dialect.received(b"[78,[1.17,1,5],%d,1767000000000]" % number, 1)
    assert [fault for _, fault, _ in inbox.faults] == ["unknown_message"]


@pytest.mark.parametrize(
    ("name", "ping", "pong"),
    (
        ("okx", b"ping", b"pong"),
        ("bitfinex", b'{"event":"ping"}', b'{"event":"pong","ts":1}'),
        ("kraken", b'{"method":"ping"}', b'{"method":"pong"}'),
    ),
)
def test_53_the_ping_is_the_venues_own(name: str, ping: bytes, pong: bytes) -> None:
    inbox = Recorder()
    dialect = VENUES[name].dialect(inbox, Wanted(FEED, {"A": 1}))
    assert dialect.probe() == ping
    assert dialect.received(pong, 1) == [] and inbox.faults == []


def test_54_okx_is_asked_for_a_thousand_symbols_in_few_requests() -> None:
    symbols = {f"SYMBOL{number:04d}-USDT": number + 1 for number in range(2_000)}
    frames = OkxDialect(Recorder(), Wanted(FEED, symbols, trades=True)).begin()
    assert len(frames) == 4 and all(len(frame) < 64 << 10 for frame in frames)
    assert all(len(frame) < REQUEST_BYTES + 100 for frame in frames)
    asked = [
        (arg["channel"], arg["instId"]) for frame in frames for arg in json.loads(frame)["args"]
    ]
    assert len(asked) == len(set(asked)) == 4_000
    window = VENUES["okx"].windows()[0]
    for _ in range(480):
        assert window.wait_ns(0) == 0
        window.take(0)
    assert window.wait_ns(0) > 3_599 * 10**9
    assert not window.signs


def test_55_a_restarted_service_replaces_every_book() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for number in range(3):
            _sim(wire).restart(wire.symbols[0])  # with the number of the restart before
            _sim(wire).book(wire.symbols[0]).only(f"1.1700{number}", "1", "1.17011", "1")
        _sim(wire).restart(wire.symbols[0])
        await wire.settled()
        bids, asks = _sim(wire).book(wire.symbols[0]).truth(DEPTH)
        assert (wire.inbox.books[1].bids(), wire.inbox.books[1].asks()) == (bids, asks)
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, "bybit_depth")
    assert inbox.faults == [] and inbox.books[1].top()[0] == parse_price("1.17003")


def test_56_a_level_sent_again_is_no_quote() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        for _ in range(5):
            _sim(wire).keep_alive(wire.symbols[0])
        await wire.settled()

    inbox = run(story, "bybit")
    assert inbox.quotes == [] and inbox.faults == []


def test_57_ten_topics_a_request_and_a_ping_every_twenty_seconds() -> None:
    symbols = {f"S{number}USDT": number for number in range(1, 26)}
    dialect = VENUES["bybit"].dialect(Recorder(), Wanted(FEED, symbols, "depth", trades=True))
    requests = [json.loads(frame) for frame in dialect.begin()]
    topics = [topic for request in requests for topic in request["args"]]
    assert max(len(request["args"]) for request in requests) == 10 and len(requests) == 5
    assert len(set(topics)) == len(topics) == 50
    assert dialect.ping_every_s == 20.0

    async def story(wire: Wire) -> None:
        await wire.ready()
        before = wire.venue.counts.messages_in
        for number in range(10_000):
            wire.tick(0, f"1.17{number % 100:03d}", "1.18")
            if wire.venue.counts.messages_in > before:
                break
            await asyncio.sleep(0.002)
        assert wire.venue.counts.messages_in > before  # though data has come all the time

    run(story, "bybit", probe_s=0.1)


def test_60_binance_is_asked_in_messages_it_answers() -> None:
    symbols = {f"TOKEN{number:04d}USDT": number for number in range(1, 513)}
    record = VENUES["binance"]
    dialect = record.dialect(Recorder(), Wanted(FEED, symbols, "depth", trades=True))
    frames = dialect.begin()
    streams = [stream for frame in frames for stream in json.loads(frame)["params"]]
    assert len(streams) == len(set(streams)) == record.channels == 1_024
    assert max(map(len, frames)) <= 4_088 and len(frames) < 10

    async def story(wire: Wire) -> None:
        await wire.ready()
        connection = wire.feed.connection
        assert connection is not None
        connection.answer(frames[:1])
        await wire.until(lambda: len(wire.venue.counts.subscribes) == 2, "subscription")
        too_long = frames[0][:-1] + b" " * 4_088 + frames[0][-1:]
        connection.answer([too_long, b'{"method":"SUBSCRIBE","id":9}'])
        await wire.until(lambda: bool(wire.inbox.faults), "refusal")
        assert len(wire.venue.counts.subscribes) == 2

    ((_, fault, detail),) = run(story, "binance_depth").faults
    assert fault == "refused" and "Unknown property" in detail


def test_58_a_refused_snapshot_is_fetched_again_later() -> None:
    async def story(wire: Wire) -> None:
        await wire.until(lambda: bool(wire.venue.counts.subscribes), "subscription")
        await wire.ready()
        wire.venue.faults.refusals = 1
        wire.venue.faults.skip = 1
        wire.tick(0, "1.17001", "1.17009")
        loop, number, told = asyncio.get_running_loop(), 0, 0.0
        while len(wire.inbox.reasons("READY")) < 2 and number < 900:
            number += 1
            wire.tick(0, f"1.17{number:03d}", "1.17999")
            await asyncio.sleep(0.01)
            told = told or (loop.time() if len(wire.inbox.faults) == 2 else 0.0)
        assert loop.time() - told > 0.9  # Retry-After is 1

    inbox = run(story, "binance_depth")
    assert [fault for _, fault, _ in inbox.faults] == ["gap", "snapshot"]
    assert "HTTP 429" in inbox.faults[1][2]
    assert [state for state, _ in inbox.states][2:5] == ["READY", "SYNCING", "READY"]


def test_59_products_in_usdc_come_under_the_name_of_those_in_usd() -> None:
    case = CASES["coinbase"]
    both = case._replace(symbols={"EUR-USDC": 1, "EUR-USD": 2, "USDT-USDC": 3})
    dialect = VENUES["coinbase"].dialect(Recorder(), Wanted(FEED, both.symbols, "depth"))
    heartbeats, books = (json.loads(frame) for frame in dialect.begin())
    assert heartbeats == {"type": "subscribe", "channel": "heartbeats"}
    assert books["product_ids"] == ["EUR-USD", "USDT-USDC"]
    recorder = dialect.inbox
    assert isinstance(recorder, Recorder)
    snapshot = (
        '{"channel":"l2_data","sequence_num":0,"events":[{"type":"snapshot","product_id":"EUR-USD",'
        '"updates":[{"side":"bid","price_level":"1.17","new_quantity":"5"}]}]}'
    )
    dialect.received(snapshot.encode(), 1)
    assert recorder.books[1].top() == recorder.books[2].top()
    assert recorder.books[1].top()[0] == parse_price("1.17") and 3 not in recorder.books
