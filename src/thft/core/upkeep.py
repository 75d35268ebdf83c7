"""What a core does beside trading: health inputs, snapshots, sealing; loops started by runner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from thft.core.recover import SNAPSHOTS
from thft.host.clock import EngineClock
from thft.kernel import snapshot
from thft.model import event as ev
from thft.stream.snapshot import Snapshot, SnapshotStore

if TYPE_CHECKING:
    from thft.core.runner import Core

SNAPSHOT_EVERY_S = 30.0
HEALTH_EVERY_S = 0.1
TURNING_EVERY_S = 1.0
SEAL_EVERY_S = 5.0

log = logging.getLogger("thft.core")


class Upkeep:
    """The loops of one core that keep it healthy."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._snapshots = SnapshotStore(core.directory / "core" / SNAPSHOTS)

    def work(self) -> list[Coroutine[None, None, None]]:
        """Returns the loops; each runs until it is cancelled and ends only by failing."""
        return [
            self._keep_turning(),
            self._keep_healthy(),
            self._keep_snapshots(),
            self._keep_sealed(),
        ]

    async def _keep_turning(self) -> None:
        while True:
            self._core.turning()
            await asyncio.sleep(TURNING_EVERY_S)

    async def _keep_healthy(self) -> None:
        """Turns what the host sees (disk, clock, slow handlers) into inputs."""
        core = self._core
        bound = core.config.journal.unsynced_mib << 20
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            waiting = core.journal.unsynced_bytes
            degraded = core.kernel.state.durability.degraded
            if degraded != (waiting > bound):
                reason = f"{waiting >> 20} MiB wait for the disk" if not degraded else "caught up"
                core.kernel.process(ev.DurabilityChanged(not degraded, reason), core.now_ns())
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
            while name := await asyncio.to_thread(self._core.journal.seal_one):
                log.info("sealed %s", name)

    async def save_snapshot(self) -> None:
        """Saves the kernel as of now, once the journal is durable up to there."""
        kernel, journal = self._core.kernel, self._core.journal
        seq = kernel.lane.seq
        saved = Snapshot(seq, kernel.state_hash(), snapshot.sections(kernel))
        journal.flush()
        while journal.durable_seq < seq:
            await asyncio.sleep(0.01)
            journal.syncer.check()
        await asyncio.to_thread(self._snapshots.save, saved)
