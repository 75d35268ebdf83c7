"""What a core does beside trading: health, snapshots, sealing, retention; loops run by runner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING

from thft.base.errors import LocalError
from thft.core.room import FULL, Room
from thft.host.clock import EngineClock
from thft.host.clock_error import clock_error
from thft.kernel import snapshot
from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.stream.disk import JournalFull, RealDisk
from thft.stream.group.acks import BadNotice, acknowledged
from thft.stream.layout import DamagedLog
from thft.stream.retention import removal
from thft.stream.segment import log_identity
from thft.stream.snapshot import FOLDER, BadSnapshot, Snapshot, SnapshotStore

if TYPE_CHECKING:
    from thft.core.runner import Core

SNAPSHOT_EVERY_S = 30.0
HEALTH_EVERY_S = 0.1
ROOM_EVERY_S = 1.0
CLOCK_EVERY_S = 1.0
CLOCK_TOLD_LOOKS = 60
"""Every so many looks the clock's error is told, and at once when its discipline changes."""
TURNING_EVERY_S = 1.0
SEAL_EVERY_S = 5.0
RETENTION_EVERY_S = 600.0
GIVE_WAY_S = 0.001
SECOND_NS, DAY_S = 1_000_000_000, 86_400

log = logging.getLogger("thft.core")


class Stopping(LocalError):
    """The core ends; what was begun is left for the next one."""


class Upkeep:
    """The loops of one core that keep it healthy."""

    def __init__(self, core: Core) -> None:
        self._core = core
        before = core.kernel.state.disk
        self._room = Room(core.directory / "core", core.config.journal, before)
        self._log = RealDisk(core.directory / "core")
        self._snapshots = SnapshotStore(self._log.folder(FOLDER))
        self._retention = core.config.retention
        self._stopping = threading.Event()
        self._working = threading.Lock()
        """Held by the thread that changes segments, so that none does when the log is let go."""

    def work(self) -> list[Coroutine[None, None, None]]:
        """Returns the loops; each runs until it is cancelled and ends only by failing."""
        return [
            self._keep_turning(),
            self._keep_healthy(),
            self._keep_room(),
            self._keep_clock(),
            self._keep_snapshots(),
            self._keep_sealed(),
            *([self._keep_retention()] if self._retention.tick_days else []),
        ]

    async def _keep_turning(self) -> None:
        while True:
            self._core.turning()
            await asyncio.sleep(TURNING_EVERY_S)

    async def _keep_room(self) -> None:
        """Turns the room on the disk into inputs."""
        core = self._core
        while True:
            for news in self._room.look(core.journal.grown_bytes):
                core.kernel.process(news, core.now_ns())
            core.turn_end()
            await asyncio.sleep(ROOM_EVERY_S)

    async def _keep_clock(self) -> None:
        """Turns what the kernel knows of the wall clock's error into inputs."""
        core, told, looks = self._core, None, 0
        while True:
            found = clock_error()
            synchronised = found.synchronised if found is not None else False
            if synchronised is not told or looks % CLOCK_TOLD_LOOKS == 0:
                told = synchronised
                errors = found[1:] if found is not None else (ABSENT, ABSENT)
                core.kernel.process(ev.ClockMeasured(synchronised, *errors), core.now_ns())
                core.turn_end()
            looks += 1
            await asyncio.sleep(CLOCK_EVERY_S)

    def _disk_trouble(self) -> str:
        """Returns why the disk forbids new risk, empty when it does not."""
        waiting = self._core.journal.unsynced_bytes
        if waiting > self._core.config.journal.unsynced_mib << 20:
            return f"{waiting >> 20} MiB wait for the disk"
        return self._room.reason if self._room.level == FULL else ""

    async def _keep_healthy(self) -> None:
        """Turns what the host sees (disk, clock, slow handlers) into inputs."""
        core = self._core
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            trouble = self._disk_trouble()
            if bool(trouble) != core.kernel.state.durability.degraded:
                news = ev.DurabilityChanged(bool(trouble), trouble or "the disk keeps up again")
                core.kernel.process(news, core.now_ns())
            if isinstance(core.clock, EngineClock) and (step := core.clock.step_ns()):
                core.kernel.process(ev.ClockStepped(step), core.now_ns())
            for strategy, elapsed_ns in core.watchdog.take_slow():
                core.kernel.process(ev.StrategySlow(strategy, elapsed_ns), core.now_ns())
            core.turn_end()

    async def _keep_snapshots(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_EVERY_S)
            await self.save_snapshot()

    async def _keep_sealed(self) -> None:
        """Compresses full segments, one after the other, beside the kernel."""
        while True:
            await asyncio.sleep(SEAL_EVERY_S)
            with tolerating_full_disk("a segment was not sealed"):
                while name := await asyncio.to_thread(self._seal_one):
                    log.info("sealed %s", name)

    def _seal_one(self) -> str:
        with self._working:
            return "" if self._stopping.is_set() else self._core.journal.seal_one()

    async def stop(self) -> None:
        """Returns once no thread changes the segments any more, and none will."""
        self._stopping.set()
        await asyncio.to_thread(self._working.acquire)
        self._working.release()

    def _give_way(self) -> None:
        if self._stopping.wait(GIVE_WAY_S):
            raise Stopping("the core is ending")

    async def _keep_retention(self) -> None:
        """Removes what is older than it must be kept, once in a while."""
        while True:
            with tolerating_full_disk("nothing was removed"):
                await asyncio.to_thread(self._remove_old)
            await asyncio.sleep(RETENTION_EVERY_S)

    def _remove_old(self) -> None:
        """Removes the oldest segments as far as age, milestones and consumer groups allow."""
        before_s = self._core.now_ns() // SECOND_NS - self._retention.tick_days * DAY_S
        with self._working:
            try:
                self._give_way()
                acked = acknowledged(self._core.directory / "api", log_identity(self._log))
                cut = removal.plan(self._log, self._snapshots, before_s, acked)
                if cut is not None:
                    count = removal.remove(self._log, self._snapshots, cut, self._give_way)
                    log.info("%s segments removed, the log begins at seq %s", count, cut.first_seq)
            except (BadNotice, BadSnapshot, DamagedLog, Stopping) as error:
                log.error("nothing was removed: %s", error)

    def _milestone(self) -> int | None:
        """Returns the time of the snapshot taken now when it is the first of its UTC day."""
        now_s = self._core.kernel.lane.now_ns // SECOND_NS
        taken = self._snapshots.milestones()
        first = not taken or now_s // DAY_S > taken[-1][1] // DAY_S
        return now_s if self._retention.tick_days and first else None

    async def save_snapshot(self) -> None:
        """Saves the kernel as of now, once the journal is durable up to there."""
        kernel, journal = self._core.kernel, self._core.journal
        seq = kernel.lane.seq
        if any(slot.unwritable for slot in kernel.slots.values()):
            log.warning("no snapshot now: a strategy keeps what cannot be written")
            return  # within a second it is disabled for that
        milestone = self._milestone()
        saved = Snapshot(seq, kernel.state_hash(), snapshot.sections(kernel))
        journal.flush()
        while journal.durable_seq < seq:
            await asyncio.sleep(0.01)
            journal.syncer.check()
        with tolerating_full_disk("a snapshot was not saved"):
            await asyncio.to_thread(self._snapshots.save, saved, milestone)


@contextlib.contextmanager
def tolerating_full_disk(what: str) -> Iterator[None]:
    """Leaves for later what only a full disk forbids; the level FULL is shown by the room loop."""
    try:
        yield
    except JournalFull as full:
        log.warning("%s: %s", what, full)
