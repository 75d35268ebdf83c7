"""What a session does with messages in order, resends, times and goodbyes; actions of the table."""

from __future__ import annotations

from thft.fix import tags
from thft.fix.session.admission import Refusal, Severity
from thft.fix.session.life import Life
from thft.fix.session.resend import Waiting
from thft.fix.session.terms import (
    SECOND_NS,
    Application,
    Now,
    OrdersResent,
    PeerRejected,
    RoundTrip,
    Throttled,
)
from thft.fix.wire import Message

OUT_OF_RANGE = "Value is incorrect (out of range) for this tag"
NOT_AVAILABLE = 4
"""BusinessRejectReason: application not available."""


def ignore(life: Life, text: str, now: Now) -> None:
    """Nothing follows from it."""


def drop(life: Life, text: str, now: Now) -> None:
    """The connection is gone, or the owner wants it gone before anybody is logged on."""
    life.off(text or "stopped")
    if not life.leave:
        life.leave = text or "stopped"


def deliver(life: Life, message: Message, now: Now) -> None:
    """Hands an application message over, unless the peer sends too many."""
    limit = life.config.messages_per_s
    if limit and len(life.arrived) > limit:
        text = f"More than {limit} messages in a second"
        life.outbox.business_reject(message, NOT_AVAILABLE, text, "", now)
        life.events.append(Throttled(message))
    else:
        life.events.append(Application(message))


def peer_rejected(life: Life, message: Message, now: Now) -> None:
    """Tells that the peer refused a message of ours; nothing is answered."""
    life.events.append(PeerRejected(message))


def heartbeat(life: Life, message: Message, now: Now) -> None:
    """Measures the round trip when it answers our TestRequest."""
    if life.test_id and message.text(tags.TEST_REQ_ID) == life.test_id:
        life.events.append(RoundTrip(now.monotonic_ns - life.tested_ns))
        life.test_id = ""


def answer_test(life: Life, message: Message, now: Now) -> None:
    """Answers a TestRequest."""
    test_id = message.get(tags.TEST_REQ_ID)
    fields = [(tags.TEST_REQ_ID, test_id)] if test_id else []
    life.outbox.session(tags.MSG_HEARTBEAT, fields, now)


def sequence_reset(life: Life, message: Message, now: Now) -> None:
    """Jumps to a higher number: in order as a gap fill, at once as a reset."""
    fills = message.get(tags.GAP_FILL_FLAG) == b"Y"
    expected, new = life.store.next_in, message.integer(tags.NEW_SEQ_NO)
    if fills and message.seq != expected:
        life.numbered(message, now)
        return
    if new < expected or (fills and new == expected):
        life.reject(message, Refusal(Severity.REJECT, 5, "", OUT_OF_RANGE), now)
        return
    if new > expected:
        life.store.set_next_in(new, "gap fill" if fills else "sequence reset")
        life.recovery.jumped(new)
        if fills:
            life.recovery.filled(new)


def answer_resend(life: Life, message: Message, now: Now) -> None:
    """Answers a ResendRequest whatever its own number, which is counted or waits."""
    begin, end = message.integer(tags.BEGIN_SEQ_NO), message.integer(tags.END_SEQ_NO)
    seq, last = message.seq, life.store.next_out - 1
    expected = life.store.next_in
    if seq == expected:
        life.consume()
    if begin < 1 or begin > last or end < 0 or 0 < end < begin:
        tag = str(tags.BEGIN_SEQ_NO)
        life.reject(message, Refusal(Severity.REJECT, 5, tag, OUT_OF_RANGE), now)
    elif excess := life.resends.excess(begin, end, now.monotonic_ns):
        life.say_logout(excess, excess, now)
    else:
        life.resends.add(begin, min(end or last, last))
        answer_on(life, "", now)
    if seq > expected:
        life.too_high(seq, Waiting(None), now)


def answer_on(life: Life, text: str, now: Now) -> None:
    """Gives the next piece of what the peer asked for."""
    fills = life.resends.piece(now.utc_ns, life.room)
    for fill in fills:
        life.outbox.again(fill, now)
    orders = tuple(fill.sent for fill in fills if fill.sent is not None and fill.sent.order)
    if orders:
        life.events.append(OrdersResent(orders))


def ask_again(life: Life, text: str, now: Now) -> None:
    """Asks again for what we lack."""
    life.ask(now)


def answer_logout(life: Life, logout: Message, now: Now) -> None:
    """Answers the peer's Logout and ends."""
    life.outbox.logout("", now)
    life.end(f"the peer logged out: {said(logout)}")


def logout_answered(life: Life, logout: Message, now: Now) -> None:
    """Ends, because the peer has answered our Logout."""
    life.end("logged out")


def stop(life: Life, text: str, now: Now) -> None:
    """Says Logout because the owner wants it."""
    life.say_logout(text, text or "logout wanted", now)


def logout_late(life: Life, text: str, now: Now) -> None:
    """Ends without the answer to our Logout."""
    life.end(f"no Logout within {life.config.logout_timeout_ns / SECOND_NS:g} s")


def window_over(life: Life, text: str, now: Now) -> None:
    """Says Logout because the schedule has ended."""
    life.say_logout("", "the session's schedule has ended", now)


def dead(life: Life, text: str, now: Now) -> None:
    """Ends without a word: the peer is not there any more."""
    silence = (now.monotonic_ns - life.pulse.heard_ns) / SECOND_NS
    life.end(f"nothing heard for {silence:g} s")


def probe_silence(life: Life, text: str, now: Now) -> None:
    """Asks a silent peer for a sign of life."""
    life.pulse.probed_ns = now.monotonic_ns
    life.send_test(now, life.config.unique_test_ids)


def send_heartbeat(life: Life, text: str, now: Now) -> None:
    """Gives a sign of life."""
    life.outbox.session(tags.MSG_HEARTBEAT, [], now)


def said(logout: Message) -> str:
    """Returns what a Logout says."""
    return logout.text(tags.TEXT) or "no reason given"
