"""What the files of one program declare: functions, types, variables, macros, in reading order.

`program.py` gathers them from all parts before `names.py` looks any name up: MetaEditor lets a
function be called above its definition, but not a macro, a type or a variable be used there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.mql.lint.directives import Macro, Part
from tests.mql.lint.syntax import line, text, walk
from tree_sitter import Node

Place = tuple[int, int]  # the part's number in the unit, and the line


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type without const, how it is taken, and its name."""

    type: str
    name: str
    reference: bool
    array: bool
    default: bool


@dataclass(frozen=True)
class Function:
    """A function or method as declared; `body` tells a definition from a prototype."""

    name: str
    owner: str
    result: str
    parameters: tuple[Parameter, ...]
    place: Place
    body: bool

    @property
    def least(self) -> int:
        return sum(not parameter.default for parameter in self.parameters)

    @property
    def most(self) -> int:
        return len(self.parameters)

    @property
    def shape(self) -> tuple[str, str, tuple[tuple[str, bool], ...]]:
        kinds = tuple((parameter.type, parameter.array) for parameter in self.parameters)
        return self.owner, self.name, kinds


@dataclass
class Type:
    """A struct, class or enum: its fields with their types, its methods, its base."""

    name: str
    place: Place
    base: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Unit:
    """Everything that one program declares, over all of its files."""

    functions: dict[str, list[Function]] = field(default_factory=dict)
    methods: dict[str, list[Function]] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    variables: dict[str, tuple[str, Place]] = field(default_factory=dict)
    enumerators: dict[str, tuple[str, Place]] = field(default_factory=dict)
    macros: dict[str, tuple[Macro, Place]] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)
    twice: list[tuple[Place, str]] = field(default_factory=list)
    included_at: list[tuple[int, ...]] = field(default_factory=list)

    def below(self, place: Place, other: Place) -> bool:
        """Whether the compiler meets `place` after `other`."""
        first, second = ((*self.included_at[part], row) for part, row in (place, other))
        return first > second

    def place(self, name: str) -> Place | None:
        """Where a name that must stand above its use is declared."""
        for found in (self.variables, self.enumerators, self.macros):
            if name in found:
                return found[name][1]
        return self.types[name].place if name in self.types else None

    def has_type(self, name: str) -> bool:
        return name in self.types

    def lineage(self, name: str) -> Iterator[Type]:
        """A type and its bases."""
        seen: set[str] = set()
        while name in self.types and name not in seen:
            seen.add(name)
            yield self.types[name]
            name = self.types[name].base

    def gather(self, number: int, part: Part, root: Node) -> None:
        """Takes in what one part declares."""
        self.included_at.append(part.included_at)
        self.inputs |= part.inputs
        for macro in part.macros:
            if macro.name in self.macros:
                self.twice.append(((number, macro.line), macro.name))
            self.macros[macro.name] = (macro, (number, macro.line))
        for node in root.named_children:
            self._take(number, node)

    def _take(self, number: int, node: Node) -> None:
        kind = node.child_by_field_name("type")
        if kind is not None and kind.child_by_field_name("body") is not None:
            self._type(number, kind)
        elif node.child_by_field_name("body") is not None and node.type.endswith("_specifier"):
            self._type(number, node)
        if node.type == "function_definition":
            self._function(number, node, node, "", body=True)
        elif node.type == "declaration":
            for declarator in node.children_by_field_name("declarator"):
                if function_declarator(declarator) is not None:
                    self._function(number, node, declarator, "", body=False)
                    continue
                name = declared_name(declarator)
                if "::" in name:
                    continue
                if name in self.variables:
                    self.twice.append(((number, line(node)), name))
                self.variables[name] = (type_name(node), (number, line(node)))

    def _type(self, number: int, node: Node) -> None:
        name_node = node.child_by_field_name("name")
        name = text(name_node) if name_node is not None else ""
        found = Type(name, (number, line(node)))
        if name and name in self.types:
            self.twice.append((found.place, name))
        if name:
            self.types[name] = found
        for child in node.named_children:
            if child.type == "base_class_clause":
                bases = [text(one) for one in child.named_children if one.type == "type_identifier"]
                found.base = bases[0] if bases else ""
        body = node.child_by_field_name("body")
        assert body is not None
        if node.type == "enum_specifier":
            for one in body.named_children:
                if one.type == "enumerator":
                    self._enumerator(number, name, one)
            return
        for member in body.named_children:
            self._member(number, found, member)

    def _enumerator(self, number: int, owner: str, node: Node) -> None:
        name_node = node.child_by_field_name("name")
        name = text(name_node) if name_node is not None else ""
        if name in self.enumerators:
            self.twice.append(((number, line(node)), name))
        self.enumerators[name] = (owner, (number, line(node)))

    def _member(self, number: int, owner: Type, member: Node) -> None:
        if member.type == "function_definition":
            self._function(number, member, member, owner.name, body=True)
        for declarator in member.children_by_field_name("declarator"):
            if member.type == "function_definition":
                continue
            if function_declarator(declarator) is not None:
                self._function(number, member, declarator, owner.name, body=False)
            else:
                owner.fields[declared_name(declarator)] = type_name(member)

    def _function(
        self, number: int, node: Node, declarator: Node, owner: str, *, body: bool
    ) -> None:
        inner = function_declarator(declarator)
        if inner is None:
            return
        name_node = inner.child_by_field_name("declarator")
        name = text(name_node) if name_node is not None else ""
        if "::" in name:
            owner, name = name.rsplit("::", 1)
        place = (number, line(node))
        made = Function(name, owner, type_name(node), parameters(inner), place, body)
        among = (self.methods if owner else self.functions).setdefault(name, [])
        if body and any(one.body and one.shape == made.shape for one in among):
            self.twice.append((place, name))
        among.append(made)


def function_declarator(node: Node) -> Node | None:
    """The function declarator in a declarator, through references and pointers."""
    seen: Node | None = node
    while seen is not None and seen.type not in ("function_declarator", "array_declarator"):
        if seen.type == "init_declarator":
            return None
        below = seen.child_by_field_name("declarator")
        if below is None and seen.type in ("reference_declarator", "pointer_declarator"):
            below = seen.named_children[-1] if seen.named_children else None
        seen = below
    return seen if seen is not None and seen.type == "function_declarator" else None


def declared_name(node: Node) -> str:
    """The name that a declarator declares, empty when it has none."""
    for one in walk(node):
        if one.type in ("identifier", "field_identifier", "qualified_identifier"):
            return text(one)
    return ""


def type_name(node: Node) -> str:
    """The type of a declaration, without const and static."""
    kind = node.child_by_field_name("type")
    if kind is None:
        return ""
    name = kind.child_by_field_name("name")
    return text(name) if name is not None and kind.type.endswith("_specifier") else text(kind)


def parameters(declarator: Node) -> tuple[Parameter, ...]:
    """The parameters of a function declarator; `(void)` has none."""
    listed = declarator.child_by_field_name("parameters")
    found: list[Parameter] = []
    for node in listed.named_children if listed is not None else ():
        if node.type not in ("parameter_declaration", "optional_parameter_declaration"):
            continue
        inner = node.child_by_field_name("declarator")
        kinds = {one.type for one in walk(inner)} if inner is not None else set()
        reference = any("reference_declarator" in kind for kind in kinds)
        array = any(kind.endswith("array_declarator") for kind in kinds)
        name = declared_name(inner) if inner is not None else ""
        default = node.type == "optional_parameter_declaration"
        found.append(Parameter(type_name(node), name, reference, array, default))
    if len(found) == 1 and found[0].type == "void" and not found[0].name:
        return ()
    return tuple(found)
