"""What a syncer promises, whatever the disk does; the same on the native thread and the twin.

The test stands where fdatasync stands: a sync has begun when the test hears of it and ends, well or
with an errno, when the test lets it. Nothing here depends on how long anything takes.
"""

from __future__ import annotations

import errno
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Queue

import pytest

from thft.base.errors import LocalError
from thft.stream.disk import JournalPoisoned
from thft.stream.journal import Journal
from thft.stream.reader import read_all
from thft.stream.watermark import Watermark

SEGMENT_BYTES, BLOCK_BYTES = 64 << 10, 4 << 10
DEADLINE_S = 20.0


class Syncs:
    """In the place of fdatasync: tells that a sync began and ends it with the errno put in."""

    def __init__(self) -> None:
        self.begun: Queue[int] = Queue()
        self.ends: Queue[int] = Queue()
        self.calls: list[int] = []

    def __call__(self, fd: int) -> int:
        self.calls.append(fd)
        self.begun.put(fd)
        return self.ends.get(timeout=DEADLINE_S)

    def began(self) -> int:
        """Waits for a sync to begin; returns its descriptor."""
        return self.begun.get(timeout=DEADLINE_S)

    def end(self, number: int = 0) -> None:
        """Lets the sync that has begun, or the next one, end."""
        self.ends.put(number)

    def end_all(self) -> None:
        """Lets every later sync end well."""
        for _ in range(1_000):
            self.ends.put(0)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.001)


def open_journal(directory: Path) -> Journal:
    return Journal.open(
        directory,
        instance="ab",
        created_ns=1,
        segment_bytes=SEGMENT_BYTES,
        block_bytes=BLOCK_BYTES,
    )


def write(journal: Journal, count: int = 1) -> int:
    """Writes frames as one turn; returns the last seq."""
    for _ in range(count):
        journal.append(257, 2, 1, 1, b"p" * 56)
    return journal.flush()


def fill_segment(journal: Journal) -> int:
    """Writes until the journal goes on in a new segment; returns the last seq."""
    before = journal.epoch, len(journal._full)
    while (journal.epoch, len(journal._full)) == before:
        seq = write(journal)
    return seq


@pytest.fixture
def syncs() -> Syncs:
    return Syncs()


@pytest.fixture
def journal(tmp_path: Path, syncs: Syncs) -> Iterator[Journal]:
    journal = open_journal(tmp_path / "log")
    journal.syncer.interpose(syncs)
    yield journal
    syncs.end_all()
    journal.abandon()


@pytest.fixture
def mark(journal: Journal, tmp_path: Path) -> Iterator[Watermark]:
    """The side file as another process sees it."""
    mark = Watermark(tmp_path / "log", create=False)
    yield mark
    mark.close()


def test_nothing_is_durable_before_its_sync_has_returned(
    journal: Journal, syncs: Syncs, mark: Watermark
) -> None:
    seq = write(journal)
    syncs.began()
    assert journal.durable_seq == mark.durable_seq == 0
    assert mark.written_seq == seq
    assert journal.unsynced_bytes > 0
    syncs.end()
    until(lambda: journal.unsynced_bytes == 0, "synced")
    assert journal.durable_seq == mark.durable_seq == seq


def test_a_sync_covers_only_what_was_written_before_it_began(
    journal: Journal, syncs: Syncs, mark: Watermark
) -> None:
    first = write(journal)
    syncs.began()
    waiting = journal.unsynced_bytes
    last = write(journal, 5)
    syncs.end()
    syncs.began()
    assert journal.durable_seq == mark.durable_seq == first
    assert journal.unsynced_bytes == 5 * waiting
    syncs.end()
    until(lambda: journal.durable_seq == last, "the rest durable")


def test_writing_goes_on_while_a_sync_stands_still(journal: Journal, syncs: Syncs) -> None:
    write(journal)
    syncs.began()
    for _ in range(200):
        last = write(journal)
    assert (journal.durable_seq, journal.written_seq) == (0, last)
    assert len(syncs.calls) == 1
    syncs.end()
    syncs.began()
    syncs.end()
    until(lambda: journal.durable_seq == last, "200 turns durable in one sync")
    assert len(syncs.calls) == 2


def test_a_full_segment_is_synced_before_the_one_after_it(journal: Journal, syncs: Syncs) -> None:
    first = write(journal)
    full = syncs.began()
    last = fill_segment(journal)
    syncs.end()
    assert syncs.began() == full
    syncs.end()
    assert syncs.began() != full
    assert journal.durable_seq == first
    syncs.end()
    until(lambda: journal.durable_seq == last, "both segments durable")


def test_a_failed_sync_poisons_the_log_for_good(
    journal: Journal, syncs: Syncs, mark: Watermark
) -> None:
    good = write(journal)
    syncs.end()
    until(lambda: journal.durable_seq == good, "the first write durable")
    write(journal)
    syncs.end(errno.EIO)
    until(lambda: _is_poisoned(journal), "poisoned")
    syncs.end_all()
    for attempt in (journal.flush, journal.sync_now, journal.close):
        with pytest.raises(JournalPoisoned, match=r"fdatasync 00000001\.log: Input/output error"):
            attempt()
    journal.syncer.stop()
    assert len(syncs.calls) == 2
    assert mark.durable_seq == good


def test_a_full_segment_that_fails_poisons_what_comes_after_it(
    journal: Journal, syncs: Syncs, mark: Watermark
) -> None:
    first = write(journal)
    full = syncs.began()
    fill_segment(journal)
    syncs.end()
    assert syncs.began() == full
    syncs.end(errno.EIO)
    until(lambda: _is_poisoned(journal), "poisoned")
    syncs.end_all()
    assert syncs.calls == [full, full]
    assert journal.durable_seq == mark.durable_seq == first


def test_who_waits_for_a_sync_hears_of_its_failure(journal: Journal, syncs: Syncs) -> None:
    write(journal)
    syncs.began()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            journal.sync_now()
        except JournalPoisoned as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: _sleeps(waiting), "the other thread waits")
    syncs.end(errno.EIO)
    syncs.end_all()
    waiting.join(DEADLINE_S)
    assert len(raised) == 1
    assert len(syncs.calls) == 1
    assert journal.durable_seq == 0


def test_sync_now_returns_when_all_is_durable(journal: Journal, syncs: Syncs) -> None:
    syncs.end_all()
    for count in (1, 3, 900, 2):
        seq = write(journal, count)
        journal.sync_now()
        assert (journal.durable_seq, journal.unsynced_bytes) == (seq, 0)


def test_descriptors_of_full_segments_are_given_back(tmp_path: Path) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    journal = open_journal(tmp_path)
    for _ in range(5):
        fill_segment(journal)
    journal.abandon()
    assert opened() == before
    assert len(read_all(tmp_path)) == journal.written_seq


def test_a_stop_waits_for_the_sync_that_runs(journal: Journal, syncs: Syncs) -> None:
    write(journal)
    syncs.began()
    stopping = threading.Thread(target=journal.syncer.stop)
    stopping.start()
    until(lambda: _sleeps(stopping), "the stop waits")
    assert stopping.is_alive()
    syncs.end()
    stopping.join(DEADLINE_S)
    assert not stopping.is_alive()


def test_a_journal_that_nobody_closed_leaves_no_thread_in_freed_memory(tmp_path: Path) -> None:
    for number in range(20):
        journal = open_journal(tmp_path / str(number))
        write(journal, 50)
        journal.supply.stop()
        del journal
        gc.collect()
    assert read_all(tmp_path / "0")


def test_a_forked_child_can_let_go_and_is_refused_syncs(journal: Journal, syncs: Syncs) -> None:
    write(journal)
    syncs.began()
    child = os.fork()
    if not child:
        journal.syncer.stop()
        os._exit(0)
    ended: list[int] = []

    def has_ended() -> bool:
        pid, status = os.waitpid(child, os.WNOHANG)
        ended.append(status)
        return pid == child

    until(has_ended, "the child ended")
    assert os.waitstatus_to_exitcode(ended[-1]) == 0
    syncs.end_all()
    journal.sync_now()
    assert journal.durable_seq == journal.written_seq


def test_after_its_end_a_syncer_promises_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal)
    journal.sync_now()
    journal.syncer.stop()
    write(journal)
    with pytest.raises(LocalError, match="closed"):
        journal.sync_now()


def _is_poisoned(journal: Journal) -> bool:
    try:
        journal.syncer.check()
    except JournalPoisoned:
        return True
    return False


def _sleeps(thread: threading.Thread) -> bool:
    """True when the thread waits in the operating system."""
    stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def affinity(name: str) -> set[int] | None:
    """Returns the processors of this process's thread of a name, None when there is none."""
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return os.sched_getaffinity(int(task.name))
    return None


@pytest.mark.once
def test_the_thread_stays_off_the_processor_of_a_busy_writer(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    journal = open_journal(tmp_path)

    def off(processor: int | None) -> bool:
        """Writes, after some work or some rest; True once the thread may be where it should."""
        until_ns = time.thread_time_ns() + 2_000_000
        while processor is not None and time.thread_time_ns() < until_ns:
            pass
        write(journal)
        journal.sync_now()
        return affinity("journal-sync") == (allowed - {processor} or allowed)

    try:
        for processor in [*allowed, *allowed]:
            os.sched_setaffinity(0, {processor})
            until(partial(off, processor), f"off processor {processor}")
        until(partial(off, None), "anywhere, beside a writer that rests")
    finally:
        os.sched_setaffinity(0, allowed)
        journal.close()
    assert affinity("journal-sync") is None
