"""The map of what persons have confirmed, row by row, and its CSV; read by core, cli and tests.

A row is explicit: it goes before everything that is learned. A map that would make a spelling mean
two instruments, or two active spellings of an account one, is not taken at all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from msgspec import Struct, structs

from thft.base.errors import LocalError
from thft.model.fixed import BadNumber, parse_scaled
from thft.model.symbology.spelling import LONGEST, invalid
from thft.model.symbology.terms import SCALES, UNSAID, Terms, shown
from thft.model.symbology.volume import COUNTED, UNITS

ROWS = 100_000
"""Rows of a map, more is no map."""
MOST_DIGITS = 9
KEY_COLUMNS = ("venue", "account", "raw", "canonical", "alternate")
COLUMNS = (*KEY_COLUMNS, *Terms.__struct_fields__)


class BadMap(LocalError):
    """A map that cannot be used; `findings` are (line, reason), in order."""

    def __init__(self, findings: list[tuple[int, str]]) -> None:
        self.findings = findings
        said = "; ".join(f"line {line}: {reason}" for line, reason in findings)
        super().__init__(said, "mend these rows")


class MapRow(Struct, frozen=True):
    """A spelling of a venue's account and the instrument it means; no account: all of the venue.

    An alternate is read, and is never what the engine itself asks for.
    """

    venue: str
    account: str
    raw: str
    canonical: str
    alternate: bool = False
    terms: Terms = UNSAID


class SpellingMap:
    """Rows by (venue, account); raises BadMap when they contradict each other."""

    def __init__(self, rows: Iterable[MapRow] = ()) -> None:
        self.rows = list(rows)
        if found := list(conflicts(enumerate(self.rows, 1))):
            raise BadMap(found)

    def of(self, venue: str, account: str = "") -> dict[str, MapRow]:
        """Returns spelling → row; what is said of the account goes before the venue's rows."""
        found = {row.raw: row for row in self.rows if (row.venue, row.account) == (venue, "")}
        if account:
            for row in self.rows:
                if (row.venue, row.account) == (venue, account):
                    found[row.raw] = row
        return found

    def spelling(self, canonical: str, venue: str, account: str = "") -> MapRow | None:
        """Returns the active row of an instrument: the account's own, else the venue's."""
        for owner in dict.fromkeys((account, "")):
            for row in self.rows:
                same = (row.venue, row.account, row.canonical) == (venue, owner, canonical)
                if same and not row.alternate:
                    return row
        return None


def conflicts(numbered: Iterable[tuple[int, MapRow]]) -> Iterator[tuple[int, str]]:
    """Yields (number, reason) of rows that contradict one before them."""
    raws: dict[tuple[str, str, str], int] = {}
    active: dict[tuple[str, str, str], tuple[int, str]] = {}
    for number, row in numbered:
        first = raws.setdefault((row.venue, row.account, row.raw), number)
        if first != number:
            yield number, f"{row.raw} has a row already, line {first}"
            continue
        if row.alternate:
            continue
        at, other = active.setdefault((row.venue, row.account, row.canonical), (number, row.raw))
        if at != number:
            remedy = "mark one of them as alternate"
            yield number, f"{other} means {row.canonical} already, line {at}: {remedy}"


# ---- as CSV ------------------------------------------------------------------------------------


def to_csv(rows: Iterable[MapRow]) -> str:
    """Returns rows as CSV with a heading; `from_csv` reads exactly these rows again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        said = {name: shown(name, value) for name, value in row.terms.said().items()}
        head = (row.venue, row.account, row.raw, row.canonical, "yes" if row.alternate else "")
        writer.writerow((*head, *(said.get(name, "") for name in Terms.__struct_fields__)))
    return text.getvalue()


def from_csv(text: str) -> SpellingMap:
    """Returns the map of a CSV; raises BadMap naming every bad row by its line and reason."""
    rows: list[tuple[int, MapRow]] = []
    found: list[tuple[int, str]] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            line = reader.line_num
            if not columns:
                columns = cells
                _check_heading(columns, line)
            elif any(cells):
                try:
                    rows.append((line, _row(columns, cells)))
                except ValueError as error:
                    found.append((line, str(error)))
            if len(rows) > ROWS:
                raise BadMap([(line, f"more than {ROWS} rows are no map")])
    except csv.Error as error:
        found.append((reader.line_num, f"this is no CSV: {error}"))
    if not columns:
        _check_heading(columns, 1)
    found = sorted([*found, *conflicts(rows)])
    if found:
        raise BadMap(found)
    return SpellingMap(row for _, row in rows)


def _check_heading(columns: list[str], line: int) -> None:
    unknown = [name for name in columns if name not in COLUMNS]
    missing = [name for name in ("venue", "raw", "canonical") if name not in columns]
    if unknown or missing or len(set(columns)) < len(columns):
        wanted = f"the heading names columns of {','.join(COLUMNS)}, each once"
        raise BadMap([(line, f"{wanted}; venue, raw and canonical must be there")])


def _row(columns: list[str], cells: list[str]) -> MapRow:
    """Returns the row of a line; raises ValueError with the reason."""
    if len(cells) != len(columns):
        raise ValueError(f"it has {len(cells)} fields, the heading {len(columns)}")
    values = dict(zip(columns, cells, strict=True))
    for name in ("venue", "raw", "canonical"):
        if why := invalid(values[name]):
            raise ValueError(f"{name}: {why}")
    account, alternate = values.get("account", ""), values.get("alternate", "")
    if account and (why := invalid(account)):
        raise ValueError(f"account: {why}")
    if alternate not in ("", "yes", "no"):
        raise ValueError(f"alternate: {alternate[:LONGEST]!r} is neither yes nor no")
    numbers = {name: _term(name, values[name]) for name in SCALES if values.get(name)}
    terms = structs.replace(UNSAID, **numbers, **_texts(values))
    if terms.volume_unit in COUNTED and not terms.contract_size:
        raise ValueError(
            f"contract_size: missing, volumes are {terms.volume_unit} of so many units"
        )
    return MapRow(
        values["venue"], account, values["raw"], values["canonical"], alternate == "yes", terms
    )


def _term(name: str, text: str) -> int:
    try:
        number = parse_scaled(text, SCALES[name], name)
    except BadNumber as error:
        raise ValueError(error.cause) from error
    if name == "digits":
        if not 0 <= number <= MOST_DIGITS:
            raise ValueError(f"digits: {text} is not from 0 to {MOST_DIGITS}")
    elif number <= 0:
        raise ValueError(f"{name}: {text} is not above 0")
    return number


def _texts(values: dict[str, str]) -> dict[str, str]:
    texts = {name: values.get(name, "") for name in Terms.__struct_fields__ if name not in SCALES}
    unit = texts["volume_unit"]
    if unit and unit not in UNITS:
        raise ValueError(f"volume_unit: {unit[:LONGEST]!r} is none of {', '.join(UNITS)}")
    for name in ("profit_currency", "margin_currency"):
        text = texts[name]
        if text and not (text.isascii() and text.isalnum() and text.isupper() and len(text) <= 8):
            raise ValueError(f"{name}: {text[:LONGEST]!r} is no currency")
    return texts
