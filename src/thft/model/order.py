"""One order and the table of its states; called by state when a report or intent is folded.

Theory. An order is born SUBMITTED (its intent is in the journal, its bytes may or may not have
left) and ends in one of the terminal states. Only evidence moves it: a report of the venue. Time
moves it to UNKNOWN at most, which means "being asked for"; from there a report leads on. Cumulative
size only grows: a report that lags behind what is booked changes nothing, and a trade that arrives
after a terminal report (a fill that crossed our cancel) is still booked.

A replace is a question beside that: until it is answered the order is PENDING_REPLACE and may
execute under the old terms as under the new ones. Request n is proven by a report that stands under
its number or has its very size and price, or by more executed than the old size; it is disproven by
a refusal of that number, or by the old terms from a session that began after it was sent.
"""

from __future__ import annotations

from msgspec import Struct

from thft.base.errors import LocalError
from thft.model.event import ExecutionReport, OrderSubmitted, ReplaceReport
from thft.model.fixed import ABSENT

SUBMITTED = "SUBMITTED"
ACCEPTED = "ACCEPTED"
PARTIAL = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELLED = "CANCELLED"
REJECTED = "REJECTED"
EXPIRED = "EXPIRED"
PENDING_REPLACE = "PENDING_REPLACE"
UNKNOWN = "UNKNOWN"
NEVER_ARRIVED = "NEVER_ARRIVED"
DENIED = "DENIED"

TERMINAL = frozenset({FILLED, CANCELLED, REJECTED, EXPIRED, NEVER_ARRIVED, DENIED})
REPLACEABLE = (ACCEPTED, PARTIAL)

_LIVE = (SUBMITTED, ACCEPTED, PARTIAL, PENDING_REPLACE, UNKNOWN)
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
    (PENDING_REPLACE, "rejected"): REJECTED,  # CANCELLED when something was executed
    (PENDING_REPLACE, "new"): PENDING_REPLACE,
    (PENDING_REPLACE, "denied"): PENDING_REPLACE,
    # a busy query answer proves the order lives
    (SUBMITTED, "status"): ACCEPTED,
    (UNKNOWN, "status"): ACCEPTED,
    (ACCEPTED, "status"): ACCEPTED,
    (PARTIAL, "status"): PARTIAL,
    (PENDING_REPLACE, "status"): PENDING_REPLACE,
    # no query was pending or the answer predates the order's session: no evidence
    (SUBMITTED, "not_found"): SUBMITTED,
    (ACCEPTED, "not_found"): ACCEPTED,
    (PARTIAL, "not_found"): PARTIAL,
    (PENDING_REPLACE, "not_found"): PENDING_REPLACE,
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
    replaces: int = 0
    """Replaces asked for so far."""
    revision: int = 0
    """The number of the replace under which it stands."""
    wanted: tuple[int, int] | None = None
    """Size and price of the replace that is under way."""
    replace_session: int = 0
    """The account's session when that one was asked for."""

    @property
    def leaves(self) -> int:
        """Size that may still execute, 1e-8; 0 once the order has ended."""
        return 0 if self.state in TERMINAL else self.size - self.cum_size

    @property
    def exposure(self) -> int:
        """Size that may still execute, 1e-8, if the replace under way takes as if it does not."""
        wanted = self.wanted[0] if self.wanted else 0
        return self.leaves and max(self.size, wanted) - self.cum_size

    @property
    def doubtful(self) -> bool:
        """What it is at the venue was not answered in time and is being asked for."""
        return self.state == UNKNOWN or (self.state == PENDING_REPLACE and self.queries > 0)

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
        if self.wanted and self.size < report.cum_size <= self.wanted[0]:
            self._take_terms(self.replaces, *self.wanted)
        increment = report.cum_size - self.cum_size
        price = ABSENT
        if increment > 0:
            price = self._increment_price(report, increment)
            self._book(increment, price, report)
        self._move(to)
        self.updated_ns = ts_ns
        if report.venue_order_id:
            self.venue_order_id = report.venue_order_id
        if report.text:
            self.reason = report.text
        return max(increment, 0), price

    def _move(self, to: str) -> None:
        """Goes to the state of the table, or to what the executed size makes of it."""
        if self.cum_size >= self.size:
            to = FILLED
        elif self.cum_size and to == ACCEPTED:
            to = PARTIAL
        elif self.cum_size and to == REJECTED and self.state == PENDING_REPLACE:
            to = CANCELLED
        elif not self.cum_size and to == PARTIAL:
            to = self.state if self.state != SUBMITTED else ACCEPTED
        if self.wanted and to in REPLACEABLE:
            to = PENDING_REPLACE
        if to in TERMINAL:
            self.wanted = None
        self.state = to

    def fold_replace(self, said: ReplaceReport, ts_ns: int) -> bool:
        """Moves the order's size and price by one report; returns whether that changed anything.

        See the module for what proves and disproves a replace. What is older than what is known
        already, or decides nothing, changes nothing.
        """
        before = self.size, self.price, self.revision, self.wanted
        number = self.revision if said.number < 0 else said.number
        open_request = self.replaces if self.wanted else -1
        if said.outcome in ("refused", "denied"):
            self._settle(answered=number == open_request)
        elif number >= self.revision:
            as_wanted = (said.size, said.price) == self.wanted
            if as_wanted or said.outcome == "replaced" or number > self.revision:
                number = self.replaces if as_wanted else number
                self._take_terms(number, said.size, said.price)
            elif self.wanted and said.session > self.replace_session:
                kept = (said.size, said.price) == (self.size, self.price)
                self._take_terms(number if kept else self.replaces, said.size, said.price)
                self._settle(answered=True)
        if said.text:
            self.reason = said.text
        self.updated_ns = ts_ns
        return before != (self.size, self.price, self.revision, self.wanted)

    def _take_terms(self, number: int, size: int, price: int) -> None:
        """The order stands under request `number`; that it was filled may have been said early."""
        self.size = size
        self.price = self.price if price == ABSENT else price
        self.revision = number
        if self.state == FILLED and self.cum_size < size:
            self.state = PARTIAL
        self._settle(answered=number >= self.replaces)

    def _settle(self, *, answered: bool) -> None:
        """Ends the replace under way once it is answered."""
        if answered:
            self.wanted = None
        if self.state == PENDING_REPLACE and self.wanted is None:
            self.state = PARTIAL if self.cum_size else ACCEPTED
        if self.working and self.cum_size >= self.size:
            self.state = FILLED

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
