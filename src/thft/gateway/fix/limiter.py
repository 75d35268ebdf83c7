"""How much may go out to one broker, and what goes first; used by all its sessions' channels.

Pure: times are given, sending is a call. A window is exact: in every interval of its length there
are at most `limit` messages, whatever came before, which a token bucket cannot promise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

SECOND_NS = 1_000_000_000
GUARD_NS = 50_000_000
"""Two messages may come so much closer together on their way to the wire."""
QUEUE_MESSAGES = 10_000


class Lane(IntEnum):
    """What a message is for; the lower number goes first."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2
    DATA = 3


class Window:
    """At most `limit` messages in any `window_ns`, and a guard behind it."""

    def __init__(self, limit: int, window_ns: int = SECOND_NS) -> None:
        self._limit = limit
        self._span_ns = window_ns + GUARD_NS
        self._sent_ns: deque[int] = deque()

    def wait_ns(self, now_ns: int, spared: int = 0) -> int:
        """Returns how long until one more may go that leaves `spared` for others, 0 for now."""
        sent = self._sent_ns
        while sent and sent[0] <= now_ns - self._span_ns:
            sent.popleft()
        over = len(sent) - max(self._limit - spared, 1)
        return 0 if over < 0 else sent[over] + self._span_ns - now_ns

    def take(self, now_ns: int) -> None:
        """Counts one that goes now."""
        self._sent_ns.append(now_ns)

    def spared(self, percent: int) -> int:
        """Returns a share of the limit."""
        return self._limit * percent // 100


class Item(NamedTuple):
    """A message that waits: what sends it, and what is to be done when its time has run out."""

    link: str
    send: Callable[[], None]
    expired: Callable[[], None]
    deadline_ns: int


class Throttle:
    """The queue of one broker: four lanes, a window for each kind, windows of single links.

    Orders and cancels have a window together with queries, which may fill a tenth of it at a time
    only, and market data has its own. A venue's limit on all messages of a link holds beside them;
    of that, data leaves a fifth to orders.
    """

    def __init__(
        self, executions_per_s: int, data_per_s: int, links: dict[str, list[Window]]
    ) -> None:
        self._executions = Window(executions_per_s)
        self._queries = Window(max(executions_per_s // 10, 1))
        self._data = Window(data_per_s)
        self._links = links
        self._lanes: dict[Lane, deque[Item]] = {lane: deque() for lane in Lane}

    def waiting(self, lane: Lane) -> bool:
        """Something of that lane has not gone yet."""
        return bool(self._lanes[lane])

    def put(self, lane: Lane, item: Item) -> None:
        """Adds a message; when too many wait in its lane it expires at once."""
        queue = self._lanes[lane]
        if len(queue) >= QUEUE_MESSAGES:
            item.expired()
        else:
            queue.append(item)

    def run(self, now_ns: int) -> int:
        """Sends what may go and drops what is too old; returns how long to wait, -1 for nothing."""
        waits = [self._lane(lane, now_ns) for lane in Lane]
        return min((wait for wait in waits if wait >= 0), default=-1)

    def forget(self, link: str) -> None:
        """Expires everything that waits for a link whose connection is over."""
        for lane, queue in self._lanes.items():
            gone = [item for item in queue if item.link == link]
            self._lanes[lane] = deque(item for item in queue if item.link != link)
            for item in gone:
                item.expired()

    def _lane(self, lane: Lane, now_ns: int) -> int:
        queue = self._lanes[lane]
        while queue:
            item = queue[0]
            if item.deadline_ns <= now_ns:
                queue.popleft()
                item.expired()
                continue
            windows = self._windows(lane, item.link)
            wait_ns = max(window.wait_ns(now_ns, spared) for window, spared in windows)
            if wait_ns:
                return min(wait_ns, item.deadline_ns - now_ns)
            for window, _ in windows:
                window.take(now_ns)
            queue.popleft()
            item.send()
        return -1

    def _windows(self, lane: Lane, link: str) -> list[tuple[Window, int]]:
        """Returns the windows a message must pass, and how much of each it leaves to others."""
        whole = self._links.get(link, [])
        if lane is Lane.DATA:
            return [(self._data, 0), *((one, one.spared(20)) for one in whole)]
        own = [(self._executions, 0), *((one, 0) for one in whole)]
        return [*own, (self._queries, 0)] if lane is Lane.QUERY else own
