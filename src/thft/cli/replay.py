"""`thft replay DIR [--verify]`: runs a journal again and compares every decision."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from thft.base.frame import frames
from thft.cli.journal import log_directory
from thft.core.catalogue import load_catalogue
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay, ReplayMismatch
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.reader import spans
from thft.stream.verify import verify as verify_log


def replay(directory: Path, *, verify: bool = False, strategies: str = "") -> int:
    """Replays a journal from its first event.

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
    catalogue = load_catalogue(strategies)
    kernel: Kernel | None = None
    run: Replay | None = None
    began = time.perf_counter()
    try:
        for span in spans(folder):
            if run is None:
                first = next(frames(*span))
                start = decode(first.type, first.version, first.payload)
                kernel = Kernel(catalogue, start.seed if isinstance(start, ev.CoreStarted) else 0)
                run = Replay(kernel, first.seq)
            run.feed(*span)
    except ReplayMismatch as mismatch:
        _name_changed_code(kernel)
        print(mismatch.cause)
        return 1
    if kernel is None or run is None:
        print("events=0 events_per_s=0 state_hash= ok")
        return 0
    rate = int(run.events / max(time.perf_counter() - began, 1e-9))
    print(f"events={run.events} events_per_s={rate} state_hash={kernel.state_hash().hex()} ok")
    return 0


def _name_changed_code(kernel: Kernel | None) -> None:
    """Says first when a strategy's code is not the one the journal was made with."""
    if kernel is None:
        return
    for record in kernel.state.strategies.values():
        known = kernel.catalogue.get(record.kind)
        if known is None or known[1] != record.code_hash:
            print(f"strategy {record.strategy}: its code has changed", file=sys.stderr)
