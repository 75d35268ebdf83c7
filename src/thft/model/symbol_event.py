"""Events of what is dealt under a venue's spelling, and whether it still is; named by `event`."""

from __future__ import annotations

from msgspec import structs

from thft.model.event_base import Event
from thft.model.symbology.terms import UNSAID_DIGITS, Terms


class SymbolSpecified(Event, frozen=True):
    """What a feed calls an instrument and deals under that name, as a person or the venue says it.

    Fields from `contract_size` on are those of `symbology.terms.Terms`.
    """

    TYPE = 0x0220
    feed: int
    instrument: int
    venue_symbol: str
    venue_id: str
    """The venue's number of that name; empty where it has none."""
    how: str
    """map, list, affix or table: how the spelling was resolved; map is what a person confirmed."""
    why: str
    contract_size: int = 0
    digits: int = UNSAID_DIGITS
    tick_size: int = 0
    tick_value: int = 0
    min_volume: int = 0
    step_volume: int = 0
    max_volume: int = 0
    volume_unit: str = ""
    profit_currency: str = ""
    margin_currency: str = ""

    @property
    def terms(self) -> Terms:
        """What is dealt."""
        return Terms(**{name: getattr(self, name) for name in Terms.__struct_fields__})

    def with_terms(self, terms: Terms) -> SymbolSpecified:
        """Returns the same spelling with these terms."""
        return structs.replace(self, **structs.asdict(terms))

    def changes(self, newer: SymbolSpecified) -> str:
        """Returns in words what a newer event contradicts; empty when nothing."""
        found = [
            f"{name} {mine} → {theirs}"
            for name, mine, theirs in (
                ("name", self.venue_symbol, newer.venue_symbol),
                ("id", self.venue_id, newer.venue_id),
            )
            if mine and theirs and mine != theirs
        ]
        return ", ".join([*found, *filter(None, [self.terms.changes(newer.terms)])])

    def merged(self, newer: SymbolSpecified) -> SymbolSpecified:
        """Returns the newer event with what only this one says; a confirmation of it stays."""
        confirmed = self.how == "map" and self.venue_symbol == newer.venue_symbol
        how, why = (self.how, self.why) if confirmed else (newer.how, newer.why)
        more = structs.replace(newer, venue_id=newer.venue_id or self.venue_id, how=how, why=why)
        return more.with_terms(self.terms.merged(newer.terms))


class SymbolBlocked(Event, frozen=True):
    """Nothing is dealt in an instrument at a feed until a person confirms what it is there."""

    TYPE = 0x0221
    cause: int
    feed: int
    instrument: int
    verdict: str
    """SPEC_CHANGED or AMBIGUOUS."""
    reason: str


class SymbolConfirmed(Event, frozen=True):
    """A person confirmed what a feed deals under a name: what was said last holds from here on."""

    TYPE = 0x0222
    cause: int
    feed: int
    instrument: int
