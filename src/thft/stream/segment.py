"""Reads a segment's bytes, plain or sealed; called by recovery, reader and verify."""

from __future__ import annotations

from thft.stream import layout
from thft.stream.disk import Disk


def read_segment(disk: Disk, name: str) -> bytes:
    """Returns the bytes of a segment as they were written."""
    file = disk.open(name)
    try:
        return file.read(0, disk.size(name))
    finally:
        file.close()


def log_identity(disk: Disk) -> str:
    """Returns a name no other log has, from its first segment; empty before there is one."""
    for name in disk.names():
        if layout.segment_index(name) is not None:
            header = layout.read_header(disk.peek(name, 0, layout.HEADER_BYTES))
            return f"{header.instance}-{header.created_ns}" if header is not None else ""
    return ""
