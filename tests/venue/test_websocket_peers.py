"""Peers that are no venue: silent, elsewhere, busy, not to be trusted, against RFC 6455."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.venue.test_receive_stamps import certified
from tests.venue.wire import Wire

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 that a server's accept key is made with."""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _answers(*lines: str) -> Serve:
    """Returns a peer that answers every upgrade with these lines."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())

    return serve


def _upgrades(frames: bytes) -> Serve:
    """Returns a peer that upgrades, sends these bytes and waits for the end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = request[request.lower().index(b"sec-websocket-key: ") + 19 :].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frames
        )
        await reader.read()

    return serve


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@contextlib.asynccontextmanager
async def _peer(
    serve: Serve,
    scheme: str = "ws",
    host: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
    connect_s: float = 0.5,
) -> AsyncIterator[Wire]:
    """Runs a feed against a peer; the feed ends within two seconds whatever the peer does."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, host, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    wire = Wire("binance", connect_s=connect_s)
    await wire.connect(port, f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/ws")
    try:
        yield wire
    finally:
        wire.feed.stop()
        server.close()
        await asyncio.wait_for(wire.running, 2)


async def _offline(wire: Wire, times: int = 1) -> str:
    """Returns why the feed went offline, the so many-th time."""
    await wire.until(lambda: len(wire.inbox.reasons("OFFLINE")) >= times, "OFFLINE")
    return wire.inbox.reasons("OFFLINE")[times - 1]


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_81_who_accepts_and_says_nothing_is_left(scheme: str) -> None:
    async def told() -> str:
        async with _peer(_silent, scheme) as wire:
            await _offline(wire, 2)
            return await _offline(wire)

    assert "connect failed: no answer within 0.5 s" in asyncio.run(told())


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_82_stop_ends_an_attempt_at_once(scheme: str) -> None:
    async def told() -> list[tuple[str, str]]:
        async with _peer(_silent, scheme, connect_s=60.0) as wire:
            await wire.until(lambda: wire.inbox.state == "CONNECTING", "attempt")
            await asyncio.sleep(0.1)
        return wire.inbox.states

    assert [state for state, _ in asyncio.run(told())] == ["CONNECTING", "DISABLED"]


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize("place", ["ws://127.0.0.1:1/ws", "https://127.0.0.1:1/", "ws://[::1/"])
def test_83_nobody_is_followed_elsewhere(status: str, place: str) -> None:
    async def told() -> tuple[str, int]:
        async with _peer(_answers(f"HTTP/1.1 {status}", f"Location: {place}")) as wire:
            await _offline(wire, 2)
            return await _offline(wire), wire.inbox.attempts

    reason, attempts = asyncio.run(told())
    assert f"HTTP {status[:3]} to '{place}', which is not followed" in reason and attempts >= 2


@pytest.mark.parametrize("status", ["418 I'm a teapot", "429 Too Many Requests", "503 Busy"])
def test_84_a_venue_that_is_busy_is_left_alone_as_long_as_it_says(status: str) -> None:
    async def told() -> str:
        async with _peer(_answers(f"HTTP/1.1 {status}", "Retry-After: 1")) as wire:
            loop = asyncio.get_running_loop()
            reason, began = await _offline(wire), loop.time()
            await wire.until(lambda: wire.inbox.attempts == 2, "second attempt")
            assert loop.time() - began > 0.9
            return reason

    assert f"HTTP {status[:3]} in place of a WebSocket; next try in 1 s" in asyncio.run(told())


@pytest.mark.parametrize(
    ("lines", "wait"),
    [
        (["HTTP/1.1 429 Too Many Requests"], "60 s"),
        (["HTTP/1.1 403 Forbidden"], "60 s"),
        (["HTTP/1.1 503 Busy", "Retry-After: 999999999"], "3600 s"),
        (["HTTP/1.1 503 Busy"], "0.019 s"),
        (["HTTP/1.1 404 Not Found"], "0.019 s"),
        (["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"], "0.019 s"),
    ],
)
def test_85_how_long_a_refused_upgrade_waits(lines: list[str], wait: str) -> None:
    async def told() -> str:
        async with _peer(_answers(*lines)) as wire:
            return await _offline(wire)

    reason = asyncio.run(told())
    assert reason.endswith(f"next try in {wait}")
    assert ("in place of a WebSocket" in reason) is (" 101 " not in lines[0])


def test_86_a_certificate_that_does_not_hold_is_named(tmp_path: Path) -> None:
    context = certified(tmp_path)

    async def told() -> str:
        async with _peer(_silent, "wss", context=context) as wire:
            await _offline(wire, 2)
            return await _offline(wire)

    assert "self-signed certificate" in asyncio.run(told())


def test_87_a_name_that_nobody_has() -> None:
    async def told() -> str:
        wire = Wire("binance")
        await wire.connect(0, "ws://no-such-host.invalid/ws")
        reason = await _offline(wire)
        wire.feed.stop()
        await asyncio.wait_for(wire.running, 2)
        return reason

    assert "connect failed: [Errno -" in asyncio.run(told())


def test_88_ipv6() -> None:
    async def told() -> None:
        async with _peer(_upgrades(b""), host="::1") as wire:
            await wire.until(lambda: wire.inbox.state == "SYNCING", "connection")

    asyncio.run(told())


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 1013, 4004])
def test_89_a_close_is_told_with_its_code(code: int) -> None:
    async def told(words: bytes) -> str:
        payload = code.to_bytes(2, "big") + words
        async with _peer(_upgrades(b"\x88" + bytes([len(payload)]) + payload)) as wire:
            return await _offline(wire)

    assert f"closed by the venue: {code}, back soon; next try" in asyncio.run(told(b"back soon"))
    assert f"closed by the venue: {code}, no reason given" in asyncio.run(told(b""))


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b"\x88\x00", "closed by the venue: no code, no reason given"),
        (b"\x88\x01\x03", "protocol error"),
        (b"\x88\x04\x03\xe8\xff\xfe", "protocol error"),
        (b"\x81\x82abcd\x1a\x1f", "masked"),
        (b"\x83\x02{}", "invalid opcode"),
        (b"\x09\x02ab", "fragmented control"),
        (b"\xc1\x02{}", "a compressed frame"),
        (b"\x80\x02{}", "a fragment out of order"),
        (b'\x01\x01{\x01\x01"', "a fragment out of order"),
    ],
)
def test_90_what_rfc_6455_forbids_ends_the_connection(frames: bytes, reason: str) -> None:
    async def told() -> str:
        async with _peer(_upgrades(frames)) as wire:
            return await _offline(wire)

    assert reason in asyncio.run(told())
