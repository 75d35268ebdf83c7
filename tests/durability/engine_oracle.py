"""Judges an engine's journal from outside, by what anybody could read; used by durability tests."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from thft.base.errors import ThftError
from thft.base.frame import LOG_TYPES, Frame
from thft.model import event as ev
from thft.model.codec import decode
from thft.stream.reader import LogReader
from thft.stream.watermark import FILE_NAME, Watermark


@dataclass
class Folded:
    """What a journal says, folded without the engine's own state."""

    epochs: list[int] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each order, fill and command stands there."""
    position: Counter[tuple[str, int]] = field(default_factory=Counter)
    shown: dict[tuple[str, int], int] = field(default_factory=dict)
    halted: list[str] = field(default_factory=list)
    """Why accounts were halted."""

    def of(self, kind: str) -> set[str]:
        """Returns the ids of a kind: order, fill or command."""
        return {name for counted, name in self.counts if counted == kind}

    def assert_applied_once(self) -> None:
        """Raises AssertionError when something counts twice or positions are not their fills."""
        assert [key for key, count in self.counts.items() if count != 1] == []
        assert self.shown == dict(self.position)
        assert self.epochs == sorted(set(self.epochs))


def fold(frames: Iterable[Frame]) -> Folded:
    """Folds a journal's frames."""
    folded = Folded()
    counts = folded.counts
    for frame in frames:
        if frame.type >= LOG_TYPES:
            continue
        event = decode(frame.type, frame.version, frame.payload)
        if isinstance(event, ev.CoreStarted):
            folded.epochs.append(event.epoch)
        elif isinstance(event, ev.OrderSubmitted):
            counts["order", event.client_order_id] += 1
        elif isinstance(event, ev.CommandDone):
            counts["command", event.command_id] += 1
            assert event.status == "done", event
        elif isinstance(event, ev.Fill):
            counts["fill", event.exec_id] += 1
            folded.position[event.account, event.instrument] += event.side * event.size
        elif isinstance(event, ev.AccountState) and event.state == "HALTED":
            folded.halted.append(event.reason)
        elif isinstance(event, ev.PositionChanged):
            folded.shown[event.account, event.instrument] = event.size
    return folded


class Oracle:
    """What anybody outside could know of a journal across power cuts."""

    def __init__(self, core: Path) -> None:
        self._core = core
        self.seen: list[Frame] = []
        """What was read, less what a cut took."""
        self.lost: list[Frame] = []
        self._promises: list[tuple[int, int]] = []
        """When a core had ended, in ns, and what it had announced durable."""
        self.starts = 0
        self._reader: LogReader | None = None
        self._marks: Watermark | None = None

    def look(self) -> None:
        """Takes what is new; nothing while the disk is off."""
        try:
            if self._marks is None and self._core.is_dir():
                # Read once: a page that is in memory can be looked at when the disk is gone.
                (self._core / FILE_NAME).read_bytes()
                self._marks = Watermark(self._core, create=False)
                _ = self._marks.durable_seq
            if self._reader is None:
                self._reader = LogReader(self._core)
            while frames := self._reader.read():
                self._take(frames)
        except (ThftError, OSError):
            self._reader = None  # in the middle of a recovery or a cut: from the start again

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            known = self.seen[frame.seq - 1] if frame.seq <= len(self.seen) else None
            if known is not None and frame != known:
                self._cut_before(frame)
            elif known is None:
                assert frame.seq == len(self.seen) + 1
                if frame.type == ev.CoreStarted.TYPE:
                    self._started(frame)
            if frame.seq > len(self.seen):
                self.seen.append(frame)

    def _cut_before(self, frame: Frame) -> None:
        """Another frame stands where one was seen: only a start may do that, behind the mark."""
        assert self._started(frame).recovered_seq == frame.seq - 1
        self.lost += self.seen[frame.seq - 1 :]
        del self.seen[frame.seq - 1 :]

    def _started(self, frame: Frame) -> ev.CoreStarted:
        assert frame.type == ev.CoreStarted.TYPE, f"{frame} has come for another one"
        event = decode(frame.type, frame.version, frame.payload)
        assert isinstance(event, ev.CoreStarted)
        for ended_ns, durable_seq in self._promises:
            if ended_ns < frame.recv_ts_ns:
                assert event.recovered_seq >= durable_seq, f"{event}: {durable_seq} was durable"
        self.starts += 1
        return event

    def core_ended(self) -> None:
        """Takes the last mark, set by a finished sync; call it before another core starts."""
        if self._marks is not None:
            self._promises.append((time.time_ns(), self._marks.durable_seq))

    def power_is_off(self) -> None:
        """Lets go of the disk; the core has ended."""
        self.core_ended()
        if self._marks is not None:
            with contextlib.suppress(OSError):
                self._marks.close()
        self._marks = self._reader = None
