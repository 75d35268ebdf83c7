"""The records the engine state is made of; folded by `state.fold`, read by kernel, api and cli."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from thft.model.event import AccountDefined, FeedDefined
from thft.model.fixed import ABSENT
from thft.state.quality import FeedClock


class FeedRecord(Struct):
    """A feed as defined, with its session state and what was counted of it."""

    definition: FeedDefined
    state: str = "DISABLED"
    reason: str = "not started"
    since_ns: int = 0
    reconnects: int = 0
    messages: int = 0
    last_ns: int = 0
    faults: dict[str, int] = {}
    stamps: str = "user"
    """What stamps its messages: kernel or user."""
    symbol_faults: list[tuple[int, str, int]] = []
    """Instrument, fault, and how often; of the faults that concern one instrument."""
    clock: FeedClock = msgspec.field(default_factory=FeedClock)
    attempts: list[tuple[str, int]] = []
    """The last attempts to connect, oldest first: link and when."""

    def faults_of(self, instrument: int) -> dict[str, int]:
        """Returns the faults of one instrument by kind."""
        return {fault: count for one, fault, count in self.symbol_faults if one == instrument}

    def count_fault(self, instrument: int, fault: str) -> None:
        """Counts one fault; instrument 0 when it concerns the whole feed."""
        self.faults = {**self.faults, fault: self.faults.get(fault, 0) + 1}
        if instrument:
            count = self.faults_of(instrument).get(fault, 0) + 1
            others = [one for one in self.symbol_faults if one[:2] != (instrument, fault)]
            self.symbol_faults = [*others, (instrument, fault, count)]


class AccountRecord(Struct):
    """An account as defined, with readiness, booked money (1e-9) and its trade counts."""

    definition: AccountDefined
    state: str = "OFFLINE"
    reason: str = "not connected"
    session: int = 0
    realised: int = 0
    fees: int = 0
    fills: int = 0
    round_trips: int = 0
    wins: int = 0
    losses: int = 0


class StrategyRecord(Struct):
    """A strategy instance: what it runs with, whether it runs, and what it earned (money 1e-9)."""

    strategy: str
    kind: str
    code_hash: str
    params: bytes
    schema: bytes
    enabled: bool
    reason: str = ""
    revision: int = 1
    degraded: bool = False
    slow_calls: int = 0
    realised: int = 0
    fees: int = 0
    orders: int = 0
    denied: int = 0
    fills: int = 0
    round_trips: int = 0
    wins: int = 0
    losses: int = 0
    losses_in_a_row: int = 0
    errors_in_a_row: int = 0


class KillSwitch(Struct):
    """On means: nothing that adds risk leaves the engine."""

    on: bool = False
    reason: str = ""
    since_ns: int = 0


class Durability(Struct):
    """Whether the journal's disk keeps up; degraded blocks new risk."""

    degraded: bool = False
    reason: str = ""
    since_ns: int = 0


class DiskRecord(Struct):
    """Room on the journal's disk: OK, LOW or FULL and why; bytes ABSENT before it is measured."""

    level: str = "OK"
    reason: str = ""
    free_bytes: int = ABSENT
    bytes_a_day: int = ABSENT


class ClockRecord(Struct):
    """How far the wall clock may be from UTC, ns, ABSENT when nobody says."""

    synchronised: bool = False
    max_error_ns: int = ABSENT
    estimated_error_ns: int = ABSENT


class Restart(Struct):
    """One start of the core: its epoch, when, and what recovery found."""

    epoch: int
    ts_ns: int
    note: str
    recovered_seq: int
    cut_bytes: int


class CommandResult(Struct):
    """The first and only answer to a command id."""

    status: str
    reason: str
    kind: str


class Counters(Struct):
    """Counted from the journal's first event."""

    quotes: int = 0
    orders: int = 0
    denied: int = 0
    fills: int = 0
    events: int = 0
    trades: int = 0
    """Public trades, which are not our fills."""
