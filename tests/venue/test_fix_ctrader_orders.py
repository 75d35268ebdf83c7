"""Orders and positions at the simulated cTrader venue, by a client of the tests' own."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.venue.fix_peer import GBPUSD, LOT, Peer, Stage, order, run, says, utc

from thft.model.fixed import SIZE_ONE, parse_price
from thft.sim.fix.profile import profile

# ---- orders --------------------------------------------------------------------------------------


async def trader(stage: Stage, login: int = 0) -> Peer:
    stage.tick("EURUSD")
    return await stage.on("trade", login)


def test_market_order_in_the_venues_words() -> None:
    """No 17, no 31; 6 and 32 with executions alone; the position's id from the start."""

    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t494="thft.lat1"))
        new, fill = await peer.many("8", 2)
        says(new, t150=0, t39=0, t14=0, t151=10_000, t6=None, t32=None, t17=None, t31=None)
        says(fill, t150="F", t39=2, t14=10_000, t32=10_000, t151=0, t6="1.17004", t31=None)
        says(fill, t11="a1", t37=new.text(37), t721=new.text(721), t494="thft.lat1", t59=3)

    ledger = run("ctrader", story).ledgers["1000001"]
    (held,) = ledger.positions.values()
    assert (held.size, held.average) == (LOT, parse_price("1.17004"))
    assert [report.kind for report in ledger.reports] == ["new", "trade"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"t55": "99999"}, "INVALID_REQUEST"),
        ({"t40": 4, "t99": "1.2"}, "INVALID_REQUEST"),
        ({"t38": "0.001"}, "INVALID_REQUEST"),
        ({"t38": 0}, "INVALID_REQUEST"),
        ({"t40": 2}, "INVALID_REQUEST"),
        ({"t721": "77"}, "POSITION_NOT_FOUND"),
        ({"t55": GBPUSD}, "MARKET_CLOSED"),
    ],
)
def test_bad_order_is_answered_by_j(change: dict[str, Any], text: str) -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", **change))
        refused = await peer.get("j")
        says(refused, t379="a1", t380=0)
        assert (refused.text(58) or "").startswith(text)

    assert not run("ctrader", story).ledgers["1000001"].orders


def test_client_id_is_good_once() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1"))
        await peer.many("8", 2)
        peer.send("D", order("a1"))
        assert "used before" in ((await peer.get("j")).text(58) or "")

    assert len(run("ctrader", story).ledgers["1000001"].orders) == 1


def test_hedged_account_keeps_positions_by_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        ids = []
        for client_id, side in (("a1", 1), ("a2", 2)):
            peer.send("D", order(client_id, t54=side))
            ids.append((await peer.many("8", 2))[1].text(721))
        assert ids[0] != ids[1]
        peer.send("AN", [(710, "p1")])
        first, second = await peer.many("AP", 2)
        says(first, t721=ids[0], t702=1, t704=10_000, t705=0, t730="1.17004", t727=2, t728=0)
        says(second, t721=ids[1], t704=0, t705=10_000, t730="1.17")
        peer.send("D", order("a3", t54=2, t38=4_000, t721=ids[0]))
        await peer.many("8", 2)
        peer.send("AN", [(710, "p2"), (721, ids[0])])
        says(await peer.get("AP"), t721=ids[0], t704=6_000, t727=1)
        peer.send("D", order("a4", t54=2, t38=7_000, t721=ids[0]))
        assert "more than" in ((await peer.get("j")).text(58) or "")
        peer.send("D", order("a5", t54=2, t38=6_000, t721=ids[0]))
        await peer.many("8", 2)

    ledger = run("ctrader", story).ledgers["1000001"]
    assert [held.size for held in ledger.positions.values()] == [-LOT]
    assert [one.size for one in ledger.closed] == [4_000 * SIZE_ONE, 6_000 * SIZE_ONE]


def test_netted_account_has_one_position_a_symbol() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage, login=1)
        for client_id, side, size in (("a1", 1, 10_000), ("a2", 2, 4_000), ("a3", 2, 9_000)):
            peer.send("D", order(client_id, t54=side, t38=size))
            await peer.many("8", 2)
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t704=0, t705=3_000, t730="1.17", t727=1)

    ledger = run("ctrader", story).ledgers["1000002"]
    assert ledger.net("EURUSD") == -3_000 * SIZE_ONE and len(ledger.positions) == 1


def test_limit_and_stop_wait_for_their_price() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("limit", t40=2, t44="1.16990"))
        peer.send("D", order("stop", t40=3, t99="1.17010"))
        says((await peer.many("8", 2))[0], t39=0, t44="1.1699", t59=1)
        stage.tick("EURUSD", "1.17001", "1.17005")
        stage.tick("EURUSD", "1.16985", "1.16989")
        says(await peer.get("8"), t11="limit", t150="F", t6="1.16989")
        stage.tick("EURUSD", "1.17008", "1.17012")
        says(await peer.get("8"), t11="stop", t150="F", t6="1.17012")

    assert run("ctrader", story).ledgers["1000001"].net("EURUSD") == 2 * LOT


def test_gtd_expires() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t40=2, t44="1.1", t126=utc(time.time_ns() + 200_000_000)))
        new, gone = await peer.many("8", 2)
        says(new, t59=6)
        says(gone, t150="C", t39="C", t11="a1")

    (only,) = run("ctrader", story).ledgers["1000001"].orders.values()
    assert only.state == "expired" and only.leaves == 0


def test_cancel_leaves_151_as_it_was() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t40=2, t44="1.1"))
        new = await peer.get("8")
        peer.send("F", [(41, "a1"), (11, "c1"), (37, new.text(37))])
        says(await peer.get("8"), t150=4, t39=4, t151=10_000, t14=0, t37=new.text(37))
        peer.send("F", [(41, "a1"), (11, "c2")])
        refused = await peer.get("j")
        says(refused, t379="c2")
        assert stage.dialect.reason(refused.text(58) or "") == "order_not_found"

    (only,) = run("ctrader", story).ledgers["1000001"].orders.values()
    assert only.state == "cancelled" and only.leaves == 0


def test_replace_takes_the_new_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t40=2, t44="1.1"))
        new = await peer.get("8")
        peer.send("G", [(41, "a1"), (11, "a2"), (37, new.text(37)), (38, 20_000), (44, "1.12")])
        says(await peer.get("8"), t150=5, t39=0, t11="a2", t41=None, t38=20_000, t44="1.12")
        peer.send("G", [(41, "a2"), (11, "a3"), (38, 20_000), (44, "1.2")])
        says((await peer.many("8", 2))[1], t150="F", t11="a3", t6="1.17004", t14=20_000)

    assert run("ctrader", story).ledgers["1000001"].net("EURUSD") == 2 * LOT


def test_order_on_its_way_is_busy() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        messages = (
            ("D", order("a1")),
            ("F", [(41, "a1"), (11, "c1")]),
            ("G", [(41, "a1"), (11, "c2"), (38, 5)]),
        )
        peer.writer.write(b"".join(peer.message(kind, fields) for kind, fields in messages))
        await peer.get("8")
        busy = await peer.get("9")
        says(busy, t11="c1", t41="a1", t434=1)
        assert stage.dialect.reason(busy.text(58) or "") == "busy"
        says(await peer.get("9"), t434=2)
        says(await peer.get("8"), t150="F")

    slow = profile("ctrader").with_quirks(fill_ms=(50, 50))
    assert run(slow, story).ledgers["1000001"].net("EURUSD") == LOT


# ---- snapshots -----------------------------------------------------------------------------------


def test_empty_forms_are_said() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("AF", [(584, "f1"), (585, 7)])
        says(await peer.get("j"), t379="f1", t380=0)
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t710="p1", t728=2, t727=0, t721=None, t55=None, t702=None)

    run("ctrader", story)


def test_mass_status_says_how_many_and_no_client_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        for number in range(3):
            peer.send("D", order(f"a{number}", t40=2, t44="1.1"))
        known = {report.text(37) for report in await peer.many("8", 3)}
        peer.send("AF", [(584, "f1"), (585, 7)])
        reports = await peer.many("8", 3)
        for report in reports:
            says(report, t150="I", t39=0, t584="f1", t911=3, t11=None)
        assert {report.text(37) for report in reports} == known
        peer.send("AF", [(584, "f2"), (585, 1)])
        says(await peer.get("j"), t379="f2")

    run("ctrader", story)


def test_status_of_one_order() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1"))
        await peer.many("8", 2)
        peer.send("H", [(11, "a1")])
        says(await peer.get("8"), t150="I", t39=2, t14=10_000, t6="1.17004", t32=None)
        peer.send("H", [(11, "a9")])
        says(await peer.get("j"), t379="a9")

    run("ctrader", story)


# ---- several sessions, and the venue's people ----------------------------------------------------


def test_every_trade_session_gets_a_copy() -> None:
    async def story(stage: Stage) -> None:
        first = await trader(stage)
        second = await stage.on("trade")
        other = await stage.on("trade", login=1)
        first.send("D", order("a1"))
        for peer in (first, second):
            says((await peer.many("8", 2))[1], t11="a1", t150="F")
        await other.settled()
        assert [unit.type for unit in other.units] == ["A", "0"]

    run("ctrader", story)


def test_trades_by_hand_arrive_without_client_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.trade_by_hand("1000001", "EURUSD", -1, LOT)
        new, fill = await peer.many("8", 2)
        says(new, t11=None, t54=2)
        says(fill, t11=None, t150="F", t14=10_000, t6="1.17")
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t705=10_000, t721=fill.text(721))

    assert run("ctrader", story).ledgers["1000001"].net("EURUSD") == -LOT


def test_what_happens_while_nobody_is_there_leaves_no_message() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t40=2, t44="1.16990"))
        await peer.get("8")
        await peer.bye()
        stage.tick("EURUSD", "1.16980", "1.16984")
        peer = await stage.on("trade")
        peer.send("AF", [(584, "f1"), (585, 7)])
        says(await peer.get("j"), t34=2)
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t704=10_000, t730="1.16984")

    run("ctrader", story)


def test_late_fill_after_cancel() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.send("D", order("a1", t40=2, t44="1.1"))
        await peer.get("8")
        peer.send("F", [(41, "a1"), (11, "c1")])
        await peer.get("8")
        ledger = stage.venue.ledgers["1000001"]
        (only,) = ledger.orders.values()
        stage.venue.desk.fill_by_hand(ledger, only, 3_000 * SIZE_ONE, parse_price("1.1"))
        says(await peer.get("8"), t150="F", t39=4, t14=3_000, t32=3_000, t6="1.1")

    assert run("ctrader", story).ledgers["1000001"].net("EURUSD") == 3_000 * SIZE_ONE
