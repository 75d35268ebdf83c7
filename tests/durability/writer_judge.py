"""Judges the log of bare writers whose disk failed or lost power; used by power and fault tests."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.durability.kill_writer import BODY, Told, group_size, payload

from thft.base.frame import GROUP_END
from thft.stream.reader import batches
from thft.stream.verify import verify

OPEN = 1 << 62
"""The end of a span that may still grow."""


class Span(NamedTuple):
    """What one writer left in the log: its frames behind `after` up to `last`."""

    child: int
    after: int
    last: int


class WriterJudge:
    """Knows what every start must find, and what may stand in the log."""

    def __init__(self) -> None:
        self.durable = 0
        """Announced durable."""
        self.written = 0
        """Written, which a process that dies leaves behind."""
        self.spans: list[Span] = []

    def after(self, told: Told | None) -> None:
        """Takes what a writer told in its life; None when it did not begin."""
        if told is None:
            return
        end = told.recovered
        assert end >= self.written, f"{told}: {self.written} had to be there"
        self.spans = [span._replace(last=min(span.last, end)) for span in self.spans]
        self.spans = [span for span in self.spans if span.last > span.after]
        self.spans.append(Span(told.child, end, OPEN))
        self.durable, self.written = told.durable, end + told.frames

    def only_durable(self) -> None:
        """Power went or a sync failed: from now on only what was durable must be there."""
        self.written = self.durable

    def read(self, log: Path, told: Told) -> int:
        """Reads the whole log behind its last writer; returns its last seq."""
        self.after(told)
        frames = [frame for batch in batches(log) for frame in batch]
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert len(frames) >= told.recovered + told.frames
        for span in self.spans:
            group = place = 0
            for frame in frames[span.after : span.last]:
                wanted = payload(span.child, group, place)
                assert frame.payload == wanted, (span, BODY.unpack_from(frame.payload))
                last = place == group_size(span.child, group) - 1
                assert bool(frame.flags & GROUP_END) is last
                group, place = (group + 1, 0) if last else (group, place + 1)
            assert place == 0, f"{span} ends in an open group"
        assert verify(log).last_seq == len(frames), "recovery would find less, or refuse"
        return len(frames)
