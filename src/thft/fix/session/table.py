"""The transition table of a session: states × inputs → check, action, next; read by Session alone.

Theory. A session lives through connections. On each it exchanges Logons, then messages whose
numbers rise by one in each direction, then Logouts. The role matters only until the Logons are
exchanged: an initiator speaks first, an acceptor answers.

    DISCONNECTED ──connected──▶ LOGON_SENT (initiator) ──Logon──▶ LOGGED_ON ⇄ RECOVERING
         ▲        └───────────▶ AWAIT_LOGON (acceptor) ──Logon──▶     │          │
         └────────── the connection ends ◀──── LOGOUT_SENT ◀── our Logout ───────┘

LOGGED_ON expects the next number; RECOVERING lacks some and has asked for them, and is otherwise
the same: it sends, answers and delivers in order. LOGOUT_SENT waits for the peer's Logout and
sends no more orders, but still delivers and still answers ResendRequests, so nothing is lost.

A message first passes the check of its row:
- NONE: the action judges the message itself (nobody is logged on yet);
- HEADER: BeginString, MsgSeqNum present, dictionary, CompIDs, SendingTime. For what acts whatever
  its number: a ResendRequest must be answered while we lack messages ourselves, else two sides
  with a gap wait for each other for ever; a reset is there because the numbers are wrong;
- LAST: the same for a Logout, which ends the session in any case: when its number is the expected
  one it is used up and what waited behind it is acted on first, then the row is looked up again;
- NUMBER: the same, then the number: too high opens a gap and waits, too low is a repetition or
  ends the session, the expected one is used up before the action.
A check that fails acts itself (Reject, Logout, or the connection ends) and the row's action does
not take place; that may lead from a logged-on state to LOGOUT_SENT or DISCONNECTED.

After every message the queue is drained as far as numbers follow one another, each entry by its
own row. What no row names is an error of the owner (UnknownTransition), and an action that leads
elsewhere than its row says is an error of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum, auto
from typing import Any, NamedTuple

from thft.fix.session import logon, traffic
from thft.fix.session.life import Life
from thft.fix.session.terms import Now, State


class Input(StrEnum):
    """What a session can meet: kinds of message, the owner's calls, and times that have come."""

    GARBLED = "garbled message"
    LOGON = "Logon"
    LOGOUT = "Logout"
    HEARTBEAT = "Heartbeat"
    TEST_REQUEST = "TestRequest"
    RESEND_REQUEST = "ResendRequest"
    SEQUENCE_RESET = "SequenceReset"
    REJECT = "Reject"
    APPLICATION = "application message"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    STOP = "logout wanted"
    LOGON_LATE = "no Logon in time"
    LOGOUT_LATE = "no Logout in time"
    DEAD = "silence although probed"
    SILENT = "silence"
    HEARTBEAT_DUE = "heartbeat due"
    FILL_LATE = "gap not filled in time"
    ANSWER_DUE = "rest of a resend"
    WINDOW_OVER = "schedule over"


KINDS = {
    "0": Input.HEARTBEAT,
    "1": Input.TEST_REQUEST,
    "2": Input.RESEND_REQUEST,
    "3": Input.REJECT,
    "4": Input.SEQUENCE_RESET,
    "5": Input.LOGOUT,
    "A": Input.LOGON,
}
"""MsgType → kind; every other type is an application message."""

MESSAGES = frozenset((*KINDS.values(), Input.APPLICATION, Input.GARBLED))


class Check(Enum):
    """How far a message is checked before its action; see the module."""

    NONE = auto()
    HEADER = auto()
    LAST = auto()
    NUMBER = auto()


Action = Callable[[Life, Any, Now], None]


class Row(NamedTuple):
    """One transition: the check, what is done with the message or reason, where it may lead."""

    check: Check
    action: Action
    next: frozenset[State]


_S = State
_NONE, _HEADER, _LAST, _NUMBER = Check


def _row(check: Check, action: Action, *states: State) -> Row:
    return Row(check, action, frozenset(states))


_OFF = _row(_NONE, traffic.drop, _S.DISCONNECTED)
_NO_LOGON = dict.fromkeys(MESSAGES, _row(_NONE, logon.no_logon, _S.DISCONNECTED))

_SESSION = {
    Input.GARBLED: _row(_NONE, traffic.ignore, _S.LOGGED_ON, _S.RECOVERING),
    Input.LOGON: _row(
        _HEADER, logon.logon_again, _S.LOGGED_ON, _S.RECOVERING, _S.LOGOUT_SENT, _S.DISCONNECTED
    ),
    Input.LOGOUT: _row(_LAST, traffic.answer_logout, _S.DISCONNECTED),
    Input.HEARTBEAT: _row(_NUMBER, traffic.heartbeat, _S.LOGGED_ON, _S.RECOVERING),
    Input.TEST_REQUEST: _row(_NUMBER, traffic.answer_test, _S.LOGGED_ON, _S.RECOVERING),
    Input.RESEND_REQUEST: _row(
        _HEADER, traffic.answer_resend, _S.LOGGED_ON, _S.RECOVERING, _S.LOGOUT_SENT, _S.DISCONNECTED
    ),
    Input.SEQUENCE_RESET: _row(
        _HEADER,
        traffic.sequence_reset,
        _S.LOGGED_ON,
        _S.RECOVERING,
        _S.LOGOUT_SENT,
        _S.DISCONNECTED,
    ),
    Input.REJECT: _row(_NUMBER, traffic.peer_rejected, _S.LOGGED_ON, _S.RECOVERING),
    Input.APPLICATION: _row(_NUMBER, traffic.deliver, _S.LOGGED_ON, _S.RECOVERING),
    Input.DISCONNECTED: _OFF,
    Input.STOP: _row(_NONE, traffic.stop, _S.LOGOUT_SENT),
    Input.DEAD: _row(_NONE, traffic.dead, _S.DISCONNECTED),
    Input.SILENT: _row(_NONE, traffic.probe_silence, _S.LOGGED_ON, _S.RECOVERING),
    Input.HEARTBEAT_DUE: _row(_NONE, traffic.send_heartbeat, _S.LOGGED_ON, _S.RECOVERING),
    Input.ANSWER_DUE: _row(_NONE, traffic.answer_on, _S.LOGGED_ON, _S.RECOVERING),
    Input.WINDOW_OVER: _row(_NONE, traffic.window_over, _S.LOGOUT_SENT),
}
_LEAVING = {
    Input.GARBLED: _row(_NONE, traffic.ignore, _S.LOGOUT_SENT),
    Input.LOGON: _row(_HEADER, traffic.ignore, _S.LOGOUT_SENT),
    Input.LOGOUT: _row(_LAST, traffic.logout_answered, _S.DISCONNECTED),
    Input.HEARTBEAT: _row(_NUMBER, traffic.heartbeat, _S.LOGOUT_SENT),
    Input.TEST_REQUEST: _row(_NUMBER, traffic.answer_test, _S.LOGOUT_SENT),
    Input.RESEND_REQUEST: _row(_HEADER, traffic.answer_resend, _S.LOGOUT_SENT, _S.DISCONNECTED),
    Input.SEQUENCE_RESET: _row(_HEADER, traffic.sequence_reset, _S.LOGOUT_SENT, _S.DISCONNECTED),
    Input.REJECT: _row(_NUMBER, traffic.peer_rejected, _S.LOGOUT_SENT),
    Input.APPLICATION: _row(_NUMBER, traffic.deliver, _S.LOGOUT_SENT),
    Input.DISCONNECTED: _OFF,
    Input.STOP: _row(_NONE, traffic.ignore, _S.LOGOUT_SENT),
    Input.LOGOUT_LATE: _row(_NONE, traffic.logout_late, _S.DISCONNECTED),
    Input.ANSWER_DUE: _row(_NONE, traffic.answer_on, _S.LOGOUT_SENT),
}

TABLE: dict[State, dict[Input, Row]] = {
    _S.DISCONNECTED: {
        Input.CONNECTED: _row(_NONE, logon.connect, _S.AWAIT_LOGON, _S.LOGON_SENT, _S.DISCONNECTED),
        Input.DISCONNECTED: _row(_NONE, traffic.ignore, _S.DISCONNECTED),
        Input.STOP: _row(_NONE, traffic.ignore, _S.DISCONNECTED),
    },
    _S.AWAIT_LOGON: _NO_LOGON
    | {
        Input.LOGON: _row(_NONE, logon.accept_logon, _S.LOGGED_ON, _S.RECOVERING, _S.DISCONNECTED),
        Input.DISCONNECTED: _OFF,
        Input.STOP: _OFF,
        Input.LOGON_LATE: _row(_NONE, logon.logon_late, _S.DISCONNECTED),
    },
    _S.LOGON_SENT: _NO_LOGON
    | {
        Input.GARBLED: _row(_NONE, traffic.ignore, _S.LOGON_SENT),
        Input.LOGON: _row(
            _NONE, logon.logon_answered, _S.LOGGED_ON, _S.RECOVERING, _S.DISCONNECTED
        ),
        Input.LOGOUT: _row(_NONE, logon.logon_refused, _S.DISCONNECTED),
        Input.REJECT: _row(_NONE, logon.logon_refused, _S.DISCONNECTED),
        Input.DISCONNECTED: _OFF,
        Input.STOP: _OFF,
        Input.LOGON_LATE: _row(_NONE, logon.logon_late, _S.DISCONNECTED),
    },
    _S.LOGGED_ON: _SESSION,
    _S.RECOVERING: _SESSION
    | {Input.FILL_LATE: _row(_NONE, traffic.ask_again, _S.RECOVERING, _S.LOGOUT_SENT)},
    _S.LOGOUT_SENT: _LEAVING,
}
