"""What a session and its owner say to each other: settings, time, states, events; used by both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from thft.base.errors import LocalError
from thft.fix.dictionary import STRICT, Dictionary
from thft.fix.session.schedule import Schedule
from thft.fix.session.store import Sent
from thft.fix.terms import Checks
from thft.fix.wire import Message

SECOND_NS = 1_000_000_000

BodyField = tuple[int, str | bytes | int]
LogonSigner = Callable[[int, bytes], Iterable[BodyField]]
"""(MsgSeqNum, text of SendingTime) → body fields such as 95 and 96; pure and quick."""


class Now(Struct, frozen=True, gc=False):
    """One moment on two clocks: timers go by the first, SendingTime and schedules by the second."""

    monotonic_ns: int
    utc_ns: int


class State(StrEnum):
    """Where a session stands; the table in `session` says what leads from one to another."""

    DISCONNECTED = "disconnected"
    AWAIT_LOGON = "await logon"
    LOGON_SENT = "logon sent"
    LOGGED_ON = "logged on"
    RECOVERING = "recovering"
    LOGOUT_SENT = "logout sent"


LOGGED_ON_STATES = frozenset((State.LOGGED_ON, State.RECOVERING))


class NotLoggedOn(LocalError):
    """An application message for a session that is not logged on; it took no number."""


class UnknownTransition(LocalError):
    """An input that a state cannot meet: the owner called in the wrong order."""


@dataclass(frozen=True, kw_only=True)
class ResendPolicy:
    """Which of our messages go out again when the peer asks; all others are gap-filled."""

    never: frozenset[str] = frozenset("WX")
    """Market data: not even kept."""
    orders: frozenset[str] = frozenset(("D", "E", "F", "G", "q", "s", "t", "u", "AB", "AC"))
    order_age_ns: int | None = 10 * SECOND_NS
    """An older order is never sent again, because the market it was meant for is gone."""
    rejects: bool = True
    """Reject(3) goes out again, which the specification permits."""
    messages_per_turn: int = 500
    same_request_limit: int = 5
    """The same range again within `same_request_ns` so many times ends the session."""
    same_request_ns: int = 10 * SECOND_NS
    open_requests_limit: int = 16


@dataclass(frozen=True, kw_only=True)
class RecoveryPolicy:
    """How missing messages of the peer are asked for, and how much may wait meanwhile."""

    chunk: int = 0
    """So many messages a ResendRequest; 0 asks for all at once."""
    timeout_ns: int = 10 * SECOND_NS
    """Without progress for so long the request is repeated, then after twice the time …"""
    tries: int = 3
    queue_messages: int = 10_000
    queue_bytes: int = 16 << 20


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """Everything a session is told before it begins."""

    sender: str
    target: str
    dictionary: Dictionary
    initiator: bool = False
    begin_string: str = "FIX.4.4"
    header: tuple[BodyField, ...] = ()
    """Header fields of every message besides 49 and 56."""
    logon: tuple[BodyField, ...] = field(default=(), repr=False)
    """Body fields of our Logon, such as 553 and 554: nothing to show."""
    sign_logon: LogonSigner | None = None
    heartbeat_s: int = 30
    """What an initiator proposes; an acceptor takes what is proposed."""
    reset_on_logon: bool = False
    """Numbers start over at every Logon; an initiator says so with 141=Y."""
    say_no_reset: bool = False
    """An initiator that goes on says 141=N instead of nothing."""
    next_expected: bool = False
    """Logon carries NextExpectedMsgSeqNum(789)."""
    last_processed: bool = False
    """Headers carry LastMsgSeqNumProcessed(369)."""
    checks: Checks = STRICT
    """Which rules of the dictionary hold."""
    timestamp_digits: int = 3
    check_comp_ids: bool = True
    sending_time_window_ns: int = 120 * SECOND_NS
    """How far SendingTime may be from our clock; 0 turns the check off."""
    unique_test_ids: bool = False
    """TestReqID(112) differs every time, which measures round trips; else it is TEST."""
    silence_cap_ns: int = 20 * SECOND_NS
    """An initiator sends TestRequest at the latest after so much silence; 0 for 1.2 intervals."""
    idle_limit_ns: int = 0
    """With HeartBtInt 0 the session ends after so much silence; 0 for never."""
    logon_timeout_ns: int = 10 * SECOND_NS
    logout_timeout_ns: int = 2 * SECOND_NS
    messages_per_s: int = 0
    """More messages of the peer in a second are answered by BusinessReject, twice as many end
    the session; 0 for no limit."""
    schedule: Schedule | None = None
    outside_schedule: str = "silent"
    """A Logon between two windows is answered by nothing, or by a `logout`."""
    resend: ResendPolicy = field(default_factory=ResendPolicy)
    recovery: RecoveryPolicy = field(default_factory=RecoveryPolicy)


class StateChanged(NamedTuple):
    """The session is in another state, for a reason that a person can read."""

    state: State
    reason: str


class Application(Struct, frozen=True):
    """An application message, in order and once; `message.get(97)` may call it a repetition."""

    message: Message


class PeerRejected(NamedTuple):
    """The peer's session layer refused a message of ours."""

    message: Message


class RejectSent(NamedTuple):
    """A message of the peer was refused."""

    seq: int
    type: str
    reason: int
    tag: str
    text: str


class OrdersResent(NamedTuple):
    """These orders of ours have gone out again with PossDupFlag, because the peer asked."""

    orders: tuple[Sent, ...]


class NumbersReset(NamedTuple):
    """Both sides start over; so many messages of ours cannot be asked for any more."""

    cause: str
    kept_messages: int


class QueueDropped(NamedTuple):
    """Messages that waited for a gap to be filled were dropped; they are asked for again."""

    messages: int


class RoundTrip(NamedTuple):
    """Our TestRequest was answered after so many ns."""

    ns: int


class Throttled(NamedTuple):
    """An application message above the peer's rate limit was refused."""

    message: Message


Event = (
    StateChanged
    | Application
    | PeerRejected
    | RejectSent
    | OrdersResent
    | NumbersReset
    | QueueDropped
    | RoundTrip
    | Throttled
)
