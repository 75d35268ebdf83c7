"""What is dealt where under which name, and what is blocked; folded by `fold`, read by the kernel.

What contradicts nothing is taken. What does waits beside what holds, until a person confirms it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from thft.model import event as ev
from thft.model.fixed import SIZE_DIGITS, SIZE_ONE, format_scaled
from thft.model.symbology.terms import UNSAID, Terms
from thft.model.symbology.volume import contract_units

if TYPE_CHECKING:
    from thft.state.fold import State


class SymbolRecord(Struct):
    """An instrument at a feed: what holds, what was said otherwise since, and why it is blocked."""

    holds: ev.SymbolSpecified
    offered: ev.SymbolSpecified | None = None
    blocked: str = ""
    since_ns: int = 0

    def take(self, said: ev.SymbolSpecified) -> None:
        """Takes what is said now."""
        if self.holds.changes(said):
            self.offered = (self.offered or self.holds).merged(said)
        elif not self.blocked:
            self.holds = self.holds.merged(said)
        else:
            self.offered = self.holds.merged(said)


def block(state: State, feed: int, instrument: int) -> str:
    """Returns why an instrument is not dealt at a feed, empty when it may be."""
    record = state.symbols.get((feed, instrument))
    return record.blocked if record is not None else ""


def volume_fault(state: State, feed: int, instrument: int, size: int) -> str:
    """Returns why a venue deals no such size (units, 1e-8), empty when it may or nobody knows."""
    record = state.symbols.get((feed, instrument))
    terms = record.holds.terms if record is not None else UNSAID
    contract = contract_units(terms.volume_unit, terms.contract_size) if terms.volume_unit else 0
    if not contract:
        return ""
    volume, rest = divmod(size * SIZE_ONE, contract)
    if rest:
        return f"{_volume(size, 'units')} are no whole number of {terms.volume_unit} at the venue"
    said, unit = _volume(volume, terms.volume_unit), terms.volume_unit
    if volume < terms.min_volume:
        return f"{said} are less than the venue's minimum of {_volume(terms.min_volume, unit)}"
    if terms.max_volume and volume > terms.max_volume:
        return f"{said} are more than the venue's maximum of {_volume(terms.max_volume, unit)}"
    if terms.step_volume and volume % terms.step_volume:
        return f"{said} are no multiple of the venue's {_volume(terms.step_volume, unit)}"
    return ""


def _volume(volume: int, unit: str) -> str:
    return f"{format_scaled(volume, SIZE_DIGITS)} {unit}"


def unlike(state: State, said: ev.SymbolSpecified) -> str:
    """Returns in words which other feed deals the instrument in contracts of another size.

    Empty when none does, or when a person has said both sizes: that states their ratio.
    """
    for record in state.symbols.values():
        other = record.holds
        same = other.instrument == said.instrument and other.feed != said.feed
        confirmed = said.how == other.how == "map"
        sizes = Terms(contract_size=other.contract_size).changes(said.terms)
        if same and not confirmed and sizes:
            name = state.feeds[other.feed].definition.name
            return f"{name} deals it in contracts of another size: {sizes}"
    return ""


def _specified(state: State, event: ev.SymbolSpecified, ts_ns: int) -> None:
    record = state.symbols.get((event.feed, event.instrument))
    if record is None:
        state.symbols[event.feed, event.instrument] = SymbolRecord(event, since_ns=ts_ns)
    else:
        record.take(event)


def _blocked(state: State, event: ev.SymbolBlocked, ts_ns: int) -> None:
    record = state.symbols[event.feed, event.instrument]
    record.blocked = f"{event.verdict}: {event.reason}"
    record.since_ns = ts_ns


def _confirmed(state: State, event: ev.SymbolConfirmed, ts_ns: int) -> None:
    record = state.symbols[event.feed, event.instrument]
    holds = record.offered or record.holds
    state.symbols[event.feed, event.instrument] = SymbolRecord(
        structs.replace(holds, how="map"), since_ns=ts_ns
    )


FOLDS: dict[type[ev.Event], Callable[[State, Any, int], None]] = {
    ev.SymbolSpecified: _specified,
    ev.SymbolBlocked: _blocked,
    ev.SymbolConfirmed: _confirmed,
}
