"""Reads a log from any sequence number on and follows its writer; called by api, core and cli."""

from __future__ import annotations

from pathlib import Path

from thft.base.frame import HEADER, Frame, frames, padded, valid_end
from thft.stream import layout
from thft.stream.disk import Disk, RealDisk
from thft.stream.layout import DamagedLog, SegmentHeader


class LogReader:
    """Returns closed groups in order. A log that is being written is followed by asking again."""

    def __init__(self, log: Path | Disk, after_seq: int = 0) -> None:
        """Starts behind `after_seq`; the directory may still be empty."""
        self._disk: Disk = RealDisk(log) if isinstance(log, Path) else log
        self.next_seq = after_seq + 1
        self._skip_to = after_seq + 1
        self._index = 0
        self._header: SegmentHeader | None = None
        self._base = 0
        self._start = 0
        self._block = b""

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
        """Returns (block, start, end) spans of closed groups, about `limit` frames in all."""
        spans: list[tuple[bytes, int, int]] = []
        count = 0
        while count < limit and (self._header is not None or self._enter_first()):
            header = self._header
            assert header is not None
            self._block = self._read_block(header)
            room_end = min(len(self._block), header.block_bytes - layout.TRAILER_BYTES)
            end, next_seq, bad, reason = valid_end(
                self._block, self._start, room_end, self.next_seq
            )
            if end > self._start:
                if next_seq > self._skip_to:
                    spans.append((self._block, self._wanted_from(self._start), end))
                    count += next_seq - self.next_seq
                self.next_seq = next_seq
                self._start = end
            if not self._advance(header, bad, reason):
                break
        return spans

    def _wanted_from(self, start: int) -> int:
        """Returns where the wanted seq begins in the block, for the first span read."""
        seq = self.next_seq
        while seq < self._skip_to:
            start += padded(HEADER.unpack_from(self._block, start)[1])
            seq += 1
        return start

    def _enter_first(self) -> bool:
        """Finds the segment that holds the wanted seq."""
        best: tuple[int, SegmentHeader] | None = None
        for name in self._disk.names():
            index = layout.segment_index(name)
            header = self._header_of(name) if index is not None else None
            if index is not None and header is not None and header.first_seq <= self._skip_to:
                best = (index, header)
        if best is None:
            return False
        self._enter(*best)
        return True

    def _enter(self, index: int, header: SegmentHeader) -> None:
        self._index, self._header = index, header
        self._base, self._start = 0, layout.HEADER_BYTES
        self.next_seq = header.first_seq

    def _header_of(self, name: str) -> SegmentHeader | None:
        return layout.read_header(self._disk.peek(name, 0, layout.HEADER_BYTES))

    def _read_block(self, header: SegmentHeader) -> bytes:
        return self._disk.peek(layout.segment_name(self._index), self._base, header.block_bytes)

    def _advance(self, header: SegmentHeader, bad: int, reason: str) -> bool:
        """Goes to the next block or segment when this one is finished; False when it is not."""
        complete = len(self._block) == header.block_bytes
        trailer = layout.read_trailer(self._block) if complete else None
        if trailer is not None:
            if trailer.used != self._start:
                name = layout.segment_name(self._index)
                raise DamagedLog(name, self._base + max(bad, self._start), reason or "short block")
            self._base += header.block_bytes
            self._start = 0
            if self._base < header.segment_bytes:
                return True
            self._base -= header.block_bytes
            self._start = trailer.used
        following = layout.segment_name(self._index + 1)
        if following not in self._disk.names():
            return False
        after = self._header_of(following)
        if after is None or after.first_seq != self.next_seq:
            return False
        self._enter(self._index + 1, after)
        return True


def read_all(directory: Path) -> list[Frame]:
    """Returns every frame of a still log; for tests and small tools."""
    reader = LogReader(directory)
    found: list[Frame] = []
    while batch := reader.read(65_536):
        found.extend(batch)
    return found
