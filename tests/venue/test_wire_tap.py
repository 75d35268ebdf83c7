"""A tap in the wire of all sessions of a broker, outside the engine: what it lets out and when.

The tap is a packet capture, so every message counts, whoever has caused it: orders, cancels,
questions, subscriptions, resends, and what sessions say themselves.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import uvloop
from tests.capture import Capture, Seen, most_in
from tests.ledger import note
from tests.venue.fix_engine import Engine, Stage, run

from thft.fix import tags
from thft.fix.session import LOGGED_ON_STATES
from thft.gateway.fix.settings import DATA_PER_S, EXECUTIONS_PER_S
from thft.gateway.fix_link import now
from thft.gateway.limiter import SECOND_NS
from thft.model.fixed import SIZE_ONE, parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD

pytestmark = pytest.mark.alone

STORM_S = float(os.environ.get("THFT_THROTTLE_S", "3"))
ROUNDS = int(os.environ.get("THFT_FLOOD_ROUNDS", "2"))
ORDERS_A_ROUND = 25
STEP_S = 0.02


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    monkeypatch.setattr(asyncio, "run", uvloop.run)
    yield


def subscribe_storm(engine: Engine) -> None:
    """Drops every book and asks for it anew: more than the limit lets out."""
    desk = engine.client.quotes
    if desk.channel is not None and desk.channel.logged_on:
        for one in list(desk._by_instrument.values()) * 5:
            desk._again(one, "gap", "storm")


def order_storm(engine: Engine, choose: random.Random) -> None:
    """Orders that rest far from the market, and cancels of some that do."""
    price = parse_price("1.00000")
    for _ in range(choose.choice((0, 2, 10))):
        engine.submit(1, 1_000 * SIZE_ONE, type="limit", tif="GTC", price=price)
    working = list(engine.kernel.state.orders)
    for order_id in choose.sample(working, min(len(working), choose.choice((0, 1, 4)))):
        engine.cancel(order_id)


def venue_storm(stage: Stage, choose: random.Random) -> None:
    """A venue that asks for signs of life and for resends, and says what must be refused."""
    for client in stage.venue.clients:
        session = client.link.session
        if session is None or session.state not in LOGGED_ON_STATES or choose.random() < 0.9:
            continue
        outbox = session._life.outbox
        for at in range(choose.choice((0, 100))):
            outbox.session(tags.MSG_TEST_REQUEST, [(tags.TEST_REQ_ID, f"storm{at}")], now())
        for _ in range(choose.choice((0, 100))):
            session.send("8", b"37=\x01", now())  # a field without a value
        if choose.random() < 0.5:
            begin = choose.randint(1, 5)
            fields = [(tags.BEGIN_SEQ_NO, begin), (tags.END_SEQ_NO, 0)]
            outbox.session(tags.MSG_RESEND_REQUEST, fields, now())
        client.link.flush()


@pytest.mark.slow
def test_no_sliding_second_has_more_messages_than_the_limits() -> None:
    """All storms at once at the default limits, with both lines cut again and again."""
    ours: list[Seen] = []
    failed: list[object] = []
    ports: dict[str, int] = {}

    async def story(stage: Stage) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: failed.append(what))
        ports.update(stage.settings.ports)
        capture = Capture(set(ports.values()))
        engine = await stage.ready()
        choose = random.Random(random.getrandbits(32))
        end = time.monotonic() + STORM_S
        steps = 0
        while time.monotonic() < end:
            subscribe_storm(engine)
            order_storm(engine, choose)
            venue_storm(stage, choose)
            steps += 1
            if steps % 60 == 0:
                stage.venue.inject(Fault(do="cut", link=choose.choice(("quote", "trade"))))
            elif steps % 60 == 30:
                choose.choice(engine.client.channels).relog("storm")
            await asyncio.sleep(STEP_S)
            capture.drain()
        ours.extend(one for one in capture.messages() if one.target in ports.values())
        capture.close()

    run(story)
    assert not failed
    most: dict[str, int] = {}
    for link in ("trade", "quote"):
        sent = [one for one in ours if one.target == ports[link]]
        most[link] = most_in([one.stamp_ns for one in sent], SECOND_NS)
        print(link, f"at most {most[link]} a second,", Counter(one.message.type for one in sent))
    note("throttle", seconds=STORM_S, messages=len(ours), most=most, failures=0)
    assert EXECUTIONS_PER_S * 0.8 < most["trade"] <= EXECUTIONS_PER_S
    assert DATA_PER_S * 0.8 < most["quote"] <= DATA_PER_S


@pytest.mark.slow
def test_a_flood_of_data_does_not_delay_orders() -> None:
    """From the strategy's wish to the wire, with and without a flood, in turn in one run."""
    took_ns: dict[bool, list[int]] = {True: [], False: []}

    async def story(stage: Stage) -> None:
        ports = stage.settings.ports
        capture = Capture(set(ports.values()))
        engine = await stage.ready()
        asked: dict[str, tuple[bool, int]] = {}
        for at in range(2 * ROUNDS):
            flood = at % 2 == 1
            for _ in range(ORDERS_A_ROUND):
                if flood:
                    subscribe_storm(engine)
                    engine.turn_end()
                await asyncio.sleep(STEP_S)
                began_ns = time.time_ns()
                order_id = engine.submit(1, 1_000 * SIZE_ONE)
                asked[order_id] = flood, began_ns
            engine.client._gate.throttle.forget("quote")  # what the flood has left waiting
            await stage.until(
                lambda: all(engine.order(one).state in TERMINAL for one in asked), "ends", engine
            )
            capture.drain()
        for one in capture.messages():
            if one.target == ports["trade"] and one.message.type == "D":
                flood, began_ns = asked[one.message.text(tags.CL_ORD_ID) or ""]
                took_ns[flood].append(one.stamp_ns - began_ns)
        capture.close()

    run(story)
    assert {len(values) for values in took_ns.values()} == {ROUNDS * ORDERS_A_ROUND}
    p50, p99 = (
        {flood: sorted(values)[int(len(values) * share)] for flood, values in took_ns.items()}
        for share in (0.5, 0.99)
    )
    ratio = p99[True] / p99[False]
    print(f"order to wire: p50 {p50} ns, p99 {p99} ns, p99 ratio {ratio:.2f} (True: with a flood)")
    figures = {"p50_ns": p50, "p99_ns": p99, "p99_ratio": round(ratio, 3)}
    note("flood", orders=2 * ROUNDS * ORDERS_A_ROUND, **figures, failures=0)
    assert p50[True] < 3 * p50[False] + 1_000_000
    assert p99[True] < 10 * p99[False] + 50_000_000
