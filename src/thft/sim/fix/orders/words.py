"""What a simulated venue says about orders, as bodies of messages; called by the desk.

Every message is built with all its fields and then loses what this venue leaves out.
"""

from __future__ import annotations

from thft.fix import tags
from thft.fix.wire import Message, format_price, format_size, format_timestamp
from thft.model.fixed import ABSENT
from thft.sim.fix.orders.ledger import Report, VenueOrder
from thft.sim.fix.profile import ERROR_CODE, Body, Profile

TYPES = {"1": "market", "2": "limit", "3": "stop", "4": "market_range"}
TYPE_CODES = {name: code for code, name in TYPES.items()}
TIFS = {"0": "DAY", "1": "GTC", "3": "IOC", "4": "FOK", "6": "GTD"}
TIF_CODES = {name: code for code, name in TIFS.items()}
EXEC_TYPES = {
    "new": "0",
    "stopped": "7",
    "trade": "F",
    "cancelled": "4",
    "replaced": "5",
    "rejected": "8",
    "expired": "C",
    "status": "I",
}
STATES = {
    "new": "0",
    "partial": "1",
    "filled": "2",
    "cancelled": "4",
    "rejected": "8",
    "expired": "C",
}


class OrderWords:
    """What one venue says about orders."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._dialect = profile.dialect

    def report(self, account: str, report: Report, mass: tuple[str, int] | None = None) -> Body:
        """Returns an ExecutionReport; `mass` is the request id and total of a mass status."""
        order, quirks = report.order, self._profile.quirks
        body = self._order_fields(account, order)
        body += [
            (tags.EXEC_ID, report.exec_id),
            (tags.EXEC_TYPE, EXEC_TYPES[report.kind]),
            (tags.ORD_STATUS, "7" if report.kind == "stopped" else STATES[order.state]),
            (tags.TRANSACT_TIME, format_timestamp(report.ts_ns, self._dialect.timestamp_digits)),
            (tags.CUM_QTY, format_size(order.filled)),
            (tags.LEAVES_QTY, format_size(self._leaves(order))),
        ]
        body += self._execution(report)
        if report.text:
            body.append((tags.TEXT, report.text))
        if report.kind == "rejected":
            body.append((tags.ORD_REJ_REASON, "99"))
            if (code := quirks.error_codes.get(report.text)) is not None:
                body.append((ERROR_CODE, code))
        if report.replaced_id:
            body.append((tags.ORIG_CL_ORD_ID, report.replaced_id))
        if mass is not None:
            body += [(tags.MASS_STATUS_REQ_ID, mass[0]), (tags.TOT_NUM_REPORTS, mass[1])]
        omitted = quirks.omits
        if mass is not None and quirks.snapshot_without_client_id:
            omitted |= {tags.CL_ORD_ID}
        return [field for field in body if field[0] not in omitted]

    def _leaves(self, order: VenueOrder) -> int:
        if self._profile.quirks.leaves_stay and order.state == "cancelled":
            return order.size
        return order.leaves

    def _order_fields(self, account: str, order: VenueOrder) -> Body:
        body: Body = [
            (tags.ORDER_ID, order.order_id),
            *self._profile.symbol_fields(order.symbol),
            (tags.SIDE, "1" if order.side > 0 else "2"),
            (tags.ORDER_QTY, format_size(order.size)),
            (tags.ORD_TYPE, TYPE_CODES[order.type]),
            (tags.TIME_IN_FORCE, TIF_CODES[order.tif]),
        ]
        if order.client_id:
            body.append((tags.CL_ORD_ID, order.client_id))
        if self._dialect.orders.needs_account:
            body.append((tags.ACCOUNT, account))
        for tag, price in ((tags.PRICE, order.price), (tags.STOP_PX, order.stop)):
            if price != ABSENT:
                body.append((tag, format_price(price)))
        if order.expires_ns != ABSENT:
            body.append((tags.EXPIRE_TIME, format_timestamp(order.expires_ns)))
        if order.position_id and self._dialect.positions.id_tag:
            body.append((self._dialect.positions.id_tag, order.position_id))
        if order.label and self._dialect.orders.label_tag:
            body.append((self._dialect.orders.label_tag, order.label))
        return body

    def _execution(self, report: Report) -> Body:
        """Returns 6, 31 and 32: venues without 31 say them with executions alone."""
        order = report.order
        by_the_book = self._dialect.orders.last_price
        body: Body = []
        if order.filled or by_the_book:
            body.append((tags.AVG_PX, format_price(order.average if order.filled else 0)))
        if report.kind == "trade" or by_the_book:
            body.append((tags.LAST_QTY, format_size(report.size)))
            price = report.price if report.price != ABSENT else 0
            body.append((tags.LAST_PX, format_price(price)))
        return body

    def unknown_order(self, request: Message) -> Body:
        """Returns the report that an order asked for is not known."""
        client_id = request.get(tags.CL_ORD_ID) or b"?"
        fields: Body = [(tags.CL_ORD_ID, client_id), (tags.ORDER_ID, "NONE"), (tags.EXEC_ID, "0")]
        for tag in (tags.SYMBOL, tags.SECURITY_ID, 22, tags.ACCOUNT):
            if (value := request.get(tag)) is not None:
                fields.append((tag, value))
        side = request.get(tags.SIDE) or b"1"
        fields += [(tags.EXEC_TYPE, "I"), (tags.ORD_STATUS, "8"), (tags.SIDE, side)]
        fields += [(tag, "0") for tag in (tags.LEAVES_QTY, tags.CUM_QTY, tags.AVG_PX)]
        return [*fields, (tags.ORD_REJ_REASON, "5"), (tags.TEXT, "Unknown order")]

    def cancel_reject(
        self, request: Message, order: VenueOrder | None, reason: int, text: str
    ) -> Body:
        """Returns an OrderCancelReject of a cancel (F) or replace (G)."""
        replaces = request.type == tags.MSG_ORDER_CANCEL_REPLACE_REQUEST
        return [
            (tags.CL_ORD_ID, request.get(tags.CL_ORD_ID) or b"?"),
            (tags.ORIG_CL_ORD_ID, request.get(tags.ORIG_CL_ORD_ID) or b"?"),
            (tags.ORDER_ID, order.order_id if order else "NONE"),
            (tags.ORD_STATUS, STATES[order.state] if order else "8"),
            (tags.CXL_REJ_RESPONSE_TO, "2" if replaces else "1"),
            (tags.CXL_REJ_REASON, str(reason)),
            (tags.TEXT, text),
        ]

    def no_orders(self, request_id: str) -> Body:
        """Returns the one report that says there is no order (911=0)."""
        return [
            (tags.ORDER_ID, "NONE"),
            (tags.EXEC_ID, "0"),
            (tags.EXEC_TYPE, "I"),
            (tags.ORD_STATUS, "8"),
            (tags.SYMBOL, "NONE"),
            (tags.SIDE, "1"),
            *((tag, "0") for tag in (tags.LEAVES_QTY, tags.CUM_QTY, tags.AVG_PX)),
            (tags.MASS_STATUS_REQ_ID, request_id),
            (tags.TOT_NUM_REPORTS, 0),
        ]
