"""An event loop whose time leaps over every pause; sockets are real. Used by long tests.

A pause is over as soon as no socket has anything to say: two days of reconnects take seconds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]


class _Leaping(selectors.DefaultSelector):
    """Moves its loop's time instead of waiting: what was written on loopback is there already."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Ready:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready: Ready = super().select(0)
        if not ready:
            self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module; `time` begins at an hour, so that ages are never negative."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        self._leaping.now_s = 3_600.0
        super().__init__(self._leaping)

    def time(self) -> float:
        """Returns the loop's own seconds."""
        return self._leaping.now_s


def run_virtual(story: Coroutine[Any, Any, T]) -> T:
    """Runs a story in a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)
