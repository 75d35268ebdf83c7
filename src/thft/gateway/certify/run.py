"""The steps of a certification in their order, and what each has found; called by cli."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from thft.base.prng import Prng
from thft.fix import tags
from thft.fix.session import Store
from thft.fix.wire import BadGroup, BadValue
from thft.gateway.certify import account_steps, quote_steps, session_steps
from thft.gateway.certify.order_steps import FAR_PERCENT, OrderSteps
from thft.gateway.certify.report import Failed, NotTested, Report, Step, Verdict, write
from thft.gateway.certify.trial import Means, Trial
from thft.gateway.dialect import Dialect, NotForLive, require_known
from thft.gateway.fix.settings import FixSettings
from thft.model.fixed import SIZE_DIGITS, format_scaled

Action = Callable[[Trial], Awaitable[str]]
ORDERS: dict[str, Callable[[OrderSteps], Action]] = {
    "fill in parts": lambda steps: steps.parts,
    "market orders": lambda steps: steps.market,
    "limit orders": lambda steps: steps.limit,
    "cancel race": lambda steps: steps.cancel_race,
    "order status": lambda steps: steps.status,
    "replace": lambda steps: steps.change,
    "positions": lambda steps: steps.positions,
}
BEFORE: dict[str, Action] = {
    "logon": session_steps.logon,
    "symbols": quote_steps.symbols,
    "best prices": quote_steps.best_prices,
    "unsubscribe": quote_steps.unsubscribe,
    "depth": quote_steps.depth,
    "no orders": account_steps.no_orders,
    "no positions": account_steps.no_positions,
    "unknown order": account_steps.unknown_order,
}
AFTER: dict[str, Action] = {
    "lost messages": session_steps.gap,
    "stale order": session_steps.stale_order,
    "throttle": session_steps.throttle,
    "logout": session_steps.logout,
    "reconnect": session_steps.reconnect,
    "breach": session_steps.breach,
}
UNREADABLE = {
    tags.CUM_QTY: ("overlay.messages.8", "no key makes up for it: do not trade here"),
    tags.ORD_STATUS: ("orders.extra_states", "ask the venue what it means, then name it there"),
    tags.TOT_NUM_REPORTS: ("orders.mass_status", write("orders.mass_status", "none")),
}
"""Tag that a message lacks or that says something odd → key and remedy."""
STEPS = (*BEFORE, *ORDERS, *AFTER, "messages")
"""All steps, in their order; then one for each `?` of the record."""


def intended(dialect: Dialect, means: Means, symbol: str) -> str:
    """Returns what a certification is going to do, in one sentence."""
    if not means.size:
        return "logs on, subscribes prices and asks questions; sends no order"
    size = format_scaled(means.size, SIZE_DIGITS)
    kinds = dialect.orders.types
    markets, limits = len(kinds["market"]), len(kinds.get("limit", ()))
    return (
        f"buys and sells {size} {symbol} at the market, up to {markets + 6} orders and what closes "
        f"them, and places and cancels up to {limits + 2} limit orders {FAR_PERCENT} % from the "
        f"market; at most {markets + 5} × {size} are held at a time, nothing at the end"
    )


async def certify(
    dialect: Dialect,
    settings: FixSettings,
    names: dict[str, int],
    stores: Callable[[str], Store],
    prng: Prng,
    means: Means,
    *,
    steps: tuple[str, ...] = STEPS,
    heard: Callable[[Step], None] = lambda step: None,
) -> Report:
    """Takes the steps one after another; raises CannotBegin.

    `names`: see Trial. `heard` is told each result as it comes.
    """
    trial = Trial(dialect, settings, names, stores, prng, means)
    orders = OrderSteps(trial)
    actions = {**BEFORE, **{name: make(orders) for name, make in ORDERS.items()}, **AFTER}
    found: list[Step] = []

    def take(step: Step) -> None:
        found.append(step)
        heard(step)

    try:
        for name in (one for one in steps if one in actions):
            take(await _step(name, actions[name], trial))
        if "messages" in steps:
            take(await _step("messages", _messages, trial))
        for step in _answers(trial):
            take(step)
    finally:
        for line in trial.lines:
            line.stop()
        await asyncio.gather(*(line.end() for line in trial.lines))
    return Report(dialect.name, f"{settings.host}", _live(dialect), tuple(found))


async def _step(name: str, action: Action, trial: Trial) -> Step:
    try:
        return Step(name, Verdict.PASS, await action(trial))
    except Failed as failed:
        return Step(name, Verdict.FAIL, failed.seen, failed.key, failed.remedy)
    except NotTested as reason:
        return Step(name, Verdict.NOT_TESTED, str(reason))
    except (BadValue, BadGroup) as error:
        key, remedy = UNREADABLE.get(error.tag, ("overlay", "the client would not act on it"))
        return Step(name, Verdict.FAIL, error.cause, key, remedy)


async def _messages(trial: Trial) -> str:
    """Holds every message that came against the record's dictionary and CompIDs."""
    dialect, count = trial.dialect, 0
    wanted = trial.settings.target_comp_id or dialect.comp_ids.target
    for line in trial.lines:
        for message in line.messages():
            count += 1
            verdict = dialect.dictionary.validate(message)
            if verdict is not None:
                said = f"{message.type}: {verdict.text}, tag {verdict.tag}"
                key = f"overlay.messages.{message.type}"
                raise Failed(said, key, f"say in {key} what the venue's messages have")
            sender = message.text(49) or ""
            if sender != wanted and dialect.comp_ids.match == "exact":
                said = f"49 is {sender}, the record says {wanted}"
                raise Failed(said, "comp_ids.match", write("comp_ids.match", "any_case"))
    if not count:
        raise NotTested("no message came")
    return f"{count} messages are what the record says"


def _answers(trial: Trial) -> Iterator[Step]:
    """Yields one step for each `?` of the record: what was seen, if it could be."""
    for key in trial.dialect.unanswered():
        seen = trial.learned.get(key)
        if seen is None:
            yield Step(f"? {key}", Verdict.NOT_TESTED, "the record says ?, nothing seen answers it")
        else:
            said = f"the record says ?, seen: {seen}"
            yield Step(f"? {key}", Verdict.PASS, said, key, write(key, seen))


def _live(dialect: Dialect) -> str:
    try:
        require_known(dialect)
    except NotForLive as error:
        return error.cause
    return ""
