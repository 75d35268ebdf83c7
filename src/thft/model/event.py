"""Every event that may stand in a journal, as immutable structs; used by all rooms above.

An input is what happened to the engine; an outcome is what the kernel decided because of it and
carries `cause`, the sequence number of that input. `ExecutionReport` is an input when a venue sent
it (cause 0) and an outcome when the paper venue produced it. TYPE and VERSION name the layout in
the journal: a layout never changes, a new field is a new version (see `codec`).
"""

from __future__ import annotations

from thft.base import frame
from thft.model.event_base import Event as Event
from thft.model.fixed import ABSENT
from thft.model.order_event import CancelRequested as CancelRequested
from thft.model.order_event import ExecutionReport as ExecutionReport
from thft.model.order_event import Fill as Fill
from thft.model.order_event import OrderDenied as OrderDenied
from thft.model.order_event import OrderSubmitted as OrderSubmitted
from thft.model.order_event import OrderUnknown as OrderUnknown
from thft.model.order_event import PositionChanged as PositionChanged
from thft.model.order_event import ReplaceReport as ReplaceReport
from thft.model.order_event import ReplaceRequested as ReplaceRequested
from thft.model.symbol_event import SymbolBlocked as SymbolBlocked
from thft.model.symbol_event import SymbolConfirmed as SymbolConfirmed
from thft.model.symbol_event import SymbolSpecified as SymbolSpecified

# ---- market ------------------------------------------------------------------------------------


class Quote(Event, frozen=True):
    """Top of book of one instrument at one feed; prices 1e-9, sizes 1e-8, ABSENT when missing."""

    TYPE = 0x0101
    STREAM = frame.MARKET
    feed: int
    instrument: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    venue_ts_ns: int = ABSENT
    venue_seq: int = 0


class Depth(Event, frozen=True):
    """One verified venue message of (price, size) levels; size 0 removes, reset replaces all."""

    TYPE = 0x0102
    STREAM = frame.MARKET
    feed: int
    instrument: int
    reset: bool
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    venue_ts_ns: int = ABSENT
    venue_seq: int = 0


class TradePrint(Event, frozen=True):
    """One public trade as the venue printed it (never ours: that is a Fill).

    Price 1e-9, size 1e-8. `aggressor` is the side that took: 1 bought, -1 sold, 0 not said.
    """

    TYPE = 0x0107
    STREAM = frame.MARKET
    feed: int
    instrument: int
    price: int
    size: int
    aggressor: int = 0
    venue_ts_ns: int = ABSENT
    venue_trade_id: int = 0
    """The venue's number, 0 without one; of a textual id its digest (`fixed.trade_id`)."""


class FeedState(Event, frozen=True):
    """A feed's session state and, in words, why."""

    TYPE = 0x0103
    STREAM = frame.SESSION
    feed: int
    state: str
    reason: str


class FeedFault(Event, frozen=True):
    """One integrity fault: gap, checksum, malformed, oversize, crossed_book, unknown_message …"""

    TYPE = 0x0104
    STREAM = frame.SESSION
    feed: int
    instrument: int
    fault: str
    detail: str


class FeedStamps(Event, frozen=True):
    """What stamps a feed's messages from here on: `kernel` (at the socket) or `user` (at its read).

    Every start begins with `user`; execution reports are always stamped when they are taken.
    """

    TYPE = 0x0105
    STREAM = frame.SESSION
    feed: int
    source: str


class ConnectAttempted(Event, frozen=True):
    """An attempt to connect begins; a venue's budget counts it, also after a restart."""

    TYPE = 0x0106
    STREAM = frame.SESSION
    feed: int
    link: str
    """Of the feed's dialect; empty where it has one connection."""


# ---- control -----------------------------------------------------------------------------------


class CoreStarted(Event, frozen=True):
    """One start of the core process: who, under which epoch and which code."""

    TYPE = 0x0201
    instance: str
    epoch: int
    mode: str
    version: str
    code_hash: str
    seed: int
    recovered_seq: int
    cut_bytes: int
    note: str


class ClockStepped(Event, frozen=True):
    """The wall clock moved against the monotonic one by `delta_ns`; engine time did not."""

    TYPE = 0x0202
    delta_ns: int


class ClockMeasured(Event, frozen=True):
    """How far the wall clock may be from UTC, ns, and whether a time service disciplines it.

    ABSENT where the system does not say. Stamps are no better than this against other clocks.
    """

    TYPE = 0x0213
    synchronised: bool
    max_error_ns: int
    estimated_error_ns: int


class InstrumentDefined(Event, frozen=True):
    """A canonical instrument; `pip` and `tick` are prices at 1e-9, sizes at 1e-8."""

    TYPE = 0x0203
    instrument: int
    symbol: str
    digits: int
    pip: int
    tick: int
    min_size: int
    step_size: int
    currency: str


class FeedDefined(Event, frozen=True):
    """A feed: one subscription source of a venue; role is fast, slow or empty."""

    TYPE = 0x0204
    feed: int
    name: str
    venue: str
    role: str
    symbols: tuple[tuple[int, str], ...]
    """(instrument, venue_symbol) pairs the feed carries."""


class AccountDefined(Event, frozen=True):
    """A trading account: kind paper or venue, model netting or hedging, prices from `feed`."""

    TYPE = 0x0205
    account: str
    kind: str
    model: str
    currency: str
    feed: int
    commission: int
    """Money at 1e-9 per 1,000,000 of notional, each side."""
    latency_min_ns: int
    latency_max_ns: int
    ack_timeout_ns: int


class RiskLimitsSet(Event, frozen=True):
    """The limits of the risk gate; sizes at 1e-8, 0 = no limit."""

    TYPE = 0x0206
    max_order_size: int
    max_position: int
    max_orders_per_s: int
    max_open_orders: int


class StrategyLoaded(Event, frozen=True):
    """A strategy instance as configured: its class, code hash, parameters and their JSON Schema."""

    TYPE = 0x0207
    strategy: str
    kind: str
    code_hash: str
    params: bytes
    schema: bytes
    enabled: bool


class StrategyDisabled(Event, frozen=True):
    """A strategy stopped being called from this event on; reason in words."""

    TYPE = 0x0208
    cause: int
    strategy: str
    reason: str
    by: str
    """operator, error, budget or limit."""


class StrategyEnabled(Event, frozen=True):
    """A strategy is called again from the next event on."""

    TYPE = 0x0209
    cause: int
    strategy: str


class StrategyParamsSet(Event, frozen=True):
    """A whole new parameter set took effect between two events."""

    TYPE = 0x020A
    cause: int
    strategy: str
    revision: int
    params: bytes


class KillSwitchSet(Event, frozen=True):
    """The kill switch moved; while on, nothing that adds risk leaves."""

    TYPE = 0x020B
    cause: int
    on: bool
    reason: str


class DurabilityChanged(Event, frozen=True):
    """The journal's durability became OK or DEGRADED; degraded blocks new risk."""

    TYPE = 0x020C
    degraded: bool
    reason: str


class DiskLevelChanged(Event, frozen=True):
    """Room on the journal's disk became OK, LOW (an alert) or FULL (no new risk)."""

    TYPE = 0x0212
    level: str
    reason: str


class StateHashed(Event, frozen=True):
    """SHA-256 of the state at this point and of all outcomes since the journal began."""

    TYPE = 0x020D
    cause: int
    state_hash: bytes
    outcome_hash: bytes


class AccountState(Event, frozen=True):
    """An account's readiness as its gateway proved it; only READY accounts take new risk."""

    TYPE = 0x020E
    account: str
    state: str
    reason: str
    session: int
    """Counts the account's logons; bytes of an older session can no longer arrive."""


class AccountHalted(Event, frozen=True):
    """The engine stopped trading an account: something on it is not ours; needs a person."""

    TYPE = 0x0210
    cause: int
    account: str
    reason: str


class StrategySlow(Event, frozen=True):
    """A handler overran its time budget (wall time, so an input): the strategy is DEGRADED."""

    TYPE = 0x020F
    strategy: str
    elapsed_ns: int


class StrategyStuck(Event, frozen=True):
    """The core before this one had to be ended inside this strategy's code: it starts DISABLED."""

    TYPE = 0x0211
    strategy: str
    reason: str


# ---- timers ------------------------------------------------------------------------------------


class TimerArmed(Event, frozen=True):
    """A timer was set; `kind` says who reacts, `ref` names the order, strategy timer or account."""

    TYPE = 0x0301
    cause: int
    timer: int
    due_ns: int
    kind: str
    ref: str


class TimerFired(Event, frozen=True):
    """A timer's due time was reached; appended before the first input at or after it."""

    TYPE = 0x0302
    timer: int
    due_ns: int
    kind: str
    ref: str


# ---- metrics -----------------------------------------------------------------------------------


class MetricSnapshot(Event, frozen=True):
    """One second of one node, feed, account or strategy: names with integer values."""

    TYPE = 0x0601
    STREAM = frame.METRICS
    cause: int
    kind: str
    id: str
    values: tuple[tuple[str, int], ...]


class DiskMeasured(Event, frozen=True):
    """Free bytes on the journal's disk and the journal's growth of a day, ABSENT when not known."""

    TYPE = 0x0602
    STREAM = frame.METRICS
    free_bytes: int
    bytes_a_day: int


# ---- commands ----------------------------------------------------------------------------------


class CommandReceived(Event, frozen=True):
    """A command taken from the api's log; `api_seq` is the core's cursor in that log."""

    TYPE = 0x0701
    STREAM = frame.COMMANDS
    api_seq: int
    command_id: str
    kind: str
    body: bytes
    """JSON."""
    actor: str


class CommandDone(Event, frozen=True):
    """The command's one answer: done or refused, with the reason in words."""

    TYPE = 0x0702
    STREAM = frame.COMMANDS
    cause: int
    command_id: str
    status: str
    reason: str
