"""An input that the kernel cannot take ends the core: nothing of it is written or acted upon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from thft.base.errors import LocalError
from thft.cli.demo_config import demo_configuration
from thft.core.config import load
from thft.core.runner import Core
from thft.model import event as ev
from thft.state import fold


def core_in(folder: Path) -> Core:
    config = folder / "demo.toml"
    ports = {"binance": 9, "quote": 9, "trade": 9}
    config.write_text(demo_configuration(folder / "data", 0, 1, ports))
    return Core(load(config), folder / "data")


@pytest.mark.parametrize("way", ["event", "quote", "timer"])
def test_a_failed_input_is_the_last(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    async def story() -> None:
        core = core_in(tmp_path)
        core.turn_end()
        running = asyncio.ensure_future(core.run())
        await asyncio.sleep(0)
        core.feed_fault(1, 0, "gap", "before")  # of the turn that fails: never written
        folds: dict[Any, Any] = fold._FOLDS
        if way == "event":
            monkeypatch.setitem(folds, ev.FeedFault, broken)
            with pytest.raises(ZeroDivisionError):
                core.feed_fault(1, 0, "gap", "planted")
        elif way == "quote":
            with pytest.raises(LocalError, match="does not carry it"):
                core.quote(1, 99, 1, 1, 2, 1, 0, 0, core.now_ns())
        else:
            monkeypatch.setitem(folds, ev.TimerFired, broken)
        if way != "timer":
            with pytest.raises(LocalError, match="has failed before"):
                core.feed_state(1, "READY", "after")
            core.turn_end()
        with pytest.raises(
            LocalError, match=r"could not take an input|does not carry it"
        ) as caught:
            await asyncio.wait_for(running, 10)
        assert "planted" in str(caught.value) or way == "quote"

    asyncio.run(story())
    monkeypatch.undo()
    again = core_in(tmp_path)
    faults = again.kernel.state.feeds[1].faults
    assert faults == ({"gap": 1} if way == "timer" else {})
    assert again.journal.recovered.cut_bytes == 0
    again.journal.abandon()
