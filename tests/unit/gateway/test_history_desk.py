"""Which question for history is asked when, how often, and how each one ends; without a socket."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from thft.gateway.metatrader.history.desk import (
    ATTEMPTS,
    CUTS,
    QUESTIONS,
    HistoryDesk,
    NoHistory,
    Question,
)
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame


class Line:
    """A desk whose terminal is this test."""

    def __init__(self, quiet_s: float = 30.0) -> None:
        self.busy = False
        self.asked: list[r.History] = []
        self.progress: list[tuple[int, int]] = []
        self._numbers = 0
        self.desk = HistoryDesk(self._number, lambda: self.busy, self.asked.append, quiet_s)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def question(self, symbol: str = "", to_ms: int = 0) -> Question:
        future = asyncio.get_running_loop().create_future()
        told = self.progress
        one = Question(1_000, to_ms, symbol, lambda *said: told.append(said), future)
        self.desk.put(one)
        self.desk.turn()
        return one

    def says(self, record: Any) -> bool:
        taken = self.desk.rows(record)
        self.desk.turn()
        return taken

    def answers(self, deals: int = 0, lacking: int = 0) -> None:
        """Answers the newest question, with so many rows less than announced."""
        req = self.asked[-1].req
        assert self.says(r.Begin(req, 1, 0, 0, deals))
        for ticket in range(deals - lacking):
            row = req, ticket, 0, 0, "", "balance", "", 0, 0, 1, 0, 0, 0, 0, 0, ""
            assert self.says(r.DealRow(*row))
        assert self.says(r.End(req, 0, 0, deals - lacking, True, 0))


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def failed(question: Question) -> str:
    error = question.answer.exception()
    assert isinstance(error, NoHistory)
    return str(error)


def test_questions_are_asked_one_after_the_other_by_a_terminal_that_is_there() -> None:
    async def story() -> None:
        line = Line()
        first, second = line.question("EURUSD", to_ms=9_000), line.question()
        assert not line.asked
        line.desk.begin()
        line.desk.turn()
        assert line.asked == [r.History(1, 1_000, 8_999, "EURUSD")]  # its end is not included
        assert line.says(r.Begin(1, 1, 0, 0, 0)) and line.says(r.Progress(1, 0, 0))
        assert not line.says(r.Begin(7, 1, 0, 0, 0)), "another's"
        line.says(r.End(1, 0, 0, 0, True, 0))
        assert first.answer.result().whole and line.progress == [(0, 0)]
        assert line.asked[1] == r.History(2, 1_000, 0, "")
        line.answers(3)
        assert len(list(second.answer.result().deals)) == 3

    told(story)


def test_what_the_engine_asks_goes_first() -> None:
    async def story() -> None:
        line = Line()
        line.desk.begin()
        one = line.question()
        line.says(r.Begin(1, 1, 0, 0, 2))
        line.busy = True
        line.desk.give_way()
        line.desk.turn()
        assert not line.says(r.End(1, 0, 0, 0, True, 0)), "given up"
        assert len(line.asked) == 1
        line.busy = False
        line.desk.turn()
        line.answers()
        assert one.answer.result().req == 2

    told(story)


def test_an_answer_that_is_never_whole_ends_with_its_reason() -> None:
    async def story() -> None:
        line = Line()
        line.desk.begin()
        one, other = line.question(), line.question()
        for _ in range(ATTEMPTS):
            assert not one.answer.done()
            line.answers(3, lacking=1)
        said = failed(one)
        assert f"in {ATTEMPTS} attempts" in said and "lacked rows, after 2 rows" in said
        line.desk.turn()
        line.answers()
        assert other.answer.result().whole

    told(story)


def test_an_answer_that_ends_connections_ends_no_more_than_two() -> None:
    async def story() -> None:
        line = Line()
        one = line.question()
        for number in range(CUTS):
            line.desk.begin()
            line.desk.turn()
            assert len(line.asked) == number + 1
            line.says(r.Begin(line.asked[-1].req, 1, 0, 0, 2))
            line.desk.end("a price that is none")
        line.desk.begin()
        line.desk.turn()
        assert len(line.asked) == CUTS
        assert "the connection was lost: a price that is none, after 0 rows" in failed(one)

    told(story)


def test_who_hears_nothing_is_told_so_in_time() -> None:
    async def story() -> None:
        line = Line(quiet_s=0.05)
        line.desk.begin()
        one = line.question()
        with pytest.raises(NoHistory, match=r"nothing from the terminal for 0.05 s"):
            await one.answer
        line.desk.turn()
        two = line.question()
        line.desk.end("cut")
        with pytest.raises(NoHistory, match="the connection was lost: cut, after 0 rows"):
            await two.answer

    told(story)


def test_what_is_withdrawn_is_in_nobodys_way() -> None:
    async def story() -> None:
        line = Line()
        line.desk.begin()
        one, two, three = (line.question(name) for name in ("A", "B", "C"))
        line.says(r.Begin(1, 1, 0, 0, 2))
        line.desk.drop(two)
        line.desk.drop(one)
        line.desk.drop(one)
        line.desk.turn()
        assert [one.symbol for one in line.asked] == ["A", "C"]
        assert not line.says(r.End(1, 0, 0, 0, True, 0)), "withdrawn"
        line.answers()
        assert three.answer.result().whole

    told(story)


def test_bounds() -> None:
    async def story() -> None:
        line = Line()
        for _ in range(QUESTIONS):
            line.question()
        with pytest.raises(NoHistory, match="16 questions wait"):
            line.question()
        line.desk.begin()
        line.desk.turn()
        req = line.asked[-1].req
        with pytest.raises(WrongFrame, match="out of its place"):
            line.says(r.End(req, 0, 0, 0, True, 0))

    told(story)


def test_an_answer_that_is_too_long_is_refused_by_its_first_words() -> None:
    async def story() -> None:
        line = Line()
        line.desk.begin()
        one = line.question()
        line.says(r.Begin(1, 1, 50_000, 0, 50_001))
        assert "100001 rows, more than 100000 — ask for less time" in failed(one)

    told(story)


def test_rows_are_nothing_that_the_garbage_collector_looks_at() -> None:
    """Full collections over a long answer's records stopped the engine for 70 ms."""
    many = 5_000

    async def story() -> None:
        line = Line()
        line.desk.begin()
        one = line.question()
        gc.collect()
        before = len(gc.get_objects())
        line.answers(many)
        gc.collect()
        assert one.answer.result().count == many
        assert len(gc.get_objects()) - before < many // 10

    told(story)
