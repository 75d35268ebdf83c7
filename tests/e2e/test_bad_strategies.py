"""User strategies that raise, loop, leak or hang: DISABLED with the reason, and the engine goes on.

Real processes under the real supervisor; the page's state is asked over HTTP. That a failed call
leaves nothing behind, and that replay takes it as it was, is `tests/unit/kernel`'s to prove.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.supervised import SupervisedEngine

from thft.model import event as ev

pytestmark = [pytest.mark.slow, pytest.mark.alone]

STRATEGY = '''"""A strategy that goes wrong on purpose."""

from __future__ import annotations

import itertools

from msgspec import Struct

from thft.kernel.strategy import Strategy


class NoParams(Struct, frozen=True):
    pass


class GrowingState(Struct):
    calls: int = 0
    held: bytes = b""


class Wrong(Strategy):
    kind = "wrong"
    Params = NoParams
    State = GrowingState

    def bind(self, world):
        return [(world.feed("fast"), world.instrument("EURUSD").instrument)]

    def on_quote(self, ctx, book):
        self.state.calls += 1
        if self.state.calls > 3:
            {body}

    def on_timer(self, ctx, name):
        any(itertools.repeat(0))
'''

LOADED = """
[[strategies]]
name = "bad"
kind = "wrong"
params = {}
"""


def wrong(body: str, folder: Path) -> SupervisedEngine:
    """Returns an engine with a user strategy that does `body` from its fourth quote on."""
    strategies = folder / "strategies"
    strategies.mkdir()
    (strategies / "wrong.py").write_text(STRATEGY.replace("{body}", body))
    return SupervisedEngine(folder, lambda text: f'strategy_dir = "{strategies}"\n{text}\n{LOADED}')


def bad(state: dict[str, Any]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [row for row in state["strategies"] if row["strategy"] == "bad"]
    return rows[0] if rows else {"state": "", "reason": ""}


def replays(engine: SupervisedEngine, folder: Path) -> None:
    """Asserts that the journal replays to its end."""
    command = ["replay", str(engine.data), "--verify", "--strategies", str(folder / "strategies")]
    done = subprocess.run(
        [sys.executable, "-m", "thft", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('no such level')", "ValueError: no such level"),
        ("while True: pass", "a handler ran over 250 ms"),
        ("self.state.held += bytes(1 << 20)", "its state has grown to"),
    ],
    ids=["raises", "loops", "leaks"],
)
def test_a_strategy_that_goes_wrong_is_disabled_and_the_others_trade_on(
    tmp_path: Path, body: str, reason: str
) -> None:
    with wrong(body, tmp_path) as engine:
        shown = engine.until(lambda state: bad(state)["state"] == "DISABLED")
        assert reason in bad(shown)["reason"]
        assert any("bad DISABLED" in row["text"] for row in shown["events"])
        fills = shown["counters"]["fills"]
        after = engine.until(lambda state: state["counters"]["fills"] > fills)
        assert after["core"]["restarts"] == 0
    assert engine.happened == []
    replays(engine, tmp_path)


@pytest.mark.parametrize(
    "body",
    ["any(itertools.repeat(0))", "ctx.set_timer('t', 1)"],
    ids=["in a handler", "in a timer due at the restart"],
)
def test_a_strategy_stuck_in_c_ends_the_core_once_and_starts_disabled(
    tmp_path: Path, body: str
) -> None:
    with wrong(body, tmp_path) as engine:
        shown = engine.until(lambda state: bad(state)["state"] == "DISABLED")
        function = "on_timer" if "timer" in body else "on_quote"
        assert f"stuck: the core was ended in {function} (wrong.py:" in bad(shown)["reason"]
        quotes = shown["counters"]["quotes"]
        after = engine.until(
            lambda state: (
                state["counters"]["quotes"] > quotes + 50
                and all(feed["state"] == "READY" for feed in state["feeds"])
            )
        )
        assert after["core"]["restarts"] == 1
        assert [row["state"] for row in after["strategies"][:3]] == ["ENABLED"] * 3
    assert engine.happened[0] == "core has not turned for 5 s: ending it"
    assert "core ended (SIGABRT)" in engine.happened[1]
    disabled = engine.events(ev.StrategyDisabled)
    assert [(event.strategy, event.by) for event in disabled] == [("bad", "stuck")]
    replays(engine, tmp_path)
