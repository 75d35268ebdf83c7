"""A consumer group over a log of this machine: reads by tailing, keeps nothing on disk itself.

Called by the api's projection. The owner starts it behind the cursor that it stored with its last
effect; what was delivered and not covered by that cursor is delivered again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import islice

from thft.base.frame import LOG_TYPES, Frame
from thft.stream.group.port import NotPending, Pending, PendingFull
from thft.stream.reader import LogReader

SCAN_FRAMES = 4_096
PENDING_LIMIT = 65_536


class EmbeddedGroup:
    """See `port.ConsumerGroup`."""

    def __init__(
        self,
        reader: LogReader,
        streams: Collection[int],
        clock_ns: Callable[[], int],
        end_seq: Callable[[], int],
        pending_limit: int = PENDING_LIMIT,
    ) -> None:
        """Reads `streams` from where `reader` stands.

        `clock_ns` is monotonic and times deliveries; `end_seq` returns the last durable seq of the
        log; at most `pending_limit` entries may be delivered and not acknowledged. What is written
        and not durable waits: a power cut could take it and the log number another event so, while
        the owner kept the effect and the cursor.
        """
        self._reader = reader
        self._streams = frozenset(streams)
        self._clock_ns = clock_ns
        self._end_seq = end_seq
        self._limit = pending_limit
        self._begun_seq = self._seen_seq = reader.next_seq - 1
        self._ahead: deque[Frame] = deque()
        """Entries scanned and not yet delivered."""
        self._held: dict[int, tuple[Frame, Pending]] = {}
        """Delivered and not acknowledged, in the order of the seqs."""

    @property
    def cursor(self) -> int:
        """Everything up to this seq is acknowledged."""
        if self._held:
            return next(iter(self._held)) - 1
        seen_seq = self._ahead[0].seq - 1 if self._ahead else self._seen_seq
        return min(seen_seq, max(self._end_seq(), self._begun_seq))

    def read(self, consumer: str, count: int) -> list[Frame]:
        """Delivers up to `count` new entries; raises PendingFull when too many are held."""
        if len(self._held) >= self._limit:
            raise PendingFull(
                f"{len(self._held)} entries are delivered and not acknowledged",
                "acknowledge or claim them before reading on",
            )
        count = min(count, self._limit - len(self._held))
        while len(self._ahead) < count and (scanned := self._reader.read(SCAN_FRAMES)):
            self._seen_seq = scanned[-1].seq
            self._ahead.extend(
                frame
                for frame in scanned
                if frame.stream in self._streams and frame.type < LOG_TYPES
            )
        now_ns = self._clock_ns()
        end_seq = self._end_seq()
        found: list[Frame] = []
        while len(found) < count and self._ahead and self._ahead[0].seq <= end_seq:
            found.append(self._ahead.popleft())
        for frame in found:
            self._held[frame.seq] = frame, Pending(frame.seq, consumer, now_ns, 1)
        return found

    @property
    def waits_for_disk(self) -> bool:
        """True when the next entry is written and not durable yet."""
        return bool(self._ahead) and self._ahead[0].seq > self._end_seq()

    def ack(self, consumer: str, seqs: Iterable[int]) -> int:
        """Takes entries off; raises NotPending, and takes none, when one is not the consumer's."""
        acked = list(seqs)
        for seq in acked:
            held = self._held.get(seq)
            if held is None or held[1].consumer != consumer:
                raise NotPending(
                    f"entry {seq} is not held by {consumer!r}",
                    "it was acknowledged before, or another consumer has claimed it",
                )
        for seq in acked:
            self._held.pop(seq, None)
        return self.cursor

    def pending(self, consumer: str | None = None) -> list[Pending]:
        """Returns what is held, of one consumer or of all, by seq."""
        return [held for _, held in self._held.values() if consumer in (None, held.consumer)]

    def claim(self, consumer: str, min_idle_ns: int, count: int) -> list[Frame]:
        """Moves entries that others hold for too long to `consumer`, oldest first."""
        now_ns = self._clock_ns()
        idle = (
            (frame, held)
            for frame, held in self._held.values()
            if held.consumer != consumer and now_ns - held.delivered_ns >= min_idle_ns
        )
        claimed = list(islice(idle, count))
        for frame, held in claimed:
            again = Pending(frame.seq, consumer, now_ns, held.deliveries + 1)
            self._held[frame.seq] = frame, again
        return [frame for frame, _ in claimed]

    def lag(self) -> int:
        """Returns how many sequence numbers of the log lie behind the cursor."""
        return max(self._end_seq() - self.cursor, 0)
