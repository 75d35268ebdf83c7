"""What each consumer group has acknowledged, shown to the writer of the log that it reads.

A group's owner writes one small file a group; the writer's retention reads them all and removes
nothing that a group has not taken. The file is a notice: the cursor itself lies with the effect.
"""

from __future__ import annotations

import re
from pathlib import Path

from thft.base.errors import LocalError
from thft.stream.disk import RealDisk, replace_file

FOLDER = "groups"
_NOTICE = re.compile(r"(\d+) (\S+)\n")


class BadNotice(LocalError):
    """A group's notice that says nothing; retention waits until it does."""


class AckNotice:
    """The notice of one group, in a folder of its owner."""

    def __init__(self, owner: Path, group: str, log: str) -> None:
        """`log` is the identity of the log that the group reads."""
        self._disk = RealDisk(owner / FOLDER)
        self._group = group
        self._log = log
        self._shown = -1

    def show(self, cursor: int) -> None:
        """Says that everything up to `cursor` is acknowledged; call it behind the commit."""
        if cursor != self._shown:
            replace_file(self._disk, self._group, f"{cursor} {self._log}\n".encode())
            self._shown = cursor


def acknowledged(owner: Path, log: str) -> int | None:
    """Returns up to where all groups of a log have acknowledged, None when there is no group.

    A group that has begun on another log has taken nothing of this one. Raises BadNotice.
    """
    folder = owner / FOLDER
    if not folder.is_dir():
        return None
    cursors = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".part":
            continue
        notice = _NOTICE.fullmatch(path.read_text(errors="replace"))
        if notice is None:
            raise BadNotice(f"{path} is no notice of a group", "restart its owner, or remove it")
        cursors.append(int(notice[1]) if notice[2] == log else 0)
    return min(cursors, default=None)
