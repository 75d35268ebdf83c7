"""One FIX venue as a gateway: its links, their desks, one throttle; made and run by core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from thft.base.backoff import ConnectBudget
from thft.base.prng import Prng
from thft.fix.session import Store
from thft.fix.wire import Message
from thft.gateway.calendar import Calendar
from thft.gateway.dialect import Dialect
from thft.gateway.fix.causes import Timing
from thft.gateway.fix.channel import Channel, Desk
from thft.gateway.fix.orders import OrderDesk
from thft.gateway.fix.quotes import QuoteDesk
from thft.gateway.fix.settings import FixSettings
from thft.gateway.fix.symbols import Spelling, SymbolMap
from thft.gateway.fix_link import now
from thft.gateway.gate import Gate
from thft.gateway.limiter import GUARD_NS, SECOND_NS, Throttle, Window
from thft.gateway.port import EngineInbox
from thft.model.order import Order

PRICES = frozenset(("W", "X", "Y"))
DRAWN = "0123456789abcdefghijklmnopqrstuvwxyz"
CONTROL_MESSAGES = 2
"""What is kept free of a link's own limit for heartbeats and Logout."""


class Wanted(NamedTuple):
    """What the engine wants of a venue."""

    feed: int
    symbols: dict[str, int]
    """The venue's name of a symbol → instrument."""
    account: str = ""
    """Empty: quotes alone."""
    logons: int = 0
    """How often the account has logged on in the engine's life."""
    contracts: Mapping[int, int] = {}
    """Instrument → units in a contract, 1e-8, at a venue that counts contracts."""
    attempts: Sequence[tuple[str, int]] = ()
    """Attempts to connect that engines before this one have made: link, and how long ago in ns."""
    hedged: bool = False
    """The account keeps positions apart, each under its id."""
    resolve: bool = False
    """Names are canonical; the venue's list may write them with an affix of its own."""
    ids: Mapping[int, str] = {}
    """Instrument → the venue's id of it, as the journal knows it."""


class FixClient:
    """See the module; `take` and `flush` are the engine's Trading."""

    def __init__(
        self,
        inbox: EngineInbox,
        dialect: Dialect,
        settings: FixSettings,
        wanted: Wanted,
        stores: Callable[[str], Store],
        prng: Prng,
        timing: Timing | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """`stores` opens the store of a link by its name."""
        timing = timing or Timing()
        calendar = calendar or Calendar(dialect.closed if settings.calendar else ())
        spelling = Spelling(wanted.feed, wanted.resolve, wanted.ids, inbox.symbol)
        symbols = SymbolMap(dialect, wanted.symbols, wanted.contracts, spelling)
        self.quotes = QuoteDesk(inbox, wanted.feed, dialect, settings, symbols)
        self.orders = OrderDesk(
            inbox,
            wanted.feed,
            wanted.account,
            wanted.logons,
            dialect,
            settings,
            symbols,
            timing,
            hedged=wanted.hedged,
        )
        self._gate = Gate(limits(dialect, settings))
        budgets = connect_budgets(dialect)
        for name, age_ns in wanted.attempts:
            for budget in budgets(name):
                budget.attempt(now().monotonic_ns - age_ns)
        self.channels: list[Channel] = []
        for at, link in enumerate(dialect.links):
            desks: list[QuoteDesk | OrderDesk] = []
            if "quotes" in link.roles:
                desks.append(self.quotes)
            if ({"orders", "symbols"} if wanted.account else {"symbols"}) & {*link.roles}:
                desks.append(self.orders)
            if not desks:
                continue
            desk: Desk = desks[0] if len(desks) == 1 else _Both(self.quotes, self.orders)
            channel = Channel(
                dialect,
                link,
                addressed(dialect, settings, at, prng),
                stores(link.name),
                desk,
                self._gate,
                budgets(link.name),
                prng,
                timing,
                calendar,
            )
            for one in desks:
                one.channel = channel
            self.channels.append(channel)

    async def run(self) -> None:
        """Keeps all links connected until stopped."""
        await asyncio.gather(*(channel.run() for channel in self.channels))

    def stop(self) -> None:
        """Logs out on all links."""
        for channel in self.channels:
            channel.stop()

    def take(self, kind: str, order: Order) -> None:
        """Takes one effect of the engine."""
        self.orders.take(kind, order)

    def flush(self) -> None:
        """Lets what was taken leave, as far as the limits allow."""
        self._gate.run()


class _Both:
    """Quotes and orders on one link."""

    def __init__(self, quotes: QuoteDesk, orders: OrderDesk) -> None:
        self._quotes, self._orders = quotes, orders

    @property
    def ready(self) -> bool:
        """Both do what they are for."""
        return self._quotes.ready and self._orders.ready

    def attempt(self, link: str) -> None:
        """See Desk."""
        self._quotes.attempt(link)

    def logged_on(self, heartbeat_s: int) -> None:
        """See Desk; the list is asked for first."""
        self._orders.logged_on(heartbeat_s)
        self._quotes.logged_on(heartbeat_s)

    def ended(self, reason: str) -> None:
        """See Desk."""
        self._quotes.ended(reason)
        self._orders.ended(reason)

    def message(self, message: Message) -> None:
        """See Desk."""
        desk: Desk = self._quotes if message.type in PRICES else self._orders
        desk.message(message)

    def rejected(self, ref: str, text: str) -> None:
        """See Desk."""
        desk: Desk = self._quotes if ref.startswith("md") else self._orders
        desk.rejected(ref, text)

    def state(self, state: str, reason: str) -> None:
        """See Desk."""
        self._quotes.state(state, reason)
        self._orders.state(state, reason)

    def fault(self, fault: str, detail: str) -> None:
        """See Desk."""
        self._quotes.fault(fault, detail)

    def round_trip(self, ns: int) -> None:
        """See Desk."""
        self._quotes.round_trip(ns)

    def turn_end(self) -> None:
        """See Desk."""
        self._quotes.turn_end()


def connect_budgets(dialect: Dialect) -> Callable[[str], list[ConnectBudget]]:
    """Returns the budgets of a venue, which its links share: link → those that hold for it."""
    budgets = [
        (one.links, ConnectBudget(one.attempts, one.window_s * SECOND_NS + GUARD_NS))
        for one in dialect.connect
    ]
    return lambda link: [budget for links, budget in budgets if link in links]


def addressed(dialect: Dialect, settings: FixSettings, at: int, prng: Prng) -> FixSettings:
    """Returns the settings of the link in place `at`: its own 49, where the venue wants that.

    The place comes first in what is drawn, so that no two links are called the same.
    """
    drawn = dialect.comp_ids.drawn
    if not drawn:
        return settings
    last = len(DRAWN) - 1
    own = f"{at}" + "".join(DRAWN[prng.between(0, last)] for _ in range(drawn))
    return structs.replace(settings, sender_comp_id=settings.sender_comp_id + own[:drawn])


def limits(dialect: Dialect, settings: FixSettings) -> Throttle:
    """Returns the limits: ours for the broker, and the venue's own for each link."""
    links: dict[str, list[Window]] = {}
    for rate in dialect.rates:
        limit = max(rate.messages - CONTROL_MESSAGES, 1)
        shared = Window(limit, rate.window_s * SECOND_NS)
        for link in rate.links:
            own = Window(limit, rate.window_s * SECOND_NS)
            window = own if rate.scope == "session" else shared
            links.setdefault(link, []).append(window)
    data = frozenset(link.name for link in dialect.links if {*link.roles} == {"quotes"})
    return Throttle(settings.executions_per_s, settings.data_per_s, links, data)
