"""`thft replay DIR [--verify]`: runs a journal again and compares every decision."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from thft.base.errors import LocalError
from thft.cli.journal import log_directory
from thft.core.catalogue import Catalogue, load_catalogue
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch
from thft.kernel.snapshot import restore
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.disk import RealDisk
from thft.stream.reader import LogReader, spans
from thft.stream.retention.root import read_root
from thft.stream.snapshot import FOLDER, SnapshotStore
from thft.stream.verify import verify as verify_log


def replay(directory: Path, *, verify: bool = False, strategies: str = "") -> int:
    """Replays a journal from its first event, or from the snapshot at its root.

    Parameters
    ----------
    verify
        Check every byte of the log first.
    strategies
        Folder of user strategies the journal was made with.
    """
    folder = log_directory(directory)
    if verify:
        verdict = verify_log(folder)
        if verdict.damage is not None:
            print(verdict.damage.cause)
            return 1
    kernel: Kernel | None = None
    began = time.perf_counter()
    try:
        kernel = _first_kernel(folder, load_catalogue(strategies))
        run = Replay(kernel, kernel.lane.seq + 1)
        for span in spans(folder, kernel.lane.seq):
            run.feed(*span)
    except ReplayMismatch as mismatch:
        _name_changed_code(kernel)
        print(mismatch.cause)
        return 1
    rate = int(run.events / max(time.perf_counter() - began, 1e-9))
    state_hash = kernel.state_hash().hex() if kernel.lane.seq else ""
    print(f"events={run.events} events_per_s={rate} state_hash={state_hash} ok")
    return 0


def _first_kernel(folder: Path, catalogue: Catalogue) -> Kernel:
    """Returns the kernel from which the log goes on: empty, or that of the root's snapshot."""
    disk = RealDisk(folder)
    root = read_root(disk)
    if root is not None:
        kernel = Kernel(catalogue)
        saved = SnapshotStore(disk.folder(FOLDER)).at(root.snapshot_seq)
        try:
            restore(kernel, saved.sections)
        except msgspec.ValidationError as error:
            raise LocalError(
                f"the snapshot at seq {saved.seq}, where the log begins, is of other code: {error}",
                "run the code version that wrote it",
            ) from error
        return kernel
    with LogReader(disk) as reader:
        first = next(iter(reader.read(1)), None)
    start = decode(first.type, first.version, first.payload) if first is not None else None
    return Kernel(catalogue, start.seed if isinstance(start, ev.CoreStarted) else 0)


def _name_changed_code(kernel: Kernel | None) -> None:
    """Says first when a strategy's code is not the one the journal was made with."""
    if kernel is None:
        return
    for record in kernel.state.strategies.values():
        known = kernel.catalogue.get(record.kind)
        if known is None or known[1] != record.code_hash:
            print(f"strategy {record.strategy}: its code has changed", file=sys.stderr)
