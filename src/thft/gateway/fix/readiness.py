"""When an account is READY: what a venue is asked, whether that is all of it, and what it must be.

First orders: each of the engine's that may live, and all the venue has. Then positions, which must
be what the engine has booked: one by one on a hedging account, where they may cancel out, and one
for each instrument on a netting one. What is no complete answer is asked again. Owned by the order
desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from thft.gateway.dialect import Dialect
from thft.gateway.fix.reports import OrderWords, Said
from thft.gateway.fix.snapshot import Snapshot
from thft.gateway.fix_link import now
from thft.model.order import Order

TURN_S, PASS_S = 0.01, 1.0
PASSES = 3
"""Positions that differ are asked for so often before anybody believes it."""


class Asker(Protocol):
    """The order desk, as this room needs it."""

    def state(self, state: str, reason: str) -> None: ...
    def ask(self, kind: str, body: bytes, ref: str) -> None: ...
    def query(self, order: Order) -> None: ...
    def foreign(self, said: Said) -> None: ...
    def known(self) -> list[Order]: ...
    def differences(self) -> list[str]: ...
    def end_turn(self) -> None: ...

    @property
    def asking(self) -> bool:
        """Questions wait for the broker's limit."""
        ...


class Readiness:
    """Goes from SYNCING to READY, and looks again while the session lives."""

    def __init__(
        self,
        desk: Asker,
        dialect: Dialect,
        words: OrderWords,
        answer_s: float,
        poll_s: float,
        *,
        hedged: bool = False,
    ) -> None:
        self._desk = desk
        self._words = words
        self._answer_s, self._poll_s = answer_s, poll_s
        self._running = False
        self._first = True
        self._timer: asyncio.TimerHandle | None = None
        self.snapshot = Snapshot(dialect, hedged)
        self.ready = False
        self.asked: dict[str, Order] = {}
        """Orders asked for whose answer has not come on this connection."""
        self._lost: dict[str, Order] = {}
        """Orders of earlier sessions at a venue that cannot be asked what became of them."""
        self.fresh: set[str] = set()
        """Orders sent since the venue was last asked for all of them: its answer may lack them."""

    def begin(self) -> None:
        """Asks for everything; the kernel answers SYNCING with a query for each living order."""
        self._first = True
        self._desk.state("SYNCING", "orders are asked for")
        self._look()

    def end(self) -> None:
        """The connection is over; nothing is concluded from what was not answered."""
        self.ready = self._running = False
        self.asked.clear()
        self._lost.clear()
        if self._timer is not None:
            self._timer.cancel()

    def unaskable(self, order: Order, session: int) -> None:
        """Notes an order that the venue cannot be asked for; in its own session reports come."""
        if order.session < session:
            self._lost[order.client_order_id] = order

    def answered(self, client_order_id: str) -> None:
        """A report says what became of an order."""
        self.asked.pop(client_order_id, None)
        self._lost.pop(client_order_id, None)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls back, in a turn of its own, unless something else is to come first."""
        if self._timer is not None:
            self._timer.cancel()

        def due() -> None:
            action()
            self._desk.end_turn()

        self._timer = asyncio.get_running_loop().call_later(seconds, due)

    def _look(self) -> None:
        self._running = True
        self.snapshot.begin()
        self.ask_orders()

    def ask_orders(self) -> None:
        """Asks for all orders the venue has."""
        snapshot = self.snapshot
        self.fresh.clear()
        if snapshot.asks_orders:
            self._desk.ask("AF", self._words.all_orders(snapshot.next_orders()), "orders")
            self.later(self._answer_s, self._late)
        else:
            self.later(TURN_S, self._without_list)

    def _without_list(self) -> None:
        """There is no list to wait for; the kernel's own questions are out by now."""
        self.snapshot.orders_complete = True
        self.later(self._answer_s, self._late)
        self.advance()

    def _ask_positions(self) -> None:
        if self._first:
            self._desk.state("SYNCING", "positions are asked for")
        request = self.snapshot.next_positions()
        self._desk.ask("AN", self._words.all_positions(request, now().utc_ns), "positions")
        self.later(self._answer_s, self._late)

    def _late(self) -> None:
        """The answer is not complete: nothing changes, and it is asked again."""
        if self._desk.asking:
            self.later(self._answer_s, self._late)
            return
        snapshot = self.snapshot
        orders = not snapshot.orders_complete or self.asked or not snapshot.asks_positions
        self._first, self.ready = True, False
        what = "orders" if orders else "positions"
        self._desk.state("SYNCING", f"{what} incomplete after {self._answer_s:g} s, asked again")
        for order in list(self.asked.values()):
            self._desk.query(order)
        if orders:
            self.ask_orders()
        else:
            self._ask_positions()

    def advance(self) -> None:
        """Goes on to positions once all orders are clear, and to READY once those are equal."""
        snapshot = self.snapshot
        if not self._running or not snapshot.orders_complete:
            return
        self._ask_unlisted()
        if self.asked:
            return
        if self._lost:
            lost = ", ".join(self._lost)
            self._halt(f"order {lost}: this venue cannot be asked by FIX what became of it")
            return
        for said in snapshot.unbound.values():
            self._desk.foreign(said)
        snapshot.unbound.clear()
        if not snapshot.asks_positions:
            self._agreed("positions not told by this venue")
        elif not snapshot.positions_request:
            self._ask_positions()
        elif snapshot.positions_complete:
            self._compare()

    def _ask_unlisted(self) -> None:
        """Asks for each order that should be working and that the venue did not name."""
        if not self.snapshot.asks_orders or self.snapshot.positions_request:
            return
        listed = self.snapshot.listed
        for order in self._desk.known():
            ours = order.client_order_id
            if order.working and ours not in listed and ours not in self.fresh:
                listed.add(ours)  # once in a snapshot
                if ours not in self.asked:
                    self._desk.query(order)

    def _compare(self) -> None:
        """READY when the venue holds what the engine has booked; else looks again, then halts."""
        snapshot = self.snapshot
        found = self._desk.differences()
        if not found:
            self._agreed("positions equal")
            return
        snapshot.differences += 1
        if snapshot.differences < PASSES:
            snapshot.positions_complete = False
            self.later(PASS_S, self._ask_positions)
            return
        self._halt("; ".join(found))

    def _halt(self, said: str) -> None:
        """Waits for a person, and looks again in a while."""
        self._running = self.ready = False
        self._desk.state("HALTED", f"{said} — compare with the broker's own screen")
        self.later(self._poll_s, self._look)

    def _agreed(self, positions: str) -> None:
        """Looks again in a while: a fill may be lost on a healthy line."""
        self._running = self._first = False
        self.ready = True
        self._desk.state("READY", f"orders clear, {positions}")
        self.later(self._poll_s, self._look)
