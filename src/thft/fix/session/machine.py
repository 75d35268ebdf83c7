"""A FIX session without I/O, for either role: inputs in, bytes and events out; run by its owner.

The owner calls one input after another and, at the end of its turn: `store.flush()`, then writes
`take()`, then `store.left()`, closes the connection when `leave` says why, and waits until
`next_timer_ns`. Nothing is called back. `table` says which input leads where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from thft.fix import tags
from thft.fix.session.admission import BAD_FORMAT, Refusal, Severity
from thft.fix.session.life import Life
from thft.fix.session.resend import Waiting
from thft.fix.session.store import HeaderField, Store
from thft.fix.session.table import KINDS, TABLE, Check, Input, Row
from thft.fix.session.terms import (
    LOGGED_ON_STATES,
    SECOND_NS,
    Event,
    NotLoggedOn,
    Now,
    SessionConfig,
    State,
    UnknownTransition,
)
from thft.fix.wire import BadValue, Garbled, Message, Unsendable


class Session:
    """See the module. One object lives through all connections of one pair of CompIDs."""

    def __init__(self, config: SessionConfig, store: Store) -> None:
        self.config = config
        self.store = store
        self._life = Life(config, store)
        self._clock = Now(0, 0)

    # ---- what the owner calls ------------------------------------------------------------------

    def connected(self, now: Now) -> list[Event]:
        """A connection is there; an initiator speaks."""
        self._signal(Input.CONNECTED, now)
        return self._events()

    def disconnected(self, now: Now, reason: str = "connection lost") -> list[Event]:
        """The connection is gone; may also be said after `leave`."""
        self._signal(Input.DISCONNECTED, now, reason)
        return self._events()

    def received(self, units: Iterable[Message | Garbled], now: Now) -> Iterator[Event]:
        """Takes what the framer cut from the stream of this connection, in order.

        Iterate to the end, and deal with each event before the next: what the owner sends then
        leaves before what the session has to say about later messages.
        """
        life = self._life
        self._clock = now
        for unit in units:
            expected = life.store.next_in
            last = self._unit(unit, now)
            if life.events:
                yield from self._events()
            if life.recovery.gap is not None:
                yield from self._behind(last, expected, now)
            if life.leave:
                return

    def timer(self, now: Now) -> list[Event]:
        """Does what is due; call it at `next_timer_ns` or whenever it pleases."""
        for _ in Input:
            due = next((given for given, at in self._times(now) if at <= now.monotonic_ns), None)
            if due is None:
                break
            self._signal(due, now)
            if due is Input.ANSWER_DUE:
                break
        return self._events()

    def logout(self, text: str, now: Now) -> list[Event]:
        """Ends the session in good order: Logout, the peer's answer or a time-out, `leave`."""
        self._signal(Input.STOP, now, text)
        return self._events()

    def send(self, kind: str, body: bytes, now: Now, extra: tuple[HeaderField, ...] = ()) -> int:
        """Sends an application message; returns its number.

        `body` comes from `wire.pack` or a layout, `extra` are header fields of this message.
        Raises NotLoggedOn, and Unsendable for a type of the session layer.
        """
        life = self._life
        if life.state not in LOGGED_ON_STATES:
            raise self._not_logged_on()
        if kind in tags.ADMIN_TYPES:
            raise Unsendable(tags.MSG_TYPE, f"{kind} belongs to the session layer")
        return life.outbox.application(kind, body, extra, now)

    def reject_business(
        self, message: Message, reason: int, text: str, now: Now, ref_id: str = ""
    ) -> int:
        """Refuses an application message by BusinessMessageReject(380=`reason`)."""
        if self.state not in LOGGED_ON_STATES:
            raise self._not_logged_on()
        return self._life.outbox.business_reject(message, reason, text, ref_id, now)

    def _not_logged_on(self) -> NotLoggedOn:
        return NotLoggedOn(f"the session is {self.state}", "wait until it is logged on")

    def probe(self, now: Now) -> None:
        """Sends a TestRequest of its own id, to measure the round trip; none while one is open.

        One whose answer is overdue is given up: a gap fill may have taken its place.
        """
        life = self._life
        overdue = now.monotonic_ns - life.tested_ns > life.pulse.patience_ns
        if self.state in LOGGED_ON_STATES and (overdue or not life.test_id):
            life.send_test(now, unique=True)

    def take(self) -> bytes:
        """Returns the bytes to write, after `store.flush()`."""
        return self._life.outbox.take()

    @property
    def made(self) -> int:
        """Messages made so far, on all connections; the owner counts what leaves by it."""
        return self._life.outbox.made

    def allow(self, messages: int) -> None:
        """Bounds how many messages the next input may send again; the rest waits for `timer`."""
        self._life.room = messages

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._life.state

    @property
    def epoch(self) -> int:
        """Connections so far. Nothing that waited in one is seen in the next."""
        return self._life.epoch

    @property
    def leave(self) -> str:
        """Why the owner must close the connection once `take` is written; empty: it need not."""
        return self._life.leave

    @property
    def heartbeat_s(self) -> int:
        """HeartBtInt of this connection."""
        return self._life.heartbeat_s

    @property
    def gap(self) -> tuple[int, int] | None:
        """The first and last number of the peer that we lack, as far as known."""
        gap = self._life.recovery.gap
        return None if gap is None else (self.store.next_in, gap.end)

    @property
    def next_timer_ns(self) -> int | None:
        """When `timer` must be called at the latest, monotonic; None for not at all."""
        life = self._life
        if life.state is State.LOGGED_ON and life.window_end_ns is None and not life.resends:
            return life.pulse.next_ns(life.outbox.last_sent_ns)  # asked for after every turn
        return min((at for _, at in self._times(self._clock)), default=None)

    # ---- rows ----------------------------------------------------------------------------------

    def _events(self) -> list[Event]:
        life = self._life
        events, life.events = life.events, []
        return events

    def _row(self, given: Input) -> Row:
        row = TABLE[self._life.state].get(given)
        if row is None:
            raise UnknownTransition(
                f"{given} in state {self._life.state}", "see thft/fix/session/table.py"
            )
        return row

    def _act(self, row: Row, given: Input, subject: Message | str, now: Now) -> None:
        row.action(self._life, subject, now)
        if self._life.state not in row.next:
            raise AssertionError(f"{given} led to {self._life.state}, its row says {row.next}")

    def _signal(self, given: Input, now: Now, text: str = "") -> None:
        self._clock = now
        self._act(self._row(given), given, text, now)

    # ---- messages ------------------------------------------------------------------------------

    def _unit(self, unit: Message | Garbled, now: Now) -> Message | None:
        """Acts on what came; returns a Logout that is acted on behind what waits for it."""
        if isinstance(unit, Garbled):
            self._signal(Input.GARBLED, now, f"garbled message: {unit.reason}")
            return None
        life = self._life
        life.pulse.heard(now.monotonic_ns)
        if life.config.messages_per_s and self._flooded(now):
            return None
        given = KINDS.get(unit.type, Input.APPLICATION)
        row = self._row(given)
        if row.check is not Check.NONE:
            refusal = life.admission.header(unit, now)
            if refusal is not None:
                life.refuse(unit, refusal, now)
                return None
            if row.check is Check.NUMBER:
                if not life.numbered(unit, now):
                    return None
            elif row.check is Check.LAST and unit.seq == life.store.next_in:
                life.consume()
                if life.recovery.gap is not None:
                    return unit
        try:
            self._act(row, given, unit, now)
        except BadValue as error:
            self._unreadable(unit, error, now)
        return None

    def _behind(self, last: Message | None, before: int, now: Now) -> Iterator[Event]:
        """Acts on what waited, then on a Logout that comes last, and asks for what is missing.

        `before` is the number that was expected before the message.
        """
        life = self._life
        yield from self._drain(now)
        if last is not None and not life.leave:
            self._act(self._row(Input.LOGOUT), Input.LOGOUT, last, now)
            yield from self._events()
        if life.recovery.gap is not None:
            progress = life.store.next_in > before
            if life.recovery.settled(life.store.next_in, now.monotonic_ns, progress):
                life.ask(now)
            life.note_gap()
        yield from self._events()

    def _unreadable(self, message: Message, error: BadValue, now: Now) -> None:
        """Refuses a session message whose value the dictionary was told to let pass."""
        if self._life.state in (State.AWAIT_LOGON, State.LOGON_SENT):
            self._life.end(f"Logon refused: {error.cause}")
        else:
            refusal = Refusal(Severity.REJECT, 6, str(error.tag), BAD_FORMAT)
            self._life.refuse(message, refusal, now)

    def _drain(self, now: Now) -> Iterator[Event]:
        """Acts on what waited for the number that is expected now."""
        life = self._life
        while len(life.recovery):
            waiting = life.recovery.next(life.store.next_in)
            if waiting is None:
                return
            self._waited(waiting, now)
            yield from self._events()

    def _waited(self, waiting: Waiting, now: Now) -> None:
        message = waiting.message
        if message is None:
            self._life.consume()
            return
        given = KINDS.get(message.type, Input.APPLICATION)
        row = self._row(given)
        if row.check is Check.NUMBER:
            self._life.consume()
        self._act(row, given, message, now)

    def _flooded(self, now: Now) -> bool:
        """Counts a message in its second; twice the limit ends the session."""
        life = self._life
        arrived, limit = life.arrived, life.config.messages_per_s
        while arrived and arrived[0] <= now.monotonic_ns - SECOND_NS:
            arrived.popleft()
        arrived.append(now.monotonic_ns)
        if len(arrived) <= 2 * limit or life.state not in LOGGED_ON_STATES:
            return False
        life.end_with_logout(f"More than {2 * limit} messages in a second", now)
        return True

    # ---- times ---------------------------------------------------------------------------------

    def _times(self, now: Now) -> list[tuple[Input, int]]:
        """Returns what comes when, the most urgent first."""
        life = self._life
        if life.state in (State.AWAIT_LOGON, State.LOGON_SENT):
            return [(Input.LOGON_LATE, life.deadline_ns)]
        times: list[tuple[Input, int | None]] = []
        if life.state is State.LOGOUT_SENT:
            times.append((Input.LOGOUT_LATE, life.deadline_ns))
        elif life.state in LOGGED_ON_STATES:
            pulse = life.pulse
            times.append((Input.DEAD, pulse.dead_ns))
            times.append((Input.SILENT, pulse.probe_ns))
            times.append((Input.HEARTBEAT_DUE, pulse.heartbeat_ns(life.outbox.last_sent_ns)))
            if life.state is State.RECOVERING:
                times.append((Input.FILL_LATE, life.recovery.due_ns))
            if life.window_end_ns is not None:
                left_ns = life.window_end_ns - now.utc_ns
                times.append((Input.WINDOW_OVER, now.monotonic_ns + left_ns))
        if life.resends:
            times.append((Input.ANSWER_DUE, now.monotonic_ns))
        return [(given, at) for given, at in times if at is not None]
