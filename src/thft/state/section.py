"""The state as canonical bytes and back, for snapshots and the state hash; kernel, api call."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from thft.model import event as ev
from thft.model.book import DepthBook, TopBook
from thft.model.instrument import Instrument
from thft.model.order import Order
from thft.model.position import Position
from thft.state.fold import State
from thft.state.records import (
    AccountRecord,
    ClockRecord,
    CommandResult,
    Counters,
    DiskRecord,
    Durability,
    FeedRecord,
    KillSwitch,
    Restart,
    StrategyRecord,
)
from thft.state.symbols import SymbolRecord

Levels = list[tuple[int, int]]


class StateSection(Struct, array_like=True):
    """Every container of the state as a list in its own order."""

    seq: int
    ts_ns: int
    mode: str
    instance: str
    epoch: int
    instruments: list[Instrument]
    feeds: list[FeedRecord]
    accounts: list[AccountRecord]
    books: list[tuple[int, ...]]
    depths: list[tuple[int, int, Levels, Levels]]
    orders: list[Order]
    closed_orders: list[Order]
    positions: list[Position]
    strategies: list[StrategyRecord]
    risk: ev.RiskLimitsSet
    kill: KillSwitch
    durability: Durability
    commands: list[tuple[str, CommandResult]]
    pending_commands: list[tuple[int, ev.CommandReceived]]
    api_seq: int
    counters: Counters
    restarts: list[Restart]
    disk: DiskRecord
    clock: ClockRecord
    symbols: list[SymbolRecord] = []


def state_section(state: State) -> bytes:
    """Returns the state as canonical MessagePack: same state, same bytes."""
    section = StateSection(
        state.seq,
        state.ts_ns,
        state.mode,
        state.instance,
        state.epoch,
        list(state.instruments.values()),
        list(state.feeds.values()),
        list(state.accounts.values()),
        [book.record() for book in state.books.values()],
        [(*key, depth.bids(), depth.asks()) for key, depth in state.depths.items()],
        list(state.orders.values()),
        list(state.closed_orders.values()),
        list(state.positions.values()),
        list(state.strategies.values()),
        state.risk,
        state.kill,
        state.durability,
        list(state.commands.items()),
        list(state.pending_commands.items()),
        state.api_seq,
        state.counters,
        state.restarts,
        state.disk,
        state.clock,
        list(state.symbols.values()),
    )
    return msgspec.msgpack.encode(section, order="deterministic")


def restore_state(data: bytes) -> State:
    """Returns the state of a section; raises msgspec.ValidationError when it is not one."""
    section = msgspec.msgpack.decode(data, type=StateSection)
    state = State()
    state.seq, state.ts_ns, state.mode = section.seq, section.ts_ns, section.mode
    state.instance, state.epoch = section.instance, section.epoch
    state.instruments = {item.instrument: item for item in section.instruments}
    state.feeds = {item.definition.feed: item for item in section.feeds}
    state.accounts = {item.definition.account: item for item in section.accounts}
    for record in section.books:
        book = state.books[record[0], record[1]] = TopBook(record[0], record[1])
        book.restore(record)
    for feed, instrument, bids, asks in section.depths:
        depth = state.depths[feed, instrument] = DepthBook()
        depth.apply(True, tuple(bids), tuple(asks))
    state.orders = {item.client_order_id: item for item in section.orders}
    for order in section.closed_orders:
        state.closed_orders[order.client_order_id] = order
    state.positions = {
        (item.account, item.instrument, item.position_id): item for item in section.positions
    }
    for item in section.positions:
        net = (item.account, item.instrument)
        state.net_sizes[net] = state.net_sizes.get(net, 0) + item.size
    state.strategies = {item.strategy: item for item in section.strategies}
    state.risk, state.kill, state.durability = section.risk, section.kill, section.durability
    state.commands = dict(section.commands)
    state.pending_commands = dict(section.pending_commands)
    state.api_seq, state.counters, state.restarts = (
        section.api_seq,
        section.counters,
        section.restarts,
    )
    state.disk, state.clock = section.disk, section.clock
    state.symbols = {(one.holds.feed, one.holds.instrument): one for one in section.symbols}
    return state
