"""What a venue numbers beyond 64 bits: counted as malformed, and never half taken."""

from __future__ import annotations

import pytest
from tests.venue.wire import FEED, Recorder

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.venues import VENUES

BEYOND = {
    "coinbase": '{"channel":"heartbeats","sequence_num":NUMBER,"events":[]}',
    "bitfinex": '[17,"hb",NUMBER,1767000000000]',
    "binance": '{"e":"depthUpdate","s":"S","U":1,"u":NUMBER,"b":[],"a":[]}',
    "bybit": '{"topic":"orderbook.50.S","type":"snapshot","ts":1,"data":{"u":NUMBER}}',
    "okx": '{"arg":{"channel":"books","instId":"S"},"action":"snapshot",'
    '"data":[{"seqId":NUMBER,"prevSeqId":-1}]}',
}


@pytest.mark.parametrize("number", [1 << 63, 10**400])
@pytest.mark.parametrize("venue", BEYOND)
def test_a_number_beyond_64_bits_is_malformed(venue: str, number: int) -> None:
    inbox = Recorder()
    record = VENUES[venue]
    dialect = record.dialect(inbox, Wanted(FEED, {"S": 1}, "depth", trades=True))
    dialect.begin()
    dialect.received(BEYOND[venue].replace("NUMBER", str(number)).encode(), 1)
    assert inbox.books == {} and [fault for _, fault, _ in inbox.faults] == ["malformed"]
