"""A line that loses every packet is noticed by silence alone, in time, on every kind of link.

In a network namespace of the test's own, which is gone with its process. `THFT_HALF_OPEN=1` runs it
with everything as configured instead of shortened, which takes about a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ledger import note
from tests.venue.metatrader_stage import KEY

from thft.gateway.metatrader.settings import BridgeSettings
from thft.sim.fix.profile import PASSWORD

pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
SAID_S = 0.1
"""A busy machine may take so long to say what the clock has decided."""
SCALE = float(os.environ.get("THFT_HALF_OPEN") or "0.1")


def test_lost_packets_are_noticed_in_time_and_survived() -> None:
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("a network namespace needs root: run the tests as root (sudo -E make test)")
    command = ["unshare", "--net", sys.executable, "-m", "tests.venue.half_open_run"]
    env = {**os.environ, "THFT_TEST_PASSWORD": PASSWORD, "THFT_TEST_MT_KEY": KEY.hex()}
    running = [
        subprocess.Popen(
            [*command, kind, str(SCALE)],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in ("fix", "websocket", "metatrader")
    ]
    said = [process.communicate(timeout=200) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    fix, websockets, metatrader = (json.loads(out.splitlines()[-1]) for out, _ in said)
    heartbeat_s = max(round(10 * SCALE), 1)
    losses = [*fix, *websockets, *metatrader]
    for loss in losses:
        print(f"{loss['link']}: {loss['found_s']:.2f} s, {loss['reason']!r}")
    assert [loss["found_s"] <= 2.4 * heartbeat_s + SAID_S for loss in fix] == [True]
    assert all(loss["found_s"] <= 40 * SCALE for loss in websockets)
    assert all("although probed" in loss["reason"] for loss in websockets)
    silence_s = BridgeSettings().silence_s * SCALE
    assert [loss["found_s"] <= silence_s + SAID_S for loss in metatrader] == [True]
    assert ["although pinged" in loss["reason"] for loss in metatrader] == [True]
    assert all(loss["back_s"] <= 60 for loss in losses)
    found = {loss["link"]: round(loss["found_s"], 2) for loss in losses}
    note("half_open", scale=SCALE, found_s=found, failures=0)
