"""How a session begins: connection, Logon and its answer, numbers that start over; actions."""

from __future__ import annotations

from thft.fix import tags
from thft.fix.session.life import Life, too_low_text
from thft.fix.session.resend import Waiting
from thft.fix.session.terms import SECOND_NS, Now, State
from thft.fix.session.traffic import answer_on, said
from thft.fix.wire import ABSENT, Message

OUTSIDE = "outside the session's schedule"


def connect(life: Life, text: str, now: Now) -> None:
    """A connection is there: an initiator speaks, an acceptor waits."""
    life.epoch += 1
    life.leave = ""
    life.outbox.clear()
    life.arrived.clear()
    life.pulse.heard(now.monotonic_ns)
    life.deadline_ns = now.monotonic_ns + life.config.logon_timeout_ns
    config = life.config
    if not config.initiator:
        life.enter(State.AWAIT_LOGON, "connected")
        return
    if not life.in_window(now):
        life.leave = OUTSIDE
        return
    if config.reset_on_logon:
        life.reset(1, now, "reset on logon")
    flag = "Y" if config.reset_on_logon else "N" if config.say_no_reset else ""
    expected = life.store.next_in if config.next_expected else None
    life.outbox.logon(config.heartbeat_s, flag, expected, now)
    life.enter(State.LOGON_SENT, "connected")


def no_logon(life: Life, what: Message | str, now: Now) -> None:
    """Ends without a word: whoever does not begin with a Logon learns nothing."""
    text = what if isinstance(what, str) else f"MsgType {what.type}"
    life.end(f"the first message was no Logon: {text}")


def logon_late(life: Life, text: str, now: Now) -> None:
    """Ends without a word."""
    life.end(f"no Logon within {life.config.logon_timeout_ns / SECOND_NS:g} s")


def accept_logon(life: Life, logon: Message, now: Now) -> None:
    """Judges the Logon that begins an acceptor's session."""
    if not _good(life, logon, now):
        return
    interval = logon.integer(tags.HEART_BT_INT)
    reset = logon.get(tags.RESET_SEQ_NUM_FLAG) == b"Y"
    if not life.in_window(now):
        _outside_window(life, now)
        return
    if reset or life.config.reset_on_logon:
        cause = "logon with 141=Y" if reset else "reset on logon"
        life.reset(1, now, cause)
    if interval < 0:
        life.end_with_logout("HeartBtInt must not be negative", now)
        return
    if _too_low(life, logon, reset, now) or _expects_too_much(life, logon, now):
        return
    _begin(life, interval, now)
    _answer(life, logon, reset, now)


def _outside_window(life: Life, now: Now) -> None:
    if life.config.outside_schedule == "logout":
        life.outbox.uncounted_logout("Logon refused", now)
    life.end(OUTSIDE)


def _good(life: Life, logon: Message, now: Now) -> bool:
    """Ends the connection without a word when the Logon itself is wrong."""
    refusal = life.admission.header(logon, now)
    if refusal is None:
        return True
    life.end(f"Logon refused: {refusal.text}")
    return False


def _too_low(life: Life, logon: Message, reset: bool, now: Now) -> bool:
    expected = life.store.next_in
    if reset or logon.seq >= expected:
        return False
    life.end_with_logout(too_low_text(expected, logon.seq), now)
    return True


def _expects_too_much(life: Life, logon: Message, now: Now) -> bool:
    """Ends the session when the peer expects numbers that we have not used (789)."""
    wanted = _expected_by_peer(life, logon)
    next_out = life.store.next_out
    if wanted is None or wanted <= next_out:
        return False
    life.end_with_logout(
        "Tag 789 (NextExpectedMsgSeqNum) is higher than expected. "
        f"Expected {next_out}, Received {wanted}",
        now,
    )
    return True


def _expected_by_peer(life: Life, logon: Message) -> int | None:
    if not life.config.next_expected:
        return None
    wanted = logon.integer(tags.NEXT_EXPECTED_MSG_SEQ_NUM)
    return None if wanted == ABSENT else wanted


def _begin(life: Life, interval_s: int, now: Now) -> None:
    life.heartbeat_s = interval_s
    life.pulse.begin(interval_s, now.monotonic_ns)


def _answer(life: Life, logon: Message, reset: bool, now: Now) -> None:
    """Answers a good Logon, then recovers what either side lacks."""
    wanted = None if reset else _expected_by_peer(life, logon)
    before = life.store.next_out
    high = logon.seq > life.store.next_in and not reset
    if not high:
        life.consume()
    expected = life.store.next_in if life.config.next_expected else None
    life.outbox.logon(life.heartbeat_s, "Y" if reset else "", expected, now)
    _logged_on(life, logon, high, wanted, before, now)


def _logged_on(
    life: Life, logon: Message, high: bool, wanted: int | None, before: int, now: Now
) -> None:
    """Enters the session; `wanted` is what the peer expects, `before` our next number then."""
    life.enter(State.LOGGED_ON, f"HeartBtInt {life.heartbeat_s} s")
    if wanted is not None and 0 < wanted < before:
        life.resends.add(wanted, life.store.next_out - 1)
        answer_on(life, "", now)
    if high:
        life.recovery.hold(logon.seq, Waiting(None))
        life.recovery.opened(logon.seq)
        if wanted is None:
            life.ask(now)
        else:
            life.recovery.request(life.store.next_in, now.monotonic_ns)
        life.note_gap()


def logon_answered(life: Life, logon: Message, now: Now) -> None:
    """Judges the answer to an initiator's Logon."""
    if not _good(life, logon, now):
        return
    reset = logon.get(tags.RESET_SEQ_NUM_FLAG) == b"Y"
    if reset and not life.config.reset_on_logon:
        life.reset(2, now, "logon answered with 141=Y")
    if _too_low(life, logon, reset, now) or _expects_too_much(life, logon, now):
        return
    _begin(life, life.config.heartbeat_s, now)
    high = logon.seq > life.store.next_in and not reset
    if not high:
        life.consume()
    wanted = _expected_by_peer(life, logon)
    _logged_on(life, logon, high, wanted, life.store.next_out, now)


def logon_refused(life: Life, refusal: Message, now: Now) -> None:
    """Ends with what the peer says against our Logon, in a Logout or a Reject."""
    if refusal.seq == life.store.next_in:
        life.consume()
    life.end(f"Logon refused: {said(refusal)}")


def logon_again(life: Life, logon: Message, now: Now) -> None:
    """A Logon on a running session: with 141=Y both sides start over."""
    reset = logon.get(tags.RESET_SEQ_NUM_FLAG) == b"Y"
    if not reset and not life.config.reset_on_logon:
        if life.numbered(logon, now) and not life.config.initiator:
            _begin(life, max(logon.integer(tags.HEART_BT_INT), 0), now)
            life.outbox.logon(life.heartbeat_s, "", None, now)
        return
    life.fresh()
    life.reset(1, now, "logon on a running session")
    _begin(life, max(logon.integer(tags.HEART_BT_INT), 0), now)
    life.enter(State.LOGGED_ON, "numbers start over")
    _answer(life, logon, reset, now)
