"""What both Experts do with each command, at most once, and what they tell of trades."""

from __future__ import annotations

from typing import Any

import pytest
from tests.mql.experts import staged
from tests.mql.peer import Peer

from thft.gateway.metatrader.protocol import records as r
from thft.model.fixed import ABSENT, SIZE_ONE, parse_price

pytestmark = [pytest.mark.slow, pytest.mark.once]
BOTH = pytest.mark.parametrize("dialect", [5, 4])
LOT = SIZE_ONE // 100
FAST = {"step_ms": 100}


def limit(peer: Peer, order_id: str, price: str = "1.10000", **terms: Any) -> r.Open:
    return peer.order(order_id, kind="limit", price=parse_price(price), **terms)


@BOTH
def test_a_market_order_is_done_once_and_told_as_a_deal(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        result = peer.command(peer.order("a-1"))
        assert (result.outcome, result.id, result.price) == ("done", "a-1", parse_price("1.17004"))
        deal = peer.wait(r.DealRow)
        assert (deal.comment, deal.entry, deal.volume, deal.req) == ("a-1", "in", LOT, 0)
        again = peer.command(peer.order("a-1"))
        assert again.outcome == "duplicate"
        report = terminal.report()
        assert report["order_sends"] == 1
        assert [row[-3] for row in report["positions"]] == ["a-1"]


@BOTH
def test_a_pending_order_is_placed_moved_filled_or_deleted(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        tickets = [peer.command(limit(peer, f"p-{one}")).order for one in (1, 2)]
        peer.until(lambda: {row.ticket for row in peer.all(r.OrderRow)} >= set(tickets), "rows")
        change = {"what": "order", "ticket": tickets[0], "price": parse_price("1.16000")}
        assert peer.command(peer.by_id(r.Modify, "p-1", **change)).outcome == "done"
        assert peer.command(peer.by_id(r.Delete, "p-2", ticket=tickets[1])).outcome == "done"
        peer.until(
            lambda: [
                row
                for row in peer.all(r.OrderRow)
                if (row.ticket, row.state) == (tickets[1], "canceled")
            ],
            "the deleted order",
        )
        terminal.ask("tick EURUSD 1.15990 1.15994")
        deal = peer.wait(r.DealRow)
        assert (deal.comment, deal.price) == ("p-1", parse_price("1.16000"))
        assert terminal.report()["orders"] == []
        assert peer.command(peer.by_id(r.Delete, "p-1", ticket=tickets[0])).outcome == "refused"


@BOTH
def test_a_position_is_changed_and_closed_in_parts(dialect: int) -> None:
    with staged(dialect, hedging=True, **FAST) as (peer, terminal):
        peer.welcome()
        ticket = peer.command(peer.order("c-1", volume=3 * LOT)).position
        change = {"what": "position", "ticket": ticket, "sl": parse_price("1.10000")}
        assert peer.command(peer.by_id(r.Modify, "c-1", **change)).outcome == "done"
        assert terminal.report()["positions"][0][-2] == 1.1
        part = peer.by_id(r.Close, "c-2", ticket=ticket, volume=LOT)
        assert peer.command(part).outcome == "done"
        assert peer.command(part._replace(id="c-2")).outcome in ("duplicate", "refused")
        peer.until(
            lambda: [row for row in peer.all(r.DealRow) if row.entry == "out"], "the deal out"
        )
        (left,) = terminal.report()["positions"]
        assert left[3] == 0.02
        assert (left[0] == ticket) == (dialect == 5)
        if dialect == 4:
            rest = peer.until(
                lambda: [row for row in peer.all(r.PositionRow) if row.parent], "the rest"
            )
            assert (rest[0].ticket, rest[0].parent) == (left[0], ticket)
        whole = peer.by_id(r.Close, "c-3", ticket=left[0], volume=2 * LOT)
        assert peer.command(whole).outcome == "done"
        assert terminal.report()["positions"] == []
        assert len([row for row in peer.all(r.DealRow) if row.entry == "in"]) == 1


@BOTH
def test_two_positions_close_each_other(dialect: int) -> None:
    with staged(dialect, hedging=True, **FAST) as (peer, terminal):
        peer.welcome()
        one = peer.command(peer.order("b-1", volume=2 * LOT)).position
        other = peer.command(peer.order("b-2", side="sell")).position
        said = peer.command(peer.by_id(r.CloseBy, "b-3", ticket=one, other=other))
        assert said.outcome == "done"
        (left,) = terminal.report()["positions"]
        assert left[3] == 0.01
        outs = [row for row in peer.all(r.DealRow) if row.entry in ("out", "out_by")]
        peer.until(
            lambda: (
                len([row for row in peer.all(r.DealRow) if row.entry in ("out", "out_by")]) >= 2
            ),
            f"two deals out, there are {outs}",
        )


@BOTH
@pytest.mark.parametrize(
    ("fault", "outcome", "trades"),
    [
        ("requote", "price", 0),
        ("reject", "rejected", 0),
        ("timeout", "unknown", 1),
        ("partial 30", "partial", 1),
    ],
)
def test_what_the_broker_says_is_told_by_class(
    dialect: int, fault: str, outcome: str, trades: int
) -> None:
    if dialect == 4 and outcome == "partial":
        fault, outcome, trades = "code 146", "busy", 0
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        terminal.ask(f"fault {fault}")
        result = peer.command(peer.order("f-1", volume=10 * LOT))
        assert result.outcome == outcome
        assert len(terminal.report()["positions"]) == trades
        if outcome == "unknown":  # it is there: whoever asks again learns that, and trades nothing
            assert peer.command(peer.order("f-1", volume=10 * LOT)).outcome == "duplicate"
            peer.send(r.Snapshot(1))
            peer.wait(r.End)
            rows = [row for row in peer.all(r.PositionRow) if row.req == 1]
            assert [row.comment for row in rows] == ["f-1"]
        assert terminal.report()["opens"] == 1


def _codes() -> list[tuple[int, int, str]]:
    mt5 = {
        "rejected": (
            10007,
            10013,
            10016,
            10019,
            10022,
            10023,
            10025,
            10027,
            10029,
            10032,
            10036,
            10046,
        ),
        "price": (10004, 10020, 10021),
        "busy": (10024,),
        "unknown": (10011, 10012, 10028, 10031, 10037, 10047, 99, 0),
    }
    mt4 = {
        "rejected": (3, 5, 64, 65, 129, 134, 139, 145, 147, 150),
        "price": (135, 136, 138),
        "busy": (8, 141, 146),
        "unknown": (1, 2, 4, 6, 7, 128, 151, 4051),
    }
    return [
        (dialect, code, outcome)
        for dialect, table in ((5, mt5), (4, mt4))
        for outcome, codes in table.items()
        for code in codes
    ]


def test_every_code_has_its_class() -> None:
    for dialect in (5, 4):
        with staged(dialect, **FAST) as (peer, terminal):
            peer.welcome()
            for number, (_, code, outcome) in enumerate(
                one for one in _codes() if one[0] == dialect
            ):
                terminal.ask(f"fault code {code}")
                result = peer.command(peer.order(f"k-{number}"))
                assert (result.outcome, result.retcode) == (outcome, code)
            assert terminal.report()["positions"] == []


@BOTH
@pytest.mark.parametrize("fault", ["lost", "unheard"])
def test_an_expert_that_dies_with_an_order_never_trades_twice(dialect: int, fault: str) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        terminal.ask(f"fault {fault}")
        number = peer.send(peer.order("d-1"))
        peer.ended()
        assert not peer.all(r.Result)
        peer.welcome()
        peer.send(r.History(1, 1, 0, ""))
        peer.wait(r.End)
        found = [row for row in peer.all(r.DealRow) if row.comment == "d-1" and row.req == 1]
        assert len(found) == (fault == "lost")
        again = peer.command(peer.order("d-1"))
        assert again.outcome == ("duplicate" if fault == "lost" else "done")
        assert len(terminal.report()["positions"]) == 1
        assert number > 0


@BOTH
def test_what_is_late_or_impossible_is_not_handed_on(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        late = peer.order("l-1", sent_ms=peer.now_ms() - 60_000)
        assert peer.command(late).outcome == "late"
        assert peer.command(peer.order("l-2", symbol="NOPE")).outcome == "refused"
        assert peer.command(peer.by_id(r.Close, "l-3", ticket=99, volume=LOT)).outcome == "refused"
        delete = peer.by_id(r.Delete, "l-4", ticket=99)
        assert peer.command(delete).outcome == "refused"
        terminal.ask("algo 0")
        assert peer.command(peer.order("l-5")).outcome == "refused"
        assert terminal.report()["order_sends"] == 0


@BOTH
def test_nothing_is_executed_before_the_first_ping(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.accept()
        peer.challenge()
        peer.wait(r.Auth)
        assert peer.keys is not None
        peer.send(r.Welcome(peer.keys.proof_engine, 2_000, 15_000))
        peer.is_open = True
        assert peer.command(peer.order("e-1")).outcome == "late"
        assert terminal.report()["order_sends"] == 0


@BOTH
def test_a_trade_by_hand_is_told(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        terminal.ask("manual EURUSD sell 0.05")
        deal = peer.wait(r.DealRow)
        assert (deal.type, deal.volume, deal.comment, deal.magic) == ("sell", 5 * LOT, "", 0)


@BOTH
def test_history_comes_in_chunks_and_counts_its_rows(dialect: int) -> None:
    with staged(dialect, hedging=True, **FAST) as (peer, terminal):
        terminal.ask("seed 700")
        peer.welcome()
        peer.send(r.History(1, 1, 0, "EURUSD"))
        end = peer.wait(r.End)
        begin = peer.wait(r.Begin)
        deals = [row for row in peer.all(r.DealRow) if row.req == 1]
        assert len(deals) == end.deals == begin.deals == (700 if dialect == 5 else 1_400)
        assert [row.time_server for row in deals] == sorted(row.time_server for row in deals)
        total = end.deals + end.orders
        assert [one.done for one in peer.all(r.Progress)] == list(range(256, total + 1, 256))
        peer.send(r.Snapshot(2))
        peer.until(lambda: [one for one in peer.all(r.End) if one.req == 2], "the snapshot's end")
        assert len([row for row in peer.all(r.PositionRow) if row.req == 2]) == len(
            terminal.report()["positions"]
        )


@BOTH
def test_symbols_are_told_again_when_they_change_and_unknown_ones_refused(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        peer.send(r.Subscribe(1, "NOPE", 0, 0))
        assert peer.wait(r.NoSymbol).symbol == "NOPE"
        peer.send(r.Subscribe(2, "EURUSD", 0, 0))
        assert peer.wait(r.Symbol).trade_mode == "full"
        terminal.ask("mode EURUSD 3")
        terminal.ask("clock 3000")
        assert peer.wait(r.Symbol, 2).trade_mode == "close"
        peer.send(r.Unsubscribe(2))
        peer.ping()
        before = len(peer.all(r.Ticks))
        terminal.ask("burst EURUSD 10")
        peer.ping()
        peer.ping()
        assert len(peer.all(r.Ticks)) == before


def test_a_hole_in_the_terminals_history_is_a_gap() -> None:
    with staged(5, **FAST) as (peer, terminal):
        terminal.ask("burst EURUSD 20")
        peer.welcome()
        peer.send(r.Subscribe(1, "EURUSD", 1_000, 0))
        gap = peer.wait(r.Gap)
        assert gap.from_server == 1_000
        peer.wait(r.Present)
        terminal.ask("copies_fail GBPUSD 6")
        peer.send(r.Subscribe(2, "GBPUSD", peer.now_ms(), 0))
        peer.until(lambda: [one for one in peer.all(r.Gap) if one.sub == 2], "a gap")


def test_a_deal_taken_back_is_told() -> None:
    with staged(5, **FAST) as (peer, terminal):
        peer.welcome()
        peer.command(peer.order("t-1"))
        deal = peer.wait(r.DealRow)
        terminal.ask("deal_back")
        back = peer.until(
            lambda: [one for one in peer.all(r.DealRow) if one.type == "canceled"], "it"
        )
        assert back[0].ticket == deal.ticket
        assert back[0].profit == ABSENT
