"""What a session must not forget: its next numbers and what it sent; called by session and owners.

The session changes the store while it works through a turn. Its owner calls `flush` before any
bytes of that turn leave, so that no number is ever used twice, and `left` afterwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

HeaderField = tuple[int, bytes]

RECEIVED = "received"
"""The cause of a next number that follows its predecessor."""


class Sent(Struct, frozen=True, array_like=True, gc=False):
    """An outgoing message that may have to be sent again: all that is not made anew then."""

    seq: int
    type: str
    sending_ns: int
    body: bytes
    extra: tuple[HeaderField, ...] = ()
    """Header fields of this message alone, as they were sent."""
    order: bool = False
    """It carries an order: the application hears when it goes out again."""


class Store(Protocol):
    """Numbers and sent messages of one session; numbers begin at 1."""

    next_in: int
    """The number that the peer's next message must have. Read only; see `set_next_in`."""
    next_out: int
    """The number of our next message. Read only; see `append`."""
    began_ns: int
    """UTC ns at which these numbers began, 0 for a store that was never used."""

    def set_next_in(self, number: int, cause: str) -> None:
        """Changes the next inbound number."""
        ...

    def append(self, sent: Sent | None) -> None:
        """Uses up the next outgoing number, and keeps the message if there is one to keep."""
        ...

    def reset(self, next_out: int, began_ns: int, cause: str) -> None:
        """Starts over: nothing received yet, nothing kept, `next_out` our next number."""
        ...

    @property
    def kept_messages(self) -> int:
        """How many messages could be sent again."""
        ...

    def sent(self, seq: int) -> Sent | None:
        """Returns a kept message; None for session messages and what was not or no longer kept."""
        ...

    def flush(self) -> None:
        """Makes all changes so far survive the process; raises LocalError when it cannot."""
        ...

    def left(self) -> None:
        """The bytes that waited for `flush` have left: does what they need not wait for."""
        ...


@dataclass(frozen=True)
class Retention:
    """How much of one class of messages is kept; what falls out is gap-filled when asked for."""

    count: int = 100_000
    bytes: int = 64 << 20
    age_ns: int = 86_400_000_000_000


class MemoryStore:
    """A store that forgets with its process, and the index of one that does not."""

    def __init__(self, orders: Retention | None = None, others: Retention | None = None) -> None:
        self.next_in = self.next_out = 1
        self.began_ns = 0
        self._kept: dict[int, Sent] = {}
        self._orders, self._others = _Shelf(orders or Retention()), _Shelf(others or Retention())

    def set_next_in(self, number: int, cause: str) -> None:
        """See Store."""
        self.next_in = number

    def append(self, sent: Sent | None) -> None:
        """See Store."""
        self.next_out += 1
        if sent is not None:
            self._kept[sent.seq] = sent
            shelf = self._orders if sent.order else self._others
            for old in shelf.put(sent):
                del self._kept[old.seq]

    def reset(self, next_out: int, began_ns: int, cause: str) -> None:
        """See Store."""
        self.next_in, self.next_out, self.began_ns = 1, next_out, began_ns
        self._kept.clear()
        self._orders.clear()
        self._others.clear()

    def sent(self, seq: int) -> Sent | None:
        """See Store."""
        return self._kept.get(seq)

    def flush(self) -> None:
        """Nothing of it survives."""

    def left(self) -> None:
        """Nothing is left to do."""

    @property
    def kept_messages(self) -> int:
        """See Store."""
        return len(self._kept)

    def kept_numbers(self) -> list[int]:
        """Returns the numbers of the kept messages, oldest first."""
        return list(self._kept)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the bodies that are kept."""
        return self._orders.bytes + self._others.bytes


class _Shelf:
    """The kept messages of one class, oldest first, within their bounds."""

    def __init__(self, bounds: Retention) -> None:
        self._most, self._most_bytes, self._age_ns = bounds.count, bounds.bytes, bounds.age_ns
        self._messages: deque[Sent] = deque()
        self.bytes = 0

    def put(self, sent: Sent) -> list[Sent]:
        """Takes a message; returns what had to leave for it."""
        messages = self._messages
        messages.append(sent)
        self.bytes += len(sent.body)
        left: list[Sent] = []
        oldest_ns = sent.sending_ns - self._age_ns
        while messages and (
            len(messages) > self._most
            or self.bytes > self._most_bytes
            or messages[0].sending_ns < oldest_ns
        ):
            old = messages.popleft()
            self.bytes -= len(old.body)
            left.append(old)
        return left

    def clear(self) -> None:
        """Forgets all."""
        self._messages.clear()
        self.bytes = 0
