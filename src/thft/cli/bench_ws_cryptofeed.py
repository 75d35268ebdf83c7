"""cryptofeed as a taker of `thft bench ws`: its own classes, in an environment of their own.

`bench/prepare.py` makes the environment, `bench/cryptofeed_peer.py` runs in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from thft.base.errors import LocalError
from thft.cli.bench_ws_forms import BASES

PROGRAMS = Path(__file__).resolve().parents[3] / "bench"
INSTALL_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Peer:
    """How cryptofeed takes a venue, and in words what it does there."""

    words: str
    channel: str
    quote: str
    spelling: str
    """cryptofeed's name of a pair at the venue."""
    path: str = ""
    options: dict[str, object] = field(default_factory=dict)


PEERS = {
    "binance": Peer("bookTicker, by the combined stream", "ticker", "USDT", "{}USDT"),
    "bybit": Peer("orderbook.1", "l2_book", "USDT", "{}/USDT", "/v5/public/spot"),
    "coinbase": Peer("level2", "l2_book", "USD", "{}-USD"),
    "kraken": Peer("book, with checksum", "l2_book", "USD", "{}/USD", "/v2", {"max_depth": 10}),
    "okx": Peer("the same tops as tickers", "ticker", "USDT", "{}-USDT", "/ws/v5/public"),
    "bitfinex": Peer(
        "book, with checksum", "l2_book", "USD", "t{}USD", "/ws/2", {"number_of_price_points": 25}
    ),
}


def environment() -> str | None:
    """Returns the Python that has cryptofeed; None, and why, when there is none."""
    prepare = PROGRAMS / "prepare.py"
    if not prepare.exists():
        print("cryptofeed is not measured: its program is in bench/ of a checkout", file=sys.stderr)
        return None
    command = [sys.executable, str(prepare), "cryptofeed"]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, check=True, timeout=INSTALL_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"cryptofeed is not measured: {prepare} failed ({error})", file=sys.stderr)
        return None
    ready = json.loads(done.stdout)
    if "missing" in ready:
        words = f"cryptofeed is not measured: {ready['missing']}; {ready['remedy']}"
        print(words, file=sys.stderr)
        return None
    return str(ready["peer"])


class Running:
    """The peer's process, which has connected or will at once."""

    def __init__(self, process: asyncio.subprocess.Process, patience_s: float) -> None:
        self._process = process
        self._patience_s = patience_s

    async def begin(self, before: int, events: int) -> None:
        """Tells how many quotes or books came before, and how many shall be timed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{before} {events}\n".encode())
        if await self._line() != "begun":
            raise LocalError("cryptofeed has not begun", "see its message above")

    async def cpu_ns(self) -> int:
        """Returns the CPU time, ns, that all of them took."""
        return int(await self._line())

    async def _line(self) -> str:
        assert self._process.stdout is not None
        try:
            text = await asyncio.wait_for(self._process.stdout.readline(), self._patience_s)
        except TimeoutError:
            raise LocalError("cryptofeed has not taken everything") from None
        if not text:
            raise LocalError("cryptofeed has ended", "see its message above")
        return text.decode().strip()


@asynccontextmanager
async def running(
    python: str, name: str, port: int, patience_s: float = 30.0
) -> AsyncIterator[Running]:
    """Runs the peer against a venue on a port; ends it."""
    peer = PEERS[name]
    job = {
        "exchange": name.upper(),
        "address": f"ws://127.0.0.1:{port}{peer.path}",
        "symbols": {f"{base}-{peer.quote}": peer.spelling.format(base) for base in BASES},
        "channel": peer.channel,
        "options": peer.options,
    }
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    pipe = asyncio.subprocess.PIPE
    program = str(PROGRAMS / "cryptofeed_peer.py")
    process = await asyncio.create_subprocess_exec(
        python, program, json.dumps(job), stdin=pipe, stdout=pipe, env=environment
    )
    try:
        yield Running(process, patience_s)
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            process.kill()
        await process.wait()
