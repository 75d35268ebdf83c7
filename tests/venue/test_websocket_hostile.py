"""Case 28 of the venue matrix, on a socket that is no venue; backoff and budget by themselves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest
from picows import WSListener, ws_connect
from tests.venue.wire import Wire

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.gateway.ws.refusal import refusal_of

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""The constant of RFC 6455 that a server's accept key is made with."""


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


ANSWERS: dict[str, tuple[bytes | None, str]] = {
    "a redirect": (
        b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
        "the venue redirects to ws://127.0.0.1:",
    ),
    "forbidden": (
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nno\x1b[2Jno",
        "the venue refused the connection: HTTP 403 no [2Jno; next",
    ),
    "no status line": (b"\x00\xff\x00\r\n\r\n", "invalid HTTP status line"),
    "headers without end": (b"HTTP/1.1 101 OK\r\nX: " + bytes(1 << 20), "headers exceed"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "the venue closed the connection"),
    "nothing": (None, "websocket handshake timeout"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_beginning_that_is_none_is_told_and_tried_again(what: str) -> None:
    """A redirect is not followed: it would be attempts beside the budget, to who knows whom."""
    answer, words = ANSWERS[what]
    asyncio.run(_begins(answer, words, 0.0))


def test_who_is_refused_for_too_many_attempts_waits_as_long_as_the_venue_says() -> None:
    answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    asyncio.run(_begins(answer, "HTTP 429; next try in 1 s", 1.0))


async def _begins(answer: bytes | None, words: str, apart_s: float) -> None:
    """Serves that to two attempts; they are so far apart, and the first has those words."""
    loop = asyncio.get_running_loop()
    came: list[float] = []
    twice = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(loop.time())
        if len(came) == 2:
            twice.set()
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if answer is not None:
                writer.write(answer % elsewhere if b"%d" in answer else answer)
                await writer.drain()
                writer.close()

    followed: list[object] = []
    other = await asyncio.start_server(lambda *ends: followed.append(ends), "127.0.0.1", 0)
    elsewhere = other.sockets[0].getsockname()[1]
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire("binance")
    await wire.connect(server.sockets[0].getsockname()[1])
    await asyncio.wait_for(twice.wait(), 10)
    assert words in wire.inbox.reasons("OFFLINE")[0]
    assert came[1] - came[0] >= apart_s
    assert not followed
    await wire.__aexit__()
    server.close()
    other.close()


def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = "-keyout", str(key), "-out", str(certificate)
    subprocess.run([*command.split(), *files], check=True, capture_output=True)

    async def story() -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            await ws_connect(WSListener, f"wss://localhost:{port}/")
        except ssl.SSLError as error:
            return refusal_of(error).words
        finally:
            server.close()
        raise AssertionError("it was trusted")

    assert "certificate is not trusted: self-signed certificate" in asyncio.run(story())


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
