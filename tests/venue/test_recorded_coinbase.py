"""The Coinbase dialect over documented messages, and recorded books told in its words."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

from tests.shared_files import needs, shared_file
from tests.venue.recorded import DecimalBook, scaled
from tests.venue.wire import FEED, Recorder, Trade

from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.dialects.coinbase import CoinbaseDialect

FOLDER = "ws/coinbase/advanced_"
SHAPES = tuple(
    f"{FOLDER}{name}.json"
    for name in ("subscriptions", "l2_data_snapshot", "l2_data_update", "market_trades")
)
EXCHANGE = "ws/coinbase/exchange_feed_capture_20210417.tsv.gz"


def _message(name: str, number: int) -> bytes:
    message = json.loads(shared_file(name).read_bytes())
    return json.dumps({**message, "sequence_num": number}).encode()


@needs(*SHAPES)
def test_documented_messages() -> None:
    inbox = Recorder()
    dialect = CoinbaseDialect(inbox, Wanted(FEED, {"BTC-USD": 1}, "depth", trades=True))
    dialect.begin()
    truth = DecimalBook()
    for number, name in enumerate(SHAPES):
        assert dialect.received(_message(name, number), 1) == []
        for event in json.loads(shared_file(name).read_bytes())["events"]:
            for one in event.get("updates", []):
                size = Decimal(one["new_quantity"])
                truth.set(one["side"] == "bid", Decimal(one["price_level"]), size)
    mine = inbox.books[1]
    assert (mine.bids(), mine.asks()) == truth.levels()
    assert dialect.synced and inbox.faults == []
    older, newest = inbox.trades
    assert older == Trade(1, scaled("68900.50", 9), scaled("0.0015", 8), 0, older[4], 995098700)
    assert older.venue_ts_ns == 1_775_572_202_789_012_000
    assert newest.venue_trade_id == 995098701


@needs(EXCHANGE)
def test_recorded_books_told_in_the_words_of_advanced_trade() -> None:
    """The recorded feed is another one of the venue: its levels are told as this one tells them."""
    inbox = Recorder()
    rows = gzip.decompress(shared_file(EXCHANGE).read_bytes()).splitlines()
    messages = [json.loads(row.split(b"\t", 2)[2]) for row in rows if b"\tin\t" in row]
    products = sorted({one["product_id"] for one in messages if one["type"] == "snapshot"})
    symbols = {product: number for number, product in enumerate(products, 1)}
    dialect = CoinbaseDialect(inbox, Wanted(FEED, symbols, "depth"))
    truth = {product: DecimalBook() for product in products}
    number = 0
    for one in messages:
        if one["type"] == "snapshot":
            levels = [("bid", *row) for row in one["bids"]] + [
                ("offer", *row) for row in one["asks"]
            ]
            kind = "snapshot"
        elif one["type"] == "l2update":
            sides = {"buy": "bid", "sell": "offer"}
            levels = [(sides[side], price, size) for side, price, size in one["changes"]]
            kind = "update"
        else:
            continue
        keys = ("side", "price_level", "new_quantity")
        event = {
            "type": kind,
            "product_id": one["product_id"],
            "updates": [dict(zip(keys, level, strict=True)) for level in levels],
        }
        told = {"channel": "l2_data", "sequence_num": number, "events": [event]}
        number += 1
        dialect.received(json.dumps(told).encode(), 1)
        for side, price, size in levels:
            truth[one["product_id"]].set(side == "bid", Decimal(price), Decimal(size))
    assert inbox.faults == [] and number > 9_000
    for product, instrument in symbols.items():
        book = inbox.books[instrument]
        bids, asks = truth[product].levels()
        assert (book.bids(), book.asks()) == (bids[:5_000], asks[:5_000])


def test_coinbase_counts_heartbeats_and_asks_for_every_book_after_a_jump() -> None:
    inbox = Recorder()
    dialect = CoinbaseDialect(inbox, Wanted(FEED, {"BTC-USD": 1}, "depth"))
    dialect.begin()
    update = '{"side":"bid","price_level":"5","new_quantity":"1"}'
    event = f'{{"type":"snapshot","product_id":"BTC-USD","updates":[{update}]}}'
    messages = [f'{{"channel":"l2_data","sequence_num":0,"events":[{event}]}}']
    for number, beat in enumerate((7, 8, 10, 11), 1):
        events = f'[{{"heartbeat_counter":{beat}}}]'
        messages.append(f'{{"channel":"heartbeats","sequence_num":{number},"events":{events}}}')
    answers = [dialect.received(message.encode(), 1) for message in messages]
    assert inbox.faults == [(1, "gap", "heartbeat 10 follows 8")]
    assert [len(answer) for answer in answers] == [0, 0, 0, 2, 0]
