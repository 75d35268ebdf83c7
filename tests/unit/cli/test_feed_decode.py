"""`thft feed decode`: a venue's message by itself, exact to the last digit; broken ones named."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.shared_files import needs, shared_file

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
    "okx tick by tick": (
        "okx",
        '{"arg":{"channel":"books-l2-tbt","instId":"ETH-USDT"},"action":"snapshot","data":[{"asks":'
        '[["3120.30","2","0","1"]],"bids":[],"ts":"1767000000123","checksum":7}]}',
        {"type": "depth", "reset": True, "asks": [["3120.3", "2"]], "seq": 0},
    ),
    "okx short book": (
        "okx",
        '{"arg":{"channel":"books5","instId":"ETH-USDT"},"data":[{"asks":[["2","1","0","1"]],'
        '"bids":[["1","1","0","1"]],"instId":"ETH-USDT","ts":"1597026383085","seqId":5}]}',
        {"type": "depth", "reset": True, "bids": [["1", "1"]], "seq": 5},
    ),
    "binance 24 hours": (
        "binance",
        '{"stream":"x","data":{"e":"24hrTicker","E":5,"s":"ETHUSDT","b":"1","B":"2","a":"3",'
        '"A":"4"}}',
        {**QUOTE, "bid": "1", "bid_size": "2", "ask": "3", "ask_size": "4"},
    ),
    "binance trades of one taker": (
        "binance",
        '{"e":"aggTrade","E":5,"s":"ETHUSDT","a":12,"p":"3.5","q":"2","f":1,"l":2,"T":7,"m":true}',
        {"type": "trade", "price": "3.5", "size": "2", "aggressor": "sell", "trade_id": 12},
    ),
    "binance book alone": (
        "binance",
        '{"lastUpdateId":9,"bids":[["1","2"]],"asks":[]}',
        {"type": "depth", "reset": True, "bids": [["1", "2"]], "venue_symbol": None, "seq": 9},
    ),
    "binance book of a stream": (
        "binance",
        '{"stream":"ethusdt@depth5","data":{"lastUpdateId":9,"bids":[["1","2"]],"asks":[]}}',
        {"type": "depth", "reset": True, "symbol": "ETHUSDT"},
    ),
    "coinbase ticker": (
        "coinbase",
        '{"channel":"ticker","timestamp":"2026-03-02T09:15:00.1Z","sequence_num":0,"events":[{"type":'
        '"update","tickers":[{"product_id":"ETH-USD","price":"3","best_bid":"2.5","best_ask":"3.5",'
        '"best_bid_quantity":"1","best_ask_quantity":"2"}]}]}',
        {**QUOTE, "bid": "2.5", "ask_size": "2", "venue_ts_ns": 1772442900100000000},
    ),
    "kraken ticker": (
        "kraken",
        '{"channel":"ticker","type":"update","data":[{"symbol":"ETH/USD","bid":2.50,"bid_qty":1e-8,'
        '"ask":3.5,"ask_qty":2,"last":3,"timestamp":"2026-03-02T09:15:00.1Z"}]}',
        {**QUOTE, "bid": "2.5", "bid_size": "0.00000001", "symbol": "ETHUSD"},
    ),
    "bitfinex book of nobody": (
        "bitfinex",
        "[300,[[1921.8,1,0.5],[1922,2,-3]]]",
        {"type": "depth", "venue_symbol": None, "symbol": None, "asks": [["1922", "3"]]},
    ),
    "bitfinex trade of nobody": (
        "bitfinex",
        '[300,"te",[569,1734237017719,-0.25,102570],2]',
        {"type": "trade", "venue_symbol": None, "aggressor": "sell", "size": "0.25"},
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


def test_a_channel_of_which_nothing_is_known_is_named() -> None:
    (row,) = decoded("bitfinex", [b"[7,[1,2,3,4,5,6,7,8,9,10]]"])
    assert row == {"error": "unknown_message: channel 7 was never acknowledged", "line": 1}


def test_a_message_may_be_spread_over_lines() -> None:
    spread = json.dumps(json.loads(CASES["okx trade"][1]), indent=2).encode()
    lines = [b"", *spread.splitlines(), CASES["okx trade"][1].encode(), b"{", b'  "arg": {']
    first, second, third, _ = decoded("okx", [*lines, b"[1]"])
    assert first == second
    assert third["line"] == len(lines) - 1 and third["error"].startswith("malformed: ")


def test_messages_of_different_times_prove_nothing_together() -> None:
    level = '{{"topic":"orderbook.1.XUSDT","type":"delta","ts":1,"data":{{"s":"XUSDT",{},"u":{}}}}}'
    lines = [level.format('"b":[["1","2"]],"a":[]', 8), level.format('"b":[],"a":[["0.5","1"]]', 3)]
    first, second = decoded("bybit", [line.encode() for line in lines])
    assert (first["bid"], first["ask"]) == ("1", None)
    assert (second["bid"], second["ask"]) == (None, "0.5")
    ticker = CASES["binance ticker"][1].encode()
    assert [row["type"] for row in decoded("binance", [ticker, ticker])] == ["quote", "quote"]


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


RECORDED: dict[str, dict[str, int]] = {
    "binance/spot_messages.jsonl": {"trade": 2, "quote": 2, "depth": 6},
    "bitfinex/v2_book_p0_snapshot.json": {"depth": 1},
    "bitfinex/v2_trade_variants.jsonl": {"trade": 1, "error": 2},
    "bybit/v5_orderbook500_xrpusdt_20241201.jsonl.gz": {"depth": 50},
    "bybit/v5_public_messages.jsonl": {"trade": 4, "quote": 6, "depth": 2, "error": 5},
    "coinbase/advanced_heartbeats.json": {},
    "coinbase/advanced_l2_data_snapshot.json": {"depth": 1},
    "coinbase/advanced_l2_data_update.json": {"depth": 1},
    "coinbase/advanced_market_trades.json": {"trade": 2},
    "coinbase/advanced_subscriptions.json": {},
    "kraken/v2_book_checksum_sequence.jsonl": {"depth": 20},
    "kraken/v2_pong.json": {},
    "kraken/v2_public_messages.jsonl": {"error": 4, "quote": 1, "trade": 2},
    "okx/v5_bbo_tbt.json": {"quote": 1},
    "okx/v5_books_snapshot.json": {"depth": 1},
    "okx/v5_futures_messages.jsonl": {"depth": 2, "trade": 1, "error": 9, "quote": 1},
    "okx/v5_spot_messages.jsonl": {"trade": 2, "depth": 2, "quote": 1},
}
"""What the recorded payloads bring; the errors are channels without quotes, depth or prints."""


@needs(*(f"ws/{name}" for name in RECORDED))
def test_recorded_payloads_as_they_were_published() -> None:
    for name, counts in RECORDED.items():
        path = shared_file(f"ws/{name}")
        stored = path.read_bytes()
        lines = (gzip.decompress(stored) if path.suffix == ".gz" else stored).splitlines()
        rows = Counter(row.get("type", "error") for row in decoded(path.parent.name, lines))
        assert rows == counts, name


OWN = """
mode = "paper"
[[instruments]]
symbol = "BTCUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "acme"
dialect = "generic"
url = "wss://feed.example/v1"
symbols = { BTCUSD = "btc-usd" }
[[venues.websocket.messages]]
kind = "quote"
where = { "/type" = "q*" }
symbol = "/s"
bid = "/b"
ask = "/a"
time = "/t"
"""


def test_a_mapping_of_ones_own_is_tried_without_a_connection(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text(OWN)
    lines = (
        b'{"type":"quote","s":"btc-usd","b":1.5e0,"a":"2","t":5}\n'
        b'{"type":"quote","s":"BTC-USD","b":1,"a":2,"t":5}\n'
        b'{"type":"quote","s":"btc-usd","b":1,"t":5}\n'
    )
    command = [sys.executable, "-m", "thft", "feed", "decode", "acme", "--config", str(path)]
    done = subprocess.run(command, input=lines, capture_output=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[0] == {
        "type": "quote",
        "venue": "acme",
        "venue_symbol": "btc-usd",
        "symbol": "BTCUSD",
        "bid": "1.5",
        "bid_size": None,
        "ask": "2",
        "ask_size": None,
        "venue_ts_ns": 5_000_000,
        "seq": 0,
    }
    assert rows[1:] == [
        {"error": "unknown_symbol: BTC-USD", "line": 2},
        {"error": "malformed: messages[0]: no ask at /a", "line": 3},
    ]
    assert done.returncode == 1
    path.write_text(OWN.replace('bid = "/b"', 'bid = "b"'))
    done = subprocess.run(command, input=lines, capture_output=True, check=False)
    assert b"venues[0].websocket.messages[0].bid: expected a path" in done.stderr
    command[5] = "other"
    path.write_text(OWN)
    done = subprocess.run(command, input=lines, capture_output=True, check=False)
    assert b"no WebSocket venue is called 'other'" in done.stderr and b"acme" in done.stderr


@pytest.mark.parametrize(
    ("venue", "notice", "book"),
    (
        (
            "kraken",
            b'{"channel":"status","type":"update","data":[{"system":"maintenance"}]}',
            b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":1.5,'
            b'"qty":2}],"asks":[],"checksum":1}]}',
        ),
        (
            "bitfinex",
            b'{"event":"info","code":20060,"msg":"Entering in Maintenance"}',
            b"[7,[1.5,1,2],4,1767000000000]",
        ),
    ),
)
def test_a_notice_of_maintenance_hides_no_message_after_it(
    venue: str, notice: bytes, book: bytes
) -> None:
    said = [b'{"event":"subscribed","channel":"book","chanId":7,"symbol":"tBTCUSD"}']
    lines = [*(said if venue == "bitfinex" else []), notice, book]
    rows = list(decoded(venue, lines))
    assert "maintenance" in rows[0]["error"] and rows[1]["bids"] == [["1.5", "2"]]
