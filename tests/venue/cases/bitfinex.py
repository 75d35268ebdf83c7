"""Bitfinex in the venue matrix."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.bitfinex import BitfinexVenue

BITFINEX = Case(
    name="bitfinex",
    venue=BitfinexVenue,
    symbols={"tEURUSD": 1, "tGBPUSD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"[]",
        b"null",
        b'[200001,"hb"]',
        b'[200001,"hb","one"]',
        b'["book",[[1,1,1]],999999]',
        b'{"event":{}}',
        b'{"event":"subscribed","chanId":"one"}',
    ],
    unknown_symbol=b'{"event":"subscribed","channel":"book","chanId":9,"symbol":"tABCDEF"}',
    refused=b'{"event":"error","msg":"symbol: invalid","code":10300,"symbol":"tX"}',
    refusal="10300 symbol: invalid tX",
)
