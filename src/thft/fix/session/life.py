"""State, queues and times of a session, and the steps that its actions share; in the package."""

from __future__ import annotations

from collections import deque

from thft.fix import tags
from thft.fix.session.admission import Admission, Refusal, Severity
from thft.fix.session.outbox import Outbox
from thft.fix.session.pulse import Pulse
from thft.fix.session.resend import Recovery, Resends, Waiting
from thft.fix.session.store import RECEIVED, Store
from thft.fix.session.terms import (
    Event,
    Now,
    NumbersReset,
    QueueDropped,
    RejectSent,
    SessionConfig,
    State,
    StateChanged,
)
from thft.fix.wire import Message

TEST_ID = "TEST"


class Life:
    """State, queues and times of a session; `Session` feeds it, actions change it."""

    def __init__(self, config: SessionConfig, store: Store) -> None:
        self.config = config
        self.store = store
        self.state = State.DISCONNECTED
        self.epoch = 0
        self.leave = ""
        self.heartbeat_s = config.heartbeat_s
        self.admission = Admission(config)
        self.outbox = Outbox(config, store)
        self.recovery = Recovery(config.recovery)
        self.resends = Resends(config.resend, store)
        self.pulse = Pulse(config.silence_cap_ns if config.initiator else 0, config.idle_limit_ns)
        self.events: list[Event] = []
        self.room = config.resend.messages_per_turn
        """So many messages may go out again at once."""
        self.deadline_ns = 0
        """When the Logon or Logout of the peer is overdue, monotonic."""
        self.window_end_ns: int | None = None
        """When the schedule ends, UTC."""
        self.test_id = ""
        """TestReqID of our open TestRequest."""
        self.tested_ns = 0
        self.tests = 0
        self.arrived: deque[int] = deque()
        """When the messages of the last second came, if their rate is limited."""

    def reset(self, next_out: int, now: Now, cause: str) -> None:
        """Lets numbers start over, and says what is forgotten by it."""
        self.events.append(NumbersReset(cause, self.store.kept_messages))
        self.store.reset(next_out, now.utc_ns, cause)

    def fresh(self) -> None:
        """Forgets what belongs to one connection or one run of numbers."""
        self.recovery.clear()
        self.resends.clear()
        self.test_id = ""

    def consume(self) -> None:
        self.store.set_next_in(self.store.next_in + 1, RECEIVED)

    def enter(self, state: State, reason: str) -> None:
        if state is not self.state:
            self.state = state
            self.events.append(StateChanged(state, reason))

    def end(self, reason: str) -> None:
        """Wants the connection closed; what was sent before still goes out."""
        self.leave = reason
        self.off(reason)

    def off(self, reason: str) -> None:
        self.fresh()
        self.enter(State.DISCONNECTED, reason)

    def say_logout(self, text: str, reason: str, now: Now) -> None:
        """Sends our Logout and waits for the peer's; a second one is not sent."""
        if self.state is State.LOGOUT_SENT:
            return
        self.outbox.logout(text, now)
        self.deadline_ns = now.monotonic_ns + self.config.logout_timeout_ns
        self.enter(State.LOGOUT_SENT, reason)

    def end_with_logout(self, text: str, now: Now) -> None:
        """Sends our Logout, if we have not yet, and does not wait."""
        if self.state is not State.LOGOUT_SENT:
            self.outbox.logout(text, now)
        self.end(text)

    def in_window(self, now: Now) -> bool:
        """Starts numbers over in a new window; returns False between two windows."""
        schedule = self.config.schedule
        if schedule is None:
            return True
        window = schedule.window(now.utc_ns)
        if window is None:
            return False
        self.window_end_ns = window.end_ns
        if self.store.began_ns < window.begin_ns:
            self.reset(1, now, "schedule")
        return True

    def refuse(self, message: Message, refusal: Refusal, now: Now) -> None:
        if refusal.severity is Severity.END:
            self.end_with_logout(refusal.text, now)
            return
        seq, expected = message.seq, self.store.next_in
        if seq == expected:
            self.consume()
        if refusal.severity is Severity.LOGOUT:
            self.say_logout(refusal.text, refusal.text, now)
            return
        self.reject(message, refusal, now)
        if refusal.severity is Severity.REJECT_AND_LOGOUT:
            self.say_logout("", refusal.text, now)
        elif seq > expected:
            self.too_high(seq, Waiting(None), now)

    def reject(self, message: Message, refusal: Refusal, now: Now) -> None:
        self.outbox.reject(message, refusal.reason, refusal.tag, refusal.text, now)
        self.events.append(
            RejectSent(message.seq, message.type, refusal.reason, refusal.tag, refusal.text)
        )

    def numbered(self, message: Message, now: Now) -> bool:
        """Uses up the number when it is the expected one, and deals with any other."""
        seq, expected = message.seq, self.store.next_in
        if seq == expected:
            self.store.set_next_in(seq + 1, RECEIVED)
            return True
        if seq > expected:
            self.too_high(seq, Waiting(message), now)
        else:
            self.too_low(message, now)
        return False

    def too_high(self, seq: int, waiting: Waiting, now: Now) -> None:
        dropped = self.recovery.hold(seq, waiting)
        if dropped:
            self.events.append(QueueDropped(dropped))
        if self.recovery.opened(seq):
            self.ask(now)
        self.note_gap()

    def too_low(self, message: Message, now: Now) -> None:
        if not message.poss_dup:
            self.end_with_logout(too_low_text(self.store.next_in, message.seq), now)
        elif message.type != tags.MSG_SEQUENCE_RESET:
            refusal = self.admission.repetition(message)
            if refusal is not None:
                self.reject(message, refusal, now)
                if refusal.severity is Severity.REJECT_AND_LOGOUT:
                    self.say_logout("", refusal.text, now)

    def ask(self, now: Now) -> None:
        """Asks for what we lack, or gives up when that was done often enough."""
        expected = self.store.next_in
        wanted = self.recovery.request(expected, now.monotonic_ns)
        if wanted is None:
            text = f"Messages from {expected} on were asked for and not sent"
            self.say_logout(text, text, now)
            return
        begin, end = wanted
        fields = [(tags.BEGIN_SEQ_NO, begin), (tags.END_SEQ_NO, end)]
        self.outbox.session(tags.MSG_RESEND_REQUEST, fields, now)

    def note_gap(self) -> None:
        """Lets the state say whether messages are missing."""
        gap = self.recovery.gap
        if gap is None and self.state is State.RECOVERING:
            self.enter(State.LOGGED_ON, "nothing is missing")
        elif gap is not None and self.state is State.LOGGED_ON:
            missing = f"messages {self.store.next_in} to {gap.end} of the peer are missing"
            self.enter(State.RECOVERING, missing)

    def send_test(self, now: Now, unique: bool) -> None:
        self.tests += 1
        self.test_id = f"{self.epoch}-{self.tests}" if unique else TEST_ID
        self.tested_ns = now.monotonic_ns
        fields = [(tags.TEST_REQ_ID, self.test_id)]
        self.outbox.session(tags.MSG_TEST_REQUEST, fields, now)


def too_low_text(expected: int, seq: int) -> str:
    """Returns the customary text for a number that was used before."""
    return f"MsgSeqNum too low, expecting {expected} but received {seq}"
