"""One order and the table of its states; called by state when a report or intent is folded.

Theory. An order is born SUBMITTED (its intent is in the journal, its bytes may or may not have
left) and ends in one of the terminal states. Only evidence moves it: a report of the venue. Time
moves it to UNKNOWN at most, which means "being asked for"; from there a report leads on. Cumulative
size only grows: a report that lags behind what is booked changes nothing, and a trade that arrives
after a terminal report (a fill that crossed our cancel) is still booked.
"""

from __future__ import annotations

from msgspec import Struct

from thft.base.errors import LocalError
from thft.model.event import ExecutionReport, OrderSubmitted
from thft.model.fixed import ABSENT

SUBMITTED = "SUBMITTED"
ACCEPTED = "ACCEPTED"
PARTIAL = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELLED = "CANCELLED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"
UNKNOWN = "UNKNOWN"
NEVER_ARRIVED = "NEVER_ARRIVED"
DENIED = "DENIED"

TERMINAL = frozenset({FILLED, CANCELLED, REJECTED, EXPIRED, NEVER_ARRIVED, DENIED})
WORKING = (SUBMITTED, ACCEPTED, PARTIAL, UNKNOWN)

_LIVE = (SUBMITTED, ACCEPTED, PARTIAL, UNKNOWN)
_ENDED = (FILLED, CANCELLED, REJECTED, EXPIRED, NEVER_ARRIVED, DENIED)
_REPORTS = ("new", "status", "trade", "cancelled", "rejected", "expired", "not_found", "denied")

TRANSITIONS: dict[tuple[str, str], str] = {
    # first answers
    (SUBMITTED, "new"): ACCEPTED,
    (UNKNOWN, "new"): ACCEPTED,
    (SUBMITTED, "rejected"): REJECTED,
    (UNKNOWN, "rejected"): REJECTED,
    (ACCEPTED, "rejected"): REJECTED,
    (UNKNOWN, "not_found"): NEVER_ARRIVED,
    # the gateway knows that no byte of it has left
    (SUBMITTED, "denied"): DENIED,
    (UNKNOWN, "denied"): DENIED,
    (ACCEPTED, "denied"): ACCEPTED,
    (PARTIAL, "denied"): PARTIAL,
    # lagging or repeated answers change nothing
    (ACCEPTED, "new"): ACCEPTED,
    (PARTIAL, "new"): PARTIAL,
    (PARTIAL, "rejected"): CANCELLED,
    # a busy query answer proves the order lives
    (SUBMITTED, "status"): ACCEPTED,
    (UNKNOWN, "status"): ACCEPTED,
    (ACCEPTED, "status"): ACCEPTED,
    (PARTIAL, "status"): PARTIAL,
    # no query was pending or the answer predates the order's session: no evidence
    (SUBMITTED, "not_found"): SUBMITTED,
    (ACCEPTED, "not_found"): ACCEPTED,
    (PARTIAL, "not_found"): PARTIAL,
}
for _state in _LIVE:
    TRANSITIONS[_state, "trade"] = PARTIAL  # FILLED when nothing is left, decided by size
    TRANSITIONS[_state, "cancelled"] = CANCELLED
    TRANSITIONS[_state, "expired"] = EXPIRED
for _state in _ENDED:
    for _type in _REPORTS:
        TRANSITIONS[_state, _type] = _state
# The engine believed it never arrived, the venue says otherwise: the venue is right.
for _state in (NEVER_ARRIVED, DENIED):
    for _type, _to in (("new", ACCEPTED), ("status", ACCEPTED), ("trade", PARTIAL)):
        TRANSITIONS[_state, _type] = _to
    for _type in ("cancelled", "expired", "rejected"):
        TRANSITIONS[_state, _type] = _type.upper()


class UnknownTransition(LocalError):
    """A report type the transition table has no row for."""


class Order(Struct):
    """An order as folded so far; sizes 1e-8, prices 1e-9, times ns."""

    client_order_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    type: str
    tif: str
    size: int
    price: int
    position_id: str
    signal: int
    decision_price: int
    submitted_ns: int
    seq: int
    state: str = SUBMITTED
    venue_order_id: str = ""
    cum_size: int = 0
    avg_price: int = ABSENT
    reason: str = ""
    updated_ns: int = 0
    session: int = 0
    cancel_requested: bool = False
    queries: int = 0

    @property
    def leaves(self) -> int:
        """Size that may still execute, 1e-8; 0 once the order has ended."""
        return 0 if self.state in TERMINAL else self.size - self.cum_size

    @property
    def working(self) -> bool:
        """True while the order may still execute."""
        return self.state not in TERMINAL

    @classmethod
    def from_intent(cls, intent: OrderSubmitted, seq: int, ts_ns: int, session: int) -> Order:
        """Returns the order an OrderSubmitted describes."""
        return cls(
            intent.client_order_id,
            intent.strategy,
            intent.account,
            intent.instrument,
            intent.side,
            intent.type,
            intent.tif,
            intent.size,
            intent.price,
            intent.position_id,
            intent.signal,
            intent.decision_price,
            ts_ns,
            seq,
            updated_ns=ts_ns,
            session=session,
        )

    def fold(self, report: ExecutionReport, ts_ns: int) -> tuple[int, int]:
        """Moves the order by one report; returns (size, price) newly executed, (0, ABSENT) if none.

        The increment is taken from the cumulative size, so lost, repeated and reordered reports
        book every execution once. Its price is the report's last price when the report covers
        exactly the increment, else it is derived from the average price.
        """
        to = TRANSITIONS.get((self.state, report.exec_type))
        if to is None:
            raise UnknownTransition(
                f"order {self.client_order_id}: no transition from {self.state} "
                f"on {report.exec_type!r}",
                "the gateway must translate the venue's report type",
            )
        if report.exec_type == "not_found" and report.session <= self.session:
            return 0, ABSENT
        increment = report.cum_size - self.cum_size
        price = ABSENT
        if increment > 0:
            price = self._increment_price(report, increment)
            self._book(increment, price, report)
        if self.cum_size >= self.size:
            to = FILLED
        elif self.cum_size and to == ACCEPTED:
            to = PARTIAL
        elif not self.cum_size and to == PARTIAL:
            to = self.state if self.state != SUBMITTED else ACCEPTED
        self.state = to
        self.updated_ns = ts_ns
        if report.venue_order_id:
            self.venue_order_id = report.venue_order_id
        if report.text:
            self.reason = report.text
        return max(increment, 0), price

    def _increment_price(self, report: ExecutionReport, increment: int) -> int:
        if report.last_size == increment and report.last_price != ABSENT:
            return report.last_price
        if report.avg_price == ABSENT:
            return report.last_price
        booked = self.avg_price * self.cum_size if self.cum_size else 0
        return (report.avg_price * report.cum_size - booked) // increment

    def _book(self, increment: int, price: int, report: ExecutionReport) -> None:
        if report.avg_price != ABSENT:
            self.avg_price = report.avg_price
        else:
            booked = self.avg_price * self.cum_size if self.cum_size else 0
            self.avg_price = (booked + price * increment) // report.cum_size
        self.cum_size = report.cum_size
