"""The dialect of any JSON feed that a mapping tells: quotes and prints; made by venues.

Every quote is a whole top of book, so a gap in the numbers is counted and the next quote taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from thft.gateway.port import EngineInbox
from thft.gateway.ws import times
from thft.gateway.ws.dialect import VenueDialect, Wanted
from thft.gateway.ws.generic.mapping import FeedMapping, Match, Message, Subscribe
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_scaled, parse_size

REQUEST_BYTES = 60_000
"""A request for many symbols is cut at this size."""
MISSING: Any = object()
SECOND_DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
Steps = tuple[str, ...]

_decode = msgspec.json.Decoder(float_hook=str).decode
"""Numbers with a point stay the text they came as."""


def steps(path: str) -> Steps:
    """Returns the keys and places of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])


def found(value: Any, path: Steps) -> Any:
    """Returns what a path leads to, MISSING when to nothing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def text_of(value: Any) -> str:
    """Returns a value as it is compared and parsed; JSON's words for what is no text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class Matcher:
    """Tells whether a message has all values of a `where`."""

    def __init__(self, where: dict[str, str]) -> None:
        self._where = [(steps(path), text) for path, text in where.items()]

    def __call__(self, message: Any) -> bool:
        for path, text in self._where:
            value = found(message, path)
            if value is MISSING or text_of(value) != text:
                return False
        return True


class Reader:
    """One kind of message with its paths taken apart."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.matches = Matcher(message.where)
        self._paths = {
            name: steps(path)
            for name in msgspec.structs.asdict(message)
            if name not in ("kind", "where", "symbol_prefix")
            if isinstance(path := getattr(message, name), str) and path.startswith("/")
        }

    def rows(self, message: Any) -> list[Any]:
        """Returns the rows of a message; raises BadNumber when there is no place for them."""
        path = self._paths.get("items")
        if path is None:
            return [message]
        rows = found(message, path)
        if isinstance(rows, list):
            return rows
        if isinstance(rows, dict):
            return [rows]
        raise BadNumber(f"no rows at {self.message.items}", "check the mapping's items")

    def text(self, name: str, row: Any, message: Any) -> str | None:
        """Returns a field's text, None when it is not mapped or null; raises BadNumber."""
        path = self._paths.get(name)
        if path is None:
            return None
        value = found(row, path)
        if value is MISSING:
            value = found(message, path)
        if value is MISSING:
            raise BadNumber(f"no {name} at {getattr(self.message, name)}", "check the mapping")
        return None if value is None else text_of(value)

    def number(self, name: str, row: Any, message: Any, parse: Callable[[str, str], int]) -> int:
        """Returns a field's number, ABSENT when there is none; raises BadNumber."""
        text = self.text(name, row, message)
        return ABSENT if text is None or text == "" else parse(text, name)

    def time_ns(self, row: Any, message: Any) -> int:
        """Returns the venue's time; raises BadNumber."""
        text = self.text("time", row, message)
        if not text:
            return ABSENT
        unit = self.message.time_unit
        return times.of_iso(text) if unit == "iso" else parse_scaled(text, SECOND_DIGITS[unit])


class GenericDialect(VenueDialect):
    """Made of a mapping; a symbol counts as synced with its acknowledgement and first quote."""

    venue = "generic"

    def __init__(self, mapping: FeedMapping, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted)
        self._mapping = mapping
        self._readers = [Reader(message) for message in mapping.messages]
        self._ignored = [Matcher(match.where) for match in mapping.ignore]
        self._ack = _maybe(mapping.ack)
        self._error = _maybe(mapping.error)
        self._last: dict[tuple[int, str], int] = {}
        self.ping_every_s = mapping.ping_s

    def opened(self) -> list[bytes]:
        """Returns the requests of the mapping."""
        self.waiting = {("quote", symbol) for symbol in self.symbols}
        if self._mapping.ack is not None:
            named = self.symbols if self._mapping.ack.symbol else ("",)
            self.waiting |= {("ack", symbol) for symbol in named}
        return [
            frame
            for one in self._mapping.subscribe
            if self.wanted.trades or not one.for_trades
            for frame in requests(one, list(self.symbols))
        ]

    def probe(self) -> bytes | None:
        """The mapping's ping."""
        return self._mapping.ping.encode() or None

    def message(self, payload: bytes, recv_ts_ns: int) -> list[bytes]:
        """Takes one message."""
        message = _decode(payload)
        if self._error is not None and self._error(message):
            self.fault(0, "refused", self._words(message, payload))
        elif self._ack is not None and self._ack(message):
            self._acknowledged(message)
        elif not any(matches(message) for matches in self._ignored):
            self._market(message, payload, recv_ts_ns)
        return []

    def _market(self, message: Any, payload: bytes, recv_ts_ns: int) -> None:
        for number, reader in enumerate(self._readers):
            if reader.matches(message):
                if self.wanted.trades or reader.message.kind != "trade":
                    self._rows(number, reader, message, recv_ts_ns)
                return
        self.unknown_message(payload)

    def _words(self, message: Any, payload: bytes) -> str:
        path = self._mapping.error.text if self._mapping.error is not None else ""
        words = found(message, steps(path)) if path else MISSING
        return payload.decode() if words is MISSING else text_of(words)

    def _acknowledged(self, message: Any) -> None:
        ack = self._mapping.ack
        assert ack is not None
        symbol = found(message, steps(ack.symbol)) if ack.symbol else ""
        if isinstance(symbol, str):
            self.waiting.discard(("ack", symbol.removeprefix(ack.symbol_prefix)))

    # ---- market data ---------------------------------------------------------------------------

    def _rows(self, number: int, reader: Reader, message: Any, recv_ts_ns: int) -> None:
        try:
            rows = reader.rows(message)
        except BadNumber as error:
            self.fault(0, "malformed", error.cause)
            return
        for row in rows:
            instrument = 0
            try:
                symbol = self._symbol(reader, row, message)
                instrument = self.instrument(symbol)
                if instrument:
                    read = self._quote if reader.message.kind == "quote" else self._trade
                    tell = read(reader, symbol, row, message, recv_ts_ns)
                    if self._in_order(number, reader, symbol, row, message):
                        tell()
            except BadNumber as error:
                self.fault(instrument, "malformed", error.cause)

    def _symbol(self, reader: Reader, row: Any, message: Any) -> str:
        if not reader.message.symbol:
            return next(iter(self.symbols))
        symbol = reader.text("symbol", row, message) or ""
        return symbol.removeprefix(reader.message.symbol_prefix)

    def _in_order(self, number: int, reader: Reader, symbol: str, row: Any, message: Any) -> bool:
        """Takes a row's sequence number; returns False for one that came again or late."""
        rule = reader.message.sequence_rule
        if rule == "none":
            return True
        sequence = reader.number("sequence", row, message, _whole)
        whole = reader.message.sequence_of == "connection"
        key = (-1, "") if whole else (number, symbol)
        last, instrument = self._last.get(key), self.symbols[symbol]
        if sequence == ABSENT or (last is not None and sequence <= last):
            self.fault(instrument, "out_of_order", f"number {sequence} came again or late")
            return False
        self._last[key] = sequence
        if rule == "plus_one" and last is not None and sequence != last + 1:
            self.fault(instrument, "gap", f"{symbol}: {sequence} follows {last}")
        return True

    def _quote(
        self, reader: Reader, symbol: str, row: Any, message: Any, recv_ts_ns: int
    ) -> Callable[[], None]:
        """Reads a quote; returns what tells it."""

        def number(name: str, parse: Callable[[str, str], int]) -> int:
            return reader.number(name, row, message, parse)

        bid, bid_size = number("bid", parse_price), number("bid_size", parse_size)
        ask, ask_size = number("ask", parse_price), number("ask_size", parse_size)
        sequence = max(number("sequence", _whole), 0)
        ts_ns, instrument = reader.time_ns(row, message), self.symbols[symbol]

        def tell() -> None:
            self.waiting.discard(("quote", symbol))
            self.inbox.quote(
                self.feed, instrument, bid, bid_size, ask, ask_size, ts_ns, sequence, recv_ts_ns
            )

        return tell

    def _trade(
        self, reader: Reader, symbol: str, row: Any, message: Any, recv_ts_ns: int
    ) -> Callable[[], None]:
        """Reads a print; returns what tells it."""
        mapped, instrument = reader.message, self.symbols[symbol]
        price = reader.number("price", row, message, parse_price)
        size = reader.number("size", row, message, parse_size)
        if price == ABSENT or size == ABSENT:
            raise BadNumber("a trade without price or size", "check the mapping")
        said = reader.text("side", row, message) or ""
        side = {mapped.buy: "buy", mapped.sell: "sell", "": ""}.get(said)
        if side is None:
            raise BadNumber(f"side {said[:40]!r} is neither buy nor sell", "check the mapping")
        id = reader.text("id", row, message) or "0"
        ts_ns = reader.time_ns(row, message)
        return partial(self.traded, instrument, price, size, side, id, ts_ns, recv_ts_ns)


def _maybe(match: Match | None) -> Matcher | None:
    return None if match is None else Matcher(match.where)


def _whole(text: str, name: str) -> int:
    return parse_scaled(text, 0, name)


def requests(one: Subscribe, symbols: list[str]) -> Iterator[bytes]:
    """Yields the frames of one request for these symbols."""
    if "{symbols}" in one.text:
        for many in _batches([_filled(one.each, symbol) for symbol in symbols], one.batch):
            yield one.text.replace("{symbols}", msgspec.json.encode(many).decode()).encode()
        return
    frames = [_escaped(one.text, symbol).encode() for symbol in symbols]
    yield from dict.fromkeys(frames)  # a text without a placeholder is sent once


def _batches(names: list[str], most: int) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for name in names:
        length = len(msgspec.json.encode(name)) + 1
        if batch and (len(batch) >= most or size + length > REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += length
    if batch:
        yield batch


def _filled(text: str, symbol: str) -> str:
    text = text.replace("{symbol_lower}", symbol.lower())
    return text.replace("{symbol_upper}", symbol.upper()).replace("{symbol}", symbol)


def _escaped(text: str, symbol: str) -> str:
    """Fills in a symbol within the JSON text of a request."""
    return _filled(text, msgspec.json.encode(symbol).decode()[1:-1])
