"""What in a dialect contradicts itself or means nothing; called when a record is loaded."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Sequence

from thft.base.errors import LocalError
from thft.base.schema import Finding
from thft.fix.tags import HEADER_TAGS
from thft.gateway.dialect import SETTINGS, Closed, Dialect

ALWAYS_SET = frozenset((8, 9, 34, 35, 49, 52, 56))
"""Header fields that a session sets itself."""
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def contradictions(dialect: Dialect) -> list[Finding]:
    """Returns what is wrong with a record whose keys and values are each good."""
    checks = (_links, _texts, _patterns, _logon, _market_data, _trading, _closed, _tags)
    return [finding for check in checks for finding in check(dialect)]


def _links(dialect: Dialect) -> Iterator[Finding]:
    names = [link.name for link in dialect.links]
    for name in {name for name in names if names.count(name) > 1}:
        yield Finding("links", f"two are named {name}", "give each a name of its own")
    roles = {role for link in dialect.links for role in link.roles}
    if not roles & {"quotes", "orders"}:
        yield Finding("links", "none carries quotes or orders", "add a role")
    for at, link in enumerate(dialect.links):
        if link.tls == "required" and link.plain_port:
            yield Finding(f"links[{at}].plain_port", "TLS is required", "remove the port")
        if link.tls == "none" and link.tls_port:
            yield Finding(f"links[{at}].tls_port", "there is no TLS", "remove the port")
    if dialect.symbols.discovery != "static" and dialect.symbols.link not in names:
        cause = f"{dialect.symbols.link!r} is no link"
        yield Finding("symbols.link", cause, f"use one of {', '.join(names)}")
    limits = [(f"rates[{at}]", rate.links) for at, rate in enumerate(dialect.rates)]
    limits += [(f"connect[{at}]", budget.links) for at, budget in enumerate(dialect.connect)]
    for key, links in limits:
        for name in sorted({*links} - {*names}):
            yield Finding(f"{key}.links", f"{name!r} is no link", f"use {', '.join(names)}")


def _texts(dialect: Dialect) -> Iterator[Finding]:
    """Looks at fields that go out with a constant text or a setting of the user."""
    header = [(f"links[{at}].header", link.header) for at, link in enumerate(dialect.links)]
    others = [
        ("logon.fields", dialect.logon.fields),
        ("positions.request_fields", dialect.positions.request_fields),
        ("orders.fields", dialect.orders.fields),
    ]
    for key, fields in (*header, *others):
        for tag, text in fields.items():
            number, where = int(tag), f"{key}.{tag}"
            if number in ALWAYS_SET:
                yield Finding(where, "every message has it anyway", "remove it")
            elif ((number in HEADER_TAGS) is not key.endswith("header")) and number < 5_000:
                place = "the body" if key.endswith("header") else "the header"
                yield Finding(where, f"the field belongs into {place}", "move it")
            if not text:
                yield Finding(where, "empty", "write a text or remove the field")
            for name in PLACEHOLDER.findall(text):
                if name not in SETTINGS or text != f"{{{name}}}":
                    cause = f"{text!r} is no setting"
                    yield Finding(where, cause, f"use one of {{{'}, {'.join(SETTINGS)}}} alone")


def _patterns(dialect: Dialect) -> Iterator[Finding]:
    patterns = {
        "comp_ids.form": dialect.comp_ids.form,
        "logon.username_form": dialect.logon.username_form,
        "symbols.form": dialect.symbols.form,
        "orders.client_id_form": dialect.orders.client_id_form,
    }
    for key, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            yield Finding(key, f"{pattern!r}: {error}", "write a regular expression")


def _logon(dialect: Dialect) -> Iterator[Finding]:
    logon = dialect.logon
    low, high = logon.heartbeat_min_s, logon.heartbeat_max_s
    if logon.heartbeat_s < low or (high and logon.heartbeat_s > high):
        cause = f"{logon.heartbeat_s} is not from {low} to {high}"
        yield Finding("logon.heartbeat_s", cause, "change it or the limits")


def _market_data(dialect: Dialect) -> Iterator[Finding]:
    market = dialect.market_data
    modes = {market.top, market.depth}
    has_quotes = any("quotes" in link.roles for link in dialect.links)
    if has_quotes is (modes == {"none"}):
        cause = "quotes have a link and no mode" if has_quotes else "no link has the role quotes"
        yield Finding("market_data.top", cause, "say W, X or W then X, or none without such a link")
    if modes & {"X", "W then X"} and not market.actions:
        yield Finding("market_data.actions", "X has no action", "name its values of 279")
    if len(market.update_ids) not in (0, 2):
        cause = f"{len(market.update_ids)} tags"
        yield Finding("market_data.update_ids", cause, "name the first and the last, or none")


def _trading(dialect: Dialect) -> Iterator[Finding]:
    positions, empty = dialect.positions, dialect.empty
    if positions.model in ("hedging", "account") and not positions.id_tag:
        cause = "hedged positions need an id"
        yield Finding("positions.id_tag", cause, "name the tag, such as 721")
    if (positions.request == "none") is not (empty.positions == "none"):
        cause = f"{empty.positions!r} with positions.request {positions.request!r}"
        yield Finding("empty.positions", cause, "say none in both or in neither")
    if (dialect.orders.mass_status == "none") is not (empty.orders == "none"):
        cause = f"{empty.orders!r} with orders.mass_status {dialect.orders.mass_status!r}"
        yield Finding("empty.orders", cause, "say none in both or in neither")
    if dialect.recovery == "snapshots" and positions.request == "none":
        cause = "no request asks for a snapshot of positions"
        yield Finding("recovery", cause, "name another way, or positions.request")
    if dialect.recovery == "resend" and dialect.reset != "continue":
        cause = "numbers start over at every Logon, so nothing is sent again"
        yield Finding("recovery", cause, "name another way, or reset = continue")
    if dialect.orders.replace == "G" and not dialect.orders.changes:
        yield Finding("orders.changes", "G changes nothing", "name price, size, or replace = none")
    if not dialect.orders.types and any("orders" in link.roles for link in dialect.links):
        yield Finding("orders.types", "a link takes orders, none is named", "name the order types")


def _closed(dialect: Dialect) -> Iterator[Finding]:
    return closed_findings(dialect.closed)


def closed_findings(windows: Sequence[Closed]) -> Iterator[Finding]:
    """Yields what is wrong with a venue's calendar."""
    for at, closed in enumerate(windows):
        key = f"closed[{at}]"
        if (len(closed.begin) > 5) is not (len(closed.end) > 5):
            yield Finding(key, "one end has a weekday", "name weekdays at both ends or at none")
        try:
            zoneinfo.ZoneInfo(closed.zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            cause = f"no zone {closed.zone!r}"
            yield Finding(f"{key}.zone", cause, "write a name such as Europe/London")


def _tags(dialect: Dialect) -> Iterator[Finding]:
    """Looks at the overlay first, then whether the tags that the record names are known."""
    try:
        dictionary = dialect.dictionary
    except LocalError as error:
        yield Finding("overlay", error.cause, error.remedy)
        return
    symbols, positions, orders = dialect.symbols, dialect.positions, dialect.orders
    named = {
        "symbols.name_tag": symbols.name_tag,
        "symbols.digits_tag": symbols.digits_tag,
        "symbols.min_size_tag": symbols.min_size_tag,
        "positions.id_tag": positions.id_tag,
        "orders.label_tag": orders.label_tag,
    }
    market = dialect.market_data
    named |= {f"market_data.carried_tags[{n}]": tag for n, tag in enumerate(market.carried_tags)}
    named |= {f"market_data.update_ids[{n}]": tag for n, tag in enumerate(market.update_ids)}
    named |= {f"texts[{n}].tag": code.tag for n, code in enumerate(dialect.texts)}
    groups = {
        "logon.fields": dialect.logon.fields,
        "positions.request_fields": positions.request_fields,
        "orders.fields": orders.fields,
    }
    groups |= {f"links[{n}].header": link.header for n, link in enumerate(dialect.links)}
    for key, fields in groups.items():
        named |= {f"{key}.{tag}": int(tag) for tag in fields}
    for key, tag in named.items():
        if tag and dictionary.field_name(tag) is None:
            yield Finding(key, f"{tag} is no field", "define it under overlay.fields")
