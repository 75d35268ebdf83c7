"""What a simulated venue says about positions, accounts, symbols, as bodies; called by the desk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thft.fix import tags
from thft.fix.wire import format_price, format_size, format_timestamp
from thft.sim.fix.orders.ledger import ClosedPosition, Ledger, VenuePosition
from thft.sim.fix.profile import Body, Listed, Profile

ACCOUNT_TYPE, POSITION_REQUEST_TYPE = 581, 724
PARTY: Body = [(448, "SIM"), (447, "D"), (452, "3")]
HEDGING_SUB_ID_TYPE = "4000"
DAY_DIGITS = 8


class AccountWords:
    """What one venue says about an account and its instruments."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._dialect = profile.dialect

    def position(
        self, ledger: Ledger, held: VenuePosition, request_id: str, total: int, now_ns: int
    ) -> Body:
        """Returns a PositionReport of an open position."""
        long, short = max(held.size, 0), max(-held.size, 0)
        body = self._position_head(request_id, total, held.position_id)
        sizes: Body = [(tags.LONG_QTY, format_size(long)), (tags.SHORT_QTY, format_size(short))]
        if not self._profile.quirks.short_positions:
            sizes = [(703, "TQ"), *(field for field in sizes if field[1] != b"0")]
            body += self._position_books(ledger, now_ns, "0")
        body += [
            *self._profile.symbol_fields(held.symbol),
            (tags.SETTL_PRICE, format_price(held.average)),
        ]
        body.append((tags.NO_POSITIONS, [sizes]))
        return body

    def closed_position(
        self, ledger: Ledger, one: ClosedPosition, request_id: str, total: int, now_ns: int
    ) -> Body:
        """Returns a PositionReport of a closed one (724=1)."""
        side = tags.LONG_QTY if one.size > 0 else tags.SHORT_QTY
        body = self._position_head(request_id, total, one.position_id)
        body += self._position_books(ledger, now_ns, "1")
        body += [
            *self._profile.symbol_fields(one.symbol),
            (tags.SETTL_PRICE, format_price(one.opened)),
        ]
        if self._dialect.dictionary.field_name(9043):
            body.append((9043, format_price(one.closed)))
        body.append((tags.NO_POSITIONS, [[(703, "TQ"), (side, format_size(abs(one.size)))]]))
        return body

    def _position_head(self, request_id: str, total: int, position_id: str) -> Body:
        body: Body = [
            (tags.TOTAL_NUM_POS_REPORTS, total),
            (tags.POS_REQ_RESULT, "0"),
            (tags.POS_MAINT_RPT_ID, position_id),
        ]
        if request_id:
            body.append((tags.POS_REQ_ID, request_id))
        id_tag = self._dialect.positions.id_tag
        if id_tag not in (0, tags.POS_MAINT_RPT_ID):
            body.append((id_tag, position_id))
        return body

    def _position_books(self, ledger: Ledger, now_ns: int, kind: str) -> Body:
        day = format_timestamp(now_ns, 0)[:DAY_DIGITS]
        return [
            (tags.ACCOUNT, ledger.account),
            (ACCOUNT_TYPE, "6"),
            (715, day),
            (POSITION_REQUEST_TYPE, kind),
        ]

    def position_ack(self, ledger: Ledger, request_id: str, total: int) -> Body:
        """Returns a RequestForPositionsAck; with total 0 it says that there is none."""
        return [
            (tags.POS_MAINT_RPT_ID, request_id),
            (tags.POS_REQ_ID, request_id),
            (tags.TOTAL_NUM_POS_REPORTS, total),
            (tags.POS_REQ_RESULT, "0" if total else "2"),
            (729, "0"),
            (tags.ACCOUNT, ledger.account),
            (ACCOUNT_TYPE, "6"),
            *(() if total else ((tags.TEXT, "No open positions"),)),
        ]

    def no_positions(self, request_id: str) -> Body:
        """Returns the one PositionReport that says that there is none."""
        return [
            (tags.POS_REQ_ID, request_id),
            (tags.TOTAL_NUM_POS_REPORTS, 0),
            (tags.POS_REQ_RESULT, "2"),
        ]

    # ---- symbols and accounts ------------------------------------------------------------------

    def security_list(self, request_id: str, listed: Sequence[Listed], result: int) -> Body:
        """Returns a SecurityList; `result` 0 is good."""
        body: Body = [
            (tags.SECURITY_REQ_ID, request_id),
            (322, self._profile.quirks.list_prefix + request_id),
            (560, result),
        ]
        symbols = self._dialect.symbols
        if listed:
            entries: list[Body] = [
                [
                    *self._profile.symbol_fields(one.name),
                    *([(symbols.name_tag, one.name)] if symbols.name_tag else []),
                    *([(symbols.digits_tag, one.digits)] if symbols.digits_tag else []),
                ]
                for one in listed
            ]
            body.append((tags.NO_RELATED_SYM, entries))
        return body

    def session_status(self, request_id: str, listed: Iterable[Listed]) -> Body:
        """Returns a TradingSessionStatus with the list of symbols in it (FXCM)."""
        entries: list[Body] = [
            [
                (tags.SYMBOL, one.id),
                (231, "1"),
                (460, "4"),
                (9001, one.digits),
                (9002, format_price(10 ** (9 - one.digits))),
                (9095, one.min_size),
            ]
            for one in listed
        ]
        parameters = {"BASE_CRNCY": "USD", "SERVER_TIME_UTC": "UTC", "TRADING_ALLOWED": "Y"}
        return [
            (335, request_id),
            (336, "SIM"),
            (340, "2"),
            (tags.NO_RELATED_SYM, entries),
            (9016, [[(9017, name), (9018, text)] for name, text in parameters.items()]),
        ]

    def collateral(self, request_id: str, ledger: Ledger, report_id: str) -> Body:
        """Returns a CollateralReport, whose party sub-ids say how positions are held (FXCM)."""
        held = "Y" if ledger.hedged else "N"
        sub_ids: list[Body] = [[(523, held), (803, HEDGING_SUB_ID_TYPE)]]
        return [
            (908, report_id),
            (909, request_id),
            (910, "0"),
            (tags.ACCOUNT, ledger.account),
            (901, "100000"),
            (922, "100000"),
            (911, 1),
            (912, "Y"),
            (453, [[*PARTY, (802, sub_ids)]]),
        ]
