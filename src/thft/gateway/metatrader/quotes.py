"""Ticks of one terminal: subscriptions, numbers, back-fill, gaps; owned by the account.

MetaTrader 5 sends every tick of its history from the last one known, so a cut or a restart of the
engine costs nothing as long as the terminal remembers: the number of a quote says where the ticks
go on. MetaTrader 4 cannot: what it tells of lost ticks is counted, and each cut is a gap of unknown
size. Ticks before PRESENT are history: the feed is SYNCING meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from thft.gateway.calendar import Calendar
from thft.gateway.metatrader.clock import LATEST_MS, ServerClock
from thft.gateway.metatrader.commands import countable, units
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame
from thft.gateway.metatrader.settings import MetaTraderSettings
from thft.gateway.port import EngineInbox
from thft.model.fixed import ABSENT, SIZE_DIGITS, format_scaled

SECOND_NS = 1_000_000_000
DAY_MS = 86_400_000
NAMED = 3
SAME_BITS = 20
MOST_SAME = (1 << SAME_BITS) - 1
EARLIEST_MS = 946_684_800_000
"""The year 2000: an earlier time in a number says that no terminal gave it."""
PRINTED = 8 | 16
"""Flags of a tick whose last price or volume is new: a trade."""
AGGRESSORS = {32: 1, 64: -1}
"""Flag of the side that took → the side; with both or none nobody says."""
AHEAD_MS = 60_000
"""A tick so much later than the server's own time is not one of this server."""


def number_of(time_ms: int, same: int) -> int:
    """Returns the number of the `same`-th tick of a server time, 0 when that is no time.

    It is below 2**63, grows with the ticks, and says where they go on: see `place_of`.
    """
    if not EARLIEST_MS <= time_ms < LATEST_MS:
        return 0
    return time_ms << SAME_BITS | min(same, MOST_SAME)


def place_of(number: int) -> tuple[int, int]:
    """Returns the server time of a numbered tick, ms, and how many had it; 0, 0 of no such."""
    time_ms, same = number >> SAME_BITS, number & MOST_SAME
    return (time_ms, same) if number_of(time_ms, same) == number > 0 else (0, 0)


@dataclass
class Subscription:
    """One symbol's ticks over all connections, and how it stands with this one."""

    symbol: str
    instrument: int
    last_ms: int = 0
    """The server time of the last tick known, also of one that an earlier engine took; 0: none."""
    same: int = 0
    """So many ticks had exactly that time."""
    known: bool = False
    """A tick was taken, by this engine or an earlier one."""
    printed: int = 0
    """The number of the last tick whose trade is known."""
    next: int = 1
    missed: int = 0
    """What the terminal has counted as missed on this connection."""
    lost: int = 0
    """The same over all connections."""
    terms: r.Symbol | None = None
    refused: str = ""
    present: bool = False

    def taken(self, time_ms: int) -> int:
        """Counts a tick; returns its number. A time that is none moves nothing."""
        self.known = True
        if not number_of(time_ms, 1):
            return 0
        self.same = self.same + 1 if time_ms == self.last_ms else 1
        self.last_ms = time_ms
        return number_of(time_ms, self.same)


class QuoteDesk:
    """See the module."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        symbols: dict[str, int],
        platform: str,
        clock: ServerClock,
        settings: MetaTraderSettings,
        ends: dict[int, tuple[int, int]],
        trades: bool,
        calendar: Calendar,
        state: Callable[[str, str], None],
    ) -> None:
        """`symbols` are the terminal's names; `state` publishes what the feed is.

        `ends`: instrument → the numbers of the last quote and the last print that an earlier
        engine has written. `trades`: prints are wanted.
        """
        self._inbox = inbox
        self._feed = feed
        self._platform = platform
        self._clock = clock
        self._stale_s = settings.stale_s
        self._history_days = settings.history_days
        self._trades = trades
        self._calendar = calendar
        self._state = state
        self._heard_s = 0.0
        self._connected = False
        self.ready = False
        self.subscriptions = {
            number: Subscription(symbol, instrument)
            for number, (symbol, instrument) in enumerate(symbols.items(), 1)
        }
        for one in self.subscriptions.values():
            quote, one.printed = ends.get(one.instrument, (0, 0))
            one.last_ms, one.same = place_of(quote)
            one.known = one.last_ms > 0

    def opened(self, server_ms: int) -> list[r.Subscribe]:
        """Returns what is asked of a new connection: everything wanted, from where it ended.

        `server_ms` is the server's time now, 0 when the terminal does not know it.
        """
        asked = []
        for number, one in self.subscriptions.items():
            one.next, one.missed, one.present, one.refused = 1, 0, False, ""
            if self._platform == "5":
                since, skip = self._since(one, server_ms)
            else:
                since, skip = 0, 0
                if one.known:
                    self._fault(one, "gap", "unknown gap: MetaTrader 4 keeps no ticks of a cut")
            asked.append(r.Subscribe(number, one.symbol, since, skip))
        self._heard_s = asyncio.get_running_loop().time()
        self.ready = False
        return asked

    def _since(self, one: Subscription, server_ms: int) -> tuple[int, int]:
        """Returns behind which tick a symbol goes on: time and how many had it; 0, 0: from now.

        What is left out is a gap, in words.
        """
        if not (one.last_ms and 0 < server_ms < LATEST_MS):
            return one.last_ms, one.same
        earliest_ms = server_ms - self._history_days * DAY_MS
        if one.last_ms > server_ms + AHEAD_MS:
            said = f"the last tick known is of {one.last_ms} ms, the server's time is {server_ms}"
            self._fault(one, "gap", f"unknown gap: {said}: another server or clock, from now on")
            one.last_ms = one.same = 0
        elif one.last_ms < earliest_ms:
            said = f"ticks missing from {one.last_ms} to {earliest_ms} ms: away for longer"
            self._fault(one, "gap", f"{said} than history_days, {self._history_days}")
            return earliest_ms, 0
        return one.last_ms, one.same

    def heart(self, connected: bool) -> None:
        """Takes the terminal's word on its broker, and looks at how long nothing came."""
        self._connected = connected
        self.judge()

    def symbol(self, terms: r.Symbol) -> str:
        """Takes a symbol's terms; returns what has changed that orders are counted by, or empty.

        Raises WrongFrame when they are another symbol's.
        """
        one = self._named(terms)
        before, one.terms = one.terms, terms
        if before is None or before.contract_size == terms.contract_size:
            return ""
        said = f"the contract size of {one.symbol} has changed"
        self._fault(one, "contract_changed", said)
        return said

    def no_symbol(self, record: r.NoSymbol) -> None:
        """The terminal does not know a symbol."""
        one = self._named(record)
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
        number = one.taken(tick.time_server)
        bid = tick.bid if tick.bid > 0 else ABSENT
        ask = tick.ask if tick.ask > 0 else ABSENT
        venue_ns = self._clock.utc_ns(tick.time_server)
        if self._trades and tick.flags & PRINTED and tick.last > 0 and tick.volume > 0:
            self._print(one, tick, number, venue_ns, recv_ns)
        self._inbox.quote(
            self._feed, one.instrument, bid, ABSENT, ask, ABSENT, venue_ns, number, recv_ns
        )

    def _print(
        self, one: Subscription, tick: r.Tick, number: int, venue_ns: int, recv_ns: int
    ) -> None:
        """Publishes a trade, before its tick's quote: so that no end of the journal loses it.

        A journal that ends between both has the trade already when its tick comes again.
        """
        if number == one.printed:
            return
        one.printed = number
        if one.terms is None or not countable(tick.volume, one.terms):
            said = f"a trade of {format_scaled(tick.volume, SIZE_DIGITS)} lots cannot be counted"
            self._fault(one, "malformed", f"{said} in units of {one.symbol}")
            return
        size = units(tick.volume, one.terms)
        side = AGGRESSORS.get(tick.flags & sum(AGGRESSORS), 0)
        self._inbox.trade(
            self._feed, one.instrument, tick.last, size, side, venue_ns, number, recv_ns
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
        silent = not self._connected or silence_s >= self._stale_s
        away = self._calendar.away(self._inbox.now_ns()) if silent else None
        self.ready = False
        if away is not None:
            self._state("CLOSED", away.words)
        elif not self._connected:
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
        return one.present and one.known

    def _of(self, sub: int) -> Subscription:
        one = self.subscriptions.get(sub)
        if one is None:
            raise WrongFrame(f"subscription {sub}, which nobody asked for")
        return one

    def _named(self, record: r.Symbol | r.NoSymbol) -> Subscription:
        """Returns the subscription of a record that names its symbol; raises WrongFrame."""
        one = self._of(record.sub)
        if record.symbol != one.symbol:
            name = type(record).__name__.upper()
            said = f"{name} of {record.symbol[:32]!r} where {one.symbol} was asked for"
            raise WrongFrame(said)
        return one

    def _fault(self, one: Subscription, fault: str, detail: str) -> None:
        self._inbox.feed_fault(self._feed, one.instrument, fault, detail[:200])
