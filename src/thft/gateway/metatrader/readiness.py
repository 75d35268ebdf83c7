"""When a MetaTrader account is READY: snapshot, history, positions; owned by the account.

After every connection, every 30 s, and whenever something is in doubt the terminal is looked at as
a whole. An order that may live and is nowhere to be found is in doubt, not gone: see `_absent`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from thft.gateway.metatrader import commands as c
from thft.gateway.metatrader.answers import Answer
from thft.gateway.metatrader.orders import OrderDesk
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame
from thft.gateway.port import EngineInbox
from thft.model.fixed import SIZE_DIGITS, format_scaled

PASSES, ABSENCES = 3, 2
DAY_MS = 86_400_000
RELOG_EVERY_S = 60.0


@dataclass(frozen=True)
class Timing:
    """Waits in seconds of the loop's time."""

    answer_s: float = 10.0
    poll_s: float = 30.0
    settle_s: float = 5.0
    """An order that is not there is looked for again after so long."""
    soon_s: float = 0.02
    pass_s: float = 1.0


class Readiness:
    """See the module."""

    def __init__(
        self,
        inbox: EngineInbox,
        desk: OrderDesk,
        instruments: dict[str, int],
        timing: Timing,
        state: Callable[[str, str], None],
        ask: Callable[[Any], None],
        relog: Callable[[str], None],
    ) -> None:
        """`instruments` by the terminal's names; `relog` ends the connection with a reason."""
        self._inbox = inbox
        self._desk = desk
        self._instruments = instruments
        self._timing = timing
        self._state = state
        self._ask = ask
        self._relog = relog
        self._relogged_s = -RELOG_EVERY_S
        self._timer: asyncio.TimerHandle | None = None
        self._requests = 0
        self._snapshot: Answer | None = None
        self._history: Answer | None = None
        self._again = False
        self._passes = 0
        self._absent: dict[str, int] = {}
        """How often each order in doubt was not found by a whole answer of this connection."""
        self._on = False
        self.ready = False
        self.halted = ""
        desk.look, desk.halt = self.soon, self.halt

    def begin(self) -> None:
        """A new connection: everything is asked; the kernel asks for its own orders meanwhile."""
        self._on, self._requests = True, 0
        self._absent.clear()
        self._passes = 0
        self.ready = False
        self._snapshot = self._history = None
        self._state("SYNCING", "orders and positions are asked for")
        self._later(self._timing.soon_s, self._look)

    def end(self) -> None:
        """The connection is over."""
        self._on = self.ready = False
        self._snapshot = self._history = None
        if self._timer is not None:
            self._timer.cancel()

    def soon(self) -> None:
        """Something is in doubt."""
        if not self._on:
            return
        if self._snapshot is not None:
            self._again = True
        else:
            self._later(self._timing.soon_s, self._look)

    def halt(self, said: str) -> None:
        """Waits for a person."""
        self.halted, self.ready = said[:200], False
        self._state("HALTED", f"{self.halted} — compare with the terminal")

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()

        def due() -> None:
            action()
            self._desk.turn()

        self._timer = asyncio.get_running_loop().call_later(seconds, due)

    # ---- asking --------------------------------------------------------------------------------

    def _look(self) -> None:
        self._again = False
        self._history = None
        self._snapshot = Answer(self.number())
        self._ask(r.Snapshot(self._snapshot.req))
        self._later(self._timing.answer_s, self._late)

    def number(self) -> int:
        """Returns the number of the connection's next question."""
        self._requests += 1
        return self._requests

    @property
    def asks_history(self) -> bool:
        """A HISTORY of the engine's own is under way."""
        return self._history is not None

    def _late(self) -> None:
        self.ready = False
        self._state("SYNCING", f"no whole answer within {self._timing.answer_s:g} s, asked again")
        self._look()

    def rows(self, record: Any) -> None:
        """Takes a record of an answer; one of a question that was given up is dropped."""
        for answer in (self._snapshot, self._history):
            if answer is not None and answer.req == record.req:
                answer.take(record)
                if answer.end is not None:
                    self._answered(answer)
                return
        if record.req > self._requests:
            raise WrongFrame(f"an answer to question {record.req}, which was not asked")

    def _answered(self, answer: Answer) -> None:
        if not answer.whole:
            self.ready = False
            self._state("SYNCING", "an answer lacks rows, asked again")
            self._later(self._timing.pass_s, self._look)
            self._snapshot = None
            return
        if answer is self._snapshot and not answer.complete:
            self.ready = False
            self._state("SYNCING", "the terminal may not know all that is open, asked again")
            self._later(self._timing.settle_s, self._look)
            self._snapshot = None
            return
        doubtful = self._desk.doubtful
        if answer is self._snapshot and doubtful:
            since_ms = min(order.submitted_ns for order in doubtful) // 1_000_000 - DAY_MS
            self._history = Answer(self.number())
            self._ask(r.History(self._history.req, max(since_ms, 0), 0, ""))
            self._later(self._timing.answer_s, self._late)
            return
        self._conclude()

    # ---- concluding ----------------------------------------------------------------------------

    def _conclude(self) -> None:
        snapshot, history = self._snapshot, self._history
        assert snapshot is not None
        seen = self._told(snapshot, history)
        self._snapshot = self._history = None
        if self._again:
            self._later(self._timing.pass_s, self._look)
        elif self._absences(seen, history):
            self._later(self._timing.settle_s, self._look)
        elif self.halted:
            self.halt(self.halted)
        else:
            self._positions(snapshot)

    def _told(self, snapshot: Answer, history: Answer | None) -> set[str]:
        """Hands over what was found: deals first, by time; returns the ids that were there.

        History is read for what is in doubt alone: the rest of it is booked, or not ours to book.
        """
        desk, seen = self._desk, set()
        doubtful = {order.client_order_id for order in desk.doubtful}
        open_tickets = {row.ticket for row in snapshot.orders}
        for deal in sorted(history.deals if history else (), key=_when):
            if (ours := desk.of_deal(deal)) in doubtful:
                desk.deal(deal)
                seen.add(ours)
        for row in history.orders if history else ():
            ours = desk.known_as(row.ticket, row.magic, row.comment)
            if ours in doubtful and row.ticket not in open_tickets:
                desk.order_row(row)
                seen.add(ours)
        for row in snapshot.orders:
            if desk.order_row(row):
                seen.add(desk.known_as(row.ticket, row.magic, row.comment))
            else:
                desk.foreign(row.ticket, f"order {row.ticket} of {row.symbol} is not ours")
        for ours in seen:
            desk.asked.pop(ours, None)
            self._absent.pop(ours, None)
        return seen

    def _absences(self, seen: set[str], history: Answer | None) -> bool:
        """Judges orders that were not found; returns whether some are in doubt still."""
        if history is None:
            return False
        complete = history.complete
        for order in self._desk.doubtful:
            ours = order.client_order_id
            if ours in seen or ours not in self._desk.asked:
                continue
            count = self._absent[ours] = self._absent.get(ours, 0) + 1
            if count < ABSENCES or not complete:
                continue
            if order.session < self._desk.session:
                self._desk.never_arrived(ours)
                self._desk.asked.pop(ours)
                del self._absent[ours]
            else:
                self._new_connection(ours)
        open_ones = any(ours in self._desk.asked for ours in self._absent)
        if open_ones and not complete:
            self.ready = False
            self._state("SYNCING", "an order is in doubt and the history is not complete")
        return open_ones

    def _new_connection(self, ours: str) -> None:
        """Only a newer connection proves that what was sent in this one never arrived."""
        loop_s = asyncio.get_running_loop().time()
        if loop_s - self._relogged_s >= RELOG_EVERY_S:
            self._relogged_s = loop_s
            asyncio.get_running_loop().call_soon(self._relog, f"order {ours} is in doubt here")

    def _positions(self, snapshot: Answer) -> None:
        """READY when the account holds what the engine has booked; else looks again, then halts."""
        for symbol in self._instruments:
            terms = self._desk.terms_by_name.get(symbol)
            if terms is None or terms.contract_size <= 0:
                self._state("SYNCING", f"waits for the terms of {symbol}")
                self._later(self._timing.pass_s, self._look)
                return
        found = [
            said
            for symbol, instrument in self._instruments.items()
            for said in self._unequal(symbol, instrument, snapshot.positions)
        ]
        if not found:
            self._passes, self.ready = 0, True
            self._state("READY", "orders clear, positions equal")
        elif self._passes + 1 < PASSES:
            self._passes += 1
            self._later(self._timing.pass_s, self._look)
            return
        else:
            self.ready = False
            self._state("HALTED", f"{'; '.join(found)} — compare with the terminal"[:200])
        self._later(self._timing.poll_s, self._look)

    def _unequal(
        self, symbol: str, instrument: int, positions: Iterator[r.PositionRow]
    ) -> Iterator[str]:
        """Yields in words where a symbol's positions are not those booked here."""
        terms, hedged = self._desk.terms_by_name[symbol], self._desk.hedged
        there: dict[str, int] = {}
        for row in positions:
            if row.symbol == symbol:
                size = c.units(row.volume if row.side == "buy" else -row.volume, terms)
                key = str(row.ticket) if hedged else ""
                there[key] = there.get(key, 0) + size
        booked = self._inbox.booked(self._desk.account)
        here = {
            one.position_id if hedged else "": one.size
            for one in booked
            if one.instrument == instrument
        }
        for key in dict.fromkeys((*there, *here)):
            held, known = there.get(key, 0), here.get(key, 0)
            if held != known:
                name = f"{symbol} position {key}" if key else symbol
                yield f"{name}: {_size(held)} at the broker, {_size(known)} booked here"


def _when(deal: r.DealRow) -> tuple[int, int]:
    return deal.time_server, deal.ticket


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)
