"""Coinbase in the venue matrix."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.coinbase import CoinbaseVenue


def _data(channel: str, event: str) -> bytes:
    return f'{{"channel":"{channel}","events":[{event}]}}'.encode()


COINBASE = Case(
    name="coinbase",
    venue=CoinbaseVenue,
    symbols={"EUR-USD": 1, "GBP-USD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1]",
        b'{"channel":"l2_data","events":{}}',
        _data("l2_data", '{"type":"update","product_id":"EUR-USD","updates":[{"side":"bid"}]}'),
        _data("market_trades", '{"trades":[{"trade_id":"1","product_id":"EUR-USD"}]}'),
        _data(
            "market_trades",
            '{"trades":[{"trade_id":"1","product_id":"EUR-USD","price":"1e99","size":"1"}]}',
        ),
        _data(
            "market_trades",
            '{"trades":[{"trade_id":"1","product_id":"GBP-USD","price":"1","size":"1",'
            '"time":"soon"}]}',
        ),
    ],
    unknown_symbol=_data("l2_data", '{"type":"snapshot","product_id":"ABC-DEF","updates":[]}'),
    refused=b'{"type":"error","message":"channel x is not supported"}',
    refusal="not supported",
    answers_probes=False,
)
