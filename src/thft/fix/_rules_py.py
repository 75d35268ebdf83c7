"""Validation of one message in Python: twin and specification of `_rules`; via `dictionary`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from struct import Struct
from typing import Any

from thft.fix._values_py import by_tag, is_date, is_utc
from thft.fix._wire_py import Message

ANY, INT, UNSIGNED, FLOAT, CHAR, BOOLEAN, UTC, CLOCK, DATE, MONTH, WORDS = range(11)
HEADER, BODY, TRAILER = range(3)
LAX_VALUES, LAX_ENUMS, LAX_ORDER, LAX_REQUIRED, LAX_UNKNOWN, LAX_USER = 1, 2, 4, 8, 16, 32
FIRST_USER_TAG = 5_000

_RULE = Struct("5i")
_SHAPES = {
    INT: re.compile(rb"-?[0-9]{1,18}"),
    UNSIGNED: re.compile(rb"[0-9]{1,18}"),
    FLOAT: re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"),
    CHAR: re.compile(rb".", re.DOTALL),
    BOOLEAN: re.compile(rb"[YN]"),
    CLOCK: re.compile(
        rb"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
        rb"(?:\.(?:[0-9]{3}|[0-9]{6}|[0-9]{9}|[0-9]{12}))?"
    ),
    MONTH: re.compile(rb"[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]|w[1-5])?"),
}

Rule = tuple[int, int, bool, int]
"""Tag, section, required, and the scope of its group or -1."""
Verdict = tuple[int, str | None, int, int]
"""Reason (373), tag as received (371), and for a missing delimiter group and delimiter."""


class Rules:
    """All that a dictionary demands of messages.

    `fields` gives the format and values of every known tag. A scope is a message (header, body,
    trailer) or the members of a group in order. `messages` names the scope of each type and
    whether it is open: then only the header and the single values are checked.
    """

    def __init__(
        self,
        fields: dict[int, tuple[int, frozenset[bytes] | None]],
        scopes: Sequence[Sequence[Rule]],
        messages: dict[str, tuple[int, bool]],
    ) -> None:
        self.fields = fields
        self.scopes = [{rule[0]: (at, *rule[1:]) for at, rule in enumerate(one)} for one in scopes]
        self.required = [[rule[0] for rule in one if rule[2]] for one in scopes]
        self.messages = messages
        self.inner = [self._inner(at) for at in range(len(scopes))]

    def check(self, message: Message, lax: int) -> Verdict | None:
        """Returns the first broken rule, None when all hold; `lax` has bits of rules to ignore."""
        if message.type not in self.messages:
            empty = message.type == "" and not lax & LAX_VALUES
            return (4, "35", 0, 0) if empty else (11, None, 0, 0)
        scope, is_open = self.messages[message.type]
        try:
            _Walk(self, message, lax, scope, is_open).message()
        except _Broken as broken:
            return broken.verdict
        return None

    def packed(self) -> tuple[list[tuple[bytes, bytes, bytearray, int]], bytes, bytes, list[Any]]:
        """Returns what native code reads.

        For each scope: rules by tag, the rules, room to mark them, and how many are required; the
        scopes of closed types by the number that the bytes of the type make; for each enumeration
        a flag for every byte that is one of its values; the enumerations.
        """
        enums = {tag: values for tag, (_, values) in self.fields.items() if values is not None}
        numbers = {tag: at for at, tag in enumerate(enums)}
        scopes = []
        for scope, required in zip(self.scopes, self.required, strict=True):
            rules = b"".join(
                _RULE.pack(section, self.fields[tag][0], numbers.get(tag, -1), group, needed)
                for tag, (_, section, needed, group) in scope.items()
            )
            table = by_tag({tag: rule[0] for tag, rule in scope.items()})
            scopes.append((table, rules, bytearray(8 * len(scope)), len(required)))
        closed = {kind: scope for kind, (scope, is_open) in self.messages.items() if not is_open}
        types = {
            int.from_bytes(kind.encode()): scope
            for kind, scope in closed.items()
            if len(kind.encode()) <= 2
        }
        single = bytes(bytes([one]) in values for values in enums.values() for one in range(256))
        return scopes, by_tag(types), single, list(enums.values())

    def _inner(self, scope: int) -> frozenset[int]:
        """Returns the tags of all groups of a scope, at any depth."""
        tags: set[int] = set()
        for _, _, _, group in self.scopes[scope].values():
            if group >= 0:
                tags |= self.scopes[group].keys() | self._inner(group)
        return frozenset(tags)


class _Broken(Exception):
    """Carries the verdict out of the walk."""

    def __init__(
        self, reason: int, tag: str | None = None, group: int = 0, delimiter: int = 0
    ) -> None:
        super().__init__(reason)
        self.verdict: Verdict = reason, tag, group, delimiter


class _Walk:
    """One pass over the fields of one message."""

    def __init__(self, rules: Rules, message: Message, lax: int, top: int, is_open: bool) -> None:
        self.rules = rules
        self.raw = message.raw
        self.places = message._places
        self.lax = lax
        self.top = top
        self.is_open = is_open

    def message(self) -> None:
        """Checks header, body and trailer."""
        rules = self.rules.scopes[self.top]
        section, seen, at = HEADER, set(), 0
        while at < len(self.places):
            tag = self.places[at][0]
            rule = rules.get(tag)
            if rule is None:
                self.foreign(at)
                at += 1
                continue
            if rule[1] < section and not self.lax & LAX_ORDER:
                raise _Broken(14, self.name(at))
            section = rule[1]
            if tag in seen:
                raise _Broken(13, self.name(at))
            seen.add(tag)
            self.value(at)
            at += 1
            if rule[3] >= 0:
                at = self.group(at, rule[3], (self.top,))
        self.require(self.top, seen)

    def group(self, at: int, scope: int, outer: tuple[int, ...]) -> int:
        """Checks the entries behind a count at `at` - 1; returns where they end."""
        count_at, entries, last, seen = at - 1, 0, -1, set[int]()
        rules = self.rules.scopes[scope]
        while at < len(self.places):
            tag = self.places[at][0]
            rule = rules.get(tag)
            if rule is None:
                if any(tag in self.rules.scopes[one] for one in outer):
                    break
                self.foreign(at)
                at += 1
                continue
            position, _, _, inner = rule
            if position == 0:
                if entries:
                    self.require(scope, seen)
                entries, last = entries + 1, -1
                seen.clear()
            elif not entries:
                raise _Broken(15, self.name(at), self.places[count_at][0], next(iter(rules)))
            if position <= last:
                raise _Broken(15, self.name(at))
            last = position
            seen.add(tag)
            self.value(at)
            at += 1
            if inner >= 0:
                at = self.group(at, inner, (*outer, scope))
        if entries:
            self.require(scope, seen)
        _, start, end = self.places[count_at]
        if entries != int(self.raw[start:end] or b"0"):
            raise _Broken(16, self.name(count_at))
        return at

    def require(self, scope: int, seen: set[int]) -> None:
        """Refuses a message or entry that lacks a required field."""
        if not self.lax & LAX_REQUIRED:
            for tag in self.rules.required[scope]:
                if tag not in seen:
                    raise _Broken(1, str(tag))

    def foreign(self, at: int) -> None:
        """Judges a field that this message or group does not define."""
        tag = self.places[at][0]
        known = tag in self.rules.fields
        if known and self.is_open:
            return self.value(at)
        if tag in self.rules.inner[self.top]:
            raise _Broken(15, self.name(at))
        lax = LAX_USER if tag >= FIRST_USER_TAG else LAX_UNKNOWN
        if tag <= 0 or not self.lax & lax:
            raise _Broken(2 if known else 0, self.name(at))
        return None

    def value(self, at: int) -> None:
        """Checks that a value is there, has the format of its field and is one of its values."""
        tag, start, end = self.places[at]
        if start == end:
            if not self.lax & LAX_VALUES:
                raise _Broken(4, self.name(at))
            return
        text = self.raw[start:end]
        form, values = self.rules.fields[tag]
        if not _formed(form, text):
            raise _Broken(6, self.name(at))
        if values is not None and not self.lax & LAX_ENUMS:
            words = text.split(b" ") if form == WORDS else (text,)
            if not all(word in values for word in words):
                raise _Broken(5, self.name(at))

    def name(self, at: int) -> str:
        """Returns a tag as it was received."""
        begin = self.places[at - 1][2] + 1 if at else 0
        return self.raw[begin : self.places[at][1] - 1].decode()


def _formed(form: int, text: bytes) -> bool:
    if form == UTC:
        return is_utc(text)
    if form == DATE:
        return is_date(text)
    shape = _SHAPES.get(form)
    return shape is None or shape.fullmatch(text) is not None
