"""The dialect of any JSON feed that a mapping tells: quotes and prints; made by venues.

Every quote is a whole top of book, so a gap in the numbers is counted and the next quote taken.
`findings` says what is wrong with a mapping before one is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from thft.gateway.port import EngineInbox
from thft.gateway.ws.dialect import LATE_IN_A_ROW, VenueDialect, Wanted
from thft.gateway.ws.generic.fields import (
    EARLIEST_NS,
    MISSING,
    Matcher,
    Reader,
    found,
    steps,
    text_of,
)
from thft.gateway.ws.generic.mapping import FeedMapping, Subscribe
from thft.model.fixed import ABSENT, BadNumber, parse_price, parse_scaled, parse_size

REQUEST_BYTES = 60_000
"""A request for many symbols is cut at this size."""
ANSWERED = re.compile(r"\{(/[^{}]*)\}")
"""Where an answer has a value of what it answers."""
_decode = msgspec.json.Decoder(float_hook=str).decode
"""Numbers with a point stay the text they came as."""


class GenericDialect(VenueDialect):
    """Made of a mapping; a symbol counts as synced with its acknowledgement and first quote."""

    venue = "generic"

    def __init__(self, mapping: FeedMapping, inbox: EngineInbox, wanted: Wanted) -> None:
        super().__init__(inbox, wanted)
        self._mapping = mapping
        self._readers = [Reader(message) for message in mapping.messages]
        self._ignored = [Matcher(match.where) for match in mapping.ignore]
        self._answers = [(Matcher(one.where), one.text) for one in mapping.answer]
        self._ack = None if mapping.ack is None else Matcher(mapping.ack.where)
        self._error = None if mapping.error is None else Matcher(mapping.error.where)
        self._last: dict[tuple[int, str], int] = {}
        self._old: dict[tuple[int, str], int] = {}
        """How many rows with old numbers have come one after the other."""
        self._shared: set[tuple[tuple[int, str], int]] = set()
        """The numbers that a message has given its rows."""
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
            self.refused(self._words(message, payload))
            return []
        if self._ack is not None and self._ack(message):
            self._acknowledged(message)
            return []
        for wants, text in self._answers:
            if wants(message):
                return [_answer(text, message)]
        if not any(matches(message) for matches in self._ignored):
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
        said = found(message, steps(ack.symbol)) if ack.symbol else ""
        if said is MISSING:
            self.fault(0, "malformed", f"no symbol at {ack.symbol} of an acknowledgement")
            return
        for one in said if isinstance(said, list) else [said]:
            symbol = text_of(one).removeprefix(ack.symbol_prefix).removesuffix(ack.symbol_suffix)
            self.waiting.discard(("ack", symbol))

    # ---- market data ---------------------------------------------------------------------------

    def _rows(self, number: int, reader: Reader, message: Any, recv_ts_ns: int) -> None:
        try:
            rows = reader.rows(message)
        except BadNumber as error:
            self.fault(0, "malformed", f"messages[{number}]: {error.cause}")
            return
        self._shared.clear()
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
                self.fault(instrument, "malformed", f"messages[{number}]: {error.cause}")

    def _symbol(self, reader: Reader, row: Any, message: Any) -> str:
        if not reader.message.symbol:
            return next(iter(self.symbols))
        symbol, mapped = reader.text("symbol", row, message) or "", reader.message
        return symbol.removeprefix(mapped.symbol_prefix).removesuffix(mapped.symbol_suffix)

    def _in_order(self, number: int, reader: Reader, symbol: str, row: Any, message: Any) -> bool:
        """Takes a row's sequence number; returns False for one that came again or late."""
        rule = reader.message.sequence_rule
        if rule == "none" or self.loose:
            return True
        sequence = reader.number("sequence", row, message, _whole)
        whole = reader.message.sequence_of == "connection"
        key = (-1, "") if whole else (number, symbol)
        if (key, sequence) in self._shared:
            return True
        last, instrument = self._last.get(key), self.symbols[symbol]
        if sequence == ABSENT or (last is not None and sequence <= last):
            self.fault(instrument, "out_of_order", f"number {sequence} came again or late")
            self._old[key] = self._old.get(key, 0) + 1
            if self._old[key] >= LATE_IN_A_ROW:
                self.leave = f"the venue counts anew: {symbol} {sequence} after {last}"
            return False
        self._last[key], self._old[key] = sequence, 0
        if reader.is_shared("sequence", row):
            self._shared.add((key, sequence))
        if rule == "plus_one" and last is not None and sequence != last + 1:
            self.fault(instrument, "gap", f"{symbol}: {sequence} follows {last}")
        return True

    def _quote(
        self, reader: Reader, symbol: str, row: Any, message: Any, recv_ts_ns: int
    ) -> Callable[[], None]:
        """Reads a quote; returns what tells it."""

        def number(name: str, parse: Callable[[str, str], int]) -> int:
            return reader.number(name, row, message, parse)

        bid, bid_size = number("bid", _quoted), number("bid_size", _size)
        ask, ask_size = number("ask", _quoted), number("ask_size", _size)
        sequence = max(number("sequence", _whole), 0)
        ts_ns, instrument = self._time_ns(reader, row, message), self.symbols[symbol]

        def tell() -> None:
            self.waiting.discard(("quote", symbol))
            self.inbox.quote(
                self.feed, instrument, bid, bid_size, ask, ask_size, ts_ns, sequence, recv_ts_ns
            )

        return tell

    def _time_ns(self, reader: Reader, row: Any, message: Any) -> int:
        return reader.time_ns(row, message, 0 if self.loose else EARLIEST_NS)

    def _trade(
        self, reader: Reader, symbol: str, row: Any, message: Any, recv_ts_ns: int
    ) -> Callable[[], None]:
        """Reads a print; returns what tells it."""
        mapped, instrument = reader.message, self.symbols[symbol]
        price = reader.number("price", row, message, parse_price)
        size = reader.number("size", row, message, _size)
        if price == ABSENT or size == ABSENT:
            raise BadNumber("a trade without price or size", "check the mapping")
        said = reader.text("side", row, message) or ""
        side = {mapped.buy: "buy", mapped.sell: "sell", "": ""}.get(said)
        if side is None:
            raise BadNumber(f"side {said[:40]!r} is neither buy nor sell", "check the mapping")
        id = reader.text("id", row, message) or "0"
        ts_ns = self._time_ns(reader, row, message)
        return partial(self.traded, instrument, price, size, side, id, ts_ns, recv_ts_ns)


def _answer(text: str, message: Any) -> bytes:
    def value(place: re.Match[str]) -> str:
        answered = found(message, steps(place[1]))
        return msgspec.json.encode(None if answered is MISSING else answered).decode()

    return ANSWERED.sub(value, text).encode()


def _quoted(text: str, name: str) -> int:
    """Returns a price, ABSENT for 0: so feeds say that there is none."""
    return parse_price(text, name) or ABSENT


def _size(text: str, name: str) -> int:
    size = parse_size(text, name)
    if size < 0:
        raise BadNumber(f"{name}: {text[:40]!r} is negative", "check the mapping")
    return size


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
