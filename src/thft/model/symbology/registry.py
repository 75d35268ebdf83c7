"""The canonical instruments and every spelling of one without an affix; asked by the resolver."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from thft.model.symbology import tables


class Canonical(Struct, frozen=True):
    """An instrument by its canonical symbol: base is what is dealt, quote what it is paid in.

    `kind` is fx, metal, index, commodity, crypto or share; the base of all but pairs is the symbol.
    """

    symbol: str
    kind: str
    base: str
    quote: str


def _pairs() -> Iterator[Canonical]:
    order = tables.CURRENCIES
    for at, base in enumerate(order):
        for quote in order[at + 1 :]:
            if base in tables.BASES or base + quote in tables.CROSSES:
                yield Canonical(base + quote, "fx", base, quote)
    for metal in tables.METALS:
        for quote in tables.METAL_QUOTES:
            yield Canonical(metal + quote, "metal", metal, quote)
    for base in (*tables.CRYPTO, *tables.STABLE):
        for quote in tables.CRYPTO_QUOTES:
            if base != quote:
                yield Canonical(base + quote, "crypto", base, quote)


def _singles() -> Iterator[Canonical]:
    for symbol, quote in tables.INDICES.items():
        yield Canonical(symbol, "index", symbol, quote)
    for symbol, quote in tables.COMMODITIES.items():
        yield Canonical(symbol, "commodity", symbol, quote)
    for ticker in tables.SHARES:
        yield Canonical(f"#{ticker}", "share", f"#{ticker}", "USD")


REGISTRY: dict[str, Canonical] = {one.symbol: one for one in (*_pairs(), *_singles())}
"""Canonical symbol → instrument."""

PAIRS: dict[tuple[str, str], str] = {
    (one.base, one.quote): one.symbol for one in REGISTRY.values() if one.base != one.symbol
}
"""(base, quote) → canonical symbol."""


def _names() -> dict[str, tuple[str, ...]]:
    """Returns every name without separators, upper case, and what it may mean."""
    found: dict[str, tuple[str, ...]] = {
        symbol: (symbol,) for symbol in REGISTRY if symbol[0] != "#"
    }
    for (base, quote), symbol in PAIRS.items():
        for alias, piece in tables.PIECES.items():
            if base == piece:
                found.setdefault(alias + quote, (symbol,))
            if quote == piece:
                found.setdefault(base + alias, (symbol,))
    for symbol, names in tables.NAMES.items():
        for name in names.split():
            found[name] = (symbol,)
    found.update(tables.SEVERAL)
    return found


NAMES = _names()
WORDS = frozenset((*tables.INDICES, *tables.COMMODITIES, *tables.SEVERAL)).union(
    *(names.split() for names in tables.NAMES.values())
)
"""Names that are no pair: separators may stand between their words."""
