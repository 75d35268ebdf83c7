"""From intents to orders and from reports to fills: the order path of the kernel, called by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thft.kernel.slot import StrategySlot
from thft.kernel.strategy import Change, Intent
from thft.model import event as ev
from thft.model.fixed import ABSENT
from thft.model.order import DENIED, SUBMITTED, UNKNOWN, Order
from thft.model.position import Position

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel

SEND, CANCEL, REPLACE, QUERY = "send", "cancel", "replace", "query"
QUERY_CAP_NS = 60_000_000_000


def take(kernel: Kernel, slot: StrategySlot) -> None:
    """Decides everything a strategy has asked for since it was last settled."""
    ctx = slot.ctx
    for name in ctx.timer_cancels:
        _cancel_timer(kernel, slot.id, name)
    for name, delay_ns in ctx.timers:
        _cancel_timer(kernel, slot.id, name)
        due_ns = kernel.now_ns + max(delay_ns, 1)
        timer = kernel.arm(due_ns, "strategy", f"{slot.id}/{name}")
        kernel.strategy_timers[slot.id, name] = timer
    for intent in ctx.intents:
        _decide(kernel, slot, intent)
    for change in ctx.replaces:
        _request_replace(kernel, change)
    for order_id, reason in ctx.cancels:
        request_cancel(kernel, order_id, reason)
    ctx.drop()


def _cancel_timer(kernel: Kernel, strategy: str, name: str) -> None:
    timer = kernel.strategy_timers.pop((strategy, name), None)
    if timer is not None:
        kernel.timers.cancel(timer)


def _decide(kernel: Kernel, slot: StrategySlot, intent: Intent) -> None:
    state, risk = kernel.state, kernel.risk
    reason = risk.refusal(intent, state.ts_ns)
    if reason:
        _deny(kernel, slot, intent, reason)
        return
    risk.sent(state.ts_ns)
    kernel.emit(
        ev.OrderSubmitted(
            state.seq,
            intent.client_order_id,
            slot.id,
            intent.account,
            intent.instrument,
            intent.side,
            intent.type,
            intent.tif,
            intent.size,
            intent.price,
            intent.position_id,
            intent.signal,
            intent.fast_mid,
            intent.decision_price,
        )
    )
    _route(kernel, state.orders[intent.client_order_id])


def _deny(kernel: Kernel, slot: StrategySlot, intent: Intent, reason: str) -> None:
    denied = ev.OrderDenied(
        kernel.cause,
        intent.client_order_id,
        slot.id,
        intent.account,
        intent.instrument,
        intent.side,
        intent.size,
        reason,
    )
    kernel.emit(denied)
    order = Order(
        intent.client_order_id,
        slot.id,
        intent.account,
        intent.instrument,
        intent.side,
        intent.type,
        intent.tif,
        intent.size,
        intent.price,
        intent.position_id,
        intent.signal,
        intent.decision_price,
        kernel.now_ns,
        kernel.cause,
        state=DENIED,
        reason=reason,
    )
    kernel.wake(slot.id, "on_order", order)


def _route(kernel: Kernel, order: Order) -> None:
    state = kernel.state
    account = state.accounts[order.account].definition
    if account.kind == "paper":
        latency_ns = kernel.prng.between(account.latency_min_ns, account.latency_max_ns)
        kernel.arm(state.ts_ns + latency_ns, "paper", order.client_order_id)
        return
    kernel.effects.append((SEND, order))
    kernel.arm(state.ts_ns + account.ack_timeout_ns, "ack", order.client_order_id)


def request_cancel(kernel: Kernel, order_id: str, reason: str) -> None:
    """Asks the order's venue to cancel it; nothing happens to an order that has ended."""
    order = kernel.state.orders.get(order_id)
    if order is None:
        return
    kernel.emit(ev.CancelRequested(kernel.cause, order_id, reason))
    account = kernel.state.accounts[order.account].definition
    if account.kind == "paper":
        kernel.arm(kernel.now_ns + account.latency_min_ns, "paper_cancel", order_id)
        return
    kernel.effects.append((CANCEL, order))
    kernel.arm(kernel.now_ns + account.ack_timeout_ns, "ack", order_id)


def _request_replace(kernel: Kernel, change: Change) -> None:
    """Asks the order's venue to change it; nothing happens to an order that was never there."""
    state = kernel.state
    order = state.order(change.client_order_id)
    if order is None:
        return
    size = order.size if change.size == ABSENT else change.size
    price = order.price if change.price == ABSENT else change.price
    reason = kernel.risk.replace_refusal(order, size, price, state.ts_ns)
    if reason:
        denied = ev.ReplaceReport(
            state.seq,
            order.account,
            order.client_order_id,
            0,
            "denied",
            size,
            price,
            ABSENT,
            f"replace denied: {reason}",
            0,
        )
        kernel.emit(denied)
        kernel.wake(order.strategy, "on_order", order)
        return
    kernel.risk.sent(state.ts_ns)
    number = order.replaces + 1
    kernel.emit(ev.ReplaceRequested(state.seq, order.client_order_id, number, size, price))
    account = state.accounts[order.account].definition
    ref = f"{order.client_order_id}/{number}"
    if account.kind == "paper":
        kernel.arm(state.ts_ns + account.latency_min_ns, "paper_replace", ref)
        return
    kernel.effects.append((REPLACE, order))
    kernel.arm(state.ts_ns + account.ack_timeout_ns, "replace", ref)


def timer_fired(kernel: Kernel, event: ev.TimerFired) -> None:
    """Lets a paper order reach the market, or asks after an order that got no answer."""
    order_id, _, number = event.ref.partition("/")
    order = kernel.state.orders.get(order_id)
    if order is None:
        return
    if number and (order.wanted is None or order.replaces != int(number)):
        return  # that replace was answered
    if event.kind == "paper":
        for arrived in kernel.paper.arrive(order):
            report(kernel, order, arrived)
    elif event.kind == "paper_cancel":
        for cancelled in kernel.paper.cancel(order):
            report(kernel, order, cancelled)
    elif event.kind == "paper_replace":
        for changed in kernel.paper.change(order):
            report(kernel, order, changed)
    elif event.kind in ("ack", "replace"):
        _unanswered(kernel, order, event)


def _unanswered(kernel: Kernel, order: Order, due: ev.TimerFired) -> None:
    """No answer in time is no answer: the order is asked for, nothing is ever sent again."""
    unanswered = order.state in (SUBMITTED, UNKNOWN) or due.kind == "replace"
    if not unanswered and not order.cancel_requested:
        return
    timeout_ns = kernel.state.accounts[order.account].definition.ack_timeout_ns
    if unanswered:
        what = f"to replace {order.replaces} " if due.kind == "replace" else ""
        reason = f"no answer {what}within {timeout_ns // 1_000_000} ms"
        kernel.emit(ev.OrderUnknown(kernel.cause, order.client_order_id, reason))
    kernel.effects.append((QUERY, order))
    wait_ns = min(timeout_ns << min(order.queries, 8), QUERY_CAP_NS)
    kernel.arm(kernel.now_ns + wait_ns, due.kind, due.ref)


def report(
    kernel: Kernel, order: Order, paper_report: ev.ExecutionReport | ev.ReplaceReport
) -> None:
    """Records a report of the paper venue as an outcome and books it."""
    kernel.emit(paper_report)
    if isinstance(paper_report, ev.ReplaceReport):
        kernel.wake(order.strategy, "on_order", order)
    else:
        _book(kernel, order, paper_report)


def replace_reported(kernel: Kernel, said: ev.ReplaceReport) -> None:
    """Lets the strategy know; a cancel that crossed an accepted replace is asked for again."""
    order = kernel.state.order(said.client_order_id)
    if order is None or not kernel.state.last_replace:
        return  # the execution report that comes with a foreign one halts the account
    if order.cancel_requested and said.outcome in ("replaced", "stands"):
        request_cancel(kernel, order.client_order_id, "asked again: a replace came between")
    kernel.wake(order.strategy, "on_order", order)


def report_received(kernel: Kernel, venue_report: ev.ExecutionReport) -> None:
    """Books a venue's report; one about an order that is not ours halts the account."""
    order = kernel.state.order(venue_report.client_order_id)
    if order is None:
        reason = f"report for order {venue_report.client_order_id!r}, which this engine never sent"
        kernel.emit(ev.AccountHalted(kernel.cause, venue_report.account, reason))
        return
    _book(kernel, order, venue_report)


def _book(kernel: Kernel, order: Order, executed: ev.ExecutionReport) -> None:
    state = kernel.state
    size, price = state.last_execution
    trouble = _leg_trouble(kernel, order, size)
    if size and price != ABSENT:
        key = (order.account, order.instrument, order.position_id)
        position = state.positions.get(key) or Position(*key)
        fill = ev.Fill(
            state.seq,
            order.client_order_id,
            executed.exec_id or f"{order.client_order_id}/{order.cum_size}",
            order.strategy,
            order.account,
            order.instrument,
            order.side,
            size,
            price,
            executed.fee,
            position.realises(order.side, size, price),
            order.position_id,
        )
        kernel.emit(fill)
        held = state.positions[key]
        kernel.emit(ev.PositionChanged(state.seq, *key, held.size, held.avg_price, held.realised))
        kernel.wake(order.strategy, "on_fill", fill)
    if trouble:
        kernel.emit(ev.AccountHalted(kernel.cause, order.account, trouble))
    kernel.wake(order.strategy, "on_order", order)


def _leg_trouble(kernel: Kernel, order: Order, executed: int) -> str:
    """Returns why a report cannot be of a hedging account as we know it; it is booked as it says.

    To be called before the booking, which changes the position.
    """
    state, before, name = kernel.state, kernel.state.last_leg, order.client_order_id
    if not state.hedged(order.account):
        return ""
    if before:
        return f"order {name} is of position {before}, the venue says {order.position_id}"
    if before is not None and state.closes(order):
        said = f"order {name} was to open a position, the venue took it off {order.position_id}"
        return f"{said}: the account is a netting one there"
    if executed and not order.position_id:
        return f"an execution of order {name} names no position, and this account is a hedging one"
    return ""


def account_changed(kernel: Kernel, event: ev.AccountState) -> None:
    """After every logon asks for each order that may still be alive, oldest first."""
    if event.state != "SYNCING":
        return
    for order in kernel.state.orders.values():
        if order.account == event.account:
            kernel.effects.append((QUERY, order))


def cancel_all(kernel: Kernel, reason: str) -> None:
    """Asks for the cancellation of every working order."""
    for order in list(kernel.state.orders.values()):
        if not order.cancel_requested:
            request_cancel(kernel, order.client_order_id, reason)
