"""FIX messages as text that a person reads, secrets masked; used by cli, logs and viewers."""

from __future__ import annotations

import re

from thft.fix.dictionary import Dictionary
from thft.fix.tags import MSG_SEQ_NUM, RAW_DATA, SECRET_TAGS, SENDER_COMP_ID, TARGET_COMP_ID
from thft.fix.wire import Garbled, Message

MASK = "***"
_SECRET = re.compile(
    rb"(^|\x01)(%b)=[^\x01]*" % b"|".join(b"%d" % tag for tag in sorted(SECRET_TAGS))
)
_RAW_DATA = re.compile(rb"((?:^|\x01)%d=).*" % RAW_DATA, re.DOTALL)


def lines(message: Message, dictionary: Dictionary) -> list[str]:
    """Returns a title and one line a field, with the names of tags and enumerated values.

    Members of a repeating group are indented below its count, `-` begins an entry.
    """
    ends = dictionary.group_ends(message.type)
    found = [_title(message, dictionary)]
    groups: list[tuple[int, frozenset[int], int]] = []  # delimiter, ends, and its indentation
    opened: frozenset[int] | None = None
    for tag, value in message.fields():
        while groups and tag in groups[-1][1]:
            groups.pop()
        if opened is not None and tag not in opened:
            groups.append((tag, opened, 4 * len(groups) + 4))
        opened = ends.get(tag)
        begins = bool(groups) and tag == groups[-1][0]
        indent = " " * (groups[-1][2] if groups else 0)
        found.append(f"  {indent}{'- ' if begins else '  '}{_field(tag, value, dictionary)}")
    return found


def _title(message: Message, dictionary: Dictionary) -> str:
    kind = message.type
    parties = " → ".join(_shown(message.get(tag)) for tag in (SENDER_COMP_ID, TARGET_COMP_ID))
    name = dictionary.names.get(kind, "unknown type")
    return f"{name} ({kind}) {_shown(message.get(MSG_SEQ_NUM))} {parties}"


def _field(tag: int, value: bytes, dictionary: Dictionary) -> str:
    text = MASK if tag in SECRET_TAGS else _shown(value)
    name = dictionary.field_name(tag) or "?"
    meaning = dictionary.value_name(tag, text)
    return f"{tag:<5} {name:<24} {text}" + (f" ({meaning})" if meaning else "")


def _shown(value: bytes | None) -> str:
    if value is None:
        return "—"
    text = value.decode(errors="replace")
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def garbled_line(unit: Garbled) -> str:
    """Returns the reason and the bytes of an extent that is no message."""
    raw = masked(unit.raw).replace(b"\x01", b"|")
    return f"garbled: {unit.reason}: {_shown(raw)}"


def masked(raw: bytes) -> bytes:
    """Returns raw bytes, good or not, without passwords; RawData hides all that follows it.

    Lengths and checksum no longer fit: for eyes and archives, not for a parser.
    """
    hidden = _RAW_DATA.sub(rb"\1" + MASK.encode(), raw)
    return _SECRET.sub(rb"\1\2=" + MASK.encode(), hidden)
