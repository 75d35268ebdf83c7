"""Every event that may stand in a journal, as immutable structs; used by all rooms above.

An input is what happened to the engine; an outcome is what the kernel decided because of it and
carries `cause`, the sequence number of that input. `ExecutionReport` is an input when a venue sent
it (cause 0) and an outcome when the paper venue produced it. TYPE and VERSION name the layout in
the journal: a layout never changes, a new field is a new version (see `codec`).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from thft.base import frame
from thft.model.fixed import ABSENT


class Event(Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """What all events share: a frame type, a layout version and the stream they belong to."""

    TYPE: ClassVar[int] = 0
    VERSION: ClassVar[int] = 1
    STREAM: ClassVar[int] = frame.CONTROL


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


# ---- orders ------------------------------------------------------------------------------------


class OrderSubmitted(Event, frozen=True):
    """The intent to trade, journaled before any byte of it leaves; price ABSENT for market."""

    TYPE = 0x0401
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    """+1 buy, -1 sell."""
    type: str
    """market or limit."""
    tif: str
    """IOC, FOK or GTC."""
    size: int
    price: int
    position_id: str
    """The position to close on a hedging account, else empty."""
    signal: int
    """The signal that decided, price at 1e-9, ABSENT when the strategy names none."""
    fast_mid: int
    decision_price: int
    """The executable price seen at decision, 1e-9."""


class OrderDenied(Event, frozen=True):
    """An order we refused ourselves; it never left. Denied is not rejected."""

    TYPE = 0x0402
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    size: int
    reason: str


class ExecutionReport(Event, frozen=True):
    """What a venue (or the paper venue, then cause > 0) says of an order; totals are cumulative."""

    TYPE = 0x0403
    STREAM = frame.ORDERS
    cause: int
    account: str
    client_order_id: str
    venue_order_id: str
    exec_id: str
    exec_type: str
    """new, trade, cancelled, rejected, expired, status, not_found; denied by our own gateway."""
    last_size: int
    last_price: int
    cum_size: int
    avg_price: int
    fee: int
    """Money at 1e-9 for this execution."""
    position_id: str
    venue_ts_ns: int
    text: str
    session: int = 0
    """The account session that answered; evidence of not_found counts only from a newer one."""


class CancelRequested(Event, frozen=True):
    """The intent to cancel, journaled before it leaves."""

    TYPE = 0x0404
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    reason: str


class OrderUnknown(Event, frozen=True):
    """No answer in time to an order or a replace: what came of it is asked for, never assumed."""

    TYPE = 0x0405
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    reason: str


class ReplaceRequested(Event, frozen=True):
    """The intent to give a working order another size or price, journaled before it leaves."""

    TYPE = 0x0407
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    number: int
    """Counts the replaces asked for of this order, from 1."""
    size: int
    """Of the whole order, what was executed included."""
    price: int


class ReplaceReport(Event, frozen=True):
    """What a venue, the paper venue (cause > 0) or we ourselves say of an order's size and price.

    Outcomes: replaced; refused by the venue; denied by us, it never left; stands: what a report
    about something else says they are.
    """

    TYPE = 0x0408
    STREAM = frame.ORDERS
    cause: int
    account: str
    client_order_id: str
    number: int
    """The request it is about or under whose number the order stands, 0 for none, -1 unsaid."""
    outcome: str
    size: int
    price: int
    venue_ts_ns: int
    text: str
    session: int
    """As in ExecutionReport: evidence against a replace counts only from a newer session."""


class Fill(Event, frozen=True):
    """One execution booked once: size and price of it, fee and what it realised (money 1e-9)."""

    TYPE = 0x0406
    STREAM = frame.ORDERS
    cause: int
    client_order_id: str
    exec_id: str
    strategy: str
    account: str
    instrument: int
    side: int
    size: int
    price: int
    fee: int
    realised: int
    position_id: str


class PositionChanged(Event, frozen=True):
    """A position after a fill: signed size 1e-8, average price 1e-9, realised money 1e-9."""

    TYPE = 0x0501
    STREAM = frame.POSITIONS
    cause: int
    account: str
    instrument: int
    position_id: str
    size: int
    avg_price: int
    realised: int


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
