"""What is dealt under one spelling at one venue: sizes, steps, currencies; carried with a mapping.

Two accounts that call an instrument alike may count it otherwise: terms belong to (venue, account,
spelling), are converted and never copied. What nobody has said stays unsaid.
"""

from __future__ import annotations

from msgspec import Struct, structs

from thft.model.fixed import MONEY_DIGITS, PRICE_DIGITS, SIZE_DIGITS, format_scaled

UNSAID_DIGITS = -1

SCALES = {
    "contract_size": SIZE_DIGITS,
    "digits": 0,
    "tick_size": PRICE_DIGITS,
    "tick_value": MONEY_DIGITS,
    "min_volume": SIZE_DIGITS,
    "step_volume": SIZE_DIGITS,
    "max_volume": SIZE_DIGITS,
}
"""Field that is a number → the digits of its scale."""


class Terms(Struct, frozen=True, kw_only=True):
    """Sizes and volumes 1e-8, prices and money 1e-9; 0, -1 digits or an empty text is unsaid."""

    contract_size: int = 0
    """Units of the base asset in one lot or contract."""
    digits: int = UNSAID_DIGITS
    tick_size: int = 0
    tick_value: int = 0
    """Money of the profit currency that a tick of one lot or contract is worth."""
    min_volume: int = 0
    step_volume: int = 0
    max_volume: int = 0
    """Volumes in the venue's own unit."""
    volume_unit: str = ""
    profit_currency: str = ""
    margin_currency: str = ""

    def __bool__(self) -> bool:
        return self != UNSAID

    def merged(self, newer: Terms) -> Terms:
        """Returns these terms with everything that newer ones say."""
        return structs.replace(self, **newer.said())

    def said(self) -> dict[str, int | str]:
        """Returns the fields that say something."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) != getattr(UNSAID, name)
        }

    def changes(self, newer: Terms) -> str:
        """Returns in words what newer terms say otherwise; empty when nothing is contradicted."""
        mine, theirs = self.said(), newer.said()
        return ", ".join(
            f"{name} {shown(name, mine[name])} → {shown(name, value)}"
            for name, value in theirs.items()
            if name in mine and mine[name] != value
        )


UNSAID = Terms()


def shown(name: str, value: int | str) -> str:
    """Returns a field's value as text, as it stands in files."""
    return value if isinstance(value, str) else format_scaled(value, SCALES[name])
