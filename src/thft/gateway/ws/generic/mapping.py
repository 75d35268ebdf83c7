"""How a JSON feed is told in TOML: what is asked, which message is what, where its fields stand.

Read by the configuration and by `generic`; `findings` says what is wrong with one. Paths are JSON
pointers: `/data/0/price`. A field is looked for in its row, and then in the whole message; `^/1`
stands in the message whatever its row has. There is no code in a mapping.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

PATH = re.compile(r"(/([^/~]|~[01])+)+")
Path = Annotated[
    str,
    Meta(
        pattern=r"^(/([^/~]|~[01])+)*$",
        description="a path such as /data/0/price (~1 is a slash, ~0 a tilde), or nothing",
    ),
]
FieldPath = Annotated[
    str,
    Meta(
        pattern=r"^(\^?(/([^/~]|~[01])+)+)?$",
        description="a path such as /price or, from the whole message, ^/data/0/price, or nothing",
    ),
]
Text = Annotated[str, Meta(min_length=1, max_length=4_096)]
Unit = Literal["s", "ms", "us", "ns", "iso"]
Rule = Literal["none", "increasing", "plus_one"]
PLACEHOLDERS = ("symbol", "symbol_lower", "symbol_upper", "symbols")
EACH = "{symbol}"


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """One request. `{symbol}`: sent for each symbol; `{symbols}`: a JSON list of many."""

    text: Text
    each: Text = EACH
    """What stands in the list for a symbol."""
    batch: Annotated[int, Meta(ge=1, le=1_000)] = 100
    for_trades: bool = False
    """Sent only when trades are wanted."""


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """A message that is no market data: all values of `where` are there, as text.

    A star at the begin or the end of a value stands for any text.
    """

    where: dict[str, str]
    symbol: Path = ""
    """Of an acknowledgement: whose it is, or a list of them; empty: of all."""
    symbol_prefix: str = ""
    symbol_suffix: str = ""
    text: Path = ""
    """Of an error: its words."""


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """A message that wants an answer, such as a ping of the venue; `{/path}`: a value of it."""

    where: dict[str, str]
    text: Text


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of message and where its fields stand; `items` leads to a list of rows."""

    kind: Literal["quote", "trade"]
    symbol: FieldPath = ""
    """Empty: the feed's only one."""
    where: dict[str, str] = {}
    items: Path = ""
    symbol_prefix: str = ""
    """Stands before the symbol in its field."""
    symbol_suffix: str = ""
    bid: FieldPath = ""
    bid_size: FieldPath = ""
    ask: FieldPath = ""
    ask_size: FieldPath = ""
    price: FieldPath = ""
    size: FieldPath = ""
    side: FieldPath = ""
    """The aggressor's."""
    buy: Text = "buy"
    sell: Text = "sell"
    id: FieldPath = ""
    time: FieldPath = ""
    time_unit: Unit = "ms"
    sequence: FieldPath = ""
    sequence_rule: Rule = "none"
    sequence_of: Literal["symbol", "connection"] = "symbol"


class FeedMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """One feed."""

    messages: list[Message]
    subscribe: list[Subscribe] = []
    ack: Match | None = None
    error: Match | None = None
    answer: list[Answer] = []
    ignore: list[Match] = []
    """Answers to pings and whatever else is known and of no use."""
    ping: Annotated[str, Meta(max_length=4_096)] = ""
    """Asks for a sign of life; empty: a ping of the WebSocket."""
    ping_s: Annotated[float, Meta(ge=0, le=3_600)] = 0.0
    """Sent every so many seconds, whatever comes in; 0: only into silence."""
    messages_per_s: Annotated[int, Meta(ge=1, le=500)] = 10
    connects_per_minute: Annotated[int, Meta(ge=1, le=600)] = 10


def agrees(pattern: str, text: str) -> bool:
    """Says whether a value of a `where` stands for a text."""
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
