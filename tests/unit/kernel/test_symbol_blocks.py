"""Symbols whose contract is not what it was are blocked until a person confirms it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.engine import EURUSD, FAST, SLOW, Engine, catalogue, feed

from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook
from thft.model.fixed import SIZE_ONE
from thft.model.symbology.terms import Terms
from thft.state.section import restore_state, state_section

LOT = Terms(contract_size=100_000 * SIZE_ONE, digits=5, volume_unit="lots")
MINI = Terms(contract_size=10_000 * SIZE_ONE)
CHANGED = "SPEC_CHANGED: contract_size 100000 → 10000"


class Buyer(Strategy):
    """Buys one unit at every quote of the slow feed."""

    kind = "buyer"

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(SLOW, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        ctx.submit("acc", EURUSD, 1, SIZE_ONE)


def said(terms: Terms, feed: int = SLOW, name: str = "EURUSD.m", how: str = "affix") -> Any:
    return ev.SymbolSpecified(feed, EURUSD, name, "", how, "told").with_terms(terms)


def command(engine: Engine, number: int, **body: Any) -> str:
    encoded = msgspec.json.encode({"feed": "slow", "symbol": "EURUSD", **body})
    received = ev.CommandReceived(number, f"c{number}", "symbol_confirm", encoded, "me")
    engine.process(received)
    result = engine.kernel.state.commands[f"c{number}"]
    return f"{result.status}: {result.reason}"


def denied(engine: Engine) -> list[str]:
    return [event.reason for event in engine.recorder.events(ev.OrderDenied)]


def test_a_changed_contract_blocks_the_symbol_until_it_is_confirmed() -> None:
    engine = Engine(Buyer)
    engine.load("b", "buyer")
    engine.process(said(LOT))
    engine.process(said(Terms(margin_currency="EUR")))
    record = engine.kernel.state.symbols[SLOW, EURUSD]
    assert record.holds.terms == LOT.merged(Terms(margin_currency="EUR"))
    engine.quote(SLOW, 139_000, 139_002)
    assert denied(engine) == []
    engine.process(said(MINI))
    engine.process(said(MINI))
    engine.quote(SLOW, 139_001, 139_003)
    assert denied(engine) == [CHANGED]
    assert [event.reason for event in engine.recorder.events(ev.SymbolBlocked)] == [
        "contract_size 100000 → 10000"
    ]
    assert record.holds.contract_size == LOT.contract_size
    assert command(engine, 1, expected_reason="another").startswith("refused: it is blocked by")
    assert command(engine, 2, expected_reason=CHANGED) == f"done: confirmed, {CHANGED}"
    assert command(engine, 3) == "done: nothing is blocked"
    engine.quote(SLOW, 139_002, 139_004)
    assert denied(engine) == [CHANGED]
    holds = engine.kernel.state.symbols[SLOW, EURUSD].holds
    assert (holds.contract_size, holds.how, holds.digits) == (MINI.contract_size, "map", 5)


def test_what_goes_back_by_itself_still_needs_a_person() -> None:
    engine = Engine()
    for terms in (LOT, MINI, LOT):
        engine.process(said(terms))
    assert engine.kernel.state.symbols[SLOW, EURUSD].blocked == CHANGED
    command(engine, 1)
    record = engine.kernel.state.symbols[SLOW, EURUSD]
    assert (record.blocked, record.holds.contract_size) == ("", LOT.contract_size)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (said(LOT, name="EURUSD.r"), "name EURUSD.m → EURUSD.r"),
        (said(Terms(digits=3)), "digits 5 → 3"),
        (msgspec.structs.replace(said(LOT), venue_id="7"), "id 1 → 7"),
    ],
)
def test_name_digits_and_id_count_as_the_contract_does(change: Any, reason: str) -> None:
    engine = Engine()
    engine.process(msgspec.structs.replace(said(LOT), venue_id="1"))
    engine.process(change)
    assert engine.kernel.state.symbols[SLOW, EURUSD].blocked == f"SPEC_CHANGED: {reason}"


def test_feeds_that_differ_in_contract_size_need_a_stated_ratio() -> None:
    engine = Engine()
    engine.process(said(LOT, FAST, "EURUSD"))
    engine.process(said(MINI))
    state = engine.kernel.state
    reason = "fast deals it in contracts of another size: contract_size 100000 → 10000"
    assert state.symbols[SLOW, EURUSD].blocked == f"AMBIGUOUS: {reason}"
    assert state.symbols[FAST, EURUSD].blocked == ""
    stated = Engine()
    stated.process(said(LOT, FAST, "EURUSD", "map"))
    stated.process(said(MINI, how="map"))
    assert stated.kernel.state.symbols[SLOW, EURUSD].blocked == ""


def test_a_block_survives_a_restart_from_its_snapshot() -> None:
    engine = Engine()
    for terms in (LOT, MINI):
        engine.process(said(terms))
    section = state_section(engine.kernel.state)
    restored = restore_state(section)
    assert restored.symbols == engine.kernel.state.symbols
    assert restored.symbols[SLOW, EURUSD].blocked == CHANGED
    assert state_section(restored) == section


def test_a_symbol_nobody_knows_is_refused() -> None:
    engine = Engine()
    assert command(engine, 1, symbol="GBPUSD").startswith("refused: symbol 'GBPUSD'")
    assert command(engine, 2, feed="moon").startswith("refused: feed 'moon'")


def test_a_replay_blocks_and_releases_at_the_same_events() -> None:
    engine = Engine(Buyer)
    engine.load("b", "buyer")
    for terms in (LOT, MINI):
        engine.process(said(terms))
    engine.quote(SLOW, 139_000, 139_002)
    command(engine, 1)
    engine.quote(SLOW, 139_001, 139_003)
    again = Kernel(catalogue(Buyer), 1)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
    assert again.state.symbols == engine.kernel.state.symbols


VOLUMES = Terms(
    min_volume=SIZE_ONE // 100,
    step_volume=SIZE_ONE // 100,
    max_volume=2 * SIZE_ONE,
)


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        (1_000, ""),
        (200_000, ""),
        (500, "0.005 lots are less than the venue's minimum of 0.01 lots"),
        (300_000, "3 lots are more than the venue's maximum of 2 lots"),
        (1_500, "0.015 lots are no multiple of the venue's 0.01 lots"),
    ],
)
def test_a_size_that_the_venue_does_not_deal_is_denied(units: int, reason: str) -> None:
    class Once(Buyer):
        kind = "once"

        def on_quote(self, ctx: Context, book: TopBook) -> None:
            ctx.submit("acc", EURUSD, 1, units * SIZE_ONE)

    engine = Engine(Once)
    engine.load("o", "once")
    engine.process(said(LOT.merged(VOLUMES)))
    engine.quote(SLOW, 139_000, 139_002)
    assert denied(engine) == ([reason] if reason else [])


def test_a_part_of_what_the_venue_counts_is_denied() -> None:
    engine = Engine(Buyer)
    engine.load("b", "buyer")
    engine.process(said(Terms(contract_size=3 * SIZE_ONE, volume_unit="contracts")))
    engine.quote(SLOW, 139_000, 139_002)
    assert denied(engine) == ["1 units are no whole number of contracts at the venue"]
