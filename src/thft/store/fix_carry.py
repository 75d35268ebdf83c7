"""Keeps the log of a FIX session small: carries forward what is kept, removes what lies before.

Called by `fix_log` with every write. Once the log is much larger than what is kept, a pass begins:
a mark with the numbers as they stand, then every kept message again, a piece with each write. When
all of it is durable the log's root is put to the segment of the mark and the segments before it go.
Cut off anywhere, the log is whole as before or begins at its root, and says the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from thft.base.errors import LocalError
from thft.fix.session import MemoryStore, Sent
from thft.stream.disk import Disk, JournalFull
from thft.stream.journal import Journal
from thft.stream.layout import segment_index, segment_name, segment_names
from thft.stream.retention.root import (
    NO_ARCHIVE,
    NO_SNAPSHOT,
    Root,
    kept_segments,
    read_root,
    write_root,
)
from thft.stream.segment import header_of, log_identity

SLACK_BYTES = 8 << 20
"""A log may be so much larger than twice what is kept."""
SEGMENTS_MOST = 16
"""Every start begins a segment, however short the one before is."""
FRAME_BYTES = 100
"""What a kept message takes beside its body, about."""
PIECE_BYTES = 32 << 10
"""So much is carried with one write."""


class Carry:
    """The passes over one log; `background` lets a thread of its own wait for the disk."""

    def __init__(self, journal: Journal, disk: Disk, background: bool) -> None:
        self._journal = journal
        self._disk = disk
        self._background = background
        names = [one for one in kept_segments(disk, read_root(disk)) if one <= journal.segment]
        self._first = segment_index(names[0]) or 0
        self._before_bytes = sum(disk.size(name) for name in names[:-1])
        """Of the segments before those that this process has written, less what went since."""
        self._looked = ""
        """The segment that was being written when the size was looked at."""
        self._left: deque[int] | None = None
        """Numbers of the messages that this pass has not carried yet."""
        self._begins = 0
        """The segment that holds the mark of this pass."""
        self._end_seq = 0
        """All of the pass is durable with this frame, 0 before it is written."""
        self._thread: threading.Thread | None = None
        self._failure: LocalError | None = None

    def due(self, store: MemoryStore) -> bool:
        """Begins a pass when it is time; returns True when its mark must be written now."""
        segment = self._journal.segment
        if segment == self._looked or self._left is not None or self._end_seq:
            return False
        self._looked = segment
        index = segment_index(segment) or 0
        kept = store.kept_bytes + store.kept_messages * FRAME_BYTES
        size = self._before_bytes + self._journal.grown_bytes
        if size <= 2 * kept + SLACK_BYTES and index - self._first < SEGMENTS_MOST:
            return False
        self._begins = index
        self._left = deque(store.kept_numbers())
        return True

    def piece(self, store: MemoryStore) -> Iterator[Sent]:
        """Yields the messages that go with this write; what is no longer kept stays behind."""
        room = PIECE_BYTES
        while self._left and room > 0:
            sent = store.sent(self._left.popleft())
            if sent is not None:
                room -= len(sent.body) + FRAME_BYTES
                yield sent

    def written(self) -> None:
        """Takes note of a write; removes what a finished pass has made superfluous.

        Raises LocalError when a removal has failed; a full disk only puts it off.
        """
        if self._failure is not None:
            raise self._failure
        if self._left is not None and not self._left:
            self._left = None
            self._end_seq = self._journal.written_seq
        if self._end_seq and self._journal.durable_seq >= self._end_seq and self._thread is None:
            if self._background:
                self._thread = threading.Thread(target=self._remove, name="fix-carry", daemon=True)
                self._thread.start()
            else:
                self._remove()

    @property
    def carrying(self) -> bool:
        """Messages are left that this pass has not carried."""
        return self._left is not None

    @property
    def under_way(self) -> bool:
        """A pass has begun whose removal has not ended."""
        return self._left is not None or self._end_seq > 0

    def finish(self) -> None:
        """Ends a pass that has carried all, and waits for the disk."""
        self._journal.sync_now()
        self.written()
        self.stop()

    def stop(self) -> None:
        """Returns once nothing is being removed any more."""
        if self._thread is not None:
            self._thread.join()

    def _remove(self) -> None:
        try:
            self._put_root()
        except JournalFull:
            pass  # the next pass tries again; recovery removes what a root has made superfluous
        except LocalError as error:
            self._failure = error
        self._looked, self._end_seq, self._thread = "", 0, None

    def _put_root(self) -> None:
        disk = self._disk
        header = header_of(disk, segment_name(self._begins))
        assert header is not None, "this process writes it"
        root = Root(
            self._begins,
            header.first_seq,
            header.chain,
            self._end_seq,
            NO_SNAPSHOT,
            NO_ARCHIVE,
            log_identity(disk),
        )
        write_root(disk, root)
        for name in segment_names(disk.names()):
            if (segment_index(name) or 0) < self._begins:
                self._before_bytes -= disk.size(name)
                disk.remove(name)
        disk.sync_names()
        self._first = self._begins
