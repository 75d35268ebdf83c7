"""A simulated terminal and its broker: ticks, orders, positions, deals; the truth of the tests.

It outlives its EA and every connection, as a terminal does. Prices are int 1e-9, lots int 1e-8,
times ms of a server whose clock is `offset_ms` ahead of UTC.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from thft.gateway.metatrader.protocol import records as r
from thft.model.fixed import ABSENT, MONEY_ONE, PRICE_ONE, SIZE_ONE
from thft.sim.metatrader.faults import Faults

DONE, PLACED, PARTIAL, REQUOTE, REJECTED, TIMEOUT = 10009, 10008, 10010, 10004, 10006, 10012
BAD_VOLUME, BAD_PRICE, OFF, BAD_FILL, BAD_ORDER = 10014, 10015, 10027, 10030, 10035
TICKS_KEPT = 2_000_000
LOT_UNITS = 100_000


@dataclass
class Play:
    """One symbol of the broker."""

    terms: r.Symbol
    ticks: list[r.Tick] = field(default_factory=list)
    count: int = 0
    """Ticks there ever were: what MetaTrader 4 shows as tick volume."""


@dataclass
class Answer:
    """What OrderSend leaves in its result."""

    retcode: int
    words: str = ""
    order: int = 0
    deal: int = 0
    volume: int = ABSENT
    price: int = ABSENT


def symbol_terms(symbol: str, filling: int = 3) -> r.Symbol:
    """Returns the terms of a currency pair with lots of 100,000."""
    point = PRICE_ONE // 100_000
    step, most = SIZE_ONE // 100, 100 * SIZE_ONE
    return r.Symbol(
        *(0, symbol, 5, point, point, MONEY_ONE, LOT_UNITS * SIZE_ONE, step, most, step),
        *(0, 0, filling, "market", "full", symbol[:3], symbol[3:6], symbol[:3]),
    )


class Terminal:
    """See the module; `listeners` hear of each order and deal as it changes."""

    def __init__(
        self,
        symbols: tuple[str, ...] = ("EURUSD", "GBPUSD"),
        *,
        platform: str = "5",
        hedging: bool = False,
        offset_ms: int = 3 * 3_600_000,
        faults: Faults | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        filling: int = 3,
    ) -> None:
        self.platform = platform
        self.margin_mode = "hedging" if hedging or platform == "4" else "netting"
        self.offset_ms = offset_ms
        self.faults = faults or Faults()
        self._clock_ns = clock_ns
        filling = filling if platform == "5" else 0  # MetaTrader 4 tells none
        self.plays = {name: Play(symbol_terms(name, filling)) for name in symbols}
        self.connected = True
        self.allowed = True
        self.history_from = 0
        """The terminal remembers no tick before this time."""
        self.orders: dict[int, r.OrderRow] = {}
        self.closed: dict[int, r.OrderRow] = {}
        self.positions: dict[int, r.PositionRow] = {}
        self.deals: list[r.DealRow] = []
        self.listeners: list[Callable[[r.OrderRow | r.DealRow], None]] = []
        self.sends = 0
        """How often OrderSend was called to open something."""
        self._tickets = 1_000

    def now_ms(self) -> int:
        """Returns the server's time, ms."""
        return self._clock_ns() // 1_000_000 + self.offset_ms

    def gmt_ms(self) -> int:
        """Returns UTC, ms."""
        return self._clock_ns() // 1_000_000

    # ---- the market ----------------------------------------------------------------------------

    def tick(self, symbol: str, bid: int, ask: int) -> None:
        """Takes a price of the broker; pending orders that it reaches are executed."""
        play = self.plays[symbol]
        play.ticks.append(r.Tick(self.now_ms(), bid, ask, ABSENT, ABSENT, 6))
        play.count += 1
        del play.ticks[:-TICKS_KEPT]
        for row in list(self.orders.values()):
            if row.symbol == symbol and _reached(row, bid, ask):
                del self.orders[row.ticket]
                self._fill(row, row.volume_current, row.price, 0)

    def print(self, symbol: str, price: int, volume: int, side: int) -> None:
        """Somebody trades: the prices stand, and a tick says what was dealt and who took."""
        play = self.plays[symbol]
        newest = play.ticks[-1]
        flags = 8 | 16 | {1: 32, -1: 64}.get(side, 0)
        play.ticks.append(r.Tick(self.now_ms(), newest.bid, newest.ask, price, volume, flags))
        play.count += 1

    def since(self, symbol: str, from_ms: int, skip: int, most: int) -> list[r.Tick]:
        """Returns what CopyTicks does: ticks from a time on, less the first `skip` ones."""
        ticks = self.plays[symbol].ticks
        low, high = 0, len(ticks)
        while low < high:
            middle = (low + high) // 2
            if ticks[middle].time_server < max(from_ms, self.history_from):
                low = middle + 1
            else:
                high = middle
        return ticks[low + skip : low + skip + most]

    # ---- trading -------------------------------------------------------------------------------

    def open(self, command: r.Open) -> Answer:
        """Does what OrderSend does with a new order."""
        self.sends += 1
        play = self.plays.get(command.symbol)
        fault = self.faults.next(("requote", "reject", "partial", "timeout"))
        refused = _refused(command, play) if self.allowed else Answer(OFF, "AutoTrading disabled")
        if refused is not None:
            return refused
        assert play is not None
        if fault is not None and fault.do == "requote":
            return Answer(REQUOTE, "Requote")
        if fault is not None and fault.do == "reject":
            return Answer(REJECTED, "Request rejected")
        row = self._row(command)
        if command.kind != "market":
            self.orders[row.ticket] = row
            self._told(row)
            return Answer(PLACED, "Request placed", row.ticket)
        newest = play.ticks[-1]
        price = newest.ask if command.side == "buy" else newest.bid
        volume, step = command.volume, play.terms.volume_step
        if fault is not None and fault.do == "partial" and command.filling != "fok":
            volume = max(volume * fault.size_percent // 100 // step * step, step)
        deal = self._fill(row, volume, price, command.position)
        if fault is not None and fault.do == "timeout":
            return Answer(TIMEOUT, "Request timed out", row.ticket)
        code = DONE if volume == command.volume else PARTIAL
        return Answer(code, "Request executed", row.ticket, deal, volume, price)

    def manual(self, symbol: str, side: str, volume: int) -> None:
        """The user of the terminal trades by hand."""
        newest = self.plays[symbol].ticks[-1]
        command = r.Open(
            id="",
            magic=0,
            symbol=symbol,
            side=side,
            kind="market",
            volume=volume,
            price=ABSENT,
            price_stop_limit=ABSENT,
            sl=ABSENT,
            tp=ABSENT,
            deviation=0,
            filling="fok",
            time_in_force="gtc",
            expiration_server=0,
            position=0,
            sent_ms=0,
            ttl_ms=0,
        )
        price = newest.ask if side == "buy" else newest.bid
        self._fill(self._row(command), volume, price, 0)

    def modify(self, command: r.Modify) -> Answer:
        """Changes the price of a pending order."""
        row = self.orders.get(command.ticket)
        if row is None:
            return Answer(BAD_ORDER, "Invalid order")
        self.orders[row.ticket] = row._replace(price=command.price)
        self._told(self.orders[row.ticket])
        return Answer(DONE, "Request executed", row.ticket)

    def delete(self, ticket: int) -> Answer:
        """Deletes a pending order."""
        row = self.orders.pop(ticket, None)
        if row is None:
            return Answer(BAD_ORDER, "Invalid order")
        self._close(row, "canceled", row.volume_current)
        return Answer(DONE, "Request executed", ticket)

    def close(self, command: r.Close) -> Answer:
        """Closes a position, or a part of it."""
        position = self.positions.get(command.ticket)
        if position is None:
            return Answer(10036, "Position doesn't exist")
        side = "sell" if position.side == "buy" else "buy"
        if self.platform == "4":
            return self._close_ticket(position, command.volume)
        order = r.Open(
            id=command.id,
            magic=command.magic,
            symbol=position.symbol,
            side=side,
            kind="market",
            volume=command.volume,
            price=ABSENT,
            price_stop_limit=ABSENT,
            sl=ABSENT,
            tp=ABSENT,
            deviation=command.deviation,
            filling=command.filling,
            time_in_force="gtc",
            expiration_server=0,
            position=position.ticket,
            sent_ms=command.sent_ms,
            ttl_ms=command.ttl_ms,
        )
        return self.open(order)

    def _close_ticket(self, position: r.PositionRow, volume: int) -> Answer:
        """MetaTrader 4: a whole order of the pool is closed, under its own number and words."""
        if volume != position.volume:
            return Answer(131, "Invalid trade volume")
        newest = self.plays[position.symbol].ticks[-1]
        side, price = ("sell", newest.bid) if position.side == "buy" else ("buy", newest.ask)
        self._reduce(position, volume)
        self._deal(
            position.ticket,
            position.ticket,
            position.symbol,
            side,
            "out",
            volume,
            price,
            position.comment,
            position.magic,
        )
        return Answer(DONE, "", position.ticket, 0, volume, price)

    def close_by(self, command: r.CloseBy) -> Answer:
        """Closes two opposite positions of a symbol by each other."""
        one, other = self.positions.get(command.ticket), self.positions.get(command.other)
        if one is None or other is None or one.symbol != other.symbol or one.side == other.side:
            return Answer(BAD_ORDER, "Invalid close by")
        volume = min(one.volume, other.volume)
        ticket = self._next()
        for position, price in ((one, other.price), (other, one.price)):
            side = "sell" if position.side == "buy" else "buy"
            self._reduce(position, volume)
            self._deal(ticket, position.ticket, one.symbol, side, "out_by", volume, price, "", 0)
        return Answer(DONE, "Request executed", ticket)

    def net(self, symbol: str) -> int:
        """Returns the signed lots held, 1e-8."""
        return sum(
            row.volume if row.side == "buy" else -row.volume
            for row in self.positions.values()
            if row.symbol == symbol
        )

    # ---- booking -------------------------------------------------------------------------------

    def _next(self) -> int:
        self._tickets += 1
        return self._tickets

    def _row(self, command: r.Open) -> r.OrderRow:
        suffix = "" if command.kind == "market" else f"_{command.kind}"
        return r.OrderRow(
            *(0, self._next(), command.symbol, f"{command.side}{suffix}", "placed"),
            *(command.volume, command.volume, command.price, ABSENT, command.sl, command.tp),
            *(command.expiration_server, self.now_ms(), 0, command.position, command.magic),
            command.id,
        )

    def _fill(self, row: r.OrderRow, volume: int, price: int, position: int) -> int:
        """Executes an order; returns the deal's ticket."""
        side = row.type.partition("_")[0]
        held = self.positions.get(position) if position else self._netted(row.symbol)
        entry, ticket = "in", held.ticket if held else row.ticket
        if held is None:
            self.positions[ticket] = self._position(ticket, row, side, volume, price)
        elif held.side == side:
            self.positions[ticket] = held._replace(volume=held.volume + volume)
        else:
            entry = "out" if volume <= held.volume else "inout"
            self._reduce(held, min(volume, held.volume))
            if volume > held.volume:
                rest = volume - held.volume
                self.positions[ticket] = self._position(ticket, row, side, rest, price)
        left = row.volume_initial - volume
        deal = self._deal(
            *(row.ticket, ticket, row.symbol, side, entry, volume, price, row.comment, row.magic)
        )
        self._close(row, "canceled" if left else "filled", left)
        return deal

    def _netted(self, symbol: str) -> r.PositionRow | None:
        if self.margin_mode == "hedging":
            return None
        return next((row for row in self.positions.values() if row.symbol == symbol), None)

    def _position(
        self, ticket: int, row: r.OrderRow, side: str, volume: int, price: int
    ) -> r.PositionRow:
        return r.PositionRow(
            *(0, ticket, row.symbol, side, volume, price, ABSENT, ABSENT, self.now_ms(), 0, 0),
            *(row.magic, row.comment, 0),
        )

    def _reduce(self, held: r.PositionRow, volume: int) -> None:
        if volume == held.volume:
            del self.positions[held.ticket]
        else:
            self.positions[held.ticket] = held._replace(volume=held.volume - volume)

    def _deal(
        self,
        order: int,
        position: int,
        symbol: str,
        side: str,
        entry: str,
        volume: int,
        price: int,
        comment: str,
        magic: int,
    ) -> int:
        row = r.DealRow(
            *(
                0,
                self._deal_ticket(order, entry),
                order,
                position,
                symbol,
                side,
                entry,
                volume,
                price,
            ),
            *(self.now_ms(), 0, 0, 0, 0, magic, comment),
        )
        self.deals.append(row)
        self._told(row)
        return row.ticket

    def _deal_ticket(self, order: int, entry: str) -> int:
        """MetaTrader 4 has no deals: the order's number stands for the one that opens it."""
        if self.platform == "5":
            return self._next()
        return order if entry == "in" else -order

    def _close(self, row: r.OrderRow, state: str, left: int) -> None:
        done = row._replace(state=state, volume_current=left, done_server=self.now_ms())
        self.closed[row.ticket] = done
        self._told(done)

    def _told(self, row: r.OrderRow | r.DealRow) -> None:
        for listener in self.listeners:
            listener(row)


def _reached(row: r.OrderRow, bid: int, ask: int) -> bool:
    if row.type == "buy_limit":
        return ask <= row.price
    return row.type == "sell_limit" and bid >= row.price


def _refused(command: r.Open, play: Play | None) -> Answer | None:
    """Returns why the broker takes no such order."""
    if play is None or not play.ticks:
        return Answer(BAD_PRICE, "No prices")
    terms = play.terms
    if command.volume % terms.volume_step or not (
        terms.volume_min <= command.volume <= terms.volume_max
    ):
        return Answer(BAD_VOLUME, "Invalid volume")
    bit = {"fok": 1, "ioc": 2}.get(command.filling, 0)
    told = terms.filling or command.filling  # MetaTrader 4 has no modes, and is told none
    if command.kind == "market" and told and not terms.filling & bit:
        return Answer(BAD_FILL, "Unsupported filling mode")
    return None
