"""Consumer groups: order, acknowledgement, what is pending, claims, lag, restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from thft.base.prng import Prng
from thft.stream.group.embedded import EmbeddedGroup
from thft.stream.group.port import ConsumerGroup, NotPending, PendingFull
from thft.stream.journal import Journal
from thft.stream.reader import LogReader, read_all

ORDERS, METRICS = 3, 5


class Log:
    """A journal being written, with a clock that tests move."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = Journal.open(
            directory, instance="ab", created_ns=1, segment_bytes=64 << 10, block_bytes=4 << 10
        )
        self.now_ns = 0
        self.undurable = 0
        """So many entries at the end would be lost in a power cut."""

    def write(self, *streams: int) -> None:
        for stream in streams:
            self.journal.append(257, stream, 0, 1, b"entry")
        self.journal.flush()

    def group(self, after_seq: int = 0, limit: int = 10_000) -> EmbeddedGroup:
        return EmbeddedGroup(
            LogReader(self.directory, after_seq),
            (ORDERS,),
            lambda: self.now_ns,
            lambda: self.journal.written_seq - self.undurable,
            limit,
        )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    opened = Log(tmp_path)
    yield opened
    opened.journal.close()


def seqs(group: ConsumerGroup, consumer: str, count: int = 100) -> list[int]:
    return [frame.seq for frame in group.read(consumer, count)]


def test_entries_of_its_streams_come_in_order_and_once(log: Log) -> None:
    log.write(ORDERS, METRICS, ORDERS, METRICS, METRICS, ORDERS)
    group = log.group()
    assert seqs(group, "a", 2) == [1, 3]
    assert seqs(group, "b") == [6]
    assert seqs(group, "a") == []
    log.write(METRICS, ORDERS)
    assert seqs(group, "b") == [8]


def test_what_a_power_cut_may_take_is_not_delivered_and_not_covered(log: Log) -> None:
    log.write(ORDERS, METRICS, ORDERS, METRICS, ORDERS, METRICS)
    group = log.group()
    log.undurable = 4
    assert seqs(group, "a") == [1]
    assert group.ack("a", [1]) == 2 and group.lag() == 0
    log.undurable = 2
    assert group.cursor == 2 and group.lag() == 2
    assert seqs(group, "a") == [3]
    assert group.ack("a", [3]) == 4
    log.undurable = 0
    assert seqs(group, "a") == [5]
    assert group.ack("a", [5]) == 6


def test_the_cursor_stands_before_the_oldest_entry_that_waits(log: Log) -> None:
    log.write(ORDERS, METRICS, ORDERS, ORDERS, METRICS)
    group = log.group()
    assert group.cursor == 0 and group.lag() == 5
    assert seqs(group, "a") == [1, 3, 4]
    assert group.ack("a", [3]) == 0
    assert group.ack("a", [1]) == 3
    assert group.lag() == 2
    assert group.ack("a", [4]) == 5
    assert group.lag() == 0


def test_what_was_not_acknowledged_is_delivered_again_after_a_restart(log: Log) -> None:
    log.write(*[ORDERS] * 10)
    before = log.group()
    before.read("a", 10)
    cursor = before.ack("a", [1, 2, 3, 7])
    assert cursor == 3
    assert seqs(log.group(cursor), "a") == [4, 5, 6, 7, 8, 9, 10]


def test_pending_names_the_consumer_the_time_and_the_deliveries(log: Log) -> None:
    log.write(ORDERS, ORDERS)
    group = log.group()
    log.now_ns = 5
    group.read("a", 1)
    log.now_ns = 7
    group.read("b", 1)
    assert group.pending() == [(1, "a", 5, 1), (2, "b", 7, 1)]
    assert group.pending("b") == [(2, "b", 7, 1)]


def test_a_claim_takes_what_another_consumer_left_lying(log: Log) -> None:
    log.write(ORDERS, ORDERS, ORDERS)
    group = log.group()
    group.read("a", 2)
    log.now_ns = 100
    group.read("a", 1)
    assert group.claim("b", 50, 10)[0].seq == 1
    assert [held.seq for held in group.pending("b")] == [1, 2]
    assert group.pending("b")[0] == (1, "b", 100, 2)
    assert [held.seq for held in group.pending("a")] == [3]
    with pytest.raises(NotPending, match="entry 1 is not held by 'a'"):
        group.ack("a", [3, 1])
    assert [held.seq for held in group.pending("a")] == [3]
    assert group.ack("b", [1, 2]) == 2


def test_too_many_entries_without_an_answer_stop_the_reading(log: Log) -> None:
    log.write(*[ORDERS] * 5)
    group = log.group(limit=3)
    assert seqs(group, "a") == [1, 2, 3]
    with pytest.raises(PendingFull, match="3 entries"):
        group.read("a", 1)
    group.ack("a", [2])
    assert seqs(group, "a") == [4]


def test_random_work_and_restarts_lose_nothing_and_keep_the_order(log: Log) -> None:
    seed = 11
    print(f"seed {seed}")
    prng = Prng(seed)
    group, cursor, done = log.group(), 0, set[int]()
    for _ in range(2_000):
        draw = prng.between(0, 9)
        consumer = f"c{prng.between(1, 3)}"
        log.now_ns += prng.between(0, 10)
        if draw < 3:
            log.write(ORDERS if prng.between(0, 2) else METRICS)
        elif draw < 6:
            read = seqs(group, consumer, prng.between(1, 5))
            assert read == sorted(read)
        elif draw < 9:
            held = group.pending(consumer)
            if held:
                seq = held[prng.between(0, len(held) - 1)].seq
                done.add(seq)
                moved = group.ack(consumer, [seq])
                assert moved >= cursor
                cursor = moved
        elif prng.between(0, 9):
            group.claim(consumer, 20, 2)
        else:
            group = log.group(cursor)
    orders = [frame.seq for frame in read_all(log.directory) if frame.stream == ORDERS]
    assert set(orders[: len([seq for seq in orders if seq <= cursor])]) <= done
    rest = {held.seq for held in group.pending()} | set(seqs(group, "end", 10_000))
    assert set(orders) <= done | rest
