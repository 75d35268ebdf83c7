"""The configuration file as typed records, with all findings at once; read by cli and core."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from thft.base.errors import LocalError

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
MOST_SEGMENTS = 256
"""Segments that are ready are open files."""


class BadConfig(LocalError):
    """The configuration cannot be used; the text lists every finding with its key."""


class InstrumentConfig(Struct, forbid_unknown_fields=True):
    """A canonical instrument; pip, min_size and step_size are decimal texts."""

    symbol: str
    digits: Annotated[int, Meta(ge=0, le=9)]
    pip: str
    currency: str = "USD"
    min_size: str = "0.00000001"
    step_size: str = "0.00000001"


class VenueConfig(Struct, forbid_unknown_fields=True):
    """One feed: a venue's WebSocket and the symbols it carries, canonical to venue symbol."""

    name: str
    dialect: Literal["binance", "kraken"]
    url: str
    symbols: dict[str, str]
    role: Literal["", "fast", "slow"] = ""


class AccountConfig(Struct, forbid_unknown_fields=True):
    """A paper account priced by a feed; latency in ms, commission per million a side."""

    name: str
    feed: str
    currency: str = "USD"
    model: Literal["netting", "hedging"] = "netting"
    latency_ms: tuple[int, int] = (5, 25)
    commission_per_million: str = "0"


class StrategyConfig(Struct, forbid_unknown_fields=True):
    """A strategy instance: a kind of the catalogue with parameters."""

    name: str
    kind: str
    params: dict[str, Any]
    enabled: bool = True


class RiskConfig(Struct, forbid_unknown_fields=True):
    """Limits of the risk gate as decimal texts and counts; 0 = no limit."""

    max_order_size: str = "0"
    max_position: str = "0"
    max_orders_per_s: int = 0
    max_open_orders: int = 0


class JournalConfig(Struct, forbid_unknown_fields=True):
    """Sizes of the journal, and how much may wait for the disk before new risk stops.

    So much is zeroed ahead as well: until it is used up a stalled disk costs no latency.
    """

    segment_mib: Positive = 16
    unsynced_mib: Positive = 64


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
    clock: ClockConfig = msgspec.field(default_factory=ClockConfig)
    journal: JournalConfig = msgspec.field(default_factory=JournalConfig)
    risk: RiskConfig = msgspec.field(default_factory=RiskConfig)
    instruments: list[InstrumentConfig] = []
    venues: list[VenueConfig] = []
    accounts: list[AccountConfig] = []
    strategies: list[StrategyConfig] = []


def load(path: Path) -> Config:
    """Returns the configuration of a TOML file; raises BadConfig naming file, key and remedy."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}", "name an existing file") from error
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path}: {error}", "mend the TOML") from error
    findings = _findings(table)
    if findings:
        raise BadConfig(f"{path}: " + "; ".join(findings), "mend or remove these keys")
    return msgspec.convert(table, Config)


def _findings(table: dict[str, Any]) -> list[str]:
    """Returns every finding, one per top-level key or list entry, then the cross-checks."""
    findings: list[str] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(Config)}
    for key, value in table.items():
        if key not in fields:
            findings.append(f"{key}: unknown key")
            continue
        try:
            msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            findings.append(f"{key}: {error}")
    return findings or _cross_checks(msgspec.convert(table, Config))


def _cross_checks(config: Config) -> list[str]:
    findings: list[str] = []
    if config.journal.unsynced_mib > MOST_SEGMENTS * config.journal.segment_mib:
        findings.append(f"journal.unsynced_mib: more than {MOST_SEGMENTS} segments of segment_mib")
    symbols = {instrument.symbol for instrument in config.instruments}
    feeds = {venue.name for venue in config.venues}
    for venue in config.venues:
        for symbol in venue.symbols:
            if symbol not in symbols:
                findings.append(f"venues.{venue.name}.symbols: {symbol} is no instrument")
    for account in config.accounts:
        if account.feed not in feeds:
            findings.append(f"accounts.{account.name}.feed: {account.feed} is no venue")
    return findings
