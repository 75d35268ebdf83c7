"""Events worth a line on the page, in words; called by the replica for every frame it folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thft.api.rows import symbol_of
from thft.model import event as ev
from thft.state.fold import State

Notice = tuple[str, str, str]
"""kind, severity (info, warning, error), text."""

_BAD_FEED_STATES = ("OFFLINE", "STALE", "HALTED", "DEGRADED")


def notice(state: State, event: ev.Event) -> Notice | None:
    """Returns what to say of an event, None when it is everyday business."""
    speak = _VOICES.get(type(event))
    return speak(state, event) if speak is not None else None


def _feed_name(state: State, feed: int) -> str:
    record = state.feeds.get(feed)
    return record.definition.name if record is not None else f"feed {feed}"


def _core_started(state: State, event: ev.CoreStarted) -> Notice:
    if not event.recovered_seq:
        return "restart", "info", f"core started (epoch {event.epoch}) on an empty journal"
    cut = f", {event.cut_bytes} torn bytes cut" if event.cut_bytes else ""
    note = f" — {event.note}" if event.note else ""
    text = f"core restarted (epoch {event.epoch}): {event.recovered_seq} events recovered"
    return "restart", "warning", text + cut + note


def _feed_state(state: State, event: ev.FeedState) -> Notice:
    severity = "warning" if event.state in _BAD_FEED_STATES else "info"
    reason = f": {event.reason}" if event.reason else ""
    return "feed", severity, f"{_feed_name(state, event.feed)} {event.state}{reason}"


def _feed_fault(state: State, event: ev.FeedFault) -> Notice:
    name = _feed_name(state, event.feed)
    return "feed", "warning", f"{name} {event.fault}: {event.detail}"


def _symbol_blocked(state: State, event: ev.SymbolBlocked) -> Notice:
    name = f"{_feed_name(state, event.feed)} {symbol_of(state, event.instrument)}"
    return "feed", "error", f"{name} {event.verdict}: {event.reason}; confirm it to trade it again"


def _symbol_confirmed(state: State, event: ev.SymbolConfirmed) -> Notice:
    name = f"{_feed_name(state, event.feed)} {symbol_of(state, event.instrument)}"
    return "feed", "info", f"{name} confirmed"


def _loaded(state: State, event: ev.StrategyLoaded) -> Notice:
    return "strategy", "info", f"{event.strategy} loaded ({event.kind})"


def _disabled(state: State, event: ev.StrategyDisabled) -> Notice:
    severity = "info" if event.by == "operator" else "error"
    return "strategy", severity, f"{event.strategy} DISABLED: {event.reason}"


def _enabled(state: State, event: ev.StrategyEnabled) -> Notice:
    return "strategy", "info", f"{event.strategy} ENABLED"


def _params(state: State, event: ev.StrategyParamsSet) -> Notice:
    return "strategy", "info", f"{event.strategy} parameters, revision {event.revision}"


def _slow(state: State, event: ev.StrategySlow) -> Notice:
    text = f"{event.strategy} DEGRADED: a handler took {event.elapsed_ns // 1_000_000} ms"
    return "strategy", "warning", text


def _kill(state: State, event: ev.KillSwitchSet) -> Notice:
    text = f"kill switch {'ON' if event.on else 'off'}: {event.reason}"
    return "kill", "error" if event.on else "warning", text


def _durability(state: State, event: ev.DurabilityChanged) -> Notice:
    if event.degraded:
        return "durability", "error", f"DEGRADED(disk): {event.reason}"
    return "durability", "info", f"journal durable again: {event.reason}"


def _disk(state: State, event: ev.DiskLevelChanged) -> Notice:
    severity = {"OK": "info", "LOW": "warning"}.get(event.level, "error")
    return "disk", severity, f"disk {event.level}: {event.reason}"


def _clock(state: State, event: ev.ClockStepped) -> Notice:
    text = f"the wall clock stepped by {event.delta_ns / 1e9:+.3f} s; engine time did not"
    return "clock", "warning", text


def _account_state(state: State, event: ev.AccountState) -> Notice:
    severity = "info" if event.state in ("READY", "CLOSED") else "warning"
    return "account", severity, f"{event.account} {event.state}: {event.reason}"


def _halted(state: State, event: ev.AccountHalted) -> Notice:
    return "account", "error", f"{event.account} HALTED: {event.reason}"


def _denied(state: State, event: ev.OrderDenied) -> Notice:
    return "order", "warning", f"{event.client_order_id} denied: {event.reason}"


def _unknown(state: State, event: ev.OrderUnknown) -> Notice:
    return "order", "warning", f"{event.client_order_id} unknown: {event.reason}; asking the venue"


def _replace(state: State, event: ev.ReplaceReport) -> Notice | None:
    if event.outcome not in ("refused", "denied"):
        return None
    return "order", "warning", f"{event.client_order_id} stays as it was: {event.text}"


def _command(state: State, event: ev.CommandDone) -> Notice | None:
    if event.status == "done":
        return None  # what it did has its own line
    return "command", "warning", f"command refused: {event.reason}"


_VOICES: dict[type[ev.Event], Callable[[State, Any], Notice | None]] = {
    ev.CoreStarted: _core_started,
    ev.FeedState: _feed_state,
    ev.FeedFault: _feed_fault,
    ev.SymbolBlocked: _symbol_blocked,
    ev.SymbolConfirmed: _symbol_confirmed,
    ev.StrategyLoaded: _loaded,
    ev.StrategyDisabled: _disabled,
    ev.StrategyEnabled: _enabled,
    ev.StrategyParamsSet: _params,
    ev.StrategySlow: _slow,
    ev.KillSwitchSet: _kill,
    ev.DurabilityChanged: _durability,
    ev.DiskLevelChanged: _disk,
    ev.ClockStepped: _clock,
    ev.AccountState: _account_state,
    ev.AccountHalted: _halted,
    ev.OrderDenied: _denied,
    ev.OrderUnknown: _unknown,
    ev.ReplaceReport: _replace,
    ev.CommandDone: _command,
}
