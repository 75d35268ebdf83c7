"""One FIX session of the client under observation: all it hears is kept; made by `trial`.

It is the client's own channel with its session, throttle, TLS and budgets: only a desk that asks
what certification asks stands where the quote and order desks stand.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from thft.fix.session import (
    Application,
    Event,
    Now,
    PeerRejected,
    Session,
    StateChanged,
    Store,
)
from thft.fix.session import RoundTrip as Answered
from thft.fix.wire import Message
from thft.gateway.fix.channel import Channel
from thft.gateway.fix.quotes import QuoteDesk
from thft.gateway.fix_link import now
from thft.gateway.limiter import Lane

PRICES = frozenset("WXY")
INVALID_TYPE = "11"
LACKS = ("1", "4")
"""SessionRejectReasons(373): an unknown type; a field that is missing or empty."""


class Left(NamedTuple):
    """A message of ours that has left: when (monotonic ns) and what; session messages are ''."""

    ns: int
    kind: str


class Refused(NamedTuple):
    """A message of ours that was refused by Reject(3) or BusinessMessageReject(j)."""

    unsupported: bool
    """The venue does not know such messages."""
    text: str
    incomplete: bool = False
    """It lacks a field."""
    ref: str = ""
    """Our name of the message, for a Reject."""


class Ear:
    """The desk of a line: notes what it is told, and lets a quote desk hear the prices."""

    ready = True

    def __init__(self, news: asyncio.Event) -> None:
        self._news = news
        self.quotes: QuoteDesk | None = None
        self.words = ("", "")
        """State and reason, as a person would read them."""

    @property
    def away(self) -> bool:
        """There is no session, and an attempt has failed."""
        return self.words[0] in ("OFFLINE", "HALTED")

    def attempt(self, link: str) -> None:
        """See Desk."""

    def logged_on(self, heartbeat_s: int) -> None:
        """See Desk."""

    def ended(self, reason: str) -> None:
        """See Desk."""

    def message(self, message: Message) -> None:
        """See Desk."""
        if self.quotes is not None and message.type in PRICES:
            self.quotes.message(message)

    def rejected(self, ref: str, text: str) -> None:
        """See Desk."""
        if self.quotes is not None and ref.startswith("md"):
            self.quotes.rejected(ref, text)

    def state(self, state: str, reason: str) -> None:
        """See Desk."""
        self.words = state, reason
        self._news.set()

    def fault(self, fault: str, detail: str) -> None:
        """See Desk."""

    def round_trip(self, ns: int) -> None:
        """See Desk."""

    def turn_end(self) -> None:
        """See Desk."""


class Line(Channel):
    """See the module. `seen` has every event of all its connections, in order."""

    def __init__(self, news: asyncio.Event, store: Store, *terms: Any) -> None:
        """`terms`: what a channel takes, without its store and desk."""
        dialect, link, settings, *rest = terms
        self.ear, self.store = Ear(news), store
        super().__init__(dialect, link, settings, store, self.ear, *rest)
        self.roles, self.header = link.roles, [*link.header]
        self.seen: list[Event] = []
        self.rejects: list[Refused] = []
        """What the peer's session layer has refused."""
        self.left: list[Left] = []
        """Every message of ours that has left."""
        self._noted = store.next_out
        self._news = news
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Connects, and again whenever the connection ends."""
        self._task = asyncio.ensure_future(self.run())

    @property
    def away(self) -> bool:
        """There is no session, and an attempt has failed or broken off."""
        return self.ear.away or (self._task is not None and self._task.done())

    @property
    def over(self) -> bool:
        """It will not connect again."""
        return self._task is None or self._stopping.is_set()

    def on_or_over(self) -> bool:
        """It is logged on, or never will be again."""
        return self.logged_on or self.over

    def on_or_away(self) -> bool:
        """It is logged on, or its attempt has failed."""
        return self.logged_on or self.away

    async def end(self) -> None:
        """Logs out and waits for the end."""
        self.stop()
        if self._task is not None:
            await self._task

    def happened(self, session: Session, event: Event, moment: Now) -> None:
        """Notes what the channel takes."""
        super().happened(session, event, moment)
        self.seen.append(event)
        if isinstance(event, PeerRejected):
            self.rejects.append(self._reject(event.message))
        self._news.set()

    def flush(self) -> None:
        """Writes what was sent, and notes when."""
        super().flush()
        self._note_left()

    def _note_left(self) -> None:
        """Notes what has left since the last time; numbers may have started over."""
        if self.store.next_out < self._noted:
            self._noted = 1
        while self._noted < self.store.next_out:
            sent = self.store.sent(self._noted)
            self.left.append(Left(now().monotonic_ns, sent.type if sent is not None else ""))
            self._noted += 1

    def _reject(self, message: Message) -> Refused:
        tag, text = message.text(371), message.text(58) or f"reason {message.text(373)}"
        reason = message.text(373)
        return Refused(
            reason == INVALID_TYPE,
            f"{text} (tag {tag})" if tag else text,
            reason in LACKS,
            self._refs.get(message.integer(45), ""),
        )

    # ---- what was heard ------------------------------------------------------------------------

    @property
    def mark(self) -> int:
        """A moment, for the questions below."""
        return len(self.seen)

    def messages(self, since: int = 0) -> list[Message]:
        """Returns the application messages heard since a mark."""
        return [event.message for event in self.seen[since:] if isinstance(event, Application)]

    def states(self, since: int) -> list[StateChanged]:
        """Returns what the session went through since a mark."""
        return [event for event in self.seen[since:] if isinstance(event, StateChanged)]

    def round_trips_ns(self, since: int) -> list[int]:
        """Returns how long TestRequests took that were answered since a mark."""
        return [event.ns for event in self.seen[since:] if isinstance(event, Answered)]

    # ---- what is said --------------------------------------------------------------------------

    def say(self, lane: Lane, kind: str, body: bytes, ref: str = "") -> None:
        """Sends a message within the limits, and at once if they allow it."""
        self.send(lane, kind, body, ref)
        self._gate.run()

    def flood(self, kind: str, body: bytes, count: int) -> None:
        """Sends at once, past all limits."""
        assert self._session is not None
        for _ in range(count):
            self._session.send(kind, body, now())
        self._dirty = True
        self.flush()

    def probe(self) -> None:
        """Sends a TestRequest, if none is open."""
        if self._session is not None:
            self._session.probe(now())
            self._dirty = True
            self.flush()
