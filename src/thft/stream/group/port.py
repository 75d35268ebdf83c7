"""What a consumer group offers, whatever carries the stream; implemented by `embedded`.

A stream is a named view of a log: the frames that carry its number. A group reads streams in
order and at least once. Its owner keeps the cursor where the effect lives, in one transaction
with it, so that every effect takes place once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from thft.base.errors import LocalError
from thft.base.frame import Frame


class PendingFull(LocalError):
    """More entries wait for their acknowledgement than the group may hold."""


class NotPending(LocalError):
    """An acknowledgement of an entry that its consumer does not hold."""


class Pending(NamedTuple):
    """An entry that was delivered and not acknowledged."""

    seq: int
    consumer: str
    delivered_ns: int
    deliveries: int


class ConsumerGroup(Protocol):
    """One group, owned by one process; its consumers are workers in it."""

    @property
    def cursor(self) -> int:
        """Everything up to this seq is acknowledged; start a new group behind it."""
        ...

    def read(self, consumer: str, count: int) -> list[Frame]:
        """Delivers up to `count` new entries in order; none when nothing is new."""
        ...

    def ack(self, consumer: str, seqs: Iterable[int]) -> int:
        """Takes the consumer's entries off; returns the cursor. Raises NotPending."""
        ...

    def pending(self, consumer: str | None = None) -> list[Pending]:
        """Returns what is delivered and not acknowledged, of one consumer or of all, by seq."""
        ...

    def claim(self, consumer: str, min_idle_ns: int, count: int) -> list[Frame]:
        """Delivers entries again that others have held for `min_idle_ns`, oldest first."""
        ...

    def lag(self) -> int:
        """Returns how many sequence numbers of the log lie behind the cursor."""
        ...
