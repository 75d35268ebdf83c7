"""All links of one MetaTrader server together, as a packet capture sees them, with EA commands.

A whole core with two accounts of one server behind one bridge, whose strategy asks for more than
may go, while both lines are cut again and again and somebody asks for history all the time.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvloop
from tests.capture import Capture, most_in
from tests.ledger import note
from tests.seeds import seed_of_test
from tests.venue.metatrader_stage import KEY, LOGIN, QUICK

from thft.cli.history_asked import NoAnswer, ask
from thft.core.config import load
from thft.core.runner import Core
from thft.gateway.limiter import SECOND_NS
from thft.gateway.metatrader.account import MetaTraderAccount
from thft.gateway.metatrader.bridge import Bridge
from thft.gateway.metatrader.history.door import Request
from thft.gateway.metatrader.protocol.frames import Framer
from thft.model.fixed import SIZE_ONE, parse_price
from thft.sim.metatrader.expert import Expert, Login
from thft.sim.metatrader.terminal import Terminal

STORM_S = float(os.environ.get("THFT_THROTTLE_S", "4"))
CUT_S = min(max(STORM_S / 5, 0.8), 5.0)
EXECUTIONS_PER_S, DATA_PER_S = 100, 60
LOGINS = ("51001234", "51005678")
ORDERS = {"OPEN", "MODIFY", "CLOSE", "CLOSEBY", "DELETE"}
QUERIES = {"SNAPSHOT", "HISTORY"}
DATA = {"SUBSCRIBE", "UNSUBSCRIBE", "PING"}
LINE = {"CHALLENGE", "WELCOME", "BYE"}
"""What a connection itself says when it begins and ends: nothing for the broker."""
STEP_S, WAIT_S = 0.02, 60.0
MICRO = 1_000 * SIZE_ONE
STRATEGY = """
from thft.kernel.strategy import Strategy

class Hand(Strategy):
    kind = "hand"
"""
HEAD = """
mode = "paper"
strategy_dir = "{folder}"
[journal]
min_free_mib = 0
[metatrader]
port = 0
heartbeat_s = 0.2
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[strategies]]
name = "hand"
kind = "hand"
params = {{}}
"""
ACCOUNT = """
[[venues]]
name = "broker{login}"
dialect = "mt5"
symbols = {{ EURUSD = "EURUSD" }}
[venues.metatrader]
login = "{login}"
server = "Broker-Demo"
key_id = "k1"
key = "env:THFT_TEST_MT_KEY"
executions_per_s = {executions}
data_per_s = {data}
[[accounts]]
name = "acc{login}"
feed = "broker{login}"
kind = "venue"
"""


class Frame(NamedTuple):
    """One frame of the engine on the wire."""

    stamp_ns: int
    port: int
    """The EA's end."""
    seq: int
    type: str
    id: str


class Asked(NamedTuple):
    """A cancel that was asked for, and what its connection had said by then."""

    port: int
    seq: int
    id: str


@dataclass
class Storm:
    """A core, its two terminals, and what was asked of it."""

    core: Core
    choose: random.Random
    terminals: dict[str, Terminal] = field(default_factory=dict)
    experts: dict[str, Expert] = field(default_factory=dict)
    cancels: list[Asked] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    over: bool = False
    told: list[int] = field(default_factory=list)
    """Rows of each history that somebody was told."""
    untold: int = 0

    @property
    def bridge(self) -> Bridge:
        bridge = self.core._gateways.all[0]
        assert isinstance(bridge, Bridge)
        return bridge

    def account(self, login: str) -> MetaTraderAccount:
        return self.bridge.accounts["5", login]

    def dial(self) -> list[asyncio.Future[None]]:
        for login in LOGINS:
            terminal = self.terminals[login] = Terminal(("EURUSD",))
            terminal.tick("EURUSD", parse_price("1.17000"), parse_price("1.17004"))
            said = Login(**{**vars(LOGIN), "account": login})
            self.account(login).readiness._timing = replace(QUICK, answer_s=10.0)
            self.experts[login] = Expert(terminal, "127.0.0.1", self.bridge.port, said, None)
        return [asyncio.ensure_future(one.run()) for one in self.experts.values()]

    def ready(self) -> bool:
        accounts = self.core.kernel.state.accounts.values()
        return all(one.state == "READY" for one in accounts)

    def step(self) -> None:
        """A strategy that trades both accounts as hard as it likes."""
        ctx, state, choose = self.core.kernel.slots["hand"].ctx, self.core.kernel.state, self.choose
        price = parse_price(f"1.0{choose.randrange(1_000, 9_999)}")
        for login in LOGINS:
            for _ in range(choose.choice((0, 2, 10))):
                ctx.submit(f"acc{login}", 1, 1, MICRO, type="limit", tif="GTC", price=price)
        working = [one.client_order_id for one in state.orders.values() if one.state == "ACCEPTED"]
        chosen = choose.sample(working, min(len(working), choose.choice((0, 1, 3))))
        for order_id in chosen:
            link = self.account(state.orders[order_id].account.removeprefix("acc")).link
            if link is None:
                continue
            if choose.random() < 0.5:
                ctx.replace(order_id, price=price)
                continue
            ctx.cancel(order_id, "storm")
            assert link._transport is not None
            port = link._transport.get_extra_info("peername")[1]
            self.cancels.append(Asked(port, link.session._out, order_id))
        self.core.metric("test", "storm", ())
        self.core.turn_end()

    def cut(self) -> None:
        expert = self.experts[self.choose.choice(LOGINS)]
        expert.cut() if self.choose.random() < 0.5 else expert.restart()

    async def wonder(self) -> None:
        """Somebody asks for one account's history after the other's, as fast as he hears."""
        while not self.over:
            for login in LOGINS:
                request = Request(f"acc{login}", "5", 0)
                try:
                    found = await asyncio.to_thread(ask, self.core.directory, request)
                    self.told.append(len(found.rows))
                except NoAnswer:
                    self.untold += 1

    def calm(self) -> bool:
        """The engine knows of every order what became of it."""
        doubt = [one for one in self.core.kernel.state.orders.values() if one.state != "ACCEPTED"]
        return not doubt and self.ready()

    def agree(self) -> None:
        for login, terminal in self.terminals.items():
            orders = self.core.kernel.state.orders.values()
            mine = {one.client_order_id for one in orders if one.account == f"acc{login}"}
            assert {row.comment for row in terminal.orders.values()} == mine
            sent = [row.comment for row in (*terminal.orders.values(), *terminal.closed.values())]
            assert len(sent) == len(set(sent)), "an order arrived twice"


async def until(holds: Any, what: str, core: Core) -> None:
    end_s = asyncio.get_running_loop().time() + WAIT_S
    while not holds():
        accounts = core.kernel.state.accounts.values()
        said = [(one.state, one.reason) for one in accounts]
        assert asyncio.get_running_loop().time() < end_s, f"no {what}: {said}"
        await asyncio.sleep(0.005)


def frames_of(capture: Capture, port: int) -> Iterator[Frame]:
    """Yields what the engine has said, stamped with the segment that completed it."""
    framers: dict[int, Framer] = {}
    for one in capture.streams():
        if one.source != port:
            continue
        for body in framers.setdefault(one.target, Framer()).feed(one.content):
            seq, kind, *fields = body.split("|")
            yield Frame(one.stamp_ns, one.target, int(seq), kind, fields[0] if fields else "")


async def _storm(core: Core, choose: random.Random) -> Storm:
    storm = Storm(core, choose)
    running = asyncio.ensure_future(core.run())
    await until(lambda: storm.bridge.port, "port", core)
    capture = Capture({storm.bridge.port})
    tasks = storm.dial()
    loop = asyncio.get_running_loop()
    try:
        await until(storm.ready, "READY", core)
        wondering = asyncio.ensure_future(storm.wonder())
        end_s, cut_s = loop.time() + STORM_S, loop.time() + CUT_S
        while loop.time() < end_s:
            storm.step()
            if loop.time() >= cut_s:
                storm.cut()
                cut_s += CUT_S
            await asyncio.sleep(STEP_S)
            capture.drain()
        storm.over = True
        await wondering
        await until(storm.calm, "calm", core)
        storm.agree()
        capture.drain()
        storm.frames = list(frames_of(capture, storm.bridge.port))
    finally:
        capture.close()
        for expert in storm.experts.values():
            expert.stop()
        core._stopped.set()
        await asyncio.gather(running, *tasks)
    return storm


def test_no_second_of_all_links_of_a_server_is_over_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    seed = seed_of_test()
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "hand.py").write_text(STRATEGY)
    limits = {"executions": EXECUTIONS_PER_S, "data": DATA_PER_S}
    text = "".join(ACCOUNT.format(login=login, **limits) for login in LOGINS)
    (tmp_path / "core.toml").write_text(HEAD.format(folder=tmp_path / "strategies") + text)

    async def story() -> Storm:
        core = Core(load(tmp_path / "core.toml"), tmp_path / "data")
        return await _storm(core, random.Random(seed))

    storm = uvloop.run(story())
    kinds = Counter(one.type for one in storm.frames)
    assert set(kinds) <= ORDERS | QUERIES | DATA | LINE, kinds
    most = {
        name: most_in([one.stamp_ns for one in storm.frames if one.type in types], SECOND_NS)
        for name, types in {"executions": ORDERS | QUERIES, "data": DATA}.items()
    }
    print(kinds, most, f"{len(storm.cancels)} cancels")
    assert EXECUTIONS_PER_S * 0.8 < most["executions"] <= EXECUTIONS_PER_S
    assert 0 < most["data"] <= DATA_PER_S
    assert len({one.port for one in storm.frames}) >= len(LOGINS) + 2  # and cut in between
    assert kinds["OPEN"] and kinds["MODIFY"] and kinds["SNAPSHOT"]
    assert len(storm.told) > STORM_S and max(storm.told) > 0
    waited = judge_cancels(storm)
    links = len({one.port for one in storm.frames})
    figures = {"frames": sum(kinds.values()), "links": links, "cancels": waited, "most": most}
    figures |= {"histories": len(storm.told), "histories_refused": storm.untold}
    note("metatrader_tap", seed=seed, seconds=STORM_S, **figures, limit=limits, failures=0)


def judge_cancels(storm: Storm) -> int:
    """Checks that nothing else overtook a cancel on its connection; returns how many there were."""
    deletes = {(one.port, one.id): one.seq for one in storm.frames if one.type == "DELETE"}
    by_port: dict[int, dict[int, Frame]] = {}
    for one in storm.frames:
        by_port.setdefault(one.port, {})[one.seq] = one
    judged = 0
    for asked in storm.cancels:
        seq = deletes.get((asked.port, asked.id))
        if seq is None:
            continue  # its connection was cut first
        between = {by_port[asked.port][at].type for at in range(asked.seq + 1, seq)}
        assert between <= {"DELETE", *DATA, *LINE}, (asked, between)
        judged += 1
    assert judged
    return judged
