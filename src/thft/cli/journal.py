"""`thft journal verify|dump|tail|stats DIR`: looks at a log without changing it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from cyclopts import App

from thft.base.errors import LocalError
from thft.base.frame import LOG_TYPES, STREAM_NAMES, Frame, padded
from thft.model.codec import EVENT_NAMES, decode
from thft.stream.layout import segment_index
from thft.stream.reader import LogReader
from thft.stream.verify import verify as verify_log

app = App(name="journal", help="Look at a journal: verify, dump, tail, stats.")


def log_directory(directory: Path) -> Path:
    """Returns the log itself: DIR, or DIR/core when DIR is a data directory."""
    for candidate in (directory, directory / "core"):
        if candidate.is_dir() and any(
            segment_index(path.name) is not None for path in candidate.iterdir()
        ):
            return candidate
    raise LocalError(f"{directory} holds no journal", "name a data directory or its core/ folder")


@app.command
def verify(directory: Path) -> int:
    """Checks every byte; exit 1 with segment, offset and reason when something is wrong."""
    verdict = verify_log(log_directory(directory))
    if verdict.damage is not None:
        print(verdict.damage.cause)
        return 1
    closed = "closed" if verdict.closed else "not closed"
    print(f"last_seq={verdict.last_seq} segments={verdict.segments} {closed} ok")
    return 0


@app.command
def dump(directory: Path, *, after: int = 0, limit: int = 0) -> int:
    """Prints frames as text, one a line."""
    reader = LogReader(log_directory(directory), after)
    printed = 0
    while frames := reader.read():
        for frame in frames:
            print(line(frame))
            printed += 1
            if limit and printed >= limit:
                return 0
    return 0


@app.command
def tail(directory: Path) -> int:
    """Follows a running journal until Ctrl-C."""
    reader = LogReader(log_directory(directory))
    while reader.read():
        continue
    while True:
        for frame in reader.read():
            print(line(frame), flush=True)
        time.sleep(0.1)


@app.command
def stats(directory: Path) -> int:
    """Counts frames and bytes by event type."""
    frames: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    reader = LogReader(log_directory(directory))
    while batch := reader.read(65_536):
        for frame in batch:
            name = EVENT_NAMES.get(frame.type, f"{frame.type:#06x}")
            frames[name] += 1
            sizes[name] += padded(32 + len(frame.payload))
    for name, size in sizes.most_common():
        print(
            f"{name:20} {frames[name]:>12} frames {size:>14} bytes {size // frames[name]:>6} each"
        )
    return 0


def line(frame: Frame) -> str:
    """Returns one frame as readable text."""
    stream = STREAM_NAMES.get(frame.stream, str(frame.stream))
    head = f"{frame.seq} {frame.recv_ts_ns} {stream}"
    if frame.type >= LOG_TYPES:
        return f"{head} CLOSE"
    if frame.type not in EVENT_NAMES:
        return f"{head} {frame.type:#06x} {frame.payload[:80]!r}"
    return f"{head} {decode(frame.type, frame.version, frame.payload)!r}"
