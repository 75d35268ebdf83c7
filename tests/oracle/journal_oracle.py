"""A second reader of the journal, written from docs/journal.md alone; it imports nothing of thft.

It checks checksums, sequence, groups and the hash chain, and adds up fills to positions.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import zstandard

FILL, CLOSE = 0x0406, 0xFF03
FRAME = struct.Struct("<IIQqHBBHH")
SEGMENT = struct.Struct("<8sIIIIQQQq32s16s")
TRAILER = struct.Struct("<IIQQ32sI")


class OracleFinding(Exception):
    """The journal is not what docs/journal.md says."""


@dataclass
class Holding:
    """A position, in exact fractions of units and money."""

    size: Fraction = Fraction(0)
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)

    def trade(self, side: int, size: Fraction, price: Fraction) -> None:
        """Adds one execution: closing parts realise against the average cost."""
        signed = side * size
        closing = min(size, abs(self.size)) if self.size * side < 0 else Fraction(0)
        if closing:
            average = self.cost / self.size
            self.realised += closing * (price - average) * (1 if self.size > 0 else -1)
            self.cost -= average * closing * (1 if self.size > 0 else -1)
        self.cost += side * (size - closing) * price
        self.size += signed


@dataclass
class Told:
    """What a journal tells."""

    frames: int = 0
    groups: int = 0
    epochs: list[int] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    holdings: dict[tuple[str, int, str], Holding] = field(default_factory=dict)
    realised: dict[str, int] = field(default_factory=dict)
    """Money the journal itself says was realised, 1e-9, by account."""
    closed: bool = False


def segments(directory: Path) -> list[bytes]:
    """Returns the bytes of all segments in order, sealed ones decompressed."""
    found = sorted(path for path in directory.iterdir() if path.suffix in (".log", ".logz"))
    return [unsealed(path) if path.suffix == ".logz" else path.read_bytes() for path in found]


def unsealed(path: Path) -> bytes:
    """Decompresses a sealed segment."""
    content = path.read_bytes()
    magic, _, _, plain, blocks, index_crc = struct.unpack_from("<8sIIQII", content)
    index = content[64 : 64 + 8 * blocks]
    if magic != b"THFTSEA1" or zlib.crc32(index) != index_crc:
        raise OracleFinding(f"{path.name}: sealed header")
    at, whole = 64 + len(index), b""
    for length, crc in struct.iter_unpack("<II", index):
        chunk = content[at : at + length]
        if zlib.crc32(chunk) != crc:
            raise OracleFinding(f"{path.name}: block at {at}")
        whole += zstandard.ZstdDecompressor().decompress(chunk)
        at += length
    if len(whole) != plain or at != len(content):
        raise OracleFinding(f"{path.name}: length")
    return whole


def read(directory: Path) -> Told:
    """Reads a whole log; raises OracleFinding."""
    told, chain, next_seq = Told(), bytes(32), 1
    for content in segments(directory):
        if not any(content[:128]):
            continue
        magic, form, block_bytes, _, _, epoch, first, _, _, linked, _ = SEGMENT.unpack_from(content)
        if magic != b"THFTLOG1" or form != 1 or first != next_seq or linked != chain:
            raise OracleFinding(f"segment of epoch {epoch} does not continue at {next_seq}")
        if struct.unpack_from("<I", content, 124)[0] != zlib.crc32(content[:124]):
            raise OracleFinding("segment header checksum")
        told.epochs.append(epoch)
        start = 128
        for base in range(0, len(content), block_bytes):
            block = content[base : base + block_bytes]
            whole = len(block) == block_bytes and _trailer(block) is not None
            end = block_bytes - 64 if whole else len(block)
            used, next_seq = _frames(told, block, start, end, next_seq)
            if not whole:
                chain = hashlib.sha256(chain + block[:used]).digest() if used > start else chain
                break
            trailer = _trailer(block)
            assert trailer is not None
            chain = hashlib.sha256(chain + block[: block_bytes - 40]).digest()
            if trailer[1:3] != (used, next_seq - 1) or trailer[4] != chain:
                raise OracleFinding(f"block ending at seq {next_seq - 1}: trailer or chain")
            start = 0
    return told


def _trailer(block: bytes) -> tuple[Any, ...] | None:
    fields = TRAILER.unpack_from(block, len(block) - 64)
    good = fields[0] == 0x314B4C42 and zlib.crc32(block[-64:-8]) == fields[5]
    return fields if good else None


def _frames(told: Told, block: bytes, at: int, end: int, seq: int) -> tuple[int, int]:
    """Takes closed groups; returns where they end and the next seq."""
    closed, closed_seq = at, seq
    group: list[tuple[int, bytes]] = []
    while at + 32 <= end:
        crc, length, frame_seq, _, kind, _, flags, _, _ = FRAME.unpack_from(block, at)
        if length == 0:
            break
        padded = (length + 7) // 8 * 8
        if zlib.crc32(block[at + 4 : at + padded]) != crc or frame_seq != seq:
            raise OracleFinding(f"frame {seq}: checksum or sequence")
        group.append((kind, block[at + 32 : at + length]))
        at, seq = at + padded, seq + 1
        if flags & 1:
            for kind, payload in group:
                _take(told, kind, payload)
            told.groups += 1
            closed, closed_seq, group = at, seq, []
    return closed, closed_seq


def _take(told: Told, kind: int, payload: bytes) -> None:
    told.frames += 1
    told.closed = kind == CLOSE
    if kind != FILL:
        return
    (_, _, exec_id, _, account, instrument, side, size, price, _, realised, position_id) = (
        msgspec.msgpack.decode(payload)
    )
    told.executions.append(exec_id)
    holding = told.holdings.setdefault((account, instrument, position_id), Holding())
    holding.trade(side, Fraction(size, 10**8), Fraction(price, 10**9))
    told.realised[account] = told.realised.get(account, 0) + realised
