"""`thft journal verify|dump|tail|stats|seal DIR`: looks at a log, or compresses a still one."""

from __future__ import annotations

import time
from collections import Counter
from itertools import chain, islice
from pathlib import Path

from cyclopts import App

from thft.base.errors import LocalError
from thft.base.frame import LOG_TYPES, STREAM_NAMES, Frame, padded
from thft.host.disk_space import bytes_a_day, days_left, free_bytes
from thft.model.codec import EVENT_NAMES, decode
from thft.stream import recovery
from thft.stream.disk import RealDisk
from thft.stream.journal import Lock
from thft.stream.layout import is_sealed, segment_index, segment_names
from thft.stream.reader import LogReader, batches
from thft.stream.retention import archive
from thft.stream.retention.root import read_root, seq_before
from thft.stream.segment import plain_bytes
from thft.stream.segment import seal as seal_segment
from thft.stream.verify import verify as verify_log

app = App(name="journal", help="Look at a journal: verify, dump, tail, stats; seal compresses it.")


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
def dump(directory: Path, *, after: int = 0, limit: int = 0, archived: bool = False) -> int:
    """Prints frames as text, one a line.

    Parameters
    ----------
    after
        Begin behind this sequence number.
    limit
        Print no more than so many.
    archived
        Print what is kept of removed segments, instead of what is in the log.
    """
    disk = RealDisk(log_directory(directory))
    root = read_root(disk)
    found = batches(disk, max(after, seq_before(disk)))
    if archived:
        found = archive.archived(disk.folder(archive.FOLDER), root, after) if root else iter(())
    for frame in islice(chain.from_iterable(found), limit or None):
        print(line(frame))
    return 0


@app.command
def tail(directory: Path) -> int:
    """Follows a running journal until Ctrl-C."""
    log = log_directory(directory)
    reader = LogReader(log, seq_before(RealDisk(log)))
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
    first_ns = last_ns = 0
    log = log_directory(directory)
    for batch in batches(log, seq_before(RealDisk(log))):
        for frame in batch:
            if frame.type < LOG_TYPES:
                first_ns, last_ns = first_ns or frame.recv_ts_ns, frame.recv_ts_ns
            name = EVENT_NAMES.get(frame.type, f"{frame.type:#06x}")
            frames[name] += 1
            sizes[name] += padded(32 + len(frame.payload))
    for name, size in sizes.most_common():
        print(
            f"{name:20} {frames[name]:>12} frames {size:>14} bytes {size // frames[name]:>6} each"
        )
    quotes = frames["Quote"]
    _print_room(log, last_ns - first_ns, sizes["Quote"] / quotes if quotes else 0.0)
    return 0


def _print_room(log: Path, span_ns: int, quote_bytes: float) -> None:
    """Prints what the log and each of its quotes occupy and for how many days the disk suffices.

    A sealed quote has its share of the sealed segments: its bytes there, compressed as they are.
    """
    disk = RealDisk(log)
    names = segment_names(disk.names())
    sealed = [name for name in names if is_sealed(name)]
    occupied, plain = sum(map(disk.size, sealed)), sum(plain_bytes(disk, name) for name in sealed)
    total, free = sum(map(disk.size, names)), free_bytes(log)
    print(f"on disk {total} bytes in {len(names)} segments, {occupied} bytes of them sealed")
    compressed = f"{quote_bytes * occupied / plain:.1f}" if plain else "—"
    print(f"bytes per quote: hot {quote_bytes:.1f}, sealed {compressed}")
    if span_ns > 0:
        a_day = bytes_a_day(total, span_ns)
        days = days_left(free, max(a_day, 1))
        print(f"{a_day} bytes a day, {free} bytes free, days_left={days:.1f}")


@app.command
def seal(directory: Path) -> int:
    """Compresses the full segments of a log that nobody writes."""
    log = log_directory(directory)
    lock = Lock(log)
    try:
        disk = RealDisk(log)
        for name in recovery.walk(disk).plain:
            before = disk.size(name)
            sealed = seal_segment(disk, name)
            print(f"{sealed} {before} -> {disk.size(sealed)} bytes")
    finally:
        lock.release()
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
