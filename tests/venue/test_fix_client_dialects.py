"""The FIX client at the other simulated venues: one link or two, lists or none, 17, 31 or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.venue.fix_engine import FEED, LOT, Stage, run

from thft.model import event as ev
from thft.model.fixed import SIZE_ONE, parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD, profile


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


@dataclass(frozen=True)
class Case:
    """Who logs on where, and what the venue calls EURUSD and GBPUSD."""

    name: str
    login: str
    names: tuple[str, str]
    settings: dict[str, Any]
    tif: str = "IOC"
    contract: int = SIZE_ONE


def by_id(name: str, symbol: str) -> str:
    made = profile(name)
    return next(one.id for one in made.listed if one.name == made.plays[symbol])


CASES = [
    Case("fix-lp", "A1", ("EURUSD", "GBPUSD"), {"sender_comp_id": "THFT", "username": "thft"}),
    Case(
        "fxcm",
        "01000002",
        ("EUR/USD", "GBP/USD"),
        {
            "sender_comp_id": "D1000002_client1",
            "username": "D1000002",
            "target_sub_id": "U100D1",
        },
    ),
    Case(
        "lmax",
        "1000001",
        (by_id("lmax", "EURUSD"), by_id("lmax", "GBPUSD")),
        {"sender_comp_id": "thft_lmax", "username": "thft_lmax"},
        contract=10_000 * SIZE_ONE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_quotes_orders_and_a_cut(case: Case) -> None:
    async def story(stage: Stage) -> None:
        names = dict(zip(case.names, (1, 2), strict=True))
        engine = await stage.ready(names=names)
        stage.tick(bid="1.17100", ask="1.17104")
        book = engine.kernel.state.book(FEED, 1)
        await stage.until(lambda: book.ask == parse_price("1.17104"), "the quote", engine)
        order_id = engine.submit(tif=case.tif)
        await stage.until(lambda: engine.order(order_id).state == "FILLED", "fill", engine)
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (LOT, parse_price("1.17104"))
        stage.agree(engine)
        stage.venue.inject(Fault(do="cut"))
        await stage.until(lambda: engine.account == "OFFLINE", "OFFLINE", engine)
        await stage.until(lambda: engine.account == "READY", "READY again", engine)
        await stage.until(lambda: len(stage.venue.clients) == len(stage.dialect.links), "links")
        stage.tick(bid="1.17100", ask="1.17104")
        stage.tick("GBPUSD")
        await stage.until(lambda: engine.feed == "READY", "feed READY again", engine)
        stage.venue.inject(Fault(do="partial", size_percent=30))
        part = engine.submit(-1, tif=case.tif)
        await stage.until(lambda: engine.order(part).state in TERMINAL, "the part", engine)
        assert engine.order(part).cum_size == LOT * 3 // 10
        stage.agree(engine)

    account = case.login if case.name == "fxcm" else ""
    settings = {"target_comp_id": profile(case.name).comp_id, "account": account or "A1"}
    made = profile(case.name)
    where: dict[str, Any] = {"made": made, "login": case.login, "contract": case.contract}
    run(story, **where, **{**settings, **case.settings})
