"""The store of FIX sessions in a log: what survives a kill and a power cut, and what is kept."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from thft.base.prng import Prng
from thft.fix.session import MemoryStore, Retention, Sent, Store
from thft.fix.session.store import RECEIVED
from thft.sim.memory_disk import FragileDisk
from thft.store.fix_log import BLOCK_BYTES, LARGEST_BODY, FixLog
from thft.stream.disk import JournalFull
from thft.stream.journal import AlreadyLocked, Journal
from thft.stream.layout import DamagedLog
from thft.stream.reader import read_all

State = tuple[int, int, int, tuple[Sent, ...]]


def opened(disk: FragileDisk, durable: bool = False) -> FixLog:
    journal = Journal(
        disk,
        instance="fix",
        created_ns=1,
        segment_bytes=2 * BLOCK_BYTES,
        block_bytes=BLOCK_BYTES,
        threads=False,
    )
    return FixLog(journal, disk, 1, durable=durable)


def state_of(store: MemoryStore) -> State:
    kept = tuple(s for n in range(1, store.next_out) if (s := store.sent(n)) is not None)
    return store.next_in, store.next_out, store.began_ns, kept


def turn(store: Store, prng: Prng) -> None:
    """Does what a session may do between two flushes."""
    for _ in range(prng.between(1, 6)):
        what = prng.between(0, 20)
        if what < 8:
            store.set_next_in(store.next_in + 1, RECEIVED)
        elif what < 10:
            store.append(None)
        elif what < 19:
            body = b"11=%d\x01" % store.next_out + b"x" * prng.between(0, 3_000)
            extra = ((97, b"Y"),) if prng.between(0, 1) else ()
            order = bool(prng.between(0, 1))
            store.append(Sent(store.next_out, "D", 5 + store.next_out, body, extra, order))
        elif what < 20:
            store.set_next_in(store.next_in + prng.between(1, 9), "gap fill")
        else:
            store.reset(prng.between(1, 2), prng.between(1, 99), "141=Y")


@pytest.mark.parametrize("seed", range(60))
def test_a_kill_keeps_every_flushed_turn_and_a_power_cut_a_prefix_of_turns(seed: int) -> None:
    print(f"seed {seed}")
    prng = Prng(seed)
    disk = FragileDisk()
    store = opened(disk)
    for _ in range(prng.between(1, 4)):
        states = [state_of(store)]
        durable = 0
        for _ in range(prng.between(1, 25)):
            turn(store, prng)
            store.flush()
            states.append(state_of(store))
            if prng.between(0, 3) == 0:
                store._journal.sync_now()
                durable = len(states) - 1
        if prng.between(0, 1):
            store = opened(disk := disk.killed())
            assert state_of(store) == states[-1]
        else:
            store = opened(disk := disk.cut_power(prng))
            assert state_of(store) in states[durable:]


def test_what_was_not_flushed_is_not_there() -> None:
    disk = FragileDisk()
    store = opened(disk)
    store.append(Sent(1, "D", 5, b"11=A\x01"))
    store.flush()
    store.append(Sent(2, "D", 5, b"11=B\x01"))
    assert state_of(opened(disk.killed()))[1] == 2


def test_a_message_that_is_too_large_is_counted_and_not_kept() -> None:
    disk = FragileDisk()
    store = opened(disk)
    store.append(Sent(1, "y", 5, b"x" * (LARGEST_BODY + 1)))
    store.append(Sent(2, "y", 5, b"x" * LARGEST_BODY))
    store.flush()
    again = opened(disk.killed())
    assert (again.next_out, again.sent(1)) == (3, None)
    assert again.sent(2) is not None


def test_a_turn_that_fills_more_than_a_block() -> None:
    disk = FragileDisk()
    store = opened(disk)
    for seq in range(1, 400):
        store.append(Sent(seq, "D", 5, b"x" * 3_000))
    store.flush()
    again = opened(disk.killed())
    assert again.next_out == 400 and all(again.sent(seq) for seq in range(1, 400))


def test_every_jump_of_a_number_is_a_record_with_its_cause() -> None:
    disk = FragileDisk()
    store = opened(disk)
    store.set_next_in(2, RECEIVED)
    store.set_next_in(9, "gap fill")
    store.reset(1, 77, "logon with 141=Y")
    store.flush()
    payloads = b"".join(frame.payload for frame in read_all(disk))
    assert b"gap fill" in payloads and b"logon with 141=Y" in payloads


def test_bounds_hold_after_a_restart(tmp_path: Path) -> None:
    store = FixLog.open(tmp_path, 1, Retention(count=3))
    for seq in range(1, 10):
        store.append(Sent(seq, "D", seq, b"x"))
    store.close()
    again = FixLog.open(tmp_path, 1, Retention(count=3))
    assert [seq for seq in range(1, 10) if again.sent(seq)] == [7, 8, 9]
    with pytest.raises(AlreadyLocked):
        FixLog.open(tmp_path, 1)
    again.close()


def test_a_damaged_log_is_refused() -> None:
    """F7: nothing is sent from a store that is not what was written."""
    disk = FragileDisk()
    store = opened(disk)
    for seq in range(1, 10):
        store.append(Sent(seq, "D", seq, b"x" * 100))
        store.flush()
    store.close()
    content = disk.files["00000001.log"]
    content[content.index(b"x" * 100) + 50] ^= 1
    with pytest.raises(DamagedLog):
        opened(disk.killed())


class FullDisk(FragileDisk):
    """A disk without room while `full`."""

    full = False

    def record(self, kind: str, name: str, offset: int = 0, data: bytes = b"") -> None:
        if self.full and kind == "write":
            raise JournalFull("write: no space left", "free disk space")
        super().record(kind, name, offset, data)


def test_a_full_disk_refuses_every_turn_until_the_log_is_opened_again() -> None:
    """Also once there is room: what the failed write left behind is not known before."""
    disk = FullDisk()
    store = opened(disk)
    store.append(Sent(1, "D", 5, b"11=A\x01"))
    store.flush()
    disk.full = True
    store.append(Sent(2, "D", 5, b"11=B\x01"))
    with pytest.raises(JournalFull):
        store.flush()
    disk.full = False
    store.append(Sent(3, "D", 5, b"11=C\x01"))
    with pytest.raises(JournalFull):
        store.flush()
    restarted = disk.killed()
    again = opened(restarted)
    assert again.next_out == 2
    again.append(Sent(2, "D", 5, b"11=D\x01"))
    again.flush()
    assert opened(restarted.killed()).next_out == 3


def test_a_durable_log_waits_for_the_disk_when_a_message_is_kept_and_only_then() -> None:
    disk = FragileDisk()
    store = opened(disk, durable=True)
    store.append(Sent(1, "D", 5, b"11=A\x01"))
    store.flush()
    assert store._journal.unsynced_bytes == 0
    store.append(None)
    store.flush()
    assert store._journal.unsynced_bytes > 0
    for seed in range(20):
        again = opened(disk.cut_power(Prng(seed)))
        assert again.next_out in (2, 3) and again.sent(1) is not None


def test_a_turn_becomes_durable_once_it_has_left(tmp_path: Path) -> None:
    store = FixLog.open(tmp_path, 1)
    journal = store._journal
    for seq in (1, 2):
        store.append(Sent(seq, "D", 5, b"11=A\x01"))
        store.flush()
        store.left()
        deadline = time.monotonic() + 60
        while journal.durable_seq < journal.written_seq:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    store.append(Sent(3, "D", 5, b"11=A\x01"))
    store.flush()
    journal.sync_now()
    assert journal.durable_seq == journal.written_seq
    store.close()
