"""What is wrong with a message, apart from its number, in the order of the rules; by Session."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from thft.fix import tags
from thft.fix.session.terms import Now, SessionConfig
from thft.fix.wire import ABSENT, BadValue, Message


class Severity(Enum):
    """What a refusal brings with it."""

    REJECT = auto()
    REJECT_AND_LOGOUT = auto()
    LOGOUT = auto()
    """Logout with the text; the connection ends after the peer's Logout."""
    END = auto()
    """Logout with the text, and the connection ends."""


class Refusal(NamedTuple):
    """Why a message is not taken: SessionRejectReason, the tag as text or empty, the Text."""

    severity: Severity
    reason: int
    tag: str
    text: str


INCORRECT_BEGIN_STRING = Refusal(Severity.LOGOUT, 0, "", "Incorrect BeginString")
NO_NUMBER = Refusal(Severity.END, 0, "", "Received message without MsgSeqNum")
BAD_NUMBER = Refusal(Severity.END, 0, "", "Received message with incorrect MsgSeqNum")
COMP_ID = Refusal(Severity.REJECT_AND_LOGOUT, 9, "", "CompID problem")
ACCURACY = Refusal(Severity.REJECT_AND_LOGOUT, 10, "", "SendingTime accuracy problem")
NO_ORIGINAL_TIME = Refusal(Severity.REJECT, 1, str(tags.ORIG_SENDING_TIME), "Required tag missing")
BAD_FORMAT = "Incorrect data format for value"


class Admission:
    """Judges the messages of one session."""

    def __init__(self, config: SessionConfig) -> None:
        self._validate = config.dictionary.validate
        self._checks = config.checks
        self._begin_string = config.begin_string
        self._comp_ids = config.check_comp_ids
        self._ours = config.sender.encode()
        self._theirs = config.target.encode()
        self._window_ns = config.sending_time_window_ns

    def header(self, message: Message, now: Now) -> Refusal | None:
        """Returns the first reason to refuse a message, None when it is good."""
        if message.begin_string != self._begin_string:
            return INCORRECT_BEGIN_STRING
        if message.seq < 0:
            return NO_NUMBER if message.seq == -1 else BAD_NUMBER
        reject = self._validate(message, self._checks)
        if reject is not None:
            return Refusal(Severity.REJECT, reject.reason, reject.tag or "", reject.text)
        if self._comp_ids and (
            message.get(tags.SENDER_COMP_ID) != self._theirs
            or message.get(tags.TARGET_COMP_ID) != self._ours
        ):
            return COMP_ID
        return self._time(message, now) if self._window_ns else None

    def _time(self, message: Message, now: Now) -> Refusal | None:
        try:
            sent_ns = message.timestamp_ns(tags.SENDING_TIME)
        except BadValue:
            return Refusal(Severity.REJECT, 6, str(tags.SENDING_TIME), BAD_FORMAT)
        if sent_ns == ABSENT or abs(now.utc_ns - sent_ns) > self._window_ns:
            return ACCURACY
        return None

    def repetition(self, message: Message) -> Refusal | None:
        """Returns what is wrong with a message whose number was used before (43=Y)."""
        try:
            original_ns = message.timestamp_ns(tags.ORIG_SENDING_TIME)
            sent_ns = message.timestamp_ns(tags.SENDING_TIME)
        except BadValue as error:
            return Refusal(Severity.REJECT, 6, str(error.tag), BAD_FORMAT)
        if original_ns == ABSENT:
            return NO_ORIGINAL_TIME
        return ACCURACY if original_ns > sent_ns else None
