"""The simulated Binance on real sockets: signatures, names of sessions, numbers, best prices."""

from __future__ import annotations

from tests.venue.fix_peer import Stage, rows, run, says, signer, want

from thft.sim.fix.keys import key_from
from thft.sim.fix.profile import PASSWORD


def test_it_pads_lengths_counts_microseconds_and_wants_a_signature() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("market_data")
        answer = peer.units[0]
        assert answer.raw.startswith(b"8=FIX.4.4\x019=0000")
        assert len((answer.text(52) or "").partition(".")[2]) == 6
        invalid, unknown = "Signature for this request is not valid.", "Invalid API-key, IP, or"
        ours, others = (key_from(text) for text in (PASSWORD, "somebody else's"))
        for user, key, sender, code, said in (
            ("simulated-key", None, "B", -1022, invalid),
            ("simulated-key", others, "B", -1022, invalid),
            ("simulated-key", ours, "C", -1022, invalid),  # of another 49
            ("other-key", ours, "B", -2015, unknown),
        ):
            wrong = stage.peer("drop_copy", t49="B")
            wrong.sign = signer(key, sender, "SPOT") if key else None
            await wrong.connect(stage.ports["drop_copy"])
            wrong.send("A", [(98, 0), (108, 30), (141, "Y"), (553, user), (25035, "2")])
            refused = await wrong.get("3")
            says(refused, t45=1, t372="A", t373=8 if code == -1022 else 5, t25016=code)
            assert (refused.text(58) or "").startswith(said)
            await wrong.closed()
        again = stage.peer("drop_copy")  # a 49 that lives on another link
        await again.connect(stage.ports["drop_copy"])
        again.send("A", [(98, 0), (108, 30), *stage.credentials()])
        says(await again.get("3"), t25016=-1033)
        slow = stage.peer("drop_copy", t49="D")
        await slow.connect(stage.ports["drop_copy"])
        slow.send("A", [(98, 0), (108, 90), *stage.credentials()])
        says(await slow.get("3"), t58="HeartBtInt must be from 5 to 60")

    assert run("binance-fix", story).door.logons == 1


def test_it_book_ticker_replaces_and_leaves_out_what_repeats() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("market_data")
        peer.send("V", want("m", 1, 1, "BTCUSDT"))
        says(await peer.get("W"), t268=0, t262="m")
        stage.venue.tick("BTCUSDT", "91400.10", "2.5", "91400.20", "1.25", 0)
        change = await peer.get("X")
        bid, ask = rows(change, stage)
        assert bid[279] == ask[279] == b"1" and bid[270] == b"91400.1" and bid[271] == b"2.5"
        assert {55, 25043, 25044} <= bid.keys() and not {55, 25043, 25044} & ask.keys()

    run("binance-fix", story)


def test_it_holds_an_unclean_end_against_the_comp_id() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("order_entry")
        await peer.bye()
        peer = await stage.on("order_entry")
        peer.cut()
        await stage.until(lambda: not stage.venue.clients, "end of the client")
        again = stage.peer("order_entry")
        await again.connect(stage.ports["order_entry"])
        again.send("A", [(98, 0), (108, 30), *stage.credentials()])
        says(await again.get("3"), t25016=-1033)

    assert run("binance-fix", story).door.logons == 2
