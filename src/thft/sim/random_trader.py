"""A strategy that trades without reason: every kind of order, changes, cancels; by `thft sim`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from thft.base.prng import Prng
from thft.kernel.strategy import Context, Strategy, World
from thft.model.book import TopBook
from thft.model.event import Fill
from thft.model.fixed import SIZE_ONE
from thft.model.order import Order
from thft.model.position import Position


class RandomTraderParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Where it trades and how often: one chance in `rarity` for each quote."""

    account: str
    symbol: str
    feed: str
    seed: int
    rarity: int = 2


class Drawn(Struct):
    """Its whole memory: where its generator stands, and what was executed."""

    prng: int = 0
    fills: int = 0


class RandomTrader(Strategy):
    """Draws from a generator kept in its state, so a replay draws the same."""

    kind = "random_trader"
    Params = RandomTraderParams
    State = Drawn

    params: RandomTraderParams
    state: Drawn

    def bind(self, world: World) -> list[tuple[int, int]]:
        """Watches the one book it trades."""
        self.instrument = world.instrument(self.params.symbol).instrument
        return [(world.feed(self.params.feed), self.instrument)]

    def on_start(self, ctx: Context) -> None:
        """Begins its generator at the seed."""
        self.state.prng = self.params.seed

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        """Now and then submits something or cancels what works."""
        prng = Prng(self.state.prng)
        if prng.between(1, self.params.rarity) == 1 and book.tradable:
            self._act(ctx, book, prng)
        self.state.prng = prng.state

    def _act(self, ctx: Context, book: TopBook, prng: Prng) -> None:
        working = ctx.working_orders()
        resting = [order for order in working if order.type == "limit"]
        if resting and prng.between(0, 1):
            order = resting[prng.between(0, len(resting) - 1)]
            size = max(order.size + prng.between(-2, 4) * 1_000 * SIZE_ONE, 0)
            price = order.price + prng.between(-2, 2) * 10_000
            ctx.replace(order.client_order_id, size=size, price=price)
            return
        if working and prng.between(0, 2) == 0:
            ctx.cancel(working[prng.between(0, len(working) - 1)].client_order_id, "drawn")
            return
        legs = [
            one for one in ctx.positions(self.params.account, self.instrument) if one.position_id
        ]
        if legs and prng.between(0, 1):
            self._close(ctx, book, prng, legs[prng.between(0, len(legs) - 1)])
            return
        side = 1 if prng.between(0, 1) else -1
        size = prng.between(1, 9) * 1_000 * SIZE_ONE
        price = book.ask if side > 0 else book.bid
        if prng.between(0, 1):
            ctx.submit(self.params.account, self.instrument, side, size, decision_price=price)
        else:
            offset = side * prng.between(-3, 3) * 10_000
            ctx.submit(
                self.params.account,
                self.instrument,
                side,
                size,
                type="limit",
                tif=("GTC", "IOC", "FOK")[prng.between(0, 2)],
                price=price + offset,
                decision_price=price,
            )

    def _close(self, ctx: Context, book: TopBook, prng: Prng, leg: Position) -> None:
        """Closes a hedged position or a part of it, now or at a price to wait for."""
        side = -1 if leg.size > 0 else 1
        price = book.ask if side > 0 else book.bid
        size = prng.between(1, max(abs(leg.size) // (1_000 * SIZE_ONE), 1)) * 1_000 * SIZE_ONE
        how: dict[str, Any] = {}
        if prng.between(0, 1):
            how = {
                "type": "limit",
                "tif": "GTC",
                "price": price - side * prng.between(-2, 4) * 10_000,
            }
        ctx.submit(
            self.params.account,
            self.instrument,
            side,
            size,
            position_id=leg.position_id,
            decision_price=price,
            **how,
        )

    def on_order(self, ctx: Context, order: Order) -> None:
        """Takes note of nothing."""

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Counts."""
        self.state.fills += 1
