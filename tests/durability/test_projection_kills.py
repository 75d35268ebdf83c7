"""The api's projection is killed while it carries trades: every effect stands in the store once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.seeds import seed_of_test

from thft.api.projector import Projector
from thft.base.prng import Prng
from thft.model import event as ev
from thft.model.codec import encode
from thft.model.fixed import ABSENT
from thft.store.projection import Projection
from thft.stream.disk import RealDisk
from thft.stream.journal import Journal
from thft.stream.reader import read_all
from thft.stream.segment import log_identity
from thft.stream.watermark import Watermark

KILLS = int(os.environ.get("THFT_PROJECTION_KILLS", "25"))
FILLS_EACH = 2_000
"""Written while one projection lives."""

CHILD = """
import sys, threading
from pathlib import Path
from thft.api.projector import Projector
Projector(Path(sys.argv[1]), Path(sys.argv[2]))
print("begun", flush=True)
threading.Event().wait()
"""


def fill(number: int) -> ev.Fill:
    side = 1 if number % 3 else -1
    strategy = f"s{number % 2}"
    order = f"ab-1-{number}"
    return ev.Fill(1, order, f"X{number}", strategy, "paper", 1, side, 7, 9, 1, number, "")


def write(journal: Journal, number: int) -> None:
    """Writes a quote, a fill, its position and a metric snapshot."""
    events: tuple[ev.Event, ...] = (
        ev.Quote(1, 1, 5, 5, 6, 5, ABSENT, number),
        fill(number),
        ev.PositionChanged(1, "paper", 1, "", number, 9, number),
        ev.MetricSnapshot(1, "feed", "fast", (("quotes", number),)),
    )
    for event in events:
        journal.append(event.TYPE, event.STREAM, 0, number, encode(event))
    journal.flush()


def open_journal(directory: Path) -> Journal:
    return Journal.open(directory, instance="ab", created_ns=1, segment_bytes=256 << 10)


def test_killed_projections_apply_every_effect_once(tmp_path: Path) -> None:
    seed = seed_of_test(5)
    prng = Prng(seed)
    core, folder = tmp_path / "core", tmp_path / "api"
    journal = open_journal(core)
    number = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(core), str(folder)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        until = time.monotonic() + prng.between(20, 250) / 1_000
        begun = number
        while time.monotonic() < until:
            if number < begun + FILLS_EACH:
                number += 1
                write(journal, number)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
        if prng.between(0, 4) == 0:
            journal.abandon()
            journal = open_journal(core)
    journal.close()
    frames = read_all(core)
    store = Projection(folder / "store.sqlite", log_identity(RealDisk(core)))
    carried_before = store.cursor
    wanted = [frame for frame in frames if frame.seq > carried_before and frame.type < 0xFF00]
    if wanted:
        store.apply(wanted)
    fills = [fill(one) for one in range(1, number + 1)]
    kept = store.trades(number + 1, None, "")
    assert [trade.fill.exec_id for trade in reversed(kept)] == [one.exec_id for one in fills]
    assert store.metric_count() == number
    for strategy, (count, realised, fees) in store.totals().items():
        mine = [one for one in fills if one.strategy == strategy]
        assert (count, realised, fees) == (
            len(mine),
            sum(one.realised for one in mine),
            sum(one.fee for one in mine),
        )
    store.close()
    print(f"{number} fills, {carried_before} of {frames[-1].seq} frames carried between kills")
    assert carried_before > 0 and number > 1_000


def test_the_store_takes_only_what_a_power_cut_leaves(tmp_path: Path) -> None:
    core, folder = tmp_path / "core", tmp_path / "api"
    disk, watermark = RealDisk(core), Watermark(core, create=True)
    journal = Journal(disk, instance="ab", created_ns=1, threads=False, watermark=watermark)
    folder.mkdir()
    projector = Projector(core, folder)
    write(journal, 1)
    journal.sync_now()
    wait_for_trades(projector, 1)
    write(journal, 2)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        assert trades(projector) == 1
    journal.sync_now()
    wait_for_trades(projector, 2)
    projector.stop()
    journal.close()


def trades(projector: Projector) -> int:
    return len(projector.store.trades(9, None, "")) if projector.store is not None else 0


def wait_for_trades(projector: Projector, count: int) -> None:
    deadline = time.monotonic() + 20
    while trades(projector) < count:
        assert time.monotonic() < deadline, projector.error
        time.sleep(0.002)
