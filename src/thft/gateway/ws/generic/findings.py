"""What is wrong with a mapping whose types are right, each with its key and what to do about it.

Asked by the configuration before anything connects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from thft.gateway.ws.generic.dialect import ANSWERED, requests
from thft.gateway.ws.generic.mapping import (
    EACH,
    PATH,
    PLACEHOLDERS,
    FeedMapping,
    Match,
    Message,
    Subscribe,
    agrees,
)

PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
BRACKETS = re.compile(r"\[\d*\]")
ONLY = {
    "quote": ("bid", "bid_size", "ask", "ask_size"),
    "trade": ("price", "size", "side", "id"),
}
"""The fields that one kind of message has alone."""
NEEDED = {"quote": ("bid", "ask"), "trade": ("price", "size")}
PATHS = ("symbol", "items", "time", "sequence", *ONLY["quote"], *ONLY["trade"])
LEANING = (
    ("time_unit", "ms", "time"),
    ("buy", "buy", "side"),
    ("sell", "sell", "side"),
    ("symbol_prefix", "", "symbol"),
    ("symbol_suffix", "", "symbol"),
    ("sequence_of", "symbol", "sequence"),
)
"""(key, what it is when it is not given, the key it says something of)."""
Finding = tuple[str, str]
Where = dict[str, str]


def mapping_findings(mapping: FeedMapping, symbols: int, trades: bool) -> Iterator[Finding]:
    """Yields (key, what is wrong) of a mapping for so many symbols."""
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
    if mapping.subscribe and all(one.for_trades for one in mapping.subscribe):
        yield "subscribe", "every request is for trades alone: add the one that asks for the quotes"
    if text := _no_json(mapping.ping):
        yield "ping", text
    yield from _match_findings(mapping)
    yield from _never_reached(mapping)


def _message_findings(message: Message) -> Iterator[Finding]:
    yield from _where_findings(message.where)
    for name in PATHS:
        yield from _path_findings(name, getattr(message, name))
    for name in NEEDED[message.kind]:
        if not getattr(message, name):
            yield name, f"missing: a {message.kind} needs it"
    for kind, names in ONLY.items():
        for name in names:
            if kind != message.kind and getattr(message, name):
                yield name, f"only a {kind} has it: remove it"
    if bool(message.sequence) != (message.sequence_rule != "none"):
        yield "sequence_rule", "sequence and its rule belong together: give both or none"
    for name, default, needed in LEANING:
        if getattr(message, name) != default and not getattr(message, needed):
            yield needed, f"missing: {name} says something of it, give both or none"
    if message.buy == message.sell:
        yield "sell", "the same as buy: say the venue's two words"


def _path_findings(name: str, path: str) -> Iterator[Finding]:
    if "*" in path.split("/"):
        yield name, f"{path!r}: a star is no step: items leads to the list, fields into a row"
    if BRACKETS.search(path):
        yield name, f"{path!r}: a place in a list is a step of its own, as in /data/0/price"


def _where_findings(where: Where) -> Iterator[Finding]:
    for path, text in where.items():
        if not PATH.fullmatch(path):
            yield f"where.{path}", "expected a path such as /data/0/type"
        if "*" in text[1:-1] or (len(text) > 1 and text.startswith("*") and text.endswith("*")):
            yield f"where.{path}", f"{text!r}: one star stands at the begin or at the end"
        yield from _path_findings(f"where.{path}", path)


def _match_findings(mapping: FeedMapping) -> Iterator[Finding]:
    """Yields what is wrong with messages that are no market data."""
    matches = {"ack": mapping.ack, "error": mapping.error}
    matches |= {f"ignore[{number}]": one for number, one in enumerate(mapping.ignore)}
    for key, match in matches.items():
        if match is None:
            continue
        if match.symbol and key != "ack":
            yield f"{key}.symbol", "only an acknowledgement has it: remove it"
        if match.text and key != "error":
            yield f"{key}.text", "only an error has it: remove it"
        if (match.symbol_prefix or match.symbol_suffix) and not match.symbol:
            yield f"{key}.symbol", "missing: say where the symbol stands"
        for name in ("symbol", "text"):
            for inner, text in _path_findings(name, getattr(match, name)):
                yield f"{key}.{inner}", text
    for number, answer in enumerate(mapping.answer):
        if text := _no_json(ANSWERED.sub("0", answer.text)):
            yield f"answer[{number}].text", text
        for path in re.findall(r"\{([^{}\":,]*)\}", answer.text):
            if path and not PATH.fullmatch(path):
                yield f"answer[{number}].text", f"{{{path}}} is no path: write {{/path}}"
    for key, where in _in_order(mapping):
        if not key.startswith("messages"):
            yield from ((f"{key}.{name}", text) for name, text in _where_findings(where))
            if not where:
                yield f"{key}.where", "empty: every message would be this one, say a value"


def _in_order(mapping: FeedMapping) -> list[tuple[str, Where]]:
    """Returns (key, where) of what a message is compared with, in that order."""
    ends: list[tuple[str, Match | None]] = [("error", mapping.error), ("ack", mapping.ack)]
    order = [(key, match.where) for key, match in ends if match is not None]
    order += [(f"answer[{at}]", one.where) for at, one in enumerate(mapping.answer)]
    order += [(f"ignore[{at}]", one.where) for at, one in enumerate(mapping.ignore)]
    return order + [(f"messages[{at}]", one.where) for at, one in enumerate(mapping.messages)]


def _never_reached(mapping: FeedMapping) -> Iterator[Finding]:
    order = _in_order(mapping)
    for at, (key, where) in enumerate(order):
        for before, first in order[:at]:
            if first and all(path in where and agrees(first[path], where[path]) for path in first):
                yield f"{key}.where", f"never reached: {before} takes all of these before it"
                break


def _subscribe_findings(one: Subscribe) -> Iterator[Finding]:
    wrong = False
    for name, text in (("text", one.text), ("each", one.each)):
        for placeholder in PLACEHOLDER.findall(text):
            if placeholder not in PLACEHOLDERS or (name == "each" and placeholder == "symbols"):
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                yield name, f"{{{placeholder}}} stands for nothing, there are {known}"
                wrong = True
    many = "{symbols}" in one.text
    if many and any(f"{{{name}}}" in one.text for name in PLACEHOLDERS if name != "symbols"):
        yield "text", "{symbols} and {symbol} exclude each other: a request is for many or for one"
    elif not wrong:
        for frame in requests(one, ["SYMBOL"]):
            if text := _no_json(frame.decode()):
                yield "text", text
    if many and not PLACEHOLDER.search(one.each):
        yield "each", f"the same for every symbol: write {EACH} into it"
    if not many and one.each != EACH:
        yield "each", "stands for nothing: the text has no {symbols}"


def _no_json(text: str) -> str:
    """Returns why a text that looks like JSON is none, empty when it is or need not be."""
    if not text.startswith(("{", "[")):
        return ""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return f"no JSON once it is filled in, mend {text[:200]!r}: {error}"
    return ""
