"""The fold of what happens to orders, and of the fills and positions that follow; for `fold`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.model.order import PENDING_REPLACE, UNKNOWN, Order
from thft.model.position import Position

if TYPE_CHECKING:
    from thft.state.fold import State

CLOSED_ORDERS_KEPT = 5_000


def _submitted(state: State, event: ev.OrderSubmitted, ts_ns: int) -> None:
    account = state.accounts[event.account]
    order = Order.from_intent(event, state.seq, ts_ns, account.session)
    state.orders[event.client_order_id] = order
    state.counters.orders += 1
    strategy = state.strategies.get(event.strategy)
    if strategy is not None:
        strategy.orders += 1


def _denied(state: State, event: ev.OrderDenied, ts_ns: int) -> None:
    state.counters.denied += 1
    strategy = state.strategies.get(event.strategy)
    if strategy is not None:
        strategy.denied += 1


def _report(state: State, event: ev.ExecutionReport, ts_ns: int) -> None:
    order_id = event.client_order_id
    order = state.orders.get(order_id) or state.closed_orders.get(order_id)
    state.last_leg = None
    if order is None:
        state.last_execution = (0, ABSENT)
        return
    state.last_execution = order.fold(event, ts_ns)
    leg = event.position_id
    if leg and leg != order.position_id and state.hedged(order.account):
        state.last_leg, order.position_id = order.position_id, leg
    if order.working != (order_id in state.orders):
        _move(state, order)
    if event.exec_type == "rejected":
        strategy = state.strategies.get(order.strategy)
        if strategy is not None:
            strategy.errors_in_a_row += 1


def _move(state: State, order: Order) -> None:
    if order.working:
        state.orders[order.client_order_id] = state.closed_orders.pop(order.client_order_id)
        return
    state.closed_orders[order.client_order_id] = state.orders.pop(order.client_order_id)
    if len(state.closed_orders) > CLOSED_ORDERS_KEPT:
        state.closed_orders.popitem(last=False)


def _cancel_requested(state: State, event: ev.CancelRequested, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    if order is not None:
        order.cancel_requested = True


def _replace_requested(state: State, event: ev.ReplaceRequested, ts_ns: int) -> None:
    order = state.orders[event.client_order_id]
    order.replaces = event.number
    order.wanted = event.size, event.price
    order.replace_session = state.accounts[order.account].session
    order.state = PENDING_REPLACE
    order.queries = 0
    order.updated_ns = ts_ns


def _replace_report(state: State, event: ev.ReplaceReport, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    state.last_replace = order is not None and order.fold_replace(event, ts_ns)
    if order is not None and order.working != (order.client_order_id in state.orders):
        _move(state, order)


def _unknown(state: State, event: ev.OrderUnknown, ts_ns: int) -> None:
    order = state.order(event.client_order_id)
    if order is not None and order.working:
        if order.state != PENDING_REPLACE:  # that one lives: its replace is what is asked for
            order.state = UNKNOWN
        order.reason = event.reason
        order.updated_ns = ts_ns
        order.queries += 1


def _fill(state: State, event: ev.Fill, ts_ns: int) -> None:
    key = (event.account, event.instrument, event.position_id)
    position = state.positions.get(key)
    if position is None:
        position = state.positions[key] = Position(*key)
    held = position.size
    realised = position.fold(event.side, event.size, event.price, event.fee, ts_ns)
    net = (event.account, event.instrument)
    state.net_sizes[net] = state.net_sizes.get(net, 0) + position.size - held
    state.counters.fills += 1
    account = state.accounts[event.account]
    strategy = state.strategies.get(event.strategy)
    closed = bool(held) and (not position.size or (position.size > 0) != (held > 0))
    for owner in (account, strategy):
        if owner is None:
            continue
        owner.realised += realised
        owner.fees += event.fee
        owner.fills += 1
        if closed:
            owner.round_trips += 1
            owner.wins += realised - event.fee > 0
            owner.losses += realised - event.fee <= 0
    if strategy is not None:
        strategy.errors_in_a_row = 0
        if closed:
            lost = realised - event.fee < 0
            strategy.losses_in_a_row = strategy.losses_in_a_row + 1 if lost else 0


def _position_changed(state: State, event: ev.PositionChanged, ts_ns: int) -> None:
    """A position with an id never comes back once it is closed: it would be kept for ever."""
    if event.position_id and not event.size:
        state.positions.pop((event.account, event.instrument, event.position_id), None)


FOLDS: dict[type[ev.Event], Callable[[State, Any, int], None]] = {
    ev.OrderSubmitted: _submitted,
    ev.OrderDenied: _denied,
    ev.ExecutionReport: _report,
    ev.CancelRequested: _cancel_requested,
    ev.ReplaceRequested: _replace_requested,
    ev.ReplaceReport: _replace_report,
    ev.OrderUnknown: _unknown,
    ev.Fill: _fill,
    ev.PositionChanged: _position_changed,
}
