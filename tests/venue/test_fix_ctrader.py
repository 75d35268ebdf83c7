"""The simulated cTrader venue, quirk by quirk, by a client of the tests' own on real sockets."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.venue.fix_peer import (
    EURUSD,
    GBPUSD,
    QUIET_S,
    Closed,
    Stage,
    order,
    rows,
    run,
    says,
    want,
)

from thft.fix.wire import Garbled
from thft.model.fixed import SIZE_ONE, parse_price
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD

# ---- Logon ---------------------------------------------------------------------------------------


def test_logon_starts_numbers_over_and_is_answered_in_the_clients_words() -> None:
    async def story(stage: Stage) -> None:
        for _ in range(2):
            peer = stage.peer("trade", t56="cServer")
            await peer.connect(stage.ports["trade"])
            answer = await peer.logon(*stage.credentials())
            says(answer, t34=1, t49="CSERVER", t50="TRADE", t57="core1", t141="Y", t108=30)
            await peer.bye()

    assert run("ctrader", story).door.logons == 2


@pytest.mark.parametrize(
    ("header", "credentials", "text"),
    [
        ({}, [(553, "1000001"), (554, "wrong")], "InternalError: RET_INVALID_DATA"),
        ({}, [(553, "7"), (554, PASSWORD)], "InternalError: RET_INVALID_DATA"),
        ({"t49": "demo.thft.9"}, [(553, "9"), (554, PASSWORD)], "Can't route request"),
        ({"t56": "SOMEONE"}, [(553, "1000001"), (554, PASSWORD)], "Can't route request"),
        ({"t57": "QUOTE"}, [(553, "1000001"), (554, PASSWORD)], "Can't route request"),
    ],
)
def test_bad_logon_is_refused_with_a_text(
    header: dict[str, str], credentials: list[tuple[int, Any]], text: str
) -> None:
    async def story(stage: Stage) -> None:
        peer = stage.peer("trade", 0, **header)
        await peer.connect(stage.ports["trade"])
        peer.send("A", [(98, 0), (108, 30), (141, "Y"), *credentials])
        refused = await peer.get("5")
        says(refused, t34=1, t58=text, t50=header.get("t57", "TRADE"), t57=None)
        await peer.closed()
        good = await stage.on("trade")
        await good.bye()

    venue = run("ctrader", story)
    assert venue.door.refusals == [text] and venue.door.logons == 1


@pytest.mark.parametrize("wrong", ["no 57", "no 50 on quote", "body before header", "no time"])
def test_bad_header_gets_silence(wrong: str) -> None:
    """Even a Logon that is otherwise good; the connection stays open."""

    async def story(stage: Stage) -> None:
        link = "quote" if "quote" in wrong else "trade"
        peer = stage.peer(link)
        await peer.connect(stage.ports[link])
        fields = [(98, 0), (108, 30), *stage.credentials()]
        if wrong == "no 57":
            peer.send("A", fields, t57=None)
        elif wrong == "no 50 on quote":
            peer.send("A", fields, t50=None)
        else:
            peer.writer.write(reordered(peer.message("A", fields), wrong))
        await peer.quiet(2 * QUIET_S)
        assert not stage.venue.clients and not stage.venue.door.refusals

    run("ctrader", story)


def reordered(raw: bytes, wrong: str) -> bytes:
    """Returns a message with 52 at the end of its body, or in local time."""
    fields = raw.split(b"\x01")[2:-2]
    time_field = next(one for one in fields if one.startswith(b"52="))
    fields.remove(time_field)
    fields.append(time_field if "before" in wrong else b"52=20260302 09:15:00")
    body = b"\x01".join(fields) + b"\x01"
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)


def test_bad_header_and_garble_in_a_session_get_silence_and_cost_a_number() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trade")
        peer.send("1", [(112, "unheard")], t57=None)
        damaged = peer.message("1", [(112, "damaged")])
        peer.writer.write(damaged.replace(b"damaged", b"Damaged"))
        peer.send("1", [(112, "heard")])
        says(await peer.get("2"), t7=2, t16=0)
        peer.writer.write(peer.message("4", [(123, "Y"), (36, 4)]))
        await peer.quiet(0.01)

    venue = run("ctrader", story)
    assert venue.door.logons == 1


def test_blocked_by_the_broker() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trade")
        stage.venue.inject(Fault(do="block"))
        said = await peer.get("5")
        assert stage.dialect.reason(said.text(58) or "") == "locked_out"
        peer.send("5")
        await peer.closed()
        again = stage.peer("trade")
        await again.connect(stage.ports["trade"])
        again.send("A", [(98, 0), (108, 30), *stage.credentials()])
        assert stage.dialect.reason((await again.get("5")).text(58) or "") == "locked_out"
        stage.venue.inject(Fault(do="unblock"))
        await (await stage.on("trade")).bye()

    run("ctrader", story)


def test_channel_blocked_for_orders_alone() -> None:
    async def story(stage: Stage) -> None:
        stage.venue.profile.logins[0].state = "read_only"
        stage.tick("EURUSD")
        peer = await stage.on("trade")
        peer.send("D", order("a1"))
        refused = await peer.get("j")
        assert stage.dialect.reason(refused.text(58) or "") == "channel_blocked"
        says(refused, t379="a1", t380=0, t45=None, t372=None)
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t728=2)

    assert not run("ctrader", story).ledgers["1000001"].orders


# ---- symbols -------------------------------------------------------------------------------------


def test_symbol_list_is_long_numeric_and_complete() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trade")
        peer.send("x", [(320, "s1"), (559, 0)])
        listed = await peer.get("y")
        says(listed, t320="s1", t322="responce:s1", t560=0)
        assert len(listed.raw) > 10_000
        shape = stage.dialect.dictionary.group("y", 146)
        found = [(e.text(55), e.text(1007), e.integer(1008)) for e in listed.groups(shape)]
        assert found == [(one.id, one.name, one.digits) for one in stage.profile.listed]
        assert found[0] == ("1", "EURUSD", 5) and ("41", "XAUUSD", 2) in found
        peer.send("x", [(320, "s2"), (559, 4)])
        says(await peer.get("y"), t560=5, t146=None)
        peer.send("x", [(320, "s3"), (559, 0), (55, "99999")])
        says(await peer.get("y"), t560=2)
        peer.send("x", [(320, "s4"), (559, 0), (55, EURUSD)])
        says(await peer.get("y"), t560=0, t146=1)

    run("ctrader", story)


@pytest.mark.parametrize(
    ("link", "kind"), [("quote", "D"), ("quote", "x"), ("trade", "V"), ("quote", "AN")]
)
def test_a_link_serves_its_own_messages_alone(link: str, kind: str) -> None:
    bodies = {"D": order("a1"), "x": [(320, "s"), (559, 0)], "V": want("m"), "AN": [(710, "p")]}

    async def story(stage: Stage) -> None:
        peer = await stage.on(link)
        peer.send(kind, bodies[kind])
        refused = await peer.get("j")
        assert stage.dialect.reason(refused.text(58) or "") == "invalid_request"

    assert not run("ctrader", story).ledgers["1000001"].orders


# ---- market data ---------------------------------------------------------------------------------


def test_spot_is_w_without_sizes_or_request_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("quote")
        peer.send("V", want("m1"))
        await peer.settled()
        for bid in ("1.17000", "1.17002"):
            stage.tick("EURUSD", bid)
            quote = await peer.get("W")
            says(quote, t55=EURUSD, t262=None, t268=2)
            bids, asks = rows(quote, stage)
            assert parse_price(bids[270].decode()) == parse_price(bid)
            assert asks[269] == b"1" and 271 not in bids and 278 not in bids
        stage.venue.tick("EURUSD", "", "", "1.17009", "1", time.time_ns())
        assert [row[269] for row in rows(await peer.get("W"), stage)] == [b"1"]

    run("ctrader", story)


def test_last_price_comes_at_subscription_and_unsubscribing_ends_it() -> None:
    async def story(stage: Stage) -> None:
        stage.tick("EURUSD")
        peer = await stage.on("quote")
        peer.send("V", want("m1", 1, 1, EURUSD, GBPUSD))
        says(await peer.get("W"), t55=EURUSD)
        stage.tick("GBPUSD", "1.34000", "1.34005")
        says(await peer.get("W"), t55=GBPUSD)
        peer.send("V", want("m1", 1, 2, EURUSD, GBPUSD))
        await peer.settled()
        stage.tick("EURUSD")
        await peer.settled()
        assert stage.venue.market.subscribes == [["EURUSD", "GBPUSD"]]

    run("ctrader", story)


def test_depth_is_w_then_x_by_ids() -> None:
    """Every X applied to what came before gives the venue's own book."""

    async def story(stage: Stage) -> None:
        peer = await stage.on("quote")
        stage.tick("EURUSD")
        peer.send("V", want("m1", 0))
        first = await peer.get("W")
        book = {row[278]: (row[269], row[270], row[271]) for row in rows(first, stage)}
        assert len(book) == 6
        mixed = 0
        for step in range(1, 40):
            bid = 117_000 + step * 7 % 5
            stage.tick("EURUSD", f"{bid / 1e5:.5f}", f"{(bid + 4) / 1e5:.5f}")
            changes = rows(await peer.get("X"), stage)
            actions = [row[279] for row in changes]
            mixed += actions != sorted(actions) and actions != sorted(actions, reverse=True)
            for row in changes:
                if row[279] == b"2":
                    assert row.keys() == {279, 278, 55}
                    del book[row[278]]
                else:
                    assert row[279] == b"0" and row[278] not in book
                    book[row[278]] = row[269], row[270], row[271]
        entries = stage.venue.market.books["EURUSD"].entries.values()
        truth = {(one.kind, one.price, one.size) for one in entries}
        prices = {
            (kind.decode(), parse_price(price.decode()), int(size) * SIZE_ONE)
            for kind, price, size in book.values()
        }
        assert prices == truth and mixed > 10

    run("ctrader", story)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({55: "99999"}, "0"), ({263: 7}, "4"), ({264: 5}, "5")],
)
def test_refused_subscription(change: dict[int, Any], reason: str) -> None:
    async def story(stage: Stage) -> None:
        fields = dict(want("m1")) | change
        symbol = fields.pop(55, EURUSD)
        fields[146] = [[(55, symbol)]]
        peer = await stage.on("quote")
        peer.send("V", fields.items())
        if 263 in change:
            says(await peer.get("3"), t371=263, t373=5)
            return
        says(await peer.get("Y"), t262="m1", t281=reason)

    run("ctrader", story)


def test_subscriptions_end_at_logout() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("quote")
        peer.send("V", want("m1"))
        await peer.settled()
        await peer.bye()
        peer = await stage.on("quote")
        stage.tick("EURUSD")
        await peer.settled()
        assert not [unit for unit in peer.units if unit.type == "W"]
        peer.send("V", want("m1"))
        await peer.get("W")

    run("ctrader", story)


# ---- liveness ------------------------------------------------------------------------------------


def test_test_requests_are_answered_and_asked() -> None:
    async def story(stage: Stage) -> None:
        peer = stage.peer("trade")
        await peer.connect(stage.ports["trade"])
        await peer.logon(*stage.credentials(), heartbeat=1)
        peer.send("1", [(112, "ping7")])
        says(await peer.get("0"), t112="ping7")
        says(await peer.get("1"), t112="TEST")
        with pytest.raises((Closed, ConnectionError)):
            while True:
                unit = await peer.raw()
                assert not isinstance(unit, Garbled) and unit.type in "01"

    run("ctrader", story)


def test_same_seed_same_story() -> None:
    """Prices, ids and order of rows come from the seed alone."""

    def play() -> list[bytes]:
        bodies: list[bytes] = []

        async def story(stage: Stage) -> None:
            peer = await stage.on("quote")
            stage.tick("EURUSD")
            peer.send("V", want("m1", 0))
            bodies.append((await peer.get("W")).raw)
            for bid in ("1.17001", "1.17003", "1.16999"):
                stage.tick("EURUSD", bid)
                bodies.append((await peer.get("X")).raw)

        run("ctrader", story, seed=7)
        return [body.partition(b"268=")[2][:-7] for body in bodies]

    assert play() == play()
