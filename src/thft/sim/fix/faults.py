"""What goes wrong at a simulated venue, when, and how often; asked by its wire, desk and door.

On the wire, an outgoing message: `lag` (by `ms`), `drop` (its number is missed), `duplicate` (the
same bytes twice), `reorder` (behind the next one), `garble` (a wrong checksum).
Before it gets a number: `swallow` (never said), `repeat` (said again under the next number).
An order that comes in: `ignore`, `reject`, `requote` (with `text`), `partial` (`size_percent` of
it, and the rest as `rest` says). `ignore` and `reject` do the same to a cancel (`on` F) or replace
(`on` G), and `slow` takes it up only after `ms`.
The venue: `logout` (with `text`), `cut`, `deaf` (half-open: takes and says nothing), `sequence`
(skips `numbers`, or says a Heartbeat so many numbers too low when negative), `throttle` (Logout
as after too many messages, with its lock-out), `garbage` (bytes that are no message), `block`
and `unblock` (the broker locks the account).

A fault of a message acts on those of type `on`, all types if empty, orders if it is about orders.
A fault of the venue acts once its time comes, or when a message of type `on` passes either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from thft.base.prng import Prng
from thft.sim.fault_file import load_fault_file

Seconds = Annotated[float, Meta(ge=0)]
WIRE = ("lag", "drop", "duplicate", "reorder", "garble")
SAYING = ("swallow", "repeat")
ORDER = ("ignore", "reject", "requote", "partial", "slow")
VENUE = ("logout", "cut", "deaf", "sequence", "throttle", "garbage", "block", "unblock")
Do = Literal[
    "lag",
    "drop",
    "duplicate",
    "reorder",
    "garble",
    "swallow",
    "repeat",
    "ignore",
    "reject",
    "requote",
    "partial",
    "slow",
    "logout",
    "cut",
    "deaf",
    "sequence",
    "throttle",
    "garbage",
    "block",
    "unblock",
]


class Fault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault and its trigger; see the module."""

    do: Do
    link: str = ""
    """Only on this link of the dialect; empty for all."""
    on: str = ""
    at_s: Seconds = 0.0
    """Seconds after the venue began to listen."""
    every_s: Seconds = 0.0
    """A fault of the venue takes place again after so long."""
    for_s: Seconds = 0.0
    """It is over after so long; 0: never."""
    after: Annotated[int, Meta(ge=0)] = 0
    """So many messages pass first."""
    times: Annotated[int, Meta(ge=0)] = 1
    """It acts on so many; 0: on all."""
    percent: Annotated[int, Meta(ge=0, le=100)] = 100
    """Each message is hit with this chance, drawn from the venue's seed."""
    ms: tuple[int, int] = (100, 100)
    text: str = ""
    numbers: int = 5
    size_percent: Annotated[int, Meta(ge=1, le=99)] = 50
    rest: Literal["cancel", "fill", "stay"] = "cancel"


class FaultFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault file: `[[faults]]`."""

    faults: tuple[Fault, ...] = ()


@dataclass
class _Armed:
    fault: Fault
    from_ns: int
    passed: int = 0
    acted: int = 0


class Faults:
    """All faults of one venue; counts what they did in `done`."""

    def __init__(self, seed: int, now_ns: Callable[[], int]) -> None:
        self._prng = Prng(seed)
        self._now_ns = now_ns
        self._began_ns = now_ns()
        self.armed: list[_Armed] = []
        """All that were ever armed, in that order."""
        self.done: dict[str, int] = {}

    def begin(self) -> None:
        """Counts times of faults from now."""
        self._began_ns = self._now_ns()

    def arm(self, fault: Fault) -> None:
        """Adds a fault; its times count from the beginning."""
        self.armed.append(_Armed(fault, self._began_ns + int(fault.at_s * 1e9)))

    def hit(self, kinds: tuple[str, ...], link: str, msg_type: str) -> list[Fault]:
        """Returns the faults of these kinds that act on a message, and counts it for each."""
        if not self.armed:
            return []
        now_ns = self._now_ns()
        return [one.fault for one in self.armed if self._acts(one, kinds, link, msg_type, now_ns)]

    def note(self, kind: str) -> None:
        """Counts a fault that took place."""
        self.done[kind] = self.done.get(kind, 0) + 1

    def between(self, low: int, high: int) -> int:
        """Draws from the venue's seed."""
        return self._prng.between(low, high)

    def _acts(
        self, one: _Armed, kinds: tuple[str, ...], link: str, msg_type: str, now_ns: int
    ) -> bool:
        fault = one.fault
        wanted = fault.on or ("D" if fault.do in ORDER else "")
        if fault.do not in kinds or fault.link not in ("", link) or wanted not in ("", msg_type):
            return False
        over_ns = one.from_ns + int(fault.for_s * 1e9)
        if now_ns < one.from_ns or (fault.for_s and now_ns >= over_ns):
            return False
        one.passed += 1
        if one.passed <= fault.after or (fault.times and one.acted >= fault.times):
            return False
        if fault.percent < 100 and self._prng.between(1, 100) > fault.percent:
            return False
        one.acted += 1
        self.note(fault.do)
        return True


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Returns the faults of a TOML file; raises LocalError with all findings."""
    return load_fault_file(path, FaultFile).faults
