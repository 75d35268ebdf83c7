"""What a user says about the bridge and about one MetaTrader account; read by core."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from thft.gateway.fix.credential import REFERENCE

DIALECTS = {"mt4": "4", "mt5": "5"}
Port = Annotated[int, Meta(ge=0, le=65_535)]
Seconds = Annotated[float, Meta(gt=0, le=40)]
Reference = Annotated[
    str, Meta(pattern=REFERENCE, description="a reference to a secret: env:NAME or file:PATH")
]
Login = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{0,18}$", description='an account number as text, as "51001234"')
]
KeyId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="1 to 32 letters, digits, - _ .")
]
Rate = Annotated[int, Meta(ge=1, le=10_000)]


class BridgeSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where Expert Advisors dial in: one port for all accounts, one more for plain loopback."""

    host: str = "127.0.0.1"
    port: Port = 7_788
    certificate: str = ""
    """PEM file; with it the port speaks TLS, which only MetaTrader 5 can."""
    key: str = ""
    plain_port: Port | None = None
    """A second port on 127.0.0.1 without TLS, for MetaTrader 4 beside the engine or a tunnel."""
    heartbeat_s: Annotated[float, Meta(ge=0.05, le=5)] = 2.0
    silence_s: Seconds = 15.0
    """Who says nothing for so long is dropped."""


class MetaTraderSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """One account, whose terminal runs one EA."""

    login: Login
    server: Annotated[str, Meta(min_length=1, max_length=64)]
    """As the terminal shows it; accounts of one server share limits and clock."""
    key_id: KeyId
    key: Reference
    """64 hex digits; the same in the EA's inputs."""
    deviation_points: Annotated[int, Meta(ge=0, le=10_000)] = 10
    """How far a market order's price may move."""
    stale_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    history_days: Annotated[int, Meta(ge=0, le=365)] = 7
    """After a cut or a restart ticks of MetaTrader 5 are asked for so far back, no further."""
    executions_per_s: Rate = 100
    data_per_s: Rate = 500
    order_ttl_ms: Annotated[int, Meta(ge=1, le=60_000)] = 1_000


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bridge_findings(settings: BridgeSettings, platforms: set[str]) -> Iterator[tuple[str, str]]:
    """Yields (key, finding) of the bridge; `platforms` are the dialects that use it."""
    tls = bool(settings.certificate)
    if not tls and not is_loopback(settings.host):
        said = "others reach this address, so it needs TLS: give certificate and key"
        yield "host", f"{said}, or listen on 127.0.0.1 behind a tunnel"
    if settings.key and not tls:
        yield "key", "is that of a certificate, and there is none"
    if tls and "mt4" in platforms and settings.plain_port is None:
        said = "missing: MetaTrader 4 has no TLS"
        yield "plain_port", f"{said}; it needs a port on loopback, reached by a tunnel if need be"
    if settings.silence_s < 2 * settings.heartbeat_s:
        yield "silence_s", "is less than two heartbeats"


def venue_findings(
    venue: dict[str, Any], traded: list[dict[str, Any]], market_clock: bool
) -> Iterator[tuple[str, str]]:
    """Yields (key, finding) of a venue's table; `traded` are the accounts it is traded by."""
    dialect = venue.get("dialect")
    if dialect not in DIALECTS:
        yield "dialect", f"{dialect!r} is no terminal, 'mt4' and 'mt5' are"
    if "metatrader" not in venue:
        yield "metatrader", "missing: login, server, key_id and key of the account"
    if venue.get("url") is not None:
        yield "url", "a terminal dials in, see the table metatrader"
    if dialect == "mt4" and venue.get("trades") is True:
        yield "trades", "MetaTrader 4 shows no trades of others, leave it out"
    if market_clock:
        yield "metatrader", "a terminal lives in real time, clock.source must be 'wall'"
    for account in traded:
        if dialect == "mt4" and account.get("model", "netting") == "netting":
            said = "MetaTrader 4 keeps positions apart: write model = 'hedging'"
            yield "metatrader", f"account {account.get('name')!r}: {said}"
