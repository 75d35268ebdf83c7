"""`thft bench journal`: what appending costs the kernel, and how soon it survives a power cut."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, MARKET
from thft.cli.bench_figure import Figure, at_most, percentile, ratio_at_most
from thft.stream.disk import RealDisk
from thft.stream.journal import Journal
from thft.stream.watermark import Watermark

CALLS = 100
"""Appends timed together: the clock costs as much as one of them."""
SAMPLES = 4_000
BURST, BURST_NS = 50, 1_000_000
"""50 events every millisecond: 50,000 a second, as venue packets bring them."""
BURSTS, ROUNDS = 100, 35
QUOTE_TYPE, QUOTE_BYTES, FRAME_BYTES = 0x0101, 56, 88
SEGMENT_BYTES = 16 << 20
PUBLISH_GOAL_NS = 150.0


class DurableTimes(Watermark):
    """A side file that also notes when each durable seq was announced."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, create=True)
        self.announced: list[tuple[int, int]] = []

    def set_durable(self, seq: int) -> None:
        super().set_durable(seq)
        self.announced.append((seq, time.perf_counter_ns()))


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields the cost of publishing, then the time until it is durable."""
    with TemporaryDirectory(dir=directory) as folder:
        yield from _publish(Path(folder) / "publish")
        yield from _durable(Path(folder))


def _publish(log: Path) -> Iterator[Figure]:
    journal = Journal.open(log, instance="bench", created_ns=0, sync=False)
    append, payload = journal.buffer.append, bytes(QUOTE_BYTES)
    enqueue = deque[bytes](maxlen=1_024).append  # the cheapest hand-over that Python has
    publish, floor = [], []
    clock = time.perf_counter_ns
    for _ in range(SAMPLES):
        began = clock()
        for _ in range(CALLS):
            append(QUOTE_TYPE, 1, GROUP_END, MARKET, 1, began, payload)
        ended = clock()
        publish.append((ended - began) / CALLS)
        began = clock()
        for _ in range(CALLS):
            enqueue(payload)
        floor.append((clock() - began) / CALLS)
    journal.close()
    for share, goal in ((0.5, PUBLISH_GOAL_NS), (0.99, 0.0)):
        value, least = percentile(publish, share), percentile(floor, share)
        yield at_most("journal", f"publish p{share * 100:g}", value, "ns", least, goal)


def _durable(folder: Path) -> Iterator[Figure]:
    """Alternates tenths of a second of the journal with tenths of bare fdatasync."""
    log = folder / "durable"
    log.mkdir()
    times = DurableTimes(log)
    journal = Journal(
        RealDisk(log), instance="bench", created_ns=0, segment_bytes=SEGMENT_BYTES, watermark=times
    )
    bare = RealDisk(folder).create("bare", SEGMENT_BYTES)
    delays: list[float] = []
    syncs: list[float] = []
    for _ in range(ROUNDS):
        delays += _publish_bursts(journal, times)
        syncs += _sync_bursts(bare.fd)
    bare.close()
    journal.close()
    for share, goal in ((0.5, 2.0), (0.99, 3.0)):
        name = f"publish to durable at 50 k/s, p{share * 100:g}"
        value, floor = percentile(delays, share), percentile(syncs, share)
        yield ratio_at_most("journal", name, value, "us", floor, goal)


def _publish_bursts(journal: Journal, times: DurableTimes) -> list[float]:
    """Returns for each burst the µs from its first append until it was durable."""
    payload, published = bytes(QUOTE_BYTES), []
    times.announced.clear()
    began = due = time.perf_counter_ns()
    for _ in range(BURSTS):
        due += BURST_NS
        _sleep_until(due)
        now = time.perf_counter_ns()
        for _ in range(BURST):
            journal.buffer.append(QUOTE_TYPE, 1, GROUP_END, MARKET, 1, now, payload)
        published.append((journal.flush(), now))
    rate = BURST * BURSTS / (time.perf_counter_ns() - began) * 1e9
    if rate < 0.9 * BURST * 1e9 / BURST_NS:
        raise LocalError(f"this machine published only {rate:.0f} events/s", "try when it is quiet")
    journal.sync_now()
    delays, announced = [], iter(times.announced)
    durable_seq = durable_ns = 0
    for seq, now in published:
        while durable_seq < seq:
            durable_seq, durable_ns = next(announced)
        delays.append((durable_ns - now) / 1e3)
    return delays


def _sync_bursts(fd: int) -> list[float]:
    """The floor: the µs of fdatasync alone, after the same bytes at the same pace."""
    burst, at, spent = bytes(BURST * FRAME_BYTES), 0, []
    due = time.perf_counter_ns()
    for _ in range(BURSTS):
        due += BURST_NS
        _sleep_until(due)
        os.pwrite(fd, burst, at)
        at += len(burst)
        began = time.perf_counter_ns()
        os.fdatasync(fd)
        spent.append((time.perf_counter_ns() - began) / 1e3)
    return spent


def _sleep_until(due_ns: int) -> None:
    wait_ns = due_ns - time.perf_counter_ns()
    if wait_ns > 0:
        time.sleep(wait_ns / 1e9)
