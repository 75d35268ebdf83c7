"""The risk gate: the one place that decides whether an intent may become an order; kernel calls it.

The order of checks is fixed; the first one that fails is the recorded reason.
"""

from __future__ import annotations

from collections import deque

from thft.kernel.strategy import Intent
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled
from thft.model.order import UNKNOWN
from thft.state.fold import State

SECOND_NS = 1_000_000_000


class RiskGate:
    """Judges intents against the limits; remembers the send times of the last second."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sent_ns: deque[int] = deque()

    def refusal(self, intent: Intent, now_ns: int) -> str:
        """Returns why the intent is denied, in words, or an empty string when it may go."""
        held = self._state.net_size(intent.account, intent.instrument)
        working, unknown = self._working(intent)
        # an order that cannot leave more exposure than there is, working orders counted
        reducing = held * intent.side < 0 and working + intent.size <= abs(held)
        return (
            self._malformed(intent)
            or self._switches(intent, reducing, unknown)
            or self._sizes(intent, reducing, held + intent.side * working)
            or ("" if reducing else self._book(intent))
            or self._rates(now_ns, reducing)
        )

    def sent(self, now_ns: int) -> None:
        """Counts an order that was let through."""
        self.sent_ns.append(now_ns)

    def _working(self, intent: Intent) -> tuple[int, str]:
        """Returns what may still execute on the intent's side (1e-8), and an UNKNOWN order's id.

        Both of the working orders of the intent's account and instrument.
        """
        leaves, unknown = 0, ""
        for order in self._state.orders.values():
            if order.account == intent.account and order.instrument == intent.instrument:
                if order.side == intent.side:
                    leaves += order.leaves
                if order.state == UNKNOWN and not unknown:
                    unknown = order.client_order_id
        return leaves, unknown

    def _malformed(self, intent: Intent) -> str:
        if intent.instrument not in self._state.instruments:
            return f"instrument {intent.instrument} is not defined"
        if intent.account not in self._state.accounts:
            return f"account {intent.account} is not defined"
        instrument = self._state.instruments[intent.instrument]
        if intent.size < max(instrument.min_size, 1):
            return f"size {_size(intent.size)} < minimum {_size(instrument.min_size)}"
        if instrument.step_size and intent.size % instrument.step_size:
            return f"size {_size(intent.size)} is no multiple of {_size(instrument.step_size)}"
        if intent.type == "limit" and intent.price == ABSENT:
            return "limit order without a price"
        return ""

    def _switches(self, intent: Intent, reducing: bool, unknown: str) -> str:
        state = self._state
        account = state.accounts[intent.account]
        if account.state != "READY":
            return f"account {account.state}: {account.reason}"
        if reducing:
            return ""
        if state.kill.on:
            return f"kill switch: {state.kill.reason}"
        if state.durability.degraded:
            return f"DEGRADED(disk): {state.durability.reason}"
        return f"order {unknown} is UNKNOWN" if unknown else ""

    def _sizes(self, intent: Intent, reducing: bool, exposure: int) -> str:
        risk = self._state.risk
        if risk.max_order_size and intent.size > risk.max_order_size:
            return f"max_order_size {_size(intent.size)} > {_size(risk.max_order_size)}"
        if reducing or not risk.max_position:
            return ""
        after = abs(exposure + intent.side * intent.size)
        if after > risk.max_position:
            return f"max_position {_size(after)} > {_size(risk.max_position)}"
        return ""

    def _book(self, intent: Intent) -> str:
        account = self._state.accounts[intent.account]
        book = self._state.books.get((account.definition.feed, intent.instrument))
        if book is None or not book.tradable:
            return "no tradable quote"
        return ""

    def _rates(self, now_ns: int, reducing: bool) -> str:
        risk = self._state.risk
        sent = self.sent_ns
        while sent and sent[0] <= now_ns - SECOND_NS:
            sent.popleft()
        if reducing:
            return ""
        if risk.max_orders_per_s and len(sent) >= risk.max_orders_per_s:
            return f"max_orders_per_s {len(sent) + 1} > {risk.max_orders_per_s}"
        if risk.max_open_orders and len(self._state.orders) >= risk.max_open_orders:
            return f"max_open_orders {len(self._state.orders) + 1} > {risk.max_open_orders}"
        return ""


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)
