"""One loaded strategy inside the kernel: instance, context, switch; used by kernel and dispatch."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from thft.base.errors import LocalError
from thft.kernel.strategy import Context, Strategy, World
from thft.model.book import TopBook

Watcher = tuple["StrategySlot", Callable[[Context, TopBook], None], Context]


class StrategySlot:
    """Holds a strategy with its context and whether it is called."""

    __slots__ = ("code_hash", "ctx", "enabled", "forced_failure", "id", "strategy")

    def __init__(self, id: str, strategy: Strategy, code_hash: str, world: World) -> None:
        self.id = id
        self.code_hash = code_hash
        self.enabled = False
        self.forced_failure = ""
        """Replay sets the recorded reason here: the handler is not called, it failed so then."""
        self.ctx = Context(world, self)
        self.strategy = strategy

    def watcher(self) -> Watcher:
        """Returns what a book calls: bound once, so that a quote costs no look-up."""
        handler = _fail_as_recorded if self.forced_failure else self.strategy.on_quote
        return self, handler, self.ctx

    def state_bytes(self) -> bytes:
        """Returns the strategy's state as canonical MessagePack."""
        return msgspec.msgpack.encode(self.strategy.state, order="deterministic")

    @property
    def unwritable(self) -> str:
        """Why the state cannot be written, in words; empty when it can."""
        try:
            self.state_bytes()
        except Exception as error:  # noqa: BLE001 - user code may keep anything
            return f"its state cannot be written: {type(error).__name__}: {error}"[:400]
        return ""

    def restore_state(self, data: bytes) -> None:
        """Takes back what `state_bytes` returned."""
        strategy = self.strategy
        strategy.state = msgspec.msgpack.decode(data, type=type(strategy).State)


def _fail_as_recorded(ctx: Context, book: TopBook) -> None:
    raise LocalError("this call failed when it was recorded")
