"""The life of one WebSocket feed, whatever the venue: subscribe, watch, reconnect; made by core.

States: CONNECTING → SYNCING (subscriptions sent) → READY (all confirmed with data) → DEGRADED
(connected, a subscription stays without data) or STALE (nothing for `stale_s` although probed, or
no price for `quiet_s`) or OFFLINE (reason, next try) or CLOSED (no price, or no connection, while
the venue is away by its calendar: no attempt is made then). Every connection subscribes exactly
what is wanted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from picows import WSError as WebSocketError
from picows import WSHandshakeError as HandshakeError
from picows import WSTransport, ws_connect

from thft.base.backoff import Backoff, ConnectBudget
from thft.gateway.calendar import Away, Calendar
from thft.gateway.gate import Gate
from thft.gateway.limiter import Window
from thft.gateway.port import EngineInbox
from thft.gateway.supervisor import HEALTHY_S, Supervisor, loop_ns
from thft.gateway.ws.connection import Connection
from thft.gateway.ws.dialect import VenueDialect
from thft.gateway.ws.rest import RETRY_S, TOO_MANY, Rest, asked_s

QUIET = ("STALE", "CLOSED")
"""States of a connection that brings no price: the next price ends them."""
LOOK_S = 60.0
"""How often the calendar is looked at while the venue is away: our clock may have been set."""
SWITCHED, DENIED, UNAVAILABLE = 101, 403, 503
BUSY_S = 3_600.0
"""A venue that is unavailable is asked again after so long, whatever it says."""
NAMED_SYMBOLS = 3
"""So many silent subscriptions are named in a reason."""


@dataclass(frozen=True)
class Liveness:
    """When silence is asked about and when it is taken for death, in seconds of the loop's time."""

    probe_s: float = 15.0
    stale_s: float = 30.0
    healthy_s: float = HEALTHY_S
    connect_s: float = 10.0
    mute_s: float = 15.0
    """A subscription without data for so long is told; twice as long, and a connection that has not
    answered a single one is left."""
    quiet_s: float = 60.0
    """A feed that lives and brings no price for so long is STALE; 0: never."""
    life_s: float = 23.5 * 3_600
    max_frame_bytes: int = 4 << 20


class WebSocketFeed:
    """Keeps one feed connected until `stop`."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        url: str,
        dialect: Callable[[], VenueDialect],
        *,
        backoff: Backoff,
        budgets: Sequence[ConnectBudget],
        gate: Gate,
        windows: Callable[[], list[Window]] = list,
        rest_url: str = "",
        gets: Window | None = None,
        liveness: Liveness | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """`dialect` and `windows` make a fresh dialect and limits for every connection.

        `gets` is the limit of GETs, shared by all feeds of the venue.
        """
        self.inbox = inbox
        self.feed = feed
        self.link = f"ws{feed}"
        self.liveness = liveness or Liveness()
        self.max_frame_bytes = self.liveness.max_frame_bytes
        self.state = "DISABLED"
        self.connection: Connection | None = None
        self._reason = ""
        self._url = url
        self._make_dialect = dialect
        self._dialect: VenueDialect | None = None
        self._backoff = backoff
        self._gate = gate
        self._windows = windows
        self._calendar = calendar or Calendar(())
        self._connecting: asyncio.Timeout | None = None
        self._rest = Rest(rest_url, self.liveness.connect_s, gets)
        self._muted = False
        self._price_ns, self._moved_s = 0, 0.0
        """The newest price's stamp, and since when it is the newest."""
        self._supervisor = Supervisor(
            self._offline, self._attempt, waits=backoff, budgets=budgets, clock_ns=loop_ns
        )

    def set_state(self, state: str, reason: str) -> None:
        """Publishes a change of state or of its reason."""
        if (state, reason) != (self.state, self._reason):
            self.state, self._reason = state, reason
            self.inbox.feed_state(self.feed, state, reason)

    async def run(self) -> None:
        """Connects and reconnects until stopped."""
        try:
            await self._supervisor.run(self._one_connection, self._opens)
        finally:
            await self._rest.close()
        self.set_state("DISABLED", "stopped")

    def stop(self) -> None:
        """Ends the connection and the reconnecting."""
        self._supervisor.stop()
        if self.connection is not None:
            self.connection.give_up("stopped")
        elif self._connecting is not None and not self._connecting.expired():
            self._connecting.reschedule(asyncio.get_running_loop().time())

    async def _opens(self) -> None:
        """Returns when the venue is there, or nobody wants the feed any more."""
        while not self._supervisor.stopping and (away := self._away()):
            self.set_state("CLOSED", away.words)
            self.inbox.turn_end()
            left_s = (away.until_ns - self.inbox.now_ns()) / 1e9
            await self._supervisor.sleep(min(max(left_s, 0.0), LOOK_S))

    def _away(self) -> Away | None:
        return self._calendar.away(self.inbox.now_ns())

    def _offline(self, text: str) -> None:
        self.set_state("OFFLINE", text)

    def _attempt(self) -> None:
        self.inbox.connect_attempt(self.feed, "")
        self.set_state("CONNECTING", self._url)

    async def _one_connection(self) -> str:
        """Lives through one connection; returns why it ended."""
        self._muted = False
        dialect = self._dialect = self._make_dialect()
        self._gate.throttle.join(self.link, self._windows())
        connection = Connection(self, self.inbox, dialect, self._gate, self._rest.get)
        self._rest.answer = connection.fetched
        try:
            transport = await self._connected(connection)
        except (OSError, WebSocketError, TimeoutError) as error:
            connection.give_up(f"connect failed: {self._unmet(error)}")
            return connection.ended
        self.connection = connection
        watch = asyncio.ensure_future(self._watch(connection, dialect))
        try:
            await transport.wait_disconnected()
        except WebSocketError as error:
            connection.ended = connection.ended or f"protocol error: {error}"
        finally:
            watch.cancel()
            self._rest.forget()
            self.connection = None
        return connection.ended or "the venue closed the connection"

    async def _connected(self, connection: Connection) -> WSTransport:
        """Connects within `connect_s`, names, TLS and upgrade together; goes where it was sent."""
        limit_s = self.liveness.connect_s
        async with asyncio.timeout(limit_s) as self._connecting:
            try:
                transport, _ = await ws_connect(
                    lambda: connection,
                    self._url,
                    enable_auto_pong=False,
                    max_frame_size=self.max_frame_bytes,
                    max_redirects=0,
                    websocket_handshake_timeout=limit_s,
                )
            finally:
                self._connecting = None
        return transport

    def _unmet(self, error: Exception) -> str:
        """Returns why there is no connection; the next attempt is as late as the venue asks for."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the venue's certificate is not trusted: {error.verify_message}"
        response = error.response if isinstance(error, HandshakeError) else None
        if response is None or response.status == SWITCHED:
            timeout = f"no answer within {self.liveness.connect_s:g} s"
            return str(error) or (timeout if type(error) is TimeoutError else type(error).__name__)
        status, headers = int(response.status), response.headers
        if place := headers.get("Location", ""):
            return f"HTTP {status} to {place[:200]!r}, which is not followed: check url"
        patience = headers.get("Retry-After", "")
        wait_s = 0.0
        if status in TOO_MANY or (status == UNAVAILABLE and patience):
            wait_s = asked_s(patience)
        if status == UNAVAILABLE:
            wait_s = min(wait_s, BUSY_S)
        elif status == DENIED:  # some venues' word for too many attempts
            wait_s = RETRY_S
        self._backoff.not_before(int(wait_s * 1_000))
        return f"HTTP {status} in place of a WebSocket"

    async def _watch(self, connection: Connection, dialect: VenueDialect) -> None:
        """Probes silence, drops what is dead, and lets the backoff forget after proven health."""
        loop = asyncio.get_running_loop()
        liveness = self.liveness
        while True:
            await asyncio.sleep(min(liveness.probe_s / 4, 1.0))
            now = loop.time()
            silence, age = now - connection.last_heard, now - connection.began
            if silence >= liveness.stale_s:
                self.set_state("STALE", f"nothing for {silence:.0f} s although probed")
                connection.give_up(f"nothing for {silence:.0f} s although probed")
                return
            every_s = dialect.ping_every_s
            if every_s or silence >= liveness.probe_s:
                connection.probe(min(every_s or liveness.probe_s, liveness.probe_s))
            self._prices(now)
            if self.state == "READY" and age >= liveness.healthy_s:
                self._backoff.proven_healthy()
            if age >= liveness.mute_s and not self._muted:
                self._muted = True
                self.moved("", "")
            if age >= 2 * liveness.mute_s and dialect.unanswered:
                connection.give_up(f"no subscription was answered in {age:.0f} s")
                return
            if age >= liveness.life_s:
                connection.give_up("planned reconnect before the venue's 24 h limit")
                return

    def _prices(self, now_s: float) -> None:
        """A feed without prices is not to be traded on, whatever else its connection says."""
        quiet_s, price_ns = self.liveness.quiet_s, self.inbox.last_price_ns(self.feed)
        if price_ns != self._price_ns or self.state not in ("READY", *QUIET):
            self._price_ns, self._moved_s = price_ns, now_s
        silence_s = now_s - self._moved_s
        if not quiet_s or self.state not in ("READY", *QUIET) or silence_s < quiet_s:
            return
        if away := self._away():
            self.set_state("CLOSED", away.words)
        elif self.state != "STALE":
            self.set_state("STALE", f"connected, but no price for {silence_s:.0f} s")
        self.inbox.turn_end()

    # ---- what the connection tells -------------------------------------------------------------

    def moved(self, state: str, reason: str) -> None:
        """Takes a state of the connection; without one the dialect says whether all is there."""
        if state:
            self.set_state(state, reason)
            return
        dialect = self._dialect
        assert dialect is not None
        if self.state in QUIET and self.inbox.last_price_ns(self.feed) == self._price_ns:
            return  # signs of life, and no price yet
        if dialect.synced:
            self._muted = False
            if self.state != "READY":
                self.set_state("READY", "all subscriptions confirmed with data")
        elif self._muted:
            silent = sorted(dialect.waiting)[:NAMED_SYMBOLS]
            named = ", ".join(f"{channel} {symbol}" for channel, symbol in silent)
            self.set_state("DEGRADED", f"subscribed, but mute: {named}")
        elif self.state == "READY":
            self.set_state("SYNCING", "a subscription waits for its data")

    def round_trip(self, ns: int) -> None:
        """Publishes a measured round trip."""
        self.inbox.metric("websocket", str(self.feed), (("round_trip_ns", ns),))
