"""A bare journal writer made to be killed; kill and power tests start it and judge what it left.

It is a small server on its standard input: each line is a directory and a number, for which it
forks a child that writes groups until it dies. The child tells in shared memory how far it came.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, NoReturn

from tests.durability.power import WAIT_S, Lines

from thft.base.errors import ThftError
from thft.base.frame import GROUP_END
from thft.stream.journal import Journal

TOLD_BYTES = 40
"""`Told` as 64-bit numbers, each stored by itself, so a kill never leaves half of one."""
BODY = struct.Struct("<III")
"""child, group, place in group: the beginning of every payload."""
SEGMENT_BYTES, BLOCK_BYTES = 128 << 10, 16 << 10
DISK_FAILED = 3
"""Exit code of a child whose disk refused something."""


class Told(NamedTuple):
    """What a child has told; `child` is its number, and the last that began told the rest."""

    child: int
    recovered: int
    groups: int
    frames: int
    durable: int


def payload(child: int, group: int, place: int) -> bytes:
    """Returns the one payload that may stand at this place."""
    body = BODY.pack(child, group, place)
    return body + body * ((group * 7 + place * 3) % 40)


def group_size(child: int, group: int) -> int:
    """Returns how many frames a group has."""
    return 1 + (child * 31 + group * 17) % 5


def write_until_killed(directory: Path, child: int, told: mmap.mmap) -> NoReturn:
    """Opens the log, then appends, flushes and seals for ever."""
    journal = Journal.open(
        directory,
        instance="k",
        created_ns=child,
        segment_bytes=SEGMENT_BYTES,
        block_bytes=BLOCK_BYTES,
    )
    marks = memoryview(told).cast("Q")
    marks[1], marks[2], marks[3] = journal.recovered.last_seq, 0, 0
    marks[4] = journal.durable_seq
    marks[0] = child
    choose = random.Random(child)
    group = count = 0
    while True:
        for _ in range(choose.choice((1, 2, 4, 8, 100))):
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
        if choose.random() < 0.02:
            journal.seal_one()
        marks[2], marks[3], marks[4] = group, count, journal.durable_seq


class Writers:
    """Starts one writer after another from a warm process; `under` is a program that runs it."""

    def __init__(self, folder: Path, under: Sequence[str] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self.errors = folder / "writers.log"
        shared = folder / "told"
        shared.write_bytes(bytes(TOLD_BYTES))
        with shared.open("r+b") as file:
            self._told = memoryview(mmap.mmap(file.fileno(), TOLD_BYTES)).cast("Q")
        self._server = subprocess.Popen(
            [*under, sys.executable, "-m", "tests.durability.kill_writer", str(shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors.open("w"),
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._server.stdout is not None
        self._said = Lines(self._server.stdout)
        self._child = self._pid = 0
        self._ended = True

    def __enter__(self) -> Writers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        if not self._ended:
            self.kill()
        self._server.wait(WAIT_S)

    def start(self, directory: Path, child: int) -> None:
        """Starts a writer; children have numbers that grow, from 1."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{directory} {child}\n")
        self._child, self._pid = child, int(self._said.next() or 0)
        self._ended = False

    @property
    def told(self) -> Told | None:
        """What the writer has told, None before it began."""
        told = Told(*self._told)
        return told if told.child == self._child else None

    def wait_begun(self) -> None:
        """Returns once the writer writes."""
        deadline = time.monotonic() + WAIT_S
        while self.told is None:
            assert not self.ended(), f"the writer did not begin: {self.last_words()}"
            assert time.monotonic() < deadline, "the writer does not begin"
            time.sleep(0.000_2)

    def ended(self, wait_s: float = 0) -> bool:
        """True when the writer has ended, killed or because its disk failed."""
        if not self._ended and (said := self._said.next(wait_s)) is not None:
            self._ended = True
            expected = said in (f"dead {-signal.SIGKILL}", f"dead {DISK_FAILED}")
            assert expected, f"{said!r}: {self.errors.read_text()[-2_000:]}"
        return self._ended

    def last_words(self) -> str:
        """Returns the last line that a writer has printed."""
        return "".join(self.errors.read_text().splitlines()[-1:])

    def kill(self) -> None:
        """Kills the writer; it may have ended by itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        assert self.ended(WAIT_S)


def _child(directory: Path, child: int, told: mmap.mmap) -> int:
    try:
        write_until_killed(directory, child, told)
    except ThftError as error:
        print(f"child {child}: {error}", file=sys.stderr, flush=True)
        return DISK_FAILED


def main() -> None:
    """Serves until standard input ends."""
    shared = os.open(sys.argv[1], os.O_RDWR)
    told = mmap.mmap(shared, TOLD_BYTES)
    for line in sys.stdin:
        directory, child = line.split()
        pid = os.fork()
        if not pid:
            os._exit(_child(Path(directory), int(child), told))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"dead {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
