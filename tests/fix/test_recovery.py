"""Gaps everywhere: two sessions over a bad line, from seeds; thousands of gaps; long answers."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from tests.fix.script import VirtualWire, settings
from tests.fix.two_sessions import Pair

from thft.fix.session import Retention, RoundTrip, Sent
from thft.fix.session.store import MemoryStore
from thft.fix.wire import Framer, Message, pack

SEEDS = int(os.environ.get("THFT_FIX_SEEDS", "150"))
STEPS = 250
NEEDED = (
    "Application",
    "OrdersResent",
    "QueueDropped",
    "cut in an answer",
    "cut with bytes under way",
    "death",
    "gap",
    "gaps on both sides",
    "garbled",
    "repeated message",
)


@pytest.mark.parametrize("block", range(5))
def test_every_message_arrives_once_and_in_order(block: int) -> None:
    """F5: gaps, nested gaps, both sides at once, cuts in the middle of a resend, restarts."""
    seen: Counter[str] = Counter()
    for seed in range(block, SEEDS, 5):
        print(f"seed {seed}")
        pair = Pair(seed)
        percent = pair.prng.between(0, 30)
        for _ in range(STEPS):
            pair.step(percent)
            pair.check()
        pair.heal()
        pair.check()
        assert [side.got for side in pair.sides] == [side.sent for side in reversed(pair.sides)]
        seen += pair.seen
    rare = {what: seen[what] for what in NEEDED if seen[what] < SEEDS // 50}
    assert not rare, f"the generator hardly does what it is for: {rare}"


def test_thousands_of_gaps() -> None:
    """Every second message is lost, five thousand times."""
    wire = VirtualWire(settings("", reset_on_logon=False))
    peer = _Peer(wire)
    peer.say("A", 1, [(98, 0), (108, 30)])
    expected = 2
    for _ in range(5_000):
        peer.say("0", expected + 1, [])
        assert wire.session.gap == (expected, expected)
        request = peer.answers()[-1]
        assert (request.type, request.text(7), request.text(16)) == ("2", str(expected), "0")
        peer.say("0", expected, [], dup=True)
        expected += 2
        assert wire.store.next_in == expected and wire.session.gap is None


def test_a_far_gap_of_many_messages_and_as_many_that_wait() -> None:
    wire = VirtualWire(settings("set recovery.queue_messages=6000", reset_on_logon=False))
    peer = _Peer(wire)
    peer.say("A", 1, [(98, 0), (108, 30)])
    for seq in range(5_002, 10_002):
        peer.say("C", seq, [(94, "0"), (147, str(seq)), (164, "T"), (33, [[(58, "x")]])])
    assert [answer.type for answer in peer.answers()] == ["A", "2"]
    for seq in range(2, 5_002):
        peer.say("C", seq, [(94, "0"), (147, str(seq)), (164, "T"), (33, [[(58, "x")]])], dup=True)
    assert [message.text(147) for message in wire.delivered] == [str(n) for n in range(2, 10_002)]
    assert wire.session.gap is None


def test_a_million_numbers_asked_for() -> None:
    """F8: the answer is given in pieces; a heartbeat and a TestRequest are served in between."""
    store = MemoryStore(Retention(count=1_000), Retention(count=1_000))
    wire = VirtualWire(settings("", reset_on_logon=False), store)
    peer = _Peer(wire)
    peer.say("A", 1, [(98, 0), (108, 30)])
    store.next_out = 1_000_000
    for seq in range(1_000_000, 1_002_000):
        store.append(Sent(seq, "D", wire.now_ns(), b"11=%d\x01" % seq, (), True))
    peer.answers()
    peer.say("2", 2, [(7, 1), (16, 0)])
    pieces = 0
    answers: list[Message] = []
    while wire.session.next_timer_ns == wire.monotonic_ns:
        pieces += 1
        if pieces == 5:
            peer.say("1", 3, [(112, "SERVED")])
        wire._after(wire.session.timer(wire.now))
        taken = peer.answers()
        assert len(taken) <= 501
        answers += taken
    assert pieces > 100
    assert [a.text(112) for a in answers if a.type == "0"] == ["SERVED"]
    again = [answer for answer in answers if answer.poss_dup]
    assert (again[0].type, again[0].seq, again[0].text(36)) == ("4", 1, "1001000")
    assert [a.seq for a in again[1:]] == list(range(1_001_000, 1_002_000))


def test_what_is_kept_is_bounded_by_count_bytes_and_age() -> None:
    day = 86_400_000_000_000
    store = MemoryStore(Retention(3, 1_000, day), Retention(10, 50, day))
    for seq in range(1, 8):
        store.append(Sent(seq, "D", seq, b"x" * 10, (), True))
    assert [seq for seq in range(1, 8) if store.sent(seq)] == [5, 6, 7]
    for seq in range(8, 20):
        store.append(Sent(seq, "C", seq, b"x" * 10))
    assert [seq for seq in range(8, 20) if store.sent(seq)] == [15, 16, 17, 18, 19]
    store.append(Sent(20, "D", day + 7, b"x", (), True))
    assert [seq for seq in (5, 6, 7, 20) if store.sent(seq)] == [7, 20]
    assert store.kept_bytes == 10 + 1 + 50


def test_a_swallowed_answer_to_a_probe_does_not_end_the_probing() -> None:
    """A gap fill takes the place of the Heartbeat that would have answered."""
    wire = VirtualWire(settings("", reset_on_logon=False))
    peer = _Peer(wire)
    peer.say("A", 1, [(98, 0), (108, 10)])

    def probed() -> list[str | None]:
        wire.session.probe(wire.now)
        wire._after([])
        return [one.text(112) for one in peer.answers() if one.type == "1"]

    (first,) = probed()
    peer.say("4", 2, [(123, "Y"), (36, 3)])
    wire.wait(5)
    assert probed() == []  # its answer may still come
    peer.say("0", 3, [])
    wire.wait(7.5)
    (second,) = probed()
    assert second != first
    peer.say("0", 4, [(112, second)])
    assert sum(isinstance(event, RoundTrip) for event in wire.events) == 1


class _Peer:
    """Sends messages of any number to a session in virtual time."""

    def __init__(self, wire: VirtualWire) -> None:
        self._wire = wire
        wire.connect()

    def say(self, kind: str, seq: int, fields: list[tuple[int, object]], dup: bool = False) -> None:
        from thft.fix.wire import Header, format_timestamp

        header = Header("FIX.4.4", ((49, "TW"), (56, "ISLD")))
        now = self._wire.now_ns()
        extra = ((43, "Y"), (122, format_timestamp(now))) if dup else ()
        self._wire.send(header.encode(kind, seq, now, pack(fields), extra))

    def answers(self) -> list[Message]:
        found: list[Message] = []
        while (raw := self._wire.next_message(wanted=True)) is not None:
            unit = Framer().feed(raw)[0]
            assert isinstance(unit, Message)
            found.append(unit)
        return found
