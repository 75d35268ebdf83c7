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
28 a frame that claims 8 GiB
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
from zlib import crc32

import pytest
from picows import WSMsgType
from tests.venue.wire import Quote, Wire, run

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.model.fixed import parse_price, parse_size

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 that a server's accept key is made with."""
BOTH = pytest.mark.parametrize("name", ["binance", "kraken"])


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


@BOTH
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


@BOTH
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


@BOTH
def test_09_a_mute_venue_is_probed_then_left(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.faults.mute = True
        if name == "binance":
            wire.venue.faults.deaf = True
        await wire.until(lambda: bool(wire.inbox.reasons("STALE")), "STALE")
        wire.venue.faults.mute = wire.venue.faults.deaf = False
        await wire.ready(2)

    inbox = run(story, name)
    states = [state for state, _ in inbox.states]
    assert states[2:5] == ["READY", "STALE", "OFFLINE"]
    assert "although probed" in inbox.reasons("STALE")[0]


@BOTH
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


MALFORMED = {
    "binance": [
        b"{",
        b"\xff\xfe",
        b"[1,2]",
        b'{"u":"text","s":"EURUSD"}',
        b'{"u":9000001,"s":"EURUSD","b":"NaN","B":"1","a":"2","A":"1"}',
        b'{"u":9000002,"s":"EURUSD","b":"1e400","B":"1","a":"2","A":"1"}',
        b'{"u":9000003,"s":"EURUSD","b":"1.0000000001","B":"1","a":"2","A":"1"}',
        b'{"u":9000004,"s":"EURUSD","b":"99999999999999","B":"1","a":"2","A":"1"}',
    ],
    "kraken": [
        b"{",
        b"\xff\xfe",
        b'{"channel":"book","type":"update","data":{}}',
        b'{"channel":"book","type":"update","data":[{"symbol":"EUR/USD","bids":[{"price":1}]}]}',
        b'{"channel":"status","type":"update","data":[{"system":5}]}',
    ],
}


@BOTH
def test_11_malformed_messages_are_counted_and_the_session_lives(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for message in MALFORMED[name]:
            wire.venue.send_raw(message)
        wire.tick(0, "1.17005", "1.17013")
        await wire.settled()
        assert wire.inbox.state == "READY"

    inbox = run(story, name)
    assert [fault for _, fault, _ in inbox.faults] == ["malformed"] * len(MALFORMED[name])
    assert all(detail for _, _, detail in inbox.faults)
    assert inbox.reasons("OFFLINE") == []


@BOTH
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


@BOTH
def test_13_unknown_messages_and_symbols_are_counted(name: str) -> None:
    unknown = {
        "binance": b'{"u":5,"s":"ABCDEF","b":"1","B":"1","a":"2","A":"1"}',
        "kraken": b'{"channel":"book","type":"update","data":[{"symbol":"ABC/DEF"}]}',
    }

    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.venue.send_raw(b'{"channel":"weather","sun":true}')
        wire.venue.send_raw(unknown[name])
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

    assert "closed by the venue: too many requests" in run(story, "binance").reasons("OFFLINE")[0]


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


def test_18_no_turn_takes_more_than_64_messages() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        wire.inbox.turns.clear()
        for number in range(1_000):
            wire.tick(0, f"1.17{number:03d}", f"1.18{number:03d}")
        await wire.settled()

    turns = run(story, "binance").turns
    assert sum(turns) == 1_000
    assert 1 < max(turns) <= 64


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
    message = b'{"u":99999999,"s":"EURUSD","b":"1.2","B":"3","a":"1.3","A":"4"}'

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
        for _ in range(3):
            session.transport.send(WSMsgType.CONTINUATION, b"x" * 40_000, fin=False)
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


@BOTH
def test_23_a_refused_subscription_is_named(name: str) -> None:
    refused = {
        "binance": b'{"error":{"code":2,"msg":"Invalid request: unknown stream"},"id":1}',
        "kraken": b'{"method":"subscribe","success":false,"error":"Currency pair not supported"}',
    }

    async def story(wire: Wire) -> None:
        await wire.until(lambda: bool(wire.venue.sessions), "connection")
        wire.venue.send_raw(refused[name])
        await wire.settled()

    ((instrument, fault, detail),) = run(story, name).faults
    assert (instrument, fault) == (0, "refused")
    assert "unknown stream" in detail or "not supported" in detail


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


def test_28_a_frame_that_claims_gigabytes_is_left_at_its_header() -> None:
    sent = asyncio.run(_claims(1 << 33))
    print(f"{sent >> 20} MiB were taken by the sockets before the connection was reset")
    assert sent < 1 << 27


async def _claims(size: int) -> int:
    """Serves one connection a frame header of that size and bytes; returns how many went."""
    loop = asyncio.get_running_loop()
    taken: asyncio.Future[int] = loop.create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = request.lower().split(b"sec-websocket-key: ")[1].split(b"\r\n")[0]
        key = request[request.lower().index(key) :][: len(key)]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x7f" + size.to_bytes(8, "big")
        )
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 1 << 28:
                writer.write(bytes(1 << 20))
                await writer.drain()
                sent += 1 << 20
        writer.close()
        if not taken.done():
            taken.set_result(sent)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire("binance")
    await wire.connect(port)
    sent = await asyncio.wait_for(taken, 10)
    await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
    assert "max allowed size" in wire.inbox.reasons("OFFLINE")[0]
    await wire.__aexit__()
    server.close()
    return sent


def test_backoff_doubles_to_a_minute_and_forgets_only_after_proven_health() -> None:
    for seed in range(50):
        backoff = Backoff(Prng(seed))
        waits = [backoff.next_ms() for _ in range(12)]
        for number, wait in enumerate(waits):
            step = min(1_000 << number, 60_000)
            assert step // 2 <= wait <= step
        backoff.proven_healthy()
        assert backoff.next_ms() <= 1_000


def test_a_budget_counts_attempts_in_its_window_only() -> None:
    budget = ConnectBudget(3, 100)
    for now_ns in (0, 10, 20):
        assert budget.wait_ns(now_ns) == 0
        budget.attempt(now_ns)
    assert [budget.wait_ns(now_ns) for now_ns in (20, 99, 100)] == [80, 1, 0]
    budget.attempt(100)
    assert budget.wait_ns(100) == 10
