"""Typed tuples to and from fields in Python: twin and specification of `_layout`; via `wire`."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

from thft.fix._values_py import (
    INT64_MAX,
    KINDS,
    LARGEST_NAMED_TAG,
    NUMBERS,
    PRICE_DIGITS,
    SIZE_DIGITS,
    by_tag,
    format_scaled,
    format_timestamp,
    typed,
)
from thft.fix._wire_py import SOH, Fields, Message, Place, counted
from thft.fix.tags import (
    CHECK_SUM,
    DATA_FIELDS,
    HEADER_TAGS,
    SIGNATURE,
    SIGNATURE_LENGTH,
    TRAILER_TAGS,
)
from thft.fix.terms import ABSENT, BadGroup, Unsendable

ENDS = -2
_SLOT = Struct("3i12s")
LENGTH_OF = {data: length for length, data in DATA_FIELDS.items()}


class Layout:
    """The shape of a typed tuple: which fields, in which order, of which kind.

    `spec` holds pairs (tag, kind); a repeating group is (count tag, pairs of an entry) and reads
    as a tuple of tuples, None when the count is not there. `ends` says for a count tag which tags
    end that group; without it the tags outside the group in `spec` do. Other fields are passed
    over. Where a tag occurs twice the first counts.
    """

    def __init__(
        self,
        spec: Sequence[tuple[int, Any]],
        ends: Mapping[int, Collection[int]] | None = None,
        timestamp_digits: int = 3,
    ) -> None:
        self._level = _Level(0, spec, ends or {}, frozenset())
        self._digits = timestamp_digits
        format_timestamp(0, timestamp_digits)

    def extract(self, fields: Fields) -> tuple[Any, ...]:
        """Returns the values of a message or entry; raises BadValue and BadGroup by tag."""
        return self._level.entry(fields.raw, fields._places, 0, 0, ())[0]

    def pack(self, values: Sequence[Any]) -> bytes:
        """Returns the body bytes of `values` (as `extract` gives them), ascending by tag.

        None and ABSENT leave a field out; text may be bytes. Raises Unsendable.
        """
        out: list[tuple[int, bytes]] = []
        self._level.write(values, self._digits, out)
        return _joined(out)


class _Level:
    """The fields of a message, or of one entry of a group, ready for both directions."""

    def __init__(
        self,
        count_tag: int,
        spec: Sequence[tuple[int, Any]],
        ends: Mapping[int, Collection[int]],
        outside: frozenset[int],
    ) -> None:
        tags = [tag for tag, _ in spec]
        if len(set(tags)) < len(tags) or not spec:
            raise Unsendable(count_tag, "a layout names each tag once and at least one")
        for tag in (*tags, *ends.get(count_tag, ())):
            if not 0 < tag <= LARGEST_NAMED_TAG:
                raise Unsendable(tag, f"a layout names tags from 1 to {LARGEST_NAMED_TAG}")
        self.count_tag = count_tag
        self.ends = (outside | frozenset(ends.get(count_tag, ())) | TRAILER_TAGS) - set(tags)
        self.slots: dict[int, tuple[int, Any]] = {}
        for slot, (tag, kind) in enumerate(spec):
            if not isinstance(kind, str):
                kind = _Level(tag, kind, ends, self.ends | set(tags))
            elif kind not in KINDS:
                raise Unsendable(tag, f"no kind {kind!r}; use one of {', '.join(KINDS)}")
            self.slots[tag] = slot, kind
        self.absent: list[Any] = [_absent(kind) for _, kind in spec]
        self.order = sorted(self.slots) if count_tag == 0 else list(self.slots)

    def packed(self) -> tuple[bytes, bytes, bytes]:
        """Returns what native code reads: slots by tag (-2 ends the group), slots, order."""
        table = dict.fromkeys(self.ends, ENDS) | {tag: at for tag, (at, _) in self.slots.items()}
        slots = b"".join(
            _SLOT.pack(
                KINDS.index(kind) if isinstance(kind, str) else len(KINDS),
                tag in HEADER_TAGS or tag in LENGTH_OF or tag == CHECK_SUM,
                len(b"%d=" % tag),
                b"%d=" % tag,
            )
            for tag, (_, kind) in self.slots.items()
        )
        order = array("i", [self.slots[tag][0] for tag in self.order])
        return by_tag(table), slots, order.tobytes()

    def entry(
        self, raw: bytes, places: list[Place], at: int, delimiter: int, stops: tuple[int, ...]
    ) -> tuple[tuple[Any, ...], int]:
        """Reads one entry from `at` on; returns its values and where it ends."""
        values = list(self.absent)
        first = at
        while at < len(places):
            tag, start, end = places[at]
            if self.count_tag and at > first and (tag == delimiter or self.outside(tag, stops)):
                break
            at += 1
            slot, kind = self.slots.get(tag, (-1, None))
            if slot < 0 or values[slot] != self.absent[slot]:
                continue
            if isinstance(kind, _Level):
                stack = (*stops, delimiter) if self.count_tag else stops
                values[slot], at = kind.group(raw, places, at, stack)
            else:
                values[slot] = typed(kind, raw[start:end], tag)
        return tuple(values), at

    def group(
        self, raw: bytes, places: list[Place], at: int, stops: tuple[int, ...]
    ) -> tuple[tuple[tuple[Any, ...], ...], int]:
        """Reads the entries that follow a count at `at` - 1; returns them and where they end."""
        count = counted(raw, places[at - 1])
        if count == 0:
            return (), at
        entries: list[tuple[Any, ...]] = []
        delimiter = places[at][0] if at < len(places) else 0
        while at < len(places) and places[at][0] == delimiter:
            if not entries and self.outside(delimiter, stops):
                break
            values, at = self.entry(raw, places, at, delimiter, stops)
            entries.append(values)
        if len(entries) != count:
            raise BadGroup(self.count_tag, count, len(entries))
        return tuple(entries), at

    def outside(self, tag: int, stops: tuple[int, ...]) -> bool:
        """Returns whether a tag ends this group: by itself or as a new entry of an outer one."""
        return tag in self.ends or tag in stops

    def write(self, values: Sequence[Any], digits: int, out: list[tuple[int, bytes]]) -> None:
        """Appends the fields of `values` to `out` in output order."""
        if len(values) != len(self.slots):
            raise Unsendable(
                self.count_tag, f"{len(values)} values for a layout of {len(self.slots)}"
            )
        for position, tag in enumerate(self.order):
            slot, kind = self.slots[tag]
            value = values[slot]
            if value is None or (kind in NUMBERS and value == ABSENT):
                if self.count_tag and position == 0:
                    raise Unsendable(tag, "an entry of a group begins with it, it cannot be absent")
            elif isinstance(kind, _Level):
                out.append((tag, b"%d" % len(value)))
                for entry in value:
                    kind.write(entry, digits, out)
            else:
                out.append((tag, _written(kind, value, digits, tag)))


def _absent(kind: Any) -> int | None:
    return ABSENT if kind in NUMBERS else None


def _written(kind: str, value: Any, digits: int, tag: int) -> bytes:
    number = type(value) is int
    match kind:
        case "price" if number:
            return format_scaled(value, PRICE_DIGITS, tag)
        case "size" if number:
            return format_scaled(value, SIZE_DIGITS, tag)
        case "int" if number:
            return _decimal(value, tag)
        case "timestamp" if number:
            return format_timestamp(value, digits, tag)
        case "bool" if type(value) is bool:
            return b"Y" if value else b"N"
        case "text" if isinstance(value, str | bytes):
            return _bytes(value, tag)
        case "char" if isinstance(value, str) and len(value) == 1 and value.isascii():
            return _bytes(value, tag)
    raise Unsendable(tag, f"{value!r} is no {kind}")


def _decimal(value: int, tag: int) -> bytes:
    if not -INT64_MAX <= value <= INT64_MAX:
        raise Unsendable(tag, f"{value} does not fit 64 bits")
    return b"%d" % value


def _bytes(value: str | bytes | int, tag: int) -> bytes:
    """Returns a value as it goes out: bytes unchanged, text not empty, an int in figures."""
    if type(value) is int:
        return _decimal(value, tag)
    if isinstance(value, bytes):
        text = value
    elif isinstance(value, str) and value:
        text = value.encode()
    else:
        raise Unsendable(tag, f"{value!r} is no value to send")
    if SOH in text and tag not in LENGTH_OF:
        raise Unsendable(tag, f"{text[:40]!r} contains the field delimiter")
    return text


def _joined(fields: Iterable[tuple[int, bytes]]) -> bytes:
    """Returns fields as bytes; data must directly follow its length."""
    parts: list[bytes] = []
    before = (0, b"")
    for tag, text in fields:
        if tag in HEADER_TAGS or tag == CHECK_SUM or tag <= 0:
            raise Unsendable(tag, "does not belong into a body")
        if tag in LENGTH_OF and before != (LENGTH_OF[tag], b"%d" % len(text)):
            raise Unsendable(tag, f"needs its length in tag {LENGTH_OF[tag]} directly before it")
        parts.append(b"%d=%b\x01" % (tag, text))
        before = tag, text
    return b"".join(parts)


def pack(fields: Iterable[tuple[int, Any]]) -> bytes:
    """Returns the body bytes of fields, ascending by tag; raises Unsendable.

    A value is bytes (sent unchanged), str, int, or for a count tag the entries of the group, each
    a sequence of fields in the order in which they go out.
    """
    out: list[tuple[int, bytes]] = []
    for tag, value in sorted(fields, key=_output_order):
        _flat(tag, value, out)
    return _joined(out)


def _output_order(field: tuple[int, Any]) -> int:
    """Returns a sort key: by tag, the signature last with its length before it."""
    tag = field[0]
    return tag if tag not in (SIGNATURE, SIGNATURE_LENGTH) else (1 << 32) - tag


def _flat(tag: int, value: Any, out: list[tuple[int, bytes]]) -> None:
    if not isinstance(value, list | tuple):
        out.append((tag, _bytes(value, tag)))
        return
    out.append((tag, b"%d" % len(value)))
    for entry in value:
        for member, inner in entry:
            _flat(member, inner, out)


class Header:
    """What all messages of one session begin with, ready to be sent.

    `fields` are the header fields that never change: 49 and 56, and what the venue wants besides
    (50, 57, own tags). Output order: 8, 9, 35, then the header ascending, the body, 10.
    """

    def __init__(
        self,
        begin_string: str,
        fields: Iterable[tuple[int, str | bytes | int]],
        timestamp_digits: int = 3,
    ) -> None:
        self._begin = b"8=%b\x01" % _bytes(begin_string, 8)
        self._fixed = {tag: _bytes(value, tag) for tag, value in fields}
        self._digits = timestamp_digits
        self.tags = HEADER_TAGS | self._fixed.keys()
        format_timestamp(0, timestamp_digits)
        for tag in self._fixed:
            if tag in (8, 9, 34, 35, 52, 10):
                raise Unsendable(tag, "is set for every message")

    def encode(
        self,
        msg_type: str,
        seq: int,
        sending_ns: int,
        body: bytes = b"",
        extra: Iterable[tuple[int, str | bytes | int]] = (),
    ) -> bytes:
        """Returns a whole message with BodyLength and CheckSum.

        `body` comes from `pack`, `Layout.pack` or `Header.body`; `extra` are header fields of
        this message only, such as 43, 97, 122 or 369. Raises Unsendable.
        """
        fields = {34: _decimal(seq, 34), 52: format_timestamp(sending_ns, self._digits, 52)}
        for tag, value in extra:
            if tag in self._fixed or tag in fields or tag in (8, 9, 35) or tag in TRAILER_TAGS:
                raise Unsendable(tag, "is in the header already")
            fields[tag] = _bytes(value, tag)
        fields |= self._fixed
        parts = [b"35=%b\x01" % _bytes(msg_type, 35)]
        parts += [b"%d=%b\x01" % (tag, fields[tag]) for tag in sorted(fields)]
        content = b"".join(parts) + body
        head = b"%b9=%d\x01%b" % (self._begin, len(content), content)
        return b"%b10=%03d\x01" % (head, sum(head) % 256)

    def segments(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Returns what never changes: up to `9=`, and the header before 34, before 52, behind."""
        rendered = {tag: b"%d=%b\x01" % (tag, text) for tag, text in sorted(self._fixed.items())}
        first = b"".join(text for tag, text in rendered.items() if tag < 34)
        middle = b"".join(text for tag, text in rendered.items() if 34 < tag < 52)
        last = b"".join(text for tag, text in rendered.items() if tag > 52)
        return self._begin + b"9=", first, middle, last

    def body(self, message: Message) -> bytes:
        """Returns the body bytes of a message, to be sent again under a new header."""
        places = message._places
        first = next(i for i, place in enumerate(places) if place[0] not in self.tags)
        last = next(i for i, place in enumerate(places) if place[0] in TRAILER_TAGS)
        return message.raw[places[first - 1][2] + 1 : places[last - 1][2] + 1]
