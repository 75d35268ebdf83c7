"""Brings a kernel to where the journal ends: newest snapshot, then replay; called by runner, cli.

When replay decides otherwise than the journal says (changed code, or a strategy that is not
deterministic), the journal is the truth: the state is folded from it, nothing is decided anew, and
the strategies start disabled with the reason.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from thft.base.errors import ThftError
from thft.core.catalogue import Catalogue
from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch, fold
from thft.stream.reader import batches, spans
from thft.stream.snapshot import Snapshot, SnapshotStore

SNAPSHOTS = "snapshots"


def recover(core: Path, catalogue: Catalogue, seed: int, last_seq: int) -> tuple[Kernel, str]:
    """Returns the kernel as of `last_seq` and, in words, how it was brought there."""
    saved, passed = SnapshotStore(core / SNAPSHOTS).load(last_seq)
    note = "; ".join(passed)
    try:
        kernel = _from(saved, catalogue, seed)
        replay = Replay(kernel, kernel.lane.seq + 1)
        for span in spans(core, kernel.lane.seq):
            replay.feed(*span)
    except (ReplayMismatch, msgspec.ValidationError, ThftError) as error:
        kernel = Kernel(catalogue, seed)
        for frames in batches(core):
            fold(kernel, frames)
        note = f"{note}; folded without replay: {error}".removeprefix("; ")
    return kernel, note


def _from(saved: Snapshot | None, catalogue: Catalogue, seed: int) -> Kernel:
    kernel = Kernel(catalogue, seed)
    if saved is not None:
        snapshot.restore(kernel, saved.sections)
    return kernel
