"""The paper venue: matches orders against the books we see; the kernel drives it by timers.

An order meets the market one latency after it was submitted. Market, IOC and FOK orders execute
against the top of book of the account's feed at that moment; a GTC limit rests and executes when a
later quote reaches its price, at its own price. Sizes shown are respected: what does not fit is
cancelled (IOC, market), refused whole (FOK) or rests (GTC). Nothing executes on an untradable book.
A replace comes one latency later too; an order that it brings within reach executes as on arrival.
On a hedging account an order that names no position opens one, which is called as the order is.
"""

from __future__ import annotations

from msgspec.structs import replace

from thft.model.book import TopBook
from thft.model.event import ExecutionReport, ReplaceReport
from thft.model.fixed import ABSENT, MONEY_ONE, divide_half_even, notional
from thft.model.order import Order
from thft.state.fold import State

COMMISSION_BASE = 1_000_000 * MONEY_ONE


class PaperVenue:
    """Makes the reports a venue would send; holds the resting orders by book."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._executions = 0
        self.resting: dict[tuple[int, int], list[str]] = {}

    def arrive(self, order: Order) -> list[ExecutionReport]:
        """Returns the reports for an order that reaches the venue now."""
        book = self._book(order)
        accepted = self._report(order, "new", 0, ABSENT, "")  # takes an execution id either way
        if not book.tradable:
            return [self._report(order, "rejected", 0, ABSENT, "no tradable quote at the venue")]
        price, shown = (book.ask, book.ask_size) if order.side > 0 else (book.bid, book.bid_size)
        reachable = order.type == "market" or (order.price - price) * order.side >= 0
        available = min(order.size, shown) if shown != ABSENT else order.size
        if order.tif == "FOK" and (not reachable or available < order.size):
            return [accepted, self._report(order, "cancelled", 0, ABSENT, "FOK: not fillable")]
        reports = [accepted]
        if reachable and available > 0:
            reports.append(self._report(order, "trade", available, price, ""))
        if reachable and available == order.size:
            return reports
        if order.tif == "GTC" and order.type == "limit":
            self._rest(order, book)
            return reports
        text = "IOC: price moved" if not reachable else "IOC: size shown was smaller"
        reports.append(self._ending(order, "cancelled", available if reachable else 0, text))
        return reports

    def match(self, book: TopBook) -> list[tuple[Order, ExecutionReport]]:
        """Returns the resting orders that the book's new top reaches, each with its report."""
        reports: list[tuple[Order, ExecutionReport]] = []
        if not book.tradable:
            return reports
        for order_id in list(self.resting.get((book.feed, book.instrument), ())):
            order = self._state.orders.get(order_id)
            if order is None:
                self._forget(order_id, book)
                continue
            reach, shown = (
                (book.ask, book.ask_size) if order.side > 0 else (book.bid, book.bid_size)
            )
            if (order.price - reach) * order.side < 0:
                continue
            size = min(order.leaves, shown) if shown != ABSENT else order.leaves
            if size <= 0:
                continue
            reports.append((order, self._report(order, "trade", size, order.price, "")))
            if size == order.leaves:
                self._forget(order_id, book)
        return reports

    def cancel(self, order: Order) -> list[ExecutionReport]:
        """Returns the report that answers a cancel request."""
        if not order.working:
            return []
        book = self._book(order)
        self._forget(order.client_order_id, book)
        return [self._ending(order, "cancelled", 0, "cancelled on request")]

    def change(self, order: Order) -> list[ReplaceReport | ExecutionReport]:
        """Returns the reports that answer the order's open replace, and what follows from it."""
        assert order.wanted is not None
        size, price = order.wanted
        if size <= order.cum_size:
            text = "replace refused: so much has been executed meanwhile"
            return [self._terms(order, "refused", text)]
        reports: list[ReplaceReport | ExecutionReport] = [self._terms(order, "replaced", "")]
        book = self._book(order)
        reach, shown = (book.ask, book.ask_size) if order.side > 0 else (book.bid, book.bid_size)
        if not book.tradable or (price - reach) * order.side < 0:
            return reports
        left = size - order.cum_size
        executed = min(left, shown) if shown != ABSENT else left
        if executed > 0:
            reports.append(self._report(order, "trade", executed, reach, ""))
        if executed == left:
            self._forget(order.client_order_id, book)
        return reports

    def _terms(self, order: Order, outcome: str, text: str) -> ReplaceReport:
        assert order.wanted is not None
        return ReplaceReport(
            self._state.seq,
            order.account,
            order.client_order_id,
            order.replaces,
            outcome,
            *order.wanted,
            self._state.ts_ns,
            text,
            0,
        )

    def _rest(self, order: Order, book: TopBook) -> None:
        self.resting.setdefault((book.feed, book.instrument), []).append(order.client_order_id)
        book.resting += 1

    def _forget(self, order_id: str, book: TopBook) -> None:
        waiting = self.resting.get((book.feed, book.instrument), [])
        if order_id in waiting:
            waiting.remove(order_id)
            book.resting -= 1

    def _book(self, order: Order) -> TopBook:
        feed = self._state.accounts[order.account].definition.feed
        return self._state.book(feed, order.instrument)

    def _report(
        self, order: Order, exec_type: str, size: int, price: int, text: str
    ) -> ExecutionReport:
        self._executions += 1
        fee = self._fee(order, size, price) if size else 0
        return ExecutionReport(
            self._state.seq,
            order.account,
            order.client_order_id,
            f"P{order.seq}",
            f"E{self._executions}",
            exec_type,
            size,
            price,
            order.cum_size + size,
            ABSENT,
            fee,
            self._position_id(order),
            self._state.ts_ns,
            text,
        )

    def _position_id(self, order: Order) -> str:
        opens = not order.position_id and self._state.hedged(order.account)
        return order.client_order_id if opens else order.position_id

    def _fee(self, order: Order, size: int, price: int) -> int:
        commission = self._state.accounts[order.account].definition.commission
        if not commission:
            return 0
        return divide_half_even(notional(price, size) * commission, COMMISSION_BASE)

    def _ending(self, order: Order, exec_type: str, executed: int, text: str) -> ExecutionReport:
        """A terminal report that follows `executed` of the same arrival: totals include it."""
        report = self._report(order, exec_type, 0, ABSENT, text)
        return replace(report, cum_size=order.cum_size + executed)

    def record(self) -> tuple[int, list[tuple[int, int, list[str]]]]:
        """Returns the execution counter and resting order ids by book, for snapshots."""
        return self._executions, [(*key, list(ids)) for key, ids in self.resting.items() if ids]

    def restore(self, record: tuple[int, list[tuple[int, int, list[str]]]]) -> None:
        """Takes back what `record` returned."""
        self._executions = record[0]
        self.resting = {}
        for feed, instrument, ids in record[1]:
            self.resting[feed, instrument] = list(ids)
            self._state.book(feed, instrument).resting = len(ids)
