"""Fills in how venues spell the symbols that a configuration names alone; called by `config`.

A venue may list canonical symbols: `symbols = ["EURUSD"]`. Rows of the map go first, then the way
the venue writes its ids. What is not sure is a finding with its candidates, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thft.base.errors import LocalError
from thft.core.symbology.terms import as_table
from thft.gateway.dialect import Dialect
from thft.gateway.dialects import load
from thft.model.symbology.registry import REGISTRY
from thft.model.symbology.resolver import Resolver, Verdict
from thft.model.symbology.spelling_map import BadMap, SpellingMap, from_csv
from thft.model.symbology.volume import COUNTED
from thft.model.symbology.writing import written

Table = dict[str, Any]


def read_map(folder: Path, name: object) -> tuple[SpellingMap, list[str]]:
    """Returns the map of a configuration's `symbol_map` and what is wrong with it."""
    if not isinstance(name, str) or not name:
        return SpellingMap(), []
    path = folder / name
    try:
        return from_csv(path.read_text(encoding="utf-8")), []
    except OSError as error:
        return SpellingMap(), [f"symbol_map: {path}: {error.strerror}, name an existing file"]
    except UnicodeDecodeError:
        return SpellingMap(), [f"symbol_map: {path}: this is no UTF-8, save it as such"]
    except BadMap as error:
        return SpellingMap(), [f"symbol_map: {path}: {error}"]


def spell(table: Table, rows: SpellingMap) -> list[str]:
    """Puts spellings and terms into the venues of a table, in place; returns the findings."""
    found: list[str] = []
    venues = table.get("venues")
    for number, venue in enumerate(venues if isinstance(venues, list) else ()):
        if isinstance(venue, dict):
            found += _venue(venue, f"venues[{number}]", rows, _account(table, venue))
    return found


def _account(table: Table, venue: Table) -> str:
    """Returns the name of the account that is traded through a venue, empty when none is."""
    accounts = table.get("accounts")
    for entry in accounts if isinstance(accounts, list) else ():
        traded = isinstance(entry, dict) and entry.get("kind") == "venue"
        if traded and entry.get("feed") == venue.get("name"):
            return str(entry.get("name"))
    return ""


def _venue(venue: Table, key: str, rows: SpellingMap, account: str) -> Iterator[str]:
    symbols, name, dialect = venue.get("symbols"), str(venue.get("name")), _dialect(venue)
    if isinstance(symbols, list):
        spelled: dict[str, str] = {}
        for at, symbol in enumerate(symbols):
            if not isinstance(symbol, str):
                yield f"{key}.symbols[{at}]: expected a symbol as text, got {symbol!r:.42}"
                continue
            row = rows.spelling(symbol, name, account)
            raw, why = (row.raw, "") if row else _written(symbol, venue, dialect)
            spelled[symbol] = raw
            if why:
                yield f"{key}.symbols.{symbol}: {why}"
        venue["symbols"], venue["resolve"] = spelled, True
    elif isinstance(symbols, dict):
        yield from _twice(symbols, key)
    _terms(venue, rows, name, account)
    if dialect is not None and dialect.quantity.unit == "contracts":
        _contracts(venue)


def _twice(symbols: Table, key: str) -> Iterator[str]:
    meant: dict[object, str] = {}
    for symbol, raw in symbols.items():
        if isinstance(raw, str) and (first := meant.setdefault(raw, symbol)) != symbol:
            yield f"{key}.symbols.{symbol}: {raw!r} means {first} already, a name means one symbol"


def _dialect(venue: Table) -> Dialect | None:
    if "fix" not in venue:
        return None
    try:
        return load(str(venue.get("dialect")))
    except LocalError:
        return None  # said elsewhere, with its key


def _written(symbol: str, venue: Table, dialect: Dialect | None) -> tuple[str, str]:
    """Returns how a venue spells a canonical symbol, and why that is not known."""
    remedy = f'write it: symbols = {{ {symbol} = "…" }} or a row of symbol_map'
    if symbol not in REGISTRY:
        one = Resolver().resolve(symbol)
        if one.verdict is Verdict.FOUND:
            return symbol, f"is a spelling of {one.symbol}, write the canonical symbol"
        return symbol, f"{one.answer}: {one.why.partition(': add a row')[0]}; {remedy}"
    raw = written(symbol, Path(str(venue.get("dialect"))).stem)
    if dialect is None:
        known = "fix" in venue or raw is not None
    else:
        raw = raw or symbol
        static = dialect.symbols.discovery == "static"
        known = not static or re.fullmatch(dialect.symbols.form, raw) is not None
    return raw or symbol, "" if known else f"UNKNOWN: the venue's own id of it; {remedy}"


def _terms(venue: Table, rows: SpellingMap, name: str, account: str) -> None:
    """Takes the terms of rows that stand for the spellings in use, below what the table says."""
    symbols = venue.get("symbols")
    terms = venue.setdefault("terms", {})
    if not isinstance(symbols, dict) or not isinstance(terms, dict):
        return
    known = rows.of(name, account)
    for symbol, raw in symbols.items():
        row = known.get(raw) if isinstance(raw, str) else None
        said = terms.get(symbol, {})
        if row and row.terms and row.canonical == symbol and isinstance(said, dict):
            terms[symbol] = {**as_table(row.terms), **said}


def _contracts(venue: Table) -> None:
    """Lets the two places agree that say how large a contract is: terms and FIX settings."""
    fix, terms, symbols = venue.get("fix"), venue.get("terms"), venue.get("symbols")
    if not (isinstance(fix, dict) and isinstance(terms, dict) and isinstance(symbols, dict)):
        return
    sizes = fix.setdefault("contract_sizes", {})
    for symbol in symbols if isinstance(sizes, dict) else ():
        said = terms.get(symbol, {})
        if not isinstance(said, dict):
            continue
        if isinstance(size := sizes.get(symbol), str):
            terms[symbol] = {"contract_size": size, "volume_unit": "contracts", **said}
        elif isinstance(size := said.get("contract_size"), str):
            sizes[symbol] = size


def terms_findings(table: Table) -> Iterator[str]:
    """Yields what a venue's terms contradict."""
    venues = table.get("venues")
    for number, venue in enumerate(venues if isinstance(venues, list) else ()):
        terms = venue.get("terms") if isinstance(venue, dict) else None
        if isinstance(terms, dict) and terms:
            yield from _contradicted(venue, terms, f"venues[{number}].terms")


def _contradicted(venue: Table, terms: Table, key: str) -> Iterator[str]:
    symbols, dialect = venue.get("symbols"), _dialect(venue)
    fix = venue.get("fix")
    sizes = fix.get("contract_sizes", {}) if isinstance(fix, dict) else {}
    for symbol, said in terms.items():
        if not isinstance(said, dict):
            continue
        unit, size = said.get("volume_unit"), said.get("contract_size")
        if isinstance(symbols, dict) and symbol not in symbols:
            yield f"{key}.{symbol}: the venue carries no such symbol"
        if unit in COUNTED and not size:
            yield f"{key}.{symbol}.contract_size: missing, volumes are {unit} of so many units"
        if unit and dialect and _counted(unit) != _counted(dialect.quantity.unit):
            yield f"{key}.{symbol}.volume_unit: {unit}, the dialect counts {dialect.quantity.unit}"
        if isinstance(sizes, dict) and size and sizes.get(symbol, size) != size:
            yield f"{key}.{symbol}.contract_size: {size}, fix.contract_sizes says {sizes[symbol]}"


def _counted(unit: str) -> str:
    return "units" if unit == "base" else unit
