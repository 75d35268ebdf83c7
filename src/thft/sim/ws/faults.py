"""What goes wrong at a simulated WebSocket venue, and when, from a file; run by `thft venue`.

Single messages, the next `times` of them: `skip` (never said), `repeat` (said twice), `checksum`
and `sequence` (a book message with a wrong one), `refusals` (a request is refused as too many).
The venue, for `for_s` seconds: `lag` (everything is late by `ms`), `mute` (says nothing), `deaf`
(half-open: takes nothing either), `refuse` (no new connection), `maintenance` (says so, and is).
At once: `drop` (all connections end without a word), `restart` (announced, then done after `ms`),
`oversize` (a frame of `bytes`), `unknown` (a message nobody knows), `malformed` (no message).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from thft.sim.fault_file import load_fault_file
from thft.sim.ws.server import VenueServer

Seconds = Annotated[float, Meta(ge=0)]
MESSAGES = ("skip", "repeat", "checksum", "sequence", "refusals")
LASTING = ("lag", "mute", "deaf", "refuse", "maintenance")


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault and when; see the module."""

    do: Literal[
        "skip",
        "repeat",
        "checksum",
        "sequence",
        "refusals",
        "lag",
        "mute",
        "deaf",
        "refuse",
        "maintenance",
        "drop",
        "restart",
        "oversize",
        "unknown",
        "malformed",
    ]
    at_s: Seconds = 0.0
    """Seconds after the venue began to listen."""
    every_s: Seconds = 0.0
    """It takes place again after so long; 0: once."""
    for_s: Annotated[float, Meta(gt=0)] = 10.0
    times: Annotated[int, Meta(ge=1)] = 1
    ms: Annotated[int, Meta(ge=0)] = 100
    bytes: Annotated[int, Meta(ge=1, le=64 << 20)] = 5 << 20


class FaultFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault file: `[[faults]]`."""

    faults: tuple[Fault, ...] = ()


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Returns the faults of a TOML file; raises LocalError with all findings."""
    return load_fault_file(path, FaultFile).faults


async def run_faults(venue: VenueServer, faults: Sequence[Fault]) -> None:
    """Lets the faults take place, each in its own time; ends with the last one."""
    await asyncio.gather(*(_run(venue, fault) for fault in faults))


async def _run(venue: VenueServer, fault: Fault) -> None:
    await asyncio.sleep(fault.at_s)
    while True:
        await act(venue, fault)
        if not fault.every_s:
            return
        await asyncio.sleep(fault.every_s)


async def act(venue: VenueServer, fault: Fault) -> None:
    """Lets one fault take place once; returns when it is over."""
    what = fault.do
    if what in MESSAGES:
        setattr(venue.faults, what, fault.times)
    elif what in LASTING:
        await _last(venue, fault)
    elif what == "drop":
        venue.drop()
    elif what == "restart":
        venue.announce_restart()
        await asyncio.sleep(fault.ms / 1_000)
        venue.drop()
    elif what == "oversize":
        venue.send_raw(b'{"padding":"' + b"x" * fault.bytes + b'"}')
    else:
        venue.send_raw(b'{"weather":"sunny"}' if what == "unknown" else b'{"weather":')


async def _last(venue: VenueServer, fault: Fault) -> None:
    if fault.do == "maintenance":
        venue.maintenance(True)
    elif fault.do == "lag":
        venue.faults.lag_ms = fault.ms
    else:
        setattr(venue.faults, fault.do, True)
    await asyncio.sleep(fault.for_s)
    if fault.do == "maintenance":
        venue.maintenance(False)
    elif fault.do == "lag":
        venue.faults.lag_ms = 0
    else:
        setattr(venue.faults, fault.do, False)
