"""Reads a log from any sequence number on and follows its writer; called by api, core and cli."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from thft.base.errors import LocalError
from thft.base.frame import HEADER, HEADER_BYTES, Frame, frames, padded, valid_end
from thft.stream import layout
from thft.stream.disk import Disk, RealDisk
from thft.stream.layout import DamagedLog, SegmentHeader
from thft.stream.segment import Segment, header_of, open_segment

BATCH_FRAMES = 65_536
TAIL_BYTES = 1_024
"""A follower reads so much first: what one turn of the writer adds, as a rule."""


class LogPruned(LocalError):
    """The wanted seq lies in a segment that retention has removed."""


class LogReader:
    """Returns closed groups in order. A log that is being written is followed by asking again.

    It keeps one segment open, so a segment that its writer has sealed or removed in the meantime is
    read to its end. Close it, or use it in a `with`.
    """

    def __init__(self, log: Path | Disk, after_seq: int = 0) -> None:
        """Starts behind `after_seq`; the directory may still be empty."""
        self._disk: Disk = RealDisk(log) if isinstance(log, Path) else log
        self.next_seq = after_seq + 1
        self._skip_to = after_seq + 1
        self._segment: Segment | None = None
        self._index = 0
        self._header: SegmentHeader
        self._base = 0
        """Where the current block begins in the segment."""
        self._start = 0
        """Where the next group begins in the block."""
        self._room_end = 0
        """Where a block's trailer begins."""
        self._following = False
        self._doubted = -1

    def __enter__(self) -> LogReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the open segment."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def read(self, limit: int = 4_096) -> list[Frame]:
        """Returns about `limit` frames, whole groups only; an empty list when nothing is new.

        Raises DamagedLog when bytes in the middle of the log are not what was written.
        """
        found: list[Frame] = []
        while not found and (spans := self.runs(limit)):
            for block, start, end in spans:
                found += frames(block, start, end)
        return found

    def runs(self, limit: int = 4_096) -> list[tuple[bytes, int, int]]:
        """Returns (bytes, start, end) spans of closed groups, about `limit` frames in all."""
        spans: list[tuple[bytes, int, int]] = []
        count = 0
        while count < limit and (self._segment is not None or self._enter_first()):
            content, (end, next_seq, bad, reason) = self._new_groups()
            if end:
                if next_seq > self._skip_to:
                    skips = self.next_seq < self._skip_to
                    spans.append((content, self._wanted_from(content) if skips else 0, end))
                    count += next_seq - self.next_seq
                self.next_seq = next_seq
                self._start += end
                if self._following:
                    break  # the turn that woke the follower; what comes next can wait
            if not self._advance(max(bad, 0), reason):
                self._following = True
                break
        return spans

    def _new_groups(self) -> tuple[bytes, tuple[int, int, int, str]]:
        """Reads from where the last group ended: the bytes, and what `valid_end` says of them."""
        assert self._segment is not None
        room = self._room_end - self._start
        at = self._base + self._start
        if self._following and room > TAIL_BYTES:
            content = self._segment.read(at, TAIL_BYTES)
            found = valid_end(content, 0, len(content), self.next_seq)
            if found[2] < 0 and found[0] + HEADER_BYTES <= len(content):
                return content, found
            self._following = False
        content = self._segment.read(at, room)
        return content, valid_end(content, 0, len(content), self.next_seq)

    def _wanted_from(self, content: bytes) -> int:
        """Returns where the wanted seq begins in the bytes, for the first span read."""
        start, seq = 0, self.next_seq
        while seq < self._skip_to:
            start += padded(HEADER.unpack_from(content, start)[1])
            seq += 1
        return start

    def _enter_first(self) -> bool:
        """Finds the segment that holds the wanted seq."""
        headers: list[tuple[int, SegmentHeader]] = []
        for name in layout.segment_names(self._disk.names()):
            index, header = layout.segment_index(name), header_of(self._disk, name)
            if index is not None and header is not None:
                headers.append((index, header))
        place = bisect_right(headers, self._skip_to, key=lambda entry: entry[1].first_seq)
        if headers and not place:
            raise LogPruned(
                f"the log begins at seq {headers[0][1].first_seq}, seq {self._skip_to} was removed",
                "start from the snapshot of its root",
            )
        return place > 0 and self._enter(headers[place - 1][0])

    def _enter(self, index: int) -> bool:
        """Opens a segment; False when it is not there or not begun."""
        segment = open_segment(self._disk, layout.segment_name(index))
        if segment is None:
            return False
        header = layout.read_header(segment.read(0, layout.HEADER_BYTES))
        if header is None or (self._segment is not None and header.first_seq != self.next_seq):
            segment.close()
            return False
        self.close()
        self._segment, self._index, self._header = segment, index, header
        self._base, self._start = 0, layout.HEADER_BYTES
        self._room_end = header.block_bytes - layout.TRAILER_BYTES
        self.next_seq = header.first_seq
        return True

    def _advance(self, bad: int, reason: str) -> bool:
        """Goes to the next block or segment when this one is finished; False when it is not."""
        assert self._segment is not None
        end = self._base + self._header.block_bytes
        trailer = layout.read_trailer(
            self._segment.read(end - layout.TRAILER_BYTES, layout.TRAILER_BYTES)
        )
        if trailer is None:
            return self._enter(self._index + 1)
        if trailer.used != self._start:
            return self._look_again(bad, reason)
        if end < self._header.segment_bytes:
            self._base, self._start = end, 0
            return True
        return self._enter(self._index + 1)

    def _look_again(self, bad: int, reason: str) -> bool:
        """The block was finished while it was read: once more; the second time it is damage."""
        place = self._base + self._start
        if self._doubted == place:
            name = layout.segment_name(self._index)
            raise DamagedLog(name, place + bad, reason or "short block")
        self._doubted = place
        self._following = False
        return True


def batches(log: Path | Disk, after_seq: int = 0) -> Iterator[list[Frame]]:
    """Yields what a log holds behind `after_seq`, in batches of frames, up to its end."""
    with LogReader(log, after_seq) as reader:
        while found := reader.read(BATCH_FRAMES):
            yield found


def spans(log: Path | Disk, after_seq: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yields the same as undecoded (bytes, start, end) spans of closed groups."""
    with LogReader(log, after_seq) as reader:
        while found := reader.runs(BATCH_FRAMES):
            yield from found


def read_all(log: Path | Disk) -> list[Frame]:
    """Returns every frame of a still log; for tests and small tools."""
    return [frame for batch in batches(log) for frame in batch]
