"""Finds where a log really ends; called by the journal at every start and by `verify`.

Rules. The log is the longest prefix of closed groups whose checksums, sequence and chain hold.
What lies behind it is cut only when nothing proves that it had been durable: proof is any good
segment header, block trailer or CLOSE frame anywhere in the log, also behind the damage, that
names a durable seq at or above the first missing one. With such proof the log is damaged, and
recovery refuses instead of cutting. A log whose oldest segments were removed begins at its root.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from thft.base.frame import CLOSE, HEADER, valid_end
from thft.stream import layout
from thft.stream.disk import Disk
from thft.stream.layout import DamagedLog, SegmentHeader
from thft.stream.retention.root import NAME as ROOT
from thft.stream.retention.root import kept_segments, read_root
from thft.stream.segment import read_segment

CLOSE_BYTES = 40
"""A CLOSE frame: header and the durable seq."""


@dataclass
class Tear:
    """Where the good prefix ends although bytes follow."""

    segment: str
    offset: int
    reason: str


@dataclass
class Recovery:
    """What a walk over a log found."""

    next_seq: int = 1
    epoch: int = 0
    chain: bytes = layout.GENESIS
    index: int = 0
    """Index of the last good segment, 0 when there is none."""
    end: int = 0
    """Where its good bytes end."""
    closed: bool = False
    tear: Tear | None = None
    cut_bytes: int = 0
    dead: list[str] = field(default_factory=list)
    """Segments that hold nothing of the log: never begun, or behind the tear."""
    blank: list[str] = field(default_factory=list)
    """Those of the dead that are all zeros: made ahead by the last run, to be used by this one."""
    leftovers: list[str] = field(default_factory=list)
    """Files of a sealing or a removal that did not end; the log is whole without them."""
    plain: list[str] = field(default_factory=list)
    """Good segments that are not sealed, oldest first."""

    @property
    def last_seq(self) -> int:
        """Sequence number of the last recovered frame, 0 for an empty log."""
        return self.next_seq - 1


def walk(disk: Disk) -> Recovery:
    """Reads the whole log and returns where it ends; raises DamagedLog when it must not be cut."""
    found = Recovery()
    durable_seq = 0
    root = read_root(disk)
    names = kept_segments(disk, root)
    if root is not None:
        found.next_seq, found.chain, durable_seq = root.first_seq, root.chain, root.snapshot_seq
    found.leftovers = [
        name
        for name in disk.names()
        if name.endswith((".logz.part", f"{ROOT}.part"))
        or (layout.segment_index(name) is not None and name not in names)
    ]
    for position, name in enumerate(names):
        content = read_segment(disk, name)
        durable_seq = max(durable_seq, _proof(content))
        header = layout.read_header(content)
        blank = header is None and _blank(content)
        if blank:
            found.blank.append(name)
        if found.tear is not None:
            found.dead.append(name)
            continue
        if header is None:
            found.dead.append(name)
            if any(content[: layout.HEADER_BYTES]):
                found.tear = Tear(name, 0, "segment header differs")
            elif position + 1 < len(names) and not blank:
                found.tear = Tear(name, 0, "segment header missing")
            continue
        if found.dead:
            found.tear = Tear(found.dead[0], 0, "segment missing")
            found.dead.append(name)
            continue
        _segment(found, name, header, content)
        if not layout.is_sealed(name) and name not in found.dead:
            found.plain.append(name)
    if found.tear is not None and durable_seq >= found.next_seq:
        raise DamagedLog(found.tear.segment, found.tear.offset, found.tear.reason)
    if root is not None and found.last_seq < root.snapshot_seq:
        missing = layout.segment_name(max(found.index, root.segment - 1) + 1)
        raise DamagedLog(missing, 0, "segment missing")
    return found


def _segment(found: Recovery, name: str, header: SegmentHeader, content: bytes) -> None:
    """Walks one segment whose header is good, from where the log stands."""
    if header.chain != found.chain or header.first_seq != found.next_seq:
        found.tear = Tear(name, 0, "segment does not continue the one before")
        found.dead.append(name)
        return
    found.index = layout.segment_index(name) or 0
    found.epoch = header.epoch
    found.closed = False
    view = memoryview(content)
    start = layout.HEADER_BYTES
    for base in range(0, max(len(content), 1), header.block_bytes):
        block = view[base : base + header.block_bytes]
        room_end = min(len(block), header.block_bytes - layout.TRAILER_BYTES)
        end, next_seq, bad, reason = valid_end(block, start, room_end, found.next_seq)
        if next_seq > found.next_seq:
            found.closed = _is_close(block, end)
        found.next_seq = next_seq
        found.end = base + end
        trailer = layout.read_trailer(block) if len(block) == header.block_bytes else None
        if trailer is None:
            found.chain = layout.partial_chain(block, start, end, found.chain)
            _judge_rest(found, name, view, base + end, bad + base if bad >= 0 else -1, reason)
            return
        chain = layout.block_chain(block, found.chain)
        if bad >= 0 or trailer.used != end or trailer.last_seq != next_seq - 1:
            offset = base + (bad if bad >= 0 else end)
            found.tear = Tear(name, offset, reason or "block ends elsewhere than its trailer says")
        elif trailer.chain != chain:
            found.tear = Tear(name, base + end, "hash chain differs")
        if found.tear is not None:
            found.chain = layout.partial_chain(block, start, end, found.chain)
            found.cut_bytes += len(content) - found.end
            return
        found.chain = chain
        found.end = base + header.block_bytes
        start = 0


def _judge_rest(
    found: Recovery, name: str, view: memoryview, end: int, bad: int, reason: str
) -> None:
    """Behind the last closed group must be nothing but zeros."""
    rest = view[end:]
    if bad < 0 and _blank(rest):
        return
    if bad < 0:
        bad = end + next(i for i, byte in enumerate(rest) if byte)
        reason = "an open group or bytes behind the last frame"
    found.tear = Tear(name, bad, reason)
    found.cut_bytes += len(rest.tobytes().rstrip(b"\0"))


def _blank(content: bytes | memoryview) -> bool:
    """True when all bytes are zero; counting takes a thirtieth of the time of any()."""
    return bytes(content).count(0) == len(content)


def _is_close(block: memoryview, end: int) -> bool:
    if end < CLOSE_BYTES:
        return False
    _, length, _, _, kind, *_ = HEADER.unpack_from(block, end - CLOSE_BYTES)
    return bool(kind == CLOSE and length == CLOSE_BYTES)


def _proof(content: bytes) -> int:
    """Returns the highest durable seq that any good header, trailer or CLOSE of a segment names."""
    header = layout.read_header(content)
    block_bytes = header.block_bytes if header is not None else 64 << 10
    proven = header.durable_seq if header is not None else 0
    view = memoryview(content)
    for base in range(0, len(content) - block_bytes + 1, block_bytes):
        trailer = layout.read_trailer(view[base : base + block_bytes])
        if trailer is not None:
            proven = max(proven, trailer.durable_seq)
    return max(proven, _closed_seq(content))


def _closed_seq(content: bytes) -> int:
    """Returns the seq that a CLOSE frame at the segment's very end proves durable, else 0."""
    if len(content) < CLOSE_BYTES:
        return 0
    tail = content[-CLOSE_BYTES:]
    _, length, seq, _, kind, *_ = HEADER.unpack_from(tail)
    if kind != CLOSE or length != CLOSE_BYTES:
        return 0
    _, _, bad, _ = valid_end(tail, 0, CLOSE_BYTES, seq)
    return seq - 1 if bad < 0 else 0
