"""`thft fix-echo`: a FIX 4.4 acceptor that sends orders back, for conformance tests of sessions."""

from __future__ import annotations

from thft.fix import tags
from thft.fix.dictionary import Dictionary
from thft.fix.session import Application, Event, Now, Session, State, StateChanged
from thft.fix.wire import Message, pack

ECHOED = frozenset("DdC")
UNSUPPORTED_TYPE = 3
OWN_HEADER = frozenset((8, 9, 34, 35, 43, 49, 52, 56, 122, 369, 627, 628, 629, 630))
"""Header fields that a new message has of its own; all others come back."""
IDS_KEPT = 100_000


class Echo:
    """Sends orders, security definitions and mails back as new messages with the same content."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._seen: dict[bytes, None] = {}

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Answers what the session delivers."""
        if isinstance(event, StateChanged) and event.state is State.DISCONNECTED:
            self._seen.clear()
        elif isinstance(event, Application):
            self._answer(session, event.message, now)

    def _answer(self, session: Session, message: Message, now: Now) -> None:
        if message.type not in ECHOED:
            session.reject_business(message, UNSUPPORTED_TYPE, "Unsupported Message Type", now)
            return
        order_id = message.get(tags.CL_ORD_ID)
        if order_id is not None:
            if message.get(tags.POSS_RESEND) == b"Y" and order_id in self._seen:
                return
            self._seen[order_id] = None
            if len(self._seen) > IDS_KEPT:
                del self._seen[next(iter(self._seen))]
        body = self._dictionary.body(message)
        body += [
            (tag, value)
            for tag in (tags.SIGNATURE_LENGTH, tags.SIGNATURE)
            if (value := message.get(tag)) is not None
        ]
        extra = tuple(
            field
            for field in message.fields()
            if field[0] in tags.HEADER_TAGS and field[0] not in OWN_HEADER
        )
        session.send(message.type, pack(body), now, extra)
