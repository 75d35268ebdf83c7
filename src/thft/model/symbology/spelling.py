"""Reads one spelling: what it may mean as it stands, and without an affix; called by the resolver.

A spelling is never bent until it fits: a separator may stand between the halves of a pair or the
words of a name, and nowhere else. So `BTCUSD.t` is no BTCUSDT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from thft.model.symbology import tables
from thft.model.symbology.registry import NAMES, PAIRS, REGISTRY, WORDS

LONGEST = 64
"""Characters of a venue's spelling."""

_SEPARATORS = re.compile(r"[/\-_.: ]")
_LISTED = re.compile(rf"([A-Z]{{1,5}})[._](?:{'|'.join(tables.LISTINGS)})")
_BITFINEX = re.compile(r"t([A-Z0-9]{2,6}:[A-Z]{3,5}|[A-Z]{6,8})")
_KRAKEN = re.compile(r"X([A-Z]{3})[ZX]([A-Z]{3})")
_FUTURE = re.compile(r"([A-Z]{1,4})[-_ ]?[FGHJKMNQUVXZ]\d{1,2}")
_DERIVED = re.compile(r"PERP|SWAP|[A-Z]F0:|F0$|[-_](?:\d{6}|FUT|F\d?)$|[-_.]?\d{6,8}$")


def invalid(raw: str) -> str:
    """Returns why a text is no spelling of a symbol at all, empty when it may be one."""
    if not raw:
        return "it is empty"
    if len(raw) > LONGEST:
        return f"it has {len(raw)} characters, {LONGEST} are allowed"
    if not raw.isprintable():
        return "it holds a character that cannot be printed"
    if raw != raw.strip():
        return "it begins or ends with a space"
    return ""


def derivative(raw: str) -> bool:
    """Whether this names a future, a swap or the like, which is no cash instrument."""
    text = raw.upper()
    future = _FUTURE.fullmatch(text)
    if text in tables.FUTURES or (future and future[1] in tables.FUTURES):
        return True
    return bool(_DERIVED.search(text))


def readings(text: str) -> frozenset[str]:
    """Returns the canonical symbols that a spelling without an affix may mean."""
    if not text.isascii():
        return frozenset()
    if ids := frozenset(_exchange(text)):  # first: tUSDCAD is no TUSDCAD
        return ids
    upper = text.upper()
    if upper in NAMES:
        return frozenset(NAMES[upper])
    return frozenset() if derivative(text) else frozenset(_read(upper))


def _read(upper: str) -> Iterator[str]:
    pieces = _SEPARATORS.split(upper)
    if len(pieces) > 1 and all(pieces):
        yield from _pair(pieces)
        if "".join(pieces) in WORDS:
            yield from NAMES["".join(pieces)]
    yield from _share(upper)


def _pair(pieces: list[str]) -> Iterator[str]:
    if len(pieces) == 2:
        base, quote = (tables.PIECES.get(one, one) for one in pieces)
        if (base, quote) in PAIRS:
            yield PAIRS[base, quote]


def _share(upper: str) -> Iterator[str]:
    """Yields a share; a ticker that is another name too, or one letter, needs its mark."""
    plain = upper.removeprefix("#")
    listed = _LISTED.fullmatch(plain)
    ticker = listed[1] if listed else plain
    marked = listed is not None or upper.startswith("#")
    if f"#{ticker}" in REGISTRY and (marked or len(ticker) > 1):
        yield f"#{ticker}"


def _exchange(text: str) -> Iterator[str]:
    """Yields what ids of exchanges mean that no other venue writes so."""
    halves: list[tuple[str, str]] = []
    names = tables.PIECES
    if found := _BITFINEX.fullmatch(text):
        names = {**tables.PIECES, **tables.BITFINEX}
        base, colon, quote = found[1].partition(":")
        halves = [(base, quote)] if colon else [(base[:at], base[at:]) for at in (3, 4)]
    elif found := _KRAKEN.fullmatch(text):
        halves = [(found[1], found[2])]
    for base, quote in halves:
        if symbol := PAIRS.get((names.get(base, base), names.get(quote, quote))):
            yield symbol


# ---- affixes -----------------------------------------------------------------------------------


def usual_affixes(raw: str) -> Iterator[tuple[str, str, str]]:
    """Yields (prefix, rest, suffix) where one of the affixes that many brokers use stands there."""
    for rest, suffix in _suffixes(raw):
        yield "", rest, suffix
    for prefix, rest in _prefixes(raw):
        yield prefix, rest, ""
        for inner, suffix in _suffixes(rest):
            yield prefix, inner, suffix


def _suffixes(raw: str) -> Iterator[tuple[str, str]]:
    found = re.fullmatch(r"(.*[^._\-])([._\-])([A-Za-z]+)", raw)
    if found and found[3].lower() in tables.SUFFIX_WORDS:
        yield found[1], found[2] + found[3]
    bare = re.fullmatch(r"(.*[A-Z0-9])([a-z]+)", raw)
    if bare and bare[2] in tables.SUFFIX_BARE:
        yield bare[1], bare[2]
    if raw[-1:] in tables.SUFFIX_SIGNS and len(raw) > 1:
        yield raw[:-1], raw[-1]


def _prefixes(raw: str) -> Iterator[tuple[str, str]]:
    found = re.fullmatch(r"([A-Za-z]+)([._\-:])(.+)", raw)
    if found and found[1].lower() in tables.PREFIX_WORDS:
        yield found[1] + found[2], found[3]
    if raw[:1] in tables.PREFIX_SIGNS and len(raw) > 1:
        yield raw[0], raw[1:]
