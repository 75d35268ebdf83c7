"""A simulated venue on a real WebSocket port, with faults on command; base of the dialects.

Faults: `lag_ms` delays everything, `skip` swallows the next messages, `repeat` sends the next one
twice, `drop` closes all connections, `mute` keeps them open and silent, `deaf` also stops answering
(half-open), `send_raw` puts any bytes on the wire. `checksum`, `sequence` and `refusals` spoil so
many of the next book messages and requests, where the venue has such a thing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from thft.host.port import loopback_socket

TOO_MANY = 429
MARKET_TIME = b"market-time:"
SOME_NS = 1_767_000_000_123_000_000
"""The time of what was given none."""


@dataclass
class VenueFaults:
    """What is wrong with the venue now; tests and fault files set it while it runs."""

    lag_ms: int = 0
    skip: int = 0
    repeat: int = 0
    mute: bool = False
    deaf: bool = False
    refuse: bool = False
    checksum: int = 0
    sequence: int = 0
    refusals: int = 0
    """So many requests are refused as too many."""


@dataclass
class VenueCounts:
    """What the venue has seen and sent."""

    connections: int = 0
    subscribes: list[list[str]] = field(default_factory=list)
    ticks_sent: int = 0
    messages_in: int = 0


class VenueSession(WSListener):
    """One client's connection."""

    def __init__(self, venue: VenueServer) -> None:
        self.venue = venue
        self.transport: WSTransport | None = None
        self.symbols: set[str] = set()
        self.channels: set[tuple[str, str]] = set()
        """(channel, symbol), where a venue has more than one."""
        self.messages_in = self.messages_out = 0
        self.task: asyncio.Future[None] | None = None
        """What runs for this session beside the market, kept from being collected."""
        self._pong: asyncio.Future[None] | None = None
        self._asked = b""
        self._questions = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.venue.sessions.append(self)
        self.venue.counts.connections += 1
        self.venue.connected(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.transport = None
        if self in self.venue.sessions:
            self.venue.sessions.remove(self)
        self._answered()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self.venue.faults.deaf:
            return
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.PONG:
            if frame.get_payload_as_bytes() == self._asked:
                self._answered()
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self.venue.counts.messages_in += 1
            self.messages_in += 1
            self.venue.received(self, frame.get_payload_as_bytes())

    def send(self, message: bytes) -> None:
        """Sends one text frame, unless a fault forbids it."""
        faults = self.venue.faults
        if self.transport is None or faults.mute or faults.deaf:
            return
        if faults.lag_ms:
            loop = asyncio.get_running_loop()
            loop.call_later(faults.lag_ms / 1_000, self._send_now, message)
            return
        self._send_now(message)

    def _send_now(self, message: bytes) -> None:
        if self.transport is not None:
            self.messages_out += 1
            self.transport.send(WSMsgType.TEXT, message)

    def stamp(self, market_ns: int) -> None:
        """Tells a lock-step client the market time of what follows."""
        if self.transport is not None:
            self.transport.send_ping(MARKET_TIME + str(market_ns).encode())

    async def settled(self, market_ns: int) -> None:
        """Returns when the client has taken everything sent so far.

        Every stamp is answered by a pong; only the one to this very question counts.
        """
        if self.transport is None:
            return
        self._questions += 1
        self._asked = MARKET_TIME + f"{market_ns}:{self._questions}".encode()
        self._pong = asyncio.get_running_loop().create_future()
        self.transport.send_ping(self._asked)
        await self._pong

    def _answered(self) -> None:
        if self._pong is not None and not self._pong.done():
            self._pong.set_result(None)


class VenueServer:
    """Listens on loopback; a dialect overrides `received` and `tick`."""

    name = ""
    requests_a_second = 0
    """Of one client; 0: as many as it likes."""
    snapshots_a_minute = 0
    """Of one address by HTTP, likewise."""
    has_rest = False
    """The venue answers GETs beside its WebSocket."""

    def __init__(self) -> None:
        self.faults = VenueFaults()
        self.counts = VenueCounts()
        self.sessions: list[VenueSession] = []
        self.absent: set[str] = set()
        """Symbols that look like the venue's, and that it does not have; it says so, or not."""
        self._server: asyncio.Server | None = None
        self._rest: web.AppRunner | None = None
        self._subscribed = asyncio.Event()

    async def listen(self, port: int = 0) -> int:
        """Starts listening on 127.0.0.1; returns the port. Raises LocalError when it is taken."""
        self._server = await ws_create_server(
            self._accept, sock=loopback_socket(port), enable_auto_pong=False
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def listen_rest(self, port: int = 0) -> int:
        """Starts answering GETs on 127.0.0.1; returns the port. Raises LocalError when taken."""

        async def answer(request: web.Request) -> web.Response:
            status, body = self.rest(request.path_qs)
            patience = {"Retry-After": "1"} if status == TOO_MANY else {}
            kind = "application/json"
            return web.Response(status=status, body=body, content_type=kind, headers=patience)

        application = web.Application()
        application.router.add_get("/{path:.*}", answer)
        self._rest = web.AppRunner(application, access_log=None)
        await self._rest.setup()
        sock = loopback_socket(port)
        bound: int = sock.getsockname()[1]
        await web.SockSite(self._rest, sock).start()
        return bound

    def rest(self, path: str) -> tuple[int, bytes]:
        """Answers a GET: status and body."""
        return 404, b"{}"

    def _accept(self, request: WSUpgradeRequest) -> VenueSession | None:
        return None if self.faults.refuse else VenueSession(self)

    async def close(self) -> None:
        """Stops listening and drops every connection."""
        if self._server is not None:
            self._server.close()
        if self._rest is not None:
            await self._rest.cleanup()
            self._rest = None
        self.drop()

    def drop(self) -> None:
        """Closes all connections without a word."""
        for session in list(self.sessions):
            if session.transport is not None:
                session.transport.disconnect(graceful=False)

    def subscribed_symbols(self) -> set[str]:
        """Returns what any client has subscribed."""
        found: set[str] = set()
        for session in self.sessions:
            found |= session.symbols
            found |= {symbol for _, symbol in session.channels}
        return found

    def announce_restart(self) -> None:
        """Says that connections will be closed, where the venue says so."""

    def maintenance(self, on: bool) -> None:
        """Says that maintenance begins or is over; a venue without words for it is silent."""
        self.faults.mute = on

    def send_raw(self, payload: bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        """Puts any payload on every connection."""
        for session in self.sessions:
            if session.transport is not None:
                session.transport.send(kind, payload)

    async def subscribed(self) -> None:
        """Returns once a client has subscribed."""
        await self._subscribed.wait()

    def connected(self, session: VenueSession) -> None:
        """Greets a new client."""

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers one client message."""
        raise NotImplementedError

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Publishes a new top of book to those who subscribed it."""
        raise NotImplementedError

    def note_subscription(self, session: VenueSession, symbols: list[str]) -> None:
        """Books a subscription."""
        session.symbols.update(symbols)
        self.counts.subscribes.append(symbols)
        self._subscribed.set()

    def wrong(self, what: Literal["checksum", "sequence"]) -> int:
        """Returns 1 when the next checksum or number shall be wrong, and counts it; else 0."""
        left: int = getattr(self.faults, what)
        setattr(self.faults, what, max(left - 1, 0))
        return min(left, 1)

    def refused(self, over: bool) -> bool:
        """Returns whether a request is refused: over the venue's limit, or by a fault."""
        if self.faults.refusals:
            self.faults.refusals -= 1
            return True
        return over

    def publish(self, symbol: str, message: bytes, channel: str = "") -> None:
        """Sends a market message, with the faults that concern single messages.

        A message of a channel goes to those who have it, and is none when nobody has.
        """
        takers = [
            session
            for session in self.sessions
            if ((channel, symbol) in session.channels if channel else symbol in session.symbols)
        ]
        if channel and not takers:
            return
        self.counts.ticks_sent += 1
        if self.faults.skip:
            self.faults.skip -= 1
            return
        for session in takers:
            session.send(message)
            if self.faults.repeat:
                session.send(message)
        if self.faults.repeat:
            self.faults.repeat -= 1
