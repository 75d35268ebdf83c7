"""The venue of `thft bench ws`, a process of its own that `bench_ws` runs: ready frames at once.

`make NAME FORM COUNT FILE` writes the frames of COUNT ticks to FILE, in the form that a taker
speaks. `serve NAME FORM FILE` says its port, serves one client, says in JSON what it has sent and
will send once the client has subscribed to everything, and lets the frames go when it is given a
line. Who has started it ends it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop
from msgspec import Struct
from picows import WSFrame, WSMsgType, WSTransport, WSUpgradeRequest

from thft.cli.bench_ws_forms import FORMS, REQUESTS, SYMBOLS, Form
from thft.cli.bench_ws_walk import BookWalk, QuoteWalk
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.bitfinex import BitfinexVenue
from thft.sim.ws.bybit import BybitVenue
from thft.sim.ws.coinbase import CoinbaseVenue
from thft.sim.ws.kraken import KrakenVenue
from thft.sim.ws.okx import OkxVenue
from thft.sim.ws.server import VenueServer, VenueSession

VENUES: dict[str, type[VenueServer]] = {
    "binance": BinanceVenue,
    "bybit": BybitVenue,
    "coinbase": CoinbaseVenue,
    "kraken": KrakenVenue,
    "okx": OkxVenue,
    "bitfinex": BitfinexVenue,
}
BOOKS = ("coinbase", "kraken", "bitfinex")
"""What of these the core takes by default is a book; of the others, quotes."""
LOOK_S = 0.002
LARGEST_SHORT, LARGEST_MIDDLE = 125, 65_535
"""Payload lengths that a frame's head says in one byte, and in two more."""


class Frames(Struct):
    """What a file of frames holds; `sent` are those before them, told by who serves."""

    ticks: int
    frames: int
    events: int
    """Of the frames, those that change a quote or a book; the others only prove one."""
    sent: int = 0


class Client(VenueSession):
    """A session that speaks a form; from `keep` on nothing is sent, but kept."""

    def __init__(self, venue: VenueServer, form: Form) -> None:
        super().__init__(venue)
        self.form = form
        self.sent = 0
        self.kept: list[bytes] = []
        self._keeping = False

    def keep(self) -> None:
        """Sends nothing from now on."""
        self._keeping = True

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begins, with what a client of this form has no words for."""
        super().on_ws_connected(transport)
        for request in self.form.unsaid:
            self.venue.received(self, request)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hands a request on as the simulator knows it."""
        if frame.msg_type == WSMsgType.TEXT:
            self.messages_in += 1  # a venue cuts who says nothing
            self.venue.received(self, self.form.request(frame.get_payload_as_bytes()))
        else:
            super().on_ws_frame(transport, frame)

    def _send_now(self, message: bytes) -> None:
        formed = self.form.message(message)
        if formed is None:
            return
        if self._keeping:
            self.kept.append(formed)
        else:
            self.sent += 1
            super()._send_now(formed)


def opened(name: str) -> tuple[VenueServer, QuoteWalk | BookWalk]:
    """Returns a venue whose market has begun, and what moves it on."""
    venue = VENUES[name]()
    walk = (BookWalk if name in BOOKS else QuoteWalk)(venue, SYMBOLS[name])
    walk.begin()
    return venue, walk


def made(name: str, form: Form, count: int) -> tuple[Frames, bytes]:
    """Returns the frames of `count` ticks as a client gets them that subscribes to everything."""
    venue, walk = opened(name)
    client = Client(venue, form)
    client.transport = cast(Any, object())  # it stands for a connection, and is not used
    client.keep()
    venue.sessions.append(client)
    venue.connected(client)
    for request in REQUESTS[name]:
        venue.received(client, request)
    client.kept.clear()
    walk.run(count)
    events = sum(b'"cs"' not in message for message in client.kept)
    frames = b"".join(map(framed, client.kept))
    return Frames(count, len(client.kept), events), frames


def framed(payload: bytes) -> bytes:
    """Returns a server's text frame."""
    size = len(payload)
    if size <= LARGEST_SHORT:
        return bytes((0x81, size)) + payload
    if size <= LARGEST_MIDDLE:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


async def make(name: str, form: Form, count: int, file: Path) -> None:
    """Writes frames; the first line says what they are."""
    told, frames = made(name, form, count)
    file.write_bytes(msgspec.json.encode(told) + b"\n" + frames)


async def serve(name: str, form: Form, file: Path) -> None:
    """Serves one client; see the module."""
    head, _, frames = file.read_bytes().partition(b"\n")
    told = msgspec.json.decode(head, type=Frames)
    venue, _ = opened(name)
    clients: list[Client] = []

    def accept(request: WSUpgradeRequest) -> VenueSession:
        clients.append(Client(venue, form))
        return clients[-1]

    venue._accept = accept  # type: ignore[method-assign]
    print(await venue.listen(), flush=True)
    while not (clients and subscribed(name, clients[0])):
        await asyncio.sleep(LOOK_S)
    client = clients[0]
    client.keep()
    told.sent = client.sent
    print(msgspec.json.encode(told).decode(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    transport = client.transport
    assert transport is not None
    transport.underlying_transport.write(frames)
    await transport.wait_disconnected()


def subscribed(name: str, client: Client) -> bool:
    """Says whether a client has asked for everything; what it says after that gets no answer."""
    channels = {channel for channel, _ in client.channels}
    return client.venue.subscribed_symbols() >= set(SYMBOLS[name]) and (
        name != "coinbase" or channels == {"level2", "heartbeats"}
    )


def main(what: str, name: str, form: str, *rest: str) -> None:
    """Does what the command line says."""
    logging.disable(logging.WARNING)  # that a client is slower than the loopback is no news
    taken = FORMS[form][name]
    if what == "make":
        uvloop.run(make(name, taken, int(rest[0]), Path(rest[1])))
    else:
        uvloop.run(serve(name, taken, Path(rest[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
