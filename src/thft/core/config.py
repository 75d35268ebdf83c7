"""The configuration file as typed records, with all findings at once; read by cli and core."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from thft.base.errors import LocalError
from thft.core.findings import findings
from thft.core.symbology.spelled import read_map, spell
from thft.core.symbology.terms import TermsConfig
from thft.gateway.dialect import Closed
from thft.gateway.fix.settings import FixSettings
from thft.gateway.metatrader.settings import BridgeSettings, MetaTraderSettings
from thft.gateway.ws.generic.mapping import FeedMapping
from thft.model.symbology.spelling_map import SpellingMap

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
MOST_SEGMENTS = 256
"""Segments that are ready are open files."""
Natural = Annotated[int, Meta(ge=0)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[^\s/]{1,64}$",
        description="a name of 1 to 64 characters without spaces and slashes",
    ),
]
Symbol = Annotated[
    str, Meta(pattern=r"^\S{1,32}$", description="a symbol of 1 to 32 characters without spaces")
]
Price = Annotated[
    str,
    Meta(
        pattern=r"^\d{1,9}(\.\d{1,9})?$", description='a decimal number as text, such as "0.0001"'
    ),
]
Size = Annotated[
    str,
    Meta(pattern=r"^\d{1,10}(\.\d{1,8})?$", description='a decimal number as text, such as "1000"'),
]
Url = Annotated[
    str, Meta(pattern=r"^wss?://[^/\s]+", description="a ws:// or wss:// address with a host")
]
RestUrl = Annotated[
    str,
    Meta(pattern=r"^https?://[^/\s]+", description="an http:// or https:// address with a host"),
]


class BadConfig(LocalError):
    """The configuration cannot be used; the text lists every finding with its key."""


class InstrumentConfig(Struct, forbid_unknown_fields=True):
    """A canonical instrument; pip, min_size and step_size are decimal texts."""

    symbol: Symbol
    digits: Annotated[int, Meta(ge=0, le=9)]
    pip: Price
    currency: str = "USD"
    min_size: Size = "0.00000001"
    step_size: Size = "0.00000001"


class VenueConfig(Struct, forbid_unknown_fields=True):
    """One feed and the symbols it carries, canonical to venue symbol.

    With `fix` the dialect is a FIX record, shipped or a path; with `metatrader` it is mt4 or mt5;
    else the venue is a WebSocket, at its public address unless `url` says another.
    """

    name: Name
    dialect: Annotated[str, Meta(min_length=1)]
    symbols: dict[str, str]
    """A list of canonical symbols will do where the venue's way to write them is known."""
    resolve: bool = False
    """A venue that lists its names may put an affix around a symbol: it is looked for."""
    terms: dict[str, TermsConfig] = {}
    """Symbol → what is dealt under it."""
    url: Url | None = None
    rest_url: RestUrl | None = None
    book: Literal["", "quotes", "depth"] = ""
    """Where a WebSocket's top of book comes from; empty: what is best at that venue."""
    stale_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    """A WebSocket that lives and brings no price for so long is STALE; 0: never."""
    closed: tuple[Closed, ...] = ()
    """When the venue is away, beside what its dialect says."""
    trades: bool = False
    """Prints are wanted too."""
    fix: FixSettings | None = None
    websocket: FeedMapping | None = None
    """What the feed of a `generic` dialect says."""
    metatrader: MetaTraderSettings | None = None
    role: Literal["", "fast", "slow"] = ""


class AccountConfig(Struct, forbid_unknown_fields=True):
    """An account priced by a feed; latency in ms, commission per million a side.

    `venue` is the account that the feed's FIX session logs on to, or the one of its MetaTrader
    terminal; `paper` is one of our own.
    """

    name: Name
    feed: str
    kind: Literal["paper", "venue"] = "paper"
    currency: str = "USD"
    model: Literal["netting", "hedging"] = "netting"
    latency_ms: tuple[Natural, Natural] = (5, 25)
    ack_timeout_ms: Positive = 5_000
    """An order of a venue without an answer for so long is UNKNOWN and is asked for."""
    commission_per_million: Price = "0"


class StrategyConfig(Struct, forbid_unknown_fields=True):
    """A strategy instance: a kind of the catalogue with parameters."""

    name: Name
    kind: str
    params: dict[str, Any]
    enabled: bool = True


class RiskConfig(Struct, forbid_unknown_fields=True):
    """Limits of the risk gate as decimal texts and counts; 0 = no limit."""

    max_order_size: Size = "0"
    max_position: Size = "0"
    max_orders_per_s: Natural = 0
    max_open_orders: Natural = 0


class JournalConfig(Struct, forbid_unknown_fields=True):
    """Sizes of the journal, how much may wait for the disk and how much of it must be free.

    What may wait for the disk is zeroed ahead: until it is used up a stalled disk costs no latency.
    """

    segment_mib: Positive = 16
    unsynced_mib: Positive = 64
    min_free_mib: Natural = 256

    def __post_init__(self) -> None:
        if self.unsynced_mib > MOST_SEGMENTS * self.segment_mib:
            raise ValueError(f"unsynced_mib is more than {MOST_SEGMENTS} times segment_mib")


class RetentionConfig(Struct, forbid_unknown_fields=True):
    """For how many days market data and metrics are kept, 0 = for ever; all else always is."""

    tick_days: Natural = 0


class ClockConfig(Struct, forbid_unknown_fields=True):
    """wall: real time. market: time of quote files, at `speed` or in lock-step (speed 0)."""

    source: Literal["wall", "market"] = "wall"
    start_ns: int = 0
    speed: float = 0.0


class Config(Struct, forbid_unknown_fields=True):
    """One engine."""

    mode: Literal["live", "paper", "demo"] = "paper"
    seed: int = 0
    data_dir: str = ""
    http_port: Port = 8080
    strategy_dir: str = ""
    symbol_map: str = ""
    """A CSV of confirmed spellings beside the file; see docs/symbols.md."""
    clock: ClockConfig = msgspec.field(default_factory=ClockConfig)
    journal: JournalConfig = msgspec.field(default_factory=JournalConfig)
    retention: RetentionConfig = msgspec.field(default_factory=RetentionConfig)
    risk: RiskConfig = msgspec.field(default_factory=RiskConfig)
    metatrader: BridgeSettings = msgspec.field(default_factory=BridgeSettings)
    instruments: list[InstrumentConfig] = []
    venues: list[VenueConfig] = []
    accounts: list[AccountConfig] = []
    strategies: list[StrategyConfig] = []


def load(path: Path, instead: SpellingMap | None = None) -> Config:
    """Returns the configuration of a TOML file; raises BadConfig naming file, key and remedy.

    `instead` stands for its map of spellings, to be tried before it is one.
    """
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}", "name an existing file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: this is no TOML: {error}", "mend the TOML") from error
    found: list[str] = []
    if instead is None:
        instead, found = read_map(path.parent, table.get("symbol_map"))
    found += spell(table, instead)
    found += findings(table, Config)
    if found:
        raise BadConfig(f"{path}: " + "; ".join(found), "mend or remove these keys")
    return msgspec.convert(table, Config)
