"""Questions to a simulated venue about orders, positions, symbols and accounts; owned by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from thft.fix import tags
from thft.fix.session import Now
from thft.fix.wire import Message
from thft.sim.fix.client import Client
from thft.sim.fix.orders.account_words import POSITION_REQUEST_TYPE, AccountWords
from thft.sim.fix.orders.ledger import Ledger, Report
from thft.sim.fix.orders.words import OrderWords
from thft.sim.fix.profile import Profile

ALL_SYMBOLS, ALL_ORDERS = "0", "7"
GOOD, INVALID_TYPE, NOT_FOUND = 0, 5, 2
TRADES = "1"
LOGGED_IN, WRONG_PASSWORD = "1", "3"

Answer = Callable[[Client, Ledger, Message, Now], None]


class Inquiries:
    """Answers what changes nothing. `matches` says whether a message has good credentials."""

    def __init__(
        self,
        profile: Profile,
        next_id: Callable[[str], str],
        matches: Callable[[Message, Client], bool],
    ) -> None:
        self._profile = profile
        self._orders = OrderWords(profile)
        self._accounts = AccountWords(profile)
        self._next_id = next_id
        self._matches = matches
        self.answers: Mapping[str, Answer] = {
            "H": self._status,
            "AF": self._mass_status,
            "AN": self._positions,
            "x": self._security_list,
            "g": self._session_status,
            "BB": self._collateral,
            "BE": self._user_request,
        }

    def _status(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        client_id = message.text(tags.CL_ORD_ID) or ""
        order = ledger.find(message.text(tags.ORDER_ID) or "", client_id)
        if order is not None:
            report = ledger.status(order, moment.utc_ns)
            client.say("8", self._orders.report(ledger.account, report))
        elif self._profile.quirks.business_reject:
            text = f"ORDER_NOT_FOUND:Order with id {client_id} is not found."
            client.reject(message, 1, text, client_id)
        else:
            client.say("8", self._orders.unknown_order(message))

    def _mass_status(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        request_id = message.text(tags.MASS_STATUS_REQ_ID) or ""
        if message.text(tags.MASS_STATUS_REQ_TYPE) != ALL_ORDERS:
            prefix = "INVALID_REQUEST:" if self._profile.quirks.business_reject else ""
            client.reject(message, 0, f"{prefix}MassStatusReqType must be 7", request_id)
            return
        working = ledger.working
        for order in working:
            report = ledger.status(order, moment.utc_ns)
            mass = (request_id, len(working))
            client.say("8", self._orders.report(ledger.account, report, mass))
        if not working and self._profile.empty_orders == "j":
            client.reject(message, 0, "no orders", request_id)
        elif not working:
            client.say("8", self._orders.no_orders(request_id))

    def _positions(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        request_id = message.text(tags.POS_REQ_ID) or ""
        if message.text(tags.SUBSCRIPTION_REQUEST_TYPE) == "1":
            client.streams_positions = True
        if message.text(POSITION_REQUEST_TYPE) == TRADES:
            self._closed(client, ledger, request_id, moment)
            return
        wanted = message.text(tags.POS_MAINT_RPT_ID)
        held = [one for one in ledger.positions.values() if wanted in (None, one.position_id)]
        form = self._profile.empty_positions
        if form == "AO" and (not held or self._profile.quirks.positions_acked):
            client.say("AO", self._accounts.position_ack(ledger, request_id, len(held)))
        elif not held:
            client.say("AP", self._accounts.no_positions(request_id))
        for one in held:
            body = self._accounts.position(ledger, one, request_id, len(held), moment.utc_ns)
            client.say("AP", body)

    def _closed(self, client: Client, ledger: Ledger, request_id: str, moment: Now) -> None:
        if not ledger.closed:
            client.say("AO", self._accounts.position_ack(ledger, request_id, 0))
        total = len(ledger.closed)
        for one in ledger.closed:
            body = self._accounts.closed_position(ledger, one, request_id, total, moment.utc_ns)
            client.say("AP", body)

    def moved_position(self, client: Client, ledger: Ledger, report: Report) -> None:
        """Tells a client that streams positions what an execution has made of one."""
        held = ledger.positions.get(report.order.position_id)
        if held is not None:
            body = self._accounts.position(ledger, held, "", 1, report.ts_ns)
            client.say("AP", body)
        elif ledger.closed:
            body = self._accounts.closed_position(ledger, ledger.closed[-1], "", 1, report.ts_ns)
            client.say("AP", body)

    def _security_list(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        request_id = message.text(tags.SECURITY_REQ_ID) or ""
        wanted = message.text(self._profile.dialect.symbols.tag)
        listed = list(self._profile.listed)
        result = GOOD
        if message.text(tags.SECURITY_LIST_REQUEST_TYPE) != ALL_SYMBOLS:
            listed, result = [], INVALID_TYPE
        elif wanted is not None:
            listed = [one for one in listed if one.id == wanted]
            result = GOOD if listed else NOT_FOUND
        client.say("y", self._accounts.security_list(request_id, listed, result))

    def _session_status(
        self, client: Client, ledger: Ledger, message: Message, moment: Now
    ) -> None:
        body = self._accounts.session_status(message.text(335) or "", self._profile.listed)
        client.say("h", body)

    def _collateral(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        body = self._accounts.collateral(
            message.text(909) or "", ledger, self._next_id("collateral")
        )
        client.say("BA", body)

    def _user_request(self, client: Client, ledger: Ledger, message: Message, moment: Now) -> None:
        good = self._matches(message, client)
        client.known = client.known or good
        fields = [
            (923, message.text(923) or ""),
            (tags.USERNAME, message.text(tags.USERNAME) or ""),
        ]
        client.say("BF", [*fields, (926, LOGGED_IN if good else WRONG_PASSWORD)])
        if not good:
            client.link.logout(self._profile.quirks.wrong_login)
