"""Filling gaps in both directions, without I/O: what we lack and what the peer lacks; by session.

Inbound: a number above the expected one opens a gap. What arrives too high waits in a queue with
a bound; the missing range is asked for, at once or in chunks, again after a while, and not for
ever. Outbound: a peer's request is worked off in number order, what may go out again as it was,
each run of all else as one gap fill. A long answer is given in pieces, so that heartbeats keep.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from thft.fix.session.store import Sent, Store
from thft.fix.session.terms import RecoveryPolicy, ResendPolicy
from thft.fix.wire import Message

REQUESTS_REMEMBERED = 1_000
NUMBERS_PER_MESSAGE = 8
"""A piece of an answer looks at so many numbers for each message it may send."""


class Waiting(NamedTuple):
    """What waits for its number: a message to act on, or a number alone (acted on already)."""

    message: Message | None


@dataclass
class Gap:
    """Numbers of the peer that we lack, up to `end`."""

    end: int
    asked: bool = False
    asked_end: int = 0
    """Where the open request ends, 0 when it goes to the last message."""
    filled: bool = False
    """A gap fill has brought us to the last number of the open request."""
    due_ns: int = 0
    """When it is asked for again, monotonic."""
    tries: int = 0


class Recovery:
    """The open gap and what waits behind it, for one connection."""

    def __init__(self, policy: RecoveryPolicy) -> None:
        self._policy = policy
        self._waiting: dict[int, Waiting] = {}
        self._bytes = 0
        self.gap: Gap | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        """Forgets all: a new connection, or numbers that start over."""
        self._waiting.clear()
        self._bytes = 0
        self.gap = None

    def hold(self, seq: int, waiting: Waiting) -> int:
        """Queues what is too high; returns how many were dropped because there is no room."""
        if seq in self._waiting:
            return 0
        size = len(waiting.message.raw) if waiting.message is not None else 0
        full = len(self._waiting) >= self._policy.queue_messages
        if full or self._bytes + size > self._policy.queue_bytes:
            dropped = len(self._waiting) + 1
            self._waiting.clear()
            self._bytes = 0
            if self.gap is not None:
                self.gap.asked = False
            return dropped
        self._waiting[seq] = waiting
        self._bytes += size
        return 0

    def next(self, expected: int) -> Waiting | None:
        """Takes what waits for this number out of the queue."""
        waiting = self._waiting.pop(expected, None)
        if waiting is not None and waiting.message is not None:
            self._bytes -= len(waiting.message.raw)
        return waiting

    def jumped(self, expected: int) -> None:
        """Drops what waits below the expected number, after a reset or gap fill."""
        for seq in [seq for seq in self._waiting if seq < expected]:
            self.next(seq)

    def filled(self, expected: int) -> None:
        """Notes a gap fill up to a number.

        Some engines fill a chunk up to its last number instead of beyond it, and send no more until
        they are asked: a chunk from that number on is due. Others send it now, and then once more.
        """
        if self.gap is not None and self.gap.asked_end == expected:
            self.gap.filled = True

    def opened(self, seq: int) -> bool:
        """Notes a number that is too high; returns whether the missing ones must be asked for."""
        if self.gap is None:
            self.gap = Gap(seq - 1)
        return not self.gap.asked

    def settled(self, expected: int, now_ns: int, progress: bool) -> bool:
        """Compares the gap with what has arrived; returns whether to ask for the next chunk.

        An open-ended answer may still hold what lies between the queued messages, so a second hole
        is asked for only when a later message shows that the answer is over, or after a while.
        """
        gap = self.gap
        if gap is None:
            return False
        if expected > gap.end:
            self.gap = None
            if self._waiting:
                end = min(self._waiting) - 1
                self.gap = Gap(end, due_ns=now_ns + self._policy.timeout_ns)
                return bool(gap.asked_end)
            return False
        if gap.asked_end and (gap.filled or expected > gap.asked_end):
            return True
        if progress:
            gap.tries, gap.due_ns = 1, now_ns + self._policy.timeout_ns
        return False

    def request(self, expected: int, now_ns: int) -> tuple[int, int] | None:
        """Returns BeginSeqNo and EndSeqNo to ask for; None when it was asked often enough."""
        gap, policy = self.gap, self._policy
        assert gap is not None
        if gap.filled or (gap.asked and gap.asked_end and expected > gap.asked_end):
            gap.tries = 0
        if gap.tries >= policy.tries:
            return None
        chunked = policy.chunk and gap.end - expected + 1 > policy.chunk
        gap.asked_end = expected + policy.chunk - 1 if chunked else 0
        gap.asked, gap.filled = True, False
        gap.due_ns = now_ns + (policy.timeout_ns << gap.tries)
        gap.tries += 1
        return expected, gap.asked_end

    @property
    def due_ns(self) -> int | None:
        """When the gap is asked for again, monotonic."""
        return None if self.gap is None else self.gap.due_ns


class Fill(NamedTuple):
    """One message of an answer: a kept message, or a gap fill from `seq` to before `next_seq`."""

    seq: int
    next_seq: int
    sent: Sent | None


@dataclass
class _Answer:
    """An answer that is being given: next number to look at, last one, where a fill began."""

    at: int
    end: int
    fill_from: int = 0


class Resends:
    """The peer's requests that are not worked off yet, for one connection."""

    def __init__(self, policy: ResendPolicy, store: Store) -> None:
        self._policy = policy
        self._store = store
        self._answers: deque[_Answer] = deque()
        self._seen: dict[tuple[int, int], deque[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._answers)

    def clear(self) -> None:
        """Forgets all: a new connection, or numbers that start over."""
        self._answers.clear()
        self._seen.clear()

    def excess(self, begin: int, end: int, now_ns: int) -> str:
        """Counts a request; returns why it is one too many, empty when it is not."""
        policy = self._policy
        oldest = now_ns - policy.same_request_ns
        seen = self._seen
        if len(seen) >= REQUESTS_REMEMBERED:
            del seen[next(iter(seen))]
        times = seen.setdefault((begin, end), deque(maxlen=policy.same_request_limit))
        if len(times) == policy.same_request_limit and times[0] > oldest:
            return f"ResendRequest from {begin} to {end} repeated too often"
        times.append(now_ns)
        if len(self._answers) >= policy.open_requests_limit:
            return f"More than {policy.open_requests_limit} open ResendRequests"
        return ""

    def add(self, begin: int, end: int) -> None:
        """Begins an answer for the numbers from `begin` to `end`, which have all been used."""
        self._answers.append(_Answer(begin, end))

    def piece(self, utc_ns: int, room: int) -> list[Fill]:
        """Returns the next messages of the oldest answer, `room` or as many as a turn may send."""
        fills: list[Fill] = []
        room = min(room, self._policy.messages_per_turn)
        looked = room * NUMBERS_PER_MESSAGE
        while self._answers and len(fills) < room and looked > 0:
            answer = self._answers[0]
            while answer.at <= answer.end and len(fills) < room and looked > 0:
                sent = self._store.sent(answer.at)
                if sent is None or self._stale(sent, utc_ns):
                    answer.fill_from = answer.fill_from or answer.at
                else:
                    fills += self._closed(answer)
                    fills.append(Fill(answer.at, answer.at + 1, sent))
                answer.at += 1
                looked -= 1
            if answer.at > answer.end:
                fills += self._closed(answer)
                self._answers.popleft()
        return fills

    def _closed(self, answer: _Answer) -> list[Fill]:
        """Ends the run of numbers that are not sent again, if there is one."""
        if not answer.fill_from:
            return []
        fill = Fill(answer.fill_from, answer.at, None)
        answer.fill_from = 0
        return [fill]

    def _stale(self, sent: Sent, utc_ns: int) -> bool:
        limit = self._policy.order_age_ns
        return sent.order and limit is not None and utc_ns - sent.sending_ns > limit
