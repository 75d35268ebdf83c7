"""Links over a line that drops all packets; run by test_half_open in a network namespace.

`python -m tests.venue.half_open_run fix|websocket|metatrader SCALE` prints, for each link, after
how many seconds the loss was noticed, in whose words, and how long the way back took. At scale 1
all is as configured; a smaller one shortens probes, heartbeats and silences alike.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from tests.venue.cases import CASES
from tests.venue.fix_engine import QUICK, Stage, run
from tests.venue.metatrader_stage import MICRO
from tests.venue.metatrader_stage import Stage as TerminalStage
from tests.venue.metatrader_stage import run as run_terminal
from tests.venue.wire import Wire

from thft.gateway.metatrader.settings import BridgeSettings
from thft.gateway.ws.feed import Liveness
from thft.sim.metatrader.expert import Login

HEARTBEAT_S = 10
"""What the FIX client proposes."""


class Loss(NamedTuple):
    """What became of one link."""

    link: str
    found_s: float
    reason: str
    back_s: float


class Line:
    """The namespace's loopback: whole, or losing everything."""

    def __init__(self, links: int) -> None:
        self._missing = links
        self._all_ready = asyncio.Event()
        self._all_lost = asyncio.Event()
        self.cut_s = self.healed_s = 0.0

    async def lose(self) -> None:
        """Returns once every link is READY and the line drops all packets."""
        loop = asyncio.get_running_loop()
        self._missing -= 1
        if not self._missing:
            _packets("-A")
            self.cut_s = loop.time()
            self._all_ready.set()
        await self._all_ready.wait()

    async def heal(self, links: int) -> None:
        """Returns once every link has noticed and the line is whole again."""
        loop = asyncio.get_running_loop()
        self._missing += 1
        if self._missing == links:
            _packets("-D")
            self.healed_s = loop.time()
            self._all_lost.set()
        await self._all_lost.wait()


def _packets(how: str) -> None:
    rule = ["iptables", how, "INPUT", "-i", "lo", "-p", "tcp", "-j", "DROP"]
    subprocess.run(rule, check=True)


async def _websocket(name: str, line: Line, links: int, scale: float) -> Loss:
    liveness = Liveness()
    async with Wire(
        name,
        probe_s=liveness.probe_s * scale,
        stale_s=liveness.stale_s * scale,
        connect_s=liveness.connect_s * scale,
    ) as wire:
        await wire.ready()
        await line.lose()
        await wire.until(lambda: wire.inbox.state != "READY", "the loss to be noticed", 60)
        loss = await _noticed(line, links, lambda: wire.inbox.states[-1][1])
        await wire.ready(2)
        return loss(f"websocket {name}")


async def _noticed(line: Line, links: int, reason: Callable[[], str]) -> Callable[[str], Loss]:
    loop = asyncio.get_running_loop()
    found_s, said = loop.time() - line.cut_s, reason()
    await line.heal(links)
    return lambda link: Loss(link, found_s, said, loop.time() - line.healed_s)


async def _websockets(scale: float) -> list[Loss]:
    links = len(CASES)
    line = Line(links)
    return await asyncio.gather(*(_websocket(name, line, links, scale) for name in CASES))


def _fix(heartbeat_s: int) -> list[Loss]:
    losses: list[Loss] = []

    async def story(stage: Stage) -> None:
        line = Line(1)
        engine = await stage.ready(heartbeat_s=heartbeat_s)
        await line.lose()
        told = len(engine.feed_states), len(engine.account_states)

        def lost() -> list[str]:  # it is CONNECTING again before a poll might see it
            said = engine.feed_states[told[0] :], engine.account_states[told[1] :]
            reasons = [[one[1] for one in states if one[0] == "OFFLINE"] for states in said]
            return reasons[0] if all(reasons) else []

        await stage.until(lambda: bool(lost()), "the loss of feed and account", engine)
        loss = await _noticed(line, 1, lambda: lost()[0])
        await stage.until(lambda: engine.account == "READY", "account READY again", engine)
        losses.append(loss(f"fix, heartbeat {heartbeat_s} s"))

    run(story, timing=replace(QUICK, probe_s=3_600))
    return losses


def _metatrader(scale: float) -> list[Loss]:
    """The bridge as configured by default, and an order that is sent into the silence."""
    losses: list[Loss] = []
    settings = BridgeSettings()

    async def story(stage: TerminalStage) -> None:
        line = Line(1)
        engine, _ = await stage.ready(silence_s=Login().silence_s * scale)
        await line.lose()
        order_id = engine.submit(size=MICRO)
        await stage.until(lambda: engine.feed == "OFFLINE", "the feed's loss", engine)
        await stage.until(lambda: engine.account == "OFFLINE", "the account's loss", engine)
        loss = await _noticed(line, 1, lambda: engine.feed_states[-1][1])
        await stage.settled(engine)
        losses.append(loss(f"metatrader, silence {settings.silence_s:g} s"))
        assert engine.order(order_id).state == "NEVER_ARRIVED", engine.order(order_id)
        assert stage.terminal.sends == 0
        stage.agree(engine)

    heartbeat_s, silence_s = settings.heartbeat_s * scale, settings.silence_s * scale
    run_terminal(story, heartbeat_s=heartbeat_s, silence_s=silence_s)
    return losses


def main(kind: str, scale: float) -> None:
    """Loses and heals the line once."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if kind == "fix":
        losses = _fix(max(round(HEARTBEAT_S * scale), 1))
    elif kind == "metatrader":
        losses = _metatrader(scale)
    else:
        losses = asyncio.run(_websockets(scale))
    print(json.dumps([one._asdict() for one in losses]))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
