"""Reads the fault file of a simulated venue, whatever its faults; for `sim.fix` and `sim.ws`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from thft.base.errors import LocalError
from thft.base.schema import findings

Kind = TypeVar("Kind", bound=Struct)


def load_fault_file(path: Path, kind: type[Kind]) -> Kind:
    """Returns a TOML file as that kind of record; raises LocalError with all findings."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", "name an existing fault file") from error
    except ValueError as error:
        raise LocalError(f"{path}: {error}", "mend the TOML") from error
    found = findings(table, kind)
    if found:
        listed = "".join(f"\n  {finding}" for finding in found)
        raise LocalError(f"{path}: {len(found)} findings{listed}\n", "mend these keys")
    return msgspec.convert(table, kind)
