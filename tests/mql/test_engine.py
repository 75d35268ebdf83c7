"""Both Experts with the real bridge, account and kernel; the shim's terminal is the truth."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.mql.terminal import Terminal
from tests.venue.fix_engine import NAMES, Engine
from tests.venue.metatrader_stage import KEY, MICRO, Stage
from tests.venue.metatrader_stage import run as staged
from tests.venue.test_metatrader_orders import ended, limit

from thft.model import event as ev
from thft.model.fixed import ABSENT, parse_price
from thft.sim.metatrader.terminal import Terminal as Simulated

pytestmark = [pytest.mark.slow, pytest.mark.once]
BOTH = pytest.mark.parametrize("dialect", [5, 4])


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


@dataclass
class Act:
    """An engine, a terminal, and the stage that waits for both."""

    stage: Stage
    engine: Engine
    terminal: Terminal

    async def say(self, line: str) -> dict[str, Any]:
        """Commands the terminal; the engine goes on meanwhile."""
        return await asyncio.to_thread(self.terminal.ask, line)

    def submit(self, size: int = MICRO, **how: Any) -> str:
        """Asks for a market order."""
        return self.engine.submit(size=size, **how)

    async def settled(self) -> None:
        """Waits for feed and account to be READY and for a price of each symbol."""
        engine = self.engine

        def ready() -> bool:
            return engine.account == "READY" and engine.feed == "READY"

        await self.stage.until(ready, "READY", engine)
        for name in NAMES:
            await self._priced(name)

    async def _priced(self, name: str) -> None:
        """Gives prices until the time of one is known: ticks move MetaTrader 4's clock."""
        engine, deadline = self.engine, time.monotonic() + 30
        while True:
            engine.quotes.clear()
            await self.say(f"tick {name} 1.17000 1.17004")
            await self.stage.until(lambda: bool(engine.quotes), "a price", engine)
            if engine.quotes[-1][0] == NAMES[name] and engine.quotes[-1][5] != ABSENT:
                return
            assert time.monotonic() < deadline, "the server's clock is not known"
            await asyncio.sleep(0.1)

    async def agree(self, opens: int) -> None:
        """The engine has booked what the terminal holds; `opens` orders were handed on."""
        report = await self.say("report")
        state = self.engine.kernel.state
        for name, number in NAMES.items():
            held = sum(
                round(row[3] * 100) * MICRO * (-1 if row[2] else 1)
                for row in report["positions"]
                if row[1] == name
            )
            assert sum(one.size for one in state.legs("acc", number)) == held, name
        assert report["opens"] == opens


Story = Callable[[Act], Coroutine[Any, Any, None]]


def run(dialect: int, story: Story, model: str = "", ready: bool = True, **how: Any) -> None:
    """Tells a story with an engine and an Expert in its terminal."""
    model = model or ("hedging" if dialect == 4 else "netting")
    certificate, key = how.pop("certificate", ""), how.pop("certificate_key", "")

    async def told(stage: Stage) -> None:
        stage.certificate, stage.key = certificate, key
        engine = await stage.engine()
        engine.may_lack_times = dialect == 4
        hedging = model == "hedging"
        make = partial(Terminal, dialect, stage.port, hedging=hedging, **how)
        terminal = await asyncio.to_thread(make)
        act = Act(stage, engine, terminal)
        try:
            for name in NAMES:
                await act.say(f"tick {name} 1.17000 1.17004")
            if ready:
                await act.settled()
            await story(act)
        except BaseException:
            print(list(terminal.prints)[-10:], terminal.errors)
            terminal.kill()
            raise
        await asyncio.to_thread(terminal.close)

    staged(told, Simulated(platform=str(dialect), hedging=model == "hedging"), model=model)


@BOTH
@pytest.mark.parametrize("quirks", [False, True])
def test_an_order_is_executed_and_booked_once(dialect: int, quirks: bool) -> None:
    async def story(act: Act) -> None:
        order_id = act.submit()
        await ended(act.stage, act.engine, order_id, "FILLED")
        (fill,) = act.engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (MICRO, parse_price("1.17004"))
        await act.agree(1)

    run(dialect, story, quirks=quirks)


@BOTH
def test_a_limit_order_rests_moves_and_is_cancelled_or_filled(dialect: int) -> None:
    async def story(act: Act) -> None:
        engine = act.engine
        first, second = (engine.submit(size=MICRO, **limit("1.10000")) for _ in range(2))
        for one in (first, second):
            await act.stage.until(
                lambda o=one: engine.order(o).state == "ACCEPTED",  # type: ignore[misc]
                "acceptance",
                engine,
            )
        engine.replace(second, price=parse_price("1.16990"))
        await act.stage.until(lambda: engine.order(second).revision == 1, "the new price", engine)
        engine.cancel(first)
        await ended(act.stage, engine, first, "CANCELLED")
        await act.say("tick EURUSD 1.16980 1.16985")
        await ended(act.stage, engine, second, "FILLED")
        await act.agree(2)

    run(dialect, story)


@BOTH
@pytest.mark.parametrize(
    ("fault", "state"), [("requote", "REJECTED"), ("reject", "REJECTED"), ("timeout", "FILLED")]
)
def test_what_the_broker_does_is_what_is_booked(dialect: int, fault: str, state: str) -> None:
    async def story(act: Act) -> None:
        await act.say(f"fault {fault}")
        order_id = act.submit()
        await ended(act.stage, act.engine, order_id, state)
        await act.agree(1)

    run(dialect, story)


def test_a_part_is_booked_and_the_rest_is_cancelled() -> None:
    async def story(act: Act) -> None:
        await act.say("fault partial 30")
        order_id = act.submit(10 * MICRO)
        await ended(act.stage, act.engine, order_id, "CANCELLED")
        assert act.engine.order(order_id).cum_size == 3 * MICRO
        await act.agree(1)

    run(5, story)


@BOTH
def test_an_expert_that_dies_after_ordersend_trades_once(dialect: int) -> None:
    async def story(act: Act) -> None:
        await act.say("fault lost")
        order_id = act.submit()
        await ended(act.stage, act.engine, order_id, "FILLED")
        await act.settled()
        await act.agree(1)

    run(dialect, story)


def test_an_expert_that_dies_before_ordersend_never_traded() -> None:
    async def story(act: Act) -> None:
        await act.say("fault unheard")
        order_id = act.submit()
        await ended(act.stage, act.engine, order_id, "NEVER_ARRIVED")
        await act.settled()
        await act.agree(1)  # OrderSend was called, its terminal died before the broker heard of it

    run(5, story)


@BOTH
def test_positions_of_a_hedging_account_close_one_by_one(dialect: int) -> None:
    async def story(act: Act) -> None:
        engine = act.engine
        buy, sell = act.submit(), act.submit(2 * MICRO, side=-1)
        for one in (buy, sell):
            await ended(act.stage, engine, one, "FILLED")
        legs = {one.size: one.position_id for one in engine.kernel.state.legs("acc", 1)}
        assert sorted(legs) == [-2 * MICRO, MICRO]
        close = act.submit(side=-1, position_id=legs[MICRO])
        await ended(act.stage, engine, close, "FILLED")
        await act.agree(3)

    run(dialect, story, model="hedging")


@BOTH
def test_a_trade_by_hand_halts_the_account(dialect: int) -> None:
    async def story(act: Act) -> None:
        await act.say("manual EURUSD buy 0.01")
        await act.stage.until(lambda: act.engine.account == "HALTED", "HALTED", act.engine)

    run(dialect, story)


@BOTH
def test_the_button_and_the_brokers_line_are_shown(dialect: int) -> None:
    async def story(act: Act) -> None:
        await act.say("algo 0")
        await act.stage.until(lambda: act.engine.account == "DEGRADED", "DEGRADED", act.engine)
        await act.say("algo 1")
        await act.settled()
        await act.say("connected 0")
        await act.stage.until(lambda: act.engine.feed == "STALE", "STALE", act.engine)
        await act.say("connected 1")
        await act.settled()

    run(dialect, story)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"key": "00" * 32}, "wrong key"),
        ({"InpKeyId": "k2"}, "names key 'k2', not 'k1'"),
    ],
)
@BOTH
def test_who_is_not_let_in_hears_it(dialect: int, inputs: dict[str, Any], reason: str) -> None:
    async def story(act: Act) -> None:
        shown = act.engine.feed_states
        await act.stage.until(lambda: bool(shown) and reason in shown[-1][1], reason, act.engine)
        await asyncio.to_thread(act.terminal.until_printed, "AUTH")

    run(dialect, story, ready=False, **inputs)


def test_ticks_of_metatrader_5_go_on_after_a_cut() -> None:
    async def story(act: Act) -> None:
        await act.say("stream 500 5")
        await act.say("cut")
        await act.say("stream 500 5")
        await act.stage.until(lambda: act.engine.feed != "READY", "the end", act.engine)
        await act.settled()
        assert [fault for _, fault, _ in act.engine.faults if fault == "gap"] == []

    run(5, story)


def test_tls_is_spoken_and_the_certificate_looked_at(tmp_path: Path) -> None:
    pem, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    asked = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(key), "-out", str(pem), "-subj", "/CN=localhost"]
    subprocess.run(["openssl", "req", *asked, *files], check=True, capture_output=True)
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(pem), "-noout", "-fingerprint", "-sha1"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    print_of = shown.rpartition("=")[2].strip().replace(":", "")
    paths: dict[str, Any] = {"certificate": str(pem), "certificate_key": str(key), "InpTls": "true"}

    async def trades(act: Act) -> None:
        order_id = act.submit()
        await ended(act.stage, act.engine, order_id, "FILLED")
        await act.agree(1)

    run(5, trades, InpThumbprint=print_of.lower(), **paths)

    async def refuses(act: Act) -> None:
        await asyncio.to_thread(act.terminal.until_printed, "certificate is another one")
        assert not act.engine.quotes

    run(5, refuses, ready=False, InpThumbprint="AB" * 20, **paths)
