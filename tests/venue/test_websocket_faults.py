"""Simulated WebSocket venues alone: the market that moves by itself, and faults from a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.venue.wire import Wire, run

from thft.base.errors import LocalError
from thft.sim.ws.faults import LASTING, MESSAGES, Fault, act, load_faults, run_faults
from thft.sim.ws.market import run_market

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("name", ("binance", "bybit_depth", "kraken", "okx_depth", "bitfinex"))
def test_the_market_moves_what_is_subscribed(name: str) -> None:
    async def story(wire: Wire) -> None:
        market = asyncio.ensure_future(run_market(wire.venue, 7))
        inbox = wire.inbox
        await wire.until(lambda: wire.inbox.state == "READY", "READY without anybody's help")
        await wire.until(
            lambda: (
                len(inbox.quotes) + inbox.batches > 40 and (name == "binance" or bool(inbox.trades))
            ),
            "prices and prints",
        )
        market.cancel()
        await wire.settled()
        if name != "binance":
            for symbol, instrument in wire.case.symbols.items():
                book = vars(wire.venue)["_books"][symbol].truth(10)
                mine = inbox.books[instrument]
                assert (mine.bids()[:10], mine.asks()[:10]) == book

    assert run(story, name).faults == []


def test_a_fault_file_takes_place_in_time(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[faults]]\ndo = "restart"\nms = 1\n'
        '[[faults]]\ndo = "checksum"\nat_s = 0.3\nevery_s = 0.2\n'
        '[[faults]]\ndo = "unknown"\nat_s = 0.3\n'
    )

    async def story(wire: Wire) -> None:
        await wire.ready()
        market = asyncio.ensure_future(run_market(wire.venue, 7))
        trouble = asyncio.ensure_future(run_faults(wire.venue, load_faults(path)))
        await wire.until(
            lambda: len([1 for _, fault, _ in wire.inbox.faults if fault == "checksum"]) >= 2,
            "two wrong checksums",
        )
        market.cancel()
        trouble.cancel()

    inbox = run(story, "okx_depth")
    assert "announced a service upgrade" in inbox.reasons("OFFLINE")[0]
    assert {fault for _, fault, _ in inbox.faults} >= {"unknown_message", "checksum"}


@pytest.mark.parametrize(
    ("fault", "ends"),
    (
        (Fault(do="drop"), "the venue closed the connection"),
        (Fault(do="oversize", bytes=70_000), "larger than 65536 bytes"),
        (Fault(do="deaf", for_s=1.0), "although probed"),
        (Fault(do="mute", for_s=1.0), "although probed"),
    ),
)
def test_faults_that_end_a_connection(fault: Fault, ends: str) -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        acting = asyncio.ensure_future(act(wire.venue, fault))
        await wire.until(lambda: bool(wire.inbox.reasons("OFFLINE")), "OFFLINE")
        await acting

    assert ends in run(story, "bitfinex").reasons("OFFLINE")[0]


def test_faults_that_a_connection_survives() -> None:
    async def story(wire: Wire) -> None:
        await wire.ready()
        for fault in (Fault(do="malformed"), Fault(do="lag", ms=20, for_s=0.05)):
            await act(wire.venue, fault)
        await act(wire.venue, Fault(do="maintenance", for_s=0.05))
        assert wire.venue.faults.lag_ms == 0

    faults = [fault for _, fault, _ in run(story, "kraken").faults]
    assert faults == ["malformed", "venue_status"]
    assert set(MESSAGES) & set(LASTING) == set()


def test_a_bad_fault_file_is_refused_with_all_findings(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\ndo = "explode"\n[[faults]]\ndo = "drop"\nwhen = 3\n')
    with pytest.raises(LocalError) as caught:
        load_faults(path)
    assert "2 findings" in str(caught.value) and "faults[1].when: unknown key" in str(caught.value)
