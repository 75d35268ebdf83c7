"""Numbers and sent messages of one FIX session in a log of its own; opened by cli and core.

The log is a directory as docs/journal.md describes it. What a session changes in one turn is one
group, so a kill or power cut keeps all of a turn or nothing; `flush` makes it written. Every
number that does not follow its predecessor is a record with its cause. What is kept is bounded by
count, bytes and age, and the log by that: `fix_carry` removes its oldest segments.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, SESSION, Frame, padded
from thft.fix.session import MemoryStore, Retention, Sent
from thft.fix.session.store import RECEIVED
from thft.store.fix_carry import Carry
from thft.stream.disk import Disk, RealDisk
from thft.stream.journal import Journal
from thft.stream.reader import batches
from thft.stream.retention.root import seq_before

NUMBERS, SENT, RESET, MARK, KEPT = 0x0B01, 0x0B02, 0x0B03, 0x0B04, 0x0B05
FRAME_BYTES = 32
BLOCK_BYTES, SEGMENT_BYTES = 256 << 10, 4 << 20
GROUP_BYTES = BLOCK_BYTES - 512
LARGEST_BODY = 64 << 10
"""A larger message is not kept; when it is asked for, its number is gap-filled."""

Parts = tuple[int, int, int, int, int, int, bytes]
_ENCODE = msgspec.msgpack.Encoder().encode


class Numbers(NamedTuple):
    """Payload of NUMBERS: the next numbers from here on, and why."""

    next_in: int
    next_out: int
    cause: str


class Restart(NamedTuple):
    """Payload of RESET: the next number in is 1 again."""

    next_out: int
    began_ns: int
    cause: str


class Mark(NamedTuple):
    """Payload of MARK: the numbers as they stand; what is kept follows as KEPT, a `Sent` each."""

    next_in: int
    next_out: int
    began_ns: int


class FixLog(MemoryStore):
    """A Store that survives kills and, up to what is not yet synced, power cuts."""

    def __init__(
        self,
        journal: Journal,
        disk: Disk,
        now_ns: int,
        limits: Retention | None = None,
        *,
        background: bool = False,
        durable: bool = False,
    ) -> None:
        """Reads what a journal on a disk holds; `background`: old segments go in a thread.

        With `durable` a turn in which a message is kept is durable once `flush` returns.
        """
        super().__init__(limits, limits)
        self._journal = journal
        self._durable = durable
        self._keeps = False
        """A message of this turn is kept."""
        self._ts_ns = now_ns
        self._changes: list[Parts] = []
        """The frames of this turn, none of them the end of a group yet."""
        self._bytes = 0
        """What they take in a block."""
        self._counted = False
        self._failure: LocalError | None = None
        self._carry = Carry(journal, disk, background)
        self._load(disk)

    @classmethod
    def open(
        cls,
        directory: Path,
        now_ns: int,
        limits: Retention | None = None,
        *,
        durable: bool = False,
    ) -> FixLog:
        """Opens or begins a log; raises AlreadyLocked, DamagedLog."""
        journal = Journal.open(
            directory,
            instance="fix",
            created_ns=now_ns,
            segment_bytes=SEGMENT_BYTES,
            block_bytes=BLOCK_BYTES,
        )
        try:
            return cls(
                journal, RealDisk(directory), now_ns, limits, background=True, durable=durable
            )
        except BaseException:
            journal.abandon()
            raise

    def _load(self, disk: Disk) -> None:
        kept: dict[int, Sent] = {}
        numbers = Mark(1, 1, 0)
        for frames in batches(disk, seq_before(disk)):
            for frame in frames:
                numbers = _folded(frame, numbers, kept)
        for seq in sorted(kept):
            super().append(kept[seq])
        self.next_in, self.next_out, self.began_ns = numbers
        self.flush()
        if self._carry.under_way:  # at a start all at once: many short runs must not add up
            while self._carry.carrying:
                self.flush()
            self._carry.finish()

    def set_next_in(self, number: int, cause: str) -> None:
        """See Store."""
        self.next_in = number
        if cause == RECEIVED:
            self._counted = True
        else:
            self._change(NUMBERS, Numbers(number, self.next_out, cause))

    def append(self, sent: Sent | None) -> None:
        """See Store."""
        if sent is None or len(sent.body) > LARGEST_BODY:
            super().append(None)
            self._counted = True
        else:
            super().append(sent)
            self._keeps = True
            self._ts_ns = sent.sending_ns
            self._change(SENT, sent)

    def reset(self, next_out: int, began_ns: int, cause: str) -> None:
        """See Store."""
        super().reset(next_out, began_ns, cause)
        self._change(RESET, Restart(next_out, began_ns, cause))

    def _change(self, kind: int, payload: Sent | tuple[int | str, ...]) -> None:
        encoded = _ENCODE(payload)
        self._changes.append((kind, 1, 0, SESSION, 0, self._ts_ns, encoded))
        self._bytes += padded(FRAME_BYTES + len(encoded))

    def flush(self) -> None:
        """See Store; one write() unless the turn fills more than a block.

        What a failed write left behind is not known until the log is opened again, so after a
        failure every call fails: nothing may leave that is not stored.
        """
        if self._failure is not None:
            raise self._failure
        if self._counted:
            self._change(NUMBERS, (self.next_in, self.next_out, RECEIVED))  # every turn has one
            self._counted = False
        if self._carry.due(self):
            self._change(MARK, Mark(self.next_in, self.next_out, self.began_ns))
        for sent in self._carry.piece(self):
            self._change(KEPT, sent)
        if not self._changes:
            return
        try:
            for group in self._groups():
                self._journal.buffer.append_group(group)
            self._journal.flush(ring=False)
            if self._durable and self._keeps:
                self._journal.sync_now()
            self._carry.written()
        except LocalError as error:
            self._failure = error
            raise
        self._changes = []
        self._bytes = 0
        self._keeps = False

    def left(self) -> None:
        """See Store; begins to make the turn durable."""
        self._journal.ring()

    def _groups(self) -> list[list[Parts]]:
        """Returns the changes in as few groups as fit a block each."""
        groups = [self._changes]
        if self._bytes > GROUP_BYTES:
            groups = _split(self._changes)
        for group in groups:
            kind, version, _, *rest = group[-1]
            group[-1] = (kind, version, GROUP_END, *rest)  # type: ignore[assignment]
        return groups

    def close(self) -> None:
        """Ends the log cleanly, all durable; after a failure it is only let go."""
        if self._failure is None:
            self.flush()
        self._carry.stop()
        if self._failure is not None:
            self._journal.abandon()
        else:
            self._journal.close()


def _split(frames: list[Parts]) -> list[list[Parts]]:
    groups: list[list[Parts]] = [[]]
    room = GROUP_BYTES
    for frame in frames:
        size = padded(FRAME_BYTES + len(frame[6]))
        if size > room:
            groups.append([])
            room = GROUP_BYTES
        groups[-1].append(frame)
        room -= size
    return groups


def _folded(frame: Frame, numbers: Mark, kept: dict[int, Sent]) -> Mark:
    """Takes one frame of a log: returns the numbers behind it, changes what is kept."""
    decode = msgspec.msgpack.decode
    if frame.type == NUMBERS:
        found = decode(frame.payload, type=Numbers)
        return numbers._replace(next_in=found.next_in, next_out=found.next_out)
    if frame.type == SENT:
        sent = decode(frame.payload, type=Sent)
        kept[sent.seq] = sent
        return numbers._replace(next_out=sent.seq + 1)
    if frame.type == KEPT:
        sent = decode(frame.payload, type=Sent)
        kept[sent.seq] = sent
    elif frame.type == RESET:
        restart = decode(frame.payload, type=Restart)
        kept.clear()
        return Mark(1, restart.next_out, restart.began_ns)
    elif frame.type == MARK:
        return decode(frame.payload, type=Mark)
    return numbers
