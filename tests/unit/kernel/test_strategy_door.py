"""What a strategy may not ask for or keep: it is disabled in words, and the engine goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct
from tests.engine import EURUSD, FAST, MILLION, SLOW, Engine, catalogue, feed

from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Context, Strategy, World
from thft.model import event as ev
from thft.model.book import TopBook

TOO_LARGE = 1 << 63
odd: Any = None
half: Any = 0.5


class Kept(Struct):
    """May hold anything."""

    kept: Any = None


class Asker(Strategy):
    """Does one thing on its third quote, planted by the test."""

    kind = "asker"
    State = Kept
    ask: Callable[[Context], object] = lambda ctx: None
    keeps: Any = None
    counted: Any = ()

    def bind(self, world: World) -> list[tuple[int, int]]:
        return [(FAST, EURUSD)]

    def on_quote(self, ctx: Context, book: TopBook) -> None:
        if book.quotes == 3:
            type(self).ask(ctx)
            self.state.kept = self.keeps

    def counters(self) -> tuple[tuple[str, int], ...]:
        if callable(self.counted):
            self.counted()
        counted: tuple[tuple[str, int], ...] = self.counted
        return counted


def ask(does: Callable[[Context], object], **more: Any) -> type[Asker]:
    return type("Asker", (Asker,), {"ask": staticmethod(does), **more})


def nothing(ctx: Context) -> None:
    """Asks for nothing."""


def fails() -> None:
    raise KeyError("gone")


CASES: dict[str, tuple[type[Asker], str]] = {
    "size": (ask(lambda ctx: ctx.submit("acc", EURUSD, 1, TOO_LARGE)), "no integer of 64 bits"),
    "half": (ask(lambda ctx: ctx.submit("acc", EURUSD, 1, half)), "0.5 is no integer"),
    "price": (ask(lambda ctx: ctx.submit("acc", EURUSD, 1, 1, price=-TOO_LARGE - 1)), "64 bits"),
    "account": (ask(lambda ctx: ctx.submit(odd, EURUSD, 1, MILLION)), "None is no text"),
    "flag": (ask(lambda ctx: ctx.submit("acc", EURUSD, True, MILLION)), "True is no integer"),
    "replace": (ask(lambda ctx: ctx.replace("x", size=TOO_LARGE)), "64 bits"),
    "cancel": (ask(lambda ctx: ctx.cancel(odd, "why")), "None is no text"),
    "timer": (ask(lambda ctx: ctx.set_timer("t", TOO_LARGE - 1)), "64 bits"),
    "timer name": (ask(lambda ctx: ctx.set_timer(odd, 1)), "None is no text"),
    "state": (ask(nothing, keeps={1: object()}), "its state cannot be written"),
    "state's number": (ask(nothing, keeps=1 << 70), "its state cannot be written"),
    "counters raise": (ask(nothing, counted=staticmethod(fails)), "KeyError: 'gone'"),
    "counters are none": (ask(nothing, counted=None), "ValidationError"),
    "counters count too far": (ask(nothing, counted=(("x", TOO_LARGE),)), "ValidationError"),
}


@pytest.mark.parametrize("hash_every", [4, 100_000])
@pytest.mark.parametrize("what", CASES)
def test_what_no_journal_can_hold_disables_the_strategy(what: str, hash_every: int) -> None:
    cls, reason = CASES[what]
    engine = Engine(cls, hash_every=hash_every)
    engine.quote(SLOW, 139_000, 139_010)
    engine.load("a", "asker")
    for _ in range(6):
        engine.quote(FAST, 139_000, 139_002, after_ms=50)
    engine.wait(1_000)
    engine.quote(FAST, 139_000, 139_003)
    (disabled,) = engine.recorder.events(ev.StrategyDisabled)
    assert disabled.by == "error" and reason in disabled.reason
    assert engine.kernel.failure is None
    again = Kernel(catalogue(cls), 1, hash_every)
    feed(Replay(again, 1), engine.recorder.frames)
    assert again.state_hash() == engine.kernel.state_hash()
