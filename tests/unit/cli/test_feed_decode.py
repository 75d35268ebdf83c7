"""`thft feed decode`: a venue's message by itself, exact to the last digit; broken ones named."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from thft.cli.feed import decoded

QUOTE = {"type": "quote"}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "binance ticker": (
        "binance",
        '{"u":7,"s":"ETHUSDT","b":"3120.10","B":"4.20000001","a":"3120.11","A":"1.7"}',
        {
            **QUOTE,
            "venue": "binance",
            "venue_symbol": "ETHUSDT",
            "symbol": "ETHUSDT",
            "bid": "3120.1",
            "bid_size": "4.20000001",
            "ask": "3120.11",
            "ask_size": "1.7",
            "venue_ts_ns": None,
            "seq": 7,
        },
    ),
    "binance delta alone": (
        "binance",
        '{"stream":"x","data":{"e":"depthUpdate","E":5,"s":"A","U":4,"u":6,"b":[["1","0"]],"a":[]}}',
        {"type": "depth", "reset": False, "bids": [["1", "0"]], "asks": [], "seq": 6},
    ),
    "bybit level": (
        "bybit",
        '{"topic":"orderbook.1.XUSDT","type":"snapshot","ts":1,"data":{"s":"XUSDT","b":[],'
        '"a":[["28552.10","25.433"]],"u":9,"seq":1}}',
        {
            **QUOTE,
            "symbol": None,
            "bid": None,
            "ask": "28552.1",
            "venue_ts_ns": 1_000_000,
            "seq": 9,
        },
    ),
    "bybit delta alone": (
        "bybit",
        '{"topic":"orderbook.200.XUSDT","type":"delta","ts":1,"data":{"s":"XUSDT","b":[["1","2"]],'
        '"a":[],"u":9,"seq":1}}',
        {"type": "depth", "bids": [["1", "2"]], "seq": 9},
    ),
    "coinbase": (
        "coinbase",
        '{"channel":"l2_data","timestamp":"2026-03-02T09:15:00.101000001Z","sequence_num":3,"events":'
        '[{"type":"update","product_id":"ETH-USD","updates":[{"side":"offer","price_level":"3120.30",'
        '"new_quantity":"1.0"}]}]}',
        {"type": "depth", "asks": [["3120.3", "1"]], "seq": 3, "venue_ts_ns": 1772442900101000001},
    ),
    "kraken delta alone": (
        "kraken",
        '{"channel":"book","type":"update","data":[{"symbol":"ETH/USD","bids":[{"price":3120.10,'
        '"qty":4.20000000}],"asks":[],"checksum":1,"timestamp":"2026-03-02T09:15:00.101Z"}]}',
        {
            "type": "depth",
            "venue_symbol": "ETH/USD",
            "symbol": "ETHUSD",
            "bids": [["3120.1", "4.2"]],
        },
    ),
    "okx delta alone": (
        "okx",
        '{"arg":{"channel":"books","instId":"ETH-USDT"},"action":"update","data":[{"asks":[["3120.30",'
        '"0","0","0"]],"bids":[],"ts":"1767000000123","checksum":-1,"prevSeqId":1000,"seqId":1004}]}',
        {"type": "depth", "asks": [["3120.3", "0"]], "seq": 1004},
    ),
    "okx trade": (
        "okx",
        '{"arg":{"channel":"trades","instId":"ETH-USDT"},"data":[{"instId":"ETH-USDT","tradeId":"12",'
        '"px":"3120.1","sz":"0.5","side":"sell","ts":"1767000000123"}]}',
        {"type": "trade", "price": "3120.1", "size": "0.5", "aggressor": "sell", "trade_id": 12},
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_a_message_by_itself(what: str) -> None:
    venue, line, wanted = CASES[what]
    (row,) = decoded(venue, [line.encode()])
    assert wanted.items() <= row.items()
    assert list(row)[:4] == ["type", "venue", "venue_symbol", "symbol"]


def test_a_channel_of_bitfinex_is_known_once_it_is_announced() -> None:
    lines = [
        b'{"event":"subscribed","channel":"book","chanId":5,"symbol":"tETHUSD","prec":"P0"}',
        b"",
        b"[5,[3120.1,0,1],2,1767000000140]",
        b"[5,[[3120.1,3,4.2],[3120.3,1,-1.0]],3,1767000000141]",
    ]
    first, second = decoded("bitfinex", lines)
    assert (first["reset"], first["bids"]) == (False, [["3120.1", "0"]])
    assert (second["reset"], second["asks"]) == (True, [["3120.3", "1"]])


def test_broken_lines_are_named_and_the_rest_is_read() -> None:
    lines = CASES["binance ticker"][1] + "\n{bad\n\n" + '{"e":"kline"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "thft", "feed", "decode", "binance"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [row.get("type", "error") for row in rows] == ["quote", "error", "error"]
    assert [row["line"] for row in rows[1:]] == [2, 4]
    assert rows[1]["error"].startswith("malformed: ")
    good = subprocess.run(
        [sys.executable, "-m", "thft", "feed", "decode", "binance"],
        input=CASES["binance ticker"][1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert good.returncode == 0


def test_an_unknown_venue_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thft", "feed", "decode", "nowhere"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "name one of binance, " in done.stderr
