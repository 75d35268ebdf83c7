"""One FIX session of a venue: connected, logged on, throttled, its state in words; by `client`.

States: CONNECTING, LOGON, SYNCING, READY, DEGRADED or STALE as its desk says, then OFFLINE (reason,
next try), HALTED (needs a person) or CLOSED (the venue is away by its calendar: we log out, and no
attempt is made until it is back). What waits to go out belongs to a connection: a new one begins
with empty queues.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Protocol

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.errors import LocalError
from thft.base.prng import Prng
from thft.fix import tags
from thft.fix.session import (
    LOGGED_ON_STATES,
    Application,
    Event,
    Now,
    PeerRejected,
    RejectSent,
    ResendPolicy,
    RoundTrip,
    Session,
    SessionConfig,
    State,
    StateChanged,
    Store,
)
from thft.fix.terms import Checks
from thft.fix.wire import BadGroup, BadValue, Message
from thft.gateway.calendar import Calendar
from thft.gateway.dialect import Dialect, Link
from thft.gateway.fix.causes import PERSONS, REMEDIES, Timing, Waits
from thft.gateway.fix.credential import client_context, ed25519_signer, resolve
from thft.gateway.fix.settings import FixSettings, filled, host_of, port_of
from thft.gateway.fix_initiator import FixInitiator
from thft.gateway.fix_link import Arrival, now
from thft.gateway.gate import Gate
from thft.gateway.limiter import Item, Lane

TOLERANT = Checks(enums=False, order=False, required=False, unknown=False, user=False)
"""Of what a venue says only the values must be there; we are strict about what we send."""
REFS_KEPT = 2_000
NEVER = 1 << 62


class Desk(Protocol):
    """What a session is for."""

    @property
    def ready(self) -> bool:
        """It does what it is for."""
        ...

    def attempt(self, link: str) -> None:
        """An attempt to connect begins; it is remembered when this returns."""
        ...

    def logged_on(self, heartbeat_s: int) -> None: ...
    def ended(self, reason: str) -> None: ...
    def message(self, message: Message) -> None: ...
    def rejected(self, ref: str, text: str) -> None: ...
    def state(self, state: str, reason: str) -> None: ...
    def fault(self, fault: str, detail: str) -> None: ...
    def round_trip(self, ns: int) -> None: ...
    def turn_end(self) -> None: ...


class Channel:
    """See the module."""

    def __init__(
        self,
        dialect: Dialect,
        link: Link,
        settings: FixSettings,
        store: Store,
        desk: Desk,
        gate: Gate,
        budgets: list[ConnectBudget],
        prng: Prng,
        timing: Timing,
        calendar: Calendar,
    ) -> None:
        self.name = link.name
        self._dialect, self._link, self._settings = dialect, link, settings
        self._store = store
        self._desk = desk
        self._gate = gate
        self._timing = timing
        self._calendar = calendar
        self._budgets = budgets
        backoff = Backoff(prng, timing.first_ms, timing.cap_ms)
        self._heartbeat_s = settings.heartbeat_s or dialect.logon.heartbeat_s
        blocked_s = dialect.comp_ids.blocked_heartbeats * self._heartbeat_s
        self._waits = Waits(dialect, backoff, timing, lambda: desk.ready, blocked_s)
        self._initiator: FixInitiator | None = None
        self._session: Session | None = None
        self._epoch = 0
        self._on = False
        """The venue has let us in on this connection."""
        self._closing = False
        """The connection ends because the venue is about to be away."""
        self._refs: dict[int, str] = {}
        self._dirty = False
        self._counted = 0
        """Messages of ours that the throttle knows of and the link does not yet."""
        self._turn_due = False
        self._stopping = asyncio.Event()
        gate.outlets.append(self)

    # ---- life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Lives until `stop`; a missing secret or certificate halts the session, not the engine."""
        try:
            config, context = self._config(), self._tls()
        except LocalError as error:
            self._desk.state("HALTED", str(error))
            self._desk.turn_end()
            await self._stopping.wait()
            return
        session = self._session = Session(config, self._store)
        probing = asyncio.ensure_future(self._probe())
        try:
            while not self._stopping.is_set():
                await self._open_again()
                if not self._stopping.is_set():
                    await self._while_open(session, context)
        finally:
            probing.cancel()

    async def _open_again(self) -> None:
        """Waits, without an attempt, as long as the venue is away."""
        while not self._stopping.is_set():
            utc_ns = now().utc_ns
            away = self._calendar.away(utc_ns)
            if away is None:
                return
            self._desk.state("CLOSED", away.words)
            self._desk.turn_end()
            await self._sleep((away.until_ns - utc_ns) / 1e9)

    async def _while_open(self, session: Session, context: ssl.SSLContext | None) -> None:
        """Lives through connections until `stop`, or until the venue is away."""
        self._closing = False
        self._initiator = FixInitiator(
            session,
            self,
            self._address(),
            self._report,
            waits=self._waits,
            budgets=self._budgets,
            attempt=self._connecting,
            tls=context,
            stamped="quotes" in self._link.roles,
            pace=self,
        )
        closing = asyncio.ensure_future(self._close(self._initiator))
        try:
            await self._initiator.run()
        finally:
            closing.cancel()

    async def _close(self, initiator: FixInitiator) -> None:
        """Logs out when the venue's calendar says so."""
        while not self._stopping.is_set():
            if away := self._calendar.away(now().utc_ns):
                self._closing = True
                initiator.stop(f"closed: {away.words}")
                return
            await self._sleep(self._timing.look_s)

    async def _sleep(self, seconds: float) -> None:
        """Sleeps for a while at most: clocks are set, machines are suspended."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), min(seconds, self._timing.look_s))

    def stop(self) -> None:
        """Logs out and ends."""
        self._stopping.set()
        if self._initiator is not None:
            self._initiator.stop("the engine stops")

    def relog(self, text: str) -> None:
        """Ends the connection in good order; the next one begins at once."""
        if self._initiator is not None and self._initiator.link is not None:
            self._initiator.link.logout(text)

    async def _probe(self) -> None:
        """Measures the round trip from time to time."""
        while True:
            await asyncio.sleep(self._timing.probe_s)
            if self._session is not None and self.logged_on and not self.wait_ns():
                self._session.probe(now())
                self._dirty = True
                self.flush()

    def _config(self) -> SessionConfig:
        dialect, settings = self._dialect, self._settings
        secret = resolve(settings.password) if settings.password else ""
        sender = settings.sender_comp_id
        target = settings.target_comp_id or dialect.comp_ids.target
        key = settings.signing_key
        return SessionConfig(
            sender=sender,
            target=target,
            dictionary=dialect.dictionary,
            initiator=True,
            begin_string=dialect.begin_string,
            header=tuple(filled(self._link.header, settings, "")),
            logon=tuple(filled(dialect.logon.fields, settings, secret)),
            sign_logon=ed25519_signer(key, sender, target) if key else None,
            heartbeat_s=self._heartbeat_s,
            reset_on_logon=dialect.reset in ("required", "advised"),
            checks=TOLERANT,
            timestamp_digits=dialect.timestamp_digits,
            check_comp_ids=dialect.comp_ids.match == "exact",
            unique_test_ids=True,
            resend=ResendPolicy(order_age_ns=-1),
        )

    def _address(self) -> tuple[str, int]:
        settings = self._settings
        return host_of(settings, self.name), port_of(self._dialect, settings, self.name)

    def _tls(self) -> ssl.SSLContext | None:
        settings = self._settings
        if not settings.tls:
            return None
        return client_context(settings.ca, settings.certificate, settings.key)

    # ---- going out -----------------------------------------------------------------------------

    @property
    def logged_on(self) -> bool:
        """Messages can be sent."""
        return self._session is not None and self._session.state in LOGGED_ON_STATES

    def send(
        self,
        lane: Lane,
        kind: str,
        body: bytes,
        ref: str = "",
        *,
        ttl_ms: int = 0,
        expired: Callable[[], None] = lambda: None,
    ) -> None:
        """Queues a message; `run` of the gate lets it out.

        `ref` is what a rejection of it is reported under. `expired` is called when it will never
        go: too old, too many before it, or the connection is over.
        """
        if not self.logged_on:
            expired()
            return

        def out() -> None:
            assert self._session is not None
            seq = self._session.send(kind, body, now())
            self._counted += 1
            self._dirty = True
            if ref:
                self._refs[seq] = ref
                if len(self._refs) > REFS_KEPT:
                    del self._refs[next(iter(self._refs))]

        deadline_ns = now().monotonic_ns + ttl_ms * 1_000_000 if ttl_ms else NEVER
        self._gate.throttle.put(lane, Item(self.name, out, expired, deadline_ns))

    def waiting(self, lane: Lane) -> bool:
        """Something of that lane has not gone yet, here or on another link of the venue."""
        return self._gate.throttle.waiting(lane)

    def flush(self) -> None:
        """Writes what was sent."""
        if self._dirty and self._initiator is not None and self._initiator.link is not None:
            self._dirty = False
            self._initiator.link.flush()

    # ---- the session's own messages: see Pace --------------------------------------------------

    @property
    def step(self) -> int:
        """See Pace."""
        return self._gate.throttle.step(self.name)

    def room(self) -> int:
        """See Pace."""
        return self._gate.throttle.room(self.name, now().monotonic_ns)

    def wait_ns(self) -> int:
        """See Pace."""
        return self._gate.throttle.wait_ns(self.name, now().monotonic_ns)

    def made(self, messages: int) -> None:
        """See Pace; what came through the throttle is counted already."""
        own = messages - self._counted
        self._counted = 0
        if own > 0:
            self._gate.throttle.said(self.name, own, now().monotonic_ns)
            self._gate.mark()

    # ---- coming in -----------------------------------------------------------------------------

    @property
    def arrival(self) -> Arrival:
        """When the message that a desk is given now came."""
        assert self._initiator is not None and self._initiator.link is not None
        return self._initiator.link.arrival

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Takes what the session says; see FixApplication."""
        match event:
            case Application(message):
                self._application(message)
            case StateChanged(state, reason):
                self._moved(state, reason)
            case PeerRejected(message):
                self._rejected(message)
            case RejectSent(_, kind, _, tag, text):
                self._desk.fault("rejected", f"message {kind}, tag {tag}: {text}")
            case RoundTrip(ns):
                self._desk.round_trip(ns)
        self.end_turn()

    def _application(self, message: Message) -> None:
        try:
            self._desk.message(message)
        except (BadValue, BadGroup) as error:
            self._desk.fault("malformed", f"message {message.type}: {error}"[:300])

    def _rejected(self, message: Message) -> None:
        text = message.text(tags.TEXT) or "no reason given"
        ref = ""
        with contextlib.suppress(BadValue):
            ref = self._refs.get(message.integer(tags.REF_SEQ_NUM), "")
        self._desk.fault("refused", text)
        self._desk.rejected(ref, text)

    def _moved(self, state: State, reason: str) -> None:
        if state is State.LOGON_SENT:
            self._refs.clear()
            self._desk.state("LOGON", "connected, logging on")
        elif state is State.LOGGED_ON and self._session is not None:
            if self._epoch == self._session.epoch:
                return  # a gap is filled, or numbers started over: the desk has begun already
            self._epoch = self._session.epoch
            self._on = True
            self._desk.logged_on(self._session.heartbeat_s)
        elif state is State.LOGOUT_SENT:
            self._gate.throttle.forget(self.name)
        elif state is State.DISCONNECTED:
            self._waits.ended(reason, lived=self._on)
            self._on = False
            self._counted = 0
            self._gate.throttle.forget(self.name)
            self._desk.ended(reason)

    def _connecting(self) -> None:
        self._desk.attempt(self.name)
        self._desk.state("CONNECTING", "{}:{}".format(*self._address()))
        self._desk.turn_end()

    def _report(self, text: str) -> None:
        """The initiator says why there is no connection, and for how long."""
        if self._closing:
            return
        cause = self._waits.cause
        halted = cause in PERSONS
        remedy = f" — {REMEDIES[cause]}" if halted else ""
        self._desk.state("HALTED" if halted else "OFFLINE", f"{text}{remedy}")
        self._waits.cause = "unknown"
        self._desk.turn_end()

    def end_turn(self) -> None:
        """Ends a turn, also one of the desk's own, once all of it was taken."""
        if not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._turn_ends)

    def _turn_ends(self) -> None:
        self._turn_due = False
        self._desk.turn_end()
        self._gate.run()
