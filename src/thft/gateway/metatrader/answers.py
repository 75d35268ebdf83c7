"""Answers that come in rows: gathered, counted and believed only when whole; by the order desk.

A row that is missing is no proof of anything, so an answer counts when END names as many rows as
came and BEGIN announced no others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import WrongFrame

MOST_ROWS = 100_000


@dataclass
class Answer:
    """Rows of one SNAPSHOT or HISTORY."""

    req: int
    begin: r.Begin | None = None
    orders: list[r.OrderRow] = field(default_factory=list)
    positions: list[r.PositionRow] = field(default_factory=list)
    deals: list[r.DealRow] = field(default_factory=list)
    end: r.End | None = None

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
        if len(self.orders) + len(self.positions) + len(self.deals) >= MOST_ROWS:
            raise WrongFrame(f"an answer of more than {MOST_ROWS} rows")
        if isinstance(record, r.OrderRow):
            self.orders.append(record)
        elif isinstance(record, r.PositionRow):
            self.positions.append(record)
        else:
            self.deals.append(record)

    @property
    def whole(self) -> bool:
        """Everything announced came."""
        if self.begin is None or self.end is None:
            return False
        came = len(self.orders), len(self.positions), len(self.deals)
        announced = self.begin.orders, self.begin.positions, self.begin.deals
        return came == announced == (self.end.orders, self.end.positions, self.end.deals)
