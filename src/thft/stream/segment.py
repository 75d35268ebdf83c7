"""Reads a segment's bytes, plain or sealed; called by recovery, reader and verify."""

from __future__ import annotations

from thft.stream.disk import Disk


def read_segment(disk: Disk, name: str) -> bytes:
    """Returns the bytes of a segment as they were written."""
    file = disk.open(name)
    try:
        return file.read(0, disk.size(name))
    finally:
        file.close()
