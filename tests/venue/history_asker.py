"""Asks an engine on a stage for history, at a door of its own; by the tests of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.venue.fix_engine import ACCOUNT, NAMES, Engine
from tests.venue.metatrader_stage import Stage

from thft.cli.history_asked import History, ask
from thft.gateway.metatrader.account import MetaTraderAccount
from thft.gateway.metatrader.history.door import SOCKET, Door, Host, Request

SYMBOLS = {name: name for name in NAMES}
HOUR_MS = 3_600_000


class Asker:
    """A stage's engine with a door, and who asks there."""

    def __init__(self, stage: Stage, engine: Engine, directory: Path, **how: Any) -> None:
        account: Any = engine.client
        assert isinstance(account, MetaTraderAccount)
        self.account = account
        self._directory = directory
        self._stage = stage
        self.door = Door(directory, {ACCOUNT: Host(account, SYMBOLS)}, **how)
        stage.tasks.append(asyncio.ensure_future(self.door.run()))

    def request(self, ago_ms: int = HOUR_MS, **how: Any) -> Request:
        at = {"from_ms": time.time_ns() // 1_000_000 - ago_ms, **how}
        return Request(**{"account": ACCOUNT, "platform": self.account.platform, **at})

    async def ask(self, ago_ms: int = HOUR_MS, **how: Any) -> History:
        await self._stage.until((self._directory / SOCKET).exists, "a door")
        return await asyncio.to_thread(ask, self._directory, self.request(ago_ms, **how))
