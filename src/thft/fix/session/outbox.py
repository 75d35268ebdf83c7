"""What a session sends: numbers, headers, the session's own messages; owned by Session.

Bytes wait here until the owner has flushed the store and takes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from thft.fix import tags
from thft.fix.session.resend import Fill
from thft.fix.session.store import HeaderField, Sent, Store
from thft.fix.session.terms import BodyField, Now, SessionConfig
from thft.fix.wire import Header, Message, format_timestamp, pack

POSS_DUP = (tags.POSS_DUP_FLAG, b"Y")
ROUTES_BACK = (
    (tags.ON_BEHALF_OF_COMP_ID, tags.DELIVER_TO_COMP_ID),
    (tags.ON_BEHALF_OF_SUB_ID, tags.DELIVER_TO_SUB_ID),
    (tags.ON_BEHALF_OF_LOCATION_ID, tags.DELIVER_TO_LOCATION_ID),
)
NO_TAG = ""


class Outbox:
    """Gives every message its number and header, and keeps what may have to go out again."""

    def __init__(self, config: SessionConfig, store: Store) -> None:
        self._config = config
        self._store = store
        self._never, self._orders = config.resend.never, config.resend.orders
        comp_ids = ((tags.SENDER_COMP_ID, config.sender), (tags.TARGET_COMP_ID, config.target))
        self._header = Header(
            config.begin_string, (*comp_ids, *config.header), config.timestamp_digits
        )
        self._bytes: list[bytes] = []
        self.last_sent_ns = 0
        """When the last message was made, monotonic."""
        self.made = 0
        """Messages so far, sent again or not."""

    def take(self) -> bytes:
        """Returns what is to be written, and forgets it."""
        taken = b"".join(self._bytes)
        self._bytes.clear()
        return taken

    def clear(self) -> None:
        """Forgets what was not taken: its connection is gone."""
        self._bytes.clear()

    # ---- application and session messages ------------------------------------------------------

    def application(self, kind: str, body: bytes, extra: tuple[HeaderField, ...], now: Now) -> int:
        """Sends an application message; returns its number."""
        store = self._store
        seq = store.next_out
        self._encode(kind, seq, body, extra, now)
        kept = None
        if kind not in self._never:
            kept = Sent(seq, kind, now.utc_ns, body, extra, kind in self._orders)
        store.append(kept)
        return seq

    def session(
        self, kind: str, fields: Iterable[BodyField], now: Now, extra: tuple[HeaderField, ...] = ()
    ) -> None:
        """Sends a message of the session layer."""
        seq = self._store.next_out
        body = pack(fields)
        self._encode(kind, seq, body, extra, now)
        keep = kind == tags.MSG_REJECT and self._config.resend.rejects
        self._store.append(Sent(seq, kind, now.utc_ns, body, extra) if keep else None)

    def logon(self, heartbeat_s: int, reset_flag: str, next_expected: int | None, now: Now) -> None:
        """Sends a Logon; `reset_flag` is what 141 says, empty to leave it out."""
        config = self._config
        fields: list[BodyField] = [(tags.ENCRYPT_METHOD, 0), (tags.HEART_BT_INT, heartbeat_s)]
        if reset_flag:
            fields.append((tags.RESET_SEQ_NUM_FLAG, reset_flag))
        if next_expected is not None:
            fields.append((tags.NEXT_EXPECTED_MSG_SEQ_NUM, next_expected))
        if config.initiator:
            fields += config.logon
        if config.initiator and config.sign_logon is not None:
            fields += config.sign_logon(self._store.next_out, self._timestamp(now.utc_ns))
        self.session(tags.MSG_LOGON, fields, now)

    def logout(self, text: str, now: Now) -> None:
        """Sends a Logout."""
        self.session(tags.MSG_LOGOUT, [(tags.TEXT, text)] if text else [], now)

    def uncounted_logout(self, text: str, now: Now) -> None:
        """Sends a Logout that uses up no number: the session it refuses has not begun."""
        self._encode(tags.MSG_LOGOUT, self._store.next_out, pack([(tags.TEXT, text)]), (), now)

    def reject(self, message: Message, reason: int, tag: str, text: str, now: Now) -> None:
        """Sends a Reject of `message`; `tag` is empty when the reason lies in no one field."""
        fields: list[BodyField] = [
            (tags.REF_SEQ_NUM, message.seq),
            (tags.TEXT, text),
            (tags.REF_MSG_TYPE, message.type),
            (tags.SESSION_REJECT_REASON, reason),
        ]
        if tag:
            fields.append((tags.REF_TAG_ID, tag))
        self.session(tags.MSG_REJECT, fields, now, route_back(message))

    def business_reject(
        self, message: Message, reason: int, text: str, ref_id: str, now: Now
    ) -> int:
        """Sends a BusinessMessageReject of `message`; returns its number."""
        fields: list[BodyField] = [
            (tags.REF_SEQ_NUM, message.seq),
            (tags.TEXT, text),
            (tags.REF_MSG_TYPE, message.type),
            (tags.BUSINESS_REJECT_REASON, reason),
        ]
        if ref_id:
            fields.append((tags.BUSINESS_REJECT_REF_ID, ref_id))
        kind = tags.MSG_BUSINESS_MESSAGE_REJECT
        return self.application(kind, pack(fields), route_back(message), now)

    # ---- resends -------------------------------------------------------------------------------

    def again(self, fill: Fill, now: Now) -> None:
        """Sends one message of an answer to a ResendRequest under its old number."""
        sent = fill.sent
        if sent is None:
            time = self._timestamp(now.utc_ns)
            body = pack([(tags.NEW_SEQ_NO, fill.next_seq), (tags.GAP_FILL_FLAG, "Y")])
            again = (POSS_DUP, (tags.ORIG_SENDING_TIME, time))
            self._encode(tags.MSG_SEQUENCE_RESET, fill.seq, body, again, now)
        else:
            time = self._timestamp(sent.sending_ns)
            header = (POSS_DUP, (tags.ORIG_SENDING_TIME, time), *sent.extra)
            self._encode(sent.type, sent.seq, sent.body, header, now)

    def _timestamp(self, utc_ns: int) -> bytes:
        return format_timestamp(utc_ns, self._config.timestamp_digits)

    def _encode(
        self, kind: str, seq: int, body: bytes, extra: tuple[HeaderField, ...], now: Now
    ) -> None:
        if self._config.last_processed:
            last = b"%d" % (self._store.next_in - 1)
            extra = (*extra, (tags.LAST_MSG_SEQ_NUM_PROCESSED, last))
        self._bytes.append(self._header.encode(kind, seq, now.utc_ns, body, extra))
        self.last_sent_ns = now.monotonic_ns
        self.made += 1


def route_back(message: Message) -> tuple[HeaderField, ...]:
    """Returns the header fields that lead an answer back to whom `message` was sent for."""
    back: list[HeaderField] = []
    for there, here in ROUTES_BACK:
        for source, target in ((there, here), (here, there)):
            value = message.get(source)
            if value:
                back.append((target, value))
    return tuple(back)
