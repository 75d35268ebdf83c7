"""What a FIX message may contain: names, layouts and validation; used by session and gateways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from thft import _native
from thft.base.errors import LocalError
from thft.fix import _rules_py as rules
from thft.fix._values_py import LARGEST_NAMED_TAG
from thft.fix.fix44.fields import FIELDS
from thft.fix.fix44.messages import MESSAGES, PARTS, TYPES
from thft.fix.fix44.notation import (
    Field,
    Item,
    changed,
    changed_field,
    expanded,
    parse,
    parse_values,
    walk,
)
from thft.fix.fix44.values import VALUES
from thft.fix.tags import MSG_TYPE
from thft.fix.terms import REJECT_TEXTS, BadGroup, Checks, GroupShape, Reject
from thft.fix.wire import Layout, Message

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.fix._rules_py import Rules
else:
    from thft.fix._rules import Rules

STRICT = Checks()

_FORMS = {
    "STRING": rules.ANY,
    "CURRENCY": rules.ANY,
    "COUNTRY": rules.ANY,
    "EXCHANGE": rules.ANY,
    "DATA": rules.ANY,
    "MULTIPLEVALUESTRING": rules.WORDS,
    "INT": rules.INT,
    "SEQNUM": rules.UNSIGNED,
    "LENGTH": rules.UNSIGNED,
    "NUMINGROUP": rules.UNSIGNED,
    "FLOAT": rules.FLOAT,
    "PRICE": rules.FLOAT,
    "PRICEOFFSET": rules.FLOAT,
    "QTY": rules.FLOAT,
    "AMT": rules.FLOAT,
    "PERCENTAGE": rules.FLOAT,
    "CHAR": rules.CHAR,
    "BOOLEAN": rules.BOOLEAN,
    "UTCTIMESTAMP": rules.UTC,
    "UTCTIMEONLY": rules.CLOCK,
    "UTCDATEONLY": rules.DATE,
    "LOCALMKTDATE": rules.DATE,
    "MONTHYEAR": rules.MONTH,
}


@cache
def _lax_bits(checks: Checks) -> int:
    """Returns a bit for every rule that is switched off."""
    return sum(1 << at for at, on in enumerate(checks) if not on)


class Dictionary:
    """The messages of one version of FIX, or of one venue's dialect of it.

    `fix44()` is the standard one; `with_overlay` makes others from it. Immutable.
    """

    def __init__(
        self,
        fields: Mapping[int, Field],
        names: Mapping[str, str],
        parts: Mapping[str, tuple[Item, ...]],
        bodies: Mapping[str, tuple[Item, ...]],
    ) -> None:
        self.fields = {**fields, MSG_TYPE: fields[MSG_TYPE]._replace(values=names)}
        self.names = names
        """Message type → name, also of types whose fields are not in the dictionary."""
        self._parts = parts
        self._bodies = bodies
        self._tags = {field.name: field.tag for field in fields.values()}
        for where, items in (*parts.items(), *bodies.items()):
            _check_tags(where, items, fields)

    def field_name(self, tag: int) -> str | None:
        """Returns the name of a tag."""
        field = self.fields.get(tag)
        return field.name if field else None

    def tag(self, name: str) -> int:
        """Returns the tag of a field name; raises LocalError."""
        if name not in self._tags:
            raise LocalError(f"no field is named {name!r}", "check the spelling, as in OrderQty")
        return self._tags[name]

    def value_name(self, tag: int, value: str) -> str | None:
        """Returns the name of an enumerated value, as Buy for 54=1."""
        field = self.fields.get(tag)
        return field.values.get(value) if field else None

    def validate(self, message: Message, checks: Checks = STRICT) -> Reject | None:
        """Returns what a Reject of this message has to say, None for a good one.

        Fields are judged in wire order, the first fault counts; missing fields come last.
        MsgSeqNum, CompIDs and times against the clock are the session's business.
        """
        verdict = self._rules.check(message, 0 if checks is STRICT else _lax_bits(checks))
        if verdict is None:
            return None
        reason, tag, group, delimiter = verdict
        if group:
            text = f"The group {group} must set the delimiter field {delimiter}"
            return Reject(reason, tag, text)
        return Reject(reason, tag, REJECT_TEXTS[reason])

    def items(self, msg_type: str) -> tuple[Item, ...]:
        """Returns the body of a message in the notation of the tables, nothing when it is open."""
        return expanded(self._bodies.get(msg_type, ()), self._parts)

    def part(self, name: str) -> tuple[Item, ...]:
        """Returns the fields of a part such as Header, Trailer or Instrument."""
        return expanded(self._parts[name], self._parts)

    def group_ends(self, msg_type: str) -> Mapping[int, frozenset[int]]:
        """Returns count tag → the tags that end that group, for all groups of a message."""
        return self._ends.get(msg_type, {})

    def group(self, msg_type: str, count_tag: int) -> GroupShape:
        """Returns the shape of a repeating group, for `Fields.groups`; raises LocalError."""
        ends = self.group_ends(msg_type).get(count_tag)
        if ends is None:
            raise LocalError(
                f"message {msg_type} has no repeating group {count_tag}",
                "declare it in the dialect's dictionary",
            )
        return GroupShape(count_tag, ends)

    def layout(
        self, msg_type: str, spec: Sequence[tuple[int, Any]], timestamp_digits: int = 3
    ) -> Layout:
        """Returns a layout of `spec` whose groups end where this dictionary says.

        Raises LocalError when a group is not defined for the message.
        """
        ends = {tag: self.group(msg_type, tag).ends for tag in _count_tags(spec)}
        return Layout(spec, ends, timestamp_digits)

    def body(self, message: Message) -> list[tuple[int, Any]]:
        """Returns the body fields of a message as `pack` takes them, groups as entries.

        Values keep their bytes. Raises BadGroup when a count and its entries disagree.
        """
        outside = self._header_tags | self._trailer_tags
        inside = [field for field in message.fields() if field[0] not in outside]
        return _nested(inside, self.group_ends(message.type))

    def with_overlay(self, overlay: Mapping[str, Any]) -> Dictionary:
        """Returns a dictionary with a dialect's changes; raises LocalError naming a wrong key.

        `fields`: tag → name, type, values, add_values, remove_values (`1=Buy 2=Sell`).
        `parts` and `messages`: name or type → add, remove, required, optional (in the notation
        of the tables) and `groups`: count tag → the same for its members. A new message has
        `name` and `body`.
        """
        if unknown := set(overlay) - {"fields", "parts", "messages"}:
            raise LocalError(f"overlay: no key {min(unknown)!r}", "use fields, parts, messages")
        fields = dict(self.fields)
        for text, one in dict(overlay.get("fields", {})).items():
            tag = _tag(text)
            fields[tag] = changed_field(tag, fields.get(tag), one)
            _form(tag, fields[tag].type)
        parts = dict(self._parts)
        for name, one in dict(overlay.get("parts", {})).items():
            if name not in parts:
                raise LocalError(f"overlay: no part {name!r}", f"use {', '.join(parts)}")
            items = changed(expanded(parts[name], parts), one, f"parts.{name}")
            parts[name] = expanded(items, parts)
        names, bodies = dict(self.names), dict(self._bodies)
        for kind, one in dict(overlay.get("messages", {})).items():
            changes = dict(one)
            names[kind] = changes.pop("name", names.get(kind, kind))
            if "body" in changes:
                bodies[kind] = parse(changes.pop("body"))
            body = expanded(bodies.get(kind, ()), parts)
            bodies[kind] = expanded(changed(body, changes, f"messages.{kind}"), parts)
        return Dictionary(fields, names, parts, bodies)

    @cached_property
    def _header_tags(self) -> frozenset[int]:
        return frozenset(item.tag for item in walk(self.part("Header")))

    @cached_property
    def _trailer_tags(self) -> frozenset[int]:
        return frozenset(item.tag for item in walk(self.part("Trailer")))

    @cached_property
    def _ends(self) -> dict[str, dict[int, frozenset[int]]]:
        """Message type → count tag → the tags that end that group."""
        around = (*self.part("Header"), *self.part("Trailer"))
        found: dict[str, dict[int, frozenset[int]]] = {kind: {} for kind in self.names}
        for kind, ends in found.items():
            _collect_ends((*around, *self.items(kind)), frozenset(), ends)
        return found

    @cached_property
    def _rules(self) -> Rules:
        return Rules(*self._compiled())

    def _compiled(
        self,
    ) -> tuple[
        dict[int, tuple[int, frozenset[bytes] | None]],
        list[list[rules.Rule]],
        dict[str, tuple[int, bool]],
    ]:
        """Returns what `Rules` are made of."""
        compiler = _Compiler()
        header, trailer = self.part("Header"), self.part("Trailer")
        messages = {}
        for kind in self.names:
            scope = (
                compiler.rules(header, rules.HEADER)
                + compiler.rules(self.items(kind), rules.BODY)
                + compiler.rules(trailer, rules.TRAILER)
            )
            messages[kind] = compiler.add(scope), kind not in self._bodies
        fields = {
            field.tag: (
                _form(field.tag, field.type),
                frozenset(value.encode() for value in field.values) if field.values else None,
            )
            for field in self.fields.values()
        }
        return fields, compiler.scopes, messages


class _Compiler:
    """Numbers the scopes of all messages; equal groups share one."""

    def __init__(self) -> None:
        self.scopes: list[list[rules.Rule]] = []
        self._groups: dict[tuple[Item, ...], int] = {}

    def add(self, scope: list[rules.Rule]) -> int:
        self.scopes.append(scope)
        return len(self.scopes) - 1

    def rules(self, items: tuple[Item, ...], section: int) -> list[rules.Rule]:
        return [
            (item.tag, section, item.required, self._group(item.members) if item.members else -1)
            for item in items
        ]

    def _group(self, members: tuple[Item, ...]) -> int:
        if members not in self._groups:
            self._groups[members] = self.add(self.rules(members, rules.BODY))
        return self._groups[members]


def _check_tags(where: str, items: Iterable[Item], fields: Mapping[int, Field]) -> None:
    for item in walk(items):
        if item.part:
            continue
        if item.tag not in fields:
            raise LocalError(f"{where}: tag {item.tag} is no field", "define it under fields")
        if item.members and fields[item.tag].type != "NUMINGROUP":
            raise LocalError(f"{where}: tag {item.tag} is no count", "make its type NUMINGROUP")


def _collect_ends(
    items: tuple[Item, ...], outside: frozenset[int], found: dict[int, frozenset[int]]
) -> None:
    level = outside | {item.tag for item in items}
    for item in items:
        if item.members:
            found[item.tag] = level - {member.tag for member in walk(item.members)}
            _collect_ends(item.members, level, found)


def _count_tags(spec: Sequence[tuple[int, Any]]) -> Iterable[int]:
    for tag, kind in spec:
        if not isinstance(kind, str):
            yield tag
            yield from _count_tags(kind)


def _nested(
    fields: list[tuple[int, bytes]], ends: Mapping[int, frozenset[int]]
) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    at = 0
    while at < len(fields):
        tag, value = fields[at]
        at += 1
        if tag not in ends:
            found.append((tag, value))
            continue
        count = int(value) if value.isdigit() and len(value) < 10 else -1
        entries = []
        delimiter = fields[at][0] if count and at < len(fields) else 0
        stops = ends[tag] | {delimiter}
        while at < len(fields) and fields[at][0] == delimiter:
            begin = at
            at += 1
            while at < len(fields) and fields[at][0] not in stops:
                at += 1
            entries.append(_nested(fields[begin:at], ends))
        if len(entries) != count:
            raise BadGroup(tag, count, len(entries))
        found.append((tag, entries))
    return found


def _form(tag: int, kind: str) -> int:
    if kind not in _FORMS:
        raise LocalError(f"fields.{tag}: no type {kind!r}", f"use one of {', '.join(_FORMS)}")
    return _FORMS[kind]


def _tag(text: Any) -> int:
    if not str(text).isdecimal() or not 0 < int(text) <= LARGEST_NAMED_TAG:
        raise LocalError(f"overlay: {text!r} is no tag", f"write 1 to {LARGEST_NAMED_TAG}")
    return int(text)


@cache
def fix44() -> Dictionary:
    """Returns the dictionary of FIX 4.4."""
    fields = {}
    for line in FIELDS.strip().splitlines():
        tag, name, kind = line.split()
        fields[int(tag)] = Field(int(tag), name, kind, parse_values(VALUES.get(int(tag), "")))
    names = dict(line.split() for line in TYPES.strip().splitlines())
    parts = {name: parse(text) for name, text in PARTS.items()}
    return Dictionary(fields, names, parts, {kind: parse(text) for kind, text in MESSAGES.items()})
