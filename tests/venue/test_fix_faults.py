"""Each fault of the simulated providers, as a client meets it; the venue's truth is asserted."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.venue.fix_peer import LOT, Closed, Peer, Stage, order, run, says, want

from thft.base.errors import LocalError
from thft.fix.wire import Garbled, Message
from thft.gateway import fix_link
from thft.sim.fix import faults
from thft.sim.fix.faults import ORDER, SAYING, VENUE, WIRE, Fault, Faults, load_faults
from thft.sim.fix_lp import FixVenue

pytestmark = pytest.mark.alone

ACCOUNT = "1000001"


async def quoted(stage: Stage) -> Peer:
    """Returns a subscriber of EURUSD that has had its first price."""
    peer = await stage.on("quote")
    peer.send("V", want("m1"))
    await peer.settled()
    return peer


async def trader(stage: Stage) -> Peer:
    stage.tick("EURUSD")
    return await stage.on("trade")


def bid(message: Message, stage: Stage) -> str | None:
    return message.groups(stage.dialect.dictionary.group("W", 268))[0].text(270)


# ---- on the wire -----------------------------------------------------------------------------


def test_lag_delays_and_keeps_the_order() -> None:
    async def story(stage: Stage) -> None:
        peer = await quoted(stage)
        stage.venue.inject(Fault(do="lag", on="W", times=2, ms=(150, 150)))
        began = time.monotonic()
        for price in ("1.17001", "1.17002", "1.17003"):
            stage.tick("EURUSD", price)
        assert [bid(await peer.get("W"), stage) for _ in range(3)] == [
            "1.17001",
            "1.17002",
            "1.17003",
        ]
        assert time.monotonic() - began >= 0.15

    assert run("ctrader", story).faults.done == {"lag": 2}


def test_dropped_message_is_a_gap_that_the_venue_fills() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="drop", on="8", after=1))
        peer.send("D", order("a1"))
        peer.send("1", [(112, "next")])
        says(await peer.get("8"), t34=2, t150=0)
        peer.strict = False
        says(await peer.get("0"), t34=4)
        peer.send("2", [(7, 3), (16, 3)])
        says(await peer.get("8"), t34=3, t43="Y", t150="F", t14=10_000)

    assert run("ctrader", story).ledgers[ACCOUNT].net("EURUSD") == LOT


def test_duplicate_is_the_same_bytes_again() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.strict = False
        stage.venue.inject(Fault(do="duplicate", on="8", after=1))
        peer.send("D", order("a1"))
        new, fill, again = await peer.many("8", 3)
        assert fill.raw == again.raw != new.raw

    assert run("ctrader", story).ledgers[ACCOUNT].net("EURUSD") == LOT


def test_reordered_message_comes_behind_the_next() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        peer.strict = False
        stage.venue.inject(Fault(do="reorder", on="8"))
        peer.send("D", order("a1"))
        fill, new = await peer.many("8", 2)
        says(fill, t34=3, t150="F")
        says(new, t34=2, t150=0)

    run("ctrader", story)


def test_reordered_last_message_is_not_kept_for_ever() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="reorder", on="j"))
        peer.send("H", [(11, "a1")])
        await peer.get("j")

    run("ctrader", story)


def test_garbled_message_has_a_wrong_checksum() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="garble", on="8"))
        peer.send("D", order("a1"))
        damaged = await peer.raw()
        assert isinstance(damaged, Garbled) and "CheckSum" in damaged.reason
        peer.strict = False
        says(await peer.get("8"), t34=3, t150="F")

    run("ctrader", story)


# ---- what is said ----------------------------------------------------------------------------


def test_swallowed_report_leaves_no_gap() -> None:
    """A fill is missing on a healthy stream: only a snapshot shows it."""

    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="swallow", on="8", after=1))
        peer.send("D", order("a1"))
        says(await peer.get("8"), t150=0)
        peer.send("AN", [(710, "p1")])
        says(await peer.get("AP"), t34=3, t704=10_000)

    assert run("ctrader", story).ledgers[ACCOUNT].net("EURUSD") == LOT


def test_repeated_report_has_a_number_of_its_own() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="repeat", on="8", times=0))
        peer.send("D", order("a1"))
        reports = await peer.many("8", 4)
        assert [one.text(150) for one in reports] == ["0", "0", "F", "F"]
        assert [one.seq for one in reports] == [2, 3, 4, 5]
        bodies = [dict(one.fields()) for one in reports[2:]]
        assert all(bodies[0][tag] == bodies[1][tag] for tag in (37, 14, 39, 60, 150))

    assert run("ctrader", story).ledgers[ACCOUNT].net("EURUSD") == LOT


# ---- orders ----------------------------------------------------------------------------------


def test_ignored_order_never_was() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="ignore"))
        peer.send("D", order("a1"))
        peer.send("H", [(11, "a1")])
        says(await peer.get("j"), t379="a1")

    assert not run("ctrader", story).ledgers[ACCOUNT].orders


@pytest.mark.parametrize("kind", ["reject", "requote"])
def test_rejected_order(kind: Any) -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do=kind, text="NOT_ENOUGH_MONEY:no" if kind == "reject" else ""))
        peer.send("D", order("a1"))
        refused = await peer.get("8")
        says(refused, t150=8, t39=8, t14=0, t151=0, t11="a1")
        text = refused.text(58) or ""
        assert stage.dialect.reason(text) == "no_money" or text.startswith("Requote")

    ledger = run("ctrader", story).ledgers[ACCOUNT]
    assert [one.state for one in ledger.orders.values()] == ["rejected"] and not ledger.positions


@pytest.mark.parametrize(
    ("rest", "kinds", "size"),
    [("cancel", "0F4", 4_000), ("fill", "0FF", 10_000), ("stay", "0F", 4_000)],
)
def test_partial_fill(rest: Any, kinds: str, size: int) -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="partial", size_percent=40, rest=rest))
        peer.send("D", order("a1", t40=2, t44="1.18"))
        reports = await peer.many("8", len(kinds))
        assert "".join(one.text(150) or "" for one in reports) == kinds
        says(reports[1], t39=1, t14=4_000, t32=4_000, t151=6_000, t6="1.17004")
        if rest == "cancel":
            says(reports[2], t39=4, t14=4_000, t151=10_000)
        if rest == "stay":
            stage.tick("EURUSD", "1.16990", "1.16994")
            says(await peer.get("8"), t39=2, t14=10_000, t32=6_000, t6="1.16998")

    ledger = run("ctrader", story).ledgers[ACCOUNT]
    assert ledger.net("EURUSD") == (10_000 if rest == "stay" else size) * LOT // 10_000


# ---- the venue -------------------------------------------------------------------------------


def test_logout_with_a_text() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="logout", text="Maintenance"))
        says(await peer.get("5"), t58="Maintenance")
        peer.send("5")
        await peer.closed()

    run("ctrader", story)


def test_cut_at_a_message() -> None:
    """The connection goes with the order, whose fate the client cannot know."""

    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="cut", on="8", after=1))
        peer.send("D", order("a1"))
        with pytest.raises((Closed, ConnectionError)):
            for _ in range(2):
                await peer.get("8")

    assert run("ctrader", story).ledgers[ACCOUNT].net("EURUSD") == LOT


def test_cut_at_the_logon() -> None:
    async def story(stage: Stage) -> None:
        stage.venue.inject(Fault(do="cut", on="A", times=2))
        for _ in range(2):
            with pytest.raises((Closed, ConnectionError)):
                await stage.on("trade")
        await (await stage.on("trade")).bye()

    assert run("ctrader", story).door.logons == 3


def test_deaf_venue_keeps_the_connection_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even when its session has given the client up for dead and would cut the connection."""
    monkeypatch.setattr(fix_link, "LINGER_S", 0.1)

    async def story(stage: Stage) -> None:
        peer = stage.peer("trade")
        await peer.connect(stage.ports["trade"])
        await peer.logon(*stage.credentials(), heartbeat=1)
        stage.venue.inject(Fault(do="deaf"))
        peer.send("1", [(112, "there?")])
        await peer.quiet(3.0)
        peer.writer.close()
        await stage.until(lambda: not stage.venue.clients, "end of the client")

    run("ctrader", story)


def test_deaf_for_a_while() -> None:
    async def story(stage: Stage) -> None:
        peer = await quoted(stage)
        stage.venue.inject(Fault(do="deaf", for_s=0.2))
        stage.tick("EURUSD", "1.17001")
        peer.strict = False
        await peer.quiet(0.1)
        await asyncio.sleep(0.2)
        stage.tick("EURUSD", "1.17002")
        quote = await peer.get("W")
        assert bid(quote, stage) == "1.17002" and quote.seq == peer.expected + 1

    run("ctrader", story)


def test_deaf_venue_drops_the_dead_when_it_hears_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fix_link, "LINGER_S", 60.0)

    async def story(stage: Stage) -> None:
        peer = stage.peer("trade")
        await peer.connect(stage.ports["trade"])
        await peer.logon(*stage.credentials(), heartbeat=1)
        stage.venue.inject(Fault(do="deaf", for_s=2.8))
        with pytest.raises((Closed, ConnectionError)):
            await peer.raw()
        assert not stage.venue.clients

    run("ctrader", story)


def test_sequence_jumps_up() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="sequence", numbers=3))
        peer.strict = False
        peer.send("H", [(11, "x")])
        says(await peer.get("j"), t34=5)
        peer.send("2", [(7, 2), (16, 4)])
        says(await peer.get("4"), t34=2, t36=5, t123="Y", t43="Y")

    run("ctrader", story)


def test_sequence_falls_back() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        await peer.settled()
        peer.strict = False
        stage.venue.inject(Fault(do="sequence", numbers=-2))
        says(await peer.get("0"), t34=1, t43=None)

    run("ctrader", story)


def test_garbage_between_messages() -> None:
    async def story(stage: Stage) -> None:
        peer = await trader(stage)
        stage.venue.inject(Fault(do="garbage"))
        first = await peer.raw()
        assert isinstance(first, Garbled)
        await peer.settled()

    run("ctrader", story)


def test_throttle_logs_out_and_locks_out() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trading")
        stage.venue.inject(Fault(do="throttle", link="trading"))
        said = await peer.get("5")
        assert stage.dialect.reason(said.text(58) or "") == "rate_breach"
        peer.send("5")
        await peer.closed()
        again = stage.peer("trading")
        await again.connect(stage.ports["trading"])
        again.send("A", [(98, 0), (108, 30), *stage.credentials()])
        await again.closed()

    venue = run("lmax", story)
    assert len(venue.door.refusals) == 1 and venue.door.logons == 1


# ---- triggers --------------------------------------------------------------------------------


def test_window_link_type_count_and_times_of_a_fault() -> None:
    clock = [1_000_000_000]
    armed = Faults(1, lambda: clock[0])
    armed.arm(Fault(do="swallow", on="W", link="quote", at_s=2.0, for_s=3.0, after=1, times=2))

    def hits(count: int, link: str = "quote", kind: str = "W") -> int:
        return sum(len(armed.hit(SAYING, link, kind)) for _ in range(count))

    assert hits(5) == 0
    clock[0] += 2_000_000_000
    assert hits(5, "trade") == hits(5, kind="8") == 0
    assert not armed.hit(WIRE, "quote", "W")
    assert [hits(1) for _ in range(5)] == [0, 1, 1, 0, 0]
    armed.arm(Fault(do="repeat", for_s=3.0, times=0))
    assert hits(4) == 4
    clock[0] += 1_000_000_000
    assert hits(4) == 0
    assert armed.done == {"swallow": 2, "repeat": 4}


def test_every_repeats() -> None:
    async def story(stage: Stage) -> None:
        began = time.monotonic()
        quotes = await stage.on("quote")
        for _ in range(3):
            peer = await stage.on("trade")
            says(await peer.get("5"), t58="again")
            peer.send("5")
            await peer.closed()
        assert time.monotonic() - began >= 0.3
        await quotes.settled()

    plan = Fault(do="logout", at_s=0.2, every_s=0.2, text="again", link="trade")
    assert run("ctrader", story, plan).faults.done["logout"] >= 3


def test_chance_is_drawn_from_the_seed() -> None:
    def hits(seed: int) -> list[int]:
        found: list[int] = []

        async def story(stage: Stage) -> None:
            peer = await quoted(stage)
            stage.venue.inject(Fault(do="swallow", on="W", times=0, percent=30))
            for number in range(100):
                stage.tick("EURUSD", f"{1.17 + number / 1e5:.5f}")
            prices = [bid(unit, stage) or "" for unit in await peer.drained()]
            found.extend(round((float(price) - 1.17) * 1e5) for price in prices)

        run("ctrader", story, seed=seed)
        return found

    one = hits(1)
    assert hits(1) == one != hits(2)
    assert 50 <= len(one) <= 90


FILE = """
[[faults]]
do = "partial"
size_percent = 40
rest = "fill"
after = 1

[[faults]]
do = "lag"
on = "8"
ms = [20, 80]
at_s = 5.0
for_s = 10.5
times = 0
percent = 50
"""


def test_fault_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(FILE)
    assert load_faults(path) == (
        Fault(do="partial", size_percent=40, rest="fill", after=1),
        Fault(do="lag", on="8", ms=(20, 80), at_s=5.0, for_s=10.5, times=0, percent=50),
    )


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ('[[faults]]\ndo = "explode"\npercent = 101', ["faults[0].do: 'explode'", "percent: 101"]),
        ('[[faults]]\non = "8"', ["faults[0].do: missing", "use one of"]),
        ('[[faults]]\ndo = "cut"\nwhen = 3', ["faults[0].when: unknown key"]),
        ('[[fault]]\ndo = "cut"', ["fault: unknown key", "use one of faults"]),
        ("[[faults", ["mend the TOML"]),
    ],
)
def test_broken_fault_file(tmp_path: Path, text: str, findings: list[str]) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(LocalError) as refused:
        load_faults(path)
    assert all(finding in str(refused.value) for finding in findings), refused.value


def test_no_fault_file(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="No such file"):
        load_faults(tmp_path / "none.toml")


def test_every_kind_is_described_and_no_two_alike() -> None:
    kinds = (*WIRE, *SAYING, *ORDER, *VENUE)
    assert len(set(kinds)) == len(kinds) == 20
    for kind in kinds:
        assert f"`{kind}`" in (faults.__doc__ or ""), kind
        assert msgspec.convert({"do": kind}, Fault).do == kind


def test_unknown_symbol_of_a_tick_is_ours() -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(LocalError, match="lists no XXXYYY"):
            stage.tick("XXXYYY")

    assert isinstance(run("ctrader", story), FixVenue)
