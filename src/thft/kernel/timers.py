"""The kernel's timers, ordered by (due, id); armed and fired only by the kernel."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

NEVER_NS = 2**63 - 1

Timer = tuple[int, int, str, str]
"""(due_ns, id, kind, ref)"""


class Timers:
    """A heap of timers; cancelled ones are forgotten when they come up."""

    def __init__(self) -> None:
        self.next_id = 1
        self._heap: list[Timer] = []
        self._live: set[int] = set()

    def arm(self, due_ns: int, kind: str, ref: str) -> int:
        """Sets a timer and returns its id."""
        timer = self.next_id
        self.next_id += 1
        self._live.add(timer)
        heappush(self._heap, (due_ns, timer, kind, ref))
        return timer

    def take_over(self, timer: int, due_ns: int, kind: str, ref: str) -> None:
        """Sets a timer under the id it was recorded with."""
        self.next_id = max(self.next_id, timer + 1)
        self._live.add(timer)
        heappush(self._heap, (due_ns, timer, kind, ref))

    def cancel(self, timer: int) -> None:
        """Forgets a timer; one that fired or never was is no error."""
        self._live.discard(timer)

    @property
    def next_due_ns(self) -> int:
        """Due time of the earliest live timer, NEVER_NS when there is none."""
        heap = self._heap
        while heap and heap[0][1] not in self._live:
            heappop(heap)
        return heap[0][0] if heap else NEVER_NS

    def pop(self) -> Timer:
        """Removes and returns the earliest live timer; raises IndexError when there is none."""
        while self._heap:
            timer = heappop(self._heap)
            if timer[1] in self._live:
                self._live.remove(timer[1])
                return timer
        raise IndexError("no timer is armed")

    def record(self) -> tuple[int, list[Timer]]:
        """Returns (next id, live timers in firing order) for snapshots and the state hash."""
        return self.next_id, sorted(timer for timer in self._heap if timer[1] in self._live)

    def restore(self, record: tuple[int, list[Timer]]) -> None:
        """Takes back what `record` returned."""
        self.next_id = record[0]
        self._heap = [(due_ns, timer, kind, ref) for due_ns, timer, kind, ref in record[1]]
        self._live = {timer[1] for timer in self._heap}
        heapify(self._heap)
