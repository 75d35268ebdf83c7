"""A small engine in memory: two feeds, one paper account, one strategy; used by kernel tests."""

from __future__ import annotations

from typing import Any

import msgspec

from thft.base.frame import HEADER, HEADER_BYTES, Frame, FrameBuffer, frames, padded
from thft.base.prng import Prng
from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.fixed import ABSENT, PRICE_ONE, SIZE_ONE
from thft.strategies import BUILTIN

FAST, SLOW, EURUSD = 1, 2, 1
POINT = PRICE_ONE // 100_000
START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
MILLION = 1_000_000 * SIZE_ONE


def catalogue(*extra: type[Strategy]) -> dict[str, tuple[type[Strategy], str]]:
    return {cls.kind: (cls, f"hash of {cls.kind}") for cls in (*BUILTIN, *extra)}


class Recorder:
    """Stands where the journal stands: keeps every group, in memory, as frames."""

    BLOCKS, BLOCK_BYTES = 4, 64 << 10

    def __init__(self, next_seq: int = 1) -> None:
        self.buffer = FrameBuffer(self.BLOCK_BYTES, self.BLOCKS, 64, next_seq)
        self.buffer.on_block_full = self._block_full
        self._full: list[Frame] = []

    def _block_full(self) -> None:
        self._full += self._current()
        self.buffer.next_block()

    def _current(self) -> list[Frame]:
        start = self.buffer.block * self.BLOCK_BYTES
        return list(frames(bytes(self.buffer.memory), start, start + self.buffer.used))

    @property
    def frames(self) -> list[Frame]:
        return self._full + self._current()

    def events(self, kind: type[ev.Event]) -> list[Any]:
        return [
            decode(frame.type, frame.version, frame.payload)
            for frame in self.frames
            if frame.type == kind.TYPE
        ]


def feed(replay: Replay, recorded: list[Frame]) -> None:
    """Feeds frames to a replay as the one span of bytes they were read from."""
    packed = bytearray()
    for seq, ts_ns, kind, version, flags, stream, source, payload in recorded:
        length = HEADER_BYTES + len(payload)
        packed += HEADER.pack(0, length, seq, ts_ns, kind, version, flags, stream, source)
        packed += payload.ljust(padded(length) - HEADER_BYTES, b"\0")
    replay.feed(bytes(packed), 0, len(packed))


class Engine:
    """A kernel with a recorder, defined and READY; `now_ns` moves with every call."""

    def __init__(
        self,
        *extra: type[Strategy],
        account_kind: str = "paper",
        model: str = "netting",
        latency_ms: tuple[int, int] = (2, 2),
        seed: int = 1,
        hash_every: int = 65_536,
    ) -> None:
        self.recorder = Recorder()
        self.kernel = Kernel(catalogue(*extra), seed, hash_every)
        self.kernel.attach(self.recorder.buffer, self.recorder.buffer)
        self.now_ns = START_NS
        self.process(ev.CoreStarted("ab", 1, "paper", "0", "code", seed, 0, 0, ""))
        pip = 10 * POINT
        self.process(
            ev.InstrumentDefined(EURUSD, "EURUSD", 5, pip, POINT, SIZE_ONE, SIZE_ONE, "USD")
        )
        self.process(ev.FeedDefined(FAST, "fast", "binance", "fast", ((EURUSD, "EURUSD"),)))
        self.process(ev.FeedDefined(SLOW, "slow", "kraken", "slow", ((EURUSD, "EUR/USD"),)))
        low, high = latency_ms
        self.process(
            ev.AccountDefined(
                "acc", account_kind, model, "USD", SLOW, 0, low * MS, high * MS, 1_000 * MS
            )
        )
        for feed in (FAST, SLOW):
            self.process(ev.FeedState(feed, "READY", "test"))

    def process(self, event: ev.Event, after_ms: int = 0) -> int:
        self.now_ns += after_ms * MS
        return self.kernel.process(event, self.now_ns)

    def quote(self, feed: int, bid: int, ask: int, after_ms: int = 1, size: int = MILLION) -> None:
        """Prices in points (139000 = 1.39000)."""
        self.now_ns += after_ms * MS
        self.kernel.quote(
            feed, EURUSD, bid * POINT, size, ask * POINT, size, ABSENT, 0, self.now_ns
        )

    def wait(self, ms: int) -> None:
        self.now_ns += ms * MS
        self.kernel.fire_due(self.now_ns)

    def load(self, name: str, kind: str, enabled: bool = True, **params: Any) -> None:
        encoded = msgspec.json.encode(params)
        self.process(snapshot.definition(name, kind, self.kernel, encoded, enabled))

    def load_arbitrage(self, **params: Any) -> None:
        chosen = {
            "symbol": "EURUSD",
            "fast_feed": "fast",
            "slow_feed": "slow",
            "account": "acc",
            "delta_mode": "standard",
            "offset_mode": "off",
            "trade_pause_ms": 0,
        }
        self.load("la1", "latency_arbitrage", **{**chosen, **params})

    def random_market(self, seed: int, quotes: int) -> None:
        """Feeds a seeded random walk with jumps that the slow feed repeats late."""
        prng = Prng(seed)
        mid = slow_mid = 139_000
        for _ in range(quotes):
            mid += prng.between(-2, 2)
            if prng.between(0, 99) < 3:
                mid += 20 if prng.between(0, 1) else -20
            self.quote(FAST, mid, mid + 2, prng.between(1, 120))
            if prng.between(0, 2) == 0:
                self.quote(SLOW, slow_mid - 3, slow_mid + 5, prng.between(1, 40))
                slow_mid = mid
