"""Says which instrument a venue's spelling means, and how that is known; for core, gateways, cli.

The order is law: a row of the map, then the affix learned for the account, then the tables. More
than one candidate is AMBIGUOUS, none is UNKNOWN: neither activates anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from thft.model.symbology import tables
from thft.model.symbology.affixes import NO_AFFIX, Affix, learn
from thft.model.symbology.registry import REGISTRY
from thft.model.symbology.spelling import derivative, invalid, readings, usual_affixes

CANDIDATES_SHOWN = 8


class Verdict(StrEnum):
    """What came of a spelling."""

    FOUND = "FOUND"
    UNKNOWN = "UNKNOWN"
    AMBIGUOUS = "AMBIGUOUS"
    INVALID = "INVALID"


class Resolution(Struct, frozen=True):
    """A spelling's verdict; `symbol` is empty unless it is FOUND, `why` says more in words."""

    raw: str
    verdict: Verdict
    symbol: str = ""
    candidates: tuple[str, ...] = ()
    how: str = ""
    """map, list, affix or table."""
    why: str = ""

    @property
    def answer(self) -> str:
        """The verdict in one field: the canonical symbol, or what it is instead."""
        if self.verdict is Verdict.FOUND:
            return self.symbol
        return " ".join((self.verdict, ",".join(self.candidates))).rstrip()


class Resolver:
    """Resolves the spellings of one account, or of nobody in particular."""

    def __init__(
        self,
        rows: Mapping[str, str] | None = None,
        listed: Iterable[str] = (),
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """`rows` maps spellings to canonical symbols: what a person has confirmed.

        `listed` are the names that the account's venue offers; the affix is learned from them.
        `ids` maps the venue's numbers to its names.
        """
        self._rows = rows or {}
        self._ids = ids or {}
        names = (*listed, *self._ids.values())
        self.affix: Affix = learn(names) if names else NO_AFFIX

    def resolve(self, raw: str, profit_currency: str = "") -> Resolution:
        """Returns what a spelling means.

        `profit_currency`, where the venue says it, must be the instrument's: gold in euros is
        another instrument than gold in dollars, whatever both are called.
        """
        if why := invalid(raw):
            return Resolution(raw, Verdict.INVALID, why=why)
        if raw in self._rows:
            return _found(raw, self._rows[raw], "map", "a row of the map")
        if raw.isdigit():
            return self._number(raw, profit_currency)
        return _in_currency(self._by_name(raw), profit_currency)

    def _number(self, raw: str, profit_currency: str) -> Resolution:
        name = self._ids.get(raw, "")
        if not name or name.isdigit():
            why = "a number is a venue's own id: its list, or a row of the map, must say its name"
            return Resolution(raw, Verdict.UNKNOWN, why=why)
        if name in self._rows:
            return _found(raw, self._rows[name], "list", f"the venue's list calls it {name}")
        one = _in_currency(self._by_name(name), profit_currency)
        why = f"the venue's list calls it {name}: {one.why}"
        return Resolution(raw, one.verdict, one.symbol, one.candidates, "list", why)

    def _by_name(self, raw: str) -> Resolution:
        learned = readings(self.affix.stripped(raw)) if self.affix else frozenset()
        itself = frozenset((raw,)) if raw in REGISTRY else frozenset()
        if learned:
            said = f"the account's {self.affix}"
            return _judged(raw, learned | itself, "affix", said)
        found, said = _by_table(raw)
        return _judged(raw, found, "table", said)


def _by_table(raw: str) -> tuple[frozenset[str], str]:
    """Returns what a spelling means to nobody in particular, and how that was read."""
    found = readings(raw)
    said = "the table of names" if found else ""
    if found and raw[0] != "#" and raw == raw.upper():
        return found, said
    if derivative(raw):
        return found, said
    for prefix, rest, suffix in usual_affixes(raw):
        more = readings(rest)
        if more and not said:
            around = " and ".join(repr(one) for one in (prefix, suffix) if one)
            said = f"the table of names, without the usual {around}"
        found |= more
    return found, said


def _judged(raw: str, found: frozenset[str], how: str, said: str) -> Resolution:
    if not found:
        why = "no instrument is known by this name: add a row to the map"
        if derivative(raw):
            why = "a future or swap is no cash instrument: add a row to the map"
        return Resolution(raw, Verdict.UNKNOWN, why=why)
    if len(found) > 1:
        why = "more than one instrument may be meant: add a row to the map"
        return _ambiguous(raw, found, why)
    (symbol,) = found
    return _found(raw, symbol, how, said)


def _found(raw: str, symbol: str, how: str, why: str) -> Resolution:
    for name, more in tables.EXPLAINED.items():
        if name in raw.upper():
            why = f"{why}; {more}"
    return Resolution(raw, Verdict.FOUND, symbol, (symbol,), how, why)


def _ambiguous(raw: str, found: Iterable[str], why: str) -> Resolution:
    candidates = tuple(sorted(found))[:CANDIDATES_SHOWN]
    return Resolution(raw, Verdict.AMBIGUOUS, candidates=candidates, why=why)


def _in_currency(one: Resolution, currency: str) -> Resolution:
    """Holds a finding against the currency that the venue pays its profit in."""
    known = REGISTRY.get(one.symbol)
    if known is None or not currency or known.quote == currency:
        return one
    other = REGISTRY.get(known.base + currency)
    candidates = {one.symbol, *([other.symbol] if other else [])}
    why = f"its profit is paid in {currency}, that of {one.symbol} in {known.quote}"
    return _ambiguous(one.raw, candidates, f"{why}: add a row to the map")
