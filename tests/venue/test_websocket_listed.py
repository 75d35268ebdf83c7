"""Rules of single venues in the matrix: symbols nobody lists, silence, checksums of 0."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.venue.wire import FEED, Recorder, Wire, run

from thft.gateway.ws.dialect import USELESS_MESSAGES, Wanted
from thft.gateway.ws.venues import VENUES
from thft.sim.ws.binance import BinanceVenue
from thft.sim.ws.okx import OkxVenue

NAMES = ("binance", "binance_depth", "bybit", "bybit_depth", "okx", "okx_depth")


@pytest.mark.parametrize("name", NAMES)
def test_91_one_unlisted_symbol_costs_the_others_nothing(name: str) -> None:
    async def story() -> Recorder:
        wire = Wire(name, mute_s=0.4)
        good, bad = wire.symbols
        wire.venue.absent.add(bad)
        async with wire:
            await wire.until(lambda: bool(wire.venue.counts.subscribes), "subscription")
            await wire.until(lambda: good in wire.venue.subscribed_symbols(), "its subscription")
            number = 0
            while wire.inbox.state != "DEGRADED" and number < 500:
                number += 1
                wire.tick(0, f"1.17{number:03d}", "1.17999")
                await asyncio.sleep(0.01)
        return wire.inbox

    inbox = asyncio.run(story())
    assert inbox.quotes or inbox.books
    bad = list(Wire(name).symbols)[1]
    assert bad in inbox.reasons("DEGRADED")[0]
    told = {"refused", "snapshot"} if name == "binance_depth" else {"refused"}
    assert {fault for _, fault, _ in inbox.faults} <= told
    assert name.startswith("binance") or any(bad in detail for _, _, detail in inbox.faults)


def test_92_okx_cuts_where_it_has_nothing_to_say_and_only_there() -> None:
    async def story() -> tuple[list[str], list[str]]:
        wire = Wire("okx", probe_s=20.0, stale_s=40.0)
        wire.venue = OkxVenue(idle_s=0.3)
        async with wire:
            await wire.ready()
            for number in range(50):
                wire.tick(0, f"1.17{number:03d}", "1.18")
                await asyncio.sleep(0.02)
            while_it_spoke = wire.inbox.reasons("OFFLINE")
            await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
            return while_it_spoke, wire.inbox.reasons("OFFLINE")

    spoke, silent = asyncio.run(story())
    assert spoke == [] and silent


def test_93_without_checksums_the_chain_proves_okx_books() -> None:
    async def story(wire: Wire) -> None:
        venue: Any = wire.venue
        venue.checksums = False
        await wire.ready()
        for number in range(20):
            wire.tick(0, f"1.17{number:03d}", "1.18")
        await wire.settled()
        assert wire.inbox.faults == []
        wire.venue.faults.skip = 1
        wire.tick(0, "1.17101", "1.18")
        wire.tick(0, "1.17102", "1.18")
        await wire.until(lambda: len(wire.inbox.reasons("READY")) == 2, "READY")
        await wire.settled()
        bid, _, _, _ = wire.inbox.books[1].top()
        assert bid == 1_171_020_000

    assert [fault for _, fault, _ in run(story, "okx_depth").faults] == ["gap"]


@pytest.mark.parametrize(
    ("code", "fault"),
    [("60014", "rate_limited"), ("60023", "rate_limited"), ("60032", "refused"),
     ("60018", "refused"), ("64003", "refused")],
)  # fmt: skip
def test_94_what_okx_means_by_its_codes(code: str, fault: str) -> None:
    inbox = Recorder()
    dialect = VENUES["okx"].dialect(inbox, Wanted(FEED, {"EUR-USD": 1}))
    dialect.begin()
    dialect.received(f'{{"event":"error","code":"{code}","msg":"no"}}'.encode(), 1)
    assert [one for _, one, _ in inbox.faults] == [fault]
    assert bool(dialect.leave) is (fault == "rate_limited")


def test_94_what_okx_says_without_a_code_is_told_as_it_came() -> None:
    inbox = Recorder()
    dialect = VENUES["okx"].dialect(inbox, Wanted(FEED, {"EUR-USD": 1}))
    dialect.begin()
    dialect.received(b'{"event":"channel-conn-count-error","channel":"books","connCount":"30"}', 1)
    ((_, fault, detail),) = inbox.faults
    assert fault == "refused" and '"connCount":"30"' in detail


def test_95_snapshots_of_binance_keep_to_what_its_address_may_ask() -> None:
    async def story() -> list[int]:
        venue = BinanceVenue()
        venue.book("BTCUSDT")
        return [venue.rest("/api/v3/depth?symbol=BTCUSDT&limit=1000")[0] for _ in range(121)]

    assert asyncio.run(story()) == [200] * 120 + [429]
    window = VENUES["binance"].get_window()
    assert window is not None
    allowed = 0
    while not window.wait_ns(0):
        window.take(0)
        allowed += 1
    assert allowed < 120 and window.wait_ns(0) > 60_000_000_000


@pytest.mark.parametrize("name", NAMES)
def test_98_who_sends_nothing_but_nonsense_is_left(name: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for _ in range(3):
            for number in range(USELESS_MESSAGES - 1):
                wire.venue.send_raw(b"{" if number % 2 else b'{"weather":"sunny"}')
            wire.tick(0, "1.17001", "1.18")
            wire.tick(0, "1.17002", "1.18")
        await wire.settled()
        assert wire.inbox.reasons("OFFLINE") == []
        for _ in range(2 * USELESS_MESSAGES):
            wire.venue.send_raw(b"{")
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")

    inbox = run(story, name)
    assert "messages in a row were of no use" in inbox.reasons("OFFLINE")[0]
    assert len(inbox.faults) <= 4 * USELESS_MESSAGES
