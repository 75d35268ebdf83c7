"""Lets the messages of one broker out when its throttle says so; shared by all its links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from thft.gateway.limiter import DATA_A_TURN, QUEUE_MESSAGES, URGENT, Lane, Throttle
from thft.gateway.supervisor import monotonic_ns


class Outlet(Protocol):
    """A link that gathers what it was given to send."""

    def flush(self) -> None:
        """Writes what was sent."""
        ...


class Gate:
    """The throttle of one broker with its timers; `outlets` write what it let go."""

    def __init__(self, throttle: Throttle, clock_ns: Callable[[], int] = monotonic_ns) -> None:
        self.throttle = throttle
        self.outlets: list[Outlet] = []
        self._clock_ns = clock_ns
        self._timers: list[asyncio.Handle | None] = [None, None]
        """When the urgent lanes have their next turn, and when data has."""
        self._marking = False

    def run(self) -> None:
        """Sends what may go, writes it, and comes back for the rest; data waits for its turn."""
        self._turn(0, URGENT, QUEUE_MESSAGES)
        if self.throttle.waiting(Lane.DATA) and self._timers[1] is None:
            self._timers[1] = asyncio.get_running_loop().call_soon(self._data)

    def _data(self) -> None:
        self._turn(1, (Lane.DATA,), DATA_A_TURN)

    def _turn(self, which: int, lanes: Iterable[Lane], most: int) -> None:
        """Gives some lanes their turn, and sets their timer for the next."""
        timer = self._timers[which]
        if timer is not None:
            timer.cancel()
            self._timers[which] = None
        wait_ns = self.throttle.run(self._clock_ns(), lanes, most)
        for outlet in self.outlets:
            outlet.flush()
        self.mark()
        loop, again = asyncio.get_running_loop(), self._data if which else self.run
        self._timers[which] = loop.call_later(wait_ns / 1e9, again) if wait_ns >= 0 else None

    def mark(self) -> None:
        """Lets what goes now count from when it is known to have left.

        The loop may write at the end of its turn: after two more turns it has.
        """
        if not self._marking:
            self._marking = True
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._left)

    def _left(self) -> None:
        self._marking = False
        self.throttle.left(self._clock_ns())
