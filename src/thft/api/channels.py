"""The WebSocket channels: execution rows pushed at once, ticks at 25 Hz; served to pages by app.

A client that does not keep up is closed with 1013 and comes back for a fresh snapshot: nobody
waits for it and nothing is dropped in silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import msgspec
from fastapi import WebSocket, WebSocketDisconnect

from thft.api.replica import Replica

QUEUE_MESSAGES = 2_000
KEEPALIVE_S = 20.0
TICK_S = 0.04
TRY_AGAIN_LATER = 1013


class Channel:
    """Clients of one kind of message; `publish` never waits."""

    def __init__(self) -> None:
        self._clients: set[asyncio.Queue[bytes | None]] = set()

    def __len__(self) -> int:
        return len(self._clients)

    def publish(self, message: dict[str, Any]) -> None:
        """Queues a message for every client; one whose queue is full is let go."""
        if not self._clients:
            return
        encoded = msgspec.json.encode(message)
        for queue in list(self._clients):
            try:
                queue.put_nowait(encoded)
            except asyncio.QueueFull:
                self._clients.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)

    async def serve(self, socket: WebSocket, first: dict[str, Any]) -> None:
        """Sends `first`, then everything published, until the client leaves."""
        await socket.accept()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MESSAGES)
        self._clients.add(queue)
        queue.put_nowait(msgspec.json.encode(first))
        sending = asyncio.ensure_future(_send(socket, queue))
        receiving = asyncio.ensure_future(_receive(socket, queue))
        try:
            await asyncio.wait([sending, receiving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(queue)
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)


async def _send(socket: WebSocket, queue: asyncio.Queue[bytes | None]) -> None:
    """Sends what is queued; when nothing was for a while, a keepalive."""
    while True:
        try:
            message = await asyncio.wait_for(queue.get(), KEEPALIVE_S)
        except TimeoutError:
            message = b'{"type":"ping"}'
        if message is None:
            await socket.close(TRY_AGAIN_LATER, "too slow: connect again for a snapshot")
            return
        await socket.send_text(message.decode())


async def _receive(socket: WebSocket, queue: asyncio.Queue[bytes | None]) -> None:
    """Answers a client's pings; everything else it says is ignored."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            text = await socket.receive_text()
            try:
                asked = msgspec.json.decode(text, type=dict[str, Any])
            except msgspec.DecodeError:
                continue
            if asked.get("type") == "ping" and not queue.full():
                pong = {"type": "pong", "id": asked.get("id"), "ts_ns": time.time_ns()}
                queue.put_nowait(msgspec.json.encode(pong))


class TickChannel(Channel):
    """Quotes that changed and new chart points, 25 times a second."""

    def __init__(self, replica: Replica) -> None:
        super().__init__()
        self._replica = replica

    def first(self) -> dict[str, Any]:
        """Returns what a client begins with: all quotes and the chart's history."""
        replica = self._replica
        return {
            "type": "snapshot",
            "seq": replica.state.seq,
            "ts_ns": replica.state.ts_ns,
            "quotes": replica.quote_rows(replica.state.books),
            "history": replica.chart.history(),
        }

    async def run(self) -> None:
        """Publishes until cancelled."""
        replica = self._replica
        while True:
            await asyncio.sleep(TICK_S)
            changed, replica.changed_books = replica.changed_books, set()
            delta = replica.chart.take()
            if changed and len(self):
                self.publish(
                    {
                        "type": "ticks",
                        "seq": replica.state.seq,
                        "ts_ns": replica.state.ts_ns,
                        "quotes": replica.quote_rows(changed),
                        "delta": delta,
                    }
                )
