"""What a venue's volumes count, as units of the base asset and back: the one conversion there is.

Inside the engine a size counts units, 1e-8. A venue may count them too, or lots or contracts of so
many units each. Whole numbers only: what does not come out even is refused, never rounded.
"""

from __future__ import annotations

from typing import Literal, get_args

from thft.base.errors import RemoteError
from thft.model.fixed import ABSENT, INT64_MAX, SIZE_DIGITS, SIZE_ONE, format_scaled

VolumeUnit = Literal["units", "base", "lots", "contracts"]
UNITS: tuple[str, ...] = get_args(VolumeUnit)
COUNTED = ("lots", "contracts")
"""Units that say nothing without a contract size."""


class Uncountable(RemoteError):
    """A volume that is no number of units that the engine can hold."""


def contract_units(unit: str, contract_size: int) -> int:
    """Returns how many units, 1e-8, one of what a venue counts is; 0 when nobody says."""
    return contract_size if unit in COUNTED else SIZE_ONE


def counted(size: int, contract: int, step: int) -> int:
    """Returns units as the venue counts them, all 1e-8; 0 for no whole number of its steps."""
    if not contract:
        return 0
    count, rest = divmod(size * SIZE_ONE, contract)
    fits = not rest and abs(count) <= INT64_MAX and not (step and count % step)
    return count if fits else 0


def units(count: int, contract: int) -> int:
    """Returns what a venue counts in units, all 1e-8; ABSENT stays. Raises Uncountable."""
    if count == ABSENT:
        return ABSENT
    size: int
    size, rest = divmod(count * contract, SIZE_ONE)
    if rest or abs(size) > INT64_MAX:
        said, one = (format_scaled(number, SIZE_DIGITS) for number in (count, contract))
        raise Uncountable(f"{said} of {one} cannot be counted in units", "check the contract size")
    return size
