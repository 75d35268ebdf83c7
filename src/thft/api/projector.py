"""The thread that carries the journal's streams into the SQL store; started by the app.

It owns the consumer group `store`. Whatever fails is shown with its cause in `error`, and tried
again after a pause that grows.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from thft.base.backoff import Backoff
from thft.base.errors import ThftError
from thft.base.prng import Prng
from thft.store.projection import CONSUMER, STREAMS, Projection
from thft.stream.disk import RealDisk
from thft.stream.group.acks import AckNotice
from thft.stream.group.embedded import EmbeddedGroup
from thft.stream.reader import LogReader
from thft.stream.retention.archive import FOLDER, archived, check_archive
from thft.stream.retention.root import read_root
from thft.stream.segment import log_identity
from thft.stream.watermark import Doorbell

BATCH = 1_024
SHOW_EVERY_S = 10.0
DISK_WAIT_S = 0.005
FILE = "store.sqlite"


class Projector:
    """Follows the log in `core` and fills the store in `folder` until it is stopped."""

    def __init__(self, core: Path, folder: Path) -> None:
        self.error = ""
        self.lag = 0
        self.store: Projection | None = None
        """None until the core has begun its log."""
        self._core = core
        self._path = folder / FILE
        self._stopping = threading.Event()
        self._backoff = Backoff(Prng(1), first_ms=500)
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread between two transactions."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except (SQLAlchemyError, ThftError, OSError) as failure:
                self.error = f"store: {failure}"
                self._stopping.wait(self._backoff.next_ms() / 1_000)

    def _follow(self) -> None:
        while not (identity := log_identity(RealDisk(self._core))):
            if self._stopping.wait(0.05):
                return
        store = Projection(self._path, identity)
        notice = AckNotice(self._path.parent, CONSUMER, identity)
        bell = Doorbell(self._core)
        self.store = store
        try:
            self._carry(store, bell, notice)
        finally:
            bell.close()
            store.close()

    def _carry(self, store: Projection, bell: Doorbell, notice: AckNotice) -> None:
        with LogReader(self._core, self._catch_up(store)) as reader:
            group = EmbeddedGroup(
                reader, STREAMS, time.monotonic_ns, lambda: bell.watermark.durable_seq
            )
            self._work(store, bell, group, notice)

    def _catch_up(self, store: Projection) -> int:
        """Takes from the archive what is gone from the log; returns behind which seq to read."""
        disk = RealDisk(self._core)
        root = read_root(disk)
        if root is None or store.cursor >= root.first_seq - 1:
            return store.cursor
        archive = disk.folder(FOLDER)
        check_archive(archive, root)
        for frames in archived(archive, root, store.cursor):
            wanted = [frame for frame in frames if frame.stream in STREAMS]
            if wanted:
                store.apply(wanted)
        return root.first_seq - 1

    def _work(
        self, store: Projection, bell: Doorbell, group: EmbeddedGroup, notice: AckNotice
    ) -> None:
        shown = 0.0
        while not self._stopping.is_set():
            frames = group.read(CONSUMER, BATCH)
            if not frames:
                bell.arm()
                frames = group.read(CONSUMER, BATCH)
            if frames:
                store.apply(frames)
                group.ack(CONSUMER, [frame.seq for frame in frames])
                self._backoff.proven_healthy()
                self.error = ""
            self.lag = group.lag()
            if time.monotonic() - shown > SHOW_EVERY_S:
                shown = time.monotonic()
                notice.show(group.cursor)
            if group.waits_for_disk:
                self._stopping.wait(DISK_WAIT_S)  # no bell is rung for what becomes durable
            elif not frames:
                bell.wait()
