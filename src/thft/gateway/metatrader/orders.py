"""Orders of one MetaTrader account: effects out, deals and states in; owned by the account.

Nothing the terminal says to a command fills an order: deals do, each once, by ticket. A command
whose outcome nobody knows is looked for in the snapshot and the history, by magic number and
comment, and never sent again. "Never arrived" needs a newer connection, a whole snapshot, a
complete history, and the same answer twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from thft.gateway.fix_link import now
from thft.gateway.limiter import Lane
from thft.gateway.metatrader import commands as c
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame, clean
from thft.gateway.metatrader.settings import MetaTraderSettings
from thft.gateway.port import EngineInbox
from thft.model.event import ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT
from thft.model.order import Order

ORDERS_KEPT = 20_000
LATE = "it waited too long for its turn or its connection"
ENDS = {"canceled": "cancelled", "expired": "expired", "rejected": "rejected"}
SIDES = ("buy", "sell")
Put = Callable[[Lane, Callable[[], None], Callable[[], None], int], None]
"""Queues (lane, send, expired, ttl_ms) behind the broker's limits."""


@dataclass
class Execution:
    """What is known of one of our orders at the terminal."""

    ticket: int = 0
    deals: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Ticket of a deal → its size and price."""

    @property
    def size(self) -> int:
        """What was executed, 1e-8."""
        return sum(size for size, _ in self.deals.values())

    @property
    def price(self) -> int:
        """The average price, 1e-9; ABSENT without a deal."""
        size = self.size
        return sum(size * price for size, price in self.deals.values()) // size if size else ABSENT


class OrderDesk:
    """See the module. `readiness` decides when the terminal is looked at as a whole."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        account: str,
        platform: str,
        settings: MetaTraderSettings,
        names: dict[int, str],
        utc_ns: Callable[[int], int],
        put: Put,
        send: Callable[[Any], int],
    ) -> None:
        """`names` are the terminal's, by instrument; `utc_ns` converts its times."""
        self._inbox = inbox
        self._feed = feed
        self._names = names
        self._utc_ns = utc_ns
        self.terms_by_name: dict[str, r.Symbol] = {}
        """What the terminal has told of its symbols."""
        self.account = account
        self._platform = platform
        self._settings = settings
        self._put = put
        self._send = send
        self.session = 0
        self.hedged = False
        """Positions are kept apart, each under the terminal's number."""
        self.look: Callable[[], None] = lambda: None
        """Asks that the terminal be looked at soon."""
        self.turn: Callable[[], None] = lambda: None
        """Ends a turn of its own."""
        self.halt: Callable[[str], None] = lambda said: None
        self.orders: OrderedDict[str, Order] = OrderedDict()
        self.asked: dict[str, Order] = {}
        """What the kernel wants to know, by our id."""
        self._done: OrderedDict[str, Execution] = OrderedDict()
        self._tickets: OrderedDict[int, str] = OrderedDict()
        self._magics: OrderedDict[int, str] = OrderedDict()
        self._commands: dict[int, tuple[Any, Order]] = {}
        """What was sent on this connection and waits for its RESULT."""

    # ---- effects -------------------------------------------------------------------------------

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect of the kernel; see Trading."""
        self._keep(order)
        if kind == "send":
            self._command(order, self._open, lambda: self._deny(order, LATE), Lane.ORDER)
        elif kind == "cancel":
            self._command(order, self._delete, self.look, Lane.CANCEL)
        elif kind == "replace":
            number = order.replaces
            self._command(
                order, self._modify, lambda: self._deny_replace(order, number, LATE), Lane.ORDER
            )
        else:
            self.asked[order.client_order_id] = order
            self.look()

    def _keep(self, order: Order) -> None:
        ours = order.client_order_id
        self.orders[ours] = order
        self._magics[c.magic_of(ours)] = ours
        if order.venue_order_id.isdecimal():
            self._bind(int(order.venue_order_id), ours)
        for kept in (self.orders, self._magics):
            if len(kept) > ORDERS_KEPT:
                kept.popitem(last=False)

    def _bind(self, ticket: int, ours: str) -> None:
        self._tickets[ticket] = ours
        self._of(ours).ticket = ticket
        if len(self._tickets) > ORDERS_KEPT:
            self._tickets.popitem(last=False)

    def _of(self, ours: str) -> Execution:
        if ours not in self._done:
            self._done[ours] = Execution()
            if len(self._done) > ORDERS_KEPT:
                self._done.popitem(last=False)
        return self._done[ours]

    def _command(
        self, order: Order, made: Callable[[Order], Any], expired: Callable[[], None], lane: Lane
    ) -> None:
        """Sends a command as soon as the limits allow; `made` says it, or raises Unsupported."""

        def out() -> None:
            command = made(order)
            if command is not None:
                self._commands[self._send(command)] = command, order

        ttl_ms = self._settings.order_ttl_ms if lane is Lane.ORDER else 0
        self._put(lane, out, expired, ttl_ms)

    def _require_whole(self, order: Order) -> None:
        """MetaTrader 4 gives what is left of a position another number: we close whole ones."""
        for one in self._inbox.booked(self.account):
            if one.position_id == order.position_id and abs(one.size) == order.size:
                return
        raise c.Unsupported("on MetaTrader 4 a position is closed as a whole only")

    def _open(self, order: Order) -> r.Open | r.Close | None:
        terms = self.terms_by_name.get(self._names.get(order.instrument, ""))
        try:
            if terms is None:
                raise c.Unsupported("the terminal has not told the terms of this symbol")
            deviation = self._settings.deviation_points
            if self._platform == "4" and order.position_id:
                self._require_whole(order)
                return c.closing(order, terms, deviation, *self._moment())
            return c.new_order(order, terms, self._platform, deviation, *self._moment())
        except c.Unsupported as error:
            self._deny(order, str(error))
            return None

    def _delete(self, order: Order) -> r.Delete | None:
        ticket = self._of(order.client_order_id).ticket
        if not ticket:
            self.look()  # the terminal's own number is not known yet
            return None
        magic = c.magic_of(order.client_order_id)
        return r.Delete(order.client_order_id, magic, ticket, *self._moment())

    def _modify(self, order: Order) -> r.Modify | None:
        ticket = self._of(order.client_order_id).ticket
        if order.wanted is None:
            return None  # the order has ended since
        try:
            if not ticket:
                raise c.Unsupported("the terminal's number of this order is not known")
            return c.modified(order, ticket, *self._moment())
        except c.Unsupported as error:
            self._deny_replace(order, order.replaces, str(error))
            return None

    def _moment(self) -> tuple[int, int]:
        return now().utc_ns // 1_000_000, self._settings.order_ttl_ms

    def _soon(self, report: ExecutionReport | ReplaceReport) -> None:
        """Says, in a turn of its own, that no byte has left."""

        def said() -> None:
            self._inbox.execution(report)
            self.turn()

        asyncio.get_running_loop().call_soon(said)

    def _deny(self, order: Order, reason: str) -> None:
        self._soon(self._own(order.client_order_id, "denied", reason))

    def _deny_replace(self, order: Order, number: int, reason: str) -> None:
        self._soon(self._kept(order, number, "denied", f"replace denied: {reason}"))

    # ---- the connection ------------------------------------------------------------------------

    def opened(self) -> None:
        """A new connection: what was asked on the old one will not be answered."""
        self.session += 1
        self._commands.clear()

    def ended(self) -> None:
        """Nothing is concluded from what was not answered."""
        self._commands.clear()
        self.asked.clear()

    @property
    def doubtful(self) -> list[Order]:
        """The orders of ours that may live, or of which the kernel asks."""
        known = {ours: order for ours, order in self.orders.items() if order.working}
        return list({**known, **self.asked}.values())

    # ---- what the terminal says ----------------------------------------------------------------

    def result(self, result: r.Result) -> None:
        """Takes what the terminal said to a command; raises WrongFrame when there was none."""
        command, order = self._commands.pop(result.command, (None, None))
        if command is None or order is None or command.id != result.id:
            raise WrongFrame(f"RESULT to command {result.command} of {result.id[:20]!r}")
        meaning = c.meaning(result, self._platform)
        said = f"{clean(result.words)} ({result.retcode})" if result.retcode else result.words
        if meaning == c.UNKNOWN:
            text = f"order {result.id}: {result.outcome[:20]} {said}"
            self._inbox.feed_fault(self._feed, 0, "unknown_outcome", text[:200])
            self.look()
        elif isinstance(command, r.Open | r.Close):
            self._opened(order, command, result, meaning, said)
        elif isinstance(command, r.Modify):
            self._modified(order, command, meaning, said)
        elif meaning != c.TAKEN:
            self.look()

    def _opened(
        self, order: Order, command: Any, result: r.Result, meaning: str, said: str
    ) -> None:
        ours = order.client_order_id
        if meaning == c.SEEN:
            self.look()
        elif meaning in (c.REJECTED, c.DENIED):
            self._inbox.execution(self._own(ours, meaning, said))
        else:
            if result.order and isinstance(command, r.Open):
                self._bind(result.order, ours)
            self._inbox.execution(self._report(ours, "new", text=""))

    def _modified(self, order: Order, command: r.Modify, meaning: str, said: str) -> None:
        if meaning == c.TAKEN:
            report = self._terms_of(order.client_order_id, order.replaces, "replaced")
            size = order.wanted[0] if order.wanted else order.size
            self._inbox.execution(report(size, command.price, ""))
        elif meaning in (c.REJECTED, c.DENIED):
            text = f"replace {'refused' if meaning == c.REJECTED else 'denied'}: {said}"
            self._inbox.execution(self._kept(order, order.replaces, "refused", text))
            self.look()
        else:
            self.look()

    def deal(self, row: r.DealRow) -> bool:
        """Books a deal once; returns whether it is one of ours."""
        if row.type == "canceled":
            self.halt(f"the broker has taken back deal {row.ticket} of {row.symbol}")
            return True
        if row.type not in SIDES:
            return True  # money that is no trade
        ours = self.of_deal(row)
        if not ours:
            return False
        if row.order and row.ticket > 0:
            self._bind(row.order, ours)
        terms = self.terms_by_name.get(row.symbol)
        known = self._of(ours).deals
        if row.ticket in known:
            return True
        if terms is None or row.price == ABSENT or not self._countable(ours, row, terms):
            self.halt(f"deal {row.ticket} of {row.symbol} cannot be counted in units")
            return True
        size = c.units(row.volume, terms)
        known[row.ticket] = size, row.price
        self._inbox.execution(self._report(ours, "trade", row, size))
        return True

    def _countable(self, ours: str, row: r.DealRow, terms: r.Symbol) -> bool:
        """Returns whether a report can hold what a deal says."""
        if not c.countable(row.volume, terms) or abs(_costs(row)) > c.LARGEST:
            return False
        return self._of(ours).size + c.units(row.volume, terms) <= c.LARGEST

    def order_row(self, row: r.OrderRow) -> bool:
        """Takes an order's state; returns whether it is one of ours."""
        ours = self.known_as(row.ticket, row.magic, row.comment)
        if not ours:
            return False
        self._bind(row.ticket, ours)
        terms = self.terms_by_name.get(row.symbol)
        volumes = row.volume_initial, row.volume_current
        if terms is None or not all(c.countable(volume, terms) for volume in volumes):
            return True  # nothing is concluded from what cannot be counted
        executed = c.units(row.volume_initial - row.volume_current, terms)
        if executed > self._of(ours).size or (row.state == "filled" and not executed):
            self.look()  # its deals have not come: they come first
            return True
        if row.state in ENDS:
            self._inbox.execution(self._report(ours, ENDS[row.state], text=row.state))
        elif row.state != "filled":
            self._inbox.execution(self._report(ours, "status", text=""))
            self._stands(ours, row, terms)
        return True

    def _stands(self, ours: str, row: r.OrderRow, terms: r.Symbol) -> None:
        """An open order's price answers a replace under way."""
        order = self.orders.get(ours)
        if order is not None and order.wanted and order.type == "limit":
            size = c.units(row.volume_initial, terms)
            self._inbox.execution(self._terms_of(ours, -1, "stands")(size, row.price, ""))

    def never_arrived(self, ours: str) -> None:
        """A newer connection's whole answer lacks an order."""
        self._inbox.execution(self._own(ours, "not_found", "not at the terminal, nor in history"))

    def foreign(self, ticket: int, what: str) -> None:
        """Something that is not ours: the kernel halts the account."""
        self._inbox.execution(self._own(f"venue:{ticket}", "status", what))

    def of_deal(self, row: r.DealRow) -> str:
        """Returns our id of a deal's order, or empty.

        What closes a position of MetaTrader 4 has a negative number and the words of the opening:
        its order is the one that was to close that position.
        """
        if row.ticket > 0:
            return self.known_as(row.order, row.magic, row.comment)
        for ours, known in self._done.items():
            if row.ticket in known.deals:
                return ours
        wanted = str(row.position)
        for ours, order in reversed(self.orders.items()):
            if order.position_id == wanted and (order.working or ours in self.asked):
                return ours
        return ""

    def dealt(self) -> dict[int, str]:
        """Returns our id by the ticket of each deal that was booked in this run."""
        return {ticket: ours for ours, known in self._done.items() for ticket in known.deals}

    def known_as(self, ticket: int, magic: int, comment: str) -> str:
        """Returns our id of an order or deal, or empty."""
        if ticket in self._tickets:
            return self._tickets[ticket]
        ours = c.own_id(magic, comment) or self._magics.get(magic, "")
        bound = self._done[ours].ticket if ours in self._done else 0
        return "" if bound and ticket and bound != ticket else ours

    # ---- reports -------------------------------------------------------------------------------

    def _report(
        self, ours: str, kind: str, row: r.DealRow | None = None, size: int = 0, text: str = ""
    ) -> ExecutionReport:
        """Returns a report with what is executed by now."""
        known = self._of(ours)
        exec_id = f"{row.ticket}" if row else f"{known.ticket}/{kind}/{self.session}/{known.size}"
        fee = _costs(row) if row else 0
        return ExecutionReport(
            0,
            self.account,
            ours,
            str(known.ticket or ""),
            exec_id,
            kind,
            size,
            row.price if row else ABSENT,
            known.size,
            known.price,
            fee,
            str(row.position or "") if row and self.hedged else "",
            self._utc_ns(row.time_server) if row and row.time_server else ABSENT,
            text[:200],
            self.session,
        )

    def _own(self, ours: str, kind: str, text: str) -> ExecutionReport:
        """Returns a report that no state of the terminal stands behind."""
        return ExecutionReport(
            0,
            self.account,
            ours,
            "",
            f"{ours}/{kind}/{self.session}",
            kind,
            0,
            ABSENT,
            0,
            ABSENT,
            0,
            "",
            ABSENT,
            text[:200],
            self.session,
        )

    def _terms_of(
        self, ours: str, number: int, outcome: str
    ) -> Callable[[int, int, str], ReplaceReport]:
        return lambda size, price, text: ReplaceReport(
            0,
            self.account,
            ours,
            number,
            outcome,
            size,
            price,
            ABSENT,
            text[:200],
            self.session,
        )

    def _kept(self, order: Order, number: int, outcome: str, text: str) -> ReplaceReport:
        """Says that a replace was not made."""
        made = self._terms_of(order.client_order_id, number, outcome)
        return made(order.size, order.price, text)


def _costs(row: r.DealRow) -> int:
    """Returns what a deal has cost, 1e-9; the terminal shows costs as negative money."""
    return -sum(cost for cost in (row.commission, row.fee) if cost != ABSENT)
