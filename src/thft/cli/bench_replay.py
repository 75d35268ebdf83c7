"""`thft bench replay`: replaying a journal through a Python handler, and judging every byte."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from thft import _native
from thft.base.errors import LocalError
from thft.base.frame import FrameBuffer
from thft.cli.bench_engine import (
    CATALOGUE,
    CHUNK,
    FEED,
    INSTRUMENT,
    START_NS,
    counting_kernel,
    quote_records,
    run_quotes,
)
from thft.cli.bench_figure import Figure, at_least, at_most, cpu_ns, interleaved
from thft.cli.bench_kernel import twin_figures
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.stream.journal import Journal
from thft.stream.reader import spans
from thft.stream.verify import verify

REPLAY_GOAL, TWIN_GOAL = 5e6, 1.5e6
VERIFY_EVENTS, VERIFY_GOAL_S = 10_000_000, 1.0


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields replay rates of native code and twins, then the time of verification."""
    leaves, chunks = ("native", 20) if _native.USE_NATIVE else ("twin", 2)
    goal = REPLAY_GOAL if _native.USE_NATIVE else TWIN_GOAL
    count = chunks * CHUNK
    with TemporaryDirectory(dir=directory) as folder:
        log = Path(folder)
        expected = _write(log, chunks)
        taken = interleaved(
            {
                "floor": lambda: _read_and_call(log, count),
                "replay": lambda: cpu_ns(lambda: _replay(log, expected)),
            }
        )
    rate, floor = count / taken["replay"] * 1e9, count / taken["floor"] * 1e9
    yield at_least("replay", f"{leaves}, Python handler", rate, "events/cpu-s", floor, goal)
    if _native.USE_NATIVE:
        yield from twin_figures("replay", directory)
        yield _verification(directory)


def _write(log: Path, chunks: int) -> bytes:
    """Makes a journal and returns the state hash at its end; it is left as a kill leaves it."""
    journal = Journal.open(log, instance="bench", created_ns=START_NS, sync=False)
    kernel = counting_kernel(journal.buffer)
    run_quotes(kernel, quote_records(CHUNK), chunks)
    journal.flush()
    journal.abandon()
    return kernel.state_hash()


def _replay(log: Path, expected: bytes) -> None:
    kernel = Kernel(CATALOGUE, 1)
    replay = Replay(kernel, 1)
    for span in spans(log):
        replay.feed(*span)
    if kernel.state_hash() != expected:
        raise LocalError("the replay that was timed came to another state")


def _read_and_call(log: Path, count: int) -> float:
    """The floor: the files' bytes are read unseen and the handler is called from a C loop."""
    kernel = counting_kernel(FrameBuffer(64 << 10, 16, 64, 1))
    slot = kernel.slots["c"]
    calls = map(
        slot.strategy.on_quote, repeat(slot.ctx, count), repeat(kernel.book(FEED, INSTRUMENT))
    )

    def work() -> None:
        for path in sorted(log.glob("*.log")):
            path.read_bytes()
        deque(calls, maxlen=0)

    return cpu_ns(work)


def _verification(directory: Path | None) -> Figure:
    with TemporaryDirectory(dir=directory) as folder:
        log = Path(folder)
        _write(log, VERIFY_EVENTS // CHUNK)
        taken = interleaved(
            {"floor": lambda: _hash_files(log), "verify": lambda: _verify(log)}, rounds=3
        )
    return at_most(
        "replay",
        f"verify {VERIFY_EVENTS // 1_000_000} M events, warm",
        taken["verify"],
        "s",
        taken["floor"],
        VERIFY_GOAL_S,
    )


def _verify(log: Path) -> float:
    began = time.perf_counter()
    verdict = verify(log)
    spent = time.perf_counter() - began
    if verdict.damage is not None or verdict.last_seq < VERIFY_EVENTS:
        raise LocalError("the verification that was timed did not see the whole log")
    return spent


def _hash_files(log: Path) -> float:
    """The floor: reading the files and hashing them once, which the chain demands."""
    began = time.perf_counter()
    for path in sorted(log.glob("*.log")):
        sha256(path.read_bytes()).digest()
    return time.perf_counter() - began
