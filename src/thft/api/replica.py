"""A copy of the engine's state, folded from the core's journal; served by routes and channels.

It follows the log by its doorbell. It cannot decide anything: it only applies what was decided.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from thft.api import rows
from thft.api.chart import DeltaChart
from thft.api.notices import notice
from thft.base.errors import ThftError
from thft.base.frame import LOG_TYPES, Frame
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.position import Position
from thft.state.fold import State
from thft.state.section import restore_state
from thft.stream.disk import FileMissing, RealDisk
from thft.stream.reader import LogPruned, LogReader
from thft.stream.retention.root import read_root
from thft.stream.snapshot import FOLDER, SnapshotStore
from thft.stream.watermark import Doorbell

NEWEST = 50
WAIT_S = 0.5
GATHER_S = 0.005
"""Frames that arrive within this time are pushed together."""
BATCH_FRAMES = 4_096

Push = Callable[[dict[str, Any]], None]


class Replica:
    """State, the newest fills, notices and denied orders, and the delta chart."""

    def __init__(self, core: Path) -> None:
        self.core = core
        self.state = State()
        self.error = ""
        """Why following has ended, which only damage can bring about."""
        self.chart = DeltaChart()
        self.fills: deque[rows.Row] = deque(maxlen=NEWEST)
        self.denied: deque[rows.Row] = deque(maxlen=NEWEST)
        self.notices: deque[rows.Row] = deque(maxlen=NEWEST)
        self.ticks_per_s: dict[str, int] = {}
        self.strategy_counters: dict[str, dict[str, int]] = {}
        self.brokers: dict[str, dict[str, int]] = {}
        """What each account's broker has said last, and when."""
        self.changed_books: set[tuple[int, int]] = set()
        self._done: dict[str, asyncio.Future[None]] = {}
        self._feed_quotes: dict[str, int] = {}

    # ---- following -----------------------------------------------------------------------------

    async def follow(self, push: Push) -> None:
        """Folds what is written, then what comes, until cancelled."""
        while not (self.core / "watermark").exists():
            await asyncio.sleep(0.05)
        while True:
            try:
                await self._follow_from(self._begin(), push)
            except (LogPruned, FileMissing):  # a removal came between; the new root leads on
                await asyncio.sleep(0.05)
            except ThftError as error:
                self.error = str(error)
                raise

    def _begin(self) -> int:
        """Takes the state of the log's root, if it has one; returns the seq it stands at."""
        disk = RealDisk(self.core)
        root = read_root(disk)
        if root is None:
            return 0
        saved = SnapshotStore(disk.folder(FOLDER)).at(root.snapshot_seq)
        self.state = restore_state(saved.sections["state"])
        return saved.seq

    async def _follow_from(self, seq: int, push: Push) -> None:
        reader = LogReader(self.core, seq)
        bell = Doorbell(self.core)
        rung = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(bell.fileno(), rung.set)
        try:
            while True:
                frames = reader.read(BATCH_FRAMES)
                if not frames:
                    bell.arm()
                    frames = reader.read(BATCH_FRAMES)
                if frames:
                    self.fold(frames, push)
                    await asyncio.sleep(GATHER_S if len(frames) < BATCH_FRAMES else 0)
                    continue
                rung.clear()
                bell.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(WAIT_S):  # wait_for may swallow our cancellation
                        await rung.wait()
        finally:
            loop.remove_reader(bell.fileno())
            bell.close()
            reader.close()

    def fold(self, frames: Iterable[Frame], push: Push) -> None:
        """Applies frames in order and pushes the rows they changed."""
        changes: dict[tuple[str, Any], rows.Row] = {}
        for frame in frames:
            if frame.type >= LOG_TYPES:
                continue
            event = decode(frame.type, frame.version, frame.payload)
            self.state.apply(event, frame.seq, frame.recv_ts_ns)
            if isinstance(event, ev.Quote | ev.Depth):
                self.changed_books.add((event.feed, event.instrument))
                self.chart.sample(self.state, event.instrument, frame.recv_ts_ns)
                continue
            if isinstance(event, ev.TradePrint):
                continue  # no row of a page shows trades
            self._note(event, frame, changes)
        for (kind, _), row in changes.items():
            push(self._message(kind, row))
        if any(kind in ("fill", "metrics") for kind, _ in changes):
            push(self._message("totals", rows.totals_row(self.state)))

    def _message(self, kind: str, row: rows.Row) -> dict[str, Any]:
        state = self.state
        return {"type": kind, "seq": state.seq, "ts_ns": state.ts_ns, "row": row}

    def _note(
        self, event: ev.Event, frame: Frame, changes: dict[tuple[str, Any], rows.Row]
    ) -> None:
        said = notice(self.state, event)
        if said is not None:
            kind, severity, text = said
            row = {
                "seq": frame.seq,
                "ts_ns": frame.recv_ts_ns,
                "kind": kind,
                "severity": severity,
                "text": text,
            }
            self.notices.append(row)
            changes["event", frame.seq] = row
        for kind, key, row in self._changed(event, frame):
            changes.pop((kind, key), None)  # a later change of the same row goes to its own place
            changes[kind, key] = row

    def _changed(self, event: ev.Event, frame: Frame) -> Iterable[tuple[str, Any, rows.Row]]:
        """Yields (kind, key, row) for every row an event has changed."""
        state = self.state
        if isinstance(
            event,
            ev.OrderSubmitted
            | ev.ExecutionReport
            | ev.CancelRequested
            | ev.ReplaceRequested
            | ev.ReplaceReport
            | ev.OrderUnknown,
        ):
            order = state.order(event.client_order_id)
            if order is not None:
                yield "order", order.client_order_id, rows.order_row(state, order)
        elif isinstance(event, ev.OrderDenied):
            row = rows.denied_row(state, event, frame.seq, frame.recv_ts_ns)
            self.denied.append(row)
            yield "order", event.client_order_id, row
        elif isinstance(event, ev.Fill):
            row = rows.fill_row(state, event, frame.seq, frame.recv_ts_ns)
            self.fills.append(row)
            yield "fill", frame.seq, row
        elif isinstance(event, ev.PositionChanged):
            key = (event.account, event.instrument, event.position_id)
            position = state.positions.get(key)
            if position is None:  # closed, and as it has an id it is kept no longer
                position = Position(*key, realised=event.realised, updated_ns=frame.recv_ts_ns)
            yield "position", key, rows.position_row(state, position)
        elif isinstance(event, ev.MetricSnapshot):
            yield from self._metric(event)
        elif isinstance(
            event,
            ev.FeedState | ev.FeedFault | ev.FeedDefined | ev.SymbolBlocked | ev.SymbolConfirmed,
        ):
            yield from self._feed(event.feed)
        elif isinstance(event, ev.AccountDefined | ev.AccountState | ev.AccountHalted):
            yield from self._account(event.account)
        elif isinstance(
            event,
            ev.StrategyLoaded
            | ev.StrategyDisabled
            | ev.StrategyEnabled
            | ev.StrategyParamsSet
            | ev.StrategySlow,
        ):
            yield "strategy", event.strategy, self.strategy_row(event.strategy)
        elif isinstance(event, ev.KillSwitchSet):
            yield "kill", "", rows.kill_row(state)
        elif isinstance(event, ev.DurabilityChanged):
            yield "durability", "", self.durability_row()
        elif isinstance(event, ev.DiskMeasured | ev.DiskLevelChanged):
            yield "disk", "", rows.disk_row(self.state)
        elif isinstance(event, ev.CoreStarted):
            yield "restart", event.epoch, self.restart_rows()[-1]
        elif isinstance(event, ev.CommandDone):
            self._command_done(event)

    def _feed(self, feed: int) -> Iterable[tuple[str, Any, rows.Row]]:
        record = self.state.feeds.get(feed)
        if record is not None:
            name = record.definition.name
            yield "feed", name, rows.feed_row(self.state, record, self.ticks_per_s.get(name))

    def _account(self, account: str) -> Iterable[tuple[str, Any, rows.Row]]:
        record = self.state.accounts[account]
        yield "account", account, rows.account_row(self.state, record, self.brokers.get(account))

    def _metric(self, event: ev.MetricSnapshot) -> Iterable[tuple[str, Any, rows.Row]]:
        values = dict(event.values)
        if event.kind == "feed":
            before = self._feed_quotes.get(event.id)
            self._feed_quotes[event.id] = values["quotes"]
            if before is not None:
                self.ticks_per_s[event.id] = values["quotes"] - before
            for feed, record in self.state.feeds.items():
                if record.definition.name == event.id:
                    yield from self._feed(feed)
        elif event.kind == "broker":
            self.brokers[event.id] = {**values, "at_ns": self.state.ts_ns}
            if event.id in self.state.accounts:
                yield from self._account(event.id)
        elif event.kind == "strategy":
            self.strategy_counters[event.id] = values
            yield "strategy", event.id, self.strategy_row(event.id)
        yield "metrics", (event.kind, event.id), {"kind": event.kind, "id": event.id, **values}

    # ---- commands ------------------------------------------------------------------------------

    def _command_done(self, event: ev.CommandDone) -> None:
        waiting = self._done.pop(event.command_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def command_done(self, command_id: str, timeout_s: float) -> bool:
        """Returns whether the core has answered a command, waiting up to `timeout_s`."""
        if command_id in self.state.commands:
            return True
        waiting = self._done.setdefault(command_id, asyncio.get_running_loop().create_future())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), timeout_s)
        return command_id in self.state.commands

    # ---- reading -------------------------------------------------------------------------------

    def strategy_row(self, strategy: str) -> rows.Row:
        """Returns a strategy's row with the counters of its last metric snapshot."""
        counters = self.strategy_counters.get(strategy, {})
        return rows.strategy_row(self.state.strategies[strategy], counters)

    def durability_row(self) -> rows.Row:
        """Returns whether the disk keeps up, with the marks of the core's side file."""
        durability = self.state.durability
        return {
            "state": "DEGRADED" if durability.degraded else "OK",
            "reason": durability.reason,
            **self.marks(),
        }

    def marks(self) -> rows.Row:
        """Returns the written and durable marks, null before the core's first start."""
        try:
            content = (self.core / "watermark").read_bytes()[:16]
        except OSError:
            return {"written_seq": None, "durable_seq": None}
        written, durable = (
            int.from_bytes(content[:8], "little"),
            int.from_bytes(content[8:], "little"),
        )
        return {"written_seq": written, "durable_seq": durable}

    def restart_rows(self) -> list[rows.Row]:
        """Returns the starts of the core, oldest first."""
        return [
            {
                "epoch": start.epoch,
                "ts_ns": start.ts_ns,
                "cause": start.note,
                "recovered_seq": start.recovered_seq,
                "cut_bytes": start.cut_bytes,
            }
            for start in self.state.restarts
        ]

    def order_rows(self) -> list[rows.Row]:
        """Returns the newest orders, newest first: working, ended and denied ones."""
        state = self.state
        newest = list(state.orders.values())[-NEWEST:]
        newest += list(state.closed_orders.values())[-NEWEST:]
        found = [rows.order_row(state, order) for order in newest] + list(self.denied)
        return sorted(found, key=lambda row: int(row["seq"]), reverse=True)[:NEWEST]

    def quote_rows(self, books: Iterable[tuple[int, int]]) -> list[rows.Row]:
        """Returns the top of these books."""
        state = self.state
        return [rows.quote_row(state, state.books[key]) for key in books]

    def feed_rows(self) -> list[rows.Row]:
        """Returns all feeds."""
        return [row for feed in self.state.feeds for _, _, row in self._feed(feed)]

    def account_rows(self) -> list[rows.Row]:
        """Returns all accounts."""
        return [row for name in self.state.accounts for _, _, row in self._account(name)]

    def snapshot(self) -> dict[str, Any]:
        """Returns everything the page begins with."""
        state = self.state
        return {
            "type": "snapshot",
            "seq": state.seq,
            "ts_ns": state.ts_ns,
            "mode": state.mode,
            "feeds": self.feed_rows(),
            "accounts": self.account_rows(),
            "quotes": self.quote_rows(state.books),
            "strategies": [self.strategy_row(name) for name in state.strategies],
            "orders": self.order_rows(),
            "fills": list(reversed(self.fills)),
            "positions": [rows.position_row(state, one) for one in state.positions.values()],
            "kill": rows.kill_row(state),
            "durability": self.durability_row(),
            "disk": rows.disk_row(self.state),
            "totals": rows.totals_row(state),
            "counters": {
                "quotes": state.counters.quotes,
                "orders": state.counters.orders,
                "denied": state.counters.denied,
                "fills": state.counters.fills,
                "events": state.counters.events,
            },
            "events": list(reversed(self.notices)),
            "restarts": self.restart_rows(),
            "core": self.core_row(),
        }

    def core_row(self) -> rows.Row:
        """Returns whether the core process lives, by the id in the lock it holds."""
        try:
            pid = int((self.core / "lock").read_text().strip() or 0)
        except (OSError, ValueError):
            pid = 0
        restarts = max(len(self.state.restarts) - 1, 0)
        return {"alive": _lives(pid), "pid": pid or None, "restarts": restarts}


def _lives(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it exists and belongs to someone else
    return True
