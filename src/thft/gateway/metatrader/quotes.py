"""Ticks of one terminal: subscriptions, numbers, back-fill, gaps; owned by the account.

MetaTrader 5 sends every tick of its history from the last one known, so a cut costs nothing as long
as the terminal remembers. MetaTrader 4 cannot: what it tells of lost ticks is counted, and each cut
is a gap of unknown size. Ticks before PRESENT are history: the feed is SYNCING meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from thft.gateway.metatrader.clock import ServerClock
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame
from thft.gateway.port import EngineInbox
from thft.model.fixed import ABSENT

SECOND_NS = 1_000_000_000
NAMED = 3


@dataclass
class Subscription:
    """One symbol's ticks over all connections, and how it stands with this one."""

    symbol: str
    instrument: int
    count: int = 0
    """Ticks taken in this engine's life."""
    last_ms: int = 0
    same: int = 0
    """So many ticks had exactly that time."""
    next: int = 1
    missed: int = 0
    """What the terminal has counted as missed on this connection."""
    lost: int = 0
    """The same over all connections."""
    terms: r.Symbol | None = None
    refused: str = ""
    present: bool = False


class QuoteDesk:
    """See the module."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        symbols: dict[str, int],
        platform: str,
        clock: ServerClock,
        stale_s: float,
        state: Callable[[str, str], None],
    ) -> None:
        """`symbols` are the terminal's names; `state` publishes what the feed is."""
        self._inbox = inbox
        self._feed = feed
        self._platform = platform
        self._clock = clock
        self._stale_s = stale_s
        self._state = state
        self._heard_s = 0.0
        self._connected = False
        self.ready = False
        self.subscriptions = {
            number: Subscription(symbol, instrument)
            for number, (symbol, instrument) in enumerate(symbols.items(), 1)
        }

    def opened(self) -> list[r.Subscribe]:
        """Returns what is asked of a new connection: everything wanted, from where it ended."""
        asked = []
        for number, one in self.subscriptions.items():
            one.next, one.missed, one.present, one.refused = 1, 0, False, ""
            since, skip = (one.last_ms, one.same) if self._platform == "5" else (0, 0)
            if one.count and self._platform == "4":
                self._fault(one, "gap", "unknown gap: MetaTrader 4 keeps no ticks of a cut")
            asked.append(r.Subscribe(number, one.symbol, since, skip))
        self._heard_s = asyncio.get_running_loop().time()
        self.ready = False
        return asked

    def heart(self, connected: bool) -> None:
        """Takes the terminal's word on its broker, and looks at how long nothing came."""
        self._connected = connected
        self.judge()

    def symbol(self, terms: r.Symbol) -> str:
        """Takes a symbol's terms; returns what has changed that orders are counted by, or empty."""
        one = self._of(terms.sub)
        before, one.terms = one.terms, terms
        if before is None or before.contract_size == terms.contract_size:
            return ""
        said = f"the contract size of {one.symbol} has changed"
        self._fault(one, "contract_changed", said)
        return said

    def no_symbol(self, record: r.NoSymbol) -> None:
        """The terminal does not know a symbol."""
        one = self._of(record.sub)
        one.refused = f"{one.symbol}: {record.words or 'the terminal has no such symbol'}"
        self._fault(one, "refused", one.refused)
        self.judge()

    def ticks(self, record: r.Ticks) -> None:
        """Takes ticks in their order; raises WrongFrame when a number is missing."""
        one = self._of(record.sub)
        if record.first != one.next:
            said = f"ticks of {one.symbol} from number {record.first} on, {one.next} was due"
            raise WrongFrame(said)
        one.next += len(record.ticks)
        if record.missed < one.missed:
            raise WrongFrame(f"missed ticks of {one.symbol} count down")
        if record.missed > one.missed:
            fresh, one.missed = record.missed - one.missed, record.missed
            one.lost += fresh
            self._fault(one, "gap", f"{fresh} ticks missed by the terminal, {one.lost} in all")
        recv_ns = self._inbox.now_ns()
        for tick in record.ticks:
            self._tick(one, tick, recv_ns)
        self._heard_s = asyncio.get_running_loop().time()
        if not self.ready:
            self.judge()

    def _tick(self, one: Subscription, tick: r.Tick, recv_ns: int) -> None:
        if tick.time_server == one.last_ms:
            one.same += 1
        else:
            one.last_ms, one.same = tick.time_server, 1
        one.count += 1
        bid = tick.bid if tick.bid > 0 else ABSENT
        ask = tick.ask if tick.ask > 0 else ABSENT
        venue_ns = self._clock.utc_ns(tick.time_server)
        self._inbox.quote(
            self._feed, one.instrument, bid, ABSENT, ask, ABSENT, venue_ns, one.count, recv_ns
        )

    def present(self, record: r.Present) -> None:
        """What comes now is no history any more."""
        one = self._of(record.sub)
        if record.next != one.next:
            raise WrongFrame(f"PRESENT of {one.symbol} at {record.next}, {one.next} is due")
        one.present = True
        self.judge()

    def gap(self, record: r.Gap) -> None:
        """The terminal's own history has a hole."""
        one = self._of(record.sub)
        said = f"ticks missing from {record.from_server} to {record.to_server} ms: {record.words}"
        self._fault(one, "gap", said)

    def judge(self) -> None:
        """Says what the feed is, when its connection lives."""
        ones = list(self.subscriptions.values())
        refused = [one.refused for one in ones if one.refused]
        waiting = [one.symbol for one in ones if not one.refused and not self._live(one)]
        silence_s = asyncio.get_running_loop().time() - self._heard_s
        self.ready = False
        if not self._connected:
            self._state("STALE", "the terminal has no connection to its broker")
        elif silence_s >= self._stale_s:
            said = f"no tick for {self._stale_s:g} s, though terminal and broker are connected"
            self._state("STALE", said)
        elif waiting:
            self._state("SYNCING", f"waits for ticks of {', '.join(waiting[:NAMED])}")
        elif refused:
            self._state("DEGRADED", "; ".join(refused[:NAMED])[:200])
        else:
            self.ready = True
            self._state("READY", "all symbols with ticks of now")

    @staticmethod
    def _live(one: Subscription) -> bool:
        return one.present and one.count > 0

    def _of(self, sub: int) -> Subscription:
        one = self.subscriptions.get(sub)
        if one is None:
            raise WrongFrame(f"subscription {sub}, which nobody asked for")
        return one

    def _fault(self, one: Subscription, fault: str, detail: str) -> None:
        self._inbox.feed_fault(self._feed, one.instrument, fault, detail[:200])
