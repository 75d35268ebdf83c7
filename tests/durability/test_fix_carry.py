"""The log of a FIX session stays small; a kill or power cut at any point loses nothing of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.durability import carry_writer
from tests.durability.carry_writer import KEPT, LIMITS, body
from tests.durability.test_crash_images import images
from tests.ledger import note
from tests.seeds import seed_of_test
from tests.unit.store.test_fix_log import State, state_of

from thft.fix.session import Retention, Sent
from thft.fix.session.store import RECEIVED
from thft.sim.memory_disk import MemoryDisk
from thft.store import fix_carry, fix_log
from thft.store.fix_log import FixLog
from thft.stream.journal import Journal
from thft.stream.layout import segment_names
from thft.stream.retention.root import read_root
from thft.stream.verify import verify

KILLS = int(os.environ.get("THFT_CARRY_KILLS", "6"))
IMAGES = int(os.environ.get("THFT_CARRY_IMAGES", "300"))
SEGMENT, BLOCK = 32 << 10, 8 << 10


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything small, so that many passes begin and end."""
    monkeypatch.setattr(fix_log, "GROUP_BYTES", BLOCK - 512)
    monkeypatch.setattr(fix_log, "SEGMENT_BYTES", SEGMENT)
    monkeypatch.setattr(fix_log, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(fix_carry, "SLACK_BYTES", 2 * SEGMENT)
    monkeypatch.setattr(fix_carry, "PIECE_BYTES", 2 << 10)
    yield


def opened(disk: MemoryDisk) -> FixLog:
    journal = Journal(
        disk,
        instance="fix",
        created_ns=1,
        segment_bytes=SEGMENT,
        block_bytes=BLOCK,
        threads=False,
    )
    return FixLog(journal, disk, 1, LIMITS)


def turn(store: FixLog, choose: random.Random) -> None:
    """Does what a session may do in a turn, little enough for one group."""
    for _ in range(choose.randint(1, 4)):
        what = choose.random()
        if what < 0.3:
            store.set_next_in(store.next_in + 1, RECEIVED)
        elif what < 0.4:
            store.append(None)
        elif what < 0.95:
            seq, order = store.next_out, choose.random() < 0.5
            store.append(Sent(seq, "D", seq, body(seq), ((97, b"Y"),), order))
        elif what < 0.99:
            store.set_next_in(store.next_in + choose.randint(1, 9), "gap fill")
        else:
            store.reset(choose.randint(1, 2), choose.randint(1, 99), "141=Y")


class RecordedLog:
    """Turns of a session, operation by operation, with passes among them."""

    def __init__(self, seed: int) -> None:
        choose = random.Random(seed)
        self.disk = disk = MemoryDisk()
        store = opened(disk)
        self.states: list[State] = [state_of(store)]
        self.marks: list[tuple[int, int]] = []
        """For each operation: which state was written last, and which was durable before."""
        self.before = {name: bytes(data) for name, data in disk.files.items()}
        disk.ops.clear()
        durable = 0
        roots: set[int] = set()
        while len(roots) < 3:
            turn(store, choose)
            store.flush()
            self.states.append(state_of(store))
            self._mark(durable)
            if choose.random() < 0.2:
                store._journal.sync_now()  # one file after another: the last makes it true
                self._mark(durable, len(disk.ops) - 1)
                durable = len(self.states) - 1
                self._mark(durable)
            root = read_root(disk)
            roots.add(root.segment if root is not None else 0)

    def _mark(self, durable: int, ops: int | None = None) -> None:
        while len(self.marks) < (len(self.disk.ops) if ops is None else ops):
            self.marks.append((len(self.states) - 1, durable))


def judge(run: RecordedLog, upto: int, files: dict[str, bytearray]) -> None:
    """Raises when a state is not one that the moment allows, or the log cannot go on."""
    written, durable = run.marks[upto - 1]
    disk = MemoryDisk(files)
    found = state_of(opened(disk))
    assert found in run.states[max(durable, 0) : written + 1]
    again = opened(disk)
    assert state_of(again) == found
    again.append(Sent(again.next_out, "D", 1 << 40, b"x"))
    again.flush()
    assert state_of(opened(disk))[1] == found[1] + 1


@pytest.mark.slow
def test_every_image_of_a_pass_has_a_state_that_was_there() -> None:
    seed = seed_of_test(20260301)
    choose = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    while counts.total() < IMAGES:
        run = RecordedLog(seed + counts.total())
        ops = run.disk.ops
        near = {  # all operations around a removal, and some of the others
            upto
            for number, op in enumerate(ops)
            for upto in range(number - 3, number + 5)
            if op.kind in ("rename", "remove") or op.name.startswith("root")
        }
        near |= set(choose.sample(range(len(ops)), 20))
        for upto in sorted(one for one in near if 0 < one <= len(ops)):
            for kind, files in images(run, upto, choose):
                if kind == "torn at a sector" and choose.random() < 0.8:
                    continue
                try:
                    judge(run, upto, files)
                except Exception as error:
                    operation = ops[upto - 1]
                    raise AssertionError(
                        f"seed {seed} op {upto} {operation.kind} {operation.name} {kind}: {error}"
                    ) from error
                counts[ops[upto - 1].kind, kind] += 1
    print(counts)
    kinds = {kind for _, kind in counts}
    assert kinds >= {"lost", "complete", "bit flipped", "name change undone", "zero hole"}
    assert {"remove", "rename", "write", "sync"} <= {operation for operation, _ in counts}
    note("fix-carry-images", seed=seed, images=counts.total(), failures=0)


@pytest.mark.parametrize("limits", [Retention(count=30), Retention(bytes=40_000)])
def test_the_log_is_bounded_by_what_is_kept_and_says_the_same_afterwards(
    tmp_path: Path, limits: Retention
) -> None:
    """A hundred times what is kept goes through it; old segments go in a thread of their own."""
    store = FixLog.open(tmp_path, 1, limits)
    largest = 0
    for seq in range(1, 4_000):
        store.set_next_in(seq + 1, "received")
        store.append(Sent(seq, "D", seq, body(seq) + b"x" * 500))
        store.flush()
        if seq % 100 == 0:
            store._journal.sync_now()
            store._carry.stop()  # the disk is given the time it needs
            largest = max(largest, sum(one.stat().st_size for one in tmp_path.iterdir()))
    before = state_of(store)
    store.close()
    # beside the bound itself: segments made ahead, and what comes while a pass waits for the disk
    assert largest < 2 * (store.kept_bytes + 100 * store.kept_messages) + 24 * SEGMENT < 1_000_000
    root = read_root(store._carry._disk)
    assert root is not None and root.segment > 20
    verdict = verify(tmp_path)
    assert verdict.damage is None and verdict.closed
    again = FixLog.open(tmp_path, 1, limits)
    assert state_of(again) == before
    again.close()


def test_many_short_runs_leave_few_segments(tmp_path: Path) -> None:
    for run in range(3 * fix_carry.SEGMENTS_MOST):
        store = FixLog.open(tmp_path, 1)
        assert store.next_out == run + 1
        store.append(Sent(store.next_out, "D", 1, body(run)))
        store.flush()
        store._journal.sync_now()
        store.set_next_in(run + 2, "received")
        store.flush()
        store.close()
    assert len(segment_names(os.listdir(tmp_path))) < 2 * fix_carry.SEGMENTS_MOST


@pytest.mark.slow
@pytest.mark.once
def test_kills_at_any_moment_keep_numbers_and_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = seed_of_test()
    choose = random.Random(seed)
    command = [sys.executable, "-m", "tests.durability.carry_writer", str(tmp_path)]
    segments = set()
    for _ in range(KILLS):
        turns = choose.randint(100, 400)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(turns)]
            writer.kill()
            said += writer.stdout.readlines()
        whole = [line for line in said if line.endswith("\n")]
        next_in, next_out = map(int, whole[-1].split())
        with monkeypatch.context() as small:
            for module, name in ((fix_log, "BLOCK_BYTES"), (fix_log, "SEGMENT_BYTES")):
                small.setattr(module, name, getattr(module, name))
            carry_writer.make_small()
            store = FixLog.open(tmp_path, 1, LIMITS)
        assert (store.next_in, store.next_out) >= (next_in, next_out)
        assert store.next_in == store.next_out
        kept = [seq for seq in range(1, store.next_out) if store.sent(seq) is not None]
        assert kept == list(range(max(store.next_out - KEPT, 1), store.next_out))
        for seq in kept:
            sent = store.sent(seq)
            assert sent is not None and sent.body == body(seq)
        root = read_root(store._carry._disk)
        segments.add(root.segment if root is not None else 0)
        store.close()
    assert len(segments) > 2, "hardly a pass was ended"
    note("kills-fix-carry", seed=seed, kills=KILLS, failures=0)
