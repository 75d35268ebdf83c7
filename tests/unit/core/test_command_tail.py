"""Commands reach the kernel once they are durable in the api's log, in order and from a cursor."""

from __future__ import annotations

from pathlib import Path

import msgspec

from thft.base.frame import COMMANDS, CONTROL
from thft.core.command_tail import CommandTail
from thft.model.command import COMMAND_TYPE, CommandRecord
from thft.model.event import CommandReceived
from thft.stream.disk import RealDisk
from thft.stream.journal import Journal
from thft.stream.watermark import Watermark


def open_log(directory: Path) -> Journal:
    """A log that syncs only when it is asked to."""
    disk, watermark = RealDisk(directory), Watermark(directory, create=True)
    return Journal(disk, instance="api", created_ns=1, threads=False, watermark=watermark)


def append(log: Journal, number: int) -> None:
    record = CommandRecord(f"c{number}", "kill_switch", b"{}", "test")
    log.append(COMMAND_TYPE, COMMANDS, 0, number, msgspec.msgpack.encode(record))
    log.append(COMMAND_TYPE, CONTROL, 0, number, b"no command")
    log.flush()


def test_a_command_that_a_power_cut_may_take_is_not_taken_yet(tmp_path: Path) -> None:
    taken: list[CommandReceived] = []
    tail = CommandTail(tmp_path, 0, taken.append)
    tail.look()
    log = open_log(tmp_path)
    append(log, 1)
    tail.look()
    assert taken == []
    log.sync_now()
    append(log, 2)
    tail.look()
    assert [(command.api_seq, command.command_id) for command in taken] == [(1, "c1")]
    log.sync_now()
    tail.look()
    assert [(command.api_seq, command.command_id) for command in taken] == [(1, "c1"), (3, "c2")]
    tail.close()
    again = CommandTail(tmp_path, 1, taken.append)
    again.look()
    assert [command.command_id for command in taken] == ["c1", "c2", "c2"]
    again.close()
    log.close()
