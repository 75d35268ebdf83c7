"""A journal writer made to run under strace; `test_sync_calls` starts it and reads its calls.

`turns`: writes turn after turn, each durable before the next, until a sync fails.
`stalled`: writes more turns while one sync stands still.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from thft.stream.disk import JournalPoisoned
from thft.stream.journal import Journal

TURNS, EVENTS_A_TURN = 40, 25
TURNS_IN_STALL = 400
BEGIN, END = "turns begin", "turns end"


def turn(journal: Journal) -> None:
    for _ in range(EVENTS_A_TURN):
        journal.append(257, 2, 1, 1, b"p" * 56)
    journal.flush()


def say(word: object) -> None:
    """One write() to standard output."""
    os.write(1, f"{word}\n".encode())


def turns(journal: Journal) -> None:
    """Says the durable seq after each turn, and what stopped it."""
    try:
        for _ in range(TURNS):
            turn(journal)
            journal.sync_now()
            say(journal.durable_seq)
    except JournalPoisoned as error:
        say(error.cause)
        say(journal.durable_seq)
        os._exit(3)


def stalled(journal: Journal) -> None:
    """Tells standard output where the turns begin and end; the sync reads a pipe as it waits."""
    begun = threading.Event()
    stands_still, goes_on = os.pipe()

    def wait(fd: int) -> int:
        begun.set()
        os.read(stands_still, 1)
        return 0

    journal.syncer.interpose(wait)
    turn(journal)
    begun.wait(60)
    while not journal.supply._ready.full():
        time.sleep(0.01)
    say(BEGIN)
    for _ in range(TURNS_IN_STALL):
        turn(journal)
    say(END)
    os.close(goes_on)


if __name__ == "__main__":
    writer = Journal.open(Path(sys.argv[2]), instance="s", created_ns=1, segment_bytes=4 << 20)
    {"turns": turns, "stalled": stalled}[sys.argv[1]](writer)
    writer.close()
