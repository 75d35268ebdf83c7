"""Positions of a hedging account, kept by their ids, against a venue that only adds up by id.

Orders open and close positions, fill in parts, end early; reports are lost, repeated, summed up
later. Nothing closes more than is open, whatever is under way.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.engine import EURUSD, SLOW, Engine

from thft.kernel.strategy import Context, Strategy
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.state.fold import State
from thft.state.section import restore_state, state_section

MAX_POSITION = 90
PRICE = 1_170_000_000


class Hand(Strategy):
    """Does what the test does through its context."""

    kind = "hand"


@dataclass
class Told:
    """An order at the venue, in units."""

    id: str
    side: int
    size: int
    ticket: str
    filled: int = 0
    over: bool = False
    told: bool = True


class Venue:
    """Gives an order without a ticket a new one; a ticket is the sum of what was filled on it."""

    def __init__(self) -> None:
        self.orders: list[Told] = []
        self.tickets: dict[str, int] = {}

    def send(self, order_id: str, side: int, size: int, ticket: str) -> None:
        self.orders.append(Told(order_id, side, size, ticket or f"t{len(self.orders)}"))

    def fill(self, order: Told, size: int) -> None:
        order.filled += size
        order.over = order.filled == order.size
        before = self.tickets.get(order.ticket, 0)
        self.tickets[order.ticket] = before + order.side * size
        assert before * self.tickets[order.ticket] >= 0, "a position was turned round"

    @property
    def held(self) -> dict[str, int]:
        return {ticket: size for ticket, size in self.tickets.items() if size}

    def worst(self, side: int) -> int:
        """Returns the most that may come to be held on a side."""
        opening = [one for one in self.orders if one.side == side and not self._closing(one)]
        rest = sum(one.size - one.filled for one in opening if not one.over)
        return rest + sum(abs(size) for size in self.tickets.values() if size * side > 0)

    def _closing(self, order: Told) -> bool:
        return self.tickets.get(order.ticket, 0) * order.side < 0


class Account:
    """A kernel that trades at that venue."""

    def __init__(self) -> None:
        self.engine = Engine(Hand, account_kind="venue", model="hedging")
        self.venue = Venue()
        self.reports = 0
        self.engine.process(ev.AccountState("acc", "READY", "test", 1))
        self.engine.process(ev.RiskLimitsSet(0, MAX_POSITION * SIZE_ONE, 0, 0))
        self.engine.quote(SLOW, 117_000, 117_004)
        self.engine.load("hand", "hand")
        self.state = self.engine.kernel.state

    @property
    def ctx(self) -> Context:
        return self.engine.kernel.slots["hand"].ctx

    def submit(self, side: int, units: int, position_id: str = "") -> bool:
        """Asks for an order; returns whether it left."""
        self.ctx.submit("acc", EURUSD, side, units * SIZE_ONE, position_id=position_id)
        self.engine.process(ev.MetricSnapshot(0, "test", "", ()))
        sent = [order for kind, order in self.engine.kernel.take_effects() if kind == "send"]
        for order in sent:
            size = order.size // SIZE_ONE
            self.venue.send(order.client_order_id, order.side, size, order.position_id)
        return bool(sent)

    def tell(self, order: Told) -> None:
        kind = "trade" if order.filled == order.size else "cancelled" if order.over else "status"
        cum, self.reports = order.filled * SIZE_ONE, self.reports + 1
        self.engine.process(
            ev.ExecutionReport(
                0, "acc", order.id, f"V{order.id}", f"X{self.reports}", kind, 0, ABSENT, cum,
                PRICE if cum else ABSENT, 0, order.ticket, 1, "", 1,
            )
        )  # fmt: skip
        order.told = True

    def step(self, what: str, side: int, units: int, pick: int) -> None:
        """Does one thing."""
        legs = self.ctx.positions("acc", EURUSD)
        alive = [one for one in self.venue.orders if not one.over]
        if what == "open":
            self.submit(side, units)
        elif what == "close" and legs:
            leg = legs[pick % len(legs)]
            way = -1 if leg.size > 0 else 1
            sent = self.submit(way, units, leg.position_id)
            assert not sent or units * SIZE_ONE <= abs(leg.size)
        elif what in ("fill", "fill unheard", "end") and alive:
            order = alive[pick % len(alive)]
            if what == "end":
                order.over = True
            else:
                self.venue.fill(order, min(units, order.size - order.filled))
            order.told = False
            if what == "fill":
                self.tell(order)
        elif what == "tell" and self.venue.orders:
            self.tell(self.venue.orders[pick % len(self.venue.orders)])
        elif what == "kill":
            self.engine.process(ev.KillSwitchSet(1, side > 0, "test"))

    def check(self) -> None:
        """No side passes the limit, however the orders under way may end."""
        for side in (1, -1):
            assert self.venue.worst(side) <= MAX_POSITION
        assert self.state.accounts["acc"].state == "READY"

    def booked(self) -> dict[str, int]:
        return {one.position_id: one.size // SIZE_ONE for one in self.state.legs("acc", EURUSD)}


KINDS = ("open", "open", "close", "close", "fill", "fill", "fill unheard", "end", "tell", "kill")


def drawn(seed: int) -> list[tuple[str, int, int, int]]:
    """Returns what happens: long stories, which lists of hypothesis hardly ever are."""
    choose = random.Random(seed)
    return [
        (choose.choice(KINDS), choose.choice((1, -1)), choose.randint(1, 40), choose.randint(0, 20))
        for _ in range(choose.randint(10, 120))
    ]


STEPS = st.integers(0, 2**32).map(drawn)


@given(STEPS)
def test_the_positions_are_those_of_the_venue_once_all_is_told(steps: list[Any]) -> None:
    account = Account()
    for what, side, units, pick in steps:
        account.step(what, side, units, pick)
        account.check()
    for order in account.venue.orders:
        if not order.told:
            account.tell(order)
    assert account.booked() == account.venue.held
    state = account.state
    assert [one.position_id for one in state.positions.values()] == list(account.booked())
    net = sum(account.venue.held.values()) * SIZE_ONE
    assert state.net_size("acc", EURUSD) == account.ctx.position("acc", EURUSD) == net
    _survives(account)


def _survives(account: Account) -> None:
    """A snapshot and the journal alone hold the same positions."""
    section = state_section(account.state)
    again = restore_state(section)
    assert state_section(again) == section and again.positions == account.state.positions
    folded = State()
    for frame in account.engine.recorder.frames:
        event = decode(frame.type, frame.version, frame.payload)
        folded.apply(event, frame.seq, frame.recv_ts_ns)
    assert folded.positions == account.state.positions
    assert folded.net_sizes == account.state.net_sizes


@given(STEPS)
def test_behind_the_kill_switch_only_positions_are_closed(steps: list[Any]) -> None:
    account = Account()
    for what, side, units, pick in steps:
        if what != "kill":
            account.step(what, side, units, pick)
    account.step("kill", 1, 0, 0)
    for order in account.venue.orders:
        account.tell(order)
    assert not account.submit(1, 1) and not account.submit(-1, 1)
    for leg in list(account.ctx.positions("acc", EURUSD)):
        way = -1 if leg.size > 0 else 1
        under_way = sum(
            one.size - one.filled
            for one in account.venue.orders
            if one.ticket == leg.position_id and one.side == way and not one.over
        )
        rest = abs(leg.size) // SIZE_ONE - under_way
        assert not account.submit(way, rest + 1, leg.position_id)
        assert account.submit(way, rest, leg.position_id) == (rest > 0)
    for order in account.venue.orders:
        if not order.over and account.venue._closing(order):
            account.venue.fill(order, order.size - order.filled)
            account.tell(order)
    opening = {one.ticket for one in account.venue.orders if not one.over}
    assert set(account.venue.held) <= opening and account.booked() == account.venue.held
