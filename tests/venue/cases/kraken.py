"""Kraken in the venue matrix."""

from __future__ import annotations

from tests.venue.cases.case import Case

from thft.sim.ws.kraken import KrakenVenue

KRAKEN = Case(
    name="kraken",
    venue=KrakenVenue,
    symbols={"EUR/USD": 1, "GBP/USD": 2},
    malformed=[
        b"{",
        b"\xff\xfe",
        b'{"channel":"book","type":"update","data":{}}',
        b'{"channel":"book","type":"update","data":[{"symbol":"EUR/USD","bids":[{"price":1}]}]}',
        b'{"channel":"status","type":"update","data":[{"system":5}]}',
    ],
    unknown_symbol=b'{"channel":"book","type":"update","data":[{"symbol":"ABC/DEF"}]}',
    refused=b'{"method":"subscribe","success":false,"error":"Currency pair not supported"}',
    refusal="not supported",
)
