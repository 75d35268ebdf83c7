"""How fields and messages are written down in tables and overlays: parsed and changed here.

The notation stands in `fix44.messages`; `thft.fix.dictionary` is the only caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from thft.base.errors import LocalError

_TOKEN = re.compile(r"@?\w+!?|[][]|\S")
_FIELD_KEYS = ("name", "type", "values", "add_values", "remove_values")
_CHANGES = ("add", "remove", "required", "optional", "groups")


@dataclass(frozen=True, slots=True)
class Item:
    """A field, a repeating group (it has members), or a part that stands for its fields."""

    tag: int
    required: bool = False
    members: tuple[Item, ...] = ()
    part: str = ""


class Field(NamedTuple):
    """One field: its type in FIX's words, and value → name where it is enumerated."""

    tag: int
    name: str
    type: str
    values: Mapping[str, str]


def parse(text: str) -> tuple[Item, ...]:
    """Returns the items of a text in notation; raises LocalError."""
    stack: list[list[Item]] = [[]]
    for token in _TOKEN.findall(text):
        name, required = token.removesuffix("!"), token.endswith("!")
        if token == "[" and stack[-1]:
            stack.append([])
        elif token == "]" and len(stack) > 1 and stack[-1]:
            members = tuple(stack.pop())
            stack[-1][-1] = replace(stack[-1][-1], members=members)
        elif name.isdecimal():
            stack[-1].append(Item(int(name), required))
        elif name.startswith("@"):
            stack[-1].append(Item(0, required, part=name[1:]))
        else:
            raise LocalError(f"{token!r} is no notation of fields", "write 55 38! 146[55 1007]")
    if len(stack) > 1:
        raise LocalError(f"a bracket is open in {text!r}", "close it")
    return tuple(stack[0])


def expanded(items: Iterable[Item], parts: Mapping[str, tuple[Item, ...]]) -> tuple[Item, ...]:
    """Returns items with every part replaced by its fields; raises LocalError."""
    found: list[Item] = []
    for item in items:
        if not item.part:
            found.append(replace(item, members=expanded(item.members, parts)))
        elif item.part not in parts:
            raise LocalError(f"no part {item.part!r}", f"use one of {', '.join(parts)}")
        else:
            inside = expanded(parts[item.part], parts)
            found += inside if item.required else [replace(one, required=False) for one in inside]
    return tuple(found)


def changed(items: tuple[Item, ...], changes: Mapping[str, Any], where: str) -> tuple[Item, ...]:
    """Returns items after the changes of an overlay; raises LocalError naming `where`."""
    for key in changes:
        if key not in _CHANGES:
            raise LocalError(f"{where}: no key {key!r}", f"use {', '.join(_CHANGES)}")
    tags = {name: _tags(changes.get(name, ""), where) for name in _CHANGES[1:4]}
    there = {item.tag for item in items}
    if absent := set().union(*tags.values()) - there:
        raise LocalError(f"{where}: no tag {min(absent)} to change", "name a tag that is there")
    kept = [
        replace(
            item,
            required=item.tag in tags["required"]
            or (item.required and item.tag not in tags["optional"]),
        )
        for item in items
        if item.tag not in tags["remove"]
    ]
    for text, inner in dict(changes.get("groups", {})).items():
        if not str(text).isdecimal():
            raise LocalError(f"{where}.groups: {text!r} is no tag", "name a count tag")
        kept = _in_group(kept, int(text), inner, f"{where}.groups.{text}")
    added = parse(str(changes.get("add", "")))
    if twice := {item.tag for item in added} & {item.tag for item in kept}:
        raise LocalError(f"{where}: tag {min(twice)} is there already", "remove it first")
    return (*kept, *added)


def _tags(text: Any, where: str) -> set[int]:
    words = str(text).split()
    if not all(word.isdecimal() for word in words):
        raise LocalError(f"{where}: {text!r} is no list of tags", "write tags with blanks between")
    return {int(word) for word in words}


def _in_group(items: list[Item], tag: int, inner: Any, where: str) -> list[Item]:
    """Returns items with the members of group `tag`, at any depth, changed."""
    if not any(_holds(item, tag) for item in items):
        raise LocalError(f"{where}: no such group", "name the count tag of a group that is there")
    found = []
    for item in items:
        if item.tag == tag and item.members:
            item = replace(item, members=changed(item.members, inner, where))
        elif _holds(item, tag):
            item = replace(item, members=tuple(_in_group(list(item.members), tag, inner, where)))
        found.append(item)
    return found


def _holds(item: Item, tag: int) -> bool:
    if item.tag == tag and item.members:
        return True
    return any(_holds(member, tag) for member in item.members)


def walk(items: Iterable[Item]) -> Iterable[Item]:
    """Yields items and all members of their groups."""
    for item in items:
        yield item
        yield from walk(item.members)


def changed_field(tag: int, field: Field | None, changes: Mapping[str, Any]) -> Field:
    """Returns a field after the changes of an overlay; raises LocalError."""
    if unknown := set(changes) - set(_FIELD_KEYS):
        raise LocalError(f"fields.{tag}: no key {min(unknown)!r}", f"use {', '.join(_FIELD_KEYS)}")
    if field is None and not {"name", "type"} <= set(changes):
        raise LocalError(f"fields.{tag}: a new field has a name and a type", "write both")
    kind = changes.get("type", field.type if field else "")
    values = dict(field.values) if field else {}
    if "values" in changes:
        values = parse_values(changes["values"])
    values |= parse_values(changes.get("add_values", ""))
    for value in str(changes.get("remove_values", "")).split():
        if values.pop(value, None) is None:
            raise LocalError(f"fields.{tag}: no value {value!r} to remove", "name one it has")
    return Field(tag, changes.get("name", field.name if field else ""), kind, values)


def parse_values(text: str) -> dict[str, str]:
    """Returns value → name of `1=Buy 2=Sell`; raises LocalError."""
    found = {}
    for pair in str(text).split():
        value, _, name = pair.partition("=")
        if not (value and name):
            raise LocalError(f"{pair!r} is no value with its name", "write 1=Buy 2=Sell")
        found[value] = name
    return found
