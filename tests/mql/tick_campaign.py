"""Ticks in bursts and over cuts: the terminal's against those that arrive; for tests and by hand.

`python -m tests.mql.tick_campaign TICKS SEED` runs both Experts; THFT_LEDGER=1 notes it.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from tests.ledger import note
from tests.mql.peer import Ended, Peer
from tests.mql.terminal import Terminal

from thft.gateway.metatrader.protocol import records as r

SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY")
PHASE = 2_000
WAIT_S = 60.0


class Reader:
    """What an engine would know of the ticks of all symbols, over all connections."""

    def __init__(self, dialect: int, seed: int, quirks: bool) -> None:
        self.random = Random(seed)
        self.peer = Peer()
        self.terminal = Terminal(dialect, self.peer.port, seed=seed & 0xFFFF, quirks=quirks)
        self.read = dict.fromkeys(SYMBOLS, 0)
        self.missed = dict.fromkeys(SYMBOLS, 0)
        self.last = dict.fromkeys(SYMBOLS, (1, 0))
        """Time of the last tick, and how many of exactly that time were read."""
        self.connections = 0
        self.pinged_s = 0.0
        self.gaps = 0

    def connect(self) -> None:
        """Takes the Expert's next connection and subscribes from where it ended."""
        self.peer.welcome()
        self.connections += 1
        for sub, symbol in enumerate(SYMBOLS, 1):
            self.peer.send(r.Subscribe(sub, symbol, *self.last[symbol]))
        self.next = dict.fromkeys(SYMBOLS, 1)

    def turn(self) -> None:
        """Takes what has come."""
        if time.monotonic() - self.pinged_s > 1:
            self.pinged_s = time.monotonic()
            self.peer.pings += 1
            self.peer.send(r.Ping(self.peer.pings, self.peer.now_ms()))
        self.peer.receive(0.01)
        for record in self.peer.got:
            if isinstance(record, r.Ticks):
                self._ticks(record)
            self.gaps += isinstance(record, r.Gap)
        self.peer.got.clear()

    def _ticks(self, frame: r.Ticks) -> None:
        symbol = SYMBOLS[frame.sub - 1]
        assert frame.first == self.next[symbol], frame[:3]
        self.next[symbol] += len(frame.ticks)
        self.read[symbol] += len(frame.ticks)
        self.missed[symbol] = frame.missed
        at, count = self.last[symbol]
        for one in frame.ticks:
            assert one.time_server >= at, "ticks out of order"
            at, count = one.time_server, count + 1 if one.time_server == at else 1
        self.last[symbol] = at, count

    def settle(self, known: Any) -> dict[str, Any]:
        """Reads until all ticks are read, or known to be missed; returns the report."""
        deadline = time.monotonic() + WAIT_S
        while True:
            report = self.terminal.report()
            if not report["stream_left"] and known() == report["ticks"]:
                return report
            assert time.monotonic() < deadline, (known(), report["ticks"], report["stream_left"])
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                self.turn()

    def close(self) -> None:
        """Ends both; raises AssertionError at a report of a sanitizer."""
        self.peer.close()
        self.terminal.close()


def _mt5(reader: Reader, ticks: int) -> None:
    """All ticks arrive once and in their order, over all cuts."""
    random = reader.random
    reader.connect()
    reader.terminal.ask(f"stream {ticks} 40")
    cut_at = random.randint(1, ticks // 4)
    while reader.terminal.report()["stream_left"] or sum(reader.read.values()) < ticks:
        try:
            for _ in range(10):
                reader.turn()
                if sum(reader.read.values()) >= cut_at:
                    raise Ended("cut by us")
        except Ended:
            if random.random() < 0.5:
                reader.terminal.ask("cut")
            cut_at = sum(reader.read.values()) + random.randint(ticks // 20, ticks // 2)
            reader.connect()
    reader.settle(lambda: reader.read)
    assert not any(reader.missed.values())


def _mt4(reader: Reader, ticks: int) -> None:
    """What is read and what is told as missed are together what the terminal had.

    A tick between the EA's look at the price and its look at the volume counts twice for a while;
    here ticks come between the events.
    """
    for symbol in SYMBOLS:
        reader.terminal.ask(f"burst {symbol} 1")
    reader.terminal.ask("bar")
    reader.connect()
    known = lambda: {one: reader.read[one] + reader.missed[one] for one in SYMBOLS}  # noqa: E731
    reader.settle(known)
    for _ in range(0, ticks, PHASE):
        reader.terminal.ask(f"stream {min(PHASE, ticks)} {reader.random.choice((1, 3, 40))} 1")
        reader.settle(known)
        if reader.random.random() < 0.3:
            reader.terminal.ask("bar")
    assert any(reader.missed.values())


def campaign(dialect: int, ticks: int, seed: int, quirks: bool = False) -> dict[str, Any]:
    """Runs one campaign to its end; returns its figures."""
    began = time.monotonic()
    reader = Reader(dialect, seed, quirks)
    try:
        (_mt5 if dialect == 5 else _mt4)(reader, ticks)
        report = reader.terminal.report()
    except BaseException:
        reader.terminal.kill()
        raise
    reader.close()
    figures: dict[str, Any] = {
        "expert": f"mt{dialect}",
        "what": "ticks",
        "seed": seed,
        "quirks": quirks,
        "ticks": sum(report["ticks"].values()),
        "read": sum(reader.read.values()),
        "missed": sum(reader.missed.values()),
        "connections": reader.connections,
        "events_coalesced": report["tick_events_lost"],
        "failures": 0,
        "seconds": round(time.monotonic() - began),
    }
    note("metatrader_ea", **figures)
    return figures


def main() -> None:
    """Runs both Experts at once; arguments: ticks, seed."""
    ticks, seed = int(sys.argv[1]), int(sys.argv[2])
    with ThreadPoolExecutor(2) as pool:
        for figures in pool.map(lambda one: campaign(one, ticks, seed + one), (5, 4)):
            print(figures)


if __name__ == "__main__":
    main()
