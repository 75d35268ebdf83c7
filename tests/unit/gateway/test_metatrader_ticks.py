"""Numbers of a terminal's ticks, and from where they are asked for after a restart."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

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

NOW_MS = 1_764_100_000_000
DAY_MS = 86_400_000


class Inbox(PartialInbox):
    """Keeps faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def now_ns(self) -> int:
        return NOW_MS * 1_000_000

    def quote(self, feed: int, instrument: int, *values: int) -> None:
        return

    def depth(self, *values: Any) -> None:
        return

    def feed_fault(self, feed: int, instrument: int, fault: str, detail: str) -> None:
        assert fault == "gap"
        self.faults.append(detail)


def asked(
    end: int, platform: str = "5", server_ms: int = NOW_MS, days: int = 7
) -> tuple[r.Subscribe, list[str]]:
    """Returns what a desk asks for whose journal ends with a quote's number, and its faults."""
    settings = MetaTraderSettings(login="1", server="S", key_id="k", key="env:K", history_days=days)
    inbox = Inbox()

    async def opened() -> r.Subscribe:
        desk = QuoteDesk(
            inbox,
            1,
            {"EURUSD": 7},
            platform,
            ServerClock(),
            settings,
            {7: end},
            lambda state, reason: None,
        )
        (question,) = desk.opened(server_ms)
        return question

    return asyncio.run(opened()), inbox.faults


def test_a_number_is_a_place_and_back() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
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
    assert "longer than history_days, 2" in fault and str(NOW_MS - 3 * DAY_MS) in fault


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
