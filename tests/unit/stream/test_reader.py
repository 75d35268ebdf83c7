"""The reader: plain and sealed segments, a writer that seals behind it, descriptors given back."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from thft.base.prng import Prng
from thft.stream import layout
from thft.stream.journal import Journal
from thft.stream.layout import DamagedLog
from thft.stream.reader import LogReader, batches, read_all
from thft.stream.verify import verify


def open_journal(directory: Path) -> Journal:
    return Journal.open(
        directory, instance="ab", created_ns=1, segment_bytes=16 << 10, block_bytes=4 << 10
    )


def write(journal: Journal, count: int, each: int = 7) -> None:
    for number in range(count):
        journal.append(257, 2, 1, number, number.to_bytes(8, "little") * 7)
        if number % each == 0:
            journal.flush()
    journal.flush()


def test_a_log_reads_the_same_plain_and_sealed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 1_000)
    journal.sync_now()
    plain = read_all(tmp_path)
    sealed = [name for _ in range(9) if (name := journal.seal_one())]
    assert len(sealed) >= 3
    assert read_all(tmp_path) == plain
    for seq in (1, 2, 150, 151, 700, 999, 1_000):
        assert [frame.seq for batch in batches(tmp_path, seq) for frame in batch] == list(
            range(seq + 1, 1_001)
        )
    journal.close()
    assert verify(tmp_path).damage is None
    assert len(read_all(tmp_path)) == 1_001


def test_a_follower_does_not_notice_the_sealing(tmp_path: Path) -> None:
    seed = 3
    print(f"seed {seed}")
    prng, journal = Prng(seed), open_journal(tmp_path)
    seqs: list[int] = []
    reader = LogReader(tmp_path)
    while len(seqs) < 3_000:
        write(journal, prng.between(1, 60), prng.between(1, 20))
        if prng.between(0, 2) == 0:
            seqs += [frame.seq for frame in reader.read(prng.between(1, 300))]
        journal.sync_now()
        journal.seal_one()
    while frames := reader.read():
        seqs += [frame.seq for frame in frames]
    assert seqs == list(range(1, journal.written_seq + 1))
    reader.close()
    journal.close()


def test_a_restart_goes_on_behind_sealed_segments(tmp_path: Path) -> None:
    seqs = 0
    for _ in range(3):
        journal = open_journal(tmp_path)
        assert journal.recovered.last_seq == seqs
        write(journal, 400)
        journal.sync_now()
        while journal.seal_one():
            continue
        journal.abandon()
        seqs += 400
    assert [frame.seq for frame in read_all(tmp_path)] == list(range(1, 1_201))
    assert sum(layout.is_sealed(name) for name in os.listdir(tmp_path)) >= 6


def test_a_sealing_that_was_cut_short_leaves_the_segment(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 600)
    journal.close()
    before = read_all(tmp_path)
    (tmp_path / "00000001.logz.part").write_bytes(b"half of it")
    (tmp_path / "00000002.logz").write_bytes(b"an old attempt")
    assert read_all(tmp_path) == before
    open_journal(tmp_path).close()
    assert not any("logz" in name for name in os.listdir(tmp_path))
    assert read_all(tmp_path)[: len(before)] == before


def test_readers_give_their_descriptors_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 600)
    journal.sync_now()
    while journal.seal_one():
        continue
    gc.collect()  # what earlier tests have left is none of ours
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert len(read_all(tmp_path)) == 600
        with LogReader(tmp_path, 300) as reader:
            assert reader.read(10)
    assert len(os.listdir("/proc/self/fd")) == before
    journal.close()


def test_a_changed_byte_behind_the_reader_is_named(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    write(journal, 600)
    journal.close()
    path = tmp_path / "00000002.log"
    content = bytearray(path.read_bytes())
    content[5_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedLog, match=r"segment=00000002\.log offset=") as damage:
        read_all(tmp_path)
    assert 4_096 <= damage.value.offset <= 5_000
