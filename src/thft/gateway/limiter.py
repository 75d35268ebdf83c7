"""How much may go out to one broker, and what goes first; used by all its sessions' channels.

Pure: times are given, sending is a call. A window is exact: in every interval of its length there
are at most `limit` messages, whatever came before, which a token bucket cannot promise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

SECOND_NS = 1_000_000_000
GUARD_NS = 50_000_000
"""Two messages may come so much closer together on their way to the wire."""
QUEUE_MESSAGES = 10_000
CONTROL_MESSAGES = 5
"""So many of a second's messages are left to the sessions' own, or a twentieth of a small limit."""
STEP_MESSAGES = 3
"""What one message of the venue or one timer may make a session say, besides resends."""


class Lane(IntEnum):
    """What a message is for; the lower number goes first."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2
    DATA = 3


URGENT = (Lane.CANCEL, Lane.ORDER, Lane.QUERY)
DATA_A_TURN = 16
"""So many subscriptions go out before orders have their turn again."""


class Window:
    """At most `limit` messages in any `window_ns`, and a guard behind it.

    A message counts from when it is taken, and once it has left from when that was known.
    """

    def __init__(self, limit: int, window_ns: int = SECOND_NS, *, signs: bool = True) -> None:
        """`signs`: what a session says itself, signs of life, counts too."""
        self.signs = signs
        self._limit = limit
        self._span_ns = window_ns + GUARD_NS
        self._sent_ns: deque[int] = deque()
        self._fresh = 0
        """How many of the last were taken and have not left yet, as far as we know."""

    def wait_ns(self, now_ns: int, spared: int = 0) -> int:
        """Returns how long until one more may go that leaves `spared` for others, 0 for now."""
        over = self._counted(now_ns) - max(self._limit - spared, 1)
        return 0 if over < 0 else self._sent_ns[over] + self._span_ns - now_ns

    def room(self, now_ns: int) -> int:
        """Returns how many may go now."""
        return self._limit - self._counted(now_ns)

    def take(self, now_ns: int, count: int = 1) -> None:
        """Counts what goes now."""
        self._sent_ns.extend((now_ns,) * count)
        self._fresh += count

    def left(self, now_ns: int) -> None:
        """All that was taken has left by now: that is when it counts from."""
        fresh = min(self._fresh, len(self._sent_ns))
        self._fresh = 0
        for _ in range(fresh):
            self._sent_ns.pop()
        self._sent_ns.extend((now_ns,) * fresh)

    def spared(self, percent: int) -> int:
        """Returns a share of the limit, at least one message of a limit above one."""
        return -(-self._limit * percent // 100)

    @property
    def control(self) -> int:
        """How many messages are left to the sessions themselves."""
        return min(CONTROL_MESSAGES, self._limit // 20)

    def _counted(self, now_ns: int) -> int:
        sent = self._sent_ns
        while sent and sent[0] <= now_ns - self._span_ns:
            sent.popleft()
        return len(sent)


class Item(NamedTuple):
    """A message that waits: what sends it, and what is to be done when its time has run out."""

    link: str
    send: Callable[[], None]
    expired: Callable[[], None]
    deadline_ns: int


class Throttle:
    """The queue of one broker: four lanes, a window for each kind, windows of single links.

    Orders and cancels have a window together with queries, which may fill a tenth of it at a time
    only and are left as much by orders while they wait, and market data has its own. A venue's
    limit on all messages of a link holds beside them; of that, data leaves a fifth to orders. What
    the sessions say themselves counts with the orders, or with market data on links that carry
    nothing else.
    """

    def __init__(
        self,
        executions_per_s: int,
        data_per_s: int,
        links: dict[str, list[Window]],
        data_links: frozenset[str] = frozenset(),
    ) -> None:
        """`links`: the venue's own windows; `data_links`: those that carry market data alone."""
        self._executions = Window(executions_per_s)
        self._queries = Window(max(executions_per_s // 10, 1))
        self._data = Window(data_per_s)
        self._links = links
        self._data_links = set(data_links)
        self._lanes: dict[Lane, dict[str, deque[Item]]] = {lane: {} for lane in Lane}
        """What waits of each lane, by link: one that has to wait holds no other back."""

    def join(self, link: str, windows: list[Window]) -> None:
        """Adds a link of market data, or gives it fresh windows for a new connection."""
        self._links[link] = windows
        self._data_links.add(link)

    def waiting(self, lane: Lane) -> bool:
        """Something of that lane has not gone yet."""
        return any(self._lanes[lane].values())

    def put(self, lane: Lane, item: Item) -> None:
        """Adds a message; when too many wait in its lane it expires at once."""
        queues = self._lanes[lane]
        if sum(map(len, queues.values())) >= QUEUE_MESSAGES:
            item.expired()
        else:
            queues.setdefault(item.link, deque()).append(item)

    def run(self, now_ns: int, lanes: Iterable[Lane] = Lane, most: int = QUEUE_MESSAGES) -> int:
        """Sends what may go and drops what is too old, at most so many of each lane.

        Returns how long to wait, 0 when more may go at once, -1 when nothing waits.
        """
        waits = [self._lane(lane, now_ns, most) for lane in lanes]
        return min((wait for wait in waits if wait >= 0), default=-1)

    def forget(self, link: str) -> None:
        """Expires everything that waits for a link whose connection is over."""
        for queues in self._lanes.values():
            for item in queues.pop(link, ()):
                item.expired()

    # ---- what the sessions say themselves ------------------------------------------------------

    def room(self, link: str, now_ns: int) -> int:
        """Returns how many messages a link's session may be made to say now.

        What it says unasked, a Logout, has room behind that.
        """
        own = self._own(link)
        return own.room(now_ns) - self._unasked(own)

    def sign_ns(self, link: str, now_ns: int) -> int:
        """Returns how long a sign of life must wait, 0 for now; a Close has room behind."""
        windows = [self._own(link), *self._links.get(link, [])]
        return max(window.wait_ns(now_ns, window.control) for window in windows if window.signs)

    def step(self, link: str) -> int:
        """Returns how much room a session must have before it may be made to say something."""
        return max(min(STEP_MESSAGES, self._own(link).control), 1)

    def wait_ns(self, link: str, now_ns: int) -> int:
        """Returns how long until a link's session has that room."""
        own = self._own(link)
        return own.wait_ns(now_ns, self.step(link) - 1 + self._unasked(own))

    def said(self, link: str, count: int, now_ns: int) -> None:
        """Counts what a link's session has said itself."""
        for window in (self._own(link), *self._links.get(link, [])):
            if window.signs:
                window.take(now_ns, count)

    def left(self, now_ns: int) -> None:
        """All that was let out has left the process by now."""
        for windows in ((self._executions, self._queries, self._data), *self._links.values()):
            for window in windows:
                window.left(now_ns)

    @staticmethod
    def _unasked(window: Window) -> int:
        return max(window.control - STEP_MESSAGES, 0)

    def _own(self, link: str) -> Window:
        return self._data if link in self._data_links else self._executions

    def _lane(self, lane: Lane, now_ns: int, most: int) -> int:
        """Lets out what may go, the links in turns; returns as `run` does."""
        queues, left = self._lanes[lane], most
        while left > 0:
            waits: list[int] = []
            for link, queue in list(queues.items()):
                wait_ns = self._first(lane, queue, now_ns)
                if wait_ns < 0:
                    queues.pop(link, None)
                elif wait_ns:
                    waits.append(wait_ns)
                else:
                    left -= 1
                    waits.append(0)
            if not waits:
                return -1
            if min(waits):
                return min(waits)
        return 0 if self.waiting(lane) else -1

    def _first(self, lane: Lane, queue: deque[Item], now_ns: int) -> int:
        """Sends the first of a link, if it may go; returns its wait otherwise, -1 without any."""
        while queue and queue[0].deadline_ns <= now_ns:
            queue.popleft().expired()
        if not queue:
            return -1
        item = queue[0]
        windows = self._windows(lane, item.link)
        wait_ns = max(window.wait_ns(now_ns, spared) for window, spared in windows)
        if wait_ns:
            return min(wait_ns, item.deadline_ns - now_ns)
        for window, _ in windows:
            window.take(now_ns)
        queue.popleft()
        item.send()
        return 0

    def _windows(self, lane: Lane, link: str) -> list[tuple[Window, int]]:
        """Returns the windows a message must pass, and how much of each it leaves to others."""
        whole = self._links.get(link, [])
        if lane is Lane.DATA:
            data = self._data, 2 * self._data.control  # for signs of life, and for a last word
            return [data, *((one, one.spared(20)) for one in whole)]
        if lane is Lane.ORDER and self.waiting(Lane.QUERY):  # a tenth is left to questions
            spared = self._executions.control + self._executions.spared(10)
            return [(self._executions, spared), *((one, one.spared(10)) for one in whole)]
        own = [(self._executions, self._executions.control), *((one, 0) for one in whole)]
        return [*own, (self._queries, 0)] if lane is Lane.QUERY else own
