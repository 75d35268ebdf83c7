"""Which id means which instrument at a venue, and what its sizes count; asked by both desks.

Ids come from the venue's own list, or are its names as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from thft.fix import tags
from thft.fix.wire import BadValue, Fields, Message, pack
from thft.gateway.dialect import Dialect
from thft.model.event import SymbolSpecified
from thft.model.fixed import SIZE_DIGITS, format_scaled, parse_size
from thft.model.symbology.resolver import CANDIDATES_SHOWN, Resolution, Resolver, Verdict
from thft.model.symbology.terms import UNSAID_DIGITS, Terms
from thft.model.symbology.volume import COUNTED, Uncountable, contract_units, counted, units

SYMBOL_LIST, GOOD = "0", 0
DIGITS = tuple("0123456789")
"""What a list may say of an instrument's decimals; other words are passed over."""
RESULTS = {
    1: "invalid request",
    2: "no instruments found",
    3: "not authorised",
    4: "temporarily unavailable",
    5: "not supported",
}


class Listed(NamedTuple):
    """One entry of a venue's list."""

    name: str
    symbol: str
    """What stands in 55 or 48."""
    digits: int


class Spelling(NamedTuple):
    """How freely the list may write what is wanted, and who hears what it says."""

    feed: int = 0
    resolve: bool = False
    """A name that is not in the list stands for its instrument, however that is written there."""
    bound: Mapping[int, str] = {}
    """Instrument → id, as engines before this one knew it."""
    tell: Callable[[SymbolSpecified], None] = lambda said: None


class SymbolMap:
    """Instrument ↔ id in 55 or 48. `changed` hears when ids are known, again at every list."""

    def __init__(
        self,
        dialect: Dialect,
        names: dict[str, int],
        contracts: Mapping[int, int],
        spelling: Spelling | None = None,
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
        self._spelling = spelling or Spelling()
        self._told: dict[int, SymbolSpecified] = {}
        self._bound = dict(self._spelling.bound)
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
        listed = [self._listed(entry) for entry in message.groups(shape)]
        self._bind({one.name: one for one in listed})
        for changed in self.listeners:
            changed()
        return ""

    def _listed(self, entry: Fields) -> Listed:
        symbol = entry.text(self._terms.tag) or ""
        name = entry.text(self._terms.name_tag) if self._terms.name_tag else symbol
        digits = entry.text(self._terms.digits_tag) if self._terms.digits_tag else None
        said = int(digits) if digits in DIGITS else UNSAID_DIGITS
        return Listed(name or symbol, symbol, said)

    def _bind(self, listed: dict[str, Listed]) -> None:
        """Binds the wanted names; an id that means something else than before is not used."""
        self.ids, self.instruments, self.missing = {}, {}, {}
        resolver = Resolver(listed=listed) if self._spelling.resolve else None
        for name, instrument in self.names.items():
            found = _resolved(name, listed, resolver)
            if isinstance(found, str):
                self.missing[name] = found
                continue
            one, how = listed[found.raw], found
            self._tell(instrument, one, how)
            symbol = one.symbol
            if self._bound.setdefault(instrument, symbol) != symbol:
                said = f"{name} was {self._bound[instrument]} and is {symbol} now"
                self.missing[name] = f"{said}: confirm it, then start the core again"
            else:
                self.ids[instrument] = symbol
                self.instruments[symbol.encode()] = instrument

    def _tell(self, instrument: int, one: Listed, found: Resolution) -> None:
        """Tells the engine what the list says, as often as it says something else."""
        number = one.symbol if one.symbol != one.name else ""
        said = SymbolSpecified(
            self._spelling.feed, instrument, one.name, number, found.how, found.why
        ).with_terms(Terms(digits=one.digits))
        if self._told.get(instrument) != said:
            self._told[instrument] = said
            self._spelling.tell(said)


def _resolved(
    name: str, listed: Mapping[str, Listed], resolver: Resolver | None
) -> Resolution | str:
    """Returns which name of the list is meant, or why none is."""
    if name in listed:
        return Resolution(name, Verdict.FOUND, how="map", why="the configuration names it so")
    if resolver is None:
        return f"{name} is not in the venue's list"
    wanted = Resolver().resolve(name).symbol
    found = [one for one in map(resolver.resolve, listed) if wanted and one.symbol == wanted]
    if len(found) == 1:
        return found[0]
    if not found:
        return f"UNKNOWN: nothing in the venue's list is surely {name}: write what it is called"
    candidates = ",".join(sorted(one.raw for one in found)[:CANDIDATES_SHOWN])
    return f"AMBIGUOUS {candidates}: each may be {name}: write which one it is"
