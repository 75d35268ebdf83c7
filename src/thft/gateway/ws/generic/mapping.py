"""How a JSON feed is told in TOML: what is asked, which message is what, where its fields stand.

Read by the configuration and by `generic`. Paths are JSON pointers: `/data/0/price`. A field is
looked for in its row, and then in the whole message. There is no code in a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

Path = Annotated[
    str, Meta(pattern=r"^(/[^/]+)*$", description="a path such as /data/0/price, or nothing")
]
Text = Annotated[str, Meta(min_length=1, max_length=4_096)]
Unit = Literal["s", "ms", "us", "ns", "iso"]
Rule = Literal["none", "increasing", "plus_one"]
PATH = re.compile(r"^(/[^/]+)*$")
PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
PLACEHOLDERS = ("symbol", "symbol_lower", "symbol_upper", "symbols")
ONLY = {
    "quote": ("bid", "bid_size", "ask", "ask_size"),
    "trade": ("price", "size", "side", "id"),
}
"""The fields that one kind of message has alone."""
NEEDED = {"quote": ("bid", "ask"), "trade": ("price", "size")}


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """One request. `{symbol}`: sent for each symbol; `{symbols}`: a JSON list of many."""

    text: Text
    each: Text = "{symbol}"
    """What stands in the list for a symbol."""
    batch: Annotated[int, Meta(ge=1, le=1_000)] = 100
    for_trades: bool = False
    """Sent only when trades are wanted."""


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """A message that is no market data: all values of `where` are there, as text."""

    where: dict[str, str]
    symbol: Path = ""
    """Of an acknowledgement: whose it is; empty: of all."""
    symbol_prefix: str = ""
    text: Path = ""
    """Of an error: its words."""


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of message and where its fields stand; `items` leads to a list of rows."""

    kind: Literal["quote", "trade"]
    symbol: Path = ""
    """Empty: the feed's only one."""
    where: dict[str, str] = {}
    items: Path = ""
    symbol_prefix: str = ""
    """Stands before the symbol in its field."""
    bid: Path = ""
    bid_size: Path = ""
    ask: Path = ""
    ask_size: Path = ""
    price: Path = ""
    size: Path = ""
    side: Path = ""
    """The aggressor's."""
    buy: Text = "buy"
    sell: Text = "sell"
    id: Path = ""
    time: Path = ""
    time_unit: Unit = "ms"
    sequence: Path = ""
    sequence_rule: Rule = "none"
    sequence_of: Literal["symbol", "connection"] = "symbol"


class FeedMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """One feed."""

    messages: list[Message]
    subscribe: list[Subscribe] = []
    ack: Match | None = None
    error: Match | None = None
    ignore: list[Match] = []
    """Answers to pings and whatever else is known and of no use."""
    ping: Annotated[str, Meta(max_length=4_096)] = ""
    """Asks for a sign of life; empty: a ping of the WebSocket."""
    ping_s: Annotated[float, Meta(ge=0, le=3_600)] = 0.0
    """Sent every so many seconds, whatever comes in; 0: only into silence."""
    messages_per_s: Annotated[int, Meta(ge=1, le=500)] = 10
    connects_per_minute: Annotated[int, Meta(ge=1, le=600)] = 10


def mapping_findings(mapping: FeedMapping, symbols: int, trades: bool) -> Iterator[tuple[str, str]]:
    """Yields (key, what is wrong) of a mapping whose types are right, for so many symbols."""
    kinds = [message.kind for message in mapping.messages]
    if "quote" not in kinds:
        yield "messages", "none is of kind 'quote': add the one that brings the prices"
    if trades and "trade" not in kinds:
        yield "messages", "trades are wanted and none is of kind 'trade': add it or drop trades"
    for number, message in enumerate(mapping.messages):
        for name, text in _message_findings(message):
            yield f"messages[{number}].{name}", text
        if not message.symbol and symbols > 1:
            yield f"messages[{number}].symbol", f"missing: the venue carries {symbols} symbols"
        if not message.where and number + 1 < len(mapping.messages):
            yield (
                f"messages[{number}].where",
                "missing: every message is this one, those behind it are never reached",
            )
    for number, one in enumerate(mapping.subscribe):
        for name, text in _subscribe_findings(one):
            yield f"subscribe[{number}].{name}", text
    matches = {"ack": mapping.ack, "error": mapping.error}
    matches |= {f"ignore[{number}]": one for number, one in enumerate(mapping.ignore)}
    for key, match in matches.items():
        if match is not None:
            yield from ((f"{key}.{name}", text) for name, text in _where_findings(match.where))
            if not match.where:
                yield f"{key}.where", "empty: every message would be this one, say a value"


def _message_findings(message: Message) -> Iterator[tuple[str, str]]:
    yield from _where_findings(message.where)
    for name in NEEDED[message.kind]:
        if not getattr(message, name):
            yield name, f"missing: a {message.kind} needs it"
    for kind, names in ONLY.items():
        for name in names:
            if kind != message.kind and getattr(message, name):
                yield name, f"only a {kind} has it: remove it"
    if bool(message.sequence) != (message.sequence_rule != "none"):
        yield "sequence_rule", "sequence and its rule belong together: give both or none"
    if message.buy == message.sell:
        yield "sell", "the same as buy: say the venue's two words"


def _where_findings(where: dict[str, str]) -> Iterator[tuple[str, str]]:
    for path in where:
        if not PATH.match(path):
            yield f"where.{path}", "expected a path such as /data/0/type"


def _subscribe_findings(one: Subscribe) -> Iterator[tuple[str, str]]:
    for name, text in (("text", one.text), ("each", one.each)):
        for placeholder in PLACEHOLDER.findall(text):
            if placeholder and (
                placeholder not in PLACEHOLDERS or (name == "each" and placeholder == "symbols")
            ):
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                yield name, f"{{{placeholder}}} stands for nothing, there are {known}"
    if "{symbols}" in one.text and any(
        f"{{{name}}}" in one.text for name in PLACEHOLDERS if name != "symbols"
    ):
        yield "text", "{symbols} and {symbol} exclude each other: a request is for many or for one"
