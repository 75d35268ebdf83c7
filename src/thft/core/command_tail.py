"""Takes commands from the api's log into the kernel, in order and from the cursor; run by core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from thft.base.frame import COMMANDS, LOG_TYPES, Frame
from thft.model.command import CommandRecord
from thft.model.event import CommandReceived
from thft.stream.reader import LogReader

POLL_S = 0.02


class CommandTail:
    """Follows the api's log; a cursor behind the last taken seq comes from the core's own state."""

    def __init__(
        self, directory: Path, after_seq: int, take: Callable[[CommandReceived], None]
    ) -> None:
        self._directory = directory
        self._after_seq = after_seq
        self._take = take

    async def run(self) -> None:
        """Runs until cancelled."""
        while not self._directory.is_dir():
            await asyncio.sleep(POLL_S)
        with LogReader(self._directory, self._after_seq) as reader:
            while True:
                for frame in reader.read(256):
                    if frame.stream == COMMANDS and frame.type < LOG_TYPES:
                        self._take(_received(frame))
                await asyncio.sleep(POLL_S)


def _received(frame: Frame) -> CommandReceived:
    record = msgspec.msgpack.decode(frame.payload, type=CommandRecord)
    return CommandReceived(frame.seq, record.command_id, record.kind, record.body, record.actor)
