"""The few file operations a log needs, on a real directory; tests put a recorded one in its place.

Every call that can meet a full, failing or read-only disk raises a LocalError that says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from thft.base.errors import LocalError

_ZEROS = bytes(1 << 20)


class JournalFull(LocalError):
    """The disk has no room; what was written before stands."""


class DiskFailed(LocalError):
    """The disk refused an operation; the log must not be written further."""


class FileMissing(LocalError):
    """The file is not there."""


def disk_error(action: str, name: str, error: OSError) -> LocalError:
    """Returns the typed error for a failed file operation."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return JournalFull(f"{action} {name}: no space left", "free disk space, then restart")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "make the directory writable for this user"
        return DiskFailed(f"{action} {name}: {error.strerror}", remedy)
    return DiskFailed(f"{action} {name}: {error.strerror}", "check the disk, then restart")


@contextlib.contextmanager
def typed(action: str, name: str) -> Iterator[None]:
    """Turns an OSError of the block into the typed error."""
    try:
        yield
    except OSError as error:
        raise disk_error(action, name, error) from error


def sync_path(directory: Path) -> None:
    """Makes the names that lead to a directory durable: a new one is lost with its files else.

    Goes up to the top of its file system, or to a directory that we may not read, so did not make.
    """
    with typed("fsync the way to", str(directory)):
        device = os.stat(directory).st_dev
        for folder in directory.resolve().parents:
            if os.stat(folder).st_dev != device or not os.access(folder, os.R_OK):
                return
            _sync_directory(folder)


def _sync_directory(directory: Path) -> None:
    with typed("fsync", str(directory)):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class File(Protocol):
    """One open file of a log."""

    name: str
    fd: int

    def write(self, offset: int, data: memoryview | bytes) -> None: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def sync(self) -> None: ...
    def truncate(self, size: int) -> None: ...
    def close(self) -> None: ...


class Disk(Protocol):
    """One directory of a log."""

    def names(self) -> list[str]: ...
    def size(self, name: str) -> int: ...
    def open(self, name: str) -> File: ...
    def settle(self, name: str) -> None: ...
    def look(self, name: str) -> File | None: ...
    def create(self, name: str, size: int) -> File: ...
    def remove(self, name: str) -> None: ...
    def rename(self, name: str, new_name: str) -> None: ...
    def sync_names(self) -> None: ...


class RealFile:
    """A file of a real directory."""

    def __init__(self, path: Path, flags: int) -> None:
        self.name = path.name
        try:
            self.fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            raise FileMissing(f"open {path}: no such file", "") from error
        except OSError as error:
            raise disk_error("open", str(path), error) from error

    def write(self, offset: int, data: memoryview | bytes) -> None:
        """Writes all of `data`; a short write goes on where it stopped."""
        view = memoryview(data)
        while view:
            try:
                done = os.pwrite(self.fd, view, offset)
            except OSError as error:
                raise disk_error("write", self.name, error) from error
            offset += done
            view = view[done:]

    def read(self, offset: int, length: int) -> bytes:
        """Returns up to `length` bytes from `offset`."""
        with typed("read", self.name):
            return os.pread(self.fd, length, offset)

    def sync(self) -> None:
        """Makes the file's bytes durable."""
        try:
            os.fdatasync(self.fd)
        except OSError as error:
            raise disk_error("fdatasync", self.name, error) from error

    def truncate(self, size: int) -> None:
        """Cuts the file to `size`."""
        with typed("truncate", self.name):
            os.ftruncate(self.fd, size)

    def close(self) -> None:
        """Closes the file."""
        with typed("close", self.name):
            os.close(self.fd)


class RealDisk:
    """A real directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with typed("create directory", str(directory)):
            directory.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """Returns the names of all files, sorted."""
        with typed("list", str(self.directory)):
            return sorted(entry.name for entry in os.scandir(self.directory) if entry.is_file())

    def size(self, name: str) -> int:
        """Returns a file's size in bytes."""
        with typed("stat", name):
            return os.stat(self.directory / name).st_size

    def open(self, name: str) -> RealFile:
        """Opens an existing file for reading and writing."""
        return RealFile(self.directory / name, os.O_RDWR)

    def settle(self, name: str) -> None:
        """Makes a file's bytes durable, and what is read of it from now on what the disk holds.

        After a sync that failed the kernel may remember bytes that the disk has lost.
        """
        file = self.open(name)
        file.sync()
        with typed("read again", name):
            os.posix_fadvise(file.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        file.close()

    def look(self, name: str) -> RealFile | None:
        """Opens a file for reading, None when it is not there (its writer may have removed it)."""
        try:
            return RealFile(self.directory / name, os.O_RDONLY)
        except FileMissing:
            return None

    def create(self, name: str, size: int) -> RealFile:
        """Returns a new file of `size` zero bytes, durable with its name."""
        file = RealFile(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for offset in range(0, size, len(_ZEROS)):
            file.write(offset, memoryview(_ZEROS)[: min(len(_ZEROS), size - offset)])
        file.sync()
        self.sync_names()
        return file

    def remove(self, name: str) -> None:
        """Deletes a file."""
        with typed("delete", name):
            os.unlink(self.directory / name)

    def rename(self, name: str, new_name: str) -> None:
        """Gives a file another name, in one step."""
        with typed("rename", name):
            os.rename(self.directory / name, self.directory / new_name)

    def sync_names(self) -> None:
        """Makes created and deleted names durable."""
        _sync_directory(self.directory)
