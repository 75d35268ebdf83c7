"""Case 28 of the venue matrix, on a socket that is no venue; backoff and budget by themselves."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib

from tests.venue.wire import Wire

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng

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
