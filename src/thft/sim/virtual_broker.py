"""A broker's account in virtual time, with its own truth and an unreliable link; used by the sim.

What is sent may be lost, late, repeated or overtaken; orders fill in parts, are rejected, or rest.
The account's book of orders is the truth the engine is compared with after all has come to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from heapq import heappop, heappush

from thft.base.prng import Prng
from thft.model.event import AccountState, ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.model.order import Order

MS_NS = 1_000_000
ACCOUNT = "broker"
LOT = 1_000 * SIZE_ONE
"""What it fills in, 1e-8."""
Said = AccountState | ExecutionReport | ReplaceReport
Deliver = Callable[[Said], None]


class Violation(Exception):
    """An invariant does not hold; the text names step and difference."""


@dataclass
class VenueOrder:
    """An order as the broker knows it; sizes 1e-8, money as price × size."""

    client_order_id: str
    instrument: int
    side: int
    size: int
    price: int
    rests: bool
    position_id: str = ""
    revision: int = 0
    """The last replace it took."""
    filled: int = 0
    paid: int = 0
    state: str = "new"

    @property
    def leaves(self) -> int:
        """What may still execute."""
        return self.size - self.filled if self.state == "new" else 0

    @property
    def average(self) -> int:
        """Average price of what was filled, 1e-9, ABSENT when nothing was."""
        return self.paid // self.filled if self.filled else ABSENT


class VirtualBroker:
    """Takes what the engine sends, answers when virtual time comes; `deliver` feeds the engine."""

    def __init__(self, prng: Prng, price: Callable[[int, int], int], *, hedged: bool) -> None:
        """`price` returns the executable price of (instrument, side), ABSENT when there is none."""
        self._prng = prng
        self._price = price
        self._hedged = hedged
        self.held: dict[str, int] = {}
        """Signed size (1e-8) by position id, which is empty without hedging; flat ones are gone."""
        self.orders: dict[str, VenueOrder] = {}
        self.session = 0
        self.up = False
        self.calm = False
        """In calm weather nothing is lost, late or cut."""
        self.faults: dict[str, int] = {}
        self._due: list[tuple[int, int, str, object]] = []
        self._count = 0
        self._executions = 0

    # ---- the link ------------------------------------------------------------------------------

    def connect(self, now_ns: int) -> None:
        """Logs the engine on: SYNCING first; READY follows when its questions are answered."""
        self.session += 1
        self.up = True
        for delay_ms, state, reason in ((1, "SYNCING", "logged on"), (80, "READY", "synchronised")):
            said = AccountState(ACCOUNT, state, reason, self.session)
            self._schedule(now_ns + delay_ms * MS_NS, "say", (said,))

    def cut(self) -> None:
        """Breaks the link: everything under way is lost."""
        self.up = False
        self._due = sorted(entry for entry in self._due if entry[2] == "fill")

    def _schedule(self, due_ns: int, kind: str, what: object) -> None:
        self._count += 1
        heappush(self._due, (due_ns, self._count, kind, what))

    def _delay_ns(self) -> int:
        return self._prng.between(1, 8 if self.calm else 60) * MS_NS

    def _chance(self, fault: str, percent: int) -> bool:
        if self.calm or self._prng.between(1, 100) > percent:
            return False
        self.faults[fault] = self.faults.get(fault, 0) + 1
        return True

    def _say(self, now_ns: int, *message: Said) -> None:
        """Says all that one message holds."""
        if not self.up or self._chance("report lost", 4):
            return
        for _ in range(2 if self._chance("report repeated", 5) else 1):
            self._schedule(now_ns + self._delay_ns(), "say", message)

    @property
    def next_ns(self) -> int | None:
        """When something is due, None when nothing is."""
        return self._due[0][0] if self._due else None

    def turn(self, now_ns: int, deliver: Deliver) -> None:
        """Does what is due up to `now_ns`."""
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, kind, what = heappop(self._due)
            if kind == "say" and self.up:
                assert isinstance(what, tuple)
                for said in what:
                    deliver(said)
            elif kind == "fill":
                self._fill(due_ns, self.orders[str(what)])
            elif kind in ("send", "cancel", "replace", "query"):
                assert isinstance(what, Order)
                getattr(self, f"_{kind}")(due_ns, what)

    # ---- what the engine sends -----------------------------------------------------------------

    def take(self, kind: str, order: Order, now_ns: int) -> None:
        """Takes one effect of the engine onto the wire."""
        if not self.up or (kind == "send" and self._chance("order lost", 3)):
            return
        if kind == "query" and self._chance("query lost", 3):
            return
        if kind == "replace" and self._chance("replace lost", 12):
            return
        self._schedule(now_ns + self._delay_ns(), kind, copy(order))  # as it is in the message

    def _send(self, now_ns: int, order: Order) -> None:
        if order.client_order_id in self.orders:
            raise Violation(f"order {order.client_order_id} arrived at the broker twice")
        rests = order.type == "limit" and order.tif == "GTC"
        taken = VenueOrder(
            order.client_order_id, order.instrument, order.side, order.size, order.price, rests
        )
        if self._hedged:
            taken.position_id = order.position_id or f"T{len(self.orders)}"
        self.orders[order.client_order_id] = taken
        if self._chance("order rejected", 4):
            taken.state = "rejected"
            self._report(now_ns, taken, "rejected", 0, ABSENT)
            return
        self._report(now_ns, taken, "new", 0, ABSENT)
        self._schedule(now_ns + self._delay_ns(), "fill", taken.client_order_id)

    def _cancel(self, now_ns: int, order: Order) -> None:
        known = self.orders.get(order.client_order_id)
        if known is not None and known.state == "new":
            known.state = "cancelled"
            self._report(now_ns, known, "cancelled", 0, ABSENT)

    def _replace(self, now_ns: int, order: Order) -> None:
        """Changes a working order, unless so much of it was executed, or it does not want to."""
        known = self.orders.get(order.client_order_id)
        if known is None or order.wanted is None:
            return
        size, price = order.wanted
        late = known.state != "new" or size < known.filled
        if late or self._chance("replace refused", 12):
            self._say(now_ns, self._terms(now_ns, known, order.replaces, "refused"))
            return
        known.size, known.price, known.revision = size, price, order.replaces
        if known.filled == known.size:
            known.state = "filled"
        self._report(now_ns, known, "status", 0, ABSENT, "replaced")

    def _terms(self, now_ns: int, order: VenueOrder, number: int, outcome: str) -> ReplaceReport:
        return ReplaceReport(
            0,
            ACCOUNT,
            order.client_order_id,
            number,
            outcome,
            order.size,
            order.price,
            now_ns,
            "",
            self.session,
        )

    def _query(self, now_ns: int, order: Order) -> None:
        known = self.orders.get(order.client_order_id)
        if known is None:
            missing = VenueOrder(
                order.client_order_id, order.instrument, order.side, 0, ABSENT, False
            )
            self._report(now_ns, missing, "not_found", 0, ABSENT)
            return
        kinds = {"new": "status", "filled": "trade"}
        outcome = "stands" if order.wanted else ""
        self._report(now_ns, known, kinds.get(known.state, known.state), 0, ABSENT, outcome)

    def _fill(self, now_ns: int, order: VenueOrder) -> None:
        """Executes all or a part; a market order's rest is cancelled, a resting one goes on."""
        price = self._price(order.instrument, order.side)
        if order.state != "new":
            return
        size = order.size - order.filled
        if self._prng.between(0, 2) == 0 and size > LOT:
            size = self._prng.between(1, size // LOT) * LOT
        if price != ABSENT:
            order.filled += size
            order.paid += size * price
            self._hold(order, size)
            if order.filled == order.size:
                order.state = "filled"
            self._report(now_ns, order, "trade", size, price)
        if order.state == "new" and not order.rests and self._prng.between(0, 1):
            order.state = "cancelled"
            self._report(now_ns, order, "cancelled", 0, ABSENT)
        elif order.state == "new":
            self._schedule(now_ns + 10 * self._delay_ns(), "fill", order.client_order_id)

    def _hold(self, order: VenueOrder, size: int) -> None:
        before = self.held.pop(order.position_id, 0)
        after = before + order.side * size
        if self._hedged and before * after < 0:
            raise Violation(f"position {order.position_id} went from {before} to {after}")
        if after:
            self.held[order.position_id] = after

    def _report(
        self,
        now_ns: int,
        order: VenueOrder,
        kind: str,
        size: int,
        price: int,
        outcome: str = "",
    ) -> None:
        """Reports; with the order's terms when `outcome` names what they are, or once changed."""
        self._executions += 1
        outcome = outcome or ("stands" if order.revision else "")
        terms = [self._terms(now_ns, order, order.revision, outcome)] if outcome else []
        self._say(
            now_ns,
            *terms,
            ExecutionReport(
                0,
                ACCOUNT,
                order.client_order_id,
                f"V{order.client_order_id}",
                f"X{self._executions}",
                kind,
                size,
                price,
                order.filled,
                order.average,
                0,
                order.position_id,
                now_ns,
                "",
                self.session,
            ),
        )
