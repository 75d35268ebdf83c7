"""`thft bench session`, part of `fix`: orders answered by our FIX engine over loopback.

The engine is the product's acceptor, session and log in a process of its own; a bare echo in the
same loop is the floor. With two cores the engine and all its threads keep to one, the trader to the
other. Every answer is checked, and the log must hold what was sent.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from thft.base.errors import LocalError
from thft.cli.bench_figure import ROUNDS, Figure, at_least, at_most, percentile, ratio_at_most
from thft.cli.bench_orders import Line, Trader
from thft.cli.bench_quickfix import environment
from thft.host.port import loopback_socket
from thft.store.fix_log import FixLog
from thft.stream.disk import RealDisk

PEER = Path(__file__).resolve().parents[3] / "bench" / "quickfix_acceptor.py"
ORDERS, BURST, WINDOW = 3_000, 15_000, 256
SLICES = 10
"""Engines take turns by tenths of a round: what disturbs the machine disturbs all of them."""
PEER_SHARE, DURABLE_SHARE = 5, 10
"""QuickFIX, and a log that waits for the disk, are slow and get fewer orders."""
ECHO_GOAL, RATE_GOAL = 1.5, 40_000.0
BARE_BYTES, TURN_BYTES = 1 << 20, 320
"""A turn of one order and its report takes so much in the log."""


class Engine:
    """An engine as a process; every line it is sent it answers with its CPU ns so far."""

    def __init__(self, *command: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.ready = self._answer()

    def cpu_ns(self) -> int:
        """Returns the CPU ns of all its threads."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.kill()
            raise LocalError(f"an engine of the bench has ended: {self._last_words()}")
        return line

    def _last_words(self) -> str:
        return self._process.communicate()[1].strip()[-300:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        words = self._last_words()
        if kind is None and self._process.returncode:
            raise LocalError(
                f"an engine of the bench ended with {self._process.returncode}: {words}"
            )


@dataclass
class Side:
    """One engine that is measured: its process, our line to it, and what it took so far."""

    engine: Engine
    line: Line
    share: int = 1
    """It gets one order in so many."""
    times_us: list[list[float]] = field(default_factory=list)
    """By round."""
    _times_us: list[float] = field(default_factory=list)
    """Of this round."""
    rates: list[float] = field(default_factory=list)
    """Round trips a CPU second of the engine."""
    wall_rates: list[float] = field(default_factory=list)

    def one_by_one(self, count: int) -> None:
        """Takes a slice of a round of orders that wait for each other."""
        self._times_us += self.line.one_by_one(max(count // self.share, 1))

    def end_round(self) -> None:
        """Ends a round of such slices."""
        self.times_us.append(self._times_us)
        self._times_us = []

    def pipelined(self, count: int) -> None:
        """Takes a round of orders with `WINDOW` of them under way."""
        count = max(count // self.share, 1)
        before = self.engine.cpu_ns()
        seconds = self.line.pipelined(count, WINDOW)
        self.rates.append(count * 1e9 / (self.engine.cpu_ns() - before))
        self.wall_rates.append(count / seconds)

    def us(self, share: float) -> float:
        """Returns the median over the rounds of their percentile."""
        return statistics.median(percentile(times, share) for times in self.times_us)


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields latency and throughput beside an echo and QuickFIX, then latency when durable.

    Latency is the median over the rounds of their percentile, throughput the median of them.
    """
    with TemporaryDirectory(dir=directory) as folder, _cores() as core:
        yield from written(Path(folder), core, ORDERS, BURST)
        yield from durable(Path(folder), core, ORDERS // DURABLE_SHARE)


@contextmanager
def _cores() -> Iterator[int]:
    """Keeps this process on one core; gives the one for the engines, -1 when there is no other."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    if len(before) < 2:
        print("session: engine and trader are not kept on cores of their own", file=sys.stderr)
        yield -1
        return
    engine, trader, *_ = sorted(before)
    print(f"session: engine on core {engine}, trader on core {trader}", file=sys.stderr)
    os.sched_setaffinity(0, {trader})
    try:
        yield engine
    finally:
        os.sched_setaffinity(0, before)


# ---- written before it leaves, durable behind ----------------------------------------------------


def written(folder: Path, core: int, orders: int, burst: int) -> Iterator[Figure]:
    """Yields the figures of an engine whose log is written before a report leaves."""
    with ExitStack() as stack:
        engine = stack.enter_context(_own(folder / "written", "written", core))
        ports = json.loads(engine.ready)
        trader = Trader(ports["fix"])
        echo, own = Side(engine, Line(ports["echo"])), Side(engine, trader)
        peers = _peers(folder, core, stack)
        sides = (echo, own, *peers)
        for side in sides:
            side.line.one_by_one(orders // SLICES)  # the first ones are slow
        for _ in range(ROUNDS):
            for side in sides * SLICES:
                side.one_by_one(orders // SLICES)
            for side in sides:
                side.end_round()
                side.pipelined(burst)
        for side in sides:
            side.line.close()
    check_log(folder / "written", trader)
    yield from _compared(own, echo, "engine on one core" if core >= 0 else "engine on any core")
    for peer in peers:
        yield from _beside(peer, own)


def _own(log: Path, mode: str, core: int) -> Engine:
    return Engine(sys.executable, "-m", "thft.cli.bench_acceptor", str(log), mode, str(core))


def _peers(folder: Path, core: int, stack: ExitStack) -> list[Side]:
    """Returns QuickFIX with a file store, none when it is not to be had, which is then said."""
    if not PEER.is_file():
        print("QuickFIX is not measured: its acceptor is in bench/ of a checkout", file=sys.stderr)
        return []
    python = environment()
    if python is None:
        return []
    with loopback_socket(0) as free:
        port = free.getsockname()[1]
    engine = stack.enter_context(Engine(str(python), str(PEER), str(port), str(folder), str(core)))
    return [Side(engine, Trader(port), PEER_SHARE)]


def check_log(directory: Path, trader: Trader) -> None:
    """Raises LocalError unless a log that is read again holds every report as it was sent."""
    log = FixLog.open(directory, time.time_ns())
    after = len(trader.reports) + 3
    if (log.next_in, log.next_out) != (after, after):
        raise LocalError(f"the log goes on with {log.next_in} and {log.next_out}, not {after}")
    for seq, raw in enumerate(trader.reports, 2):
        sent = log.sent(seq)
        if sent is None or sent.body not in raw:
            raise LocalError(f"the log holds {sent} for {raw!r}")
    log.close()


def _compared(own: Side, echo: Side, where: str) -> Iterator[Figure]:
    name = "order to report, written, p"
    yield ratio_at_most("fix", f"{name}50", own.us(0.5), "us", echo.us(0.5), ECHO_GOAL)
    yield at_most("fix", f"{name}99", own.us(0.99), "us", echo.us(0.99), 0.0)
    for what, unit, ours, floor in (
        ("round trips", "1/cpu-s", own.rates, echo.rates),
        (f"round trips, {where}", "1/s", own.wall_rates, echo.wall_rates),
    ):
        rate, least = statistics.median(ours), statistics.median(floor)
        yield at_least("fix", f"{what}, {WINDOW} under way", rate, unit, least, RATE_GOAL)


def _beside(peer: Side, own: Side) -> Iterator[Figure]:
    name = "QuickFIX-Python beside ours, "
    yield at_most("fix", f"{name}order to report, p50", peer.us(0.5), "us", own.us(0.5), 0.0)
    rate, ours = statistics.median(peer.rates), statistics.median(own.rates)
    yield at_least("fix", f"{name}round trips", rate, "1/cpu-s", ours, 0.0)


# ---- durable before it leaves --------------------------------------------------------------------


def durable(folder: Path, core: int, orders: int) -> Iterator[Figure]:
    """Yields the latency of an engine whose log is durable first, beside one bare fdatasync."""
    bare = RealDisk(folder).create("bare", BARE_BYTES)
    floor: list[list[float]] = []
    with _own(folder / "durable", "durable", core) as engine:
        trader = Trader(json.loads(engine.ready)["fix"])
        own = Side(engine, trader)
        for _ in range(ROUNDS):
            floor.append([])
            for _ in range(SLICES):
                floor[-1] += _sync_each(bare.fd, orders // SLICES)
                own.one_by_one(orders // SLICES)
            own.end_round()
        trader.close()
    bare.close()
    check_log(folder / "durable", trader)
    for share in (0.5, 0.99):
        least = statistics.median(percentile(times, share) for times in floor)
        name = f"order to report, durable_orders, p{share * 100:g}"
        yield at_most("fix", name, own.us(share), "us", least, 0.0)


def _sync_each(fd: int, count: int) -> list[float]:
    """Returns the us of writing a turn's bytes and one fdatasync, again and again."""
    turn, times = bytes(TURN_BYTES), []
    for number in range(count):
        began = time.perf_counter_ns()
        os.pwrite(fd, turn, number * TURN_BYTES % (BARE_BYTES - TURN_BYTES))
        os.fdatasync(fd)
        times.append((time.perf_counter_ns() - began) / 1e3)
    return times
