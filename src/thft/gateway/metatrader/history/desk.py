"""Questions for an account's history, one at a time to its EA; owned by the account.

The EA answers one HISTORY at a time and the engine has its own: what it asks when an order is in
doubt goes first, and a question under way is asked again behind it. So it is after a cut, when the
EA is back in time. Nothing of an answer is believed that is not whole.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thft.base.errors import RemoteError
from thft.gateway.metatrader.answers import MOST_ROWS, Answer
from thft.gateway.metatrader.protocol import records as r

QUESTIONS, ATTEMPTS, CUTS = 16, 5, 2
"""So many wait, and so often one is asked. If it is the answer that ends connections, and not
chance, trading must not suffer from a question for long."""
QUIET_S = 30.0
"""So long a question waits for a word of the EA, or for its return."""


class NoHistory(RemoteError):
    """There is no whole answer; the text says why."""


@dataclass(eq=False)
class Question:
    """What was done from `from_ms` until before `to_ms` (0: now), ms of the server's time."""

    from_ms: int
    to_ms: int
    symbol: str
    """The terminal's name; empty: all."""
    progress: Callable[[int, int], None]
    """Takes how many rows have come, and of how many."""
    answer: asyncio.Future[Answer]
    """Ends with the whole answer, or with NoHistory; who wants it no more drops the question."""
    attempts: int = 0
    cuts: int = 0
    """How many connections have ended amid its answer."""
    trouble: str = ""
    """What befell the attempt before."""


class HistoryDesk:
    """See the module; everything happens in the calls, and `turn` ends each turn of the account."""

    def __init__(
        self,
        number: Callable[[], int],
        busy: Callable[[], bool],
        ask: Callable[[Any], None],
        quiet_s: float = QUIET_S,
    ) -> None:
        """`number` counts the connection's questions; `busy`: the engine's own HISTORY is asked."""
        self._number = number
        self._busy = busy
        self._ask = ask
        self.quiet_s = quiet_s
        self._waiting: deque[Question] = deque()
        """The first is the one under way when there is an `_answer`."""
        self._answer: Answer | None = None
        self._on = False
        self._heard_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """A new connection answers."""
        self._on, self._answer = True, None

    def end(self, reason: str) -> None:
        """The connection is over; what was asked is asked again on the next."""
        self._on = False
        if self._answer is not None:
            self._waiting[0].cuts += 1
            self._again(f"the connection was lost: {reason}")

    def give_way(self) -> None:
        """The engine asks for history itself, and the EA forgets the question under way."""
        if self._answer is not None:
            self._again("the engine had to ask for an order in doubt")

    def put(self, question: Question) -> None:
        """Takes a question; raises NoHistory when too many wait."""
        if len(self._waiting) >= QUESTIONS:
            raise NoHistory(f"{QUESTIONS} questions wait for this terminal", "ask again later")
        self._waiting.append(question)
        if len(self._waiting) == 1:
            self._begin_waiting()

    def drop(self, question: Question) -> None:
        """Nobody wants this one any more."""
        if question not in self._waiting:
            return
        if question is self._waiting[0]:
            self._waiting.popleft()
            self._answer = None
            self._begin_waiting()
        else:
            self._waiting.remove(question)

    def turn(self) -> None:
        """Asks the next question, if the EA is free for one."""
        if not (self._waiting and self._on) or self._answer is not None or self._busy():
            return
        head = self._waiting[0]
        if head.attempts >= ATTEMPTS or head.cuts >= CUTS:
            words = f"no whole answer in {head.attempts} attempts, the last: {head.trouble}"
            self._fail(words, "ask for less time, or again later")
            return
        head.attempts += 1
        self._heard_s = asyncio.get_running_loop().time()
        self._answer = Answer(self._number())
        self._ask(r.History(self._answer.req, head.from_ms, max(head.to_ms - 1, 0), head.symbol))

    def rows(self, record: Any) -> bool:
        """Takes a record if it is of the question under way; raises WrongFrame."""
        answer = self._answer
        if answer is None or answer.req != record.req:
            return False
        self._heard_s = asyncio.get_running_loop().time()
        answer.take(record)
        if isinstance(record, r.Begin) and record.orders + record.deals > MOST_ROWS:
            count = record.orders + record.deals
            self._fail(f"{count} rows, more than {MOST_ROWS}", "ask for less time or one symbol")
        elif isinstance(record, r.Progress):
            self._waiting[0].progress(record.done, record.total)
        elif answer.end is not None:
            self._answered(answer)
        return True

    def _answered(self, answer: Answer) -> None:
        if not answer.whole:
            self._again("the answer lacked rows")
            return
        head, self._answer = self._waiting.popleft(), None
        head.answer.set_result(answer)
        self._begin_waiting()

    def _again(self, trouble: str) -> None:
        answer, self._answer = self._answer, None
        assert answer is not None
        self._waiting[0].trouble = f"{trouble}, after {answer.count} rows"
        self._heard_s = asyncio.get_running_loop().time()

    def _fail(self, cause: str, remedy: str) -> None:
        head, self._answer = self._waiting.popleft(), None
        head.answer.set_exception(NoHistory(cause, remedy))
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        """The next question is the first now: its time begins."""
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        if self._waiting and self._timer is None:
            self._timer = loop.call_later(self.quiet_s, self._look)

    def _look(self) -> None:
        """Fails a question that nobody answers."""
        self._timer = None
        loop = asyncio.get_running_loop()
        left_s = self._heard_s + self.quiet_s - loop.time()
        if self._waiting and left_s <= 0:
            trouble = self._waiting[0].trouble
            said = f"nothing from the terminal for {self.quiet_s:g} s"
            self._fail(f"{said}; {trouble}" if trouble else said, "look at the terminal, ask again")
        elif self._waiting:
            self._timer = loop.call_later(left_s, self._look)
