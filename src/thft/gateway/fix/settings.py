"""What a user says about one FIX venue, and what is wrong with it; read by core's configuration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from thft.base.errors import LocalError
from thft.gateway.dialect import Dialect, NotForLive, Port, require_known
from thft.gateway.dialects import load
from thft.gateway.fix.credential import REFERENCE
from thft.model.fixed import parse_size

Text = Annotated[str, Meta(pattern=r"^[!-~]*$", description="printable ASCII without spaces")]
Reference = Annotated[
    str, Meta(pattern=REFERENCE, description="a reference to a secret: env:NAME or file:PATH")
]
Host = Annotated[str, Meta(pattern=r"^[^\s/]+$", description="a host name or an address")]
Units = Annotated[
    str, Meta(pattern=r"^[0-9]{1,10}(\.[0-9]{1,8})?$", description='a number as text, as "10000"')
]
Rate = Annotated[int, Meta(ge=1, le=10_000)]
EXECUTIONS_PER_S, DATA_PER_S = 100, 500


class FixSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the venue is, who we are there, and limits of our own; ports by the dialect's links."""

    host: Host
    hosts: dict[str, Host] = {}
    """Link of the dialect → host, where that is not `host`."""
    ports: dict[str, Port] = {}
    """Link of the dialect → port; one that is not named has the dialect's."""
    tls: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    """Of `certificate`, if that is another file."""
    sender_comp_id: Text
    target_comp_id: Text = ""
    """Empty: what the dialect says."""
    sender_sub_id: Text = "thft"
    target_sub_id: Text = ""
    username: Text = ""
    password: Reference | None = None
    signing_key: Reference | None = None
    """The private key of a venue whose Logon is signed."""
    account: Text = ""
    contract_sizes: dict[str, Units] = {}
    """Canonical symbol → units of its base asset in a contract, where the venue counts those."""
    heartbeat_s: Annotated[int, Meta(ge=1, le=300)] | None = None
    depth: bool = False
    """Take the depth of the book instead of its best prices."""
    calendar: bool = True
    """Be away when the dialect says that the venue is."""
    stale_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    """A feed without any quote for so long is STALE, whatever else its session says."""
    executions_per_s: Rate = EXECUTIONS_PER_S
    data_per_s: Rate = DATA_PER_S
    order_ttl_ms: Annotated[int, Meta(ge=1, le=60_000)] = 1_000
    """An order that could not leave within so long is denied: its market is gone."""


def dialect_findings(
    name: str, settings: FixSettings, live: bool, trades: bool, symbols: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yields (key, finding) of settings against their dialect.

    `trades`: an account is there; `symbols` are the canonical ones that the venue carries.
    """
    try:
        dialect = load(name)
    except LocalError as error:
        yield "dialect", str(error)
        return
    yield from _names(dialect, settings)
    for name in settings.hosts:
        if name not in {link.name for link in dialect.links}:
            yield f"fix.hosts.{name}", f"the dialect has no link {name!r}"
    for name, port in settings.ports.items():
        if name not in {link.name for link in dialect.links}:
            yield f"fix.ports.{name}", f"the dialect has no link {name!r}"
        elif not port:
            yield f"fix.ports.{name}", "0 is no port to connect to"
    for link in dialect.links:
        if not port_of(dialect, settings, link.name):
            yield f"fix.ports.{link.name}", "missing: the dialect knows no port"
        if not settings.tls and link.tls == "required":
            yield "fix.tls", f"link {link.name} needs TLS"
    if live and not settings.tls:
        yield "fix.tls", "a live session needs TLS"
    if settings.depth and dialect.market_data.depth in ("none", "?"):
        yield "fix.depth", "the dialect has no depth"
    yield from _keys(dialect, settings)
    yield from _contracts(dialect, settings, symbols)
    if live and trades and dialect.recovery == "drop_copy":
        said = "what was missed is told by drop copy and REST, which are not spoken here"
        yield "dialect", f"{said}: live accounts are refused, quotes and test venues work"
    if live and trades:
        try:
            require_known(dialect)
        except NotForLive as error:
            yield "dialect", str(error)


def _names(dialect: Dialect, settings: FixSettings) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with who we say we are."""
    forms = {
        "sender_comp_id": (settings.sender_comp_id, dialect.comp_ids.form),
        "username": (settings.username, dialect.logon.username_form),
    }
    for key, (text, form) in forms.items():
        if text and form and not re.fullmatch(form, text):
            yield f"fix.{key}", f"{text!r} does not look like {form}"
    if not settings.sender_comp_id:
        yield "fix.sender_comp_id", "missing: the venue knows us by it"
    if not (settings.target_comp_id or dialect.comp_ids.target):
        yield "fix.target_comp_id", "missing: the dialect knows none"
    wanted = {text.strip("{}") for text in _texts(dialect) if text[:1] == "{"}
    for key in sorted(wanted):
        if not getattr(settings, key):
            yield f"fix.{key}", "missing: the dialect asks for it"


def _keys(dialect: Dialect, settings: FixSettings) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with the keys: that of a certificate, and that which signs."""
    signature = dialect.logon.signature
    if signature != "none" and settings.signing_key is None:
        said = f"missing: the venue wants its Logon signed by {signature}"
        yield "fix.signing_key", f"{said}; write env:NAME or file:PATH"
    if signature == "none" and settings.signing_key is not None:
        yield "fix.signing_key", "the dialect signs nothing"
    if settings.key and not settings.certificate:
        yield "fix.key", "is that of fix.certificate; what signs a Logon is fix.signing_key"


def _contracts(
    dialect: Dialect, settings: FixSettings, symbols: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yields what is missing, or said in vain, about the sizes of contracts."""
    counts = dialect.quantity.unit == "contracts"
    for symbol in symbols:
        if counts and symbol not in settings.contract_sizes:
            said = "missing: this venue counts contracts; say how many units one is"
            yield f"fix.contract_sizes.{symbol}", said
    for symbol, text in settings.contract_sizes.items():
        if not counts:
            yield f"fix.contract_sizes.{symbol}", f"the dialect counts {dialect.quantity.unit}"
        elif symbol not in symbols:
            yield f"fix.contract_sizes.{symbol}", "the venue carries no such symbol"
        elif not parse_size(text):
            yield f"fix.contract_sizes.{symbol}", "0 is no size"


def _texts(dialect: Dialect) -> Iterator[str]:
    for link in dialect.links:
        yield from link.header.values()
    yield from dialect.logon.fields.values()
    yield from dialect.positions.request_fields.values()


def host_of(settings: FixSettings, link: str) -> str:
    """Returns the host of a link."""
    return settings.hosts.get(link, settings.host)


def port_of(dialect: Dialect, settings: FixSettings, link: str) -> int:
    """Returns the port of a link, 0 when neither user nor dialect says one."""
    terms = next(one for one in dialect.links if one.name == link)
    return settings.ports.get(link) or (terms.tls_port if settings.tls else terms.plain_port)


def filled(fields: dict[str, str], settings: FixSettings, secret: str) -> list[tuple[int, Any]]:
    """Returns a dialect's fields with the user's settings in place of `{name}`."""
    known = {"password": secret}
    found: list[tuple[int, Any]] = []
    for tag, text in fields.items():
        if text[:1] == "{":
            name = text.strip("{}")
            text = known.get(name) or str(getattr(settings, name))
        found.append((int(tag), text))
    return found
