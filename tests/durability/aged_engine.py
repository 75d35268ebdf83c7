"""A data directory in which an engine has traded for five days; used by the retention tests.

Each day is a run of its own with its own segments, sealed, and ends with a milestone snapshot. The
last day was half a day ago.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import tests.engine
from tests.engine import FAST, SLOW, Engine

from thft.base.frame import GROUP_END
from thft.core.catalogue import load_catalogue
from thft.kernel import snapshot
from thft.model import event as ev
from thft.stream.journal import Journal
from thft.stream.snapshot import FOLDER, Snapshot, SnapshotStore

DAY_NS = 86_400_000_000_000
DAYS = 5
QUOTES = 2_500


class AgedEngine:
    """The engine as it stood at the end; its journal lies in `data`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._published = 0
        self.snapshots = SnapshotStore(data / "core" / FOLDER)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tests.engine, "START_NS", time.time_ns() - DAYS * DAY_NS + DAY_NS // 2)
            patch.setattr(tests.engine, "catalogue", lambda *_: load_catalogue())
            self.engine = Engine()
        for day in range(DAYS):
            self._trade_a_day(day)

    def _trade_a_day(self, day: int) -> None:
        engine = self.engine
        journal = Journal.open(
            self.data / "core", instance="ab", created_ns=day + 1, segment_bytes=256 << 10
        )
        if day:
            engine.now_ns += DAY_NS
            seq = engine.kernel.lane.seq
            engine.process(ev.CoreStarted("ab", journal.epoch, "paper", "0", "", 1, seq, 0, ""))
            for feed in (FAST, SLOW):
                engine.process(ev.FeedState(feed, "READY", "test"))
        else:
            engine.load_arbitrage(diff_to_open_points=5)
        engine.random_market(day, QUOTES)
        self._publish(journal)
        kernel = engine.kernel
        saved = Snapshot(kernel.lane.seq, kernel.state_hash(), snapshot.sections(kernel))
        self.snapshots.save(saved, milestone_s=engine.now_ns // 1_000_000_000)
        while journal.seal_one():
            continue
        journal.abandon()

    def _publish(self, journal: Journal) -> None:
        group = []
        frames = self.engine.recorder.frames
        for _, ts, kind, version, flags, stream, source, payload in frames[self._published :]:
            group.append((kind, version, flags, stream, source, ts, payload))
            if flags & GROUP_END:
                journal.buffer.append_group(group)
                group = []
        self._published = len(frames)
        journal.flush()
        journal.sync_now()
