"""C++ that MetaEditor does not take, or that these sources do without; `program.py` calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mql.lint.api import structures
from tests.mql.lint.declarations import Unit, declared_name, parameters, type_name
from tests.mql.lint.syntax import line, text, walk
from tree_sitter import Node

Report = tuple[int, str, str]

WORDS = {
    "auto": "write the type",
    "constexpr": "use #define or const",
    "nullptr": "use NULL",
    "new": "use arrays of structs",
    "delete": "use arrays of structs",
    "try": "test the result",
    "catch": "test the result",
    "throw": "return what went wrong",
    "noexcept": "leave it out",
    "namespace": "begin the names alike instead",
    "goto": "use a loop or a function",
    "using": "write the name out",
    "typedef": "write the type out",
    "template": "write the function for each type",
    "typename": "write the function for each type",
    "extern": "declare it above its first use (MQL4 makes an input of it)",
    "friend": "make it public",
    "union": "use StringToCharArray or arithmetic",
    "inline": "leave it out",
    "mutable": "leave it out",
    "volatile": "leave it out",
    "register": "leave it out",
    "explicit": "leave it out",
    "override": "leave it out",
    "final": "leave it out",
    "decltype": "write the type",
    "typeid": "write the type",
    "static_assert": "leave it out",
    "static_cast": "use (type)value",
    "const_cast": "change the parameter",
    "reinterpret_cast": "copy the bytes",
    "dynamic_cast": "do without pointers",
    "unsigned": "use uchar, ushort, uint or ulong",
    "signed": "use char, short, int or long",
    "size_t": "use int",
    "wchar_t": "use ushort",
    "asm": "leave it out",
    "co_await": "use a timer",
    "thread_local": "leave it out",
    "alignas": "leave it out",
    "interface": "use functions",
}
WORD = re.compile(r"\b(" + "|".join(WORDS) + r")\b|(->)|\b(std\s*::)")
NODES = {
    "lambda_expression": "a lambda — write a function",
    "for_range_loop": "a loop over a range — count with an index",
    "structured_binding_declarator": "a structured binding — declare each",
    "pointer_declarator": "a pointer — use a reference parameter or an array",
    "pointer_expression": "`*` or `&` before a value — MQL has no addresses",
    "raw_string_literal": "a raw text — use escapes",
    "concatenated_string": "texts side by side — join them with +",
    "compound_literal_expression": "a value made by braces — declare and assign it",
    "labeled_statement": "a label — use a loop or a function",
    "operator_name": "an operator of one's own — write a function",
    "operator_cast": "an operator of one's own — write a function",
    "template_type": "a template — write it for each type",
    "template_function": "a template — write it for each type",
    "new_expression": "new — use arrays of structs",
    "user_defined_literal": "a literal with a suffix of its own",
    "abstract_function_declarator": "a function pointer — use switch",
}
NUMBER = re.compile(
    r"(0[xX][0-9A-Fa-f]+|(?:0|[1-9]\d*)|(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?)"
)


def banned(code: str, macros: list[tuple[int, str]]) -> Iterator[Report]:
    """Words and signs that must stand nowhere, macros included."""
    rows = [*enumerate(code.split("\n"), 1), *macros]
    for number, row in rows:
        bare = re.sub(r"\"[^\"]*\"", '""', row)
        for match in WORD.finditer(bare):
            if match[1]:
                yield number, "subset", f"`{match[1]}` — {WORDS[match[1]]}"
            elif match[2]:
                yield number, "subset", "`->` — MQL has `.` alone"
            else:
                yield number, "subset", "`std::` — MQL has no standard library"


def constructs(root: Node, unit: Unit) -> Iterator[Report]:
    """Constructs of the tree that must not stand there."""
    objects = {name for name, kind in unit.types.items() if kind.fields or _has_methods(unit, name)}
    objects |= {*structures.STRUCTURES_BOTH, *structures.STRUCTURES_MQL5}
    for node in walk(root):
        if node.type in NODES:
            yield line(node), "subset", NODES[node.type]
        check = _CHECKS.get(node.type)
        if check is not None:
            for words in check(node, unit, objects):
                yield line(node), "subset", words


def _has_methods(unit: Unit, name: str) -> bool:
    return any(one.owner == name for several in unit.methods.values() for one in several)


def _declaration(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    local = _inside(node, "function_definition")
    static = any(text(one) == "static" for one in node.children)
    if node.parent is not None and node.parent.type in ("condition_clause", "init_statement"):
        yield "a declaration inside a condition — declare it before"
    for declarator in node.children_by_field_name("declarator"):
        kinds = [one.type for one in walk(declarator)]
        if declarator.type == "init_declarator":
            inner = declarator.child_by_field_name("declarator")
            value = declarator.child_by_field_name("value")
            kinds = [one.type for one in walk(inner)] if inner is not None else []
            equals = any(text(one) == "=" for one in declarator.children)
            if value is not None and value.type == "initializer_list" and not equals:
                yield "braces without `=` — write `= {…}`"
            if local and static and value is not None and not _constant(value, unit):
                yield "a static variable that begins with a computed value — assign it in the code"
        if local and "reference_declarator" in kinds:
            yield "a local reference — use the element itself, or a reference parameter"
        if "parenthesized_declarator" in kinds:
            yield "a function pointer — use switch"


def _field(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    if node.child_by_field_name("default_value") is not None:
        yield "a member with a value in its class — assign it in the constructor or a function"
    for declarator in node.children_by_field_name("declarator"):
        if "parenthesized_declarator" in {one.type for one in walk(declarator)}:
            yield "a function pointer — use switch"


def _function(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    above = node.parent
    if above is not None and above.type == "reference_declarator":
        yield "a function that returns a reference — return a value or take a reference"
    if not _heads(node):
        return
    for parameter in parameters(node):
        if parameter.array and not parameter.reference:
            yield f"array `{parameter.name}` by value — write `&{parameter.name}[]`"
        if parameter.type in objects and not parameter.reference:
            yield f"struct `{parameter.name}` by value — write `const {parameter.type} &`"
        if parameter.name in structures.RESERVED.split():
            yield f"`{parameter.name}` is a word of MQL — rename it"
    if any(one.type == "trailing_return_type" for one in node.children):
        yield "a result type behind the function — write it before"


def _heads(node: Node) -> bool:
    above = node.parent
    while above is not None and above.type in ("reference_declarator", "pointer_declarator"):
        above = above.parent
    return above is not None and above.type in ("function_definition", "field_declaration")


def _array(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    size = node.child_by_field_name("size")
    if size is not None and not _constant(size, unit):
        yield f"array of size `{text(size)}` — a number or a macro, or ArrayResize"


def _constant(value: Node, unit: Unit) -> bool:
    """Whether a value is known when MetaEditor compiles."""
    for one in walk(value):
        if one.type in ("call_expression", "field_expression", "subscript_expression"):
            return False
        if one.type == "identifier":
            name = text(one)
            if name not in unit.macros and name not in unit.enumerators and not name.isupper():
                return False
    return True


def _switch(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    condition = node.child_by_field_name("condition")
    body = node.child_by_field_name("body")
    named = text(condition).strip("() ") if condition is not None else ""
    kind = unit.variables.get(named, ("", (0, 0)))[0] or _local_type(node, named)
    labels = [one.child_by_field_name("value") for one in body.named_children] if body else []
    if kind == "string" or any(one is not None and one.type == "string_literal" for one in labels):
        yield "switch on a text — compare with if"


def _local_type(node: Node, name: str) -> str:
    above: Node | None = node
    while above is not None and above.type != "function_definition":
        above = above.parent
    for one in walk(above) if above is not None else ():
        if one.type in ("declaration", "parameter_declaration", "optional_parameter_declaration"):
            for declarator in one.children_by_field_name("declarator"):
                if declared_name(declarator) == name:
                    return type_name(one)
    return ""


def _assignment(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    right, left = node.child_by_field_name("right"), node.child_by_field_name("left")
    if right is not None and right.type == "initializer_list":
        yield "a list in braces assigned — only a declaration takes one"
    if left is not None and text(left) in unit.inputs:
        yield f"the input `{text(left)}` is constant — copy it into a variable"


def _braces(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    above = node.parent
    if above is not None and above.type in ("argument_list", "return_statement"):
        yield "a value made by braces — declare and assign it"


def _qualified(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    scope = node.child_by_field_name("scope")
    name = text(scope) if scope is not None else ""
    if (name not in objects or name not in unit.types) and name != "std":
        yield f"`{name}::` is no class of these sources — write the plain name"


def _comma(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    if not _inside(node, "for_statement", directly=True):
        yield "two expressions with a comma — write two statements"


def _number(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    if not NUMBER.fullmatch(text(node).removeprefix("-")):
        yield f"number `{text(node)}` — decimal or 0x without suffix, ' and leading zero"


def _sized(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    if text(node) not in ("long", "short"):
        yield f"`{text(node)}` is C — use uint, ulong, ushort or long"


def _enum(node: Node, unit: Unit, objects: set[str]) -> Iterator[str]:
    if any(text(one) in ("class", "struct") or text(one) == ":" for one in node.children):
        yield "an enum with class or base type — write `enum Name {…}`"


def _inside(node: Node, kind: str, *, directly: bool = False) -> bool:
    above = node.parent
    while above is not None and above.type != kind:
        above = above.parent if not directly or above.type == "comma_expression" else None
    return above is not None


_CHECKS = {
    "declaration": _declaration,
    "field_declaration": _field,
    "function_declarator": _function,
    "array_declarator": _array,
    "switch_statement": _switch,
    "assignment_expression": _assignment,
    "initializer_list": _braces,
    "qualified_identifier": _qualified,
    "comma_expression": _comma,
    "number_literal": _number,
    "enum_specifier": _enum,
    "sized_type_specifier": _sized,
}
