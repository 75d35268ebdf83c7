"""Rows of a terminal's history as texts that people and programs read; by door.

Prices, lots and money become exact decimals; what is not said is empty. UTC is the server's time
less the offset of its clock now: a server with summer time had another one in the other half year.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from thft.gateway.metatrader import commands as c
from thft.gateway.metatrader.clock import LATEST_MS, ServerClock
from thft.gateway.metatrader.orders import OrderDesk
from thft.gateway.metatrader.protocol import records as r
from thft.model.fixed import ABSENT, MONEY_DIGITS, PRICE_DIGITS, SIZE_DIGITS, format_scaled

EPOCH = datetime(1970, 1, 1)
SIDES = ("buy", "sell")
COLUMNS = (
    *("kind", "time_utc", "time_server", "ticket", "order", "position", "symbol", "venue_symbol"),
    *("side", "type", "entry", "state", "lots", "lots_left", "units", "price", "profit"),
    *("commission", "swap", "fee", "placed_utc", "placed_server"),
    *("client_order_id", "magic", "comment"),
)
FOREIGN = frozenset(("venue_symbol", "type", "entry", "state", "comment"))
"""Columns whose words are the terminal's own."""


class Wording:
    """Writes rows of one account."""

    def __init__(self, desk: OrderDesk, clock: ServerClock, canonical: dict[str, str]) -> None:
        """`canonical` by the terminal's names of symbols."""
        self._desk = desk
        self._clock = clock
        self._canonical = canonical

    def deal(self, row: r.DealRow) -> dict[str, str]:
        """Returns a deal by COLUMNS, what it has not left out."""
        return {
            "kind": "deal",
            **self._times("time", row.time_server),
            "ticket": str(row.ticket),
            "order": _number(row.order),
            "position": _number(row.position),
            **self._symbol(row.symbol),
            "side": row.type if row.type in SIDES else "",
            "type": row.type,
            "entry": row.entry,
            "lots": _scaled(row.volume, SIZE_DIGITS),
            "units": self._units(row.symbol, row.volume),
            "price": _scaled(row.price, PRICE_DIGITS),
            "profit": _scaled(row.profit, MONEY_DIGITS),
            "commission": _scaled(row.commission, MONEY_DIGITS),
            "swap": _scaled(row.swap, MONEY_DIGITS),
            "fee": _scaled(row.fee, MONEY_DIGITS),
            "client_order_id": self._order_of(row),
            "magic": _number(row.magic),
            "comment": row.comment,
        }

    def order(self, row: r.OrderRow) -> dict[str, str]:
        """Returns an order that has ended by COLUMNS, what it has not left out."""
        side = row.type.partition("_")[0]
        return {
            "kind": "order",
            **self._times("time", row.done_server),
            **self._times("placed", row.setup_server),
            "ticket": str(row.ticket),
            "position": _number(row.position),
            **self._symbol(row.symbol),
            "side": side if side in SIDES else "",
            "type": row.type,
            "state": row.state,
            "lots": _scaled(row.volume_initial, SIZE_DIGITS),
            "lots_left": _scaled(row.volume_current, SIZE_DIGITS),
            "units": self._units(row.symbol, row.volume_initial),
            "price": _scaled(row.price, PRICE_DIGITS),
            "client_order_id": self._desk.known_as(row.ticket, row.magic, row.comment),
            "magic": _number(row.magic),
            "comment": row.comment,
        }

    def _order_of(self, row: r.DealRow) -> str:
        """Returns our id of a deal's order; a closing of MetaTrader 4 has the opening's words."""
        if row.ticket < 0:
            return self._closings.get(row.ticket, "")
        return self._desk.known_as(row.order, row.magic, row.comment)

    @cached_property
    def _closings(self) -> dict[int, str]:
        return self._desk.dealt()

    def utc(self, server_ms: int) -> str:
        """Returns a time of the server in UTC, empty when it is none."""
        utc_ns = self._clock.utc_ns(server_ms)
        return "" if utc_ns == ABSENT else f"{_iso(utc_ns // 1_000_000)}Z"

    def _times(self, name: str, server_ms: int) -> dict[str, str]:
        server = _iso(server_ms) if 0 < server_ms < LATEST_MS else ""
        return {f"{name}_utc": self.utc(server_ms), f"{name}_server": server}

    def _symbol(self, name: str) -> dict[str, str]:
        return {"symbol": self._canonical.get(name, ""), "venue_symbol": name}

    def _units(self, symbol: str, volume: int) -> str:
        """Returns lots as units of the base asset, empty where the contract is not known."""
        terms = self._desk.terms_by_name.get(symbol)
        if terms is None or volume == ABSENT or not c.countable(volume, terms):
            return ""
        return _scaled(c.units(volume, terms), SIZE_DIGITS)


def _iso(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def _number(value: int) -> str:
    return str(value) if value else ""


def _scaled(value: int, digits: int) -> str:
    return "" if value == ABSENT else format_scaled(value, digits)
