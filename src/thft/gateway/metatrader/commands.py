"""The engine's orders as commands, what the terminal's answers mean; pure, by the order desk."""

from __future__ import annotations

import re
import zlib

from thft.gateway.metatrader.protocol import records as r
from thft.model.fixed import ABSENT, SIZE_DIGITS, SIZE_ONE, format_scaled
from thft.model.order import Order

OUR_ID = re.compile(r"[0-9A-Za-z]+-[0-9]+-[0-9]+")
FOK, IOC = 1, 2
"""Bits of a symbol's filling modes."""
ID_CHARACTERS = 20
LARGEST = 1 << 62
"""What no size or sum of money in a report may exceed."""
REJECTED, UNKNOWN, DENIED, TAKEN, SEEN = "rejected", "unknown", "denied", "taken", "duplicate"
OUTCOMES = {
    "refused": DENIED,
    "late": DENIED,
    "duplicate": SEEN,
    "placed": TAKEN,
    "done": TAKEN,
    "partial": TAKEN,
    "rejected": REJECTED,
    "price": REJECTED,
    "busy": REJECTED,
}
"""What the EA says of a command → what it means; everything else is UNKNOWN."""
MT5_TAKEN = frozenset((10008, 10009, 10010))
MT5_REJECTED = frozenset(
    (
        *(10004, 10006, 10007, *range(10013, 10028), 10029, 10030, *range(10032, 10037)),
        *range(10038, 10047),
    )
)


class Unsupported(Exception):
    """The terminal cannot be told to do this; the text says what."""


def magic_of(client_order_id: str) -> int:
    """Returns the magic number of an order: the CRC-32 of its id without the top bit, never 0."""
    return (zlib.crc32(client_order_id.encode()) & 0x7FFF_FFFF) or 1


def own_id(magic: int, comment: str) -> str:
    """Returns the id in a comment if the magic number proves that it is one of ours, or empty."""
    found = OUR_ID.match(comment)
    return found[0] if found and magic_of(found[0]) == magic else ""


def meaning(result: r.Result, platform: str) -> str:
    """Returns what an answer means; where class and code differ, the more careful of both.

    MetaTrader 4 has no code for success, so there the EA's class alone speaks.
    """
    said = OUTCOMES.get(result.outcome, UNKNOWN)
    if platform == "4":
        return said
    if said in (DENIED, SEEN):
        return said if not result.retcode else UNKNOWN
    if result.retcode in MT5_TAKEN:
        coded = TAKEN
    else:
        coded = REJECTED if result.retcode in MT5_REJECTED else UNKNOWN
    return said if said == coded else UNKNOWN


def lots(size: int, terms: r.Symbol) -> int:
    """Returns a size in units, 1e-8, as lots, 1e-8; raises Unsupported when it is no whole step."""
    if terms.contract_size <= 0:
        raise Unsupported(f"the terminal tells no contract size of {terms.symbol}")
    count, rest = divmod(size * SIZE_ONE, terms.contract_size)
    step, least, most = terms.volume_step, terms.volume_min, terms.volume_max
    if rest or (step > 0 and count % step) or not least <= count <= most:
        said = (format_scaled(value, SIZE_DIGITS) for value in (count, least, most, step))
        shown, low, high, by = said
        raise Unsupported(f"{shown} lots; the broker takes {low} to {high} in steps of {by}")
    return int(count)


def countable(volume: int, terms: r.Symbol | None) -> bool:
    """Returns whether lots can be counted in units that a report can hold."""
    known = terms is not None and terms.contract_size > 0 and volume >= 0
    return known and terms is not None and units(volume, terms) <= LARGEST


def units(volume: int, terms: r.Symbol) -> int:
    """Returns lots, 1e-8, as a size in units, 1e-8."""
    return int(volume * terms.contract_size // SIZE_ONE)


def new_order(
    order: Order, terms: r.Symbol, platform: str, deviation: int, sent_ms: int, ttl_ms: int
) -> r.Open:
    """Returns the command of a new order on MetaTrader 4 or 5; raises Unsupported."""
    if not 0 < len(order.client_order_id) <= ID_CHARACTERS:
        raise Unsupported(f"an order id has at most {ID_CHARACTERS} characters")
    if terms.trade_mode in ("disabled", "close"):
        raise Unsupported(f"the broker has {terms.symbol} {terms.trade_mode} only")
    if order.type not in ("market", "limit"):
        raise Unsupported(f"{order.type} orders are not spoken to MetaTrader")
    market = order.type == "market"
    if not market and order.tif not in ("GTC", "DAY"):
        raise Unsupported(f"MetaTrader has no {order.tif} limit orders, only GTC and DAY")
    position = 0
    if order.position_id:
        if not (market and order.position_id.isdecimal()):
            raise Unsupported(f"position {order.position_id} is closed by market orders only")
        position = int(order.position_id)
    return r.Open(
        order.client_order_id,
        magic_of(order.client_order_id),
        terms.symbol,
        "buy" if order.side > 0 else "sell",
        order.type,
        lots(order.size, terms),
        ABSENT if market else order.price,
        ABSENT,
        ABSENT,
        ABSENT,
        deviation,
        _filling(order, terms, platform) if market else "return",
        "gtc" if market or order.tif == "GTC" else "day",
        0,
        position,
        sent_ms,
        ttl_ms,
    )


def closing(order: Order, terms: r.Symbol, deviation: int, sent_ms: int, ttl_ms: int) -> r.Close:
    """Returns the command that closes a position of MetaTrader 4; raises Unsupported."""
    if order.type != "market" or not order.position_id.isdecimal():
        raise Unsupported(f"position {order.position_id} is closed by market orders only")
    return r.Close(
        order.client_order_id,
        magic_of(order.client_order_id),
        int(order.position_id),
        lots(order.size, terms),
        deviation,
        "",
        sent_ms,
        ttl_ms,
    )


def _filling(order: Order, terms: r.Symbol, platform: str) -> str:
    """Returns how a market order is to be filled; raises Unsupported.

    MetaTrader 4 knows one way, at once and whole or not at all, which suits every order. Where a
    broker of MetaTrader 5 has no immediate-or-cancel, fill-or-kill does nothing an order of that
    kind must not do. The other way round is not so.
    """
    if platform == "4":
        return ""
    if order.tif == "FOK" and not terms.filling & FOK:
        raise Unsupported(f"the broker fills no {terms.symbol} order whole or not at all (FOK)")
    if terms.filling & IOC and order.tif != "FOK":
        return "ioc"
    if terms.filling & FOK:
        return "fok"
    if order.tif == "IOC":
        raise Unsupported(f"the broker has no IOC for {terms.symbol}")
    return "return"


def modified(order: Order, ticket: int, sent_ms: int, ttl_ms: int) -> r.Modify:
    """Returns the command of the replace under way; raises Unsupported."""
    assert order.wanted is not None
    size, price = order.wanted
    if size != order.size:
        raise Unsupported("MetaTrader does not change the size of an order")
    return r.Modify(
        order.client_order_id,
        magic_of(order.client_order_id),
        "order",
        ticket,
        price,
        ABSENT,
        ABSENT,
        ABSENT,
        0,
        sent_ms,
        ttl_ms,
    )
