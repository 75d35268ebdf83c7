"""Which id means which instrument at a venue, and what its sizes count; asked by both desks.

Ids come from the venue's own list, or are its names as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from thft.fix import tags
from thft.fix.wire import BadValue, Message, pack
from thft.gateway.dialect import Dialect
from thft.model.fixed import SIZE_DIGITS, format_scaled, parse_size
from thft.model.symbology.volume import COUNTED, Uncountable, contract_units, counted, units

SYMBOL_LIST, GOOD = "0", 0
RESULTS = {
    1: "invalid request",
    2: "no instruments found",
    3: "not authorised",
    4: "temporarily unavailable",
    5: "not supported",
}


class SymbolMap:
    """Instrument ↔ id in 55 or 48. `changed` hears when ids are known, again at every list."""

    def __init__(
        self, dialect: Dialect, names: dict[str, int], contracts: Mapping[int, int]
    ) -> None:
        """`names` maps the venue's name of a symbol to the instrument.

        `contracts` says for instruments how many units, 1e-8, a contract is.
        """
        self._terms = dialect.symbols
        self._unit = dialect.quantity.unit
        self._contracts = contracts
        self._step = parse_size(dialect.quantity.step)
        self._dialect = dialect
        self.names = names
        self.ids: dict[int, str] = {}
        """Instrument → id."""
        self.instruments: dict[bytes, int] = {}
        """Id as it stands in a message → instrument."""
        self.missing: dict[str, str] = {}
        """Name → why it cannot be used."""
        self.listeners: list[Callable[[], None]] = []
        self._bound: dict[int, str] = {}
        """What each instrument's id was at first: another one later is not believed."""
        self._request = ""
        self._requests = 0
        if self._terms.discovery == "static":
            self.ids = {instrument: name for name, instrument in names.items()}
            self.instruments = {name.encode(): one for name, one in names.items()}

    @property
    def known(self) -> bool:
        """The list has come, or there is none to wait for."""
        return bool(self.ids or self.missing)

    @property
    def wanted(self) -> bool:
        """The list must be asked for."""
        return self._terms.discovery != "static"

    def fields(self, instrument: int) -> list[tuple[int, str]]:
        """Returns the fields that name an instrument."""
        symbol = self.ids[instrument]
        if self._terms.tag == tags.SYMBOL:
            return [(tags.SYMBOL, symbol)]
        return [(tags.SECURITY_ID, symbol), (22, self._terms.id_source)]

    def contract(self, instrument: int) -> int:
        """Returns how many units, 1e-8, one of what the venue counts is; 0 if nobody says."""
        return contract_units(self._unit, self._contracts.get(instrument, 0))

    def counted(self, instrument: int, size: int) -> int:
        """Returns units as the venue counts them, 1e-8; 0 for no whole number of its steps."""
        return counted(size, self.contract(instrument), self._step)

    def units(self, instrument: int, count: int) -> int:
        """Returns what the venue counts, 1e-8, in units; ABSENT stays. Raises BadValue."""
        try:
            return units(count, self.contract(instrument))
        except Uncountable as error:
            said = format_scaled(count, SIZE_DIGITS).encode()
            raise BadValue(tags.ORDER_QTY, said, "cannot be counted in units") from error

    def step(self, instrument: int) -> str:
        """Returns what orders count, in words."""
        step = format_scaled(self._step, SIZE_DIGITS)
        if self._unit not in COUNTED:
            return f"steps of {step}"
        contract = format_scaled(self.contract(instrument), SIZE_DIGITS)
        return f"steps of {step} contracts of {contract}"

    def request(self) -> tuple[str, bytes]:
        """Returns type and body of the message that asks for the list."""
        self._requests += 1
        self._request = f"sl{self._requests}"
        if self._terms.discovery == "g":
            return "g", pack([(335, self._request), (263, "0")])
        kind = (tags.SECURITY_LIST_REQUEST_TYPE, SYMBOL_LIST)
        return "x", pack([(tags.SECURITY_REQ_ID, self._request), kind])

    def take(self, message: Message) -> str:
        """Takes a list (y or h); returns why it is none, empty when it is good."""
        if message.text(335 if message.type == "h" else tags.SECURITY_REQ_ID) != self._request:
            return ""
        if message.type == "y" and (result := message.integer(560)) != GOOD:
            return f"no symbol list: {RESULTS.get(result, result)}"
        shape = self._dialect.dictionary.group(message.type, tags.NO_RELATED_SYM)
        listed: dict[str, str] = {}
        for entry in message.groups(shape):
            symbol = entry.text(self._terms.tag) or ""
            name = entry.text(self._terms.name_tag) if self._terms.name_tag else symbol
            listed[name or symbol] = symbol
        self._bind(listed)
        for changed in self.listeners:
            changed()
        return ""

    def _bind(self, listed: dict[str, str]) -> None:
        """Binds the wanted names; an id that means something else than before is not used."""
        self.ids, self.instruments, self.missing = {}, {}, {}
        for name, instrument in self.names.items():
            symbol = listed.get(name)
            if symbol is None:
                self.missing[name] = f"{name} is not in the venue's list"
            elif self._bound.setdefault(instrument, symbol) != symbol:
                said = f"{name} was {self._bound[instrument]} and is {symbol} now"
                self.missing[name] = f"{said}: start the core again once you know why"
            else:
                self.ids[instrument] = symbol
                self.instruments[symbol.encode()] = instrument
