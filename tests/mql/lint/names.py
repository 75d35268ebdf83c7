"""Looks up every name that one part uses, in its unit and in the dialect; `program.py` calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.mql.lint.api import functions, structures
from tests.mql.lint.api.table import Api, Signature, api
from tests.mql.lint.declarations import (
    Function,
    Place,
    Unit,
    declared_name,
    function_declarator,
    type_name,
)
from tests.mql.lint.syntax import line, text, walk
from tree_sitter import Node

Report = tuple[int, str, str]

C_TYPES = {"int8_t": "char", "uint8_t": "uchar", "int16_t": "short", "uint16_t": "ushort"}
C_TYPES |= {"int32_t": "int", "uint32_t": "uint", "int64_t": "long", "uint64_t": "ulong"}
PARAMETERS = ("parameter_declaration", "optional_parameter_declaration")
DECLARATIONS = ("declaration", "for_range_loop", *PARAMETERS)
LONGEST = 63


@dataclass
class Scope:
    """What one function sees of its own: variables with their types, and its class."""

    owner: str = ""
    local: dict[str, str] = field(default_factory=dict)


class Names:
    """The rules on names for one part (number `number`) of a unit, read as `dialect`."""

    def __init__(self, unit: Unit, number: int, dialect: str, shared: set[int]) -> None:
        self.unit, self.number, self.dialect = unit, number, dialect
        self.api = api(dialect)
        self.other: Api = api("mql4" if dialect == "mql5" else "mql5")
        self.shared = shared  # lines that both dialects read
        self.reports: list[Report] = []

    def check(self, root: Node) -> list[Report]:
        """Everything wrong with the names below `root`."""
        for node in root.named_children:
            self._walk(node, self._scope(node, Scope()))
        return self.reports

    def macro_text(self, body: str, own: tuple[str, ...], number: int) -> None:
        """The names in a macro's text."""
        for name in re.findall(r"\b[A-Za-z_]\w*", re.sub(r"\"[^\"]*\"|0[xX]\w+", "", body)):
            if name not in own and name not in self.api.types and not self._known(name, Scope()):
                self._say(number, "name", self._unknown(name))

    def _below(self, place: Place, node: Node) -> bool:
        return self.unit.below(place, (self.number, line(node)))

    def _say(self, number: int, rule: str, words: str) -> None:
        self.reports.append((number, rule, words))

    def _scope(self, node: Node, outer: Scope) -> Scope:
        if node.type != "function_definition":
            return outer
        scope = Scope(outer.owner)
        declarator = node.child_by_field_name("declarator")
        inner = function_declarator(declarator) if declarator is not None else None
        head = text(inner.child_by_field_name("declarator") or inner) if inner is not None else ""
        if "::" in head:
            scope.owner = head.rsplit("::", 1)[0]
        for one in walk(node):
            if one.type in DECLARATIONS:
                for inside in one.children_by_field_name("declarator"):
                    scope.local[declared_name(inside)] = type_name(one)
        return scope

    def _walk(self, node: Node, scope: Scope) -> None:
        if node.type in ("struct_specifier", "class_specifier"):
            name = node.child_by_field_name("name")
            scope = Scope(text(name) if name is not None else "")
        elif node.type == "function_definition":
            scope = self._scope(node, scope)
        handler = _RULES.get(node.type)
        if handler is not None:
            handler(self, node, scope)
        for child in node.named_children:
            self._walk(child, scope)

    # -- single names

    def _identifier(self, node: Node, scope: Scope) -> None:
        name, above = text(node), node.parent
        self._length(name, node)
        if above is None or above.type in ("labeled_statement", "qualified_identifier"):
            return
        if above.type == "call_expression" and above.child_by_field_name("function") == node:
            return
        declares = above.type.endswith("declarator") or above.type in (*DECLARATIONS, "enumerator")
        if declares and above.child_by_field_name("value") != node:
            if name in structures.RESERVED.split():
                self._say(line(node), "name", f"`{name}` is a word of MQL — rename it")
            if above.child_by_field_name("size") != node:
                return
        if above.type == "parenthesized_expression" and self._is_type(name):
            return
        if name in scope.local or self._member(name, scope):
            return
        place = self.unit.place(name)
        if place is not None:
            if self._below(place, node):
                self._say(line(node), "order", f"`{name}` is declared below — move it up")
            return
        if not self._known(name, scope):
            self._say(line(node), "name", self._unknown(name))
        self._meaning(name, line(node))

    def _meaning(self, name: str, number: int) -> None:
        if name in functions.DIFFERENT and number in self.shared:
            words = functions.DIFFERENT[name]
            self._say(number, "dialect", f"`{name}` differs: {words} — put it under mt4/ and mt5/")

    def _length(self, name: str, node: Node) -> None:
        if len(name) > LONGEST:
            self._say(line(node), "name", f"a name of {len(name)} letters — {LONGEST} at most")

    def _is_type(self, name: str) -> bool:
        return name in self.api.types or name in self.unit.types

    def _member(self, name: str, scope: Scope) -> bool:
        if any(name in kind.fields for kind in self.unit.lineage(scope.owner)):
            return True
        owners = {kind.name for kind in self.unit.lineage(scope.owner)}
        return any(one.owner in owners for one in self.unit.methods.get(name, ()))

    def _known(self, name: str, scope: Scope) -> bool:
        unit = self.unit
        declared = name in unit.functions or unit.place(name) is not None
        return declared or self.api.has(name) or self._member(name, scope) or name == "this"

    def _unknown(self, name: str) -> str:
        if self.other.has(name):
            only = "MQL4" if self.dialect == "mql5" else "MQL5"
            return f"`{name}` is {only} only — put it under {'mt4' if only == 'MQL4' else 'mt5'}/"
        lists = "tests/mql/lint/api"
        return f"`{name}` is nowhere — define or include it; a built-in one belongs into {lists}"

    def _type(self, node: Node, scope: Scope) -> None:
        name = text(node)
        self._length(name, node)
        place = self.unit.types[name].place if name in self.unit.types else None
        if place is not None and self._below(place, node):
            self._say(line(node), "order", f"type `{name}` is declared below — move it up")
        if self._is_type(name):
            return
        if name in C_TYPES:
            self._say(line(node), "subset", f"type `{name}` of C — write {C_TYPES[name]}")
        elif name in self.other.types:
            only = "MQL4" if self.dialect == "mql5" else "MQL5"
            self._say(line(node), "name", f"type `{name}` is {only} only — not in this file")
        elif node.parent is not None and node.parent.child_by_field_name("name") != node:
            self._say(line(node), "name", f"type `{name}` is nowhere — define or include it")

    # -- calls

    def _call(self, node: Node, scope: Scope) -> None:
        called, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if called is None or given is None:
            return
        arguments = [one for one in given.named_children if one.type != "comment"]
        if called.type == "field_expression":
            self._method(called, arguments, scope)
        elif called.type == "qualified_identifier":
            owner, _, name = text(called).rpartition("::")
            self._arity_of(self._methods(owner, name), name, arguments, called)
        elif called.type == "identifier":
            self._plain_call(text(called), arguments, called, scope)

    def _plain_call(self, name: str, arguments: list[Node], node: Node, scope: Scope) -> None:
        if self._is_type(name) and name not in self.unit.types:
            return
        if methods := self._methods(scope.owner, name):
            self._arity_of(methods, name, arguments, node)
        elif name in self.unit.functions:
            self._arity_of(self.unit.functions[name], name, arguments, node)
        elif name in self.unit.macros:
            macro, place = self.unit.macros[name]
            if macro.parameters is None or len(macro.parameters) != len(arguments):
                takes = f"it takes {len(macro.parameters or ())}"
                words = f"macro `{name}` with {len(arguments)} arguments — {takes}"
                self._say(line(node), "arity", words)
            if self._below(place, node):
                self._say(line(node), "order", f"macro `{name}` is defined below — move it up")
        elif name in self.api.functions:
            self._built_in(name, self.api.functions[name], arguments, node)
        else:
            self._say(line(node), "call", self._unknown(name))

    def _built_in(self, name: str, known: Signature, arguments: list[Node], node: Node) -> None:
        self._meaning(name, line(node))
        if not known.least <= len(arguments) <= known.most:
            takes = f"{known.least}" + (f" to {known.most}" if known.most != known.least else "")
            words = f"`{name}` with {len(arguments)} arguments — it takes {takes}"
            self._say(line(node), "arity", words)
            return
        for place, family in known.families.items():
            if place > len(arguments) or arguments[place - 1].type != "identifier":
                continue
            constant = text(arguments[place - 1])
            families = self.api.constants.get(constant)
            if families is not None and family not in families:
                words = f"`{constant}` is not of {family}, which `{name}` takes — another function?"
                self._say(line(arguments[place - 1]), "family", words)

    def _methods(self, owner: str, name: str) -> list[Function]:
        owners = {kind.name for kind in self.unit.lineage(owner)}
        return [one for one in self.unit.methods.get(name, ()) if one.owner in owners]

    def _arity_of(self, among: list[Function], name: str, given: list[Node], node: Node) -> None:
        if not among:
            self._say(line(node), "call", f"`{text(node)}` is nowhere — define it")
        elif not any(one.least <= len(given) <= one.most for one in among):
            takes = " or ".join(sorted({f"{one.least}–{one.most}" for one in among}))
            words = f"`{name}` with {len(given)} arguments — it takes {takes}"
            self._say(line(node), "arity", words)

    def _method(self, called: Node, arguments: list[Node], scope: Scope) -> None:
        value, name_node = (
            called.child_by_field_name("argument"),
            called.child_by_field_name("field"),
        )
        name = text(name_node) if name_node is not None else ""
        owner = self._type_of(value, scope) if value is not None else ""
        if owner in self.unit.types:
            self._arity_of(self._methods(owner, name), name, arguments, called)
        elif owner or name not in self.unit.methods:
            words = f"`{text(called)}` — {owner or 'no type here'} has no method `{name}`"
            self._say(line(called), "call", words)

    # -- members

    def _field(self, node: Node, scope: Scope) -> None:
        above = node.parent
        if above is not None and above.child_by_field_name("function") == node:
            return
        value, name_node = node.child_by_field_name("argument"), node.child_by_field_name("field")
        name = text(name_node) if name_node is not None else ""
        owner = self._type_of(value, scope) if value is not None else ""
        if not owner:
            return
        if owner in self.unit.types:
            known = any(name in kind.fields for kind in self.unit.lineage(owner))
        else:
            known = name in self.api.structures.get(owner, ())
        if not known:
            other = name in self.other.structures.get(owner, ())
            where = " in this dialect" if other else ""
            self._say(
                line(node), "member", f"`{owner}` has no `{name}`{where} — see its definition"
            )

    def _type_of(self, node: Node, scope: Scope) -> str:
        """The type of a value; empty when it is not plain."""
        name = text(node)
        if node.type == "this" or name == "this":
            return scope.owner
        if node.type == "identifier":
            if name in scope.local:
                return scope.local[name]
            for kind in self.unit.lineage(scope.owner):
                if name in kind.fields:
                    return kind.fields[name]
            return self.unit.variables.get(name, ("", (0, 0)))[0]
        if node.type in ("subscript_expression", "field_expression"):
            value = node.child_by_field_name("argument")
            owner = self._type_of(value, scope) if value is not None else ""
            if node.type == "subscript_expression":
                return owner
            member = node.child_by_field_name("field")
            for kind in self.unit.lineage(owner):
                if member is not None and text(member) in kind.fields:
                    return kind.fields[text(member)]
        return ""

    def _member_name(self, node: Node, scope: Scope) -> None:
        self._length(text(node), node)


_RULES = {
    "identifier": Names._identifier,
    "type_identifier": Names._type,
    "primitive_type": Names._type,
    "call_expression": Names._call,
    "field_expression": Names._field,
    "field_identifier": Names._member_name,
}
