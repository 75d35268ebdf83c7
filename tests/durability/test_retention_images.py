"""Power cuts while the oldest segments are removed: at no point is a frame lost that had to stay.

The removal of a sealed log's beginning is recorded operation by operation; for each the images that
a power cut may leave are built: writes lost, torn, flipped, names not yet changed in any
combination. On each the log opens to its end, what was archived and what is still there together
are what was written, and the removal can be done again.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.durability.test_crash_images import images, names_synced, synced_state
from tests.seeds import seed_of_test

from thft.base.frame import MARKET, METRICS, ORDERS, Frame
from thft.sim.memory_disk import MemoryDisk, apply_op
from thft.stream.journal import Journal
from thft.stream.reader import batches
from thft.stream.retention import archive, removal
from thft.stream.retention.root import read_root, seq_before
from thft.stream.snapshot import FOLDER, Snapshot, SnapshotStore
from thft.stream.verify import check_root

IMAGES = int(os.environ.get("THFT_RETENTION_IMAGES", "1500"))
SEGMENT, BLOCK = 16 << 10, 4 << 10
STREAMS = (MARKET, MARKET, MARKET, METRICS, ORDERS)


def open_journal(disk: MemoryDisk) -> Journal:
    return Journal(
        disk,
        instance="ab",
        created_ns=1,
        segment_bytes=SEGMENT,
        block_bytes=BLOCK,
        threads=False,
    )


class RecordedRemoval:
    """A sealed log whose beginning was removed, in a few cases for the second time."""

    def __init__(self, seed: int) -> None:
        choose = random.Random(seed)
        disk = MemoryDisk()
        snapshots = SnapshotStore(disk.folder(FOLDER))
        journal = open_journal(disk)
        for day in range(1, 6):
            for _ in range(choose.randint(150, 500)):
                body = choose.randbytes(choose.choice((56, 200)))
                journal.append(257, choose.choice(STREAMS), 1, day, body)
            journal.flush()
            journal.sync_now()
            saved = Snapshot(journal.written_seq, bytes(32), {"state": choose.randbytes(500)})
            snapshots.save(saved, milestone_s=day)
        while journal.seal_one():
            continue
        journal.abandon()
        self.whole = all_frames(disk)
        if choose.random() < 0.5:  # a second removal goes on from the first one's root
            remove(disk, before_s=2)
        self.before = {name: bytes(data) for name, data in disk.files.items()}
        disk.ops.clear()
        self.disk = disk
        assert remove(disk, before_s=4)
        self.gone = seq_before(disk)


def all_frames(disk: MemoryDisk) -> list[Frame]:
    return [frame for batch in batches(disk, seq_before(disk)) for frame in batch]


def remove(disk: MemoryDisk, before_s: int) -> bool:
    """Removes what is older; False when nothing is."""
    snapshots = SnapshotStore(disk.folder(FOLDER))
    cut = removal.plan(disk, snapshots, before_s, None)
    return cut is not None and removal.remove(disk, snapshots, cut) > 0


def changed_names(
    run: RecordedRemoval, upto: int, choose: random.Random
) -> Iterator[tuple[str, dict[str, bytearray]]]:
    """Yields images in which some of the name changes that were not synced have not happened."""
    ops = run.disk.ops
    waiting = [
        number
        for number in range(upto)
        if ops[number].kind in ("rename", "remove") and not names_synced(ops[number:upto])
    ]
    for _ in range(4 if waiting else 0):
        undone = {number for number in waiting if choose.random() < 0.5}
        files = {name: bytearray(data) for name, data in run.before.items()}
        for number, op in enumerate(ops[:upto]):
            if number not in undone:
                apply_op(files, op)
        yield "names in any combination", files


def judge(run: RecordedRemoval, files: dict[str, bytearray]) -> None:
    """Raises AssertionError or DamagedLog when something is lost or cannot go on."""
    disk = MemoryDisk(files)
    for again in range(2):
        journal = open_journal(disk)
        assert journal.recovered.last_seq == run.whole[-1].seq
        journal.discard()
        check_root(disk)
        root = read_root(disk)
        assert root is None or root.snapshot_seq >= root.first_seq - 1
        rest = all_frames(disk)
        assert rest == run.whole[-len(rest) :]
        gone = [frame for frame in run.whole if frame.seq <= seq_before(disk)]
        kept = [frame for frame in gone if frame.stream not in (MARKET, METRICS)]
        found = archive.archived(disk.folder(archive.FOLDER), root) if root is not None else ()
        assert [frame for batch in found for frame in batch] == kept
        if not again:
            remove(disk, before_s=4)
    assert seq_before(disk) == run.gone
    root = read_root(disk)
    assert root is not None and removal.segments_before(disk, root) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_image_of_a_removal_loses_nothing_that_had_to_stay() -> None:
    seed = seed_of_test(20260301)
    choose = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    while counts.total() < IMAGES:
        run = RecordedRemoval(seed + counts.total())
        for upto in range(1, len(run.disk.ops) + 1):
            operation = run.disk.ops[upto - 1]
            found = [*images(run, upto, choose), *changed_names(run, upto, choose)]
            for kind, files in found:
                try:
                    judge(run, files)
                except Exception as error:
                    raise AssertionError(
                        f"seed {seed} op {upto} {operation.kind} {operation.name} {kind}: {error}"
                    ) from error
                counts[operation.kind, kind] += 1
    for (operation_kind, kind), count in sorted(counts.items()):
        print(f"{operation_kind:12} {kind:26} {count}")
    assert {kind for _, kind in counts} >= {
        "lost",
        "complete",
        "torn at a sector",
        "bit flipped",
        "name change undone",
        "names in any combination",
    }


def test_what_is_synced_is_what_the_images_start_from() -> None:
    run = RecordedRemoval(3)
    files, pending = synced_state(run, len(run.disk.ops))
    assert pending == []
    assert files == run.disk.files
