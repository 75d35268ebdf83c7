"""Brings a kernel to where the journal ends: newest snapshot, then replay; called by runner, cli.

When replay decides otherwise than the journal says (changed code, or a strategy that is not
deterministic), the journal is the truth: the state is folded from it, nothing is decided anew, and
the strategies start disabled with the reason.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from thft.base.errors import LocalError, ThftError
from thft.core.catalogue import Catalogue
from thft.kernel import snapshot
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch, fold
from thft.stream.disk import RealDisk
from thft.stream.reader import batches, spans
from thft.stream.retention.root import seq_before
from thft.stream.snapshot import FOLDER, SnapshotStore


def recover(core: Path, catalogue: Catalogue, seed: int, last_seq: int) -> tuple[Kernel, str]:
    """Returns the kernel as of `last_seq` and, in words, how it was brought there.

    Raises LocalError when the log begins at a root and no snapshot leads to its first frame.
    """
    disk = RealDisk(core)
    saved, passed = SnapshotStore(disk.folder(FOLDER)).load(last_seq)
    note = "; ".join(passed)
    gone = seq_before(disk)
    if gone and (saved is None or saved.seq < gone):
        raise LocalError(
            f"{core}: the log begins behind seq {gone} and no good snapshot leads there ({note})",
            f"restore {core / FOLDER} from a backup",
        )
    try:
        kernel = Kernel(catalogue, seed)
        if saved is not None:
            snapshot.restore(kernel, saved.sections)
        replay = Replay(kernel, kernel.lane.seq + 1)
        for span in spans(core, kernel.lane.seq):
            replay.feed(*span)
    except (ReplayMismatch, msgspec.ValidationError, ThftError) as error:
        kernel = Kernel(catalogue, seed)
        if gone and saved is not None:
            snapshot.restore(kernel, saved.sections, strategies=False)
        for frames in batches(core, kernel.lane.seq):
            fold(kernel, frames)
        note = f"{note}; folded without replay: {error}".removeprefix("; ")
    return kernel, note
