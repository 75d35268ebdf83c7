"""A core that trades by FIX, killed again and again: what the venue holds is what is booked.

The provider lives in this process and outlives every core; its ledger is the truth.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.ledger import note

from thft.cli.demo_config import demo_configuration
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.order import TERMINAL
from thft.sim.demo_market import DemoMarket
from thft.state.fold import State
from thft.state.records import ClockRecord
from thft.stream.reader import read_all

KILLS = int(os.environ.get("THFT_FIX_CORE_KILLS", "8"))
ACCOUNT, LOGIN = "slow-account", "1000002"


def folded(core: Path) -> tuple[State, Counter[str]]:
    """Returns the state of a journal, and how often each order was submitted."""
    state, submitted = State(), Counter[str]()
    for frame in read_all(core):
        if frame.type < 0xFF00:
            event = decode(frame.type, frame.version, frame.payload)
            state.apply(event, frame.seq, frame.recv_ts_ns)
            if isinstance(event, ev.OrderSubmitted):
                submitted[event.client_order_id] += 1
    return state, submitted


async def _story(folder: Path, choose: random.Random) -> None:
    market = DemoMarket()
    ports = await market.listen()
    data = folder / "data"
    text = demo_configuration(data, 0, 3, ports)
    busy = 'offset_mode = "off"\ntrade_pause_ms = 0'  # trades from its first quote on
    config = folder / "engine.toml"
    config.write_text(text.replace('offset_mode = "auto"', busy))
    playing = asyncio.ensure_future(market.run_model(3, 10.0))
    command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
    ledger = market.slow.ledgers[LOGIN]
    with (folder / "core.log").open("w") as log:
        for kill in range(KILLS):
            core = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
            orders, began = len(ledger.orders), time.monotonic()
            while len(ledger.orders) < orders + 1 and time.monotonic() - began < 15:
                assert core.returncode is None, (folder / "core.log").read_text()[-2_000:]
                await asyncio.sleep(0.001)
            assert len(ledger.orders) > orders, (folder / "core.log").read_text()[-2_000:]
            if kill % 2:
                await asyncio.sleep(choose.uniform(0, 0.4))
            core.kill()  # often with an order on its way to the market
            await core.wait()
        core = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        await asyncio.sleep(3.0)
        playing.cancel()  # no quote, no new order: all comes to rest
        await asyncio.sleep(1.5)
        core.terminate()
        assert await asyncio.wait_for(core.wait(), 20) == 0
    said = (folder / "core.log").read_text()
    assert f"account {ACCOUNT} READY" in said.rpartition("recovered")[2]
    assert "HALTED" not in said
    await market.close()
    state, submitted = folded(data / "core")
    assert set(submitted.values()) == {1}
    arrived = Counter(one.client_id.partition("_")[0] for one in ledger.orders.values())
    assert max(arrived.values()) == 1, "an order arrived twice"
    assert set(arrived) <= set(submitted)
    for one in ledger.orders.values():
        mine = state.order(one.client_id.partition("_")[0])
        assert mine is not None and mine.cum_size == one.filled and mine.state in TERMINAL
    for instrument in state.instruments.values():
        held = state.net_size(ACCOUNT, instrument.instrument)
        assert held == ledger.net(instrument.symbol)
    (slow,) = (one for one in state.feeds.values() if one.definition.name == "slow")
    assert slow.stamps == "kernel"
    assert state.clock != ClockRecord()
    note("kills-fix", kills=KILLS, orders=len(arrived), failures=0)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_killed_core_finds_what_became_of_its_orders(tmp_path: Path) -> None:
    seed = int(os.environ.get("THFT_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    asyncio.run(_story(tmp_path, random.Random(seed)))
