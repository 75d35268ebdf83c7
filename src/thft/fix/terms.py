"""What wire, dictionary and session say to each other: kinds of value, group shapes, errors."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from thft.base.errors import LocalError, RemoteError

ABSENT = -(2**63)
"""What a numeric field that is not there reads as; written, it leaves the field out."""

Kind = Literal["text", "int", "price", "size", "timestamp", "char", "bool"]
"""How a value reads: str, int, int at 1e-9, int at 1e-8, int ns since 1970, one-letter str, bool.

A field that is not there is ABSENT when its kind is a number and None otherwise.
"""


class Garbled(NamedTuple):
    """An extent of the stream that is no message; it is dropped as a unit and never answered."""

    raw: bytes
    reason: str


class GroupShape(NamedTuple):
    """Where a repeating group ends: at any of `ends`; other tags belong to its last entry."""

    count_tag: int
    ends: frozenset[int]


class Reject(NamedTuple):
    """What a Reject(3) says: SessionRejectReason(373), RefTagID(371) as received, Text(58)."""

    reason: int
    tag: str | None
    text: str


REJECT_TEXTS = {
    0: "Invalid tag number",
    1: "Required tag missing",
    2: "Tag not defined for this message type",
    3: "Undefined Tag",
    4: "Tag specified without a value",
    5: "Value is incorrect (out of range) for this tag",
    6: "Incorrect data format for value",
    7: "Decryption problem",
    8: "Signature problem",
    9: "CompID problem",
    10: "SendingTime accuracy problem",
    11: "Invalid MsgType",
    12: "XML validation error",
    13: "Tag appears more than once",
    14: "Tag specified out of required order",
    15: "Out of order repeating group members",
    16: "Incorrect NumInGroup count for repeating group",
    17: "Non-data value includes field delimiter",
    18: "Invalid application version",
    99: "Other",
}
"""The customary texts: counterparties' tools compare them literally."""


class Checks(NamedTuple):
    """Which of a dictionary's rules are enforced; all are unless switched off."""

    values: bool = True
    """A field has a value (reason 4)."""
    enums: bool = True
    """An enumerated field has one of its values (reason 5)."""
    order: bool = True
    """Header before body before trailer (reason 14)."""
    required: bool = True
    """Required fields are there (reason 1)."""
    unknown: bool = True
    """Tags below 5000 that are not defined, or not for this message (reasons 0 and 2)."""
    user: bool = True
    """Tags from 5000 on that are not defined, or not for this message (reasons 0 and 2)."""


class MessageTooLong(RemoteError):
    """The peer announces or sends a message above the limit: disconnect.

    `units` holds what was framed before it in the same call.
    """

    def __init__(self, limit: int, units: list[Any]) -> None:
        super().__init__(
            f"a message of more than {limit} bytes",
            "disconnect; raise max_message_bytes if the venue really sends such messages",
        )
        self.units = units


class BadValue(RemoteError):
    """A value that its tag cannot have; `tag` says which."""

    def __init__(self, tag: int, text: bytes, reason: str) -> None:
        super().__init__(f"tag {tag}: {text[:40]!r} {reason}", "reject the message, keep its text")
        self.tag = tag


class BadGroup(RemoteError):
    """A repeating group whose count and entries disagree; `tag` is its count tag."""

    def __init__(self, tag: int, declared: int, found: int) -> None:
        super().__init__(
            f"tag {tag}: {declared} entries declared, {found} found",
            "reject the message, keep its text",
        )
        self.tag = tag


class Unsendable(LocalError):
    """A value of ours that may not go out in this field; `tag` says which."""

    def __init__(self, tag: int, reason: str) -> None:
        super().__init__(f"tag {tag}: {reason}", "correct the caller")
        self.tag = tag
