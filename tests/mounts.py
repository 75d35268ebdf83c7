"""Real file systems of a size or a mode of their own, mounted for one test; needs root."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, mib: int) -> Iterator[Path]:
    """Mounts a tmpfs of `mib` MiB on a new folder while the block runs."""
    folder.mkdir()
    if mount("-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)):
        pytest.skip("mounting a tmpfs needs root: run the tests as root (sudo -E make test)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str) -> int:
    """Runs mount; returns its exit code."""
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes a mounted file system read-only while the block runs."""
    assert mount("-o", "remount,ro", str(folder)) == 0
    try:
        yield
    finally:
        assert mount("-o", "remount,rw", str(folder)) == 0
