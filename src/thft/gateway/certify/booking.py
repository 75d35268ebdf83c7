"""Orders of a certification: said as the client says them, booked as the engine does; by steps.

What became of an order is judged here: executions against CumQty(14), and what ends it.
"""

from __future__ import annotations

from collections.abc import Iterable

from thft.fix.wire import Message
from thft.gateway.certify.line import Line
from thft.gateway.certify.report import Failed
from thft.gateway.certify.trial import MISSING, Trial
from thft.gateway.dialect import OrderKind
from thft.gateway.fix.reports import Said, Unsupported, read, request_of
from thft.gateway.fix_link import now
from thft.gateway.limiter import Lane
from thft.model.event import ExecutionReport
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled
from thft.model.order import PENDING_REPLACE, Order, UnknownTransition

ACCOUNT, STRATEGY = "certified", "certify"
AT_ONCE = ("IOC", "FOK")
TO_REPLACE = "2"
"""CxlRejResponseTo(434) of a refused replace."""
STATUS = "I"
"""ExecType(150) of an answer to a question."""


class Placed:
    """One order and all that was said of it since."""

    def __init__(self, trial: Trial, line: Line, order: Order) -> None:
        self._trial, self._line = trial, line
        self._since = line.mark
        self.order = order
        self.said: list[Said] = []
        self.reports: list[Message] = []
        self.refused = ""
        """Why it was not taken, if the refusal was no report."""
        self.incomplete = False
        """It was refused because it lacks a field."""
        self.cancel_refused = ""
        self.change_refused = ""
        self.booked = 0
        """What was booked by CumQty, one increment after another."""

    @property
    def id(self) -> str:
        """Our id of it."""
        return self.order.client_order_id

    def look(self) -> Placed:
        """Takes what came since the last look; returns itself."""
        messages, self._since = self._line.messages(self._since), self._line.mark
        for message in messages:
            if message.type == "8":
                self._report(message)
            elif message.type in ("9", "j") and self._names(message):
                self._refused(message)
        for reject in self._line.rejects:
            if reject.ref == f"order:{self.id}":
                self.refused, self.incomplete = reject.text, reject.incomplete
            elif reject.ref == f"cancel:{self.id}":
                self.cancel_refused = reject.text
            elif reject.ref == f"replace:{self.id}":
                self.change_refused = reject.text
        return self

    def _refused(self, message: Message) -> None:
        """Takes the refusal of the order, of its cancel or of its change."""
        text = message.text(58) or f"reason {message.text(102)}"
        request = max(request_of(message.text(tag) or "")[1] for tag in (11, 379))
        if (message.type == "9" and message.text(434) == TO_REPLACE) or request > 0:
            self.change_refused = text
        elif message.type == "9" or request_of(message.text(379) or "")[1]:
            self.cancel_refused = text
        else:
            self.refused, self.incomplete = text, message.text(380) == MISSING

    def _names(self, message: Message) -> bool:
        named = (message.text(tag) or "" for tag in (11, 41, 379))
        return any(request_of(one)[0] == self.id for one in named)

    def _report(self, message: Message) -> None:
        said = read(message, self._trial.dialect, self._trial.symbols)
        known = self.order.venue_order_id
        ours = said.client_order_id == self.id or (known and said.venue_order_id == known)
        if not ours:
            return
        self.said.append(said)
        self.reports.append(message)
        terms = said.terms(ACCOUNT, self.id, self.order.session)
        if terms is not None and (self.order.wanted or said.request > self.order.revision):
            self.order.fold_replace(terms, now().utc_ns)
        try:
            self.booked += self.order.fold(self._event(said), now().utc_ns)[0]
        except UnknownTransition as error:
            raise Failed(str(error), "overlay.messages.8", "ask the venue what 150 means") from None

    def _event(self, said: Said) -> ExecutionReport:
        return said.report(ACCOUNT, self.id, self.order.session)

    # ---- how it stands -------------------------------------------------------------------------

    @property
    def answered(self) -> bool:
        """The venue has said something of it."""
        return bool(self.said or self.refused)

    @property
    def over(self) -> bool:
        """It cannot execute any more, or was never taken."""
        return bool(self.refused) or not self.order.working

    @property
    def executions(self) -> list[Said]:
        """What was executed, each once."""
        told = zip(self.reports, self.said, strict=True)
        trades = {
            one.exec_id: one
            for message, one in told
            if one.kind == "trade" and message.text(150) != STATUS
        }
        return list(trades.values())

    @property
    def doubt(self) -> str:
        """What CumQty says that the executions do not, empty when both are one."""
        cum = executed = 0
        for one in self.executions:
            if one.cum_size <= cum or one.cum_size > self.order.size:
                return f"CumQty {_size(cum)}, then {_size(one.cum_size)} of {self._wanted}"
            cum = one.cum_size
            executed += one.last_size or cum - executed
            if executed != cum:
                return f"LastQty add up to {_size(executed)}, CumQty says {_size(cum)}"
        return ""

    def judge(self) -> str:
        """Holds the reports against each other and the record; returns them in words.

        Raises Failed.
        """
        if self.doubt:
            remedy = "no key makes up for it: do not trade here, ask the venue"
            raise Failed(self.doubt, "overlay.messages.8", remedy)
        self._judge_fields()
        count = len(self.executions)
        return f"{self._wanted} in {count} executions, booked {_size(self.booked)}"

    def _judge_fields(self) -> None:
        """Holds what the record says of reports against them."""
        terms = self._trial.dialect.orders
        for message, said in zip(self.reports, self.said, strict=True):
            if terms.exec_id and message.text(17) is None:
                name = "orders.exec_id"
                raise Failed("a report without ExecID(17)", name, f"write {name} = false")
            if terms.last_price and said.kind == "trade" and said.last_price == ABSENT:
                name = "orders.last_price"
                raise Failed("an execution without LastPx(31)", name, f"write {name} = false")
            ended = said.kind in ("cancelled", "expired")
            if terms.leaves_at_end and ended and message.size(151) > 0:
                name = "orders.leaves_at_end"
                left = _size(message.size(151))
                raise Failed(f"LeavesQty {left} after the end", name, f"write {name} = false")
        ids = [one.exec_id for one in self.said if one.kind == "trade"]
        if terms.exec_id and len(ids) > 1 and len(set(ids)) == 1:
            name = "orders.exec_id"
            raise Failed("ExecID(17) is always the same", name, f"write {name} = false")

    @property
    def _wanted(self) -> str:
        return _size(self.order.size)


class Booking:
    """All orders of one certification."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._cancels = 0
        self._run = f"c{now().utc_ns // 1_000_000:x}"
        self.placed: list[Placed] = []

    async def place(
        self,
        kind: OrderKind,
        tif: str,
        side: int,
        price: int = ABSENT,
        size: int = 0,
        position_id: str = "",
    ) -> Placed:
        """Sends an order (size 1e-8, side +1 buys) and returns it at once."""
        trial = self._trial
        line = await trial.on("orders")
        order = self.order(kind, tif, side, price, size, position_id)
        placed = Placed(trial, line, order)
        self.placed.append(placed)
        line.say(Lane.ORDER, "D", self.words(order), f"order:{order.client_order_id}")
        return placed

    def order(
        self,
        kind: OrderKind,
        tif: str,
        side: int,
        price: int = ABSENT,
        size: int = 0,
        position_id: str = "",
    ) -> Order:
        """Returns an order under the next id."""
        utc_ns = now().utc_ns
        return Order(
            client_order_id=f"{self._run}-{len(self.placed) + 1}",
            strategy=STRATEGY,
            account=ACCOUNT,
            instrument=1,
            side=side,
            type=kind,
            tif=tif,
            size=size or self._trial.means.size,
            price=price,
            position_id=position_id,
            signal=0,
            decision_price=ABSENT,
            submitted_ns=utc_ns,
            seq=0,
            updated_ns=utc_ns,
            session=1,
        )

    def words(self, order: Order) -> bytes:
        """Returns the body of its NewOrderSingle; raises Failed."""
        try:
            return self._trial.words.new_order(order, now().utc_ns)
        except Unsupported as error:
            raise Failed(str(error), "orders.types", "compare with the record") from None

    async def cancel(self, placed: Placed) -> None:
        """Asks the venue to cancel an order."""
        self._cancels += 1
        line = await self._trial.on("orders")
        body = self._trial.words.cancel(placed.order, f"c{self._cancels}", now().utc_ns)
        line.say(Lane.CANCEL, "F", body, f"cancel:{placed.id}")

    async def change(self, placed: Placed, size: int, price: int) -> None:
        """Asks the venue for another size (1e-8) and price (1e-9) of an order."""
        order = placed.order
        order.replaces += 1
        order.wanted, order.state = (size, price), PENDING_REPLACE
        line = await self._trial.on("orders")
        try:
            body = self._trial.words.replace(order, now().utc_ns)
        except Unsupported as error:
            raise Failed(str(error), "orders.changes", "compare with the record") from None
        line.say(Lane.ORDER, "G", body, f"replace:{placed.id}")

    @property
    def net(self) -> int:
        """What all orders together have bought (sold: negative), as booked, 1e-8."""
        return sum(one.look().booked * one.order.side for one in self.placed)

    @property
    def by_position(self) -> dict[str, int]:
        """What that is for each position that reports name, '' where they name none; 1e-8."""
        sums: dict[str, int] = {}
        for one in self.placed:
            named = [said.position_id for said in one.look().executions]
            if one.booked:
                name = named[-1] if named else ""
                sums[name] = sums.get(name, 0) + one.booked * one.order.side
        return {name: size for name, size in sums.items() if size}


def told(placed: Placed) -> str:
    """Returns how an order stands, in words."""
    if placed.refused:
        return f"refused: {placed.refused}"
    reason = f" ({placed.order.reason})" if placed.order.reason else ""
    return f"{placed.order.state}{reason}"


def resting(tifs: Iterable[str]) -> str:
    """Returns a time in force under which a limit order waits for its price, '' without."""
    return next((one for one in tifs if one in ("DAY", "GTC")), "")


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)
