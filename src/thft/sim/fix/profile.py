"""What a simulated liquidity provider is: a dialect, quirks it cannot say, symbols, logins.

The dialect is what the venue documents; a quirk is how it behaves. Where a dialect does not know
(`?`) the simulator assumes something, so that clients can be tried before the answer is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from thft.base.errors import LocalError
from thft.fix import tags
from thft.gateway.dialect import Dialect
from thft.gateway.dialects import load
from thft.sim.fix.keys import key_from

Body = list[tuple[int, Any]]
"""The fields of a message as `pack` takes them."""
PASSWORD = "simulated"
"""The password of the logins that the command line serves; they open nothing but a simulator."""


ERROR_CODE = 25016
BINANCE_KEY = "Invalid API-key, IP, or permissions for action."
BINANCE_SIGNATURE = "Signature for this request is not valid."
BINANCE_IN_USE = (
    "SenderCompId(49) is currently in use. "
    "Concurrent use of the same SenderCompId within one account is not allowed."
)


class Listed(NamedTuple):
    """One instrument of the venue."""

    id: str
    """What 55 (or 48) says."""
    name: str
    """What `tick` calls it."""
    digits: int
    min_size: int = 0
    """In whole units."""


@dataclass
class Login:
    """Who may log on; the operator may change `state` at any time."""

    comp_id: str
    username: str
    password: str
    account: str
    hedged: bool = False
    key: Ed25519PublicKey | None = None
    """Of a login that signs."""
    state: Literal["open", "blocked", "read_only"] = "open"
    """blocked: the broker refuses the Logon; read_only: it refuses orders."""


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """Behaviour; the defaults are a venue by the book."""

    silent_on_bad_header: bool = False
    """A message whose header lacks something gets no answer at all."""
    refuses_logon_by: Literal["logout", "silence"] = "logout"
    session_rejects: bool = False
    """Bad Logons and bad messages are answered by Reject(3)."""
    error_codes: dict[str, int] = field(default_factory=dict)
    """Text → ERROR_CODE beside it, where the venue has such codes."""
    twice: str = ""
    """Said to a second session under a 49; empty: silence."""
    wrong_route: str = "Logon refused"
    wrong_login: str = "Logon refused"
    blocked: str = "Account is blocked by your broker"
    read_only: str = "Trading is disabled for this account"
    locked_out: str = "Logon refused"
    threshold: int = 0
    """More messages of a session in a second bring Logout and lock-out; 0: no limit."""
    threshold_text: str = "Number of messages exceeds the threshold"
    business_reject: bool = False
    """Bad orders are answered by j without 45 and 372, not by a report."""
    no_price: str = "No price"
    omits: frozenset[int] = frozenset()
    """Fields that no report has."""
    snapshot_without_client_id: bool = False
    """Reports of a mass status lack 11."""
    leaves_stay: bool = False
    """151 of a cancelled order is its full size."""
    stopped_reports: int = 0
    """So many 39=7 come before an execution."""
    part_ends_rejected: bool = False
    """A part filled order ends with 150=4 39=8."""
    unsorted: bool = False
    """Rows of W, and news and deletes of X, come in any order."""
    depth_levels: int = 3
    list_prefix: str = ""
    """322 is the request's 320 behind this."""
    short_positions: bool = False
    """A PositionReport has both 704 and 705, and no account, day or 703."""
    positions_acked: bool = False
    """RequestForPositionsAck(AO) comes before reports too, not only when there is none."""
    fill_ms: tuple[int, int] = (0, 0)
    """How long an order takes to the market."""
    padded_length: bool = False
    """BodyLength has leading zeros."""
    empty_orders: str = "j"
    empty_positions: str = "AO"
    """What is assumed where the dialect does not know."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One simulated venue."""

    dialect: Dialect
    comp_id: str
    listed: tuple[Listed, ...]
    logins: tuple[Login, ...]
    plays: dict[str, str]
    """Symbols of the market model that it can play → its own names."""
    quirks: Quirks = field(default_factory=Quirks)
    sub_id: str = ""
    """57 that it wants, where the dialect leaves it to the user."""

    @property
    def empty_orders(self) -> str:
        """How no orders are said."""
        known = self.dialect.empty.orders
        return self.quirks.empty_orders if known == "?" else known

    @property
    def empty_positions(self) -> str:
        """How no positions are said."""
        known = self.dialect.empty.positions
        return self.quirks.empty_positions if known == "?" else known

    def symbol_fields(self, name: str) -> Body:
        """Returns the fields that name an instrument."""
        symbols = self.dialect.symbols
        if symbols.tag == tags.SYMBOL:
            return [(tags.SYMBOL, self._ids[name])]
        return [(tags.SECURITY_ID, self._ids[name]), (22, symbols.id_source)]

    @cached_property
    def _ids(self) -> dict[str, str]:
        return {one.name: one.id for one in self.listed}

    @cached_property
    def by_id(self) -> dict[str, Listed]:
        """The instruments by what 55 (or 48) says."""
        return {one.id: one for one in self.listed}

    def with_quirks(self, **changes: object) -> Profile:
        """Returns a venue that behaves otherwise."""
        return replace(self, quirks=replace(self.quirks, **changes))  # type: ignore[arg-type]

    def with_record(self, dialect: Dialect) -> Profile:
        """Returns a venue that follows a record of the user's own."""
        return replace(self, dialect=dialect)

    def with_dialect(self, **parts: dict[str, object]) -> Profile:
        """Returns a venue whose dialect differs: part → keys and values."""
        changed = {
            name: msgspec.structs.replace(getattr(self.dialect, name), **keys)
            for name, keys in parts.items()
        }
        return replace(self, dialect=msgspec.structs.replace(self.dialect, **changed))


_MODEL = ("EURUSD", "GBPUSD", "BTCUSD")
_MAJORS = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY")
_PAIRS = [a + b for at, a in enumerate(_MAJORS) for b in _MAJORS[at + 1 :]]
_PAIRS.sort(key=lambda pair: pair != "EURUSD")


def _digits(pair: str) -> int:
    return 3 if pair.endswith("JPY") else 5


def _ctrader_list() -> tuple[Listed, ...]:
    """A broker's list as long as real ones; some names mean something to the broker alone."""
    named = [(pair, _digits(pair)) for pair in _PAIRS]
    named += [("BTCUSD", 1), ("ETHUSD", 2)]
    named += [(f"CS{6_000 + at}_{at % 5}", at % 4) for at in range(370)]
    named.insert(40, ("XAUUSD", 2))
    return tuple(Listed(str(at), name, digits) for at, (name, digits) in enumerate(named, 1))


def _ctrader() -> Profile:
    return Profile(
        dialect=load("ctrader"),
        comp_id="CSERVER",
        listed=_ctrader_list(),
        plays={name: name for name in _MODEL},
        logins=(
            Login("demo.thft.1000001", "1000001", PASSWORD, "1000001", hedged=True),
            Login("demo.thft.1000002", "1000002", PASSWORD, "1000002"),
        ),
        quirks=Quirks(
            silent_on_bad_header=True,
            wrong_route="Can't route request",
            wrong_login="InternalError: RET_INVALID_DATA",
            read_only="CHANNEL_IS_BLOCKED:Trading by FIX is disabled for this account",
            business_reject=True,
            no_price="MARKET_CLOSED:Trading is not available: Market is closed.",
            omits=frozenset((17, 31, 41, 103)),
            snapshot_without_client_id=True,
            leaves_stay=True,
            unsorted=True,
            list_prefix="responce:",
            short_positions=True,
        ),
    )


def _generic() -> Profile:
    names = [*((pair, _digits(pair)) for pair in _PAIRS), ("XAUUSD", 2), ("BTCUSD", 1)]
    return Profile(
        dialect=load("generic"),
        comp_id="LP",
        listed=tuple(Listed(name, name, digits) for name, digits in names),
        logins=(Login("THFT", "thft", PASSWORD, "A1"),),
        quirks=Quirks(positions_acked=True),
        plays={name: name for name in _MODEL},
    )


def _lmax() -> Profile:
    names = [*((f"{pair[:3]}/{pair[3:]}", _digits(pair)) for pair in _PAIRS), ("BTC/USD", 1)]
    return Profile(
        dialect=load("lmax"),
        comp_id="LMXBL",
        listed=tuple(
            Listed(str(4_001 + at), name, digits) for at, (name, digits) in enumerate(names)
        ),
        logins=(Login("thft_lmax", "thft_lmax", PASSWORD, "1000001"),),
        plays={name: f"{name[:3]}/{name[3:]}" for name in _MODEL},
        quirks=Quirks(threshold=50, refuses_logon_by="silence"),
    )


def _fxcm() -> Profile:
    names = [*((f"{pair[:3]}/{pair[3:]}", _digits(pair)) for pair in _PAIRS), ("SPX500", 2)]
    return Profile(
        dialect=load("fxcm"),
        comp_id="FXCM",
        sub_id="U100D1",
        listed=tuple(Listed(name, name, digits, 1_000) for name, digits in names),
        plays={name: f"{name[:3]}/{name[3:]}" for name in ("EURUSD", "GBPUSD")},
        logins=(
            Login("D1000001_client1", "D1000001", PASSWORD, "01000001", hedged=True),
            Login("D1000002_client1", "D1000002", PASSWORD, "01000002"),
        ),
        quirks=Quirks(
            silent_on_bad_header=True,
            stopped_reports=1,
            part_ends_rejected=True,
        ),
    )


def _binance() -> Profile:
    names = [("BTCUSDT", 2), ("ETHUSDT", 2), ("EURUSDT", 4), ("GBPUSDT", 4)]
    return Profile(
        dialect=load("binance"),
        comp_id="SPOT",
        listed=tuple(Listed(name, name, digits) for name, digits in names),
        logins=(Login("THFT1", "simulated-key", "", "spot", key=key_from(PASSWORD).public_key()),),
        plays={"BTCUSD": "BTCUSDT", "EURUSD": "EURUSDT", "GBPUSD": "GBPUSDT"},
        quirks=Quirks(
            padded_length=True,
            threshold=10_000,
            session_rejects=True,
            wrong_route=BINANCE_KEY,
            wrong_login=BINANCE_SIGNATURE,
            locked_out=BINANCE_IN_USE,
            twice=BINANCE_IN_USE,
            no_price="Market is closed.",
            error_codes={BINANCE_KEY: -2015, BINANCE_SIGNATURE: -1022, BINANCE_IN_USE: -1033},
            omits=frozenset((tags.AVG_PX,)),
        ),
    )


_PROFILES: dict[str, Callable[[], Profile]] = {
    "binance-fix": _binance,
    "ctrader": _ctrader,
    "fix-lp": _generic,
    "fxcm": _fxcm,
    "lmax": _lmax,
}


def profile(name: str) -> Profile:
    """Returns a shipped venue by name; raises LocalError."""
    if name not in _PROFILES:
        raise LocalError(f"no simulated venue {name!r}", f"use one of {', '.join(_PROFILES)}")
    return _PROFILES[name]()
