"""`thft bench tail`: how soon a second process that follows the journal has a record in hand.

The reader runs this module as a program: it sleeps on its doorbell and on a plain datagram
socket; the latter is the floor. The writer serves both in turn, one every half millisecond; the
reader gives each a thread that sleeps in `recv`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from thft.base.errors import LocalError
from thft.base.frame import CONTROL, GROUP_END, MARKET
from thft.cli.bench_figure import Figure, at_most, percentile
from thft.stream.journal import Journal
from thft.stream.reader import LogReader
from thft.stream.watermark import Doorbell

RECORDS, WARM_UP = 4_000, 200
STEP_NS = 500_000
RECORD_TYPE, END_TYPE = 0x0101, 0x01FF
READER_TIMEOUT_S = 60.0
P50_GOAL_US, P99_GOAL_US = 50.0, 250.0


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields median and 99th percentile of the wake-up, in µs."""
    with TemporaryDirectory(dir=directory) as folder:
        journal = Journal.open(Path(folder), instance="bench", created_ns=0, sync=False)
        command = [sys.executable, "-m", "thft.cli.bench_tail", folder]
        reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            _write(journal, Path(folder) / "floor", reader)
            output, _ = reader.communicate(timeout=READER_TIMEOUT_S)
        finally:
            reader.kill()
            journal.close()
    wakes, floor = json.loads(output)
    if len(wakes) != RECORDS or len(floor) != RECORDS:
        raise LocalError(f"the reader saw {len(wakes)} and {len(floor)} records of {RECORDS}")
    for share, goal in ((0.5, P50_GOAL_US), (0.99, P99_GOAL_US)):
        value, least = percentile(wakes[WARM_UP:], share), percentile(floor[WARM_UP:], share)
        yield at_most(
            "tail", f"wake-up of a second process, p{share * 100:g}", value, "us", least, goal
        )


def _write(journal: Journal, address: Path, reader: subprocess.Popen[str]) -> None:
    assert reader.stdout is not None
    reader.stdout.readline()  # it has bound its sockets
    bare = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bare.connect(str(address))
    due = time.perf_counter_ns()
    for _ in range(RECORDS):
        due = _next_turn(due)
        payload = time.perf_counter_ns().to_bytes(8, "little")
        journal.append(RECORD_TYPE, MARKET, 1, 0, payload)
        journal.flush()
        due = _next_turn(due)
        bare.send(time.perf_counter_ns().to_bytes(8, "little"))
    journal.buffer.append(END_TYPE, 1, GROUP_END, CONTROL, 0, 0, b"")
    journal.flush()
    bare.close()


def _next_turn(due_ns: int) -> int:
    due_ns += STEP_NS
    time.sleep(max(due_ns - time.perf_counter_ns(), 0) / 1e9)
    return due_ns


def follow(directory: Path) -> tuple[list[float], list[float]]:
    """Reads until the end record; returns the µs each record and each datagram took to arrive."""
    log, bell = LogReader(directory), Doorbell(directory)
    bare = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bare.bind(str(directory / "floor"))
    floor: list[float] = []
    beside = threading.Thread(target=_receive, args=(bare, floor))
    beside.start()
    print("ready", flush=True)
    wakes: list[float] = []
    ended = False
    while not ended:
        bell.arm()
        frames = log.read()
        now = time.perf_counter_ns()
        for frame in frames:
            if frame.type == RECORD_TYPE:
                wakes.append((now - int.from_bytes(frame.payload, "little")) / 1e3)
            ended = ended or frame.type == END_TYPE
        if not frames:
            bell.wait()
    beside.join()
    log.close()
    bell.close()
    bare.close()
    return wakes, floor


def _receive(bare: socket.socket, floor: list[float]) -> None:
    while len(floor) < RECORDS:
        sent = bare.recv(8)
        floor.append((time.perf_counter_ns() - int.from_bytes(sent, "little")) / 1e3)


if __name__ == "__main__":
    print(json.dumps(follow(Path(sys.argv[1]))))
