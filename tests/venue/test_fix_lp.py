"""The simulated providers besides cTrader: plain FIX 4.4, LMAX, FXCM, Binance; and the program."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.venue.fix_peer import QUIET_S, SIDES, Closed, Peer, Stage, rows, run, says, utc

from thft.fix.wire import Garbled, Message
from thft.model.fixed import SIZE_ONE, parse_price
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD, profile

Fields = list[tuple[int, Any]]


def buy(client_id: str, symbol: Fields, **other: Any) -> Fields:
    """Returns a market buy of 10,000, changed by `t40=…`."""
    fields = dict(symbol) | {11: client_id, 54: 1, 60: utc(), 38: 10_000, 40: 1}
    fields |= {int(name[1:]): value for name, value in other.items()}
    return [(tag, value) for tag, value in fields.items() if value is not None]


def wanted(request: str, symbol: Fields, **other: Any) -> Fields:
    """Returns a MarketDataRequest, changed by `t264=…`."""
    fields: dict[int, Any] = {262: request, 263: 1, 264: 1, 265: 0, 267: SIDES, 146: [symbol]}
    return list((fields | {int(name[1:]): value for name, value in other.items()}).items())


# ---- plain FIX 4.4 ---------------------------------------------------------------------------

EURUSD: Fields = [(55, "EURUSD")]


def test_plain_order_by_the_book() -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EURUSD")
        peer = await stage.on()
        peer.send("D", buy("a1", EURUSD, t59=3))
        new, fill = await peer.many("8", 2)
        says(new, t150=0, t14=0, t151=10_000, t6=0, t31=0)
        says(fill, t150="F", t39=2, t31="1.17004", t32=10_000, t6="1.17004", t151=0, t59=3)
        assert new.text(17) != fill.text(17)
        peer.send("D", buy("a2", EURUSD, t40=2, t44="1.1", t59=1))
        await peer.get("8")
        peer.send("F", [(41, "a2"), (11, "c1"), *EURUSD, (54, 1), (60, utc())])
        says(await peer.get("8"), t150=4, t11="c1", t41="a2", t151=0)
        peer.send("F", [(41, "a2"), (11, "c2"), *EURUSD, (54, 1), (60, utc())])
        says(await peer.get("9"), t434=1, t39=4, t102=0)
        peer.send("F", [(41, "zz"), (11, "c3"), *EURUSD, (54, 1), (60, utc())])
        says(await peer.get("9"), t102=1, t39=8, t37="NONE")
        peer.send("H", [(11, "zz"), *EURUSD, (54, 1)])
        says(await peer.get("8"), t150="I", t39=8, t11="zz")

    assert run("fix-lp", story).ledgers["A1"].net("EURUSD") == 10_000 * SIZE_ONE


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"t55": "XXXYYY"}, "j", "2"),
        ({"t40": 3}, "j", "0"),
        ({"t59": 6}, "j", "0"),
        ({"t55": "GBPUSD"}, "8", "99"),
    ],
)
def test_plain_refusals(change: dict[str, Any], kind: str, reason: str) -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EURUSD")
        peer = await stage.on()
        peer.send("D", buy("a1", EURUSD, **change))
        refused = await peer.get(kind)
        assert refused.text(380 if kind == "j" else 103) == reason
        assert refused.text(379 if kind == "j" else 11) == "a1"

    assert not run("fix-lp", story).ledgers["A1"].positions


def test_plain_snapshots() -> None:
    positions = [(724, 0), (581, 1), (1, "A1"), (60, utc())]

    async def story(stage: Stage) -> None:
        stage.tick("EURUSD")
        peer = await stage.on()
        peer.send("AN", [(710, "p1"), *positions])
        says(await peer.get("AO"), t710="p1", t728=2, t727=0)
        peer.send("AF", [(584, "f1"), (585, 7)])
        says(await peer.get("j"), t379="f1", t372="AF")
        peer.send("D", buy("a1", EURUSD, t54=2))
        await peer.many("8", 2)
        peer.send("AN", [(710, "p2"), *positions])
        says(await peer.get("AO"), t710="p2", t728=0, t727=1)
        says(await peer.get("AP"), t710="p2", t727=1, t705=10_000, t704=None, t730="1.17")

    run("fix-lp", story)


def test_other_empty_form() -> None:
    """A dialect that says 911=0, and one that does not know: the simulator assumes either."""

    async def story(stage: Stage) -> None:
        peer = await stage.on()
        peer.send("AF", [(584, "f1"), (585, 7)])
        says(await peer.get("8"), t584="f1", t911=0, t150="I")

    run(profile("fix-lp").with_quirks(empty_orders="8 911=0"), story)


def test_plain_depth_by_prices() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on()
        peer.send("V", wanted("d", EURUSD, t264=0, t265=1))
        await peer.settled()
        stage.tick("EURUSD")
        first = await peer.get("W")
        says(first, t262="d", t55="EURUSD")
        book = {(row[269], row[270]): row[271] for row in rows(first, stage)}
        actions = set()
        for bid in (117_001, 117_000, 117_003, 116_999, 116_999):
            stage.tick("EURUSD", f"{bid / 1e5:.5f}", f"{(bid + 4) / 1e5:.5f}")
            for change in await peer.drained():
                says(change, t35="X", t262="d")
                for row in rows(change, stage):
                    key = row[269], row[270]
                    actions.add(row[279])
                    assert (row[279] == b"0") is (key not in book)
                    if row[279] == b"2":
                        del book[key]
                    else:
                        book[key] = row[271]
        entries = stage.venue.market.books["EURUSD"].entries.values()
        assert {(one.kind, one.price, one.size) for one in entries} == {
            (kind.decode(), parse_price(price.decode()), int(size) * SIZE_ONE)
            for (kind, price), size in book.items()
        }
        assert actions == {b"0", b"1", b"2"}

    run("fix-lp", story)


def test_plain_session_goes_on_and_resends_what_was_missed() -> None:
    """An execution while nobody is there has its number: the next session asks for it."""

    async def story(stage: Stage) -> None:
        stage.tick("EURUSD")
        peer = await stage.on()
        peer.send("D", buy("a1", EURUSD, t40=2, t44="1.1699", t59=1))
        await peer.get("8")
        peer.cut()
        await stage.until(lambda: not stage.venue.clients, "end of the client")
        stage.tick("EURUSD", "1.16980", "1.16984")
        again = stage.peer()
        again.seq, again.strict = peer.seq, False
        await again.connect(stage.ports["fix"])
        says(await again.logon(*stage.credentials()), t34=4, t141=None)
        again.send("2", [(7, 3), (16, 0)])
        says(await again.get("8"), t34=3, t43="Y", t150="F", t11="a1", t31="1.16984")
        says(await again.get("4"), t34=4, t123="Y", t36=5)

    assert run("fix-lp", story).ledgers["A1"].net("EURUSD") == 10_000 * SIZE_ONE


def test_plain_second_session_is_dropped_silently() -> None:
    async def story(stage: Stage) -> None:
        first = await stage.on()
        second = stage.peer()
        await second.connect(stage.ports["fix"])
        second.send("A", [(98, 0), (108, 30), *stage.credentials()])
        await second.closed()
        await first.settled()

    assert run("fix-lp", story).door.refusals == ["logged on already"]


def test_first_message_must_be_a_logon() -> None:
    async def story(stage: Stage) -> None:
        for raw in (b"GET / HTTP/1.1\r\n\r\n", None):
            peer = stage.peer()
            await peer.connect(stage.ports["fix"])
            peer.writer.write(raw or peer.message("0"))
            if raw is None:
                await peer.closed()
        await (await stage.on()).bye()

    run("fix-lp", story)


# ---- LMAX ------------------------------------------------------------------------------------

EURO: Fields = [(48, "4001"), (22, "8")]


def test_lmax_names_instruments_by_48() -> None:
    async def story(stage: Stage) -> None:
        quotes, orders = await stage.on("market_data"), await stage.on("trading")
        quotes.send("V", wanted("m", EURO))
        await quotes.settled()
        stage.tick("EUR/USD")
        quote = await quotes.get("W")
        says(quote, t48=4001, t22=8, t55=None, t262="m")
        first = rows(quote, stage)[0]
        assert first[271] == b"1000000" and {272, 273} <= first.keys()
        orders.send("D", buy("a1", EURO, t38="10.1", t59=4))
        says((await orders.many("8", 2))[1], t48=4001, t55=None, t150="F", t32="10.1", t59=4)
        orders.send("D", buy("a2", EURO, t40=2, t44="1.1", t59=3))
        says((await orders.many("8", 2))[1], t150=4, t39=4, t14=0)
        orders.send("H", [(11, "a1"), *EURO, (54, 1)])
        says(await orders.get("8"), t150="I", t39=2, t14="10.1")
        orders.send("D", buy("a3", EURO, t38="10.05"))
        await orders.get("j")

    assert run("lmax", story).ledgers["1000001"].net("EUR/USD") == 1_010_000_000


def test_lmax_snapshots_are_assumed() -> None:
    """Its record does not say what it answers; the simulator does as a venue by the book."""

    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = await stage.on("trading")
        peer.send("AF", [(584, "f1"), (585, 7)])
        says(await peer.get("j"), t379="f1")
        request = [(724, 0), (581, 1), (1, "1000001"), (60, utc())]
        peer.send("AN", [(710, "p1"), *request])
        says(await peer.get("AO"), t710="p1", t728=2)
        peer.send("D", buy("a1", EURO))
        await peer.many("8", 2)
        peer.send("AN", [(710, "p2"), *request])
        says(await peer.get("AP"), t710="p2", t48=4001, t704=10_000)

    run("lmax", story)


def test_lmax_threshold_logs_out_and_refuses_for_a_while() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trading")
        for number in range(60):
            peer.send("H", [(11, f"x{number}"), *EURO, (54, 1)])
        answers = [await peer.get() for _ in range(51)]
        says(answers[-1], t35="5", t58="Number of messages exceeds the threshold")
        assert [one.type for one in answers[:-1]] == ["8"] * 50
        peer.send("5")
        await peer.closed()
        began = time.monotonic()
        while True:
            again = stage.peer("trading")
            await again.connect(stage.ports["trading"])
            again.send("A", [(98, 0), (108, 30), *stage.credentials(), (141, "Y")])
            try:
                await again.get("A")
                break
            except (Closed, ConnectionError):
                assert time.monotonic() - began < 10
        assert time.monotonic() - began >= 0.8

    known = profile("lmax")
    quick = known.with_dialect(breach={"lockout_s": 1})
    assert known.dialect.breach.lockout_s == 15
    assert run(quick, story).door.refusals


def test_lmax_reset_is_the_clients_choice() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trading")
        await peer.bye()
        again = stage.peer("trading")
        again.seq, again.expected = 3, 3
        await again.connect(stage.ports["trading"])
        says(await again.logon(*stage.credentials()), t34=3, t141=None)
        await again.bye()
        fresh = stage.peer("trading")
        await fresh.connect(stage.ports["trading"])
        says(await fresh.logon(*stage.credentials(), (141, "Y")), t34=1, t141="Y")

    run("lmax", story)


# ---- FXCM ------------------------------------------------------------------------------------

EUR: Fields = [(55, "EUR/USD"), (1, "01000001")]


def test_fxcm_is_silent_without_57() -> None:
    async def story(stage: Stage) -> None:
        peer = stage.peer()
        await peer.connect(stage.ports["fix"])
        peer.send("A", [(98, 0), (108, 30), *stage.credentials()], t57=None)
        await peer.quiet(2 * QUIET_S)
        peer = await stage.on()
        says(peer.units[0], t50="U100D1", t57=None)
        peer.send("1", [(112, "unheard")], t57=None)
        peer.send("1", [(112, "wrong")], t57="OTHER")
        await peer.quiet()

    run("fxcm", story)


@pytest.mark.parametrize(("password", "status"), [(PASSWORD, "1"), ("wrong", "3")])
def test_fxcm_password_may_follow(password: str, status: str) -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = stage.peer()
        await peer.connect(stage.ports["fix"])
        await peer.logon((141, "Y"))
        peer.send("D", buy("a1", EUR))
        says(await peer.get("j"), t380=6)
        peer.send("BE", [(923, "u1"), (924, 1), (553, "D1000001"), (554, password)])
        says(await peer.get("BF"), t923="u1", t926=status)
        if status == "3":
            await peer.get("5")
            return
        peer.send("D", buy("a1", EUR))
        await peer.many("8", 3)

    assert bool(run("fxcm", story).ledgers["01000001"].orders) is (status == "1")


def test_fxcm_says_symbols_and_how_positions_are_held() -> None:
    async def story(stage: Stage) -> None:
        for login, hedged in ((0, "Y"), (1, "N")):
            peer = await stage.on(login=login)
            peer.send("g", [(335, "g1"), (263, 1)])
            status = await peer.get("h")
            says(status, t335="g1", t340=2)
            shape = stage.dialect.dictionary.group("h", 146)
            found = {one.text(55): one.text(9095) for one in status.groups(shape)}
            assert found["EUR/USD"] == "1000" and len(found) == len(stage.profile.listed)
            parameters = status.groups(stage.dialect.dictionary.group("h", 9016))
            assert {one.text(9017) for one in parameters} >= {"BASE_CRNCY"}
            peer.send("BB", [(909, "b1"), (263, 1)])
            collateral = await peer.get("BA")
            says(collateral, t909="b1", t1=f"0100000{login + 1}")
            says(collateral, t803=4000, t523=hedged)

    run("fxcm", story)


def test_fxcm_quotes() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on()
        peer.send("V", wanted("m", [(55, "EUR/USD")], t264=0))
        await peer.settled()
        stage.tick("EUR/USD", "1.17000")
        await peer.get("W")
        stage.tick("EUR/USD", "1.16000")
        quote = await peer.get("W")
        says(quote, t55="EUR/USD", t262=None)
        bid, ask, high, low = rows(quote, stage)
        assert {272, 273, 276, 299} <= bid.keys() and not {272, 273, 276, 299} & ask.keys()
        assert bid[271] == ask[271] == b"0" and 271 not in high
        assert (high[269], high[270], low[269], low[270]) == (b"7", b"1.17", b"8", b"1.16")
        peer.send("V", wanted("m2", [(55, "EUR/USD")], t264=5))
        says(await peer.get("Y"), t281=5)

    run("fxcm", story)


def test_fxcm_orders_need_an_account_and_are_stopped_before_they_are_filled() -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = await stage.on()
        peer.send("D", buy("a1", [(55, "EUR/USD")]))
        refused = await peer.get("j")
        says(refused, t58="No Account specified")
        assert stage.dialect.reason(refused.text(58) or "") == "config"
        peer.send("D", buy("a2", EUR))
        new, stopped, fill = await peer.many("8", 3)
        says(new, t150=0, t39=0)
        says(stopped, t150=7, t39=7, t14=0, t31="1.17004", t32=0)
        says(fill, t150="F", t39=2, t14=10_000, t31="1.17004", t9041=new.text(9041))

    run("fxcm", story)


def test_fxcm_part_ends_rejected_with_what_was_filled() -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = await stage.on()
        stage.venue.inject(Fault(do="partial", size_percent=60))
        peer.send("D", buy("a1", EUR, t59=3))
        *_, part, end = await peer.many("8", 4)
        says(part, t150="F", t39=1, t14=6_000, t151=4_000)
        says(end, t150=4, t39=8, t14=6_000, t151=0, t58="Cancelled")

    ledger = run("fxcm", story).ledgers["01000001"]
    assert ledger.net("EUR/USD") == 6_000 * SIZE_ONE


@pytest.mark.parametrize(
    ("side", "worst", "end"),
    [(1, "1.17004", "2"), (1, "1.17003", "4"), (2, "1.17", "2"), (2, "1.17001", "4")],
)
def test_fxcm_market_range(side: int, worst: str, end: str) -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = await stage.on()
        peer.send("D", buy("a1", EUR, t54=side, t40=4, t99=worst, t59=4))
        while (report := await peer.get("8")).text(39) in ("0", "7"):
            pass
        says(report, t39=end)

    run("fxcm", story)


def test_fxcm_positions() -> None:
    request = [(724, 0), (581, 6), (1, "01000001"), (60, utc())]

    async def story(stage: Stage) -> None:
        stage.tick("EUR/USD")
        peer = await stage.on()
        peer.send("AN", [(710, "p1"), (263, 1), *request])
        says(await peer.get("AO"), t710="p1", t58="No open positions")
        peer.send("D", buy("a1", EUR))
        fill = (await peer.many("8", 3))[2]
        opened = await peer.get("AP")
        says(opened, t710=None, t9041=fill.text(9041), t704=10_000, t730="1.17004", t724=0)
        peer.send("AN", [(710, "p2"), *request])
        says(await peer.get("AP"), t710="p2", t727=1, t9041=fill.text(9041))
        peer.send("D", buy("a2", EUR, t54=2, t9041=fill.text(9041)))
        await peer.many("8", 3)
        says(await peer.get("AP"), t724=1, t9041=fill.text(9041), t9043="1.17")
        peer.send("AN", [(710, "p3"), (724, 1), *request[1:]])
        says(await peer.get("AP"), t710="p3", t724=1, t727=1)

    ledger = run("fxcm", story).ledgers["01000001"]
    assert not ledger.positions and len(ledger.closed) == 1


# ---- Binance ---------------------------------------------------------------------------------


def test_a_peer_that_is_garbage_is_not_answered() -> None:
    async def story(stage: Stage) -> None:
        peer: Peer = await stage.on("market_data")
        peer.writer.write(b"\x00\xff8=FIX.4.4\x019=x\x01")
        await peer.settled()
        assert not any(isinstance(unit, Garbled) for unit in peer.units)
        assert all(isinstance(unit, Message) for unit in peer.units)

    run("binance-fix", story)
