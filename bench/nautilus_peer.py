"""NautilusTrader on given quotes; `thft bench engine` runs it beside the own engine.

A job as JSON on stdin, the result on stdout: the fields are those of `thft.cli.bench_trading`. Only
the published interface of the package is used; it is not part of this project.
"""

from __future__ import annotations

import json
import platform
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nautilus_trader
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import FixedFeeModel
from nautilus_trader.model import (
    AccountType,
    BookType,
    Currency,
    CurrencyPair,
    InstrumentId,
    Money,
    OmsType,
    OrderFilled,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    Symbol,
    Venue,
)
from nautilus_trader.risk import RiskEngineConfig
from nautilus_trader.trading import Strategy, StrategyConfig

QUOTE = struct.Struct("<qqqqqqHHI")
PRICE_ONE, SIZE_ONE = 10**9, 10**8
RAW_PRICE_ONE, RAW_UNIT = Price.from_str("1.00000").raw, Quantity.from_int(1).raw
DIGITS = 5
USD = Currency.from_str("USD")


class Trader(Strategy):  # type: ignore[misc]
    """Counts quotes down; at zero it buys when the bid is above its last order's, else it sells."""

    def take(self, job: dict[str, Any]) -> None:
        """Sets the strategy up; the base class takes nothing but its configuration."""
        self.every = self.left = job["every"]
        self.size = Quantity.from_int(job["units"])
        self.instruments = instrument_ids(job)
        self.orders = self.bid = self.fills = self.paid = self.submitted_ns = 0
        self.submit_to_fill_ns: list[int] = []

    def on_start(self) -> None:
        for instrument in self.instruments:
            self.subscribe_quotes(instrument)

    def on_quote(self, quote: QuoteTick) -> None:
        self.left -= 1
        if not self.left:
            bid = quote.bid_price.raw
            side = OrderSide.BUY if bid > self.bid else OrderSide.SELL
            self.bid = bid
            self.left = self.every
            self.orders += 1
            self.submitted_ns = time.perf_counter_ns()
            self.submit_order(self.order_factory.market(quote.instrument_id, side, self.size))

    def on_order_filled(self, event: OrderFilled) -> None:
        self.submit_to_fill_ns.append(time.perf_counter_ns() - self.submitted_ns)
        self.fills += 1
        price = event.last_px.raw * PRICE_ONE // RAW_PRICE_ONE
        self.paid += price if event.is_buy else -price


def instrument_ids(job: dict[str, Any]) -> list[InstrumentId]:
    """Returns the ids of instruments 1, 2 …"""
    return [InstrumentId.from_str(f"S{number}/USD.SIM") for number in range(job["instruments"])]


def quotes(job: dict[str, Any]) -> Iterator[QuoteTick]:
    """Yields the job's quotes as the engine takes them."""
    ids, ts_ns = instrument_ids(job), job["start_ns"]
    for bid, bid_size, ask, ask_size, _, _, _, _, number in QUOTE.iter_unpack(
        Path(job["quotes"]).read_bytes()
    ):
        yield QuoteTick.from_raw(
            ids[number - 1],
            bid * RAW_PRICE_ONE // PRICE_ONE,
            ask * RAW_PRICE_ONE // PRICE_ONE,
            DIGITS,
            DIGITS,
            bid_size // SIZE_ONE * RAW_UNIT,
            ask_size // SIZE_ONE * RAW_UNIT,
            0,
            0,
            ts_ns,
            ts_ns,
        )
        ts_ns += job["step_ns"]


def engine_for(job: dict[str, Any]) -> BacktestEngine:
    """Returns an engine with a top-of-book venue, no logging, no risk engine, no fees."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            bypass_logging=True,
            run_analysis=False,
            logging=LoggerConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    engine.add_venue(
        Venue("SIM"),
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(1e9, USD)],
        book_type=BookType.L1_MBP,
        fee_model=FixedFeeModel(Money(0.0, USD)),
    )
    for instrument in instrument_ids(job):
        engine.add_instrument(
            CurrencyPair(
                instrument,
                Symbol(str(instrument).partition(".")[0]),
                Currency.from_str("EUR"),
                USD,
                DIGITS,
                0,
                Price.from_str("0.00001"),
                Quantity.from_int(1),
                0,
                0,
            )
        )
    engine.add_data(list(quotes(job)), validate=False, sort=True)
    return engine


def main() -> None:
    """Runs one job."""
    job = json.load(sys.stdin)
    engine = engine_for(job)
    trader = Trader(StrategyConfig(log_events=False, log_commands=False))
    trader.take(job)
    engine.add_strategy(trader)
    began = time.process_time_ns()
    engine.run()
    spent_ns = time.process_time_ns() - began
    held = dict.fromkeys(map(str, instrument_ids(job)), 0)
    for position in engine.cache.positions_open():
        held[str(position.instrument_id)] += round(position.signed_qty)
    result = {
        "engine": f"nautilus_trader {nautilus_trader.__version__} on Python "
        f"{platform.python_version()}; journal off, risk engine bypassed, logging off",
        "seen": trader.every * (trader.orders + 1) - trader.left,
        "fills": trader.fills,
        "positions": list(held.values()),
        "paid": trader.paid,
        "cpu_ns": spent_ns,
        "submit_to_fill_ns": trader.submit_to_fill_ns,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
