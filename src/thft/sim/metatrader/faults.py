"""What goes wrong at a simulated terminal, when, and how often; asked by terminal and EA.

A command that opens: `requote`, `reject`, `partial` (`size_percent` of a market order), `timeout`
(executed, and the terminal says 10012), `lost` (executed, and the EA dies before RESULT), `unheard`
(the EA dies before it does anything). The line: `cut` (the EA dials again), `deaf` (half-open: it
takes and says nothing for `for_s`), `garble` (a frame with a wrong checksum), `replay` (a frame it
has sent already). The terminal: `offline` (without its broker for `for_s`), `no_algo` (trading is
switched off for `for_s`), `manual` (its user trades `lots` of `symbol`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from thft.base.errors import LocalError
from thft.base.schema import findings

COMMAND = ("requote", "reject", "partial", "timeout", "lost", "unheard")
TIMED = ("cut", "deaf", "garble", "replay", "offline", "no_algo", "manual")
Do = Literal[
    "requote",
    "reject",
    "partial",
    "timeout",
    "lost",
    "unheard",
    "cut",
    "deaf",
    "garble",
    "replay",
    "offline",
    "no_algo",
    "manual",
]


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault; of a command it acts on the next `times` ones, else once at `at_s`."""

    do: Do
    at_s: Annotated[float, Meta(ge=0)] = 0.0
    for_s: Annotated[float, Meta(ge=0)] = 5.0
    times: Annotated[int, Meta(ge=1)] = 1
    size_percent: Annotated[int, Meta(ge=1, le=99)] = 50
    symbol: str = ""
    lots: str = "0.01"


class FaultFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault file: `[[faults]]`."""

    faults: tuple[Fault, ...] = ()


class Faults:
    """All faults of one terminal."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        faults = list(faults)
        self.timed = sorted((one for one in faults if one.do in TIMED), key=lambda one: one.at_s)
        self._waiting = [one for one in faults if one.do in COMMAND for _ in range(one.times)]

    def arm(self, fault: Fault) -> None:
        """Adds a fault of commands."""
        self._waiting += [fault] * fault.times

    def next(self, kinds: tuple[str, ...]) -> Fault | None:
        """Returns the fault of these kinds that acts on the command at hand, and uses it up."""
        for at, fault in enumerate(self._waiting):
            if fault.do in kinds:
                return self._waiting.pop(at)
        return None


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Returns the faults of a TOML file; raises LocalError with all findings."""
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", "name an existing fault file") from error
    except ValueError as error:
        raise LocalError(f"{path}: {error}", "mend the TOML") from error
    found = findings(table, FaultFile)
    if found:
        listed = "".join(f"\n  {finding}" for finding in found)
        raise LocalError(f"{path}: {len(found)} findings{listed}\n", "mend these keys")
    return msgspec.convert(table, FaultFile).faults
