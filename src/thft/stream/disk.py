"""The few file operations a log needs, on a real directory; tests put a recorded one in its place.

Every call that can meet a full, failing or read-only disk raises a LocalError that says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from thft.base.errors import LocalError, ThftError

_ZEROS = bytes(1 << 20)
_MOST_PIECES = os.sysconf("SC_IOV_MAX")


class JournalFull(LocalError):
    """The disk has no room; what was written before stands."""


class DiskFailed(LocalError):
    """The disk refused an operation; the log must not be written further."""


class JournalPoisoned(LocalError):
    """A sync failed: nothing after it may be called durable."""

    def __init__(self, failure: ThftError) -> None:
        super().__init__(
            f"the journal is poisoned: {failure.cause}",
            f"{failure.remedy}: recovery keeps what is good",
        )


class FileMissing(LocalError):
    """The file is not there."""


def disk_error(action: str, name: str, error: OSError) -> LocalError:
    """Returns the typed error for a failed file operation."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return JournalFull(f"{action} {name}: no space left", "free disk space, then restart")
    remedy = "check the disk, then restart"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "make the directory writable for this user"
    elif error.errno in (errno.EEXIST, errno.ENOTDIR):
        remedy = "name a directory"
    return DiskFailed(f"{action} {name}: {error.strerror}", remedy)


@contextlib.contextmanager
def typed_errors(action: str, name: str) -> Iterator[None]:
    """Raises the typed error in place of an OSError of the block; not for the hot path."""
    try:
        yield
    except OSError as error:
        raise disk_error(action, name, error) from error


def sync_path(directory: Path) -> None:
    """Makes the names that lead to a directory durable: a new one is lost with its files else.

    Goes up to the top of its file system, or to a directory that we may not read, so did not make.
    """
    with typed_errors("fsync the way to", str(directory)):
        device = os.stat(directory).st_dev
        for folder in directory.resolve().parents:
            if os.stat(folder).st_dev != device or not os.access(folder, os.R_OK):
                return
            _sync_directory(folder)


def _sync_directory(directory: Path) -> None:
    with typed_errors("fsync", str(directory)):
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
    def forget(self) -> None: ...
    def truncate(self, size: int) -> None: ...
    def close(self) -> None: ...


class Disk(Protocol):
    """One directory of a log."""

    def names(self) -> list[str]: ...
    def size(self, name: str) -> int: ...
    def open(self, name: str) -> File: ...
    def look(self, name: str) -> File | None: ...
    def create(self, name: str, size: int) -> File: ...
    def remove(self, name: str) -> None: ...
    def rename(self, name: str, new_name: str) -> None: ...
    def sync_names(self) -> None: ...
    def folder(self, name: str) -> Disk: ...


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
        try:
            done = os.pwrite(self.fd, data, offset)
            while done < len(data):
                done += os.pwrite(self.fd, memoryview(data)[done:], offset + done)
        except OSError as error:
            raise disk_error("write", self.name, error) from error

    def fill(self, size: int) -> None:
        """Writes zeros up to `size`, in as few calls as can be.

        Each call gives Python's lock away and asks for it again, beside a kernel that is busy.
        """
        done = 0
        while done < size:
            whole = min((size - done) // len(_ZEROS), _MOST_PIECES)
            pieces = [_ZEROS] * whole or [_ZEROS[: size - done]]
            try:
                done += os.pwritev(self.fd, pieces, done)
            except OSError as error:
                raise disk_error("write", self.name, error) from error

    def read(self, offset: int, length: int) -> bytes:
        """Returns up to `length` bytes from `offset`."""
        try:
            return os.pread(self.fd, length, offset)
        except OSError as error:
            raise disk_error("read", self.name, error) from error

    def sync(self) -> None:
        """Makes the file's bytes durable."""
        try:
            os.fdatasync(self.fd)
        except OSError as error:
            raise disk_error("fdatasync", self.name, error) from error

    def forget(self) -> None:
        """What is read from now on is what the disk holds, where the bytes were synced.

        After a sync that failed the kernel may remember bytes that the disk has lost.
        """
        with typed_errors("read again", self.name):
            os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def reserve(self, size: int) -> None:
        """Has the file system choose `size` bytes at once: zeros then cost half as much to write.

        Where it cannot (EOPNOTSUPP) the writes find their room one by one.
        """
        try:
            if size:
                os.posix_fallocate(self.fd, 0, size)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise disk_error("allocate", self.name, error) from error

    def truncate(self, size: int) -> None:
        """Cuts the file to `size`."""
        try:
            os.ftruncate(self.fd, size)
        except OSError as error:
            raise disk_error("truncate", self.name, error) from error

    def close(self) -> None:
        """Closes the file; once only, because its number may soon be another file's."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            with typed_errors("close", self.name):
                os.close(fd)


class RealDisk:
    """A real directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with typed_errors("create directory", str(directory)):
            directory.mkdir(parents=True, exist_ok=True)

    def folder(self, name: str) -> RealDisk:
        """Returns a directory in this one, made when it is not there."""
        return RealDisk(self.directory / name)

    def names(self) -> list[str]:
        """Returns the names of all files, sorted."""
        with typed_errors("list", str(self.directory)):
            return sorted(entry.name for entry in os.scandir(self.directory) if entry.is_file())

    def size(self, name: str) -> int:
        """Returns a file's size in bytes."""
        with typed_errors("look at", name):
            return os.stat(self.directory / name).st_size

    def open(self, name: str) -> RealFile:
        """Opens an existing file for reading and writing."""
        return RealFile(self.directory / name, os.O_RDWR)

    def look(self, name: str) -> RealFile | None:
        """Opens a file for reading, None when it is not there (its writer may have removed it)."""
        try:
            return RealFile(self.directory / name, os.O_RDONLY)
        except FileMissing:
            return None

    def create(self, name: str, size: int) -> RealFile:
        """Returns a new file of `size` zero bytes, durable with its name; leaves none when full."""
        file = RealFile(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            file.reserve(size)
            file.fill(size)
            file.sync()
        except LocalError:
            file.close()
            self.remove(name)
            raise
        self.sync_names()
        return file

    def remove(self, name: str) -> None:
        """Deletes a file."""
        with typed_errors("remove", name):
            os.unlink(self.directory / name)

    def rename(self, name: str, new_name: str) -> None:
        """Gives a file another name, in one step."""
        with typed_errors("rename", name):
            os.rename(self.directory / name, self.directory / new_name)

    def sync_names(self) -> None:
        """Makes created and deleted names durable."""
        _sync_directory(self.directory)


def write_file(disk: Disk, name: str, pieces: Iterable[bytes]) -> None:
    """Writes a new file and makes it durable; leaves none when something goes wrong."""
    file, offset = disk.create(name, 0), 0
    try:
        for piece in pieces:
            file.write(offset, piece)
            offset += len(piece)
        file.sync()
    except LocalError:
        disk.remove(name)
        raise
    finally:
        file.close()


def replace_file(disk: Disk, name: str, content: bytes) -> None:
    """Puts a whole file durably under its name, in one step for whoever looks."""
    part = f"{name}.part"
    write_file(disk, part, [content])
    disk.rename(part, name)
    disk.sync_names()
