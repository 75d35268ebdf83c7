"""Reads a venue's ordinary market message straight into packed records; dialects own one each.

A dialect is the specification: it can take every message by itself. What it takes a thousand times
a second (a quote, a change of a book that is in step) it describes as a `Shape`, and the reader, if
it is compiled, takes those in its place, with the same outcome. All else (snapshots, gaps, faults,
odd numbers) the reader declines, and a declined message has changed nothing. Both go on
from the same `Track` of a symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from thft import _native

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.gateway.ws._reader_py import MarketReader, Track
else:
    from thft.gateway.ws._reader import MarketReader, Track

__all__ = ["Field", "Fields", "MarketReader", "Shape", "Track", "each", "only", "said", "within"]


class Field(NamedTuple):
    """What a field of a message says.

    const (`text` and nothing else), symbol (after the prefix `text`), seq, prev, first (prev + 1),
    checksum, ms, ms_best (wins over ms), ms_text, iso; bid, bid_size, ask, ask_size (texts);
    bid_rows, ask_rows (`[price, size, …]`); bids, asks, updates (objects of `fields`: price, size —
    as a string only where `text` is set — and side: bid or offer); one (an array of one object),
    object.
    """

    what: str
    text: str = ""
    needed: bool = True
    fields: Any = None


Fields = dict[str, Field]


class Shape(NamedTuple):
    """An ordinary message: its fields, what it becomes, and what must hold.

    `emits`: ticker, first (levels of each side) and top (of the book) are quotes, depth is depth.
    `chain`: the number rises; names the one before (follows), or the first that it stands for
    (spans); is the next of its symbol or of all messages; or is counted here (count). `cut`: so
    many levels a side has. `whole`: it replaces the book. Without `fields`: Bitfinex's arrays.
    """

    fields: Fields
    emits: Literal["ticker", "first", "top", "depth"]
    chain: Literal["rising", "follows", "spans", "next", "next_of_all", "count"]
    cut: int = 0
    whole: bool = False
    checksum: Literal["", "padded", "paired", "amount"] = ""
    checksum_levels: int = 0


def said(text: str) -> Field:
    """Returns a field that says just this."""
    return Field("const", text)


def within(fields: Fields) -> Field:
    """Returns a field that holds an object."""
    return Field("object", fields=fields)


def only(fields: Fields) -> Field:
    """Returns a field that holds an array of one object."""
    return Field("one", fields=fields)


def each(what: Literal["bids", "asks", "updates"], fields: Fields) -> Field:
    """Returns a field that holds an array of levels as objects."""
    return Field(what, fields=fields)
