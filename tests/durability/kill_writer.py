"""A bare journal writer made to be killed; `test_kills` starts it and judges what it left.

It is a small server on its standard input: each line is a directory and a number, for which it
forks a child that writes groups until it dies. The child tells in shared memory how far it came.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import sys
from pathlib import Path

from thft.base.frame import GROUP_END
from thft.stream.journal import Journal

TOLD_BYTES = 24
"""Three 64-bit numbers: recovered seq, groups written, frames written. Each is stored by itself, so
a kill never leaves half of one (`struct.pack_into` would zero all three first)."""
BODY = struct.Struct("<III")
"""child, group, place in group: the beginning of every payload."""
SEGMENT_BYTES, BLOCK_BYTES = 128 << 10, 16 << 10


def payload(child: int, group: int, place: int) -> bytes:
    """Returns the one payload that may stand at this place."""
    body = BODY.pack(child, group, place)
    return body + body * ((group * 7 + place * 3) % 40)


def group_size(child: int, group: int) -> int:
    """Returns how many frames a group has."""
    return 1 + (child * 31 + group * 17) % 5


def write_until_killed(directory: Path, child: int, told: mmap.mmap) -> None:
    """Opens the log, then appends and flushes for ever."""
    journal = Journal.open(
        directory,
        instance="k",
        created_ns=child,
        segment_bytes=SEGMENT_BYTES,
        block_bytes=BLOCK_BYTES,
    )
    marks = memoryview(told).cast("Q")
    marks[0], marks[1], marks[2] = journal.recovered.last_seq, 0, 0
    os.write(1, b"go\n")
    choose = random.Random(child)
    group = count = 0
    while True:
        for _ in range(choose.randint(1, 8)):
            size = group_size(child, group)
            journal.buffer.append_group(
                [
                    (1, 1, GROUP_END if place == size - 1 else 0, 2, 0, 0, body)
                    for place in range(size)
                    for body in (payload(child, group, place),)
                ]
            )
            group += 1
            count += size
        journal.flush()
        marks[1], marks[2] = group, count


def main() -> None:
    """Serves until standard input ends."""
    shared = os.open(sys.argv[1], os.O_RDWR)
    told = mmap.mmap(shared, TOLD_BYTES)
    for line in sys.stdin:
        directory, child = line.split()
        pid = os.fork()
        if not pid:
            write_until_killed(Path(directory), int(child), told)
        os.write(1, f"{pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
