"""Every type of frame as a record; used by both ends.

Prices are int 1e-9, lots int 1e-8, money int 1e-9, ABSENT where a field is empty; times are ms.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

VERSION = 1
Price: TypeAlias = int
Lots: TypeAlias = int
Money: TypeAlias = int
Count: TypeAlias = int
"""A number that must be there."""
Whole: TypeAlias = int
"""A number, 0 when it is not said."""


class Hello(NamedTuple):
    """From the EA: who it is; text as it came, for the proofs."""

    version: str
    platform: str
    key_id: str
    session: str
    nonce: str
    account: str
    server: str
    company: str
    currency: str
    leverage: Whole
    margin_mode: str
    build: Whole
    ea_version: str
    time_gmt: Count
    time_server: Count


class Challenge(NamedTuple):
    """From the engine: prove it."""

    version: str
    nonce: str
    time_ms: Count


class Auth(NamedTuple):
    """From the EA: its proof."""

    proof: str


class Welcome(NamedTuple):
    """From the engine: its own proof, and terms."""

    proof: str
    heartbeat_ms: Count
    silence_ms: Count


class Reject(NamedTuple):
    """From the engine: no, and the connection ends."""

    code: str
    words: str


class Bye(NamedTuple):
    """From either: the connection ends."""

    code: str
    words: str


class Ping(NamedTuple):
    """From the engine."""

    n: Count
    time_ms: Count


class Pong(NamedTuple):
    """From the EA, at once."""

    n: Count
    time_ms: Count
    last_seq: Count


class Heart(NamedTuple):
    """From the EA: how terminal and account are."""

    time_gmt: Count
    time_server: Count
    time_mono: Count
    last_seq: Count
    connected: bool
    ping_us: Whole
    allowed_terminal: bool
    allowed_ea: bool
    allowed_account: bool
    allowed_expert: bool
    balance: Money
    equity: Money
    margin: Money
    margin_free: Money
    leverage: Whole
    margin_mode: str
    reconnects: Whole
    outbox_bytes: Whole
    orders: Whole
    positions: Whole


class Subscribe(NamedTuple):
    """From the engine; `skip` ticks of exactly `from_server` are known already."""

    sub: Count
    symbol: str
    from_server: Count
    skip: Count


class Unsubscribe(NamedTuple):
    """From the engine."""

    sub: Count


class Symbol(NamedTuple):
    """From the EA: a symbol's terms."""

    sub: Count
    symbol: str
    digits: Count
    point: Price
    tick_size: Price
    tick_value: Money
    contract_size: Lots
    volume_min: Lots
    volume_max: Lots
    volume_step: Lots
    stops_level: Whole
    freeze_level: Whole
    filling: Whole
    execution: str
    trade_mode: str
    currency_base: str
    currency_profit: str
    currency_margin: str


class NoSymbol(NamedTuple):
    """From the EA: the terminal has no such symbol."""

    sub: Count
    symbol: str
    words: str


class Tick(NamedTuple):
    """One of the terminal's ticks."""

    time_server: Count
    bid: Price
    ask: Price
    last: Price
    volume: Lots
    flags: Whole


class Ticks(NamedTuple):
    """From the EA: ticks `first`, `first` + 1 … of a subscription."""

    sub: int
    first: int
    missed: int
    time_mono: int
    ticks: tuple[Tick, ...]


class Present(NamedTuple):
    """From the EA: tick `next` is the first that is not history."""

    sub: Count
    next: Count


class Gap(NamedTuple):
    """From the EA: ticks may be missing between these times."""

    sub: Count
    from_server: Count
    to_server: Count
    words: str


class Snapshot(NamedTuple):
    """From the engine: which orders and positions are there?"""

    req: Count


class History(NamedTuple):
    """From the engine: what was done; no symbol means all, no end means now."""

    req: Count
    from_server: Count
    to_server: Whole
    symbol: str


class Begin(NamedTuple):
    """From the EA: an answer begins, and how many rows it will have."""

    req: Count
    time_server: Count
    orders: Count
    positions: Count
    deals: Count


class OrderRow(NamedTuple):
    """From the EA: an order as it is, or was at its end; `req` 0 tells news."""

    req: Count
    ticket: Count
    symbol: str
    type: str
    state: str
    volume_initial: Lots
    volume_current: Lots
    price: Price
    price_stop_limit: Price
    sl: Price
    tp: Price
    expiration_server: Whole
    setup_server: Whole
    done_server: Whole
    position: Whole
    magic: Whole
    comment: str


class PositionRow(NamedTuple):
    """From the EA: a position as it is."""

    req: Count
    ticket: Count
    symbol: str
    side: str
    volume: Lots
    price: Price
    sl: Price
    tp: Price
    time_server: Whole
    profit: Money
    swap: Money
    magic: Whole
    comment: str
    parent: Whole


class DealRow(NamedTuple):
    """From the EA: an execution, or what else moved money."""

    req: Count
    ticket: Count
    order: Whole
    position: Whole
    symbol: str
    type: str
    entry: str
    volume: Lots
    price: Price
    time_server: Whole
    profit: Money
    commission: Money
    swap: Money
    fee: Money
    magic: Whole
    comment: str


class Progress(NamedTuple):
    """From the EA: how far an answer is."""

    req: Count
    done: Count
    total: Count


class End(NamedTuple):
    """From the EA: an answer is over; the counts are those of the rows it sent."""

    req: Count
    orders: Count
    positions: Count
    deals: Count
    complete: bool
    span_server: Whole


class Gone(NamedTuple):
    """From the EA: no longer in the terminal's lists."""

    kind: str
    ticket: Count


class Open(NamedTuple):
    """From the engine: a new order."""

    id: str
    magic: Count
    symbol: str
    side: str
    kind: str
    volume: Lots
    price: Price
    price_stop_limit: Price
    sl: Price
    tp: Price
    deviation: Whole
    filling: str
    time_in_force: str
    expiration_server: Whole
    position: Whole
    sent_ms: Count
    ttl_ms: Count


class Modify(NamedTuple):
    """From the engine: other prices for an order or a position."""

    id: str
    magic: Count
    what: str
    ticket: Count
    price: Price
    price_stop_limit: Price
    sl: Price
    tp: Price
    expiration_server: Whole
    sent_ms: Count
    ttl_ms: Count


class Close(NamedTuple):
    """From the engine: close a position, or a part of it."""

    id: str
    magic: Count
    ticket: Count
    volume: Lots
    deviation: Whole
    filling: str
    sent_ms: Count
    ttl_ms: Count


class CloseBy(NamedTuple):
    """From the engine: close two opposite positions by each other."""

    id: str
    magic: Count
    ticket: Count
    other: Count
    sent_ms: Count
    ttl_ms: Count


class Delete(NamedTuple):
    """From the engine: delete a pending order."""

    id: str
    magic: Count
    ticket: Count
    sent_ms: Count
    ttl_ms: Count


class Ack(NamedTuple):
    """From the EA: a command is here, nothing is done yet."""

    command: Count


class Result(NamedTuple):
    """From the EA: what the terminal said to a command."""

    command: Count
    id: str
    outcome: str
    retcode: Whole
    order: Whole
    deal: Whole
    position: Whole
    volume: Lots
    price: Price
    bid: Price
    ask: Price
    words: str
