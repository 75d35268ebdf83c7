"""The venue matrix of the WebSocket gateway, on real sockets against the simulators.

 1 quotes exact                    9 mute: probed, STALE, again   17 connect budget
 2 books exact                    10 half-open: no pong           18 64 messages a turn
 3 READY needs every symbol       11 malformed messages           19 lag keeps the order
 4 repeated update                12 oversized frame              20 messages in fragments
 5 gap in a book, mended          13 unknown message and symbol   21 stop
 6 wrong checksum                 14 binary frame                 22 the venue pings
 7 drop, subscriptions restored   15 close with a reason          23 subscription refused
 8 nobody listens                 16 announced shutdown           24 maintenance announced
25 crossed book from depth        26 crossed quote is passed on   27 descriptors given back
28 (in test_websocket_hostile)       29 mute subscription         30 limits of our messages
31 round trips measured             32 no prices: STALE
"""

from __future__ import annotations

import asyncio
import os
from zlib import crc32

import pytest
from picows import WSMsgType
from tests.venue.cases import CASES
from tests.venue.wire import Quote, Wire, run

from thft._native import USE_NATIVE
from thft.base.backoff import ConnectBudget
from thft.gateway.ws.connection import MESSAGES_PER_TURN, RECORDS_PER_BATCH
from thft.model.fixed import parse_price, parse_size

EVERY = pytest.mark.parametrize("name", CASES)


def test_01_quotes_come_exactly_as_they_were_sent() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        wire.venue.tick("EURUSD", "1.17246", "1000000.00000001", "1.1725", "0.5", 0)
        await wire.until(lambda: bool(wire.inbox.quotes), "quote")

    (quote,) = run(story, "binance").quotes
    assert quote == Quote(
        1, 1_172_460_000, 100_000_000_000_001, 1_172_500_000, 50_000_000, quote.venue_seq
    )


def test_02_books_are_the_venues_books() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for number in range(200):
            wire.tick(number % 2, f"1.17{number:03d}", f"1.18{number:03d}")
        await wire.settled()

    inbox = run(story, "kraken")
    assert inbox.faults == []
    assert inbox.books[1].top() == (
        parse_price("1.17198"),
        parse_size("1000000"),
        parse_price("1.18198"),
        parse_size("2000000"),
    )
    assert inbox.books[2].top()[0] == parse_price("1.17199")
    assert inbox.batches >= 200


@EVERY
def test_03_ready_needs_data_of_every_symbol(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.until(lambda: bool(wire.venue.counts.subscribes), "subscription")
        wire.tick(0)
        await wire.settled()
        states = [state for state, _ in wire.inbox.states]
        if name == "binance":
            assert states == ["CONNECTING", "SYNCING"]
        wire.tick(1)
        await wire.until(lambda: wire.inbox.state == "READY", "READY")
        assert wire.venue.counts.subscribes == [wire.symbols]

    states = [state for state, _ in run(story, name).states]
    assert states == ["CONNECTING", "SYNCING", "READY", "DISABLED"]


def test_04_a_repeated_update_counts_once() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        wire.venue.faults.repeat = 1
        wire.tick(0)
        await wire.settled()

    inbox = run(story, "binance")
    assert len(inbox.quotes) == 1
    assert [fault[:2] for fault in inbox.faults] == [(1, "out_of_order")]


def test_05_a_gap_drops_the_book_and_asks_for_a_new_one() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.skip = 1
        wire.tick(0, "1.17001", "1.17009")
        wire.tick(0, "1.17002", "1.17010")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")
        wire.tick(0, "1.17003", "1.17011")
        await wire.settled()

    inbox = run(story, "kraken")
    assert [fault[:2] for fault in inbox.faults] == [(1, "checksum")]
    assert [state for state, _ in inbox.states][2:5] == ["READY", "SYNCING", "READY"]
    assert inbox.books[1].top()[0] == parse_price("1.17003")


def test_06_a_wrong_checksum_touches_only_its_symbol() -> None:
    wrong = (
        b'{"channel":"book","type":"update","data":[{"symbol":"GBP/USD","bids":[{"price":1.17001,'
        b'"qty":5}],"asks":[],"checksum":12345,"timestamp":"2026-01-01T00:00:00.000000Z"}]}'
    )

    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(wrong)
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")

    inbox = run(story, "kraken")
    assert inbox.faults == [(2, "checksum", "GBP/USD: book differs from venue")]


@EVERY
def test_07_after_a_drop_everything_is_subscribed_again(name: str) -> None:
    async def story(wire: Wire) -> None:
        for times in range(1, 4):
            await wire.ready(times)
            wire.venue.drop()
            await wire.until(lambda: wire.inbox.state != "READY", "the loss to be noticed")
        await wire.ready(4)
        assert wire.venue.counts.subscribes[-4:] == [wire.symbols] * 4

    reasons = run(story, name).reasons("OFFLINE")
    assert len(reasons) == 3
    assert all("next try in 0." in reason for reason in reasons)


def test_08_nobody_listens() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        await wire.venue.close()
        await wire.until(lambda: len(wire.inbox.reasons("OFFLINE")) >= 3, "three attempts")

    reasons = run(story, "binance").reasons("OFFLINE")
    assert "connect failed" in reasons[-1]


@EVERY
def test_09_a_mute_venue_is_probed_then_left(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.mute = True
        if not CASES[name].answers_probes:
            wire.venue.faults.deaf = True
        await wire.until(lambda: bool(wire.inbox.reasons("STALE")), "STALE")
        wire.venue.faults.mute = wire.venue.faults.deaf = False
        await wire.ready(2)

    inbox = run(story, name)
    states = [state for state, _ in inbox.states]
    assert states[2:5] == ["READY", "STALE", "OFFLINE"]
    assert "although probed" in inbox.reasons("STALE")[0]


@pytest.mark.alone
@EVERY
def test_10_a_quiet_venue_that_answers_probes_stays(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        heard = wire.feed.connection
        assert heard is not None
        first = heard.last_heard
        await wire.until(lambda: heard.last_heard > first + 2 * wire.feed.liveness.stale_s, "pongs")
        wire.venue.faults.deaf = True
        await wire.until(lambda: bool(wire.inbox.reasons("STALE")), "STALE once it is deaf")

    states = [state for state, _ in run(story, name).states]
    assert states.index("STALE") == 3


@EVERY
def test_11_malformed_messages_are_counted_and_the_session_lives(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for message in CASES[name].malformed:
            wire.venue.send_raw(message)
        wire.tick(0, "1.17005", "1.17013")
        await wire.settled()
        assert wire.inbox.state == "READY"

    inbox = run(story, name)
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"] * len(CASES[name].malformed)
    assert all(detail for _, _, detail in inbox.faults)
    assert inbox.reasons("OFFLINE") == []


@EVERY
def test_12_an_oversized_frame_ends_the_connection_not_the_feed(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(b'{"channel":"' + b"x" * (128 << 10) + b'"}')
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        await wire.ready(2)

    inbox = run(story, name)
    assert len(inbox.reasons("OFFLINE")) == 1
    assert inbox.faults == [(0, "oversize", "a frame of 131086 bytes")]
    assert "larger than 65536 bytes" in inbox.reasons("OFFLINE")[0]


@EVERY
def test_13_unknown_messages_and_symbols_are_counted(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(b'{"channel":"weather","sun":true}')
        wire.venue.send_raw(CASES[name].unknown_symbol)
        await wire.settled()

    faults = run(story, name).faults
    assert [fault for _, fault, _ in faults] == ["unknown_message", "unknown_symbol"]


def test_14_a_binary_frame_is_no_message() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(b"\x01\x02", WSMsgType.BINARY)
        await wire.settled()

    assert run(story, "binance").faults == [(0, "unknown_message", "binary frame")]


def test_15_the_venues_words_are_the_reason() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw((1008).to_bytes(2, "big") + b"too many requests", WSMsgType.CLOSE)
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")

    assert (
        "closed by the venue: 1008, too many requests"
        in run(story, "binance").reasons("OFFLINE")[0]
    )


def test_16_an_announced_shutdown_is_left_before_it_comes() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(b'{"e":"serverShutdown","E":1}')
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        await wire.ready(2)

    assert "announced its shutdown" in run(story, "binance").reasons("OFFLINE")[0]


def test_17_the_connect_budget_holds_the_next_attempt_back() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.drop()
        await wire.ready(2)
        wire.venue.drop()
        await wire.until(
            lambda: any("connect budget" in reason for reason in wire.inbox.reasons("OFFLINE")),
            "the budget to be used",
        )
        assert wire.venue.counts.connections == 2

    run(story, "binance", budget=ConnectBudget(2, 3_600_000_000_000))


@pytest.mark.parametrize("acts", [False, True])
def test_18_a_turn_is_bounded_and_shorter_when_something_has_to_leave(acts: bool) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.turns.clear()
        wire.inbox.acts = acts
        for number in range(2_000):
            wire.tick(0, f"1.17{number:04d}", f"1.18{number:04d}")
        await wire.settled()

    turns = run(story, "binance").turns
    assert sum(turns) == 2_000
    most = RECORDS_PER_BATCH + (0 if acts and USE_NATIVE else MESSAGES_PER_TURN)
    assert 1 < max(turns) <= most


def test_19_lag_keeps_the_order() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        wire.venue.faults.lag_ms = 20
        for number in range(50):
            wire.tick(0, f"1.17{number:03d}", "1.18")
        await wire.until(lambda: len(wire.inbox.quotes) == 50, "late quotes")

    seqs = [quote.venue_seq for quote in run(story, "binance").quotes]
    assert seqs == sorted(seqs)


def test_20_a_message_in_fragments_is_one_message() -> None:
    message = b'{"u":9999999999,"s":"EURUSD","b":"1.2","B":"3","a":"1.3","A":"4"}'

    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        (session,) = wire.venue.sessions
        assert session.transport is not None
        session.transport.send(WSMsgType.TEXT, message[:20], fin=False)
        session.transport.send(WSMsgType.CONTINUATION, message[20:30], fin=False)
        session.transport.send(WSMsgType.CONTINUATION, message[30:])
        await wire.settled()
        assert wire.inbox.quotes[0].bid == parse_price("1.2")
        for kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION, WSMsgType.CONTINUATION):
            session.transport.send(kind, b"x" * 40_000, fin=False)
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")

    inbox = run(story, "binance")
    assert "in fragments" in inbox.reasons("OFFLINE")[0]
    assert inbox.faults == []


def test_21_stop_ends_waiting_and_connection_at_once() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()

    assert run(story, "binance").states[-1] == ("DISABLED", "stopped")


def test_22_a_ping_is_answered_with_its_payload() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        (session,) = wire.venue.sessions
        await asyncio.wait_for(session.settled(42), 5)  # ends with the pong to its very payload

    assert run(story, "binance").market_times == [42]


@EVERY
def test_23_a_refused_subscription_is_named(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.until(lambda: bool(wire.venue.sessions), "connection")
        wire.venue.send_raw(CASES[name].refused)
        await wire.settled()

    ((instrument, fault, detail),) = run(story, name).faults
    assert (instrument, fault) == (0, "refused")
    assert CASES[name].refusal in detail


def test_24_maintenance_is_shown() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(
            b'{"channel":"status","type":"update","data":[{"system":"maintenance"}]}'
        )
        await wire.settled()

    assert run(story, "kraken").faults == [(0, "venue_status", "the venue is in 'maintenance'")]


def test_25_a_book_that_is_crossed_after_a_whole_message_is_dropped() -> None:
    checksum = crc32(b"11700051175005")
    crossed = (
        '{"channel":"book","type":"snapshot","data":[{"symbol":"EUR/USD","bids":[{"price":1.17500,'
        f'"qty":5}}],"asks":[{{"price":1.17000,"qty":5}}],"checksum":{checksum}}}]}}'
    ).encode()

    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(crossed)
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY again")

    assert run(story, "kraken").faults == [(1, "crossed_book", "EUR/USD: bid at or above ask")]


def test_26_a_crossed_quote_is_passed_on_as_it_is() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.quotes.clear()
        wire.tick(0, "1.17010", "1.17000")
        await wire.settled()

    inbox = run(story, "binance")
    (quote,) = inbox.quotes
    assert quote.bid > quote.ask and inbox.faults == []


def test_27_reconnects_leave_no_descriptor_behind() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        before = len(os.listdir("/proc/self/fd"))
        for times in range(2, 12):
            wire.venue.drop()
            await wire.ready(times)
        assert len(os.listdir("/proc/self/fd")) <= before

    run(story, "binance", budget=ConnectBudget(100, 1_000_000_000))


@EVERY
def test_29_subscriptions_without_an_answer_are_named_and_made_anew(name: str) -> None:
    async def story(wire: Wire) -> None:
        wire.venue.faults.mute = True  # before the connection is there
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        wire.venue.faults.mute = False
        await wire.ready()

    inbox = run(story, name, mute_s=0.1, stale_s=30.0)
    reason = inbox.reasons("DEGRADED")[0]
    assert reason.startswith("subscribed, but mute: ")
    assert any(symbol in reason for symbol in CASES[name].symbols)
    assert "no subscription was answered" in inbox.reasons("OFFLINE")[0]


@pytest.mark.alone
@EVERY
def test_30_our_messages_keep_to_the_venues_limit(name: str) -> None:
    """A burst of two hundred requests; the venue counts what comes in any second."""

    async def story(wire: Wire) -> None:
        await wire.ready()
        taken: list[float] = []
        loop = asyncio.get_running_loop()
        before = wire.venue.counts.messages_in

        def noted(session: object, payload: bytes) -> None:
            taken.append(loop.time())

        vars(wire.venue)["received"] = noted
        assert wire.feed.connection is not None
        wire.feed.connection.answer([b'{"burst":%d}' % number for number in range(200)])
        limit = 20
        await wire.until(lambda: len(taken) > 2 * limit, "messages over two windows")
        assert wire.venue.counts.messages_in - before == len(taken)
        late = zip(taken, taken[limit:], strict=False)
        assert all(then - first > 0.2 for first, then in late)

    run(story, name, limit=(20, 200_000_000))


def test_31_round_trips_are_measured() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        await wire.until(lambda: bool(wire.inbox.metrics), "a round trip")

    ((kind, feed, ((name, ns),)), *_) = run(story, "binance").metrics
    assert (kind, feed, name) == ("websocket", "7", "round_trip_ns")
    assert 0 < ns < 1_000_000_000
