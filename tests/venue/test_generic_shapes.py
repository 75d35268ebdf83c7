"""Three feeds of different shapes told to the generic adapter by its documentation alone.

Flat objects with texts, nested objects with arrays of levels, arrays; then the same feeds hostile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from tests.seeds import seed_of_test
from tests.venue.cases.generic import mapping
from tests.venue.test_websocket_hostile_numbers import Packing
from tests.venue.wire import FEED, Quote, Recorder

from thft.gateway.ws.dialect import LATE_IN_A_ROW, STRANGERS_KEPT, Wanted
from thft.gateway.ws.generic.dialect import GenericDialect
from thft.gateway.ws.generic.findings import mapping_findings
from thft.model.fixed import ABSENT

FLAT = r"""
ping = "ping"
ping_s = 15
ack = { where = { "/status" = "subscribed" }, symbol = "/pair" }
error = { where = { "/status" = "error" }, text = "/message" }
answer = [{ where = { "/ping" = "*" }, text = '{"pong":{/ping}}' }]
ignore = [{ where = { "/type" = "heartbeat" } }]

[[subscribe]]
text = '{"type":"subscribe","pair":"{symbol}"}'

[[messages]]
kind = "trade"
where = { "/type" = "trade" }
symbol = "/pair"
price = "/px"
size = "/qty"
side = "/maker"
buy = "false"
sell = "true"
id = "/tid"
time = "/when"
time_unit = "iso"

[[messages]]
kind = "quote"
symbol = "/pair"
bid = "/bid"
ask = "/ask"
time = "/when"
time_unit = "iso"
"""
NESTED = r"""
ack = { where = { "/event" = "subscribed" }, symbol = "/channels", symbol_prefix = "book." }
error = { where = { "/event" = "error" }, text = "/reason/text" }
ignore = [{ where = { "/event" = "*" } }]

[[subscribe]]
text = '{"event":"subscribe","channels":{symbols}}'
each = "book.{symbol}"

[[messages]]
kind = "quote"
where = { "/topic" = "book.*" }
symbol = "/topic"
symbol_prefix = "book."
bid = "/data/bids/0/0"
bid_size = "/data/bids/0/1"
ask = "/data/asks/0/0"
ask_size = "/data/asks/0/1"
time = "/data/ts"
sequence = "/data/seq"
sequence_rule = "increasing"

[[messages]]
kind = "trade"
where = { "/topic" = "*@fills" }
items = "/data"
symbol = "/topic"
symbol_suffix = "@fills"
price = "/0"
size = "/1"
time = "/2"
time_unit = "us"
"""
ARRAYS = r"""
ignore = [{ where = { "/0" = "hb" } }]

[[subscribe]]
text = '["sub","{symbol_lower}"]'

[[messages]]
kind = "quote"
where = { "/0" = "q" }
symbol = "/1"
bid = "/2"
bid_size = "/3"
ask = "/4"
ask_size = "/5"
time = "/6"
time_unit = "s"

[[messages]]
kind = "trade"
where = { "/0" = "t" }
items = "/2"
symbol = "^/1"
price = "/1"
size = "/2"
side = "/3"
buy = "1"
sell = "-1"
id = "/0"
time = "/4"
time_unit = "ns"
"""
MAPPINGS = {"flat": FLAT, "nested": NESTED, "arrays": ARRAYS}
AT_NS = 1_767_000_000_123_000_000
GOOD = {
    "flat": (
        b'{"status":"subscribed","pair":"BTC/USD"}',
        b'{"type":"heartbeat","n":1}',
        b'{"pair":"BTC/USD","bid":"90000.10","ask":"90000.20","when":"2025-12-29T09:20:00.123Z"}',
        b'{"type":"trade","pair":"BTC/USD","px":"90000.2","qty":"0.5","maker":true,"tid":"x1",'
        b'"when":"2025-12-29T10:20:00.123+01:00"}',
    ),
    "nested": (
        b'{"event":"subscribed","channels":["book.BTC/USD","book.ETH/USD"]}',
        b'{"event":"heartbeat"}',
        b'{"topic":"book.BTC/USD","data":{"ts":1767000000123,"seq":7,"bids":[[9.00001E4,1e-8],'
        b'[9e4,5]],"asks":[[900002e-1,25]]}}',
        b'{"topic":"BTC/USD@fills","data":[[90000.2,5e-1,1767000000123000]]}',
    ),
    "arrays": (
        b'["hb",1]',
        b'["q","BTC/USD",90000.1,1,90000.2,2,1767000000.123]',
        b'["t","BTC/USD",[[17,90000.2,0.5,-1,1767000000123000000]]]',
    ),
}
"""An acknowledgement, a heartbeat, a quote of 90000.1 and 90000.2, and a print of 0.5."""


def _dialect(shape: str, inbox: Recorder, symbols: int = 1) -> GenericDialect:
    names = {"BTC/USD": 1, "ETH/USD": 2}
    wanted = Wanted(FEED, dict(list(names.items())[:symbols]), trades=True)
    return GenericDialect(mapping(MAPPINGS[shape]), inbox, wanted)


@pytest.mark.parametrize("shape", MAPPINGS)
def test_a_feed_of_that_shape(shape: str) -> None:
    assert list(mapping_findings(mapping(MAPPINGS[shape]), 1, True)) == []
    inbox = Recorder()
    dialect = _dialect(shape, inbox)
    assert len(dialect.begin()) == 1 and not dialect.synced
    for message in GOOD[shape]:
        assert dialect.received(message, 1) == []
    (quote,), (trade,) = inbox.quotes, inbox.trades
    assert (quote.bid, quote.ask) == (90_000_100_000_000, 90_000_200_000_000)
    side = 0 if shape == "nested" else -1
    assert trade[:5] == (1, 90_000_200_000_000, 50_000_000, side, AT_NS)
    assert inbox.faults == [] and dialect.synced


def test_sizes_with_exponents_and_one_sided_books() -> None:
    inbox = Recorder()
    dialect = _dialect("nested", inbox)
    dialect.received(GOOD["nested"][2], 1)
    one_sided = b'{"topic":"book.BTC/USD","data":{"ts":0,"seq":8,"bids":[],"asks":[[7,1]]}}'
    dialect.received(one_sided, 1)
    zero = b'["q","BTC/USD",0,0,90000.2,2,1767000000.123]'
    _dialect("arrays", inbox).received(zero, 1)
    assert inbox.quotes == [
        Quote(1, 90_000_100_000_000, 1, 90_000_200_000_000, 2_500_000_000, 7),
        Quote(1, ABSENT, ABSENT, 7_000_000_000, 100_000_000, 8),
        Quote(1, ABSENT, 0, 90_000_200_000_000, 200_000_000, 0),
    ]
    assert inbox.faults == []


def test_a_ping_of_the_venue_is_answered_with_its_value() -> None:
    inbox = Recorder()
    dialect = _dialect("flat", inbox)
    assert dialect.received(b'{"ping":1492420473027}', 1) == [b'{"pong":1492420473027}']
    assert dialect.received(b'{"ping":"a\\"b"}', 1) == [b'{"pong":"a\\"b"}']
    assert dialect.probe() == b"ping" and dialect.ping_every_s == 15
    assert inbox.faults == []


def test_refusals_are_told_in_the_venues_words() -> None:
    inbox = Recorder()
    dialect = _dialect("nested", inbox)
    dialect.received(b'{"event":"error","reason":{"text":"no channel book.X"}}', 1)
    dialect.received(b'{"event":"error","reason":7}', 1)
    assert inbox.faults == [
        (0, "refused", "no channel book.X"),
        (0, "refused", '{"event":"error","reason":7}'),
    ]
    assert dialect.leave == ""
    dialect.received(b'{"event":"error","reason":{"text":"Too many requests"}}', 1)
    assert "too many requests" in dialect.leave and inbox.faults[-1][1] == "rate_limited"


def test_acknowledgements_of_one_and_of_many() -> None:
    dialect = _dialect("nested", inbox := Recorder(), symbols=2)
    dialect.begin()
    dialect.received(b'{"event":"subscribed","channels":"book.BTC/USD"}', 1)
    assert {key for key in dialect.waiting if key[0] == "ack"} == {("ack", "ETH/USD")}
    dialect.received(b'{"event":"subscribed"}', 1)
    assert inbox.faults == [(0, "malformed", "no symbol at /channels of an acknowledgement")]
    dialect.received(GOOD["nested"][0], 1)
    assert not any(key[0] == "ack" for key in dialect.waiting)


@pytest.mark.parametrize(
    ("unit", "told"),
    (
        ("s", "1767000000123"),
        ("ms", "1767000000"),
        ("us", "1767000000123"),
        ("ms", "1767000000123456"),
    ),
)
def test_a_time_in_another_unit_is_named(unit: str, told: str) -> None:
    inbox = Recorder()
    text = NESTED.replace('time = "/data/ts"', f'time = "/data/ts"\ntime_unit = "{unit}"')
    dialect = GenericDialect(mapping(text), inbox, Wanted(FEED, {"BTC/USD": 1}))
    dialect.received(GOOD["nested"][2].replace(b"1767000000123", told.encode()), 1)
    said = f"messages[0]: time: '{told}' is none of our days in {unit}"
    assert inbox.faults == [(1, "malformed", said)]
    assert inbox.quotes == []


def test_the_number_of_a_message_is_that_of_all_its_rows() -> None:
    inbox = Recorder()
    told = """
[[messages]]
kind = "quote"
items = "/rows"
symbol = "/s"
bid = "/b"
ask = "/a"
sequence = "/n"
sequence_rule = "plus_one"
sequence_of = "connection"
"""
    wanted = Wanted(FEED, {"X": 1, "Y": 2})
    dialect = GenericDialect(mapping(told), inbox, wanted)
    rows = ",".join(
        f'{{"s":"{one}","b":1,"a":{ask}}}' for one, ask in (("X", 2), ("Y", 3), ("X", 4))
    )
    for number in (7, 7, 8):
        dialect.received(f'{{"n":{number},"rows":[{rows}]}}'.encode(), 1)
    assert [quote.venue_seq for quote in inbox.quotes] == [7, 7, 7, 8, 8, 8]
    assert [fault for _, fault, _ in inbox.faults] == ["out_of_order"] * 3


def test_a_feed_of_all_symbols_names_each_stranger_once() -> None:
    inbox = Recorder()
    dialect = _dialect("arrays", inbox)
    for number in range(500):
        for symbol in ("ADA/USD", "SOL/USD", "BTC/USD"):
            dialect.received(f'["q","{symbol}",1,{number},2,2,1767000000]'.encode(), 1)
    assert len(inbox.quotes) == 500
    assert inbox.faults == [(0, "unknown_symbol", "ADA/USD"), (0, "unknown_symbol", "SOL/USD")]
    for number in range(STRANGERS_KEPT + 5):
        dialect.received(f'["q","S{number}/USD",1,1,2,2,1767000000]'.encode(), 1)
    assert len(inbox.faults) == STRANGERS_KEPT + 7


def test_numbers_that_start_over_are_a_new_connection() -> None:
    inbox = Recorder()
    dialect = _dialect("nested", inbox)
    for _ in range(LATE_IN_A_ROW):
        assert dialect.leave == ""
        dialect.received(GOOD["nested"][2], 1)
    assert len(inbox.quotes) == 1 and dialect.leave == ""
    dialect.received(GOOD["nested"][2], 1)
    assert dialect.leave == "the venue counts anew: BTC/USD 7 after 7"


# ---- hostile -----------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 63, 1 << 64, 10**30, 1e308, -0.5, "", "NaN", "1e999", "9" * 5_000,
    "\U0001f600", [], [[]], {}, {"a": {"b": []}}, [None] * 50, "BTC/USD", "ETH/USD", "*",
)  # fmt: skip
DAMAGE = (
    b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e9999", b"\x00", b'"', b"{",
    b"[" * 5_000, b'{"a":' * 5_000, b"1" * 5_000, b'"bid":"1","bid":"2",', b"\\ud800",
)  # fmt: skip


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields (container, key) of every value within."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _hostile(message: bytes, chance: Random) -> bytes:
    if chance.random() < 0.4:
        at = chance.randrange(len(message))
        return message[:at] + chance.choice(DAMAGE) + message[at + chance.randrange(3) :]
    value = json.loads(message)
    container, key = chance.choice(list(_places(value)))
    if chance.random() < 0.2:
        del container[key]
    else:
        container[key] = chance.choice(ODD)
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("shape", MAPPINGS)
def test_whatever_comes_the_next_quote_is_taken(shape: str) -> None:
    chance = Random(seed_of_test())
    inbox = Packing()
    dialect = _dialect(shape, inbox)
    dialect.begin()
    for _ in range(3_000):
        dialect.received(_hostile(chance.choice(GOOD[shape]), chance), 1)
        dialect.leave = ""
    kinds = {fault for _, fault, _ in inbox.faults}
    known = {"malformed", "unknown_message", "unknown_symbol", "out_of_order", "refused"}
    assert {"malformed", "unknown_symbol"} <= kinds <= known
    fresh = Recorder()
    dialect.inbox = fresh
    quote = next(one for one in GOOD[shape] if b"90000.1" in one or b"9.00001E4" in one)
    dialect.received(re.sub(rb'"seq":\d+', b'"seq":9223372036854775807', quote), 1)
    assert len(fresh.quotes) == 1 and fresh.quotes[0].bid == 90_000_100_000_000


# ---- faulty mappings ---------------------------------------------------------------------------

FAULTY = (
    ("flat", 'bid = "/bid"', 'bid = "/bid[0]"', "messages[1].bid: '/bid[0]': a place in a list is"),
    ("nested", 'items = "/data"', 'items = "/data/*"', "messages[1].items: '/data/*': a star"),
    ("flat", '"/ping" = "*"', '"/ping" = "a*b"', "answer[0].where./ping: 'a*b': one star stands"),
    ("flat", "{/ping}", "{ping}", "answer[0].text: {ping} is no path"),
    ("flat", '{"pong":{/ping}}', '{"pong":{/ping}', "answer[0].text: no JSON once it is filled"),
    ("flat", 'ping = "ping"', 'ping = "{ping"', "ping: no JSON once it is filled in"),
    ("flat", '"pair":"{symbol}"}', '"pair":{symbol}}', "subscribe[0].text: no JSON once"),
    ("nested", "{symbols}}", '"{symbols}"}', "subscribe[0].text: no JSON once it is filled in"),
    ("nested", '"book.{symbol}"', '"book"', "subscribe[0].each: the same for every symbol"),
    ("flat", '[[subscribe]]', '[[subscribe]]\neach = "a"', "subscribe[0].each: stands for nothing"),
    ("flat", '[[subscribe]]', "[[subscribe]]\nfor_trades = true", "subscribe: every request"),
    ("flat", '"{symbol}"', '"{SYMBOL}"', "subscribe[0].text: {SYMBOL} stands for nothing"),
    ("flat", 'side = "/maker"\n', "", "messages[0].side: missing: buy says something of it"),
    ("flat", 'id = "/tid"\ntime = "/when"\n', "", "messages[0].time: missing: time_unit says"),
    ("arrays", '"/0" = "q"', '"/0" = "*"', "messages[1].where: never reached: messages[0]"),
    ("arrays", '"/0" = "t"', '"/0" = "q", "/1" = "x"', "messages[1].where: never reached"),
    ("nested", '"/event" = "error"', '"/event" = "*"', "ack.where: never reached: error takes"),
    ("nested", 'text = "/reason/text"', 'symbol = "/x"', "error.symbol: only an acknowledgement"),
    ("nested", ', symbol = "/channels"', "", "ack.symbol: missing: say where the symbol stands"),
    ("flat", '"/type" = "heartbeat"', '"" = "heartbeat"', "ignore[0].where.: expected a path"),
)  # fmt: skip


@pytest.mark.parametrize(("shape", "old", "new", "said"), FAULTY)
def test_a_faulty_mapping_is_told_with_key_and_remedy(
    shape: str, old: str, new: str, said: str
) -> None:
    assert old in MAPPINGS[shape]
    found = mapping_findings(mapping(MAPPINGS[shape].replace(old, new, 1)), 1, True)
    told = [f"{key}: {text}" for key, text in found]
    assert any(one.startswith(said) for one in told), told
