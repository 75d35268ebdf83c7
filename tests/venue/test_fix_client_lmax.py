"""The FIX client at the simulated LMAX: what counts contracts there counts units in the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.seeds import seeded
from tests.venue.fix_engine import ACCOUNT, FEED, LOT, NAMES, Engine, Stage
from tests.venue.fix_engine import run as run_anywhere

from thft.fix.wire import BadValue
from thft.gateway.dialects import load
from thft.gateway.fix.settings import FixSettings, dialect_findings
from thft.gateway.fix.symbols import SymbolMap
from thft.model import event as ev
from thft.model.fixed import ABSENT, INT64_MAX, SIZE_ONE, parse_price, parse_size
from thft.model.order import DENIED, TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD, Profile, profile
from thft.sim.fix_lp import FixVenue

CONTRACT = 10_000 * SIZE_ONE
LMAX = profile("lmax")
IDS = {
    next(one.id for one in LMAX.listed if one.name == LMAX.plays[name]): number
    for name, number in NAMES.items()
}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


def run(story: Any, *faults: Fault, made: Profile = LMAX, **settings: Any) -> FixVenue:
    given = {"sender_comp_id": "thft_lmax", "username": "thft_lmax", "target_comp_id": "LMXBL"}
    where: dict[str, Any] = {"made": made, "login": "1000001", "contract": CONTRACT}
    return run_anywhere(story, *faults, **where, **{**given, **settings})


async def ended(stage: Stage, engine: Engine, order_id: str, state: str) -> None:
    await stage.until(lambda: engine.order(order_id).state in TERMINAL, "the end", engine)
    assert engine.order(order_id).state == state


def limit(price: str, tif: str = "DAY") -> dict[str, Any]:
    return {"type": "limit", "tif": tif, "price": parse_price(price)}


def test_an_order_rests_fills_in_parts_and_is_cancelled() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready(names=IDS)
        order_id = engine.submit(size=25_000 * SIZE_ONE, **limit("1.1"))
        await stage.until(lambda: engine.order(order_id).state == "ACCEPTED", "acceptance", engine)
        (there,) = stage.ledger.orders.values()
        assert there.size == 25 * SIZE_ONE // 10
        stage.venue.desk.fill_by_hand(stage.ledger, there, parse_size("0.3"), parse_price("1.1"))
        await stage.until(lambda: engine.order(order_id).cum_size > 0, "the part", engine)
        engine.cancel(order_id)
        await ended(stage, engine, order_id, "CANCELLED")
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (3_000 * SIZE_ONE, parse_price("1.1"))
        assert engine.order(order_id).cum_size == 3_000 * SIZE_ONE
        assert engine.kernel.state.net_size(ACCOUNT, 1) == 3_000 * SIZE_ONE
        stage.agree(engine)

    run(story)


def test_what_was_not_heard_is_asked_for_and_booked_in_units() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready(names=IDS)
        stage.venue.inject(Fault(do="partial", size_percent=40))
        stage.venue.inject(Fault(do="swallow", on="8", times=3))
        order_id = engine.submit(tif="IOC")
        await ended(stage, engine, order_id, "CANCELLED")
        assert ("query", order_id) in engine.effects
        assert engine.order(order_id).cum_size == LOT * 4 // 10
        stage.agree(engine)

    run(story, ack_ms=100)


@pytest.mark.parametrize("size", ["1500", "1000.5", "999.99999999"])
def test_what_is_no_whole_step_of_contracts_is_denied_and_never_sent(size: str) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready(names=IDS)
        step = engine.kernel.state.instruments[1]
        engine.input(
            ev.InstrumentDefined(1, "EURUSD", 5, step.pip, step.tick, 1, 1, "USD"),
        )
        order_id = engine.submit(size=parse_size(size), tif="IOC")
        await ended(stage, engine, order_id, DENIED)
        reason = engine.order(order_id).reason
        assert reason == (
            f"the venue takes steps of 0.1 contracts of 10000, {size} is no whole number of them"
        )
        assert not stage.ledger.orders

    run(story)


@pytest.mark.parametrize("depth", [False, True])
def test_sizes_of_quotes_are_units(depth: bool) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready(names=IDS)
        stage.venue.tick("EUR/USD", "1.17100", "12.5", "1.17104", "0.7", 0)
        book = engine.kernel.state.book(FEED, 1)
        await stage.until(lambda: book.ask == parse_price("1.17104"), "the quote", engine)
        assert (book.bid_size, book.ask_size) == (125_000 * SIZE_ONE, 7_000 * SIZE_ONE)

    run(story, depth=depth)


def test_positions_are_compared_in_units_where_the_venue_tells_them() -> None:
    told = LMAX.with_dialect(
        positions={"request": "AN", "request_fields": {"1": "{account}", "581": "1", "724": "0"}},
        empty={"positions": "AO"},
    )

    async def story(stage: Stage) -> None:
        engine = await stage.ready(names=IDS)
        order_id = engine.submit(size=7_000 * SIZE_ONE, tif="IOC")
        await ended(stage, engine, order_id, "FILLED")
        stage.venue.inject(Fault(do="cut", link="trading"))
        await stage.until(
            lambda: engine.account_states[-1][::2] == ("READY", 2), "READY again", engine
        )
        assert engine.account_states[-1][1] == "orders clear, positions equal"
        stage.venue.trade_by_hand("1000001", "EUR/USD", 1, parse_size("0.1"))
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)

    run(story, made=told, account="1000001")


def test_every_size_comes_back_as_it_went() -> None:
    choose = seeded()
    lmax = load("lmax")
    for _ in range(2_000):
        contract = choose.choice((1, 3, 100, 10_000, 100_000)) * SIZE_ONE // choose.choice((1, 4))
        symbols = SymbolMap(lmax, {"4001": 1}, {1: contract})
        steps = choose.randrange(1, 10**6)
        size, rest = divmod(steps * contract, 10)
        if rest:
            continue
        assert symbols.counted(1, size) == steps * SIZE_ONE // 10
        assert symbols.units(1, symbols.counted(1, size)) == size
        assert symbols.counted(1, size + 1) == 0
    symbols = SymbolMap(lmax, {"4001": 1}, {1: CONTRACT, 2: SIZE_ONE // 4})
    assert symbols.units(1, ABSENT) == ABSENT
    assert symbols.counted(3, SIZE_ONE) == 0
    for instrument, count in ((1, INT64_MAX), (2, 1)):
        with pytest.raises(BadValue, match="cannot be counted in units"):
            symbols.units(instrument, count)


@pytest.mark.parametrize(
    ("dialect", "sizes", "said"),
    [
        ("lmax", {}, {"EURUSD": "missing: this venue counts contracts; say how many units one is"}),
        ("lmax", {"EURUSD": "0"}, {"EURUSD": "0 is no size"}),
        ("lmax", {"EURUSD": "1", "GBPUSD": "1"}, {"GBPUSD": "the venue carries no such symbol"}),
        ("ctrader", {"EURUSD": "1"}, {"EURUSD": "the dialect counts units"}),
    ],
)
def test_contract_sizes_of_the_configuration(
    dialect: str, sizes: dict[str, str], said: dict[str, str]
) -> None:
    settings = FixSettings(host="h", sender_comp_id="x", contract_sizes=sizes)
    found = dict(dialect_findings(dialect, settings, False, True, ["EURUSD"]))
    prefix = "fix.contract_sizes."
    assert {key[len(prefix) :]: text for key, text in found.items() if prefix in key} == said
