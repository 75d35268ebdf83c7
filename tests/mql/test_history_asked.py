"""History asked at the engine's door, answered by both Experts in the shim's terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mql.test_engine import BOTH, Act, run
from tests.venue.history_asker import HOUR_MS, Asker
from tests.venue.metatrader_stage import KEY
from tests.venue.test_metatrader_orders import ended

pytestmark = [pytest.mark.slow, pytest.mark.once]
SEEDS = 700
"""Round trips or deals of the terminal's past: several chunks."""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


@BOTH
def test_time_symbol_and_chunks_of_an_expert(dialect: int, tmp_path: Path) -> None:
    async def story(act: Act) -> None:
        asker = Asker(act.stage, act.engine, tmp_path)
        await act.say(f"seed {SEEDS}")
        await asyncio.sleep(2.1)  # times of MetaTrader 4 are whole seconds
        begin_ms = time.time_ns() // 1_000_000 - 1_000
        await act.say("tick EURUSD 1.17000 1.17004")
        ours = act.submit()
        await ended(act.stage, act.engine, ours, "FILLED")
        found, again = await asyncio.gather(asker.ask(HOUR_MS), asker.ask(HOUR_MS))
        assert found.rows == again.rows
        deals = [row for row in found.rows if row["kind"] == "deal"]
        orders = [row for row in found.rows if row["kind"] == "order"]
        expected = (SEEDS + 1, SEEDS + 1) if dialect == 5 else (2 * SEEDS + 1, 0)
        assert (len(deals), len(orders)) == expected
        assert {row["client_order_id"] for row in deals} == {"", ours}
        assert (await asker.ask(HOUR_MS, symbols=["GBPUSD"])).rows == []
        (newest,) = (await asker.ask(from_ms=begin_ms, orders=False)).rows
        assert (newest["client_order_id"], newest["symbol"]) == (ours, "EURUSD")
        assert (newest["lots"], newest["units"]) == ("0.01", "1000")
        before = await asker.ask(HOUR_MS, to_ms=begin_ms, symbols=["EURUSD"], orders=False)
        assert before.rows == deals[:-1]

    run(dialect, story)


def test_an_expert_that_is_long_online_says_that_it_has_all(tmp_path: Path) -> None:
    async def story(act: Act) -> None:
        asker, deadline = Asker(act.stage, act.engine, tmp_path), time.monotonic() + 30
        while not (await asker.ask(HOUR_MS)).complete:
            assert time.monotonic() < deadline
        await act.say("connected 0")
        assert not (await asker.ask(HOUR_MS)).complete

    run(5, story)
