"""Two sessions and a bad line between them, in virtual time, from a seed.

Messages are garbled on the way, connections are cut with bytes still under way, processes die and
go on from their stores. When the line is good again every message must have arrived once.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from thft.base.prng import Prng
from thft.fix.dictionary import fix44
from thft.fix.session import (
    LOGGED_ON_STATES,
    Application,
    MemoryStore,
    Now,
    RecoveryPolicy,
    ResendPolicy,
    Session,
    SessionConfig,
    State,
)
from thft.fix.wire import Framer, pack

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
TYPES = "DC"


class Side:
    """One engine: its session, its store, what it sent and what it got."""

    def __init__(self, config: SessionConfig) -> None:
        self.config = config
        self.store = MemoryStore()
        self.session = Session(config, self.store)
        self.framer = Framer()
        self.sent: list[str] = []
        self.got: list[str] = []

    def die(self) -> None:
        """The process ends and comes back with its store."""
        self.session = Session(self.config, self.store)


class Pair:
    """An initiator and an acceptor whose numbers go on over connections."""

    def __init__(self, seed: int) -> None:
        self.prng = Prng(seed)
        pick = self.prng.between
        policies: dict[str, Any] = {
            "resend": ResendPolicy(
                never=frozenset("V"),
                order_age_ns=None,
                rejects=bool(pick(0, 1)),
                messages_per_turn=pick(1, 9),
                same_request_limit=1_000,
            ),
            "next_expected": bool(pick(0, 1)),
            "last_processed": bool(pick(0, 1)),
            "dictionary": fix44(),
        }

        def recovery() -> RecoveryPolicy:
            return RecoveryPolicy(
                chunk=pick(0, 1) * pick(1, 7),
                timeout_ns=SECOND_NS,
                tries=1_000,
                queue_messages=pick(2, 40),
            )

        one = SessionConfig(
            sender="A", target="B", initiator=True, recovery=recovery(), heartbeat_s=2, **policies
        )
        two = SessionConfig(sender="B", target="A", recovery=recovery(), **policies)
        self.sides = (Side(one), Side(two))
        self.pipes: tuple[list[bytes], list[bytes]] = ([], [])
        self.monotonic_ns = 0
        self.connected = False
        self.garble_percent = 0
        self.seen: Counter[str] = Counter()
        """How often the line and the sessions have done what a test of recovery needs."""

    @property
    def now(self) -> Now:
        return Now(self.monotonic_ns, START_NS + self.monotonic_ns)

    # ---- what happens --------------------------------------------------------------------------

    def step(self, percent: int) -> None:
        """Does one random thing; `percent` is how often messages are garbled."""
        self.garble_percent = percent
        what = self.prng.between(0, 99)
        if not self.connected:
            self.connect()
        elif what < 30:
            self.send(self.prng.between(0, 1))
        elif what < 90:
            self.carry(self.prng.between(0, 1))
        elif what < 96:
            self.pass_time(self.prng.between(1, 1_500) * 1_000_000)
        else:
            self.cut(die=what == 99)

    def connect(self) -> None:
        for number in (1, 0):
            side = self.sides[number]
            side.framer = Framer()
            side.session.connected(self.now)
            self._flush(number)
        self.connected = True

    def cut(self, die: bool = False) -> None:
        """Loses the connection and all that is under way."""
        self.connected = False
        for number, side in enumerate(self.sides):
            self.seen["cut with bytes under way"] += bool(self.pipes[number])
            self.seen["cut in an answer"] += bool(side.session._life.resends)
            self.pipes[number].clear()
            side.session.disconnected(self.now)
        self.seen["death"] += die
        if die:
            self.sides[self.prng.between(0, 1)].die()

    def send(self, number: int) -> None:
        side = self.sides[number]
        if side.session.state not in LOGGED_ON_STATES:
            return
        for _ in range(self.prng.between(1, 5)):
            if self.prng.between(0, 4) == 0:
                side.session.probe(self.now)
            name = f"{side.config.sender}{len(side.sent)}"
            side.sent.append(name)
            if self.prng.between(0, 1):
                order = [(11, name), (21, "1"), (40, "1"), (54, "1"), (55, "X"), (60, TIME)]
                side.session.send("D", pack(order), self.now)
            else:
                mail = [(94, "0"), (147, name), (164, "T"), (33, [[(58, "text")]])]
                side.session.send("C", pack(mail), self.now)
        self._flush(number)

    def carry(self, number: int) -> None:
        """Brings some bytes of side `number` to the other, cut anywhere."""
        pipe, other = self.pipes[number], self.sides[1 - number]
        data = b"".join(pipe)
        pipe.clear()
        if self.prng.between(0, 2) == 0 and len(data) > 1:
            at = self.prng.between(1, len(data) - 1)
            pipe.append(data[at:])
            data = data[:at]
        if other.session.state is State.DISCONNECTED:
            return
        for event in other.session.received(other.framer.feed(data), self.now):
            self.seen[type(event).__name__] += 1
            if isinstance(event, Application):
                message = event.message
                self.seen["repeated message"] += message.poss_dup
                other.got.append(message.text(11) or message.text(147) or "?")
        self.seen["gap"] += other.session.gap is not None
        self.seen["gaps on both sides"] += all(side.session.gap for side in self.sides)
        self._flush(1 - number)

    def pass_time(self, ns: int) -> None:
        end = self.monotonic_ns + ns
        while True:
            dues = [side.session.next_timer_ns for side in self.sides]
            due = min((at for at in dues if at is not None), default=end + 1)
            if due > end:
                break
            self.monotonic_ns = max(due, self.monotonic_ns)
            for number, side in enumerate(self.sides):
                side.session.timer(self.now)
                self._flush(number)
            if not self.connected:
                break
        self.monotonic_ns = max(end, self.monotonic_ns)

    def _flush(self, number: int) -> None:
        """Puts what a side has to say on the line, garbled now and then."""
        session = self.sides[number].session
        for unit in Framer().feed(session.take()):
            raw = unit.raw
            if self.prng.between(1, 100) <= self.garble_percent:
                self.seen["garbled"] += 1
                raw = raw[:-4] + bytes([raw[-4] ^ 1]) + raw[-3:]
            self.pipes[number].append(raw)
        if session.leave and self.connected:
            self.cut()

    def heal(self) -> None:
        """Lets a good line carry everything to the end."""
        self.garble_percent = 0
        for _ in range(2_000):
            if not self.connected:
                self.connect()
            for number in (0, 1):
                self.carry(number)
            if not any(self.pipes):
                self.pass_time(500_000_000)
            if not any(self.pipes) and self.level():
                return
        raise AssertionError("the two sides do not come to rest")

    def level(self) -> bool:
        """Whether each side has processed exactly what the other has sent."""
        one, two = self.sides
        states = {side.session.state for side in self.sides}
        return (
            states == {State.LOGGED_ON}
            and one.store.next_in == two.store.next_out
            and two.store.next_in == one.store.next_out
        )

    def check(self) -> None:
        """Every message once, in order."""
        one, two = self.sides
        assert two.got == one.sent[: len(two.got)], _difference(one.sent, two.got)
        assert one.got == two.sent[: len(one.got)], _difference(two.sent, one.got)


TIME = "20240102-03:04:05"


def _difference(sent: list[str], got: list[str]) -> str:
    at = next((i for i, pair in enumerate(zip(sent, got, strict=False)) if pair[0] != pair[1]), -1)
    return f"{len(sent)} sent, {len(got)} got; at {at}: {sent[at : at + 3]} / {got[at : at + 3]}"
