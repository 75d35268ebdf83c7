"""Steps that trade: executions in parts, every type and time in force, a cancel that meets a fill.

They buy and sell the ordered size at the market, cancel what rests, and close what is left at the
end; called by `run`.
"""

from __future__ import annotations

from functools import partial

from thft.gateway.certify.account_steps import ask_positions
from thft.gateway.certify.booking import AT_ONCE, Booking, Placed, resting, told
from thft.gateway.certify.report import Failed, NotTested
from thft.gateway.certify.trial import Trial
from thft.gateway.dialect import OrderKind
from thft.gateway.fix.readiness import PASSES
from thft.gateway.fix.reports import TIFS, TYPES, read
from thft.gateway.limiter import Lane
from thft.model.fixed import SIZE_DIGITS, format_scaled
from thft.model.order import CANCELLED, REJECTED

FAR_PERCENT = 10
"""A limit order that shall rest stands so far from the market."""
CROSS_PERCENT = 1
"""One that shall execute is so much better than the market."""
NOT_NOW = ("market_closed", "no_money", "channel_blocked")
"""Refusals that say nothing about the record."""
ODD = "the order's outcome stays in doubt: ask the venue"


class OrderSteps:
    """The steps of one trial; they share its orders."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._types = trial.dialect.orders.types
        self._booking = Booking(trial)

    # ---- steps ---------------------------------------------------------------------------------

    async def parts(self, trial: Trial) -> str:
        """Executions in parts are booked by CumQty: a simulator makes them, a venue may."""
        trial.must_trade()
        tif = resting(self._types.get("limit", ()))
        if not tif:
            raise NotTested("the record has no limit order that may wait")
        whole = await self._booking.place("limit", tif, 1, self._price(1, CROSS_PERCENT))
        await self._ends(whole, "limit", tif)
        said = whole.judge()
        if trial.means.simulated:
            cut = await self._booking.place("market", self._market_tif, -1)
            await self._ends(cut, "market", self._market_tif)
            said = f"{said}; {cut.judge()}, then {told(cut)}"
        if len(whole.executions) < 2:
            raise NotTested(f"{said}: the venue cannot be made to fill in part")
        return said

    async def market(self, trial: Trial) -> str:
        """Sends a market order under every time in force of the record."""
        return await self._each("market")

    async def limit(self, trial: Trial) -> str:
        """Sends a limit order far from the market under every time in force of the record."""
        return await self._each("limit")

    async def cancel_race(self, trial: Trial) -> str:
        """Sends a cancel right behind a market order: one of the two wins, and both are told."""
        trial.must_trade()
        placed = await self._booking.place("market", self._market_tif, self._flatter)
        await self._booking.cancel(placed)
        await trial.until(lambda: placed.look().over and self._cancel_told(placed))
        self._must_be_taken(placed, "market", self._market_tif)
        said = placed.judge()
        if not placed.over:
            raise Failed(
                f"{told(placed)}, no end: {trial.silence(await trial.on('orders'))}", "", ODD
            )
        if not self._cancel_told(placed):
            raise Failed(f"{told(placed)}; the cancel got no answer", *_silent("F"))
        won = placed.cancel_refused or "the cancel came first"
        await self._same_at_status(placed)
        return f"{told(placed)}, {said}; cancel: {won}"

    async def status(self, trial: Trial) -> str:
        """Asks for an order that rests (H), then cancels it."""
        trial.must_trade()
        tif = resting(self._types.get("limit", ()))
        if trial.dialect.orders.status == "none" or not tif:
            raise NotTested("nothing to ask, or no limit order that may wait")
        placed = await self._booking.place("limit", tif, 1, self._price(1, -FAR_PERCENT))
        await self._taken(placed, "limit", tif)
        await self._same_at_status(placed)
        said = told(placed)
        await self._cancelled(placed)
        return f"a resting order is told as it stands: {said}"

    async def change(self, trial: Trial) -> str:
        """Changes what the record says can be changed of an order that rests, then cancels it."""
        trial.must_trade()
        terms, tif = trial.dialect.orders, resting(self._types.get("limit", ()))
        if terms.replace == "none":
            raise NotTested("the record changes no orders")
        if not tif:
            raise NotTested("the record has no limit order that may wait")
        placed = await self._booking.place("limit", tif, 1, self._price(1, -FAR_PERCENT))
        await self._taken(placed, "limit", tif)
        size, price = placed.order.size, self._price(1, -2 * FAR_PERCENT)
        wanted = (
            2 * size if "size" in terms.changes else size,
            price if "price" in terms.changes else placed.order.price,
        )
        await self._booking.change(placed, *wanted)
        order = placed.order
        await trial.until(lambda: placed.look().change_refused or order.wanted is None)
        self._must_be_changed(placed, wanted)
        await self._same_at_status(placed)
        await self._cancelled(placed)
        return f"{' and '.join(terms.changes)} changed, as told: {_size(order.size)}; cancelled"

    async def positions(self, trial: Trial) -> str:
        """Holds the venue's positions against what was booked; then closes what is open."""
        trial.must_trade()
        try:
            for _ in range(2 if trial.dialect.positions.model in ("?", "account") else 1):
                placed = await self._booking.place("market", self._market_tif, 1)
                await self._ends(placed, "market", self._market_tif)
            return await self._compare()
        finally:
            await self._close()

    # ---- their parts ---------------------------------------------------------------------------

    @property
    def _market_tif(self) -> str:
        """The time in force that lets a market order execute in parts, if there is one."""
        tifs = self._types["market"]
        return next((one for one in tifs if one in TIFS and one != "FOK"), tifs[0])

    @property
    def _flatter(self) -> int:
        """The side that makes the account hold less."""
        return -1 if self._booking.net > 0 else 1

    def _price(self, side: int, percent: int) -> int:
        """Returns a price so much better for the other side than the market (or worse)."""
        bid, ask = self._trial.best
        price = ask * (100 + percent) // 100 if side > 0 else bid * (100 - percent) // 100
        return price // self._trial.point * self._trial.point

    async def _each(self, kind: OrderKind) -> str:
        """Sends one order under every time in force; returns how each ended."""
        self._trial.must_trade()
        if kind not in self._types:
            raise NotTested(f"the record has no {kind} orders")
        said = []
        for tif in self._types[kind]:
            if tif not in TIFS:
                said.append(f"{tif}: not sent by the client")
                continue
            placed = await self._one(kind, tif)
            said.append(f"{tif}: {told(placed)}")
        others = sorted(set(self._types) - set(TYPES))
        if kind == "limit" and others:
            said.append(f"not sent by the client: {', '.join(others)}")
        return "; ".join(said)

    async def _one(self, kind: OrderKind, tif: str) -> Placed:
        side = self._flatter
        if kind == "market":
            placed = await self._booking.place(kind, tif, side)
            await self._ends(placed, kind, tif)
            if not placed.booked:
                raise Failed(f"market {tif}: {told(placed)}", *_type(kind, tif))
        else:
            placed = await self._booking.place(kind, tif, side, self._price(side, -FAR_PERCENT))
            if tif in AT_ONCE:
                await self._ends(placed, kind, tif)
            else:
                await self._taken(placed, kind, tif)
                await self._cancelled(placed)
        placed.judge()
        return placed

    async def _taken(self, placed: Placed, kind: OrderKind, tif: str) -> None:
        await self._trial.until(lambda: placed.look().answered)
        self._must_be_taken(placed, kind, tif)

    async def _ends(self, placed: Placed, kind: OrderKind, tif: str) -> None:
        await self._trial.until(lambda: placed.look().over or placed.doubt)
        self._must_be_taken(placed, kind, tif)
        if not placed.over:
            placed.judge()
            line = await self._trial.on("orders")
            said = f"{kind} {tif}: {told(placed)}, no end: {self._trial.silence(line)}"
            raise Failed(said, *_type(kind, tif))

    def _must_be_taken(self, placed: Placed, kind: OrderKind, tif: str) -> None:
        """Raises Failed for an order that was refused, or that nobody has answered."""
        refused = placed.refused
        if placed.order.state == REJECTED:
            refused = placed.order.reason or "no reason given"
        if refused and self._trial.dialect.reason(refused) in NOT_NOW:
            raise NotTested(f"{kind} {tif} refused: {refused}")
        if placed.incomplete:
            remedy = "add the field that the venue asks for (Account: orders.needs_account)"
            raise Failed(f"D refused: {refused}", "orders.fields", remedy)
        if refused:
            raise Failed(f"{kind} {tif} refused: {refused}", *_type(kind, tif))
        if not placed.answered:
            raise Failed(f"{kind} {tif}: no answer to D", *_silent("D"))

    def _must_be_changed(self, placed: Placed, wanted: tuple[int, int]) -> None:
        """Raises Failed for a change that was refused, not answered, or is another one."""
        order, refused = placed.order, placed.change_refused
        if refused and self._trial.dialect.reason(refused) in NOT_NOW:
            raise NotTested(f"the change was refused: {refused}")
        if refused:
            remedy = 'write orders.replace = "none", or take out of orders.changes what it refuses'
            raise Failed(f"the change was refused: {refused}", "orders.replace", remedy)
        if order.wanted is not None:
            raise Failed(f"{told(placed)}: no answer to G", *_silent("G"))
        if (order.size, order.price) != wanted:
            said = f"asked for {_size(wanted[0])}, the venue says {_size(order.size)}"
            raise Failed(f"{said}, or another price", "orders.changes", ODD)

    async def _cancelled(self, placed: Placed) -> None:
        """Cancels a resting order; raises Failed when it does not end."""
        await self._booking.cancel(placed)
        await self._trial.until(lambda: placed.look().over or placed.cancel_refused)
        if placed.over:
            return
        if placed.cancel_refused:
            said = f"the cancel of a resting order was refused: {placed.cancel_refused}"
            raise Failed(said, "overlay.messages.F", "compare F with the venue's document")
        raise Failed("the cancel of a resting order got no answer", *_silent("F"))

    def _cancel_told(self, placed: Placed) -> bool:
        """The venue has answered the cancel, or cancelled the order."""
        return bool(placed.cancel_refused) or placed.order.state == CANCELLED

    async def _same_at_status(self, placed: Placed) -> None:
        """Asks for an order (H) and holds the answer against what is booked."""
        trial = self._trial
        if trial.dialect.orders.status == "none":
            return
        line = await trial.on("orders")
        body = trial.words.status(placed.order)
        since = line.mark
        line.say(Lane.QUERY, "H", body, "status")
        before = len(placed.said)
        await trial.until(
            lambda: len(placed.look().said) > before or trial.refusal(line, since, "H", "status")
        )
        if len(placed.said) == before:
            return  # some forget an order with its end; an unknown one is a step of its own
        told_size = read(placed.reports[-1], trial.dialect, trial.symbols).cum_size
        if told_size != placed.order.cum_size:
            said = f"H says {_size(told_size)} executed, reports said {_size(placed.booked)}"
            raise Failed(said, "overlay.messages.8", ODD)

    async def _compare(self) -> str:
        trial, net = self._trial, self._booking.net
        held: list[int] = []
        for _ in range(PASSES):
            held = (await ask_positions(trial)).sizes(trial.symbols.ids[1])
            if sum(held) == net:
                break
            await trial.until(lambda: None, trial.means.quiet_s)
        if sum(held) != net:
            said = f"{_size(sum(held))} at the venue, {_size(net)} booked by CumQty"
            raise Failed(said, "positions", "compare the account with the broker's screen")
        if len(held) > 1:
            await self._compare_apart()
        model, recorded = ("hedging" if len(held) > 1 else "netting"), trial.dialect.positions.model
        if recorded in ("?", "netting", "hedging"):
            trial.learn("positions.model", recorded, model)
        return f"{_size(net)} held as booked, in {len(held)} positions ({model})"

    async def _compare_apart(self) -> None:
        """Holds each position against the executions that named it; raises Failed."""
        key, tag = "positions.id_tag", self._trial.dialect.positions.id_tag
        booked = self._booking.by_position
        if "" in booked:
            said = f"an execution on a hedging account names no position ({tag})"
            raise Failed(said, key, "name the tag by which 8, AP and D mean a position")
        if booked != dict(await self._open()):
            said = "positions of AN and of executions are not the same ones, though their sum is"
            raise Failed(said, key, "compare the ids in 8 and in AP")

    async def _close(self) -> None:
        """Closes what the steps have opened; raises Failed when something stays open."""
        tif = self._market_tif
        for name, size in await self._open():
            side = -1 if size > 0 else 1
            placed = await self._booking.place(
                "market", tif, side, size=abs(size), position_id=name
            )
            await self._trial.until(partial(_over, placed))
        for _ in range(PASSES):
            left = await self._open()
            if not left:
                return
            await self._trial.until(lambda: None, self._trial.means.quiet_s)
        said = ", ".join(f"{name or 'position'} {_size(size)}" for name, size in left)
        raise Failed(f"left open: {said}", "", "close them in the broker's own program")

    async def _open(self) -> list[tuple[str, int]]:
        """Returns (position id, signed size) of what is held, by the venue if it says so."""
        trial = self._trial
        try:
            held = await ask_positions(trial)
        except NotTested:
            return [("", self._booking.net)] if self._booking.net else []
        symbol = trial.symbols.ids[1]
        return [(name, size) for name, one, size in held.positions if one == symbol and size]


def _over(placed: Placed) -> bool:
    return placed.look().over


def _type(kind: str, tif: str) -> tuple[str, str]:
    return "orders.types", f"take {tif} out of orders.types.{kind}, or ask the venue"


def _silent(kind: str) -> tuple[str, str]:
    key = f"overlay.messages.{kind}"
    return key, f"some are silent about a field too many or too few: see {key}"


def _size(size: int) -> str:
    return format_scaled(size, SIZE_DIGITS)
