"""Numbers of a terminal's ticks, and from where they are asked for after a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.seeds import seeded

from thft.gateway.calendar import Away, Calendar
from thft.gateway.metatrader.clock import LATEST_MS, ServerClock
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.quotes import (
    EARLIEST_MS,
    MOST_SAME,
    QuoteDesk,
    number_of,
    place_of,
)
from thft.gateway.metatrader.settings import MetaTraderSettings
from thft.gateway.port import PartialInbox
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.sim.metatrader.terminal import symbol_terms

NOW_MS = 1_764_100_000_000
DAY_MS = 86_400_000


class Inbox(PartialInbox):
    """Keeps faults and states."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.taken: list[tuple[object, ...]] = []
        """Quotes as (bid, number), prints as (price, size, aggressor, number)."""

    def said(self, state: str, reason: str) -> None:
        self.states.append((state, reason))

    def now_ns(self) -> int:
        return NOW_MS * 1_000_000

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        self.taken.append((values[0], values[5]))

    def trade(
        self,
        feed: int,
        instrument: int,
        price: int,
        size: int,
        aggressor: int,
        venue_ts_ns: int,
        venue_trade_id: int,
        recv_ts_ns: int,
    ) -> None:
        self.taken.append((price, size, aggressor, venue_trade_id))

    def depth(self, *values: Any) -> None:
        return

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        self.faults.append(f"{fault}: {detail}")


class Hours(Calendar):
    """A venue that is away when the test says so."""

    is_away = False

    def __init__(self) -> None:
        super().__init__(())

    def away(self, utc_ns: int) -> Away | None:
        return Away(utc_ns + 1, "weekend, until Sun") if self.is_away else None


def desk_of(
    inbox: Inbox, ends: tuple[int, int], platform: str = "5", days: int = 7, trades: bool = False
) -> QuoteDesk:
    settings = MetaTraderSettings(login="1", server="S", key_id="k", key="env:K", history_days=days)
    symbols, clock = {"EURUSD": 7}, ServerClock()
    wanted = {7: ends}, trades, Hours()
    return QuoteDesk(inbox, 1, symbols, platform, clock, settings, *wanted, inbox.said)


def asked(
    end: int, platform: str = "5", server_ms: int = NOW_MS, days: int = 7
) -> tuple[r.Subscribe, list[str]]:
    """Returns what a desk asks for whose journal ends with a quote's number, and its faults."""
    inbox = Inbox()

    async def opened() -> r.Subscribe:
        desk = desk_of(inbox, (end, 0), platform, days)
        (question,) = desk.opened(server_ms)
        return question

    return asyncio.run(opened()), inbox.faults


def test_a_number_is_a_place_and_back() -> None:
    chance = seeded()
    for _ in range(10_000):
        time_ms, same = chance.randrange(EARLIEST_MS, LATEST_MS), chance.randrange(1, MOST_SAME)
        number = number_of(time_ms, same)
        assert 0 < number < 1 << 63
        assert place_of(number) == (time_ms, same)
        assert number < number_of(time_ms, same + 1) < number_of(time_ms + 1, 1)


@pytest.mark.parametrize("time_ms", [-1, 0, EARLIEST_MS - 1, LATEST_MS, (1 << 63) - 1])
def test_a_time_that_is_none_has_no_number(time_ms: int) -> None:
    assert number_of(time_ms, 1) == 0


@pytest.mark.parametrize("number", [0, 1, 61_234, 9_876_543_210, -(1 << 63)])
def test_a_number_of_another_kind_of_feed_is_no_place(number: int) -> None:
    assert place_of(number) == (0, 0)
    assert asked(number) == (r.Subscribe(1, "EURUSD", 0, 0), [])


def test_ticks_go_on_behind_the_last_one_of_the_journal() -> None:
    question, faults = asked(number_of(NOW_MS - 5_000, 3))
    assert (question, faults) == (r.Subscribe(1, "EURUSD", NOW_MS - 5_000, 3), [])


def test_who_was_away_for_longer_than_is_asked_for_has_a_gap() -> None:
    question, (fault,) = asked(number_of(NOW_MS - 3 * DAY_MS, 3), days=2)
    assert question == r.Subscribe(1, "EURUSD", NOW_MS - 2 * DAY_MS, 0)
    assert (
        fault.startswith("gap: ")
        and "longer than history_days, 2" in fault
        and str(NOW_MS - 3 * DAY_MS) in fault
    )


def test_a_last_tick_later_than_the_servers_time_is_of_another_server() -> None:
    question, (fault,) = asked(number_of(NOW_MS + DAY_MS, 3))
    assert question == r.Subscribe(1, "EURUSD", 0, 0)
    assert "another server or clock" in fault


def test_a_terminal_without_its_broker_does_not_know_the_time() -> None:
    question, faults = asked(number_of(NOW_MS + DAY_MS, 3), server_ms=0)
    assert (question, faults) == (r.Subscribe(1, "EURUSD", NOW_MS + DAY_MS, 3), [])


def test_metatrader_4_says_that_a_restart_is_a_gap() -> None:
    assert asked(0, "4") == (r.Subscribe(1, "EURUSD", 0, 0), [])
    question, (fault,) = asked(number_of(NOW_MS - 5_000, 1), "4")
    assert question == r.Subscribe(1, "EURUSD", 0, 0)
    assert "MetaTrader 4 keeps no ticks" in fault


LOT_UNITS = 100_000
LAST, VOLUME, BUY, SELL = 8, 16, 32, 64


def taken(ticks: list[r.Tick], ends: tuple[int, int] = (0, 0), trades: bool = True) -> Inbox:
    """Returns what a desk makes of the ticks of one connection."""
    inbox = Inbox()

    async def story() -> None:
        desk = desk_of(inbox, ends, trades=trades)
        desk.opened(NOW_MS)
        desk.symbol(symbol_terms("EURUSD")._replace(sub=1))
        desk.ticks(r.Ticks(1, 1, 0, 0, tuple(ticks)))

    asyncio.run(story())
    return inbox


def tick(flags: int, last: int = 200, volume: int = SIZE_ONE // 100) -> r.Tick:
    return r.Tick(NOW_MS, 100, 300, last, volume, flags)


def test_a_tick_with_a_trade_is_a_print_and_a_quote() -> None:
    flags = [2 | 4, LAST | VOLUME | BUY, LAST | SELL, VOLUME, LAST | BUY | SELL]
    inbox = taken([tick(one) for one in flags])
    numbers = [number_of(NOW_MS, same) for same in range(1, 6)]
    size, sides = LOT_UNITS * SIZE_ONE // 100, (1, -1, 0, 0)
    prints = [(200, size, *said) for said in zip(sides, numbers[1:], strict=True)]
    quotes = [(100, number) for number in numbers]
    assert inbox.taken == [
        quotes[0],
        *(one for pair in zip(prints, quotes[1:], strict=True) for one in pair),
    ]
    assert not inbox.faults


def test_a_tick_without_a_price_or_a_volume_is_no_trade() -> None:
    ticks = [tick(LAST | VOLUME, last=0), tick(LAST | VOLUME, volume=ABSENT), tick(2, ABSENT)]
    assert [len(one) for one in taken(ticks).taken] == [2, 2, 2]


def test_prints_nobody_wants_are_not_published() -> None:
    assert [len(one) for one in taken([tick(LAST | VOLUME)], trades=False).taken] == [2]


def test_a_trade_of_more_than_can_be_counted_is_a_fault_and_its_quote_is_taken() -> None:
    inbox = taken([tick(LAST, volume=(1 << 63) - 1)])
    assert [len(one) for one in inbox.taken] == [2]
    assert inbox.faults[0].startswith("malformed: a trade of") and "lots" in inbox.faults[0]


def test_a_trade_whose_quote_the_journal_lacks_is_not_published_twice() -> None:
    first, second = number_of(NOW_MS, 1), number_of(NOW_MS, 2)
    again = taken([tick(LAST), tick(LAST)], ends=(first, second))
    assert again.taken == [
        (100, second),
        (200, LOT_UNITS * SIZE_ONE // 100, 0, number_of(NOW_MS, 3)),
        (100, number_of(NOW_MS, 3)),
    ]


def test_a_closed_market_is_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()

    async def told() -> None:
        desk = desk_of(inbox, (0, 0))
        desk.opened(NOW_MS)
        desk.heart(connected=False)
        monkeypatch.setattr(Hours, "is_away", True)
        desk.heart(connected=False)
        desk.heart(connected=True)

    asyncio.run(told())
    assert inbox.states == [
        ("STALE", "the terminal has no connection to its broker"),
        ("CLOSED", "weekend, until Sun"),
        ("SYNCING", "waits for ticks of EURUSD"),
    ]
