"""Commands and definitions: what an operator or the configuration asks; called by the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from thft.base.errors import LocalError, ThftError
from thft.kernel import orders
from thft.kernel.slot import StrategySlot
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.state import symbols

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel


class Refused(ThftError):
    """A command that cannot be carried out; the text is its answer."""


def received(kernel: Kernel, command: ev.CommandReceived) -> None:
    """Carries out a command once; a repeated id gets the first answer."""
    known = kernel.state.commands.get(command.command_id)
    if known is not None:
        status, reason = known.status, known.reason
    else:
        try:
            reason = _carry_out(kernel, command)
            status = "done"
        except Refused as refusal:
            status, reason = "refused", refusal.cause
    kernel.emit(ev.CommandDone(kernel.cause, command.command_id, status, reason))


def _carry_out(kernel: Kernel, command: ev.CommandReceived) -> str:
    try:
        body = msgspec.json.decode(command.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refused(f"the command's body is no JSON object: {error}") from error
    if command.kind == "kill_switch":
        return _kill_switch(kernel, body)
    if command.kind == "strategy_enable":
        return _strategy_enable(kernel, body)
    if command.kind == "strategy_params":
        return _strategy_params(kernel, body)
    if command.kind == "symbol_confirm":
        return _symbol_confirm(kernel, body)
    raise Refused(f"unknown command kind {command.kind!r}")


def _kill_switch(kernel: Kernel, body: dict[str, Any]) -> str:
    on, reason = body.get("on"), str(body.get("reason") or "operator")
    if not isinstance(on, bool):
        raise Refused("kill_switch needs on: true or false")
    if on == kernel.state.kill.on:
        return "already on" if on else "already off"
    kernel.emit(ev.KillSwitchSet(kernel.cause, on, reason))
    if on:
        orders.cancel_all(kernel, f"kill switch: {reason}")
    return "on" if on else "off"


def _slot(kernel: Kernel, body: dict[str, Any]) -> StrategySlot:
    name = str(body.get("strategy"))
    slot = kernel.slots.get(name)
    if slot is None:
        raise Refused(f"no strategy {name!r} is loaded")
    return slot


def _strategy_enable(kernel: Kernel, body: dict[str, Any]) -> str:
    slot, enabled = _slot(kernel, body), body.get("enabled")
    if not isinstance(enabled, bool):
        raise Refused("strategy_enable needs enabled: true or false")
    if enabled == slot.enabled:
        return "already enabled" if enabled else "already disabled"
    if enabled:
        kernel.enable(slot.id)
        return "enabled"
    kernel.disable(slot.id, "disabled by operator", "operator")
    return "disabled"


def _strategy_params(kernel: Kernel, body: dict[str, Any]) -> str:
    slot = _slot(kernel, body)
    record = kernel.state.strategies[slot.id]
    changes = body.get("params")
    if not isinstance(changes, dict) or not changes:
        raise Refused("strategy_params needs params: {name: value}")
    expected = body.get("expected_revision")
    if expected is not None and expected != record.revision:
        raise Refused(f"revision is {record.revision}, not {expected}: reload and try again")
    current = msgspec.json.decode(record.params, type=dict[str, Any])
    changed = {name: value for name, value in changes.items() if current.get(name, ...) != value}
    cls = type(slot.strategy)
    try:
        params = msgspec.convert({**current, **changed}, cls.Params)
    except msgspec.ValidationError as error:
        raise Refused(str(error)) from error
    _check_hotness(kernel, slot, cls, changed)
    replacement = cls(params)
    replacement.state = slot.strategy.state
    slot.strategy = replacement
    kernel.rewatch()
    revision = record.revision + 1
    encoded = msgspec.json.encode(params)
    kernel.emit(ev.StrategyParamsSet(kernel.cause, slot.id, revision, encoded))
    return f"revision {revision}"


def _symbol_confirm(kernel: Kernel, body: dict[str, Any]) -> str:
    """Releases a symbol; `expected_reason` guards against confirming what nobody has seen."""
    try:
        feed = kernel.feed(str(body.get("feed")))
        instrument = kernel.instrument(str(body.get("symbol"))).instrument
    except LocalError as error:
        raise Refused(error.cause) from error
    record = kernel.state.symbols.get((feed, instrument))
    if record is None or not record.blocked:
        return "nothing is blocked"
    expected = body.get("expected_reason")
    if expected is not None and expected != record.blocked:
        raise Refused(f"it is blocked by {record.blocked}: look again and repeat")
    said = record.blocked
    kernel.emit(ev.SymbolConfirmed(kernel.cause, feed, instrument))
    return f"confirmed, {said}"


def _check_hotness(
    kernel: Kernel, slot: StrategySlot, cls: type[Strategy], changed: dict[str, Any]
) -> None:
    """H fields apply at once, F fields when the strategy is flat, C fields while it is stopped."""
    fields = parameter_schema(cls)["properties"]
    flat = not kernel.working_orders(slot.id) and not any(
        position.size for position in kernel.state.positions.values()
    )
    for name in changed:
        hot = fields[name].get("x-hot", "C")
        if hot == "C" and slot.enabled:
            raise Refused(f"{name} changes only while the strategy is stopped: disable it first")
        if hot == "F" and not flat:
            raise Refused(f"{name} changes only when flat: close the position first")


def parameter_schema(cls: type[Strategy]) -> dict[str, Any]:
    """Returns the JSON Schema of a strategy's parameters, with x-unit and x-hot per field."""
    _, components = msgspec.json.schema_components([cls.Params])
    schema: dict[str, Any] = components[cls.Params.__name__]
    return schema


def load_strategy(kernel: Kernel, event: ev.StrategyLoaded) -> None:
    """Puts a strategy into its slot and starts it; a misfit disables it with the reason."""
    record = kernel.state.strategies[event.strategy]
    known = kernel.catalogue.get(event.kind)
    try:
        if known is None:
            raise Refused(f"this build has no strategy kind {event.kind!r}")
        cls, code_hash = known
        params = msgspec.json.decode(record.params, type=cls.Params)
        slot = StrategySlot(event.strategy, cls(params), code_hash, kernel)
        slot.enabled = record.enabled
        kernel.slots[event.strategy] = slot
        kernel.rewatch()
    except (ThftError, msgspec.ValidationError) as error:
        kernel.slots.pop(event.strategy, None)
        kernel.emit(ev.StrategyDisabled(kernel.cause, event.strategy, str(error), "error"))
        return
    if slot.enabled:
        kernel.wake(slot.id, "on_start", None)


def strategy_stuck(kernel: Kernel, event: ev.StrategyStuck) -> None:
    """Disables a strategy whose code the core before this one did not come back from."""
    if event.strategy in kernel.slots:
        kernel.disable(event.strategy, event.reason, "stuck")
    else:
        disabled = ev.StrategyDisabled(kernel.cause, event.strategy, event.reason, "stuck")
        kernel.emit(disabled)


def symbol_specified(kernel: Kernel, event: ev.SymbolSpecified) -> None:
    """Blocks a symbol that is not what it was, or is dealt otherwise elsewhere."""
    record = kernel.state.symbols[event.feed, event.instrument]
    verdict, reason = "SPEC_CHANGED", record.holds.changes(event)
    if not reason and not record.blocked:
        verdict, reason = "AMBIGUOUS", symbols.unlike(kernel.state, record.holds)
    if reason and record.blocked != f"{verdict}: {reason}":
        blocked = ev.SymbolBlocked(kernel.cause, event.feed, event.instrument, verdict, reason)
        kernel.emit(blocked)


def feed_defined(kernel: Kernel, event: ev.FeedDefined) -> None:
    """Makes the feed's books known to the lane and to the strategies that watch them."""
    kernel.rewatch()
