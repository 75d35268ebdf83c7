"""What a strategy is and what it may do; subclassed in `strategies`, called by the kernel only.

A strategy is a class with typed parameters and one state struct. It reads books, positions and its
own state, and acts only through its context: what it asks for takes effect after its handler has
returned, so a handler that raises leaves nothing behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct

from thft.base.errors import LocalError
from thft.model.book import TopBook
from thft.model.event import Fill, TradePrint
from thft.model.fixed import ABSENT, INT64_MAX
from thft.model.instrument import Instrument
from thft.model.order import Order
from thft.model.position import Position

if TYPE_CHECKING:
    from thft.kernel.slot import StrategySlot
    from thft.state.quality import Quality


class BudgetExceeded(BaseException):
    """Raised inside a handler that runs over its time; not an Exception, so none swallows it."""


class Intent(Struct, frozen=True, gc=False):
    """An order a strategy asks for; price ABSENT for market, sizes 1e-8, prices 1e-9."""

    client_order_id: str
    account: str
    instrument: int
    side: int
    size: int
    type: str
    tif: str
    price: int
    position_id: str
    signal: int
    fast_mid: int
    decision_price: int


class Change(Struct, frozen=True, gc=False):
    """A replace a strategy asks for; ABSENT leaves size (1e-8) or price (1e-9) as it is."""

    client_order_id: str
    size: int
    price: int


class World(Protocol):
    """The part of the engine a strategy may read; the kernel provides it."""

    @property
    def now_ns(self) -> int: ...
    def instrument(self, symbol: str) -> Instrument: ...
    def feed(self, name: str) -> int: ...
    def book(self, feed: int, instrument: int) -> TopBook: ...
    def quality(self, feed: int, instrument: int) -> Quality: ...
    def position(self, account: str, instrument: int) -> int: ...
    def entry_price(self, account: str, instrument: int) -> int: ...
    def positions(self, account: str, instrument: int) -> list[Position]: ...
    def order(self, client_order_id: str) -> Order | None: ...
    def working_orders(self, strategy: str) -> list[Order]: ...
    def next_order_id(self) -> str: ...
    def order_asked(self) -> None: ...
    def mark_dirty(self) -> None: ...


class Context:
    """A strategy's only door: reads the world, queues what the strategy asks for."""

    __slots__ = ("_slot", "_world", "cancels", "intents", "replaces", "timer_cancels", "timers")

    def __init__(self, world: World, slot: StrategySlot) -> None:
        self._world = world
        self._slot = slot
        self.intents: list[Intent] = []
        self.cancels: list[tuple[str, str]] = []
        self.replaces: list[Change] = []
        self.timers: list[tuple[str, int]] = []
        self.timer_cancels: list[str] = []

    @property
    def now_ns(self) -> int:
        """Event time of the input being handled, ns."""
        return self._world.now_ns

    def book(self, feed: int, instrument: int) -> TopBook:
        """Returns the live top of book (it changes under later events; copy what you keep)."""
        return self._world.book(feed, instrument)

    def quality(self, feed: int, instrument: int) -> Quality:
        """Returns how far the book can be trusted: faults, ages, the venue's clock."""
        return self._world.quality(feed, instrument)

    def position(self, account: str, instrument: int) -> int:
        """Returns the account's signed net size in the instrument, 1e-8."""
        return self._world.position(account, instrument)

    def entry_price(self, account: str, instrument: int) -> int:
        """Returns the average entry price of the net position, 1e-9, ABSENT when flat.

        On a hedging account it is that of all positions on the side which is larger.
        """
        return self._world.entry_price(account, instrument)

    def positions(self, account: str, instrument: int) -> list[Position]:
        """Returns the open positions in the instrument, oldest first, live as books are.

        A netting account has one at most, without an id; on a hedging one each is closed by its id.
        """
        return self._world.positions(account, instrument)

    def order(self, client_order_id: str) -> Order | None:
        """Returns an order by id; None when it is unknown or long closed."""
        return self._world.order(client_order_id)

    def working_orders(self) -> list[Order]:
        """Returns this strategy's orders that may still execute."""
        return self._world.working_orders(self._slot.id)

    def submit(
        self,
        account: str,
        instrument: int,
        side: int,
        size: int,
        *,
        type: str = "market",
        tif: str = "IOC",
        price: int = ABSENT,
        position_id: str = "",
        signal: int = ABSENT,
        fast_mid: int = ABSENT,
        decision_price: int = ABSENT,
    ) -> str:
        """Asks for an order and returns its client order id; risk decides after the handler.

        `side` is +1 or -1, `size` 1e-8, `price` 1e-9. The answer comes to `on_order`. On a hedging
        account an order opens a position, unless `position_id` names the one that it closes.
        """
        _numbers(instrument, side, size, price, signal, fast_mid, decision_price)
        _texts(account, type, tif, position_id)
        order_id = self._world.next_order_id()
        self.intents.append(
            Intent(
                order_id,
                account,
                instrument,
                side,
                size,
                type,
                tif,
                price,
                position_id,
                signal,
                fast_mid,
                decision_price,
            )
        )
        self._world.order_asked()
        return order_id

    def cancel(self, client_order_id: str, reason: str) -> None:
        """Asks for the cancellation of a working order."""
        _texts(client_order_id, reason)
        self.cancels.append((client_order_id, reason))
        self._world.mark_dirty()

    def replace(self, client_order_id: str, *, size: int = ABSENT, price: int = ABSENT) -> None:
        """Asks for another size (1e-8, of the whole order) or price (1e-9) of a limit order.

        Until the venue answers it is PENDING_REPLACE and may execute as it was and as it is to be.
        The answer comes to `on_order`, a refusal or denial as `reason` of an order unchanged.
        """
        _texts(client_order_id)
        _numbers(size, price)
        self.replaces.append(Change(client_order_id, size, price))
        self._world.mark_dirty()

    def set_timer(self, name: str, delay_ns: int) -> None:
        """Arms the timer `name` to fire `delay_ns` from now, replacing an earlier one."""
        _texts(name)
        _numbers(delay_ns, self.now_ns + delay_ns)
        self.timers.append((name, delay_ns))
        self._world.mark_dirty()

    def cancel_timer(self, name: str) -> None:
        """Forgets the strategy's timer `name`."""
        _texts(name)
        self.timer_cancels.append(name)
        self._world.mark_dirty()

    @property
    def busy(self) -> bool:
        """True while something asked for waits to be decided."""
        asked = self.intents or self.cancels or self.replaces
        return bool(asked or self.timers or self.timer_cancels)

    def drop(self) -> None:
        """Forgets everything asked for; the kernel calls it when a handler failed."""
        self.intents.clear()
        self.cancels.clear()
        self.replaces.clear()
        self.timers.clear()
        self.timer_cancels.clear()


def _numbers(*numbers: int) -> None:
    """Raises LocalError for what no event can carry: the journal would not take it back."""
    for number in numbers:
        if type(number) is not int or not ABSENT <= number <= INT64_MAX:
            raise LocalError(f"{number!r} is no integer of 64 bits", "mend the strategy")


def _texts(*texts: str) -> None:
    for text in texts:
        if type(text) is not str:
            raise LocalError(f"{text!r} is no text", "mend the strategy")


class Strategy:
    """Base of all strategies: override what you need; every default does nothing.

    `Params` is a frozen msgspec Struct whose fields carry unit, bounds and help through
    `msgspec.Meta`; `State` is a msgspec Struct with a default for every field. Both live on the
    instance as `self.params` and `self.state`; nothing else may be kept between calls except what
    `bind` derives from them.
    """

    kind: ClassVar[str] = ""
    Params: ClassVar[type[Struct]] = Struct
    State: ClassVar[type[Struct]] = Struct

    def __init__(self, params: Any) -> None:
        self.params = params
        self.state: Any = self.State()

    def bind(self, world: World) -> list[tuple[int, int]]:
        """Resolves names once; returns the (feed, instrument) books to be called for.

        Raises LocalError naming the field when a symbol, feed or account is not defined.
        """
        return []

    def on_start(self, ctx: Context) -> None:
        """Called once when the strategy is loaded or enabled."""

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        """Called after each update of a book named by `bind`."""

    def on_trade(self, ctx: Context, trade: TradePrint) -> None:
        """Called after each public trade of a book named by `bind`, if its feed has trades."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """Called when a timer set by this strategy is due."""

    def on_order(self, ctx: Context, order: Order) -> None:
        """Called after each change of one of this strategy's orders, denials included."""

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Called after each execution of one of this strategy's orders."""

    def counters(self) -> tuple[tuple[str, int], ...]:
        """Returns named integers for the metric snapshot and the page."""
        return ()
