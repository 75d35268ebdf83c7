"""Watches how long strategy handlers run; a thread beside the core's loop.

Over 50 ms the call is reported as slow once it has ended; at 250 ms the handler is interrupted by
a signal whose handler raises only while a strategy is being called.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from types import FrameType

from thft.kernel.dispatch import QuoteLane
from thft.kernel.strategy import BudgetExceeded

SLOW_NS = 50_000_000
INTERRUPT_NS = 250_000_000
LOOK_EVERY_S = 0.01


class Watchdog:
    """Start it from the main thread, which is the one that calls strategies."""

    def __init__(self, lane: QuoteLane) -> None:
        self._lane = lane
        self._slow: deque[tuple[str, int]] = deque(maxlen=256)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._main = threading.main_thread().ident or 0

    def start(self) -> None:
        """Begins watching."""
        signal.signal(signal.SIGALRM, self._interrupt)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self._thread.join()

    def take_slow(self) -> list[tuple[str, int]]:
        """Returns (strategy, elapsed ns) of slow calls since last asked."""
        slow = list(self._slow)
        self._slow.clear()
        return slow

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._lane.calling is not None:
            raise BudgetExceeded(f"a handler ran over {INTERRUPT_NS // 1_000_000} ms")

    def _run(self) -> None:
        lane = self._lane
        call, since_ns, strategy = lane.calls, time.monotonic_ns(), ""
        interrupted = False
        while not self._stopping.wait(LOOK_EVERY_S):
            now_ns = time.monotonic_ns()
            slot = lane.calling
            if slot is not None and lane.calls == call:
                strategy = slot.id
                if now_ns - since_ns >= INTERRUPT_NS and not interrupted:
                    interrupted = True
                    signal.pthread_kill(self._main, signal.SIGALRM)
                continue
            if strategy and now_ns - since_ns >= SLOW_NS and not interrupted:
                self._slow.append((strategy, now_ns - since_ns))
            call, since_ns, strategy, interrupted = lane.calls, now_ns, "", False
