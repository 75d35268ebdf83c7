"""Turns events into frame payloads and back, by (type, version); all rooms above call it.

Quotes, depth and trade prints have fixed little-endian layouts (a quote frame is 88 bytes with its
header); all other events are MessagePack arrays in field order. Golden files in
tests/golden hold one payload of every layout ever released.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from thft.base.errors import LocalError
from thft.model import event as events
from thft.model.event import Depth, Event, Quote, TradePrint

QUOTE_LAYOUT = struct.Struct("<qqqqqqHHI")
"""bid, bid_size, ask, ask_size, venue_ts_ns, venue_seq, feed, reserved, instrument: 56 bytes."""

DEPTH_HEAD = struct.Struct("<qqHBBIHH")
"""venue_ts_ns, venue_seq, feed, reset, reserved, instrument, bid count, ask count."""

TRADE_LAYOUT = struct.Struct("<qqqqHhI")
"""price, size, venue_ts_ns, venue_trade_id, feed, aggressor, instrument: 40 bytes."""


RECORD_HEAD = struct.Struct("<II")
"""Of a record its frame type (0x0101 quote, 0x0102 depth) and its payload's bytes, which follow it
and are filled up to eight."""

QUOTE_TYPE, DEPTH_TYPE, LEVEL_BYTES = 0x0101, 0x0102, 16


class UnknownLayout(LocalError):
    """A frame type or version this build has no decoder for."""


def encode_quote(quote: Quote) -> bytes:
    """Returns the 56-byte payload of a quote."""
    return QUOTE_LAYOUT.pack(
        quote.bid,
        quote.bid_size,
        quote.ask,
        quote.ask_size,
        quote.venue_ts_ns,
        quote.venue_seq,
        quote.feed,
        0,
        quote.instrument,
    )


def decode_quote(payload: bytes) -> Quote:
    """Returns the quote of a 56-byte payload."""
    bid, bid_size, ask, ask_size, ts, venue_seq, feed, _, instrument = QUOTE_LAYOUT.unpack(payload)
    return Quote(feed, instrument, bid, bid_size, ask, ask_size, ts, venue_seq)


def records_of(records: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields (frame type, payload) of quotes and depth one after the other; raises LocalError."""
    at = 0
    while at + RECORD_HEAD.size <= len(records):
        kind, size = RECORD_HEAD.unpack_from(records, at)
        payload = records[at + RECORD_HEAD.size : at + RECORD_HEAD.size + size]
        if len(payload) != size or not _whole(kind, payload):
            break
        yield kind, payload
        at += (RECORD_HEAD.size + size + 7) & ~7
    if at != len(records):
        raise LocalError(f"{len(records) - at} bytes at the end of records are none")


def _whole(kind: int, payload: bytes) -> bool:
    if kind == QUOTE_TYPE:
        return len(payload) == QUOTE_LAYOUT.size
    if kind != DEPTH_TYPE or len(payload) < DEPTH_HEAD.size:
        return False
    levels: int = sum(DEPTH_HEAD.unpack_from(payload)[-2:])
    return len(payload) == DEPTH_HEAD.size + levels * LEVEL_BYTES


def encode_depth(depth: Depth) -> bytes:
    """Returns the payload of a depth batch: head, bids, asks; 16 bytes a level."""
    levels = [number for level in (*depth.bids, *depth.asks) for number in level]
    head = DEPTH_HEAD.pack(
        depth.venue_ts_ns,
        depth.venue_seq,
        depth.feed,
        depth.reset,
        0,
        depth.instrument,
        len(depth.bids),
        len(depth.asks),
    )
    return head + struct.pack(f"<{len(levels)}q", *levels)


def decode_depth(payload: bytes) -> Depth:
    """Returns the depth batch of a payload."""
    ts, venue_seq, feed, reset, _, instrument, bid_count, ask_count = DEPTH_HEAD.unpack_from(
        payload
    )
    numbers = struct.unpack_from(f"<{2 * (bid_count + ask_count)}q", payload, DEPTH_HEAD.size)
    levels = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return Depth(
        feed, instrument, bool(reset), levels[:bid_count], levels[bid_count:], ts, venue_seq
    )


def encode_trade(trade: TradePrint) -> bytes:
    """Returns the 40-byte payload of a trade print."""
    return TRADE_LAYOUT.pack(
        trade.price,
        trade.size,
        trade.venue_ts_ns,
        trade.venue_trade_id,
        trade.feed,
        trade.aggressor,
        trade.instrument,
    )


def decode_trade(payload: bytes) -> TradePrint:
    """Returns the trade print of a 40-byte payload."""
    price, size, ts, trade_id, feed, aggressor, instrument = TRADE_LAYOUT.unpack(payload)
    return TradePrint(feed, instrument, price, size, aggressor, ts, trade_id)


def _event_classes() -> list[type[Event]]:
    return [
        value
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    ]


_encoder = msgspec.msgpack.Encoder()
_ENCODERS: dict[type[Event], Callable[[Any], bytes]] = dict.fromkeys(
    _event_classes(), _encoder.encode
)
_ENCODERS[Quote] = encode_quote
_ENCODERS[Depth] = encode_depth
_ENCODERS[TradePrint] = encode_trade

_DECODERS: dict[tuple[int, int], Callable[[bytes], Event]] = {
    (cls.TYPE, cls.VERSION): msgspec.msgpack.Decoder(cls).decode for cls in _event_classes()
}
_DECODERS[Quote.TYPE, Quote.VERSION] = decode_quote
_DECODERS[Depth.TYPE, Depth.VERSION] = decode_depth
_DECODERS[TradePrint.TYPE, TradePrint.VERSION] = decode_trade

EVENT_NAMES: dict[int, str] = {cls.TYPE: cls.__name__ for cls in _event_classes()}


def encode(event: Event) -> bytes:
    """Returns the payload of any event."""
    return _ENCODERS[type(event)](event)


def decode(type_: int, version: int, payload: bytes) -> Event:
    """Returns the event of a payload; raises UnknownLayout for a layout this build lacks."""
    decoder = _DECODERS.get((type_, version))
    if decoder is None:
        raise UnknownLayout(
            f"no decoder for event type {type_:#06x} version {version}",
            "read this journal with the thft version that wrote it, or a newer one",
        )
    return decoder(payload)
