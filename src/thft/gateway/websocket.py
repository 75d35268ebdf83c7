"""The life of one WebSocket connection, whatever the venue: connect, subscribe, watch, reconnect.

States: CONNECTING → SYNCING (subscriptions sent) → READY (all confirmed with data) → STALE
(nothing for `stale_s` although probed) or OFFLINE (reason, next try). The wanted subscriptions
live in the dialect's table, so every connection subscribes exactly them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from picows import WSError as WebSocketError

from thft.base.backoff import Backoff, ConnectBudget
from thft.gateway.port import Dialect, EngineInbox

MESSAGES_PER_TURN = 64
MARKET_TIME = b"market-time:"


@dataclass(frozen=True)
class Liveness:
    """When silence is asked about and when it is taken for death, in seconds of real time."""

    probe_s: float = 15.0
    stale_s: float = 30.0
    healthy_s: float = 30.0
    connect_s: float = 10.0
    life_s: float = 23.5 * 3_600
    max_frame_bytes: int = 1 << 20


class WebSocketFeed:
    """Keeps one feed connected until `stop`; real time is the event loop's clock."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        url: str,
        dialect: Callable[[], Dialect],
        backoff: Backoff,
        budget: ConnectBudget,
        liveness: Liveness | None = None,
    ) -> None:
        """`dialect` makes a fresh one for every connection."""
        self._inbox = inbox
        self._feed = feed
        self._url = url
        self._make_dialect = dialect
        self._backoff = backoff
        self._budget = budget
        self.liveness = liveness or Liveness()
        self._stopping = False
        self._wake = asyncio.Event()
        self.state = "DISABLED"
        self._reason = ""
        self.connection: _Connection | None = None

    def set_state(self, state: str, reason: str) -> None:
        """Publishes a change of state or of its reason."""
        if (state, reason) != (self.state, self._reason):
            self.state, self._reason = state, reason
            self._inbox.feed_state(self._feed, state, reason)

    async def run(self) -> None:
        """Connects and reconnects until stopped."""
        while not self._stopping:
            reason = await self._one_connection()
            if self._stopping:
                break
            wait_s = self._backoff.next_ms() / 1_000
            self.set_state("OFFLINE", f"{reason}; next try in {wait_s:.1f} s")
            await self._sleep(wait_s)
        self.set_state("DISABLED", "stopped")

    def stop(self) -> None:
        """Ends the connection and the reconnecting."""
        self._stopping = True
        self._wake.set()
        if self.connection is not None:
            self.connection.give_up("stopped")

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _one_connection(self) -> str:
        """Lives through one connection; returns why it ended."""
        loop = asyncio.get_running_loop()
        wait_ns = self._budget.wait_ns(int(loop.time() * 1e9))
        if wait_ns:
            self.set_state("OFFLINE", f"connect budget used; next try in {wait_ns / 1e9:.1f} s")
            await self._sleep(wait_ns / 1e9)
            if self._stopping:
                return "stopped"
        self._budget.attempt(int(loop.time() * 1e9))
        self._inbox.connect_attempt(self._feed, "")
        self.set_state("CONNECTING", self._url)
        connection = _Connection(self, self._inbox, self._make_dialect())
        try:
            transport, _ = await ws_connect(
                lambda: connection,
                self._url,
                enable_auto_pong=False,
                max_frame_size=self.liveness.max_frame_bytes,
                websocket_handshake_timeout=self.liveness.connect_s,
            )
        except (OSError, WebSocketError, TimeoutError) as error:
            return f"connect failed: {error or type(error).__name__}"
        self.connection = connection
        watch = asyncio.ensure_future(self._watch(connection))
        try:
            await transport.wait_disconnected()
        except WebSocketError as error:
            connection.ended = connection.ended or f"protocol error: {error}"
        finally:
            watch.cancel()
            self.connection = None
        return connection.ended or "the venue closed the connection"

    async def _watch(self, connection: _Connection) -> None:
        """Probes silence, drops what is dead, and lets the backoff forget after proven health."""
        loop = asyncio.get_running_loop()
        liveness = self.liveness
        began = loop.time()
        while True:
            await asyncio.sleep(min(liveness.probe_s / 4, 1.0))
            now = loop.time()
            silence = now - connection.last_heard
            if silence >= liveness.stale_s:
                self.set_state("STALE", f"nothing for {silence:.0f} s although probed")
                connection.give_up(f"nothing for {silence:.0f} s although probed")
                return
            if silence >= liveness.probe_s:
                connection.probe()
            if self.state == "READY" and now - began >= liveness.healthy_s:
                self._backoff.proven_healthy()
            if now - began >= liveness.life_s:
                connection.give_up("planned reconnect before the venue's 24 h limit")
                return


class _Connection(WSListener):
    """Frames of one connection, straight into the dialect."""

    def __init__(self, owner: WebSocketFeed, inbox: EngineInbox, dialect: Dialect) -> None:
        self._owner = owner
        self._inbox = inbox
        self._dialect = dialect
        self._transport: WSTransport | None = None
        self._taken = 0
        self._fragments = bytearray()
        self._probed = 0.0
        self._loop = asyncio.get_running_loop()
        self.last_heard = self._loop.time()
        self.ended = ""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._owner.set_state("SYNCING", "connected, subscribing")
        self._send(self._dialect.opened())
        self._inbox.turn_end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.last_heard = self._loop.time()
        kind = frame.msg_type
        if frame.payload_size > self._owner.liveness.max_frame_bytes:
            self._too_large(frame.payload_size)
            return
        if kind == WSMsgType.TEXT and frame.fin:
            self._text(frame.get_payload_as_bytes())
        elif kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._fragment(frame)
        elif kind == WSMsgType.PING:
            self._pinged(transport, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            said = (frame.get_close_message() or b"no reason given").decode(errors="replace")
            self.ended = self.ended or f"closed by the venue: {said}"
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind == WSMsgType.BINARY:
            self._inbox.feed_fault(self._owner._feed, 0, "unknown_message", "binary frame")
        if self._dialect.leave:
            self.give_up(self._dialect.leave)
        if frame.last_in_buffer or self._taken >= MESSAGES_PER_TURN:
            self._taken = 0
            self._inbox.turn_end()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._inbox.turn_end()

    def _too_large(self, size: int) -> None:
        """Leaves a connection that brings a frame beyond the bound; its content is not touched."""
        bound = self._owner.liveness.max_frame_bytes
        self._inbox.feed_fault(self._owner._feed, 0, "oversize", f"a frame of {size} bytes")
        self.give_up(f"a frame of {size} bytes is larger than {bound} bytes")
        self._inbox.turn_end()

    def _text(self, payload: bytes) -> None:
        """Takes one message; READY while the dialect is synced, SYNCING while it is not."""
        dialect, owner = self._dialect, self._owner
        answers = dialect.received(payload, self._inbox.now_ns())
        if answers:
            self._send(answers)
        self._taken += 1
        if dialect.synced != (owner.state == "READY"):
            if dialect.synced:
                owner.set_state("READY", "all subscriptions confirmed with data")
            else:
                owner.set_state("SYNCING", "a subscription waits for its data")

    def _fragment(self, frame: WSFrame) -> None:
        """Puts a message together that came in several frames, within the bound of one frame."""
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > self._owner.liveness.max_frame_bytes:
            self._fragments.clear()
            self.give_up("a message in fragments is larger than a frame may be")
        elif frame.fin:
            payload = bytes(self._fragments)
            self._fragments.clear()
            self._text(payload)

    def _pinged(self, transport: WSTransport, payload: bytes) -> None:
        if payload.startswith(MARKET_TIME) and (ns := payload.split(b":")[1]).isdigit():
            self._inbox.market_time(int(ns))
        transport.send_pong(payload)

    def probe(self) -> None:
        """Asks the venue for a sign of life, once per probe interval."""
        now = self._loop.time()
        if self._transport is None or now - self._probed < self._owner.liveness.probe_s:
            return
        self._probed = now
        message = self._dialect.probe()
        if message is None:
            self._transport.send_ping(b"thft")
        else:
            self._send([message])

    def give_up(self, reason: str) -> None:
        """Ends the connection from our side."""
        self.ended = self.ended or reason
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.GOING_AWAY)
            self._transport.disconnect()

    def _send(self, frames: list[bytes]) -> None:
        if self._transport is not None:
            for frame in frames:
                self._transport.send(WSMsgType.TEXT, frame)
