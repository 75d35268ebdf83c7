"""What a program declares twice, as a built-in name, or as a handler that is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mql.lint.api.table import api
from tests.mql.lint.declarations import Function, Unit
from tests.mql.lint.syntax import text, walk
from tree_sitter import Node

Report = tuple[int, str, str]


def definitions(unit: Unit, dialect: str) -> Iterator[tuple[int, Report]]:
    """What is declared twice or as a built-in name, with the number of its part."""
    known = api(dialect)
    for (number, row), name in unit.twice:
        yield number, (row, "twice", f"`{name}` is defined twice — remove or rename one")
    for name, several in unit.functions.items():
        number, row = several[0].place
        if name in known.functions:
            yield number, (row, "twice", f"`{name}` is a built-in function — rename yours")
        if name in unit.variables or name in unit.macros:
            yield number, (row, "twice", f"`{name}` is a function and something else — rename one")
        for one in several:
            yield from ((one.place[0], report) for report in _handler(one, dialect))
    for name, (_, (number, row)) in [*unit.variables.items(), *unit.macros.items()]:
        if known.has(name) or name in known.types:
            yield number, (row, "twice", f"`{name}` is a built-in name — rename yours")


def _handler(made: Function, dialect: str) -> Iterator[Report]:
    known = api(dialect).handlers.get(made.name)
    if known is None:
        if re.fullmatch(r"On[A-Z]\w+", made.name):
            words = (
                f"the terminal never calls `{made.name}` in {dialect.upper()} — rename or remove it"
            )
            yield made.place[1], "handler", words
        return
    taken = tuple(one.type + "&" * one.reference for one in made.parameters)
    if made.result not in known.results or taken != known.parameters:
        form = f"{known.results[0]} {made.name}({', '.join(known.parameters)})"
        yield made.place[1], "handler", f"`{made.name}` is not as the terminal calls it — {form}"


def uncalled(unit: Unit, roots: list[Node], dialect: str) -> set[tuple[int, int, str]]:
    """Part, line and name of the functions that nothing in the program calls, handlers apart."""
    called = {text(one) for root in roots for one in _callees(root)}
    called |= {word for macro, _ in unit.macros.values() for word in re.findall(r"\w+", macro.body)}
    return {
        (*one.place, name)
        for name, several in unit.functions.items()
        for one in several
        if one.body and name not in called and name not in api(dialect).handlers
    }


def _callees(root: Node) -> Iterator[Node]:
    for one in walk(root):
        callee = one.child_by_field_name("function") if one.type == "call_expression" else None
        if callee is not None and callee.type == "identifier":
            yield callee
