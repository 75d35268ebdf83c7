"""`thft symbol resolve|export|import`: what spellings mean, and the map that says so."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from thft.base.errors import LocalError
from thft.cli.complaint import WRONG
from thft.cli.whole_file import write_whole
from thft.core.config import BadConfig, Config, load
from thft.core.symbology.spelled import read_map
from thft.core.symbology.terms import TermsConfig
from thft.model.symbology.resolver import Resolution, Resolver, Verdict
from thft.model.symbology.spelling_map import BadMap, MapRow, SpellingMap, from_csv, to_csv
from thft.model.symbology.terms import UNSAID, Terms

STREAM = "-"
File = Annotated[str, Parameter(allow_leading_hyphen=True)]

app = App(name="symbol", help="What venues' spellings of symbols mean.")


@app.command
def resolve(*names: str, account: str = "", config: Path | None = None) -> int:
    """Says which canonical symbol each name means: NAME and symbol, separated by a tab.

    Without a symbol the answer is UNKNOWN, AMBIGUOUS with its candidates, or INVALID, and the
    reason follows behind another tab. Exit 1 when any name has no symbol.

    Parameters
    ----------
    names
        Spellings of one venue or account.
    account
        Whose spellings they are: its affix is learned from them. With a configuration: an account
        or a venue of it, whose rows count first.
    config
        The TOML configuration with the account's venue and the map.
    """
    if not names:
        raise LocalError("no name is given", "thft symbol resolve NAME…")
    resolver = _resolver(names, account, config)
    found = [resolver.resolve(name) for name in names]
    for one in found:
        print(_line(one))
    return WRONG if any(one.verdict is not Verdict.FOUND for one in found) else 0


def _line(one: Resolution) -> str:
    name = one.raw if one.raw.isprintable() else one.raw.encode("unicode_escape").decode()
    why = "" if one.verdict is Verdict.FOUND else f"\t{one.why}"
    return f"{name}\t{one.answer}{why}"


def _resolver(names: tuple[str, ...], account: str, config: Path | None) -> Resolver:
    if config is None:
        return Resolver(listed=names if account else ())
    if not account:
        raise LocalError("--config says nothing without --account", "name an account or a venue")
    loaded = load(config)
    rows = _rows(loaded, read_map(config.parent, loaded.symbol_map)[0])
    known = _of(account, loaded, rows)
    if known is None:
        raise LocalError(f"{config}: no account or venue is called {account!r}", "name one of it")
    meant = {raw: row.canonical for raw, row in known.items()}
    return Resolver(meant, listed=dict.fromkeys((*meant, *names)))


def _of(account: str, config: Config, rows: SpellingMap) -> dict[str, MapRow] | None:
    """Returns spelling → row of an account or venue, None when nobody is called so."""
    for one in config.accounts:
        if one.name == account:
            return rows.of(one.feed, account)
    for venue in config.venues:
        if venue.name == account:
            return rows.of(account)
    for row in rows.rows:
        if row.account == account:
            return rows.of(row.venue, account)
    return None


def _rows(config: Config, rows: SpellingMap) -> SpellingMap:
    """Returns the map with what the configuration says itself, which goes first."""
    said = [
        MapRow(venue.name, "", raw, symbol, terms=_terms(venue.terms.get(symbol)))
        for venue in config.venues
        for symbol, raw in venue.symbols.items()
        if not venue.resolve
    ]
    spelled = {(row.venue, row.account, row.raw) for row in said}
    active = {(row.venue, row.account, row.canonical) for row in said}
    kept = [
        row
        for row in rows.rows
        if (row.venue, row.account, row.raw) not in spelled
        and (row.alternate or (row.venue, row.account, row.canonical) not in active)
    ]
    return SpellingMap([*said, *kept])


def _terms(config: TermsConfig | None) -> Terms:
    return config.terms() if config is not None else UNSAID


@app.command
def export(file: File, *, config: Path) -> int:
    """Writes the map and the spellings of a configuration as CSV; `import` reads it again.

    Parameters
    ----------
    file
        Where to; `-` is standard output.
    config
        The TOML configuration.
    """
    loaded = load(config)
    rows = _rows(loaded, read_map(config.parent, loaded.symbol_map)[0]).rows
    if file == STREAM:
        sys.stdout.write(to_csv(rows))
        return 0
    write_whole(Path(file), to_csv(rows))
    print(f"{file}: {len(rows)} rows")
    return 0


@app.command(name="import")
def import_(file: File, *, config: Path) -> int:
    """Takes a CSV as the map of a configuration, all of it or, when a row is bad, none.

    Exit 1 when rows are bad; each is named with its line and the reason.

    Parameters
    ----------
    file
        The CSV; `-` is standard input.
    config
        The TOML configuration; its `symbol_map` says where the map lies.
    """
    target = _map_name(config)
    if not target:
        raise BadConfig(f"{config}: symbol_map: missing", 'set it, as symbol_map = "symbols.csv"')
    try:
        rows = from_csv(_read(file))
    except BadMap as error:
        for line, reason in error.findings:
            print(f"{file}:{line}: {reason}")
        return WRONG
    load(config, rows)
    write_whole(config.parent / target, to_csv(rows.rows))
    print(f"{config.parent / target}: {len(rows.rows)} rows")
    return 0


def _map_name(config: Path) -> str:
    """Returns where a configuration says its map is, empty when it does not."""
    try:
        name = tomllib.loads(config.read_text()).get("symbol_map", "")
    except OSError as error:
        raise BadConfig(f"{config}: {error.strerror}", "name an existing file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{config}: this is no TOML: {error}", "mend the TOML") from error
    return name if isinstance(name, str) else ""


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == STREAM else Path(file).read_bytes()
        return data.decode()
    except OSError as error:
        raise LocalError(f"{file} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise LocalError(f"{file} is no UTF-8: {error.reason}", "save it as UTF-8") from error
