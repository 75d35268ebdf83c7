"""`thft history mt5|mt4 ACCOUNT`: what the terminal of an account knows of deals and orders."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thft.base.errors import LocalError
from thft.base.spreadsheet import defused
from thft.cli.complaint import WRONG, complain
from thft.cli.history_asked import History, NoAnswer, ask
from thft.cli.moments import utc_ms
from thft.cli.whole_file import write_whole
from thft.core.config import BadConfig, Config, load
from thft.gateway.metatrader.history.door import Request
from thft.gateway.metatrader.history.rows import COLUMNS, FOREIGN
from thft.gateway.metatrader.settings import DIALECTS
from thft.host.clock import moment

STREAM = "-"
SHORT = (
    *("time_utc", "kind", "ticket", "symbol", "type", "entry", "state", "lots", "price", "profit"),
    *("client_order_id", "comment"),
)
"""Columns of the table on a terminal."""

app = App(
    name="history",
    help="""History of an account, asked of its terminal by the running core.

For example: `thft history mt5 broker-1 --config engine.toml --from 30d --csv month.csv`.""",
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for, and how it is to be written."""

    config: Path
    """The TOML configuration of the running core."""
    data: Path | None = None
    """Its data directory; default: the configuration's data_dir."""
    begin: Annotated[str, Parameter(name="--from")] = "7d"
    """Since when: ISO 8601, UTC unless a zone is given, or 7d, 12h, 30m, 2w ago."""
    end: Annotated[str, Parameter(name="--to")] = ""
    """Until before when, written likewise; default: now."""
    symbol: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")] = ()
    """Canonical or as the terminal spells it; default: all, balance and charges too."""
    deals: Annotated[bool, Parameter(negative="")] = False
    """Deals alone; default: deals and orders."""
    orders: Annotated[bool, Parameter(negative="")] = False
    """Orders that have ended alone."""
    csv: Annotated[str, Parameter(allow_leading_hyphen=True)] = ""
    """A file for all columns, safe to open in a spreadsheet; `-` is standard output."""
    json: Annotated[bool, Parameter(negative="")] = False
    """One JSON object a line, numbers as decimal texts."""


@app.command
def mt5(account: str, *, wanted: Wanted) -> int:
    """Prints deals and ended orders of a MetaTrader 5 account.

    For example, a month of one symbol for a spreadsheet:
    `thft history mt5 broker-1 --config engine.toml --from 2026-10-01 --to 2026-11-01 --symbol
    EURUSD --csv october.csv`. Exit 1 when there is no whole answer, with the reason.

    Parameters
    ----------
    account
        The account, as the configuration calls it.
    """
    return _history("mt5", account, wanted)


@app.command
def mt4(account: str, *, wanted: Wanted) -> int:
    """Prints deals and ended pending orders of a MetaTrader 4 account.

    MetaTrader 4 has no deals: the opening of an order is one, its closing another with a `-` before
    the ticket. The terminal tells what its tab Account History shows.
    For example, the last day: `thft history mt4 broker-1 --config engine.toml --from 1d`.

    Parameters
    ----------
    account
        The account, as the configuration calls it.
    """
    return _history("mt4", account, wanted)


def _history(dialect: str, account: str, wanted: Wanted) -> int:
    if wanted.csv and wanted.json:
        raise LocalError("--csv and --json exclude each other", "give one of them")
    config = load(wanted.config)
    _require_terminal(config, wanted.config, dialect, account)
    directory = wanted.data or Path(config.data_dir)
    if wanted.data is None and not config.data_dir:
        raise BadConfig(f"{wanted.config}: data_dir: missing", "set it, or give --data")
    request = _request(dialect, account, wanted, moment()[1] // 1_000_000)
    try:
        found = ask(directory, request)
    except NoAnswer as error:
        return complain(error, WRONG)
    except KeyboardInterrupt:
        return complain("broken off: nothing is written", WRONG)
    _write(found, wanted)
    back = f", the terminal's history reaches back to {found.reaches_back_to}"
    said = f"{len(found.rows)} rows{back if found.reaches_back_to else ''}"
    if not found.complete:
        remedy = "see that it is online; MetaTrader 4: let the tab Account History show all"
        return complain(f"{said}: the terminal says that it may not have all — {remedy}", WRONG)
    print(said, file=sys.stderr)
    return 0


def _require_terminal(config: Config, path: Path, dialect: str, account: str) -> None:
    dialects = {venue.name: venue.dialect for venue in config.venues}
    terminals = {
        one.name: dialects[one.feed]
        for one in config.accounts
        if one.kind == "venue" and dialects.get(one.feed) in DIALECTS
    }
    if terminals.get(account) == dialect:
        return
    known = ", ".join(f"{name} ({kind})" for name, kind in sorted(terminals.items())) or "none"
    all_accounts = {one.name for one in config.accounts}
    what = f"no {dialect} account" if account in all_accounts else "no account"
    raise BadConfig(f"{path}: {account!r} is {what} here", f"accounts of MetaTrader: {known}")


def _request(dialect: str, account: str, wanted: Wanted, now_ms: int) -> Request:
    begin_ms = utc_ms("--from", wanted.begin, now_ms)
    end_ms = utc_ms("--to", wanted.end, now_ms) if wanted.end else 0
    if begin_ms >= (end_ms or now_ms):
        end = f"--to {wanted.end}" if wanted.end else "now"
        raise LocalError(f"--from {wanted.begin} is not before {end}", "exchange or change them")
    both = wanted.deals == wanted.orders
    return Request(
        account,
        DIALECTS[dialect],
        begin_ms,
        end_ms,
        list(wanted.symbol),
        both or wanted.deals,
        both or wanted.orders,
    )


def _write(found: History, wanted: Wanted) -> None:
    if wanted.csv == STREAM:
        sys.stdout.write(_csv(found.rows))
    elif wanted.csv:
        write_whole(Path(wanted.csv), _csv(found.rows))
    elif wanted.json:
        for row in found.rows:
            print(msgspec.json.encode(row).decode())
    elif sys.stdout.isatty():
        Console().print(_table(found.rows))
    else:
        for cells in (COLUMNS, *(_cells(row, COLUMNS) for row in found.rows)):
            print("\t".join(_shown(cell) for cell in cells))


def _cells(row: dict[str, str], columns: tuple[str, ...]) -> list[str]:
    return [row.get(column, "") for column in columns]


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        safe = {name: defused(cell) if name in FOREIGN else cell for name, cell in row.items()}
        writer.writerow(_cells(safe, COLUMNS))
    return text.getvalue()


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table(*SHORT)
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in _cells(row, SHORT)))
    return table


def _shown(cell: str) -> str:
    """Returns a text that moves no cursor and breaks no line."""
    return cell if cell.isprintable() else cell.encode("unicode_escape").decode()
