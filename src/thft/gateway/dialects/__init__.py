"""The dialects that come with the program, and a user's own by path; called by FIX gateways."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from thft.base.errors import LocalError
from thft.base.schema import findings
from thft.gateway.dialect import Dialect
from thft.gateway.dialects.checks import contradictions

FOLDER = Path(__file__).parent


class BadDialect(LocalError):
    """A dialect cannot be used; the text lists every finding with key and remedy."""


def shipped() -> list[str]:
    """Returns the names of the records that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Dialect:
    """Returns a shipped record by its name, or the user's own by the path of a TOML file.

    Raises BadDialect with all findings.
    """
    path = FOLDER / f"{name}.toml" if name in shipped() else Path(name)
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        choice = f"use {', '.join(shipped())} or the path of a TOML file"
        raise BadDialect(f"dialect {name}: {error.strerror}", choice) from error
    except ValueError as error:
        raise BadDialect(f"{path}: {error}", "mend the TOML") from error
    return parsed(table, str(path))


def parsed(table: dict[str, Any], where: str) -> Dialect:
    """Returns the record of a table; raises BadDialect with all findings."""
    found = findings(table, Dialect)
    if not found:
        dialect = msgspec.convert(table, Dialect)
        found = contradictions(dialect)
        if not found:
            return dialect
    listed = "".join(f"\n  {finding}" for finding in found)
    raise BadDialect(f"{where}: {len(found)} findings{listed}\n", "mend these keys")
