"""The kernel as snapshot sections and back; called by core at boundaries and by the state hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from thft.kernel import commands
from thft.kernel.slot import StrategySlot
from thft.model import event as ev
from thft.state.section import restore_state, state_section

if TYPE_CHECKING:
    from thft.kernel.engine import Kernel

Waiting = list[tuple[int, int, list[str]]]


class KernelSection(Struct, array_like=True):
    """What the kernel holds beside the state."""

    seq: int
    now_ns: int
    next_hash_seq: int
    timers: tuple[int, list[tuple[int, int, str, str]]]
    strategy_timers: list[tuple[str, str, int]]
    prng: int
    order_count: int
    outcome_hash: bytes
    paper: tuple[int, Waiting]
    sent_ns: list[int]


class StrategySection(Struct, array_like=True):
    """One strategy: id, code it ran under, whether it runs, and its state as MessagePack."""

    strategy: str
    code_hash: str
    enabled: bool
    state: bytes


def sections(kernel: Kernel) -> dict[str, bytes]:
    """Returns the sections `state`, `kernel` and `strategies` as canonical bytes."""
    kernel.sync_state()
    section = KernelSection(
        kernel.lane.seq,
        kernel.lane.now_ns,
        kernel.lane.next_hash_seq,
        kernel.timers.record(),
        [(*key, timer) for key, timer in kernel.strategy_timers.items()],
        kernel.prng.state,
        kernel.order_count,
        kernel.outcome_hash,
        kernel.paper.record(),
        list(kernel.risk.sent_ns),
    )
    strategies = [
        StrategySection(slot.id, slot.code_hash, slot.enabled, slot.state_bytes())
        for slot in kernel.slots.values()
    ]
    return {
        "state": state_section(kernel.state),
        "kernel": msgspec.msgpack.encode(section, order="deterministic"),
        "strategies": msgspec.msgpack.encode(strategies, order="deterministic"),
    }


def restore(kernel: Kernel, saved: dict[str, bytes], strategies: bool = True) -> None:
    """Puts a fresh kernel where the snapshot was taken; strategies get their states back.

    Without `strategies` they stay out of the kernel until they are loaded again.
    """
    section = msgspec.msgpack.decode(saved["kernel"], type=KernelSection)
    kernel.adopt(restore_state(saved["state"]))
    lane = kernel.lane
    lane.seq, lane.now_ns, lane.next_hash_seq = section.seq, section.now_ns, section.next_hash_seq
    kernel.timers.restore(section.timers)
    lane.next_due_ns = kernel.timers.next_due_ns
    kernel.strategy_timers = {
        (owner, name): timer for owner, name, timer in section.strategy_timers
    }
    kernel.prng.state = section.prng
    kernel.order_count = section.order_count
    kernel.outcome_hash = section.outcome_hash
    kernel.paper.restore(section.paper)
    kernel.risk.sent_ns.extend(section.sent_ns)
    if strategies:
        for entry in msgspec.msgpack.decode(saved["strategies"], type=list[StrategySection]):
            _restore_strategy(kernel, entry)
    kernel.rewatch()


def _restore_strategy(kernel: Kernel, entry: StrategySection) -> None:
    record = kernel.state.strategies[entry.strategy]
    known = kernel.catalogue.get(record.kind)
    if known is None:
        raise commands.Refused(f"this build has no strategy kind {record.kind!r}")
    cls, code_hash = known
    params = msgspec.json.decode(record.params, type=cls.Params)
    slot = StrategySlot(entry.strategy, cls(params), code_hash, kernel)
    slot.enabled = entry.enabled
    slot.restore_state(entry.state)
    kernel.slots[entry.strategy] = slot


def definition(
    strategy: str, kind: str, kernel: Kernel, params: bytes, enabled: bool
) -> ev.StrategyLoaded:
    """Returns the StrategyLoaded event for a strategy of the catalogue with these parameters."""
    cls, code_hash = kernel.catalogue[kind]
    schema = msgspec.json.encode(commands.parameter_schema(cls))
    return ev.StrategyLoaded(strategy, kind, code_hash, params, schema, enabled)
