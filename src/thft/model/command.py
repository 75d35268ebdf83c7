"""A command as it lies in the api's log; written by api, taken into the kernel by core."""

from __future__ import annotations

from msgspec import Struct

COMMAND_TYPE = 0x0801
"""Frame type of a command in the api's log."""


class CommandRecord(Struct, frozen=True):
    """Who asks for what: `command_id` is the client's, `body` is JSON."""

    command_id: str
    kind: str
    body: bytes
    actor: str
