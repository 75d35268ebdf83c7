"""A canonical instrument and its units; read by state, kernel, strategies and the api."""

from __future__ import annotations

from msgspec import Struct

from thft.model.event import InstrumentDefined
from thft.model.fixed import PRICE_ONE


class Instrument(Struct, frozen=True):
    """Symbol, digits, pip and tick (prices 1e-9), smallest and step size (1e-8), currency."""

    instrument: int
    symbol: str
    digits: int
    pip: int
    tick: int
    min_size: int
    step_size: int
    currency: str

    @classmethod
    def from_event(cls, event: InstrumentDefined) -> Instrument:
        """Returns the instrument an InstrumentDefined describes."""
        return cls(
            event.instrument,
            event.symbol,
            event.digits,
            event.pip,
            event.tick,
            event.min_size,
            event.step_size,
            event.currency,
        )

    @property
    def point(self) -> int:
        """The smallest price increment by digits, 1e-9."""
        point: int = PRICE_ONE // 10**self.digits
        return point
