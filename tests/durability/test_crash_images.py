"""Power cuts: recovery on every image that the recorded write sequence may leave behind.

For each operation of a recorded run the images are built from what was synced and, of what was
not, nothing, all, a torn part, a hole, a later part without the earlier, a flipped bit or a random
cut. On each, real recovery runs: acknowledged ⊆ recovered ⊆ written, a prefix of closed groups.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Protocol

import pytest
from tests.seeds import seed_of_test

from thft._native import USE_NATIVE
from thft.base.frame import GROUP_END, frames, valid_end
from thft.sim.memory_disk import MemoryDisk, Op, apply_op
from thft.stream import layout, recovery
from thft.stream.journal import Journal
from thft.stream.segment import read_segment

SEGMENT, BLOCK, SECTOR = 64 << 10, 4 << 10, 512
WORKERS = 2
IMAGES = int(os.environ.get("THFT_CRASH_IMAGES", "100000" if USE_NATIVE else "20000"))
CLASSES = (
    "lost",
    "complete",
    "torn at a sector",
    "zero hole",
    "later without earlier",
    "bit flipped",
    "cut at a byte",
    "name missing",
    "name change undone",
    "recovered twice",
)


class Recorded(Protocol):
    """What an image is built from: the files before, and a disk with every operation since."""

    before: dict[str, bytes]
    disk: MemoryDisk


class Run:
    """A recorded journal: operations, and after each what was written and acknowledged."""

    def __init__(self, seed: int, start: MemoryDisk | None = None) -> None:
        self.random = random.Random(seed)
        self.before = {name: bytes(data) for name, data in (start.files if start else {}).items()}
        self.disk = MemoryDisk({name: bytearray(data) for name, data in self.before.items()})
        self.marks: list[tuple[int, int]] = []
        self.groups: list[int] = []
        journal = self._open()
        self.floor = journal.recovered.last_seq
        self.journal = journal
        self._work()

    def _open(self) -> Journal:
        return Journal(
            self.disk,
            instance="ab",
            created_ns=1,
            segment_bytes=SEGMENT,
            block_bytes=BLOCK,
            threads=False,
        )

    def _mark(self) -> None:
        """Notes what holds since the last operation; those before it had acknowledged less."""
        journal = self.journal
        acknowledged = self.marks[-1][1] if self.marks else self.floor
        while len(self.marks) < len(self.disk.ops):
            self.marks.append((journal.written_seq, acknowledged))
        self.marks[-1] = (journal.written_seq, journal.durable_seq)

    def _work(self) -> None:
        journal, choose = self.journal, self.random
        often = choose.choice((0.04, 0.3))
        self._mark()
        for _ in range(90):
            for _ in range(choose.randint(1, 6)):
                size = choose.choice((1, 1, 1, 2, 5))
                group = [
                    (
                        257,
                        1,
                        GROUP_END if i == size - 1 else 0,
                        2,
                        1,
                        7,
                        choose.randbytes(choose.choice((56, 400))),
                    )
                    for i in range(size)
                ]
                journal.buffer.append_group(group)
                self.groups.append(journal.buffer.next_seq - 1)
            journal.flush()
            self._mark()
            if choose.random() < often:
                journal.sync_now()
                self._mark()
            if choose.random() < 0.1:
                journal.seal_one()
                self._mark()


def synced_state(
    run: Recorded, upto: int, undone: int = -1
) -> tuple[dict[str, bytearray], list[Op]]:
    """Returns the bytes that must survive after `upto` operations, and the writes that may not.

    The operation at index `undone` has not reached the disk.
    """
    files = {name: bytearray(data) for name, data in run.before.items()}
    pending: list[Op] = []
    for number, op in enumerate(run.disk.ops[:upto]):
        if number == undone:
            continue
        if op.kind == "sync":
            for write in [w for w in pending if w.name == op.name]:
                apply_op(files, write)
            pending = [w for w in pending if w.name != op.name]
        elif op.kind in ("write", "truncate"):
            pending.append(op)
        else:
            apply_op(files, op)
    return files, pending


def names_synced(ops: list[Op]) -> bool:
    """True when the directory in which the first operation changed a name was synced since."""
    folder = ops[0].name[: ops[0].name.rfind("/") + 1]
    return any(op.kind == "sync_names" and op.name == folder for op in ops)


def images(
    run: Recorded, upto: int, choose: random.Random
) -> Iterator[tuple[str, dict[str, bytearray]]]:
    """Yields (damage class, files) for a power cut after `upto` operations."""
    base, pending = synced_state(run, upto)

    def copy() -> dict[str, bytearray]:
        return {name: bytearray(data) for name, data in base.items()}

    def with_ops(ops: list[Op]) -> dict[str, bytearray]:
        files = copy()
        for op in ops:
            apply_op(files, op)
        return files

    yield "complete", with_ops(pending)
    yield "lost", copy()
    yield "recovered twice", with_ops(pending)
    last = run.disk.ops[upto - 1]
    if last.kind == "create" or (upto > 1 and run.disk.ops[upto - 2].kind == "create"):
        files = with_ops(pending)
        if last.name and last.name in files and not any(files[last.name]):
            del files[last.name]
            yield "name missing", files
    for number in range(max(upto - 2, 0), upto):
        named = run.disk.ops[number].kind in ("rename", "remove")
        if named and not names_synced(run.disk.ops[number:upto]):
            files, late = synced_state(run, upto, undone=number)
            for op in late:
                apply_op(files, op)
            yield "name change undone", files
    writes = [op for op in pending if op.kind == "write"]
    if not writes:
        return
    target = choose.choice(writes)
    before = pending[: pending.index(target)]
    for cut in range(SECTOR, len(target.data), SECTOR):
        yield "torn at a sector", with_ops([*before, target._replace(data=target.data[:cut])])
    cut = choose.randrange(len(target.data))
    yield "cut at a byte", with_ops([*before, target._replace(data=target.data[:cut])])
    yield "torn at a sector", with_ops([*before, target._replace(data=target.data[: cut | 511])])
    hole = bytearray(target.data)
    at = choose.randrange(len(hole))
    width = min(choose.randint(1, SECTOR), len(hole) - at)
    hole[at : at + width] = bytes(width)
    yield "zero hole", with_ops([*before, target._replace(data=bytes(hole))])
    yield "later without earlier", with_ops([op for op in pending if op is not target])
    flipped = bytearray(target.data)
    flipped[choose.randrange(len(flipped))] ^= 1 << choose.randrange(8)
    yield "bit flipped", with_ops([*before, target._replace(data=bytes(flipped))])
    yield (
        "bit flipped",
        with_ops([target._replace(data=bytes(flipped)) if op is target else op for op in pending]),
    )


def recovered_groups(disk: MemoryDisk) -> list[int]:
    """Reads the log by a plain walk of its own: returns the last seq of each closed group."""
    ends: list[int] = []
    next_seq = 1
    for name in layout.segment_names(disk.names()):
        content = read_segment(disk, name)
        if layout.read_header(content) is None:
            continue
        start = layout.HEADER_BYTES
        for base in range(0, len(content), BLOCK):
            block = content[base : base + BLOCK]
            end, next_seq, _, _ = valid_end(
                block, start, min(len(block), BLOCK - layout.TRAILER_BYTES), next_seq
            )
            ends += [f.seq for f in frames(block, start, end) if f.flags & GROUP_END]
            start = 0
    return ends


def _same_sealed(disk: MemoryDisk, name: str, complete: dict[str, bytes]) -> bool:
    """True when a segment that is plain again holds what its sealed copy holds."""
    sealed = layout.sealed_name(name)
    if sealed not in complete:
        return False
    other = MemoryDisk({sealed: bytearray(complete[sealed])})
    return read_segment(other, sealed) == bytes(disk.files[name])


def judge(
    run: Run, upto: int, kind: str, files: dict[str, bytearray], complete: dict[str, bytes]
) -> str:
    """Runs recovery on an image; returns what is wrong, empty when all holds.

    `complete` is what the disk would hold had nothing been lost.
    """
    written, acknowledged = run.marks[upto - 1]
    disk = MemoryDisk(files)
    try:
        journal = Journal(
            disk,
            instance="ab",
            created_ns=2,
            segment_bytes=SEGMENT,
            block_bytes=BLOCK,
            threads=False,
        )
    except layout.DamagedLog as damage:
        return f"refused: {damage}"
    journal.abandon()
    last = journal.recovered.last_seq
    if last < acknowledged:
        return f"recovered {last} < acknowledged {acknowledged}"
    if last > written and last > run.floor:
        return f"recovered {last} > written {written}"
    if last not in run.groups and last != run.floor:
        return f"recovered {last} ends inside a group"
    for name in disk.names()[:-1]:
        if not complete.get(name, b"").startswith(disk.files[name]) and not _same_sealed(
            disk, name, complete
        ):
            return f"recovery kept bytes in {name} that were never written"
    if kind == "recovered twice" or journal.recovered.cut_bytes:
        again = recovery.walk(disk)
        if again.last_seq != last or again.tear is not None:
            return f"second recovery found {again.last_seq}, first {last}"
        ends = recovered_groups(disk)
        if ends != sorted(ends) or (ends[-1] if ends else 0) != last:
            return f"an independent walk found {ends[-1:]}, recovery {last}"
    return ""


def campaign(seed: int, count: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Judges `count` images of recorded runs; returns counts by (operation, class), violations."""
    choose = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    violations: list[str] = []
    start: MemoryDisk | None = None
    number = 0
    while counts.total() < count:
        run = Run(seed + number, start)
        number += 1
        for upto in range(1, len(run.disk.ops) + 1):
            operation = run.disk.ops[upto - 1].kind
            complete: dict[str, bytes] = {}
            for kind, files in images(run, upto, choose):
                counts[operation, kind] += 1
                if kind == "complete":
                    complete = {name: bytes(content) for name, content in files.items()}
                wrong = judge(run, upto, kind, files, complete)
                if wrong:
                    violations.append(f"seed {seed} op {upto} {operation} {kind}: {wrong}")
        start = run.disk if number % 4 else None
    return counts, violations


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_crash_image_recovers_what_was_acknowledged() -> None:
    seed = seed_of_test(20260101)
    counts: Counter[tuple[str, str]] = Counter()
    violations: list[str] = []
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
        seeds = [seed + 1_000_000 * worker for worker in range(WORKERS)]
        for counted, wrong in pool.map(campaign, seeds, [-(-IMAGES // WORKERS)] * WORKERS):
            counts += counted
            violations += wrong
    for (operation, kind), count in sorted(counts.items()):
        print(f"{operation:12} {kind:24} {count}")
    assert not violations, violations[:5]
    assert {kind for _, kind in counts} == set(CLASSES)
    assert counts.total() >= IMAGES
