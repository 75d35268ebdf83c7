"""Power cuts below the file system under a bare writer: all that was unsynced is lost or torn.

What was announced durable before a cut must be there after it, byte for byte; what was lost is lost
from the end only; nothing is there twice.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.durability.cut_fs import Life
from tests.durability.kill_writer import Writers
from tests.durability.power import WAIT_S, Power, in_private_mounts, missing_for_power_cuts
from tests.durability.writer_judge import WriterJudge
from tests.ledger import note
from tests.seeds import seed_of_test

from thft._native import USE_NATIVE

CUTS = int(os.environ.get("THFT_POWER_CUTS", "120" if USE_NATIVE else "40"))
FRESH_EVERY = 7
DAMAGE = ("lost", "kept", "some pages", "torn", "names lost", "names kept", "some names")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_for_power_cuts()), reason=missing_for_power_cuts()),
]


class Campaign:
    """Writers on one disk, one after the other."""

    def __init__(self, power: Power, writers: Writers, seed: int, forgets: str) -> None:
        self._power, self._writers = power, writers
        self._choose = random.Random(seed)
        self._forgets = forgets
        self.child = 0
        self.frames = 0
        """Read and compared."""
        self.begin()

    def begin(self) -> None:
        """Begins with an empty disk."""
        self._power.erase()
        self._judge = WriterJudge()

    def cut_in_a_call(self) -> None:
        """The power goes before the n-th call that changes or syncs something."""
        calls, sync_s = self._choose.choice(((40, 0.01), (150, 0.01), (300, 0.002), (400, 0.0)))
        self._on(self._choose.randint(1, calls), sync_s)
        self._start()
        while not self._power.went(0.02):
            if self._writers.ended():
                assert self._power.went(1.0), f"it ended by itself: {self._writers.last_words()}"
                break
        self._off()

    def cut_after_a_kill(self) -> None:
        """A writer on a slow disk is killed; the power goes when the next one has begun."""
        self._on(sync_s=0.01)
        self._start()
        self._writers.wait_begun()
        time.sleep(self._choose.random() * 0.3)
        self._writers.kill()
        self._judge.after(self._writers.told)
        self._cut_soon()

    def cut_after_a_failed_sync(self) -> None:
        """A sync fails and loses its bytes, which the kernel still shows to the next writer."""
        self._on(fails_at=self._choose.randint(1, 12))
        self._start()
        assert self._writers.ended(WAIT_S), "a failed sync ends no writer"
        assert "Input/output error — check the disk" in self._writers.last_words()
        self._judge.after(self._writers.told)
        self._judge.only_durable()
        self._cut_soon()

    def read(self) -> None:
        """Reads the whole log and compares every frame."""
        self._on()
        self._start()
        self._writers.wait_begun()
        self._writers.kill()
        assert self._writers.told is not None
        self.frames += self._judge.read(self._power.mount / "log", self._writers.told)
        self._judge.only_durable()
        self._power.cut()
        self._power.off()

    def _on(self, cut_after: int = 0, sync_s: float = 0.0, fails_at: int = 0) -> None:
        seed = self._choose.getrandbits(32)
        self._power.on(Life(seed, cut_after, sync_s, fails_at, self._forgets))

    def _start(self) -> None:
        self.child += 1
        self._writers.start(self._power.mount / "log", self.child)

    def _cut_soon(self) -> None:
        """Starts a writer and cuts the power as soon as it has announced what it found."""
        self._start()
        self._writers.wait_begun()
        time.sleep(self._choose.random() * 0.02)
        self._power.cut()
        self._off()

    def _off(self) -> None:
        self._writers.kill()
        self._judge.after(self._writers.told)
        self._judge.only_durable()
        self._power.off()


def cut_writers(folder: Path, seed: int, cuts: int, forgets: str) -> None:
    """Cuts the power under writers `cuts` times."""
    with Power(folder) as power, Writers(folder) as writers:
        campaign = Campaign(power, writers, seed, forgets)
        lives = (
            campaign.cut_in_a_call,
            campaign.cut_after_a_kill,
            campaign.cut_in_a_call,
            campaign.cut_after_a_failed_sync,
        )
        for number in range(cuts):
            lives[number % len(lives)]()
            if number % FRESH_EVERY == FRESH_EVERY - 1:
                campaign.read()
                campaign.begin()
    seen = power.seen
    for kind, count in sorted(seen.items()):
        print(f"{kind:24} {count}")
    print(f"{cuts} cuts, {campaign.child} writers, {campaign.frames} frames read")
    assert all(seen[kind] for kind in DAMAGE), seen
    figures = {"writers": campaign.child, "frames": campaign.frames, "failures": 0, **seen}
    note("power-writer", seed=seed, cuts=cuts, **figures)


@pytest.mark.timeout(3_600)
def test_a_writer_whose_power_is_cut_loses_nothing_durable(tmp_path: Path) -> None:
    seed = seed_of_test(13)
    in_private_mounts(cut_writers, tmp_path, seed, CUTS, "")


@pytest.mark.parametrize("forgets", ["bytes", "names"])
def test_a_disk_that_never_syncs_is_noticed(tmp_path: Path, forgets: str) -> None:
    with pytest.raises(AssertionError, match="cut_writers ended with 1"):
        in_private_mounts(cut_writers, tmp_path, 1, CUTS, forgets)
