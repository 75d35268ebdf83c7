"""One-leg latency arbitrage: trades the slow feed when the fast one has moved; loaded by name.

The fast feed is a reference and is never traded. When the fast price, corrected by the running
offset, has left the slow price by the threshold, the strategy takes the slow price before it
follows; it leaves when slow has caught up, or by stop, target, trailing or time.

Theory of the states: FLAT → ENTRY_PENDING → OPEN → EXIT_PENDING → FLAT. A pending state ends only
by what the order says of itself; an UNKNOWN order keeps it pending, so nothing is sent on doubt.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from thft.kernel.strategy import Context, Strategy, World
from thft.model.book import TopBook
from thft.model.event import Fill
from thft.model.fixed import ABSENT, MONEY_DIGITS, parse_scaled, parse_size
from thft.model.order import DENIED, REJECTED, TERMINAL, Order
from thft.model.position import Position
from thft.strategies.offset import Offset

FLAT, ENTRY_PENDING, OPEN, EXIT_PENDING = "FLAT", "ENTRY_PENDING", "OPEN", "EXIT_PENDING"
MS_NS = 1_000_000
DAY_NS = 86_400_000_000_000
SAMPLE = "sample"


def _field(text: str, unit: str, hot: str, ge: int | None = None, le: int | None = None) -> Meta:
    extra = {"x-unit": unit, "x-hot": hot}
    return Meta(description=text, extra_json_schema=extra, ge=ge, le=le)


Decimal = Annotated[str, Meta(pattern=r"^\d{1,10}(\.\d{1,8})?$")]


class LatencyArbitrageParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of one row; points are the symbol's smallest digits, 0 turns a limit off."""

    symbol: Annotated[str, _field("canonical symbol", "", "C")]
    fast_feed: Annotated[str, _field("reference feed, never traded", "", "C")]
    slow_feed: Annotated[str, _field("feed of the traded venue", "", "C")]
    account: Annotated[str, _field("account that trades", "", "C")]
    size: Annotated[Decimal, _field("order size", "base units", "F")] = "100000"
    delta_mode: Annotated[
        Literal["standard", "reversed", "spread_corrected"],
        _field("formula of the signal", "", "F"),
    ] = "spread_corrected"
    direction: Annotated[
        Literal["both", "long", "short"], _field("sides that may be opened", "", "H")
    ] = "both"
    diff_to_open_points: Annotated[
        int, _field("signal needed to enter", "points", "H", ge=1, le=1_000_000)
    ] = 5
    diff_to_close_points: Annotated[
        int,
        _field("leave when the signal has fallen to this", "points", "H", ge=-100_000, le=100_000),
    ] = 0
    include_spread: Annotated[
        bool, _field("add the slow spread to the entry threshold", "", "H")
    ] = False
    commission_points: Annotated[
        int, _field("round-turn cost added to the threshold", "points", "H", ge=0, le=100_000)
    ] = 0
    offset_mode: Annotated[
        Literal["auto", "fixed", "off"], _field("how the lasting difference is removed", "", "H")
    ] = "auto"
    bid_offset_points: Annotated[
        int, _field("fixed offset, bid", "points", "H", ge=-1_000_000, le=1_000_000)
    ] = 0
    ask_offset_points: Annotated[
        int, _field("fixed offset, ask", "points", "H", ge=-1_000_000, le=1_000_000)
    ] = 0
    offset_period_s: Annotated[int, _field("averaging time", "s", "H", ge=1, le=86_400)] = 60
    offset_interval_ms: Annotated[
        int, _field("time between samples", "ms", "H", ge=10, le=60_000)
    ] = 1_000
    offset_min_samples: Annotated[
        int, _field("samples before the offset counts", "", "H", ge=1, le=10_000)
    ] = 20
    confirm_ticks: Annotated[int, _field("updates the signal must hold", "", "H", ge=0, le=100)] = 0
    max_delay_ms: Annotated[
        int, _field("oldest usable price of either feed", "ms", "H", ge=1, le=600_000)
    ] = 2_000
    max_spread_fast_points: Annotated[
        int, _field("widest fast spread, 0 = off", "points", "H", ge=0, le=1_000_000)
    ] = 0
    max_spread_slow_points: Annotated[
        int, _field("widest slow spread, 0 = off", "points", "H", ge=0, le=1_000_000)
    ] = 0
    slippage_points: Annotated[
        int, _field("price protection of IOC and FOK entries", "points", "H", ge=0, le=100_000)
    ] = 5
    order_type_open: Annotated[Literal["market", "ioc", "fok"], _field("entry order", "", "F")] = (
        "market"
    )
    sl_points: Annotated[int, _field("stop loss, 0 = off", "points", "H", ge=0, le=1_000_000)] = 30
    tp_points: Annotated[int, _field("take profit, 0 = off", "points", "H", ge=0, le=1_000_000)] = (
        300
    )
    min_profit_points: Annotated[
        int,
        _field("profit that arms the trailing stop, 0 = off", "points", "H", ge=0, le=1_000_000),
    ] = 0
    trail_distance_points: Annotated[
        int, _field("distance of the trailing stop", "points", "H", ge=0, le=1_000_000)
    ] = 10
    order_lifetime_s: Annotated[int, _field("time stop, 0 = off", "s", "H", ge=0, le=86_400)] = 60
    min_order_lifetime_ms: Annotated[
        int, _field("earliest exit except by stop loss", "ms", "H", ge=0, le=600_000)
    ] = 0
    trade_pause_ms: Annotated[
        int, _field("time between entries", "ms", "H", ge=0, le=3_600_000)
    ] = 1_000
    max_errors: Annotated[
        int,
        _field("rejected orders in a row before entries stop, 0 = off", "", "H", ge=0, le=1_000),
    ] = 5
    max_consecutive_losses: Annotated[
        int, _field("losses in a row before entries stop, 0 = off", "", "H", ge=0, le=1_000)
    ] = 0
    max_daily_loss: Annotated[
        Decimal, _field("loss of a UTC day before entries stop, 0 = off", "account currency", "H")
    ] = "0"
    max_deals: Annotated[int, _field("entries of a run, 0 = off", "", "H", ge=0, le=1_000_000)] = 0

    def __post_init__(self) -> None:
        if self.fast_feed == self.slow_feed:
            raise ValueError("fast_feed and slow_feed must differ")
        if self.diff_to_close_points >= self.diff_to_open_points:
            raise ValueError("diff_to_close_points must be below diff_to_open_points")
        if self.offset_min_samples * self.offset_interval_ms > self.offset_period_s * 1_000:
            raise ValueError("offset_min_samples do not fit into offset_period_s")


class RowState(Struct):
    """What the strategy remembers; prices 1e-9, money 1e-9, times ns."""

    phase: str = FLAT
    order: str = ""
    position_id: str = ""
    """Of the position it opened or adopted on a hedging account."""
    side: int = 0
    entered_ns: int = 0
    entry_price: int = ABSENT
    best: int = ABSENT
    last_entry_ns: int = 0
    held_ticks: int = 0
    held_side: int = 0
    window_side: int = 0
    windows: int = 0
    deals: int = 0
    errors: int = 0
    losses: int = 0
    day: int = 0
    day_loss: int = 0
    stopped: str = ""
    offset: Offset = field(default_factory=Offset)
    no_trade: dict[str, int] = {}


class LatencyArbitrage(Strategy):
    """See the module; one instance trades one symbol on one account."""

    kind = "latency_arbitrage"
    Params = LatencyArbitrageParams
    State = RowState

    params: LatencyArbitrageParams
    state: RowState

    def bind(self, world: World) -> list[tuple[int, int]]:
        """Resolves symbol and feeds and turns every threshold into price units."""
        params = self.params
        instrument = world.instrument(params.symbol)
        self.instrument = instrument.instrument
        fast, slow = world.feed(params.fast_feed), world.feed(params.slow_feed)
        self.fast = world.book(fast, self.instrument)
        self.slow = world.book(slow, self.instrument)
        point = self.point = instrument.point
        self.size = parse_size(params.size, "size")
        self.threshold = (params.diff_to_open_points + params.commission_points) * point
        self.close_at = params.diff_to_close_points * point
        self.max_delay_ns = params.max_delay_ms * MS_NS
        self.max_spread_fast = params.max_spread_fast_points * point
        self.max_spread_slow = params.max_spread_slow_points * point
        self.samples = params.offset_period_s * 1_000 // params.offset_interval_ms
        self.max_day_loss = parse_scaled(params.max_daily_loss, MONEY_DIGITS, "max_daily_loss")
        return [(fast, self.instrument), (slow, self.instrument)]

    def on_start(self, ctx: Context) -> None:
        """Adopts a position that is already there and starts sampling the offset."""
        state = self.state
        there = ctx.positions(self.params.account, self.instrument)
        state.position_id = there[0].position_id if there else ""
        held = self._held(ctx)
        state.phase = OPEN if held else FLAT
        state.side = 0
        state.entry_price = ABSENT
        if held:
            state.side, state.entry_price = (1 if held.size > 0 else -1), held.avg_price
        state.entered_ns = ctx.now_ns
        state.best = ABSENT
        if self.params.offset_mode == "auto":
            ctx.set_timer(SAMPLE, self.params.offset_interval_ms * MS_NS)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Samples the offset while nothing is open and both prices are usable."""
        if self.params.offset_mode != "auto":
            return
        ctx.set_timer(SAMPLE, self.params.offset_interval_ms * MS_NS)
        state = self.state
        if state.phase == FLAT and not state.window_side and not self._unusable(ctx.now_ns):
            fast, slow = self.fast, self.slow
            state.offset.sample(fast.bid - slow.bid, fast.ask - slow.ask, self.samples)

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        """Looks for an entry when flat, for an exit when open."""
        phase = self.state.phase
        if phase == FLAT:
            self._look_for_entry(ctx)
        elif phase == OPEN:
            self._look_for_exit(ctx)

    # ---- signal --------------------------------------------------------------------------------

    def _unusable(self, now_ns: int) -> str:
        """Returns the first reason why the prices cannot be used, empty when they can."""
        fast, slow = self.fast, self.slow
        if not fast.tradable:
            return "fast_untradable"
        if not slow.tradable:
            return "slow_untradable"
        oldest_ns = now_ns - self.max_delay_ns
        if fast.recv_ts_ns < oldest_ns:
            return "fast_delay"
        if slow.recv_ts_ns < oldest_ns:
            return "slow_delay"
        if self.max_spread_fast and fast.ask - fast.bid > self.max_spread_fast:
            return "max_spread_fast"
        if self.max_spread_slow and slow.ask - slow.bid > self.max_spread_slow:
            return "max_spread_slow"
        return ""

    def _offsets(self) -> tuple[int, int] | None:
        """Returns (bid, ask) offsets at 1e-9, None while the average has too few samples."""
        mode = self.params.offset_mode
        if mode == "off":
            return 0, 0
        if mode == "fixed":
            return (
                self.params.bid_offset_points * self.point,
                self.params.ask_offset_points * self.point,
            )
        offset = self.state.offset
        if offset.count < self.params.offset_min_samples:
            return None
        return offset.bid, offset.ask

    def signals(self, bid_offset: int, ask_offset: int) -> tuple[int, int]:
        """Returns (buy, sell) signals at 1e-9 by the chosen formula, on corrected fast prices."""
        fast_bid = self.fast.bid - bid_offset
        fast_ask = self.fast.ask - ask_offset
        slow = self.slow
        mode = self.params.delta_mode
        if mode == "standard":
            return fast_ask - slow.ask, slow.bid - fast_bid
        if mode == "reversed":
            return fast_bid - slow.bid, slow.ask - fast_ask
        return fast_bid - slow.ask, slow.bid - fast_ask

    # ---- entry ---------------------------------------------------------------------------------

    def _look_for_entry(self, ctx: Context) -> None:
        state = self.state
        if not (self.fast.tradable and self.slow.tradable):
            return
        offsets = self._offsets()
        if offsets is None:
            return
        buy, sell = self.signals(*offsets)
        threshold = self.threshold
        if self.params.include_spread:
            threshold += self.slow.ask - self.slow.bid
        if buy < threshold and sell < threshold:
            state.window_side = state.held_ticks = 0
            return
        side, signal = (1, buy) if buy >= sell else (-1, sell)
        if state.window_side != side:
            state.window_side = side
            state.windows += 1
        reason = self._hindrance(ctx, side)
        if reason:
            state.no_trade[reason] = state.no_trade.get(reason, 0) + 1
            return
        self._enter(ctx, side, signal)

    def _hindrance(self, ctx: Context, side: int) -> str:
        """Returns the first limit that forbids an entry now; the order of checks is fixed."""
        state, params = self.state, self.params
        if state.stopped:
            return state.stopped
        unusable = self._unusable(ctx.now_ns)
        if unusable:
            return unusable
        if params.direction != "both" and (params.direction == "long") != (side > 0):
            return "direction"
        if ctx.now_ns - state.last_entry_ns < params.trade_pause_ms * MS_NS:
            return "trade_pause"
        if params.max_deals and state.deals >= params.max_deals:
            return "max_deals"
        if self.max_day_loss and self._loss_today(ctx.now_ns) >= self.max_day_loss:
            return "max_daily_loss"
        state.held_ticks = state.held_ticks + 1 if state.held_side == side else 1
        state.held_side = side
        if state.held_ticks <= params.confirm_ticks:
            return "confirm"
        return ""

    def _enter(self, ctx: Context, side: int, signal: int) -> None:
        state, params = self.state, self.params
        price = self.slow.ask if side > 0 else self.slow.bid
        limit = params.order_type_open != "market"
        state.order = ctx.submit(
            params.account,
            self.instrument,
            side,
            self.size,
            type="limit" if limit else "market",
            tif="FOK" if params.order_type_open == "fok" else "IOC",
            price=price + side * params.slippage_points * self.point if limit else ABSENT,
            signal=signal,
            fast_mid=(self.fast.bid + self.fast.ask) // 2,
            decision_price=price,
        )
        state.phase = ENTRY_PENDING
        state.side = side
        state.last_entry_ns = ctx.now_ns
        state.deals += 1

    # ---- exit ----------------------------------------------------------------------------------

    def _look_for_exit(self, ctx: Context) -> None:
        state, params, slow = self.state, self.params, self.slow
        age_ns = ctx.now_ns - state.entered_ns
        if params.order_lifetime_s and age_ns >= params.order_lifetime_s * 1_000 * MS_NS:
            self._leave(ctx)
            return
        if not slow.tradable:
            return
        price = slow.bid if state.side > 0 else slow.ask
        profit = (price - state.entry_price) * state.side
        if self._stopped_out(profit) or (
            age_ns >= params.min_order_lifetime_ms * MS_NS and self._wants_out(ctx, profit)
        ):
            self._leave(ctx)

    def _stopped_out(self, profit: int) -> bool:
        stop = self.params.sl_points
        return bool(stop) and profit <= -stop * self.point

    def _wants_out(self, ctx: Context, profit: int) -> bool:
        """True when the target is reached, the trail is broken, or slow has caught up."""
        target = self.params.tp_points
        reached = bool(target) and profit >= target * self.point
        return reached or self._trailed(profit) or self._converged(ctx)

    def _trailed(self, profit: int) -> bool:
        """True when profit has fallen by the trailing distance from its best."""
        state, params = self.state, self.params
        state.best = max(state.best, profit)
        armed = params.min_profit_points and state.best >= params.min_profit_points * self.point
        return bool(armed) and profit <= state.best - params.trail_distance_points * self.point

    def _converged(self, ctx: Context) -> bool:
        """True when slow has caught up: the entry's signal has fallen to the close threshold."""
        offsets = self._offsets()
        if offsets is None or not self.fast.tradable:
            return False
        if self.fast.recv_ts_ns < ctx.now_ns - self.max_delay_ns:
            return False
        buy, sell = self.signals(*offsets)
        return (buy if self.state.side > 0 else sell) <= self.close_at

    def _held(self, ctx: Context) -> Position | None:
        """Returns the position it looks after: on a hedging account its own, not another row's."""
        there = ctx.positions(self.params.account, self.instrument)
        return next((one for one in there if one.position_id in ("", self.state.position_id)), None)

    def _leave(self, ctx: Context) -> None:
        """Sends the one exit order: the whole position, at market."""
        held = self._held(ctx)
        if held is None:
            self.state.phase = FLAT
            return
        side = -1 if held.size > 0 else 1
        price = self.slow.ask if side > 0 else self.slow.bid
        self.state.order = ctx.submit(
            self.params.account,
            self.instrument,
            side,
            abs(held.size),
            position_id=held.position_id,
            decision_price=price,
        )
        self.state.phase = EXIT_PENDING

    # ---- answers -------------------------------------------------------------------------------

    def on_order(self, ctx: Context, order: Order) -> None:
        """Leaves a pending phase when its order has ended, by what is held then."""
        state = self.state
        if order.client_order_id != state.order or order.state not in TERMINAL:
            return
        if order.state in (REJECTED, DENIED):
            self._count_error(order)
        else:
            state.errors = 0
        state.position_id = order.position_id
        held = self._held(ctx)
        state.order = ""
        state.phase = OPEN if held else FLAT
        if held:
            state.side = 1 if held.size > 0 else -1
            state.entry_price = held.avg_price
            state.entered_ns = state.entered_ns or ctx.now_ns
        else:
            state.entered_ns = 0
        state.best = ABSENT
        state.held_ticks = 0

    def _count_error(self, order: Order) -> None:
        """A rejection counts against max_errors; a denial is our own and does not."""
        state, limit = self.state, self.params.max_errors
        if order.state == DENIED:
            return
        state.errors += 1
        if limit and state.errors >= limit:
            state.stopped = "max_errors"

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Keeps the day's result and the run of losses."""
        state, limit = self.state, self.params.max_consecutive_losses
        if fill.side == state.side:
            return
        result = fill.realised - fill.fee
        self._loss_today(ctx.now_ns)
        state.day_loss -= result
        state.losses = state.losses + 1 if result < 0 else 0
        if limit and state.losses >= limit:
            state.stopped = "max_consecutive_losses"

    def _loss_today(self, now_ns: int) -> int:
        """Returns the UTC day's realised loss (money 1e-9), starting each day at 0."""
        day = now_ns // DAY_NS
        if day != self.state.day:
            self.state.day, self.state.day_loss = day, 0
        return self.state.day_loss

    def counters(self) -> tuple[tuple[str, int], ...]:
        """Returns windows, deals, offsets (price 1e-9) and every NO_TRADE reason's count."""
        state = self.state
        return (
            ("windows", state.windows),
            ("deals", state.deals),
            ("offset_bid", state.offset.bid),
            ("offset_ask", state.offset.ask),
            ("offset_samples", state.offset.count),
            *((f"no_trade_{name}", count) for name, count in sorted(state.no_trade.items())),
        )
