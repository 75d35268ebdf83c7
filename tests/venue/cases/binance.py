"""Binance in the venue matrix."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.binance import BinanceVenue

BINANCE = Case(
    name="binance",
    venue=BinanceVenue,
    symbols={"EURUSD": 1, "GBPUSD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1,2]",
        b'{"u":"text","s":"EURUSD"}',
        b'{"u":900000001,"s":"EURUSD","b":"NaN","B":"1","a":"2","A":"1"}',
        b'{"u":900000002,"s":"EURUSD","b":"1e400","B":"1","a":"2","A":"1"}',
        b'{"u":900000003,"s":"EURUSD","b":"1.0000000001","B":"1","a":"2","A":"1"}',
        b'{"u":900000004,"s":"EURUSD","b":"99999999999999","B":"1","a":"2","A":"1"}',
        b'{"u":900000005,"s":"EURUSD","b":"' + b"1" * 5_000 + b'","B":"1","a":"2","A":"1"}',
        b'{"u":900000006,"s":"EURUSD","b":"-1","B":"1","a":"2","A":"1"}',
        b'{"u":900000007,"s":"EURUSD","b":"1","B":"1","a":"2","A":"-1"}',
        b'{"u":9223372036854775808,"s":"EURUSD","b":"1","B":"1","a":"2","A":"1"}',
        b'{"u":-5,"s":"EURUSD","b":"1","B":"1","a":"2","A":"1"}',
        b'{"x":' * 5_000,
    ],
    unknown_symbol=b'{"u":5,"s":"ABCDEF","b":"1","B":"1","a":"2","A":"1"}',
    refused=b'{"error":{"code":2,"msg":"Invalid request: unknown stream"},"id":1}',
    refusal="unknown stream",
    answers_probes=False,
)
BINANCE_DEPTH = BINANCE._replace(
    name="binance_depth",
    record="binance",
    book="depth",
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1,2]",
        b'{"e":"depthUpdate","s":"EURUSD","U":1,"u":2,"b":[]}',
        b'{"e":"depthUpdate","s":"EURUSD","U":"1","u":2,"b":[],"a":[]}',
        b'{"e":"trade","s":"EURUSD","t":1,"p":"1","q":"1"}',
        b'{"e":"trade","s":"EURUSD","t":1,"p":"1e99","q":"1","m":true}',
        b'{"e":"trade","s":"EURUSD","t":1,"p":"1","q":"1","m":true,"T":-5}',
        b'{"e":"trade","s":"EURUSD","t":1,"p":"1","q":"-1","m":true,"T":5}',
        b'{"e":"trade","s":"EURUSD","t":1,"p":"0","q":"1","m":true,"T":5}',
        b'{"e":"trade","s":"EURUSD","t":9223372036854775808,"p":"1","q":"1","m":true,"T":5}',
        b'{"e":"depthUpdate","s":"EURUSD","U":9223372036854775808,"u":2,"b":[],"a":[]}',
    ],
    unknown_symbol=b'{"e":"depthUpdate","s":"ABCDEF","U":1,"u":2,"b":[],"a":[]}',
)
