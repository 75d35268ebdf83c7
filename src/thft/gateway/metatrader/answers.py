"""Answers that come in rows: gathered, counted and believed only when whole; by the order desk.

A row that is missing is no proof of anything, so an answer counts when END names as many rows as
came and BEGIN announced no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import WrongFrame

MOST_ROWS = 100_000


@dataclass
class Answer:
    """Rows of one SNAPSHOT or HISTORY, read in the order in which they came.

    They are kept as plain tuples, which the garbage collector lets go of: of a hundred thousand
    records each of its passes would stop the engine for long.
    """

    req: int
    begin: r.Begin | None = None
    end: r.End | None = None
    _orders: list[tuple[Any, ...]] = field(default_factory=list)
    _positions: list[tuple[Any, ...]] = field(default_factory=list)
    _deals: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def orders(self) -> Iterator[r.OrderRow]:
        return map(r.OrderRow._make, self._orders)

    @property
    def positions(self) -> Iterator[r.PositionRow]:
        return map(r.PositionRow._make, self._positions)

    @property
    def deals(self) -> Iterator[r.DealRow]:
        return map(r.DealRow._make, self._deals)

    @property
    def count(self) -> int:
        """How many rows came."""
        return len(self._orders) + len(self._positions) + len(self._deals)

    def take(self, record: Any) -> None:
        """Takes a record of this answer; raises WrongFrame when it does not belong there."""
        if self.end is not None or (self.begin is None) != isinstance(record, r.Begin):
            raise WrongFrame(
                f"{shapes.name_of(type(record))} out of its place in answer {self.req}"
            )
        if isinstance(record, r.Begin):
            self.begin = record
        elif isinstance(record, r.End):
            self.end = record
        elif not isinstance(record, r.Progress):
            self._row(record)

    def _row(self, record: Any) -> None:
        if self.count >= MOST_ROWS:
            raise WrongFrame(f"an answer of more than {MOST_ROWS} rows")
        if isinstance(record, r.OrderRow):
            self._orders.append(tuple(record))
        elif isinstance(record, r.PositionRow):
            self._positions.append(tuple(record))
        else:
            self._deals.append(tuple(record))

    @property
    def whole(self) -> bool:
        """Everything announced came."""
        if self.begin is None or self.end is None:
            return False
        came = len(self._orders), len(self._positions), len(self._deals)
        announced = self.begin.orders, self.begin.positions, self.begin.deals
        return came == announced == (self.end.orders, self.end.positions, self.end.deals)

    @property
    def complete(self) -> bool:
        """The terminal says that it has all there is."""
        return self.end is not None and self.end.complete
