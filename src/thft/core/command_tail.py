"""Takes commands from the api's log into the kernel, in order and from the cursor; run by core.

A command is taken once it is durable: a power cut could take it from the log while the core's
journal kept it, and the api would give its number, which is the core's cursor, to another one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from thft.base.frame import COMMANDS, LOG_TYPES, Frame
from thft.model.command import CommandRecord
from thft.model.event import CommandReceived
from thft.stream.reader import LogReader
from thft.stream.watermark import FILE_NAME, Watermark

POLL_S = 0.02
READ_FRAMES = 256


class CommandTail:
    """Follows the api's log; a cursor behind the last taken seq comes from the core's own state."""

    def __init__(
        self, directory: Path, after_seq: int, take: Callable[[CommandReceived], None]
    ) -> None:
        self._directory = directory
        self._after_seq = after_seq
        self._take = take
        self._log: tuple[LogReader, Watermark] | None = None
        """None until the api has begun its log."""
        self._written: deque[Frame] = deque()
        """Read and not known to be durable; no more is read beyond READ_FRAMES."""

    async def run(self) -> None:
        """Runs until cancelled."""
        try:
            while True:
                self.look()
                await asyncio.sleep(POLL_S)
        finally:
            self.close()

    def look(self) -> None:
        """Takes the commands that have become durable."""
        if self._log is None:
            marks = self._directory / FILE_NAME
            if not marks.exists() or not marks.stat().st_size:
                return
            reader = LogReader(self._directory, self._after_seq)
            self._log = reader, Watermark(self._directory, create=False)
        reader, watermark = self._log
        if len(self._written) < READ_FRAMES:
            self._written += reader.read(READ_FRAMES)
        durable_seq = watermark.durable_seq
        while self._written and self._written[0].seq <= durable_seq:
            frame = self._written.popleft()
            if frame.stream == COMMANDS and frame.type < LOG_TYPES:
                self._take(_received(frame))

    def close(self) -> None:
        """Lets go of the log."""
        if self._log is not None:
            for part in self._log:
                part.close()


def _received(frame: Frame) -> CommandReceived:
    record = msgspec.msgpack.decode(frame.payload, type=CommandRecord)
    return CommandReceived(frame.seq, record.command_id, record.kind, record.body, record.actor)
