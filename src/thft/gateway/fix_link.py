"""One TCP connection of a FIX session: socket, framer, session, store; made by acceptor, initiator.

A turn takes at most 64 messages, hands every event to the application, flushes the store and only
then writes, once. A peer that does not read is cut when too much waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, cast

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.session import Event, Now, Session, State
from thft.fix.wire import Framer, Garbled, Message, MessageTooLong
from thft.host import clock

MESSAGES_PER_TURN = 64
BACKLOG_MESSAGES = 1_024
"""So many messages not yet taken stop the reading."""
LINGER_S = 5.0
"""A peer gets so long to read what was written before we closed."""

ANSWERED = frozenset((tags.MSG_TEST_REQUEST, tags.MSG_RESEND_REQUEST))
"""Messages that always make the session say something; others do when something is wrong."""

Unit = Message | Garbled


class FixApplication(Protocol):
    """What a session is for: it may call the session's `send` and others, nothing else."""

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Takes one event, before the session goes on. An exception ends the connection."""
        ...


class Pace(Protocol):
    """How fast a session may speak; without room it is neither told anything nor woken."""

    @property
    def step(self) -> int:
        """How much room one message or timer may take, besides resends."""
        ...

    def room(self) -> int:
        """Returns how many messages may leave now."""
        ...

    def wait_ns(self) -> int:
        """Returns how long until there is room for a step, 0 for now."""
        ...

    def made(self, messages: int) -> None:
        """Counts messages that the session has made, those of its application too."""
        ...


class LinkOwner(Protocol):
    """Who made a link."""

    def first(self, link: FixLink, unit: Unit) -> None:
        """Takes the first unit of a link that has no session yet; `attach` or `drop` it."""
        ...

    def ended(self, link: FixLink, reason: str) -> None:
        """The connection is over."""
        ...


def now() -> Now:
    """Returns this moment on both clocks."""
    return Now(*clock.moment())


class Arrival(NamedTuple):
    """When a message came, monotonic, and whether the kernel says so or we do."""

    monotonic_ns: int
    kernel: bool


def arrived() -> Arrival:
    """Returns when the bytes came that the loop hands on now: now."""
    return Arrival(clock.moment()[0], kernel=False)


class FixLink(asyncio.Protocol):
    """See the module; `session` is None until an acceptor knows who is there."""

    def __init__(
        self,
        owner: LinkOwner,
        *,
        max_message_bytes: int = 1 << 20,
        write_limit_bytes: int = 16 << 20,
        clock: Callable[[], Now] = now,
        pace: Pace | None = None,
    ) -> None:
        self._owner = owner
        self._pace = pace
        self._made = 0
        """Messages of the session that the pace has been told of."""
        self._now = clock
        self._write_limit = write_limit_bytes
        self._framer = Framer(max_message_bytes)
        self._backlog: deque[tuple[Unit, Arrival]] = deque()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._scheduled = False
        self._asked = False
        self._reading = True
        self._application: FixApplication | None = None
        self.session: Session | None = None
        self.arrived = arrived
        """Says when the bytes came that `data_received` is given."""
        self.arrival = Arrival(0, kernel=False)
        """When the message that is being taken came."""
        self.reason = ""
        """Why the connection is over, or is being closed."""
        self.failure: LocalError | None = None
        """The store could not keep a turn; nothing of that turn has left."""

    # ---- what the owner does -------------------------------------------------------------------

    @property
    def peer(self) -> str:
        """The peer's address, without the port."""
        if self._transport is None:
            return ""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def unread_bytes(self) -> int:
        """Bytes that came and were no message: skipped, or one that is not complete."""
        return self._framer.skipped_bytes + self._framer.pending_bytes

    def attach(self, session: Session, application: FixApplication) -> None:
        """Gives the link its session, which begins here, and takes what waits."""
        moment = self._now()
        self.session, self._application = session, application
        self._made = session.made
        self._tell(session.connected(moment), moment)
        self._finish(moment)
        if self._backlog:
            self._turn()

    def drop(self, reason: str, last_words: bytes = b"") -> None:
        """Closes a connection that has no session."""
        if self._transport is not None and last_words:
            self._transport.write(last_words)
        self._close(reason)

    def logout(self, text: str) -> None:
        """Ends the session in good order."""
        if self.session is not None:
            moment = self._now()
            self._tell(self.session.logout(text, moment), moment)
            self._finish(moment)

    def flush(self) -> None:
        """Writes what the application has sent outside of an event."""
        self._finish(self._now())

    # ---- the loop's calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notes the socket; an initiator attaches its session next."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cuts bytes into messages and takes a turn."""
        if self.reason:
            return
        arrival = self.arrived()
        try:
            self._backlog += [(unit, arrival) for unit in self._framer.feed(data)]
        except MessageTooLong as error:
            self._backlog += [(unit, arrival) for unit in error.units]
            self._turn()
            self._close(error.cause)
            return
        if not self._scheduled:
            self._turn()

    def eof_received(self) -> bool:
        """The peer sends no more: the connection is over."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Ends the session's connection and tells the owner."""
        if self._timer is not None:
            self._timer.cancel()
        moment = self._now()
        said = f"connection lost: {error}" if error else "the peer closed the connection"
        self.reason = self.reason or said
        self._transport = None
        self._backlog.clear()
        if self.session is not None:
            self._tell(self.session.disconnected(moment, self.reason), moment)
            if self._store(self.session):
                self.session.store.left()
        self._owner.ended(self, self.reason)

    # ---- turns ---------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Takes a turn's messages; what is more waits until other links had theirs."""
        self._scheduled = False
        backlog = self._backlog
        if self.session is None:
            if backlog and not self._asked:
                self._asked = True
                self._owner.first(self, backlog[0][0])
            self._mind_reading()
            return
        if self.session.state is State.DISCONNECTED:
            return
        count = min(len(backlog), MESSAGES_PER_TURN)
        moment = self._now()
        application = self._application
        assert application is not None
        for event in self.session.received(self._units(count), moment):
            application.happened(self.session, event, moment)
        self._finish(moment)
        if self.reason:
            backlog.clear()
        elif backlog:
            self._scheduled = True
            self._loop.call_later(self._pause_s(backlog[0][0]), self._turn)
        self._mind_reading()

    def _units(self, count: int) -> Iterator[Unit]:
        """Takes messages in order; `arrival` is always that of the last one taken."""
        backlog, pace, session = self._backlog, self._pace, self.session
        assert session is not None
        room = step = 1
        if pace is not None:
            room, step = self._room(pace), pace.step
        for _ in range(count):
            if pace is not None and session.made != self._made:
                room = self._room(pace)
            if room < step and _silent(room, backlog[0][0]):
                return
            unit, self.arrival = backlog.popleft()
            yield unit

    def _pause_s(self, unit: Unit) -> float:
        """Returns how long a message must wait, 0 for not at all."""
        pace = self._pace
        if pace is None:
            return 0.0
        room = self._room(pace)
        return pace.wait_ns() / 1e9 if room < pace.step and _silent(room, unit) else 0.0

    def _room(self, pace: Pace) -> int:
        """Counts what the session has made; tells it how much it may send again."""
        session = self.session
        assert session is not None
        pace.made(session.made - self._made)
        self._made = session.made
        room = pace.room()
        session.allow(max(room - pace.step, 1))
        return room

    def _mind_reading(self) -> None:
        """Stops reading while too many messages wait."""
        wanted = len(self._backlog) < BACKLOG_MESSAGES
        if self._transport is not None and wanted != self._reading and not self.reason:
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _tell(self, events: list[Event], moment: Now) -> None:
        assert self.session is not None and self._application is not None
        for event in events:
            self._application.happened(self.session, event, moment)

    def _finish(self, moment: Now) -> None:
        """Stores, writes, closes if that is wanted, and sets the timer."""
        session, transport = self.session, self._transport
        if session is None or transport is None or not self._store(session):
            return
        data = session.take()
        if data:
            transport.write(data)
            if self._pace is not None:
                self._room(self._pace)
        session.store.left()
        waiting = transport.get_write_buffer_size()
        if waiting > self._write_limit:
            self._close(f"the peer does not read: {waiting} bytes wait for it")
            transport.abort()
        elif session.leave:
            self._close(session.leave)
        self._set_timer(session, moment)

    def _store(self, session: Session) -> bool:
        """Makes the turn survive before any of it leaves; on failure nothing leaves."""
        try:
            session.store.flush()
        except LocalError as error:
            self.failure = error
            self._close(f"the store failed: {error}")
            if self._transport is not None:
                self._transport.abort()
            return False
        return True

    def _set_timer(self, session: Session, moment: Now) -> None:
        """Sets the timer anew only when it would come too late: most turns put it off."""
        due_ns = session.next_timer_ns
        if self._timer is not None:
            if due_ns is not None and self._timer_ns <= due_ns and not self.reason:
                return
            self._timer.cancel()
            self._timer = None
        if due_ns is not None and not self.reason:
            wait_s = max(due_ns - moment.monotonic_ns, 0) / 1e9
            self._timer, self._timer_ns = self._loop.call_later(wait_s, self._due), due_ns

    def _due(self) -> None:
        self._timer = None
        if self.session is not None and self.session.state is not State.DISCONNECTED:
            pace = self._pace
            if pace is not None and self._room(pace) < pace.step:
                self._timer = self._loop.call_later(pace.wait_ns() / 1e9, self._due)
                return
            moment = self._now()
            self._tell(self.session.timer(moment), moment)
            self._finish(moment)

    def _close(self, reason: str) -> None:
        self.reason = self.reason or reason
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(LINGER_S, self._abort)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _silent(room: int, unit: Unit) -> bool:
    """Returns whether a message must wait, because with less than a step of room it may not.

    What needs no answer waits only when there is no room at all: it may have to be refused.
    """
    return room < 1 or (isinstance(unit, Message) and unit.type in ANSWERED)
