"""The one-second metric snapshots of node, feeds, accounts and strategies; fired by the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from thft.model import event as ev
from thft.model.fixed import ABSENT, INT64_MAX

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel
    from thft.kernel.slot import StrategySlot
    from thft.model.book import TopBook

Int64 = Annotated[int, msgspec.Meta(ge=ABSENT, le=INT64_MAX)]
PERIOD_NS = 1_000_000_000
STATE_LIMIT_BYTES = 4 << 20
"""A strategy whose state has grown beyond this leaks: it is disabled before it slows the engine."""


def started(kernel: Kernel, event: ev.CoreStarted) -> None:
    """Arms the metric timer for this run; one left from an earlier run is replaced."""
    for _, timer, kind, _ in kernel.timers.record()[1]:
        if kind == "metrics":
            kernel.timers.cancel(timer)
    kernel.arm(kernel.now_ns + PERIOD_NS, "metrics", "")


def fired(kernel: Kernel) -> None:
    """Emits one snapshot per node, feed, account and strategy, and arms the next second."""
    _stop_leaks(kernel)
    kernel.sync_state()
    state, now_ns = kernel.state, kernel.now_ns
    counters = state.counters
    disk: tuple[tuple[str, int], ...] = ()
    if state.disk.free_bytes != ABSENT:
        disk = (("disk_free", state.disk.free_bytes), ("journal_a_day", state.disk.bytes_a_day))
    _emit(
        kernel,
        "node",
        "core",
        ("quotes", counters.quotes),
        ("orders", counters.orders),
        ("fills", counters.fills),
        ("denied", counters.denied),
        ("open_orders", len(state.orders)),
        *disk,
    )
    for feed, record in state.feeds.items():
        books = [book for (owner, _), book in state.books.items() if owner == feed]
        last_ns = max((book.recv_ts_ns for book in books), default=0)
        _emit(
            kernel,
            "feed",
            record.definition.name,
            ("quotes", sum(book.quotes for book in books)),
            ("crossed", sum(book.crossed_count for book in books)),
            ("locked", sum(book.locked_count for book in books)),
            ("age_ns", now_ns - last_ns if last_ns else -1),
            ("faults", sum(record.faults.values())),
        )
        _delay(kernel, feed, books)
    for name, account in state.accounts.items():
        _emit(
            kernel,
            "account",
            name,
            ("realised", account.realised),
            ("fees", account.fees),
            ("unrealised", unrealised(kernel, name)),
            ("fills", account.fills),
        )
    for name, strategy in state.strategies.items():
        slot = kernel.slots.get(name)
        extra = _counters(kernel, slot) if slot is not None else ()
        _emit(
            kernel,
            "strategy",
            name,
            ("realised", strategy.realised),
            ("orders", strategy.orders),
            ("round_trips", strategy.round_trips),
            *extra,
        )
    kernel.arm(now_ns + PERIOD_NS, "metrics", "")


def _delay(kernel: Kernel, feed: int, books: list[TopBook]) -> None:
    """Emits how the stamps of the last second's prices differ, the least of its books."""
    since_ns = kernel.now_ns - PERIOD_NS
    stamped = [
        (book.recv_ts_ns - book.venue_ts_ns, book.venue_ts_ns)
        for book in books
        if book.recv_ts_ns > since_ns and book.venue_ts_ns != ABSENT
    ]
    if stamped:
        delay_ns, venue_ts_ns = min(stamped)
        _emit(kernel, "delay", str(feed), ("delay_ns", delay_ns), ("venue_ts_ns", venue_ts_ns))


def _stop_leaks(kernel: Kernel) -> None:
    stop_unwritable(kernel)
    for slot in kernel.slots.values():
        size = len(slot.state_bytes()) if slot.enabled else 0
        if size > STATE_LIMIT_BYTES:
            limit = f"{STATE_LIMIT_BYTES >> 10} KiB are allowed"
            kernel.disable(slot.id, f"its state has grown to {size >> 10} KiB, {limit}", "limit")


def stop_unwritable(kernel: Kernel) -> None:
    """Disables strategies whose state cannot be written; to be called before it is needed."""
    for slot in kernel.slots.values():
        if reason := slot.unwritable:
            kernel.disable(slot.id, reason, "error")


def _counters(kernel: Kernel, slot: StrategySlot) -> tuple[tuple[str, int], ...]:
    """Returns what a strategy counts; one that cannot be asked is disabled."""
    try:
        return msgspec.convert(slot.strategy.counters(), tuple[tuple[str, Int64], ...])
    except Exception as error:  # noqa: BLE001 - user code may raise any
        if slot.enabled:
            kernel.strategy_failed(slot, error)
        return ()


def unrealised(kernel: Kernel, account: str) -> int:
    """Returns the account's open profit (money 1e-9) at the executable side of its feed."""
    state = kernel.state
    feed = state.accounts[account].definition.feed
    total = 0
    for (owner, instrument, _), position in state.positions.items():
        if owner == account and position.size:
            book = state.book(feed, instrument)
            total += position.unrealised(book.bid, book.ask)
    return total


def _emit(kernel: Kernel, kind: str, id: str, *values: tuple[str, int]) -> None:
    kernel.emit(ev.MetricSnapshot(kernel.cause, kind, id, values))
