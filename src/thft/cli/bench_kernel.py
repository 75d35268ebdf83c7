"""`thft bench kernel`: quotes per CPU-second through the lane, one Python handler for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from thft import _native
from thft.base.errors import LocalError
from thft.base.frame import FrameBuffer
from thft.cli.bench_engine import (
    CHUNK,
    FEED,
    INSTRUMENT,
    START_NS,
    counting_kernel,
    quote_records,
    run_quotes,
)
from thft.cli.bench_figure import Figure, at_least, cpu_ns, interleaved
from thft.stream.journal import Journal
from thft.stream.verify import verify

BLOCK_BYTES, BLOCKS, TRAILER_BYTES = 64 << 10, 16, 64
GOALS = {"chain on": 4e6, "chain off": 5e6}
KERNEL_THREAD = "chain on, kernel thread alone"
"""Without the thread that zeroes segments ahead, which writes every byte a first time."""
TWIN_GOALS = {"chain on": 1e6, "chain off": 1e6}


class PlainLog:
    """Frames with CRC go to one growing file, a block per write; no trailer, no chain."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.buffer = FrameBuffer(BLOCK_BYTES, BLOCKS, TRAILER_BYTES, 1)
        self.buffer.on_block_full = self._block_full

    def _block_full(self) -> None:
        at = self.buffer.block * BLOCK_BYTES
        os.write(self._fd, memoryview(self.buffer.memory)[at : at + self.buffer.used])
        self.buffer.next_block()

    def close(self) -> None:
        os.close(self._fd)


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields native and twin rates, each with the chain on and off."""
    chunks = 15 if _native.USE_NATIVE else 5
    count = chunks * CHUNK
    records = quote_records(CHUNK)
    with TemporaryDirectory(dir=directory) as folder:
        taken = interleaved(
            {
                "floor": lambda: _handler_alone(count),
                "chain on": lambda: _chained(Path(folder), records, chunks),
                KERNEL_THREAD: lambda: _chained(Path(folder), records, chunks, this_thread=True),
                "chain off": lambda: _unchained(Path(folder), records, chunks),
            }
        )
    floor = count / taken.pop("floor") * 1e9
    leaves, goals = ("native", GOALS) if _native.USE_NATIVE else ("twin", TWIN_GOALS)
    for name, spent_ns in taken.items():
        goal = goals.get(name, 0.0)
        rate = count / spent_ns * 1e9
        yield at_least("kernel", f"{leaves}, {name}", rate, "events/cpu-s", floor, goal)
    if _native.USE_NATIVE:
        yield from twin_figures("kernel", directory)


def twin_figures(bench: str, directory: Path | None) -> Iterator[Figure]:
    """Yields the figures of the same bench on the Python twins, from a process of its own."""
    command = [sys.executable, "-m", "thft", "bench", bench, "--json"]
    if directory is not None:
        command += ["--directory", str(directory)]
    environment = {**os.environ, "THFT_PURE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode not in (0, 1):
        raise LocalError(f"the bench of the twins failed: {done.stderr.strip()[-300:]}")
    for line in done.stdout.splitlines():
        record = json.loads(line)
        del record["ratio"]
        yield Figure(**record)


def _handler_alone(count: int) -> float:
    """The floor: a C loop that calls the same handler and does nothing else."""
    buffer = FrameBuffer(BLOCK_BYTES, BLOCKS, TRAILER_BYTES, 1)
    kernel = counting_kernel(buffer)
    slot = kernel.slots["c"]
    handler, book = slot.strategy.on_quote, kernel.book(FEED, INSTRUMENT)
    calls = map(handler, repeat(slot.ctx, count), repeat(book))
    return cpu_ns(lambda: deque(calls, maxlen=0))


def _chained(folder: Path, records: bytes, chunks: int, this_thread: bool = False) -> float:
    with TemporaryDirectory(dir=folder) as log:
        journal = Journal.open(Path(log), instance="bench", created_ns=START_NS, sync=False)
        kernel = counting_kernel(journal.buffer)

        def work() -> None:
            run_quotes(kernel, records, chunks)
            journal.flush()

        spent = cpu_ns(work, this_thread)
        journal.close()
        verdict = verify(Path(log))
        if verdict.damage is not None or verdict.last_seq < chunks * CHUNK:
            raise LocalError("the journal that was timed is not good")
        return spent


def _unchained(folder: Path, records: bytes, chunks: int) -> float:
    log = PlainLog(folder / "plain")
    kernel = counting_kernel(log.buffer)
    spent = cpu_ns(lambda: run_quotes(kernel, records, chunks))
    log.close()
    return spent
