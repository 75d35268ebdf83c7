"""One flipped bit anywhere in a cleanly closed journal or a snapshot is found, with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.seeds import seeded

from thft._native import USE_NATIVE
from thft.base.frame import GROUP_END, HEADER, HEADER_BYTES, crc32, padded
from thft.stream import layout, snapshot
from thft.stream.journal import Journal
from thft.stream.snapshot import BadSnapshot, NewerSnapshot, Snapshot
from thft.stream.verify import verify

FLIPS = int(os.environ.get("THFT_FLIPS", "10000" if USE_NATIVE else "4000"))


def closed_journal(
    directory: Path, groups: int, segment: int, block: int, sealed: bool = False
) -> list[Path]:
    """Writes a journal, closes it, and returns its segments."""
    journal = Journal.open(
        directory, instance="ab", created_ns=1, segment_bytes=segment, block_bytes=block
    )
    for number in range(groups):
        body = number.to_bytes(4, "little") * 14
        journal.buffer.append_group(
            [(257, 1, 0, 2, 1, 7, body), (258, 1, GROUP_END, 2, 1, 7, body[:20])]
        )
        if number % 5 == 0:
            journal.flush()
    journal.sync_now()
    while sealed and journal.seal_one():
        continue
    journal.close()
    assert verify(directory).damage is None
    return [directory / name for name in layout.segment_names(os.listdir(directory))]


def flipped(path: Path, offset: int, bit: int) -> bytes:
    """Flips one bit in a file; returns the bytes that were there."""
    before = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes([before[offset] ^ (1 << bit)]))
    return before


def found(directory: Path, path: Path, offset: int) -> str:
    """Returns what is wrong with verify's answer to a flip, empty when it is right."""
    damage = verify(directory).damage
    if damage is None:
        return f"{path.name} offset {offset}: not noticed"
    place = (damage.segment, damage.offset)
    if place > (path.name, offset):
        return f"{path.name} offset {offset}: named only behind it, {damage.cause}"
    return ""


def test_every_byte_of_a_small_journal(tmp_path: Path) -> None:
    paths = closed_journal(tmp_path, 120, 16 << 10, 4 << 10)
    assert len(paths) == 2
    wrong = []
    for path in paths:
        for offset in range(path.stat().st_size):
            before = flipped(path, offset, offset % 8)
            wrong.append(found(tmp_path, path, offset))
            path.write_bytes(before)
    assert [text for text in wrong if text] == []
    assert len(wrong) > 16 << 10


def test_every_byte_of_a_sealed_segment(tmp_path: Path) -> None:
    paths = closed_journal(tmp_path, 460, 16 << 10, 4 << 10, sealed=True)
    assert [path.suffix for path in paths] == [".logz"] * 2 + [".log"] * 3
    sealed = paths[1]
    wrong = []
    for offset in range(sealed.stat().st_size):
        before = flipped(sealed, offset, offset % 8)
        wrong.append(found(tmp_path, sealed, offset))
        sealed.write_bytes(before)
    assert [text for text in wrong if text] == []
    assert len(wrong) > 500
    sealed.write_bytes(sealed.read_bytes() + b"\0")
    damage = verify(tmp_path).damage
    assert damage is not None and damage.reason == "bytes behind the last sealed block"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_random_bytes_of_a_larger_journal(tmp_path: Path) -> None:
    choose = seeded(5)
    paths = closed_journal(tmp_path, 4_000, 256 << 10, 64 << 10)
    assert len(paths) >= 3
    wrong = []
    for _ in range(FLIPS):
        path = choose.choice(paths)
        offset = choose.randrange(path.stat().st_size)
        before = flipped(path, offset, choose.randrange(8))
        wrong.append(found(tmp_path, path, offset))
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(before[offset : offset + 1])
    assert [text for text in wrong if text] == []


def test_an_edit_with_a_good_checksum_breaks_the_chain(tmp_path: Path) -> None:
    path = closed_journal(tmp_path, 120, 16 << 10, 4 << 10)[0]
    content = bytearray(path.read_bytes())
    start = layout.HEADER_BYTES
    length = HEADER.unpack_from(content, start)[1]
    content[start + HEADER_BYTES] ^= 1
    checksum = crc32(content[start + 4 : start + padded(length)])
    content[start : start + 4] = checksum.to_bytes(4, "little")
    path.write_bytes(content)
    damage = verify(tmp_path).damage
    assert damage is not None
    assert (damage.segment, damage.reason) == (path.name, "hash chain differs")


def test_the_command_says_where_and_exits_with_1(tmp_path: Path) -> None:
    (path,) = closed_journal(tmp_path, 30, 64 << 10, 4 << 10)
    flipped(path, 500, 3)
    for command in (["journal", "verify"], ["replay"]):
        arguments = [sys.executable, "-m", "thft", *command, str(tmp_path)]
        if command == ["replay"]:
            arguments.append("--verify")
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"segment={path.name} offset=" in done.stdout
        assert "reason=" in done.stdout


def test_every_byte_of_a_snapshot() -> None:
    sections = {"state": bytes(range(256)), "kernel": b"k" * 100, "strategies": b""}
    content = snapshot.pack(Snapshot(42, bytes(32), sections))
    assert snapshot.unpack(content, "s").sections == sections
    for offset in range(len(content)):
        damaged = bytearray(content)
        damaged[offset] ^= 1 << (offset % 8)
        with pytest.raises((BadSnapshot, NewerSnapshot), match="s"):
            snapshot.unpack(bytes(damaged), "s")
