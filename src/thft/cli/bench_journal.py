"""`thft bench journal`: what appending costs the kernel, and how soon it survives a power cut."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, MARKET
from thft.cli.bench_figure import Figure, at_most, percentile, ratio_at_most
from thft.stream.disk import RealDisk
from thft.stream.journal import Journal

CALLS = 100
"""Appends timed together: the clock costs as much as one of them."""
SAMPLES = 4_000
BURST, BURST_NS = 50, 1_000_000
"""50 events every millisecond: 50,000 a second, as venue packets bring them."""
BURSTS, SLICES, ROUNDS = 100, 7, 5
"""A round is seven tenths of a second of each run, taken in turn by tenths."""
LATEST = 1.5
"""A slice that takes so much longer than it should has not measured the rate it names."""
WORK = 40
"""Numbers added up between two looks at the durable mark: about a microsecond of Python."""
SPREAD = 2.0
QUOTE_TYPE, QUOTE_BYTES, FRAME_BYTES = 0x0101, 56, 88
SEGMENT_BYTES = 16 << 20
PUBLISH_GOAL_NS = 150.0


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
    """Takes turns of a kernel that waits, of one that is busy, and of bare fdatasync."""
    journal = Journal.open(
        folder / "durable", instance="bench", created_ns=0, segment_bytes=SEGMENT_BYTES
    )
    bare = RealDisk(folder).create("bare", SEGMENT_BYTES)
    runs: dict[str, Callable[[], list[float]]] = {
        "kernel waiting": lambda: _publish_and_wait(journal),
        "kernel busy": lambda: _publish_while_busy(journal),
        "floor": lambda: _sync_bursts(bare.fd),
    }
    rounds: dict[str, list[list[float]]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for taken in rounds.values():
            taken.append([])
        for _ in range(SLICES):
            for name, run in runs.items():
                rounds[name][-1] += run()
    bare.close()
    journal.close()
    floors = rounds.pop("floor")
    for name, taken in rounds.items():
        for share, goal in ((0.5, 2.0), (0.99, 3.0)):
            value, floor = _median(name, taken, share), _median("fdatasync", floors, share)
            title = f"publish to durable at 50 k/s, {name}, p{share * 100:g}"
            yield ratio_at_most("journal", title, value, "us", floor, goal)


def _median(title: str, rounds: list[list[float]], share: float) -> float:
    """Returns the median over the rounds of their percentile; shows them when they differ much."""
    each = [percentile(taken, share) for taken in rounds]
    if max(each) > SPREAD * min(each):
        shown = " ".join(f"{value:.0f}" for value in each)
        print(f"p{share * 100:g} by round, us: {shown} ({title})", file=sys.stderr)
    return statistics.median(each)


def _publish_and_wait(journal: Journal) -> list[float]:
    """Returns for each burst the us from its first append until its writer, asleep, was told."""
    delays, due = [], time.perf_counter_ns()
    for _ in range(BURSTS):
        due += BURST_NS
        _sleep_until(due)
        began = time.perf_counter_ns()
        _publish_burst(journal, began)
        journal.sync_now()
        delays.append((time.perf_counter_ns() - began) / 1e3)
    return delays


def _publish_while_busy(journal: Journal) -> list[float]:
    """Returns for each burst the us until it was durable, under a kernel that never lets go.

    Between bursts Python works on; it looks at the durable mark every few microseconds.
    """
    clock = time.perf_counter_ns
    delays: list[float] = []
    waiting: deque[tuple[int, int]] = deque()
    start = due = clock()
    for _ in range(BURSTS):
        due += BURST_NS
        while (now := clock()) < due:
            _work(journal, waiting, delays, now)
        waiting.append((_publish_burst(journal, now), now))
    if clock() - start > LATEST * BURSTS * BURST_NS:
        raise LocalError("this machine cannot publish 50,000 events/s", "try when it is quiet")
    while waiting:
        _work(journal, waiting, delays, clock())
    return delays


def _work(journal: Journal, waiting: deque[tuple[int, int]], delays: list[float], now: int) -> None:
    """A little Python work, and a look at what has become durable."""
    sum(range(WORK))
    durable_seq = journal.durable_seq
    while waiting and waiting[0][0] <= durable_seq:
        delays.append((now - waiting.popleft()[1]) / 1e3)


def _publish_burst(journal: Journal, now: int) -> int:
    payload = bytes(QUOTE_BYTES)
    for _ in range(BURST):
        journal.buffer.append(QUOTE_TYPE, 1, GROUP_END, MARKET, 1, now, payload)
    return journal.flush()


def _sync_bursts(fd: int) -> list[float]:
    """The floor: the us of fdatasync alone, after the same bytes at the same pace."""
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
