"""A feed told by a mapping in the venue matrix: numbers as JSON, nested rows, prefixed symbols."""

from __future__ import annotations

import tomllib

import msgspec
from tests.venue.cases.case import Case

from thft.gateway.ws.generic.mapping import FeedMapping
from thft.gateway.ws.venues import generic_venue
from thft.sim.ws.generic import GenericVenue

MAPPING = """
ping = '{"op":"ping"}'
messages_per_s = 50

[[subscribe]]
text = '{"op":"sub","topics":{symbols}}'
each = "q.{symbol}"

[[subscribe]]
text = '{"op":"sub","topics":["t.{symbol}"]}'
for_trades = true

[[messages]]
kind = "quote"
where = { "/kind" = "quotes" }
items = "/rows"
symbol = "/topic"
symbol_prefix = "q."
bid = "/top/0/0"
bid_size = "/top/0/1"
ask = "/top/1/0"
ask_size = "/top/1/1"
time = "/at"
time_unit = "s"
sequence = "/n"
sequence_rule = "plus_one"

[[messages]]
kind = "trade"
where = { "/kind" = "trades" }
items = "/rows"
symbol = "/topic"
symbol_prefix = "t."
price = "/p"
size = "/v"
side = "/side"
buy = "B"
sell = "S"
id = "/id"
time = "/ms"

[ack]
where = { "/op" = "sub", "/ok" = "true" }
symbol = "/topic"
symbol_prefix = "q."

[error]
where = { "/op" = "error" }
text = "/why"

[[answer]]
where = { "/op" = "ping" }
text = '{"op":"pong","id":{/id}}'

[[ignore]]
where = { "/op" = "pong" }
"""


def mapping(text: str = MAPPING) -> FeedMapping:
    """Returns a mapping of TOML."""
    return msgspec.convert(tomllib.loads(text), FeedMapping)


def _quote(row: str, topic: str = "q.EURUSD") -> bytes:
    return f'{{"kind":"quotes","topic":"{topic}","rows":[{row}]}}'.encode()


GENERIC = Case(
    name="generic",
    venue=GenericVenue,
    symbols={"EURUSD": 1, "GBPUSD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b'{"kind":"quotes","topic":"q.EURUSD","rows":5}',
        b'{"kind":"quotes","topic":"q.EURUSD"}',
        _quote('{"at":1767000000,"n":90001,"top":[[1.1,1]]}'),
        _quote('{"at":1767000000,"n":90002,"top":[[1.10000000001,1],[1.2,1]]}'),
        _quote('{"at":1767000000,"n":90003,"top":[[true,1],[1.2,1]]}'),
        _quote('{"at":"noon","n":90004,"top":[[1.1,1],[1.2,1]]}'),
        _quote('{"at":1767000000,"n":"first","top":[[1.1,1],[1.2,1]]}'),
        b'{"kind":"trades","topic":"t.EURUSD","rows":[{"p":1,"v":null,"side":"B","id":1,"ms":1767000000000}]}',
        b'{"kind":"trades","topic":"t.EURUSD","rows":[{"p":1,"v":1,"side":"X","id":1,"ms":1767000000000}]}',
    ],
    unknown_symbol=_quote("{}", "q.ABCDEF"),
    refused=b'{"op":"error","why":"no such topic"}',
    refusal="no such topic",
    record=generic_venue("wss://feed.example", mapping()),
)
