"""How venues write the id of a pair, where all of theirs are written alike; read by core.

What is written so is read back as the same instrument: the tests hold every id against that.
"""

from __future__ import annotations

from thft.model.symbology import tables
from thft.model.symbology.registry import REGISTRY

STYLES = {
    "binance": "{base}{quote}",
    "bybit": "{base}{quote}",
    "coinbase": "{base}-{quote}",
    "okx": "{base}-{quote}",
    "kraken": "{base}/{quote}",
    "bitfinex": "t{base}{quote}",
    "fxcm": "{base}/{quote}",
}
"""Dialect → its ids."""
SHORT = 3
"""Halves longer than this stand apart in Bitfinex's ids; shorter ones it writes otherwise."""


def written(symbol: str, dialect: str) -> str | None:
    """Returns the id of a canonical symbol at a venue; None where no rule says it."""
    one, style = REGISTRY.get(symbol), STYLES.get(dialect)
    if one is None or style is None or one.base == one.symbol:
        return None
    base, quote = one.base, one.quote
    if dialect == "bitfinex":
        theirs = {ours: short for short, ours in tables.BITFINEX.items()}
        base, quote = theirs.get(base, base), theirs.get(quote, quote)
        if len(base) < SHORT:
            return None
        if len(base) > SHORT or len(quote) > SHORT:
            base += ":"
    return style.format(base=base, quote=quote)
