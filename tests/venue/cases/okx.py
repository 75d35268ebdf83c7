"""OKX in the venue matrix, once by quotes and once by depth."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.okx import OkxVenue


def _data(channel: str, data: str, symbol: str = "EUR-USD") -> bytes:
    arg = f'{{"channel":"{channel}","instId":"{symbol}"}}'
    return f'{{"arg":{arg},"action":"update","data":{data}}}'.encode()


OKX = Case(
    name="okx",
    venue=OkxVenue,
    symbols={"EUR-USD": 1, "GBP-USD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"Pong",
        _data("bbo-tbt", "{}"),
        _data("bbo-tbt", '[{"bids":[["x","1"]],"asks":[["2","1"]],"seqId":99999999}]'),
        _data("bbo-tbt", '[{"bids":[["1","1"]],"asks":[["2"]],"seqId":99999999}]'),
        _data("bbo-tbt", '[{"bids":[["1","1"]],"asks":[],"seqId":99999999,"ts":"soon"}]'),
        _data("bbo-tbt", '[{"bids":[["-1","1"]],"asks":[["2","1"]],"seqId":99999999}]'),
        _data("bbo-tbt", '[{"bids":[],"asks":[],"seqId":9223372036854775808}]'),
        _data("trades", "[" * 5_000),
        _data("trades", '[{"px":"1","sz":"1","side":"buy"}]'),
        _data("trades", '[{"tradeId":"1","px":"1","sz":"-1","side":"buy","ts":"1"}]'),
        _data("trades", '[{"tradeId":"1","px":"1e99","sz":"1","side":"buy","ts":"1"}]'),
        _data("trades", '[{"tradeId":"1","px":"1","sz":"1","side":"both","ts":"1"}]'),
    ],
    unknown_symbol=_data("bbo-tbt", '[{"bids":[],"asks":[]}]', "ABC-DEF"),
    refused=b'{"event":"error","code":"60018","msg":"Wrong URL or channel:x","connId":"a4"}',
    refusal="60018 Wrong URL",
)
OKX_DEPTH = OKX._replace(name="okx_depth", record="okx", book="depth")
