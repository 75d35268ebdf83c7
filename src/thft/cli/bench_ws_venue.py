"""The venue of `thft bench ws`: a simulator that sends ready frames at once; run by `bench_ws`.

Its first line is the port. Once a client has subscribed it makes COUNT messages and says `ready`;
a line on its standard input lets them go. Who has started it ends it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import uvloop

from thft.base.prng import Prng
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.kraken import KrakenVenue
from thft.sim.ws.server import VenueServer

VENUES: dict[str, type[VenueServer]] = {"binance": BinanceVenue, "kraken": KrakenVenue}
SYMBOLS = {
    "binance": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"),
    "kraken": ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"),
}
CHANNELS = ("book", "bookTicker")
SEED = 4
BEGIN_NS, STEP_NS = 1_700_000_000_000_000_000, 1_000_000
LARGEST_SHORT, LARGEST_MIDDLE = 125, 65_535
"""Payload lengths that a frame's head says in one byte, and in two more."""


class Taken:
    """Stands where a client's session stands: keeps what it is sent."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self.symbols = set(symbols)
        self.channels = {(channel, symbol) for channel in CHANNELS for symbol in symbols}
        self.messages: list[bytes] = []

    def send(self, message: bytes) -> None:
        """Keeps one message."""
        self.messages.append(message)


def ticks(venue: VenueServer, symbols: tuple[str, ...], count: int) -> None:
    """Moves the market: a seeded walk of each symbol, sizes that change with every tick."""
    prng, cents = Prng(SEED), dict.fromkeys(symbols, 6743210)
    for at in range(count):
        symbol = symbols[at % len(symbols)]
        cents[symbol] += prng.between(-40, 40)
        bid, ask = cents[symbol], cents[symbol] + prng.between(1, 30)
        sizes = [f"{prng.between(0, 9)}.{prng.between(1, 99_999_999):08d}" for _ in range(2)]
        ts_ns = BEGIN_NS + at * STEP_NS
        venue.tick(symbol, _price(bid), sizes[0], _price(ask), sizes[1], ts_ns)


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def framed(payload: bytes) -> bytes:
    """Returns a server's text frame."""
    size = len(payload)
    if size <= LARGEST_SHORT:
        return bytes((0x81, size)) + payload
    if size <= LARGEST_MIDDLE:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


async def serve(name: str, count: int) -> None:
    """Serves one client; see the module."""
    loop, venue, symbols = asyncio.get_running_loop(), VENUES[name](), SYMBOLS[name]
    ticks(venue, symbols, len(symbols))
    print(await venue.listen(), flush=True)
    await venue.subscribed()
    sessions, taken = venue.sessions, Taken(symbols)
    everyone: list[Any] = [taken]
    venue.sessions = everyone
    ticks(venue, symbols, count)
    venue.sessions = sessions
    frames = b"".join(map(framed, taken.messages))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    transport = sessions[0].transport
    assert transport is not None
    transport.underlying_transport.write(frames)
    await transport.wait_disconnected()


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that a client is slower than the loopback is no news
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
