"""One loaded strategy inside the kernel: instance, context, switch; used by kernel and dispatch."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from thft.kernel.strategy import Context, Strategy, World
from thft.model.book import TopBook


class StrategySlot:
    """Holds a strategy with its context; `on_quote` is bound once so a call costs no look-up."""

    __slots__ = ("code_hash", "ctx", "enabled", "forced_failure", "id", "on_quote", "strategy")

    def __init__(self, id: str, strategy: Strategy, code_hash: str, world: World) -> None:
        self.id = id
        self.code_hash = code_hash
        self.enabled = False
        self.forced_failure = ""
        """Replay sets the recorded reason here: the handler is not called, it failed so then."""
        self.ctx = Context(world, self)
        self.replace(strategy)

    def replace(self, strategy: Strategy) -> None:
        """Puts another instance in (new parameters, or a fresh start)."""
        self.strategy = strategy
        self.on_quote: Callable[[Context, TopBook], None] = strategy.on_quote

    def state_bytes(self) -> bytes:
        """Returns the strategy's state as canonical MessagePack."""
        return msgspec.msgpack.encode(self.strategy.state, order="deterministic")

    def restore_state(self, data: bytes) -> None:
        """Takes back what `state_bytes` returned."""
        strategy = self.strategy
        strategy.state = msgspec.msgpack.decode(data, type=type(strategy).State)
