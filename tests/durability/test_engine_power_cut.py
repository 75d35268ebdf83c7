"""Power cuts under the whole core on `cut_fs`, trading under load; the judge stands outside.

It tails the journal and the durable mark while the core runs. Lives end by a cut while the core
trades, starts, is being stopped, or goes on after a kill. After each, what was announced durable
is still there unchanged; what was lost is lost from the end only, and no order number comes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from tests.durability.cut_fs import Life
from tests.durability.engine_oracle import Oracle, fold
from tests.durability.engine_process import (
    command,
    core_command,
    done_commands,
    replay,
    venues,
    wait_until_ended,
)
from tests.durability.power import WAIT_S, Power, in_private_mounts, missing_for_power_cuts
from tests.ledger import note
from tests.seeds import seed_of_test

from thft._native import USE_NATIVE
from thft.api.command_log import CommandLog
from thft.base.errors import ThftError
from thft.stream.reader import read_all
from thft.stream.verify import verify

CUTS = int(os.environ.get("THFT_ENGINE_POWER_CUTS", "12" if USE_NATIVE else "4"))
FRESH_EVERY = 12
TRUE_REASON = re.compile(r"^\w+: -?\d+ at the venue, -?\d+ booked here")
"""A cut may take an order that has left, or its fill: the venue then holds what no event explains,
and a person must look. Nothing else may keep an account from trading again by itself.
"""
ENDS = ("trading", "stopping", "starting", "after a kill")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_for_power_cuts()), reason=missing_for_power_cuts()),
]


def api_role(directory: Path, asked: Connection) -> None:
    """Stands for the api: takes numbers, answers each once its command is durable."""
    with contextlib.suppress(ThftError, EOFError):
        log = CommandLog(directory)
        while True:
            number = asked.recv()
            asyncio.run(log.append(command(number)))
            asked.send(number)


class Campaign:
    """Lives of one engine on one disk."""

    def __init__(self, power: Power, config: Path, choose: random.Random, log: Path) -> None:
        self.power, self.choose = power, choose
        self.oracle = Oracle(power.mount / "data" / "core")
        self.acknowledged: set[str] = set()
        self._start = core_command(config)
        self._log = log
        self._number = 0
        self.fills = self.halted = 0
        """Judged at the end."""

    def _core(self) -> subprocess.Popen[bytes]:
        with self._log.open("a") as output:
            return subprocess.Popen(self._start, stdout=output, stderr=output)

    def _watch(self, core: subprocess.Popen[bytes], done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not done():
            if core.poll() is not None or time.monotonic() > deadline:
                said = "\n".join(self._log.read_text().splitlines()[-40:])
                raise AssertionError(f"{said}\nexit code {core.returncode}, waiting for {what}")
            self.oracle.look()
            time.sleep(0.002)

    def _trade(self, core: subprocess.Popen[bytes], life_s: float) -> None:
        """Watches a core from its start for `life_s` of trading, with commands."""
        oracle, starts = self.oracle, self.oracle.starts
        self._watch(core, lambda: oracle.starts > starts, "its start")
        until = time.monotonic() + life_s
        context = get_context("fork")
        ours, theirs = context.Pipe()
        role = context.Process(target=api_role, args=(self.power.mount / "data" / "api", theirs))
        role.start()
        theirs.close()
        try:
            while time.monotonic() < until:
                self._number += 1
                ours.send(self._number)
                self._watch(core, lambda: ours.poll() or time.monotonic() > until, "an answer")
                if ours.poll():
                    self.acknowledged.add(f"c{ours.recv()}")
        finally:
            role.kill()
            role.join()

    def life(self, end: str) -> None:
        """One life from power on to power off."""
        choose, power = self.choose, self.power
        cut_after = choose.randint(1, 150) if end == "starting" else 0
        power.on(Life(choose.getrandbits(32), cut_after, choose.choice((0.0, 0.02))))
        core = self._core()
        try:
            if end == "starting":
                while not power.went(0.002):
                    self.oracle.look()
            else:
                self._trade(core, choose.uniform(0.2, 1.6))
                if end == "stopping":
                    core.terminate()
                elif end == "after a kill":
                    core.kill()
                    core.wait()
                    self.oracle.core_ended()
                    core = self._core()
                until = time.monotonic() + choose.uniform(0.0, 1.0) * (end != "trading")
                while time.monotonic() < until:
                    self.oracle.look()
                    time.sleep(0.002)
                power.cut()
        finally:
            core.kill()
            core.wait()
        self.oracle.power_is_off()
        power.off()

    def finish(self) -> str:
        """Trades again by itself, ends cleanly, cuts the power and judges what the disk holds."""
        oracle, power = self.oracle, self.power
        before = len(oracle.seen)
        power.on(Life(self.choose.getrandbits(32)))
        core = self._core()
        try:
            self._trade(core, 1.0)
            self._watch(core, lambda: self._caught_up(before), "an order and all answers")
            core.terminate()
            assert wait_until_ended(core) == 0
        finally:
            core.kill()
            core.wait()
        power.cut()
        oracle.power_is_off()
        power.off()
        return self._judge(power.disk / "data")

    def _caught_up(self, before: int) -> bool:
        """True when it trades again, or may not, and every acknowledged command is answered."""
        seen = self.oracle.seen
        since = fold(seen[before:])
        assert all(TRUE_REASON.search(reason) for reason in since.halted), since.halted
        return bool(since.of("order") or since.halted) and self.acknowledged <= set(
            done_commands(seen)
        )

    def _judge(self, data: Path) -> str:
        frames = read_all(data / "core")
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert frames[: len(self.oracle.seen)] == self.oracle.seen
        assert verify(data / "core").closed
        folded = fold(frames)
        folded.assert_applied_once()
        assert folded.of("command") >= self.acknowledged
        self.fills, self.halted = len(folded.of("fill")), len(set(folded.halted))
        again = fold(self.oracle.lost).of("order") & folded.of("order")
        assert not again, f"order numbers came twice: {again}"
        return replay(data)


def cut_engines(folder: Path, seed: int, cuts: int) -> None:
    """Cuts the power under a core `cuts` times."""
    choose = random.Random(seed)
    total: Counter[str] = Counter()
    with (
        Power(folder) as power,
        venues(folder, power.mount / "data", "segment_mib = 1\nunsynced_mib = 2") as config,
    ):
        for first in range(0, cuts, FRESH_EVERY):
            power.erase()
            campaign = Campaign(power, config, choose, folder / "core.log")
            for number in range(first, min(first + FRESH_EVERY, cuts)):
                end = ENDS[number % len(ENDS)]
                print(f"cut {number} {end}", flush=True)
                campaign.life(end)
            print(campaign.finish())
            total.update(
                events=len(campaign.oracle.seen),
                lost=len(campaign.oracle.lost),
                commands=len(campaign.acknowledged),
                fills=campaign.fills,
                halted=campaign.halted,
            )
    print(f"{cuts} cuts, {dict(total)}, {dict(power.seen)}")
    assert total["fills"]
    note("power-engine", seed=seed, cuts=cuts, failures=0, **total)


@pytest.mark.timeout(14_400)
def test_a_core_whose_power_is_cut_loses_nothing_durable(tmp_path: Path) -> None:
    seed = seed_of_test(17)
    in_private_mounts(cut_engines, tmp_path, seed, CUTS)
