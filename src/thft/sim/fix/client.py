"""One client of a simulated venue, from its Logon on; made by the door, used by desk and market."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from thft.fix import tags
from thft.fix.session import LOGGED_ON_STATES, Application, Event, Now, Session, State, StateChanged
from thft.fix.wire import Header, Message, pack
from thft.gateway.dialect import Link
from thft.gateway.fix_link import now
from thft.sim.fix.faults import SAYING, Faults
from thft.sim.fix.profile import Body, Login, Profile
from thft.sim.fix.quotes.market import Reader
from thft.sim.fix.wire import VenueLink

SECOND_NS = 1_000_000_000
WRONG_VALUE = 5


@dataclass(frozen=True)
class House:
    """What a client needs of its venue."""

    profile: Profile
    faults: Faults
    take: Callable[[Client, Message, Now], None]
    """Answers an application message."""
    passing: Callable[[Client, str], None]
    """Hears of every application message, in and out, for faults that wait for one."""
    moved: Callable[[Client, State], None]
    """Hears of every state of the session."""


class Client:
    """One connection that has logged on, or is about to."""

    def __init__(
        self, house: House, link: VenueLink, terms: Link, login: Login, comp_id: str
    ) -> None:
        self._house = house
        self.link = link
        self.terms = terms
        self.login = login
        self.comp_id = comp_id
        """Its 49."""
        self.known = True
        """It has shown its password."""
        self.reader = Reader(self._send)
        self.streams_positions = False
        """It hears of every change of a position."""
        self._arrived: deque[int] = deque()
        """When the messages of the last second came."""

    @property
    def session(self) -> Session:
        """Its session."""
        assert self.link.session is not None
        return self.link.session

    @property
    def logged_on(self) -> bool:
        """Messages can be said to it."""
        return self.link.session is not None and self.link.session.state in LOGGED_ON_STATES

    def say(self, kind: str, body: Body) -> None:
        """Sends an application message, unless a fault has it otherwise."""
        self._send(kind, pack(body))

    def _send(self, kind: str, body: bytes) -> None:
        if not self.logged_on:
            return
        self._house.passing(self, kind)
        faults = {fault.do for fault in self._house.faults.hit(SAYING, self.terms.name, kind)}
        if "swallow" in faults or not self.logged_on:
            return
        for _ in range(2 if "repeat" in faults else 1):
            self.session.send(kind, body, now())
        self.link.flush()

    def reject(self, message: Message, reason: int, text: str, ref_id: str = "") -> None:
        """Refuses a message by BusinessMessageReject or Reject, as the venue writes it."""
        if self._house.profile.quirks.session_rejects:
            self._session_reject(message, text)
            return
        body: Body = [(tags.TEXT, text), (tags.BUSINESS_REJECT_REASON, "0")]
        if not self._house.profile.quirks.business_reject:
            body = [
                (tags.TEXT, text),
                (tags.BUSINESS_REJECT_REASON, reason),
                (tags.REF_SEQ_NUM, message.seq),
                (tags.REF_MSG_TYPE, message.type),
            ]
        if ref_id:
            body.append((tags.BUSINESS_REJECT_REF_ID, ref_id))
        self.say("j", body)

    def _session_reject(self, message: Message, text: str) -> None:
        """Sends a Reject(3), which a session does not say for its application."""
        session, wire = self.session, self.link.wire
        assert wire is not None
        body: Body = [
            (tags.REF_SEQ_NUM, message.seq),
            (tags.REF_MSG_TYPE, message.type),
            (tags.SESSION_REJECT_REASON, WRONG_VALUE),
            (tags.TEXT, text),
        ]
        config, seq = session.config, session.store.next_out
        ids = ((tags.SENDER_COMP_ID, config.sender), (tags.TARGET_COMP_ID, config.target))
        header = Header(config.begin_string, (*ids, *config.header), config.timestamp_digits)
        wire.put_raw(header.encode(tags.MSG_REJECT, seq, now().utc_ns, pack(body)))
        session.store.append(None)

    def happened(self, session: Session, event: Event, moment: Now) -> None:
        """Takes what the session says; nothing is done for a client that is being logged out."""
        if isinstance(event, Application) and self.logged_on:
            self._house.passing(self, event.message.type)
            self._house.take(self, event.message, moment)
        elif isinstance(event, StateChanged):
            self._house.moved(self, event.state)

    def too_fast(self, limit: int, monotonic_ns: int) -> bool:
        """Counts a message; returns whether it is one too many in a second."""
        arrived = self._arrived
        while arrived and arrived[0] <= monotonic_ns - SECOND_NS:
            arrived.popleft()
        arrived.append(monotonic_ns)
        return len(arrived) > limit
