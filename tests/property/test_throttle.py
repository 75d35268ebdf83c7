"""The throttle under adversarial bursts: exact in every sliding window, orders never starved."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from thft.gateway.limiter import GUARD_NS, SECOND_NS, Item, Lane, Throttle, Window

MS = 1_000_000
LANES = {"c": Lane.CANCEL, "o": Lane.ORDER, "q": Lane.QUERY, "d": Lane.DATA}
BURSTS = st.lists(
    st.tuples(st.sampled_from("coqd"), st.integers(1, 40), st.integers(0, 1_500)),
    min_size=1,
    max_size=40,
)
NEVER = 1 << 62


class Tap:
    """What went out, when; drives a throttle in virtual time as its timer would."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.now_ns = 0
        self.sent: list[tuple[int, str, int]] = []
        """Time, kind, number."""
        self.expired: list[int] = []
        self.asked_ns: dict[int, int] = {}
        self.unsaid = 0
        """What a session has to say itself, once it may."""

    def put(self, kind: str, number: int, ttl_ns: int = 0) -> None:
        self.asked_ns[number] = self.now_ns
        self.throttle.put(
            LANES[kind],
            Item(
                "link",
                lambda: self.sent.append((self.now_ns, kind, number)),
                lambda: self.expired.append(number),
                self.now_ns + ttl_ns if ttl_ns else NEVER,
            ),
        )

    def until(self, end_ns: int) -> None:
        """Lets time pass; the timer comes exactly when it was asked for."""
        while True:
            wait_ns = self.throttle.run(self.now_ns)
            if (own_ns := self.say()) >= 0:
                wait_ns = min(wait_ns, own_ns) if wait_ns >= 0 else own_ns
            if wait_ns < 0 or self.now_ns + wait_ns > end_ns:
                break
            assert wait_ns > 0
            self.now_ns += wait_ns
        self.now_ns = max(self.now_ns, end_ns)

    def say(self) -> int:
        """Says what may be said, a step at a time; returns how long to wait, -1 for nothing."""
        while self.unsaid:
            wait_ns = self.throttle.wait_ns("link", self.now_ns)
            if wait_ns:
                return wait_ns
            count = min(self.throttle.step("link"), self.unsaid)
            self.throttle.said("link", count, self.now_ns)
            self.sent += [(self.now_ns, "s", -1)] * count
            self.unsaid -= count
        return -1

    def burst(self, bursts: list[tuple[str, int, int]], ttl_ns: int = 0) -> int:
        number = 0
        for kind, count, gap_ms in bursts:
            self.unsaid += count if kind == "s" else 0
            for _ in range(count if kind != "s" else 0):
                self.put(kind, number, ttl_ns)
                number += 1
            self.until(self.now_ns + gap_ms * MS)
        self.until(self.now_ns + 2_000 * SECOND_NS)
        return number

    def most(self, kinds: str, window_ns: int) -> int:
        """The most messages of these kinds in any window of this length, however it lies."""
        times = [at for at, kind, _ in self.sent if kind in kinds]
        first, most = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= window_ns:
                first += 1
            most = max(most, last - first + 1)
        return most


@settings(deadline=None)
@given(BURSTS, st.integers(1, 30), st.integers(1, 60))
def test_no_sliding_second_has_more_than_the_limit(
    bursts: list[tuple[str, int, int]], executions: int, data: int
) -> None:
    tap = Tap(Throttle(executions, data, {}))
    asked = tap.burst(bursts)
    assert tap.most("coq", SECOND_NS + GUARD_NS) <= executions
    assert tap.most("q", SECOND_NS + GUARD_NS) <= max(executions // 10, 1)
    assert tap.most("d", SECOND_NS + GUARD_NS) <= data
    assert sorted(number for _, _, number in tap.sent) == list(range(asked))  # all, once


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("cosss"), st.integers(1, 150), st.integers(0, 1_500)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 120),
)
def test_what_sessions_say_themselves_counts_and_always_gets_its_turn(
    bursts: list[tuple[str, int, int]], executions: int
) -> None:
    tap = Tap(Throttle(executions, 500, {"link": [Window(1_000)]}))
    asked = tap.burst(bursts)
    assert tap.most("cos", SECOND_NS + GUARD_NS) <= executions
    said = sum(count for kind, count, _ in bursts if kind == "s")
    assert len(tap.sent) == asked + said and not tap.unsaid


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 400)), min_size=1), st.integers(1, 20))
def test_a_message_counts_from_when_it_has_left(
    bursts: list[tuple[int, int]], late_ms: int
) -> None:
    """However late the loop writes what it was given, the wire keeps the limit."""
    throttle, now_ns = Throttle(20, 500, {}), 0
    sent: list[int] = []
    wire: list[int] = []
    for count, gap_ms in bursts:
        for number in range(count):
            throttle.put(Lane.ORDER, Item("link", partial(sent.append, number), print, NEVER))
        throttle.run(now_ns)
        now_ns += late_ms * 50 * MS
        wire += [now_ns] * (len(sent) - len(wire))
        throttle.left(now_ns)
        now_ns += gap_ms * MS
    assert all(wire[at + 20] - wire[at] >= SECOND_NS for at in range(len(wire) - 20))


@settings(deadline=None)
@given(BURSTS, st.integers(2, 20), st.integers(1, 12))
def test_a_venues_own_window_holds_for_all_messages_of_a_link(
    bursts: list[tuple[str, int, int]], limit: int, seconds: int
) -> None:
    window_ns = seconds * SECOND_NS
    tap = Tap(Throttle(100, 500, {"link": [Window(limit, window_ns)]}))
    tap.burst(bursts)
    assert tap.most("coqd", window_ns + GUARD_NS) <= limit


@settings(deadline=None)
@given(BURSTS, st.integers(1, 10))
def test_lanes_keep_their_order_and_cancels_pass_orders(
    bursts: list[tuple[str, int, int]], executions: int
) -> None:
    tap = Tap(Throttle(executions, 20, {}))
    tap.burst(bursts)
    for kind in "coqd":
        numbers = [number for _, one, number in tap.sent if one == kind]
        assert numbers == sorted(numbers)
    cancels = [(at, number) for at, kind, number in tap.sent if kind == "c"]
    for at, kind, _ in tap.sent:
        if kind == "o":  # no cancel that was there before the order left goes after it
            assert not [c for when, c in cancels if when > at and tap.asked_ns[c] < at]


@settings(deadline=None)
@given(BURSTS, st.integers(1, 10), st.integers(1, 3_000))
def test_nothing_leaves_after_its_time_and_nothing_is_forgotten(
    bursts: list[tuple[str, int, int]], executions: int, ttl_ms: int
) -> None:
    tap = Tap(Throttle(executions, 20, {}))
    asked = tap.burst(bursts, ttl_ms * MS)
    assert all(at < tap.asked_ns[number] + ttl_ms * MS for at, _, number in tap.sent)
    left = [number for _, _, number in tap.sent]
    assert sorted([*left, *tap.expired]) == list(range(asked))


def test_a_flood_of_data_does_not_delay_an_order() -> None:
    """Also where the venue counts both together: a fifth of its window is left to orders."""
    tap = Tap(Throttle(100, 500, {"link": [Window(50)]}))
    for number in range(1_000):
        tap.put("d", number)
    tap.until(10 * MS)
    for number in range(1_000, 1_010):
        tap.put("o", number)
    tap.until(20 * MS)
    orders = [at for at, kind, _ in tap.sent if kind == "o"]
    assert orders == [10 * MS] * 10


@settings(deadline=None)
@given(st.integers(2, 120), st.integers(1, 40), st.booleans())
def test_a_storm_of_orders_does_not_keep_a_question_back(
    executions: int, questions: int, own: bool
) -> None:
    """Whoever trades as hard as he may still hears of orders in doubt, his own and others'."""
    windows = {"link": [Window(2 * executions // 3 + 1)]} if own else {}
    tap = Tap(Throttle(executions, 20, windows))
    number = 0
    for step in range(100):
        for _ in range(executions):  # ten times what may go
            tap.put("o", number, SECOND_NS)
            number += 1
        if step == 15:
            for _ in range(questions):
                tap.put("q", number)
                number += 1
        tap.until(tap.now_ns + 100 * MS)
    asked = [at for at, kind, _ in tap.sent if kind == "q"]
    assert len(asked) >= min(questions, max(executions // 10, 1) * 7)  # of eight seconds
    assert asked[0] <= 1_500 * MS + SECOND_NS + 2 * GUARD_NS
    assert tap.most("oq", SECOND_NS + GUARD_NS) <= executions
    orders = sum(kind == "o" for _, kind, _ in tap.sent)
    assert orders >= (min(executions, 2 * executions // 3 + 1) if own else executions) * 5
