"""A core that is killed amid ticks and trades: the next goes on where its journal ended."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop
from tests.ledger import note
from tests.seeds import seed_of_test
from tests.venue.metatrader_stage import KEY, LOGIN
from tests.venue.test_metatrader_programs import CONFIG

from thft.gateway.metatrader.quotes import place_of
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.fixed import PRICE_ONE, SIZE_ONE
from thft.sim.metatrader.expert import Expert
from thft.sim.metatrader.terminal import Terminal
from thft.stream.reader import read_all

KILLS = int(os.environ.get("THFT_RESTART_KILLS", "3"))
WAIT_S = 60.0
POINT = PRICE_ONE // 100_000
QUOTES_ALONE = CONFIG.partition("[[accounts]]")[0]
TRADES_TOO = QUOTES_ALONE.replace("[venues.metatrader]", "trades = true\n[venues.metatrader]")


class Story:
    """A terminal that ticks without end, and cores that come and go."""

    def __init__(self, folder: Path, choose: random.Random) -> None:
        self.folder = folder
        self.choose = choose
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.config = folder / "core.toml"
        key = folder / "key"
        key.write_text(KEY.hex())
        where = {"data": folder / "data", "port": self.port, "key": key, "dialect": "mt5"}
        self.config.write_text(TRADES_TOO.format(**where))
        self.terminal = Terminal(("EURUSD",))
        self.expert = Expert(self.terminal, "127.0.0.1", self.port, LOGIN, None)
        self.ticking = True

    async def market(self) -> None:
        """Bursts within a millisecond, trades among them; each price is another one."""
        while self.ticking:
            for _ in range(self.choose.choice((1, 2, 5, 40))):
                price = (100_000 + self.terminal.plays["EURUSD"].count) * POINT
                self.terminal.tick("EURUSD", price, price + 2 * POINT)
                if self.choose.random() < 0.3:
                    self.terminal.print("EURUSD", price, SIZE_ONE // 100, 1)
            await asyncio.sleep(self.choose.random() * 0.004)
        price = (100_000 + self.terminal.plays["EURUSD"].count) * POINT
        self.terminal.tick("EURUSD", price, price + 2 * POINT)

    async def core(self) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "thft", "core", "--config", str(self.config)]
        with (self.folder / "log").open("a") as log:
            return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        end_s = asyncio.get_running_loop().time() + WAIT_S
        while not holds():
            now_s = asyncio.get_running_loop().time()
            assert now_s < end_s, f"no {what}: {(self.folder / 'log').read_text()[-2_000:]}"
            await asyncio.sleep(0.01)

    async def ticks(self, least: int) -> None:
        """Waits until the EA has sent so many on a new connection."""
        had = self.expert.connections

        def sent() -> bool:
            pumps = getattr(self.expert, "_pumps", {})
            return self.expert.connections > had and 1 in pumps and pumps[1].next > least

        await self.until(sent, "ticks")

    def events(self, kind: type[ev.Event]) -> list[ev.Event]:
        frames = read_all(self.folder / "data" / "core")
        taken = [one for one in frames if one.type == kind.TYPE]
        return [decode(one.type, one.version, one.payload) for one in taken]

    def bids(self) -> list[int]:
        return [one.bid for one in self.events(ev.Quote) if isinstance(one, ev.Quote)]

    async def told(self) -> None:
        tasks = [asyncio.ensure_future(one) for one in (self.market(), self.expert.run())]
        try:
            for _ in range(KILLS):
                core = await self.core()
                await self.ticks(self.choose.randrange(1, 4_000))
                core.kill()
                await core.wait()
                await self.until(lambda: not self.expert._open, "end of the connection")
                await asyncio.sleep(self.choose.random() * 0.3)  # ticks that no engine hears
            core = await self.core()
            await self.ticks(1_000)
            self.ticking = False
            await tasks[0]
            play = self.terminal.plays["EURUSD"]
            await self.until(lambda: self.bids()[-1] == play.ticks[-1].bid, "the last tick")
            core.terminate()
            assert await core.wait() == 0
        finally:
            self.expert.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def test_killed_cores_have_every_tick_of_metatrader_5_once(tmp_path: Path) -> None:
    seed = seed_of_test()
    story = Story(tmp_path, random.Random(seed))
    uvloop.run(story.told())
    bids = story.bids()
    ticks = story.terminal.plays["EURUSD"].ticks[-len(bids) :]
    assert bids == [tick.bid for tick in ticks]
    prints = [one.price for one in story.events(ev.TradePrint) if isinstance(one, ev.TradePrint)]
    assert prints == [tick.last for tick in ticks if tick.flags & 8]
    assert not story.events(ev.FeedFault)
    numbers = [one.venue_seq for one in story.events(ev.Quote) if isinstance(one, ev.Quote)]
    assert numbers == sorted(set(numbers))
    assert max(place_of(number)[1] for number in numbers) > 1  # several in one millisecond
    epochs = len(story.events(ev.CoreStarted))
    assert epochs == KILLS + 1
    note(
        "metatrader_restart",
        seed=seed,
        kills=KILLS,
        ticks=len(bids),
        prints=len(prints),
        lost=0,
        twice=0,
    )
