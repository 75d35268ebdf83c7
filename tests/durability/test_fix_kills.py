"""A core that trades by FIX, killed again and again: what the venue holds is what is booked.

Once on a netting account, once on a hedging one with two rows of the strategy for every symbol,
whose positions lie side by side and must be told apart by their ids. The provider lives in this
process and outlives every core; its ledger is the truth.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.ledger import note
from tests.seeds import seed_of_test

from thft.cli.demo_config import demo_configuration
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.order import TERMINAL
from thft.sim.demo_market import DemoMarket
from thft.state.fold import State
from thft.state.records import ClockRecord
from thft.stream.reader import read_all

KILLS = int(os.environ.get("THFT_FIX_CORE_KILLS", "8"))
ACCOUNT = "slow-account"
LOGINS = {"netting": "1000002", "hedging": "1000001"}


def configured(text: str, model: str) -> str:
    """Returns the demo's configuration for an account of this model, trading all the time."""
    busy = 'offset_mode = "off"\ntrade_pause_ms = 0'  # trades from its first quote on
    text = text.replace('offset_mode = "auto"', busy)
    if model == "netting":
        return text
    head, *rows = text.split("[[strategies]]")
    slower = [
        row.replace('name = "arb', 'name = "slow').replace(
            "trade_pause_ms = 0", "trade_pause_ms = 0\nmin_order_lifetime_ms = 700"
        )
        for row in rows
    ]
    text = "[[strategies]]".join([head, *rows, *(f"\n{row}" for row in slower)])
    text = text.replace('kind = "venue"', 'kind = "venue"\nmodel = "hedging"')
    return text.replace("1000002", LOGINS[model])


def folded(core: Path) -> tuple[State, Counter[str], int]:
    """Returns the state of a journal, how often each order was submitted and the most positions
    that were open at once in one instrument.
    """
    state, submitted, most = State(), Counter[str](), 0
    for frame in read_all(core):
        if frame.type < 0xFF00:
            event = decode(frame.type, frame.version, frame.payload)
            state.apply(event, frame.seq, frame.recv_ts_ns)
            if isinstance(event, ev.OrderSubmitted):
                submitted[event.client_order_id] += 1
            elif isinstance(event, ev.PositionChanged):
                most = max(most, len(state.legs(ACCOUNT, event.instrument)))
    return state, submitted, most


async def _story(folder: Path, choose: random.Random, model: str) -> None:
    market = DemoMarket()
    ports = await market.listen()
    data = folder / "data"
    config = folder / "engine.toml"
    config.write_text(configured(demo_configuration(data, 0, 3, ports), model))
    playing = asyncio.ensure_future(market.run_model(3, 10.0))
    command = [sys.executable, "-m", "thft", "core", "--config", str(config)]
    ledger = market.slow.ledgers[LOGINS[model]]
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
    state, submitted, most = folded(data / "core")
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
    if model == "hedging":
        assert most >= 2, "no two positions were ever open side by side"
        booked = {one.position_id: one.size for one in state.legs(ACCOUNT)}
        assert booked == {one.position_id: one.size for one in ledger.positions.values()}
        assert set(booked) == {one.position_id for one in state.positions.values()}
        verify = [sys.executable, "-m", "thft", "replay", str(data / "core"), "--verify"]
        replay = await asyncio.create_subprocess_exec(*verify, stdout=subprocess.PIPE)
        printed, _ = await asyncio.wait_for(replay.communicate(), 120)
        assert replay.returncode == 0 and printed.decode().rstrip().endswith("ok"), printed
    (slow,) = (one for one in state.feeds.values() if one.definition.name == "slow")
    assert slow.stamps == "kernel"
    assert state.clock != ClockRecord()
    note("kills-fix", kills=KILLS, model=model, orders=len(arrived), failures=0)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_killed_core_finds_what_became_of_its_orders(tmp_path: Path) -> None:
    seed = seed_of_test()

    async def side_by_side() -> None:
        for model in LOGINS:
            (tmp_path / model).mkdir()
        stories = (_story(tmp_path / model, random.Random(seed), model) for model in LOGINS)
        await asyncio.gather(*stories)

    asyncio.run(side_by_side())
