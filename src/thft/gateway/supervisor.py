"""Keeps one connection alive whatever its protocol: attempts, budgets, pauses; used by all links.

What a connection is (a FIX session, a WebSocket) and how it is told belongs to its owner; when the
next attempt may begin is decided here alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from thft.base.backoff import ConnectBudget
from thft.host.clock import moment

HEALTHY_S = 30.0
"""A connection that has done what it is for so long has proven its health."""


class Waits(Protocol):
    """How long to wait before the next attempt; `thft.base.backoff.Backoff` is one."""

    def next_ms(self) -> int: ...
    def proven_healthy(self) -> None: ...


def monotonic_ns() -> int:
    """Returns the machine's monotonic time, ns."""
    return moment()[0]


def loop_ns() -> int:
    """Returns the event loop's time, ns: monotonic, or virtual where the loop is."""
    return int(asyncio.get_running_loop().time() * 1e9)


class Supervisor:
    """See the module. `attempt` is called when an attempt begins, before anything is sent."""

    def __init__(
        self,
        told: Callable[[str], None],
        attempt: Callable[[], None],
        *,
        waits: Waits,
        budgets: Sequence[ConnectBudget] = (),
        clock_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        """`told` takes, in words, why there is no connection and for how long.

        `budgets` hold for this connection, shared with all others they hold for.
        """
        self._told = told
        self._attempt = attempt
        self._waits = waits
        self._budgets = budgets
        self._clock_ns = clock_ns
        self._stop = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """No further attempt will be made."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ends every wait, and the attempts."""
        self._stop.set()

    async def run(
        self, connection: Callable[[], Awaitable[str]], opens: Callable[[], Awaitable[None]]
    ) -> str:
        """Lives through connections until stopped; returns how the one ended that was there then.

        `connection` lives through one and returns why it ended; `opens` returns when one is wanted.
        """
        reason = ""
        while not self.stopping:
            await opens()
            await self._turn_comes()
            if self.stopping:
                break
            self._attempt()
            reason = await connection()
            if self.stopping:
                break
            wait_s = self._waits.next_ms() / 1_000
            self._told(f"{reason}; next try in {_figures(wait_s)} s")
            reason = ""
            await self.sleep(wait_s)
        return reason

    async def _turn_comes(self) -> None:
        """Takes a place in every budget and waits for it: two that wait do not come at once."""
        if self.stopping:
            return
        now_ns = self._clock_ns()
        wait_ns = max((one.wait_ns(now_ns) for one in self._budgets), default=0)
        for one in self._budgets:
            one.attempt(now_ns + wait_ns)
        if wait_ns:
            self._told(f"connect budget used; next try in {_figures(wait_ns / 1e9)} s")
            await self.sleep(wait_ns / 1e9)

    async def sleep(self, seconds: float) -> None:
        """Sleeps, not beyond `stop`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def stopped(self) -> None:
        """Returns once `stop` was called."""
        await self._stop.wait()


def _figures(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.3g}"
