"""What is dealt under a symbol, as it stands in a configuration; read by `config` and the seed."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from thft.model.fixed import parse_scaled
from thft.model.symbology.terms import SCALES, UNSAID, Terms, shown

Number = Annotated[
    str,
    Meta(pattern=r"^\d{1,10}(\.\d{1,8})?$", description='a decimal number as text, such as "0.01"'),
]
Fine = Annotated[
    str,
    Meta(pattern=r"^\d{1,9}(\.\d{1,9})?$", description='a decimal number as text, such as "0.01"'),
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z0-9]{2,8}$", description="a currency, such as USD")]


class TermsConfig(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """See `model.symbology.terms.Terms`; numbers are decimal texts, what is left out is unsaid."""

    contract_size: Number | None = None
    digits: Annotated[int, Meta(ge=0, le=9)] | None = None
    tick_size: Fine | None = None
    tick_value: Fine | None = None
    min_volume: Number | None = None
    step_volume: Number | None = None
    max_volume: Number | None = None
    volume_unit: Literal["units", "base", "lots", "contracts"] | None = None
    profit_currency: Currency | None = None
    margin_currency: Currency | None = None

    def terms(self) -> Terms:
        """Returns them in the model's units."""
        said = {name: value for name, value in structs.asdict(self).items() if value is not None}
        numbers = {
            name: parse_scaled(value, SCALES[name], name) if isinstance(value, str) else value
            for name, value in said.items()
            if name in SCALES
        }
        return structs.replace(UNSAID, **{**said, **numbers})


def as_table(terms: Terms) -> dict[str, int | str]:
    """Returns terms as a table of a configuration."""
    said = terms.said()
    return {name: value if name == "digits" else shown(name, value) for name, value in said.items()}
