"""One dialect's built-in names, read from the lists beside; the rules on names ask it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.mql.lint.api import constants, functions, structures

UNBOUNDED = 1_000


@dataclass(frozen=True)
class Signature:
    """How many arguments a function takes, and the families of constants at some positions."""

    least: int
    most: int
    families: dict[int, str]


@dataclass(frozen=True)
class Handler:
    """Result types and parameter types (with `&` for a reference) of an event handler."""

    results: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Api:
    """What the compiler of one dialect knows without any source."""

    functions: dict[str, Signature]
    constants: dict[str, frozenset[str]]
    structures: dict[str, frozenset[str]]
    variables: frozenset[str]
    types: frozenset[str]
    handlers: dict[str, Handler]

    def has(self, name: str) -> bool:
        return name in self.functions or name in self.constants or name in self.variables


@cache
def api(dialect: str) -> Api:
    """The built-in names of `mql5` or `mql4`."""
    newer = dialect == "mql5"
    constant_lists = (constants.BOTH, constants.MQL5 if newer else constants.MQL4)
    families: dict[str, set[str]] = {}
    for lists in constant_lists:
        for family, names in lists.items():
            for name in names.split():
                families.setdefault(name, set()).add(family)
    enums = {family for lists in constant_lists for family in lists if family.startswith("ENUM_")}
    enums |= set(structures.ENUMS_BOTH.split())
    enums |= set(structures.ENUMS_MQL5.split()) if newer else set()
    members = {name: set(words.split()) for name, words in structures.STRUCTURES_BOTH.items()}
    if newer:
        for name, words in structures.STRUCTURES_MQL5.items():
            members.setdefault(name, set()).update(words.split())
    variables = structures.VARIABLES_MQL5 if newer else structures.VARIABLES_MQL4
    return Api(
        functions=_signatures(functions.BOTH + (functions.MQL5 if newer else functions.MQL4)),
        constants={name: frozenset(found) for name, found in families.items()},
        structures={name: frozenset(found) for name, found in members.items()},
        variables=frozenset((structures.VARIABLES_BOTH + " " + variables).split()),
        types=frozenset(enums | set(members) | set(structures.BASE_TYPES.split())),
        handlers=_handlers(structures.HANDLERS_BOTH + (structures.HANDLERS_MQL5 if newer else "")),
    )


def _signatures(lines: str) -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for line in lines.splitlines():
        if not line:
            continue
        name, count, *marks = line.split()
        least, _, most = count.rstrip("+").partition("-")
        limit = UNBOUNDED if count.endswith("+") else int(most or least)
        families = {int(place): family for place, family in (mark.split("=") for mark in marks)}
        assert name not in found, f"{name} stands twice in the table"
        found[name] = Signature(int(least), limit, families)
    return found


def _handlers(lines: str) -> dict[str, Handler]:
    rows = [line.split() for line in lines.splitlines() if line.strip()]
    return {name: Handler(tuple(kinds.split("|")), tuple(rest)) for name, kinds, *rest in rows}
