"""What a real terminal does and a tame one does not: it blocks, slips, ends orders by itself."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.mql.experts import staged
from tests.mql.peer import Ended, Peer
from tests.mql.terminal import Terminal

from thft.gateway.metatrader.protocol import records as r
from thft.model.fixed import SIZE_ONE, parse_price

pytestmark = [pytest.mark.slow, pytest.mark.once]
BOTH = pytest.mark.parametrize("dialect", [5, 4])
LOT = SIZE_ONE // 100
FAST = {"step_ms": 25}
"""Of the Expert's clock a turn: a peer that is held up for a moment is not silent yet."""
DAY_MS = 86_400_000


def pending(peer: Peer, order_id: str, price: str = "1.10000", **terms: Any) -> r.Open:
    return peer.order(order_id, **{"kind": "limit", "price": parse_price(price), **terms})


def rows_with(peer: Peer, field: str, value: int) -> list[r.OrderRow]:
    return [row for row in peer.all(r.OrderRow) if getattr(row, field) == value]


def rows_of(peer: Peer, command: int) -> list[r.Result]:
    return [row for row in peer.all(r.Result) if row.command == command]


def states(peer: Peer, ticket: int) -> list[str]:
    return [row.state for row in peer.all(r.OrderRow) if row.ticket == ticket]


@BOTH
def test_a_broker_that_takes_long_is_no_silent_engine(dialect: int) -> None:
    with staged(dialect, step_ms=1) as (peer, terminal):
        peer.welcome()
        terminal.ask("fault slow 25000")
        order, number = peer.frame(peer.order("s-1")), peer.out
        peer.raw(order + peer.frame(r.Ping(1, peer.now_ms())))  # it lies unread meanwhile
        results = partial(rows_of, peer, number)
        assert peer.until(results, "RESULT")[0].outcome == "done"
        peer.until(lambda: peer.pongs, "PONG")
        assert terminal.report()["dials"] == 1
        assert (
            peer.command(peer.order("s-1", sent_ms=peer.now_ms() + 25_000)).outcome == "duplicate"
        )


def test_an_id_of_this_run_stays_known_when_history_cannot_be_read() -> None:
    with staged(5, **FAST) as (peer, terminal):
        peer.welcome()
        terminal.ask("fault timeout")
        assert peer.command(peer.order("h-1")).outcome == "unknown"
        terminal.ask("forget")
        terminal.ask("histories_fail 1")
        assert peer.command(peer.order("h-1")).outcome == "duplicate"
        terminal.ask("histories_fail 1")
        assert peer.command(peer.order("h-2")).outcome == "refused"
        assert terminal.report()["opens"] == 1


@BOTH
def test_an_order_that_leaves_while_the_list_is_read_hides_no_other(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        tickets = [peer.command(pending(peer, f"i-{one}")).order for one in range(4)]
        terminal.ask("slips 1")
        if dialect == 4:  # its comparison of the pool reads the list at each timer: that one slips
            peer.until(lambda: "canceled" in states(peer, tickets[0]), "the first order's end")
            terminal.ask("slips 1")
        peer.send(r.Snapshot(1))
        end = peer.wait(r.End)
        rows = {row.ticket for row in peer.all(r.OrderRow) if row.req == 1}
        left = {row[0] for row in terminal.report()["orders"]}
        assert left <= rows and end.orders == len(rows)
        assert end.complete or rows != left


@BOTH
def test_another_timeframe_of_the_chart_forgets_the_connection(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        first = peer.hello
        peer.send(r.Subscribe(1, "EURUSD", 0, 0))
        peer.wait(r.Present)
        result = peer.command(peer.order("t-1"))
        assert terminal.ask("turn") == {}
        bye = peer.ended()
        assert bye is not None and bye.code == "STOP"
        peer.welcome()
        assert first is not None and peer.hello is not None
        assert first.session != peer.hello.session
        assert peer.hearts[0].reconnects == 0
        assert not peer.all(r.Ticks)
        assert peer.command(peer.order("t-1")).outcome == "duplicate"
        close = peer.by_id(r.Close, "t-2", ticket=result.position, volume=LOT)
        assert peer.command(close).outcome == "done"
        assert terminal.report()["sockets"] == 1


@BOTH
def test_nothing_is_told_of_another_account(dialect: int) -> None:
    with staged(dialect, InpTimerMs=400) as (peer, terminal):
        peer.welcome()
        peer.command(peer.order("o-1"))
        peer.send(r.Snapshot(1))
        peer.send(r.History(2, 1, 0, ""))
        terminal.ask("login 77")
        terminal.ask("forget")
        bye = peer.ended()
        assert bye is not None and bye.code == "STOP"
        told = [one for one in peer.all(r.End) if not (one.positions or one.deals)]
        assert told == []


@BOTH
@pytest.mark.parametrize("force", ["gtd", "day"])
def test_an_order_whose_time_is_over_is_told_as_expired(dialect: int, force: str) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        report = terminal.report()
        until = 0 if force == "day" else (report["server_ms"] // 1_000 + 3_600) * 1_000
        order = pending(peer, "x-1", time_in_force=force, expiration_server=until)
        ticket = peer.command(order).order
        stays = peer.command(pending(peer, "x-2")).order
        placed = peer.until(
            lambda: [row for row in peer.all(r.OrderRow) if row.ticket == ticket], "the order"
        )
        assert placed[0].state == "placed"
        if force == "gtd":
            assert placed[0].expiration_server == until
        peer.drop()
        terminal.ask(f"clock {DAY_MS}")
        terminal.ask("tick EURUSD 1.17000 1.17004")
        peer.welcome()
        peer.send(r.History(1, 1, 0, ""))
        peer.wait(r.End)
        assert states(peer, ticket) == ["expired"]
        peer.send(r.Snapshot(2))
        peer.until(lambda: [one for one in peer.all(r.End) if one.req == 2], "the snapshot")
        assert [row.ticket for row in peer.all(r.OrderRow) if row.req == 2] == [stays]
        assert peer.all(r.DealRow) == []


@BOTH
def test_an_order_that_expires_while_connected_is_told_at_once(dialect: int) -> None:
    with staged(dialect, **FAST) as (peer, terminal):
        peer.welcome()
        until = (terminal.report()["server_ms"] // 1_000 + 5) * 1_000
        order = pending(peer, "x-3", time_in_force="gtd", expiration_server=until)
        ticket = peer.command(order).order
        peer.until(lambda: states(peer, ticket), "the order")
        terminal.ask("clock 6000")
        terminal.ask("tick EURUSD 1.17000 1.17004")
        peer.until(lambda: "expired" in states(peer, ticket), "its end")
        gone = peer.by_id(r.Modify, "x-3", what="order", ticket=ticket, price=parse_price("1.1"))
        assert peer.command(gone).outcome == "refused"


def test_a_changed_expiration_counts_and_a_changed_price_leaves_it() -> None:
    for dialect in (5, 4):
        with staged(dialect, **FAST) as (peer, terminal):
            peer.welcome()
            soon = (terminal.report()["server_ms"] // 1_000 + 3_600) * 1_000
            order = pending(peer, "x-4", time_in_force="gtd", expiration_server=soon)
            ticket = peer.command(order).order
            change: dict[str, Any] = {"what": "order", "ticket": ticket}
            price = parse_price("1.12000")
            assert (
                peer.command(peer.by_id(r.Modify, "x-4", price=price, **change)).outcome == "done"
            )
            moved = peer.until(
                partial(rows_with, peer, "price", price),
                "the new price",
            )
            assert moved[0].expiration_server == soon
            later = soon + 3_600_000
            changed = peer.by_id(r.Modify, "x-4", expiration_server=later, **change)
            assert peer.command(changed).outcome == "done"
            rows = peer.until(
                partial(rows_with, peer, "expiration_server", later),
                "the new time",
            )
            assert rows[0].price == price


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_stop_limit_order_becomes_a_limit_order_and_is_filled(side: str) -> None:
    stop, rest, back = ("1.18000", "1.17900", "1.17880 1.17884")
    there = "1.18000 1.18004"
    if side == "sell":
        stop, rest, there, back = ("1.16000", "1.16100", "1.15996 1.16000", "1.16110 1.16114")
    with staged(5, **FAST) as (peer, terminal):
        peer.welcome()
        limit = {"price_stop_limit": parse_price(rest)}
        order = pending(peer, "l-1", stop, side=side, kind="stop_limit", **limit)
        ticket = peer.command(order).order
        placed = peer.until(
            lambda: peer.all(r.OrderRow) if states(peer, ticket) else [], "the order"
        )
        assert (placed[-1].type, placed[-1].price) == (f"{side}_stop_limit", parse_price(stop))
        assert placed[-1].price_stop_limit == parse_price(rest)
        terminal.ask(f"tick EURUSD {there}")
        turned = peer.until(
            lambda: [row for row in peer.all(r.OrderRow) if row.type == f"{side}_limit"], "a limit"
        )
        assert (turned[0].ticket, turned[0].price) == (ticket, parse_price(rest))
        assert peer.all(r.DealRow) == []
        terminal.ask(f"tick EURUSD {back}")
        deal = peer.wait(r.DealRow)
        assert (deal.order, deal.price, deal.comment) == (ticket, parse_price(rest), "l-1")
        peer.until(lambda: "filled" in states(peer, ticket), "its end")


def test_ticks_that_still_load_are_waited_for() -> None:
    with staged(5, **FAST) as (peer, terminal):
        terminal.ask("clock 1000")
        terminal.ask("burst EURUSD 40")
        terminal.ask("copies_late EURUSD 3")
        peer.welcome()
        begin = terminal.report()["server_ms"] - 60_000
        peer.send(r.Subscribe(1, "EURUSD", begin, 0))
        peer.wait(r.Present)
        assert sum(len(one.ticks) for one in peer.all(r.Ticks)) == 41
        terminal.ask("copies_late EURUSD 100000")
        peer.send(r.Subscribe(2, "EURUSD", begin, 0))
        peer.until(lambda: [one for one in peer.all(r.Present) if one.sub == 2], "PRESENT")
        whole, part = peer.all(r.Gap)  # both begin before the first tick there is
        assert (whole.sub, part.sub) == (1, 2)
        assert whole.to_server == peer.all(r.Ticks)[0].ticks[0].time_server
        assert part.to_server > whole.to_server


def test_a_deal_that_history_shows_late_is_told() -> None:
    with staged(5) as (peer, terminal):
        peer.welcome()
        terminal.ask("history_late 2000")
        assert peer.command(peer.order("n-1")).outcome == "done"
        deal = peer.wait(r.DealRow)
        assert (deal.comment, deal.entry) == ("n-1", "in")


@pytest.mark.parametrize("offline", [False, True])
def test_a_closing_that_history_shows_late_is_told(offline: bool) -> None:
    with staged(4) as (peer, terminal):
        peer.welcome()
        ticket = peer.command(peer.order("n-2")).position
        peer.wait(r.DealRow)
        terminal.ask(f"history_late {120_000 if offline else 2_000}")
        if offline:
            terminal.ask("connected 0")
        terminal.ask("manual_close")
        if offline:
            for _ in range(14):
                terminal.ask("clock 9000")
                peer.ping()
            terminal.ask("connected 1")
        deal = peer.wait(r.DealRow, 2)
        assert (deal.position, deal.entry) == (ticket, "out")
        peer.until(lambda: [one for one in peer.all(r.Gone) if one.ticket == ticket], "GONE")


def test_stops_that_move_against_each_other_are_a_change() -> None:
    with staged(4) as (peer, _):
        peer.welcome()
        levels: dict[str, Any] = {"sl": parse_price("1.09000"), "tp": parse_price("1.13000")}
        ticket = peer.command(pending(peer, "m-1", **levels)).order
        peer.until(lambda: states(peer, ticket), "the order")
        change = {"sl": parse_price("1.08700"), "tp": parse_price("1.13100")}
        moved = peer.by_id(r.Modify, "m-1", what="order", ticket=ticket, **change)
        assert peer.command(moved).outcome == "done"
        peer.until(
            lambda: [row for row in peer.all(r.OrderRow) if row.sl == change["sl"]], "the new stop"
        )


@BOTH
def test_an_engine_that_does_not_read_is_left(dialect: int) -> None:
    with staged(dialect, step_ms=10) as (peer, terminal):
        peer.welcome()
        name = "X" * 60_000
        with pytest.raises(Ended):
            for number in range(1, 1_000):
                peer.send(r.Subscribe(number, name, 0, 0))
        terminal.until_printed("1 MiB lies unsent")
        peer.welcome()
        assert peer.command(peer.order("f-1")).outcome == "done"
        assert terminal.report()["sockets"] == 1


@BOTH
def test_what_is_taken_off_leaves_no_socket_no_timer_and_no_memory(dialect: int) -> None:
    with staged(dialect, leaks=True, **FAST) as (peer, terminal):
        for _ in range(3):
            peer.welcome()
            peer.send(r.Subscribe(1, "EURUSD", 0, 0))
            peer.send(r.Snapshot(1))
            peer.wait(r.End)
            terminal.ask("restart")
        terminal.ask("remove")
        report = terminal.report()
        assert (report["sockets"], report["timer_ms"], report["loaded"]) == (0, 0, False)


def test_leaks_are_seen(tmp_path: Any) -> None:
    source = tmp_path / "Idle.mq5"
    source.write_text("int OnInit() { return INIT_SUCCEEDED; }\n", encoding="utf-8")
    terminal = Terminal(5, 1, source=source, leaks=True)
    terminal.ask("leak")
    with pytest.raises(AssertionError, match="LeakSanitizer"):
        terminal.close()
