"""The api's own log: every command durable before it is acknowledged; written by the routes.

The core tails it. A repeated command id is not appended again: its first answer stands.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from thft.base.frame import COMMANDS, LOG_TYPES
from thft.host.clock import EngineClock
from thft.model.command import COMMAND_TYPE, CommandRecord
from thft.stream.journal import Journal
from thft.stream.reader import batches

IDS_KEPT = 5_000
SEGMENT_BYTES = 1 << 20


class CommandLog:
    """One writer; `append` returns when the command would survive a power cut."""

    def __init__(self, directory: Path) -> None:
        """Opens the log and remembers the ids of its newest commands."""
        self._clock = EngineClock()
        self._journal = Journal.open(
            directory,
            instance="api",
            created_ns=self._clock.now_ns(),
            segment_bytes=SEGMENT_BYTES,
        )
        self._seqs: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._load(directory)

    def _load(self, directory: Path) -> None:
        decode = msgspec.msgpack.Decoder(CommandRecord).decode
        for frames in batches(directory):
            for frame in frames:
                if frame.stream == COMMANDS and frame.type < LOG_TYPES:
                    self._remember(decode(frame.payload).command_id, frame.seq)

    def _remember(self, command_id: str, seq: int) -> None:
        self._seqs[command_id] = seq
        if len(self._seqs) > IDS_KEPT:
            del self._seqs[next(iter(self._seqs))]

    def seq_of(self, command_id: str) -> int | None:
        """Returns where a command lies in the log, None when it is not known."""
        return self._seqs.get(command_id)

    async def append(self, record: CommandRecord) -> int:
        """Appends a command and makes it durable; returns its seq (the first one when repeated)."""
        async with self._turn:
            known = self._seqs.get(record.command_id)
            if known is not None:
                return known
            journal = self._journal
            payload = msgspec.msgpack.encode(record)
            seq = journal.append(COMMAND_TYPE, COMMANDS, 0, self._clock.now_ns(), payload)
            journal.flush()
            await asyncio.to_thread(journal.sync_now)
            self._remember(record.command_id, seq)
            return seq

    def close(self) -> None:
        """Ends the log cleanly."""
        self._journal.close()
