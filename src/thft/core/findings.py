"""Everything that is wrong with a configuration, each finding with its full key; for `config`.

First the types, entry by entry, then what entries say of each other and the strategies' parameters.
A broken entry does not hide what is wrong with the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from thft.base.errors import LocalError
from thft.core.catalogue import Catalogue, load_catalogue
from thft.core.symbology.spelled import terms_findings
from thft.gateway.dialect import Closed
from thft.gateway.dialects import load as load_dialect
from thft.gateway.dialects.checks import closed_findings
from thft.gateway.fix.settings import FixSettings, dialect_findings
from thft.gateway.metatrader.settings import (
    DIALECTS,
    BridgeSettings,
    bridge_findings,
    venue_findings,
)
from thft.gateway.ws.generic.findings import mapping_findings
from thft.gateway.ws.generic.mapping import FeedMapping
from thft.gateway.ws.venues import GENERIC, VENUES

Table = dict[str, Any]
NAMES = (("instruments", "symbol"), ("venues", "name"), ("accounts", "name"))
"""Lists whose entries are called by a name, with its key."""


def findings(table: Table, kind: type[Struct]) -> list[str]:
    """Returns every finding of a table that shall be a `kind`, in the order of its keys."""
    return [
        *_misfits(table, kind, ""),
        *_references(table),
        *terms_findings(table),
        *_gateways(table),
        *_strategies(table),
    ]


# ---- types -------------------------------------------------------------------------------------


def _misfits(value: Any, kind: Any, key: str) -> Iterator[str]:
    """Yields what does not fit the type, with the key of the innermost value."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType) and value is not None:
        kind = next(one for one in inner if one is not NoneType)
        origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, dict):
        yield from _struct(value, kind, key)
    elif origin is list and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _misfits(item, inner[0], f"{key}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _misfits(item, inner[1], _join(key, name))
    else:
        yield from _leaf(value, kind, key)


def _struct(value: Table, kind: type[Struct], key: str) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found: list[str] = []
    for name, item in value.items():
        if name in fields:
            found += _misfits(item, fields[name].type, _join(key, name))
        else:
            found.append(f"{_join(key, name)}: unknown key, use one of {', '.join(fields)}")
    for name, field in fields.items():
        if field.required and name not in value:
            found.append(f"{_join(key, name)}: missing")
    yield from found or _leaf(value, kind, key)  # a struct may have conditions of its own


def _leaf(value: Any, kind: Any, key: str) -> Iterator[str]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        for meta in getattr(kind, "__metadata__", ()):
            if meta.pattern and meta.description and isinstance(value, str):
                text = f"expected {meta.description}"
        if get_origin(kind) is list and isinstance(value, dict):
            text += ": a list of tables has double brackets"
        if kind is str and isinstance(value, int | float):
            text += ": write it as a text, in quotes"
        if get_origin(kind) is Literal:
            text = f"expected one of {', '.join(map(repr, get_args(kind)))}"
        secret = key.endswith(
            ("password", "signing_key", "metatrader.key")
        )  # the value may be the secret itself
        silent = "got" in text or place or secret
        got = "" if silent else f", got {repr(value)[:42]}"
        yield f"{key}{place.rstrip('`')}: {text[0].lower()}{text[1:]}{got}"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else str(name)


# ---- what entries say of each other ------------------------------------------------------------


def _entries(table: Table, key: str) -> Iterator[tuple[str, Table]]:
    """Yields (key, entry) of a list of tables, whatever else stands in its place."""
    entries = table.get(key)
    if isinstance(entries, list):
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield f"{key}[{number}]", entry


def _names(table: Table, key: str, field: str) -> list[str]:
    return [entry[field] for _, entry in _entries(table, key) if isinstance(entry.get(field), str)]


def _references(table: Table) -> Iterator[str]:
    symbols, feeds = _names(table, *NAMES[0]), _names(table, *NAMES[1])
    for key, field in (*NAMES, ("strategies", "name")):
        names = _names(table, key, field)
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{key}: {field} {name!r} is there {names.count(name)} times"
    for key, venue in _entries(table, "venues"):
        carried = venue.get("symbols")
        for symbol in carried if isinstance(carried, dict) else ():
            if symbol not in symbols:
                yield f"{key}.symbols.{symbol}: no instrument has this symbol"
    for key, account in _entries(table, "accounts"):
        feed, latency = account.get("feed"), account.get("latency_ms")
        if isinstance(feed, str) and feed not in feeds:
            yield f"{key}.feed: no venue is called {feed!r}"
        match latency:
            case [int() as low, int() as high] if low > high:
                yield f"{key}.latency_ms: the first number is larger than the second"


def _gateways(table: Table) -> Iterator[str]:
    """Yields what is wrong with a venue's way in, and with accounts that are traded through it."""
    accounts = [entry for _, entry in _entries(table, "accounts") if entry.get("kind") == "venue"]
    traded_by: set[str] = set()
    yield from _bridge(table)
    for key, venue in _entries(table, "venues"):
        name, dialect = venue.get("name"), venue.get("dialect")
        traded = [entry for entry in accounts if entry.get("feed") == name]
        yield from _closed(venue, key)
        if "fix" in venue:
            traded_by.add(str(name))
            yield from _fix(table, venue, key, bool(traded))
            yield from _models(table, venue)
        elif "metatrader" in venue or dialect in DIALECTS:
            traded_by.add(str(name))
            for inner, text in venue_findings(venue, traded, _market_clock(table)):
                yield f"{key}.{inner}: {text}"
        elif isinstance(dialect, str):
            yield from _websocket(venue, dialect, key)
        if len(traded) > 1:
            yield f"{key}: {len(traded)} accounts are traded by one session, one is possible"
    for key, account in _entries(table, "accounts"):
        if account.get("kind") != "venue":
            continue
        if account.get("feed") not in traded_by:
            yield f"{key}.kind: the feed has no FIX session or terminal to trade by, use 'paper'"


def _closed(venue: Table, key: str) -> Iterator[str]:
    try:
        windows = msgspec.convert(venue.get("closed", []), tuple[Closed, ...])
    except msgspec.ValidationError:
        return  # said already, with its key
    for found in closed_findings(windows):
        yield f"{key}.{found.key}: {found.cause}: {found.remedy}"


def _market_clock(table: Table) -> bool:
    clock = table.get("clock")
    return isinstance(clock, dict) and clock.get("source") == "market"


def _bridge(table: Table) -> Iterator[str]:
    """Yields what is wrong with where terminals dial in, if there are any."""
    venues = [venue for _, venue in _entries(table, "venues") if venue.get("dialect") in DIALECTS]
    logins = [
        (venue["dialect"], venue["metatrader"].get("login"))
        for venue in venues
        if isinstance(venue.get("metatrader"), dict)
    ]
    for one in sorted({one for one in logins if logins.count(one) > 1}, key=str):
        yield f"venues: account {one[1]} of {one[0]} is there {logins.count(one)} times"
    try:
        settings = msgspec.convert(table.get("metatrader", {}), BridgeSettings)
    except msgspec.ValidationError:
        return  # said already, with its key
    if venues:
        for key, text in bridge_findings(settings, {venue["dialect"] for venue in venues}):
            yield f"metatrader.{key}: {text}"


def _websocket(venue: Table, dialect: str, key: str) -> Iterator[str]:
    if dialect == GENERIC:
        yield from _generic(venue, key)
        return
    if venue.get("websocket") is not None:
        yield f"{key}.websocket: only the dialect {GENERIC!r} is told how its feed speaks"
    if dialect not in VENUES:
        said = f"{', '.join(map(repr, (*VENUES, GENERIC)))} are WebSockets; a FIX venue has a table"
        yield f"{key}.dialect: {dialect!r} without {key}.fix: {said} of that name"
        return
    record, book, symbols = VENUES[dialect], venue.get("book"), venue.get("symbols")
    if book in ("quotes", "depth") and book not in record.books:
        yield f"{key}.book: {dialect} offers {', '.join(map(repr, record.books))}"
    if not isinstance(symbols, dict):
        return
    for name, symbol in symbols.items():
        if isinstance(symbol, str) and (text := record.symbol_finding(symbol)):
            yield f"{key}.symbols.{name}: {text}"
    channels = len(symbols) * (2 if venue.get("trades") is True else 1)
    if record.channels and channels > record.channels:
        said = f"{channels} channels, {dialect} gives a connection {record.channels}"
        yield f"{key}.symbols: {said}: move some to another venue of that dialect"
    if record.symbols and len(symbols) > record.symbols:
        said = f"{len(symbols)} symbols, {dialect} gives a connection books of {record.symbols}"
        yield f"{key}.symbols: {said}: move some to another venue of that dialect"


def _generic(venue: Table, key: str) -> Iterator[str]:
    """Yields what a feed of one's own lacks: its address and how it speaks."""
    if venue.get("url") is None:
        yield f"{key}.url: missing: a feed of one's own has no public address"
    if "websocket" not in venue:
        yield f"{key}.websocket: missing: say how the feed speaks, see docs/websocket.md"
        return
    if venue.get("rest_url") is not None:
        yield f"{key}.rest_url: {GENERIC} fetches nothing: remove it"
    if venue.get("book") not in (None, "", "quotes"):
        yield f"{key}.book: {GENERIC} offers 'quotes'"
    try:
        mapping = msgspec.convert(venue["websocket"], FeedMapping)
    except msgspec.ValidationError:
        return  # said already, with its key
    symbols = venue.get("symbols")
    carried = len(symbols) if isinstance(symbols, dict) else 0
    if symbols == {}:
        yield f"{key}.symbols: empty: say what the feed carries"
    for name, symbol in symbols.items() if isinstance(symbols, dict) else ():
        if symbol == "":
            yield f"{key}.symbols.{name}: empty: write the symbol as the feed has it"
    for inner, text in mapping_findings(mapping, carried, venue.get("trades") is True):
        yield f"{key}.websocket.{inner}: {text}"


def _fix(table: Table, venue: Table, key: str, traded: bool) -> Iterator[str]:
    if venue.get("url") is not None:
        yield f"{key}.url: a FIX venue has {key}.fix.host instead"
    if venue.get("websocket") is not None:
        yield f"{key}.websocket: a FIX venue has {key}.fix instead"
    if _market_clock(table):
        yield f"{key}.fix: a FIX session lives in real time, clock.source must be 'wall'"
    try:
        settings = msgspec.convert(venue["fix"], FixSettings)
    except msgspec.ValidationError:
        return  # said already, with its key
    live = table.get("mode") == "live"
    carried = venue.get("symbols")
    symbols = tuple(carried) if isinstance(carried, dict) else ()
    dialect = str(venue.get("dialect"))
    for inner, text in dialect_findings(dialect, settings, live, traded, symbols):
        yield f"{key}.{inner}: {text}"


def _models(table: Table, venue: Table) -> Iterator[str]:
    """Yields accounts of a venue that hold positions in another way than its dialect says."""
    try:
        positions = load_dialect(str(venue.get("dialect"))).positions
    except LocalError:
        return  # said already
    for key, account in _entries(table, "accounts"):
        model = account.get("model", "netting")
        if account.get("kind") != "venue" or account.get("feed") != venue.get("name"):
            continue
        if model == "hedging" and positions.model not in ("hedging", "account"):
            said = "its positions have no id to close them by"
            if positions.model == "?":
                said = "write positions.model into a dialect of your own once you know it"
            yield f"{key}.model: the dialect says positions.model = {positions.model!r}: {said}"
        if model == "netting" and positions.model == "hedging":
            yield f"{key}.model: the dialect's accounts keep positions apart, write 'hedging'"


def _strategies(table: Table) -> Iterator[str]:
    folder = table.get("strategy_dir", "")
    if not isinstance(folder, str):
        return
    if folder and not Path(folder).is_dir():
        yield f"strategy_dir: {folder} is no folder"
    try:
        catalogue = load_catalogue(folder)
    except LocalError as error:
        yield f"strategy_dir: {error}"
        return
    for key, entry in _entries(table, "strategies"):
        yield from _strategy(entry, catalogue, key)


def _strategy(entry: Table, catalogue: Catalogue, key: str) -> Iterator[str]:
    kind, params = entry.get("kind"), entry.get("params")
    if not isinstance(kind, str):
        return
    if kind not in catalogue:
        yield f"{key}.kind: no strategy is of kind {kind!r}, there are {', '.join(catalogue)}"
    elif isinstance(params, dict):
        yield from _misfits(params, catalogue[kind][0].Params, f"{key}.params")
