"""Random messages that a dictionary allows, and random damage to them; used by the FIX tests."""

from __future__ import annotations

import random
from typing import Any

from thft.fix.dictionary import Dictionary
from thft.fix.fix44.notation import Item
from thft.fix.tags import DATA_FIELDS
from thft.fix.wire import Header, pack

MORNING_NS = 1_772_442_902_000_000_000
HEADER = Header("FIX.4.4", [(49, "VENUE"), (56, "THFT"), (57, "TRADE")])
_DATA = set(DATA_FIELDS.values())
_TIMES = ("20260302-09:15:02", "20260302-09:15:02.123", "20261231-23:59:60.000000001")


class Author:
    """Writes messages from a seed: every required field, some of the others, nested groups."""

    def __init__(self, dictionary: Dictionary, seed: int, share: float = 0.1) -> None:
        self.choose = random.Random(seed)
        self._dictionary = dictionary
        self._share = share
        self.kinds = [kind for kind in dictionary.names if dictionary.items(kind)]

    def message(self, kind: str | None = None) -> bytes:
        """Returns a good message of a type, of any type when none is named."""
        kind = kind or self.choose.choice(self.kinds)
        seq = self.choose.randrange(10**6)
        late = self.choose.randrange(10**15)
        return HEADER.encode(
            kind, seq, MORNING_NS + late, pack(self.fields(self._dictionary.items(kind)))
        )

    def fields(self, items: tuple[Item, ...], delimiter: bool = False) -> list[tuple[int, Any]]:
        """Returns fields for `items`, the first of them always when they belong to a group."""
        found: list[tuple[int, Any]] = []
        for at, item in enumerate(items):
            wanted = item.required or (delimiter and at == 0) or self.choose.random() < self._share
            if not wanted or item.tag in _DATA:
                continue
            if item.members:
                entries = self.choose.randint(0, 3)
                found.append((item.tag, [self.fields(item.members, True) for _ in range(entries)]))
            elif item.tag in DATA_FIELDS:
                data = self.choose.randbytes(self.choose.randint(1, 9))
                found += [(item.tag, len(data)), (DATA_FIELDS[item.tag], data)]
            else:
                found.append((item.tag, self.value(item.tag)))
        return found

    def value(self, tag: int) -> bytes:
        """Returns a value that the field may have."""
        field = self._dictionary.fields[tag]
        choose = self.choose
        if field.values:
            return choose.choice(list(field.values)).encode()
        match field.type:
            case "INT" | "SEQNUM" | "LENGTH" | "NUMINGROUP":
                return b"%d" % choose.randrange(10 ** choose.randint(1, 9))
            case "PRICE" | "QTY" | "AMT" | "FLOAT" | "PERCENTAGE" | "PRICEOFFSET":
                return choose.choice((b"0", b"1.5", b"-0.00001", b"007.", b".25", b"2000000"))
            case "CHAR":
                return choose.choice((b"A", b"=", b"\xff"))
            case "BOOLEAN":
                return choose.choice((b"Y", b"N"))
            case "UTCTIMESTAMP":
                return choose.choice(_TIMES).encode()
            case "UTCTIMEONLY":
                return choose.choice((b"09:15:02", b"23:59:60.001"))
            case "UTCDATEONLY" | "LOCALMKTDATE":
                return choose.choice((b"20260302", b"20240229", b"99991231"))
            case "MONTHYEAR":
                return choose.choice((b"202603", b"20260331", b"202603w2"))
        return choose.choice((b"EUR/USD", b"a=b", "naïve €".encode(), b"x" * choose.randint(1, 40)))


def resealed(message: bytes) -> bytes:
    """Returns a message whose BodyLength and CheckSum fit what stands between them."""
    _, _, rest = message.partition(b"\x0135=")
    body = b"35=" + rest[: max(rest.rfind(b"\x0110=") + 1, 0)]
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)


def damaged(message: bytes, choose: random.Random) -> bytes:
    """Returns a message with one to three things wrong, often with length and checksum right."""
    for _ in range(choose.randint(1, 3)):
        message = choose.choice(_DAMAGES)(message, choose)
    return resealed(message) if choose.random() < 0.7 else message


def _flip(message: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(message) or 1)
    byte = choose.choice((choose.randrange(256), *b"=\x010123456789-.YN8"))
    return message[:at] + bytes([byte]) + message[at + 1 :]


def _cut(message: bytes, choose: random.Random) -> bytes:
    at, to = sorted(choose.randrange(len(message) + 1) for _ in range(2))
    return message[:at] + message[min(to, at + 40) :]


def _repeat(message: bytes, choose: random.Random) -> bytes:
    at, to = sorted(choose.randrange(len(message) + 1) for _ in range(2))
    return message[:to] + message[max(at, to - 60) : to] + message[to:]


def _on_fields(message: bytes, choose: random.Random) -> bytes:
    """Drops, doubles, swaps or renames whole fields."""
    fields = message.split(b"\x01")
    one, other = choose.randrange(len(fields)), choose.randrange(len(fields))
    match choose.randrange(4):
        case 0:
            del fields[one]
        case 1:
            fields.insert(other, fields[one])
        case 2:
            fields[one], fields[other] = fields[other], fields[one]
        case _:
            value = fields[one].partition(b"=")[2]
            tag = choose.choice((b"0", b"-1", b"10", b"35", b"55", b"95", b"96", b"448", b"9000"))
            fields[one] = tag + b"=" + value
    return b"\x01".join(fields)


def _on_value(message: bytes, choose: random.Random) -> bytes:
    """Replaces a value by one that is empty, wrong, huge or borderline."""
    fields = message.split(b"\x01")
    at = choose.randrange(len(fields))
    fields[at] = fields[at].partition(b"=")[0] + b"=" + choose.choice(_VALUES)
    return b"\x01".join(fields)


_VALUES = (
    b"",
    b"-1",
    b"+1",
    b"0",
    b"2",
    b"999999999999999999",
    b"9223372036854775807",
    b"9" * 70,
    b"1.0000000001",
    b"9223372036.854775808",
    b"1e5",
    b".",
    b"-.5",
    b"Y",
    b"20260230-09:15:02",
    b"20260302-09:15:02.1234",
    b"99991231-00:00:00",
    b"8=FIX.4.4",
    b"\xff\xfe",
)
_DAMAGES = (_flip, _cut, _repeat, _on_fields, _on_fields, _on_value, _on_value)
