"""Bybit in the venue matrix, once by quotes and once by depth."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.bybit import BybitVenue


def _data(topic: str, data: str) -> bytes:
    return f'{{"topic":"{topic}","type":"snapshot","ts":1,"data":{data}}}'.encode()


BYBIT = Case(
    name="bybit",
    venue=BybitVenue,
    symbols={"EURUSD": 1, "GBPUSD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1]",
        b'{"topic":5}',
        _data("orderbook.1.EURUSD", "{}"),
        _data("orderbook.1.EURUSD", '{"s":"EURUSD","u":"7","b":[],"a":[]}'),
        _data("orderbook.1.EURUSD", '{"s":"EURUSD","u":7,"b":[["1"]],"a":[]}'),
        _data("orderbook.1.EURUSD", '{"s":"EURUSD","u":7,"b":[["-1","1"]],"a":[]}'),
        _data("orderbook.1.EURUSD", '{"s":"EURUSD","u":9223372036854775808,"b":[],"a":[]}'),
        _data("publicTrade.EURUSD", "[" * 5_000),
        _data("publicTrade.EURUSD", '[{"p":"1"}]'),
        _data("publicTrade.EURUSD", '[{"s":"","p":"-1","v":"1","i":"x","T":1,"S":"Buy"}]'),
        _data("publicTrade.EURUSD", '[{"s":"","p":"1e99","v":"1","i":"x","T":1,"S":"Buy"}]'),
        _data("publicTrade.EURUSD", '[{"s":"","p":"1","v":"1","i":"x","T":1,"S":"Both"}]'),
        _data("publicTrade.EURUSD", '[{"s":"","p":"1","v":"1","i":"x","T":-1,"S":"Buy"}]'),
    ],
    unknown_symbol=_data("orderbook.1.ABCDEF", '{"s":"ABCDEF","u":1,"b":[],"a":[]}'),
    refused=b'{"success":false,"ret_msg":"Invalid topic: x","conn_id":"c","op":"subscribe"}',
    refusal="Invalid topic",
)
BYBIT_DEPTH = BYBIT._replace(
    name="bybit_depth",
    record="bybit",
    book="depth",
    malformed=[one.replace(b"orderbook.1.", b"orderbook.50.") for one in BYBIT.malformed],
    unknown_symbol=BYBIT.unknown_symbol.replace(b"orderbook.1.", b"orderbook.50."),
)
