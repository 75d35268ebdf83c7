"""Orders of the FIX client at the simulated cTrader provider, booked by a real kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.venue.fix_engine import ACCOUNT, LOT, QUICK, Engine, Stage, run

from thft.fix.wire import Framer, Message, pack
from thft.gateway.limiter import Lane
from thft.model import event as ev
from thft.model.fixed import SIZE_ONE, parse_price
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD, profile

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


async def ended(stage: Stage, engine: Engine, order_id: str, state: str) -> None:
    await stage.until(
        lambda: engine.order(order_id).state in TERMINAL,
        f"end of {order_id}: {engine.order(order_id)}",
        engine,
    )
    assert engine.order(order_id).state == state


def limit(price: str) -> dict[str, Any]:
    return {"type": "limit", "tif": "GTC", "price": parse_price(price)}


def test_a_market_order_is_executed_and_booked_once() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit()
        await ended(stage, engine, order_id, "FILLED")
        (fill,) = engine.journal.events(ev.Fill)
        assert (fill.size, fill.price) == (LOT, parse_price("1.17004"))
        assert fill.exec_id.startswith(f"{engine.order(order_id).venue_order_id}/F2/")
        stage.agree(engine)

    run(story)


def test_parts_and_the_end_of_a_part_filled_order() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="partial", size_percent=30))
        first = engine.submit()
        await ended(stage, engine, first, "CANCELLED")
        assert engine.order(first).cum_size == LOT * 3 // 10
        stage.venue.inject(Fault(do="partial", size_percent=40, rest="fill"))
        second = engine.submit()
        await ended(stage, engine, second, "FILLED")
        assert [fill.size for fill in engine.journal.events(ev.Fill)] == [
            LOT * 3 // 10,
            LOT * 4 // 10,
            LOT * 6 // 10,
        ]
        stage.agree(engine)

    run(story)


def test_a_resting_order_is_cancelled_under_the_requests_id() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit(**limit("1.10000"))
        await stage.until(lambda: engine.order(order_id).state == "ACCEPTED", "acceptance", engine)
        engine.cancel(order_id)
        await ended(stage, engine, order_id, "CANCELLED")
        stage.agree(engine)

    run(story)


def test_a_fill_that_crosses_the_cancel_wins() -> None:
    """The cancel is refused because the order executes; the refusal decides nothing."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit()
        engine.cancel(order_id)
        await ended(stage, engine, order_id, "FILLED")
        stage.agree(engine)

    run(story, made=profile("ctrader").with_quirks(fill_ms=(150, 150)))


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(do="swallow", on="8", times=1)],
        [Fault(do="swallow", on="8", times=2)],
        [Fault(do="swallow", on="8", after=1, times=1)],
        [Fault(do="repeat", on="8", times=3)],
        [Fault(do="lag", on="8", ms=(500, 500), times=2)],
        [Fault(do="drop", on="8", times=1)],
        [Fault(do="reorder", on="8", times=1)],
        [Fault(do="duplicate", on="8", times=2)],
    ],
    ids=[
        "first lost",
        "all lost",
        "fill lost",
        "repeated",
        "late",
        "dropped",
        "reordered",
        "twice",
    ],
)
def test_reports_that_go_wrong_change_nothing_in_the_end(faults: list[Fault]) -> None:
    """Silence makes the order UNKNOWN and asked for; positions are polled beside."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        for fault in faults:
            stage.venue.inject(fault)
        order_id = engine.submit()
        await ended(stage, engine, order_id, "FILLED")
        stage.agree(engine)
        assert sum(kind == "send" for kind, _ in engine.effects) == 1

    run(story)


def test_an_order_that_got_lost_is_unknown_then_proven_never_to_have_arrived() -> None:
    """Only a new session is proof: the client logs on anew for it and repeats nothing."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="ignore"))
        order_id = engine.submit()
        await stage.until(lambda: engine.order(order_id).state == "UNKNOWN", "UNKNOWN", engine)
        denied = engine.submit()
        assert engine.kernel.state.order(denied) is None  # no new risk beside the unknown
        await ended(stage, engine, order_id, "NEVER_ARRIVED")
        assert engine.account_states[-1][2] == 2
        await stage.until(lambda: engine.account == "READY", "READY", engine)
        assert not stage.ledger.orders
        again = engine.submit()
        await ended(stage, engine, again, "FILLED")
        stage.agree(engine)

    run(story, ack_ms=150)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("NOT_ENOUGH_MONEY:Not enough funds", "REJECTED"),
        ("SOMETHING_NEW:nobody knows this text", "NEVER_ARRIVED"),
    ],
)
def test_only_known_words_reject_an_order(text: str, state: str) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.inject(Fault(do="ignore"))
        order_id = engine.submit()
        await stage.until(lambda: stage.venue.faults.done.get("ignore") == 1, "the order", engine)
        (client,) = (one for one in stage.venue.clients if one.terms.name == "trade")
        client.say("j", [(58, text), (379, order_id), (380, "0")])
        await ended(stage, engine, order_id, state)

    run(story, ack_ms=150)


def test_what_the_venue_cannot_be_told_is_denied_not_rejected() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit(type="limit", tif="FOK", price=parse_price("1.17004"))
        await ended(stage, engine, order_id, "DENIED")
        assert "as GTC, GTD, not FOK" in engine.order(order_id).reason
        assert not stage.ledger.orders

    run(story)


def test_an_order_that_waits_too_long_for_the_limit_is_denied() -> None:
    """Three a second: of nine at once three leave in time, none leaves late."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        await asyncio.sleep(1.1)  # what the logon took of the limit is over
        sent = [engine.submit(1 if at % 2 else -1, 1_000 * SIZE_ONE) for at in range(9)]
        await stage.until(
            lambda: all(engine.order(one).state in TERMINAL for one in sent), "ends", engine
        )
        states = [engine.order(one).state for one in sent]
        assert states.count("DENIED") >= 6 and states[0] == "FILLED"
        await asyncio.sleep(1.2)
        assert len(stage.ledger.orders) == states.count("FILLED")
        stage.agree(engine)

    run(story, timing=replace(QUICK, answer_s=4, poll_s=30), executions_per_s=3, order_ttl_ms=300)


def test_an_order_while_the_line_is_cut_is_denied_or_found() -> None:
    """Sent into a dying socket: UNKNOWN, asked for at the next logon, there once or not at all."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        for at in range(12):
            stage.venue.inject(Fault(do="cut", link="trade"))
            if at % 2:
                await asyncio.sleep(0)
            order_id = engine.submit(1 if at % 4 < 2 else -1)
            await stage.until(
                lambda one=order_id: (
                    engine.kernel.state.order(one) is None  # type: ignore[misc]
                    or engine.order(one).state in TERMINAL
                ),
                f"end of {order_id}",
                engine,
            )
            await stage.until(lambda: engine.account == "READY", "READY", engine)
        stage.agree(engine)

    run(story, ack_ms=100, timing=replace(QUICK, cap_ms=40))


@pytest.mark.parametrize("reported", [True, False], ids=["reported", "not yet reported"])
def test_a_killed_engine_finds_its_orders_again(reported: bool) -> None:
    """A resting order and a position; the next engine has the journal alone."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        bought = engine.submit()
        await ended(stage, engine, bought, "FILLED")
        if not reported:
            stage.venue.inject(Fault(do="swallow", on="8", times=0, for_s=0.2))
        resting = engine.submit(**limit("1.10000"))
        await stage.until(lambda: len(stage.ledger.orders) == 2, "the order", engine)
        if reported:
            await stage.until(lambda: engine.order(resting).state == "ACCEPTED", "ack", engine)
        await stage.over(engine)
        stage.tick(bid="1.09990", ask="1.09995")  # it executes while nobody is there
        engine.client.stop()
        after = stage.engine(kernel=engine.kernel, journal=engine.journal)
        await stage.until(lambda: after.account == "READY", "READY", after)
        assert after.order(resting).state == "FILLED"
        assert set(after.effects) == {("query", resting)}
        stage.agree(after)

    run(story)


def test_an_order_by_hand_halts_the_account() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.trade_by_hand("1000002", "EURUSD", 1, LOT)
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        reason = engine.kernel.state.accounts[ACCOUNT].reason
        assert "which this engine never sent" in reason
        order_id = engine.submit()
        assert engine.kernel.state.order(order_id) is None

    run(story)


def test_a_position_that_is_not_booked_here_halts_the_account() -> None:
    async def story(stage: Stage) -> None:
        stage.tick()
        stage.venue.trade_by_hand("1000002", "EURUSD", 1, LOT)
        engine = stage.engine()
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        said = engine.account_states[-1][1]
        assert "EURUSD: 10000 at the venue, 0 booked here" in said

    run(story)


def test_an_account_that_may_not_trade_is_degraded_with_the_venues_words() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        stage.venue.profile.logins[1].state = "read_only"
        order_id = engine.submit()
        await ended(stage, engine, order_id, "REJECTED")
        assert engine.account == "DEGRADED"
        assert "CHANNEL_IS_BLOCKED" in engine.account_states[-1][1]

    run(story)


def test_what_waits_when_the_session_says_logout_expires_at_once() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        failed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: failed.append(what))
        channel, expired = engine.client.quotes.channel, []
        assert channel is not None
        for at in range(100):
            body = pack([(320, f"late{at}"), (559, "1")])
            channel.send(Lane.DATA, "x", body, expired=lambda at=at: expired.append(at))  # type: ignore[misc]
        channel.relog("a test")
        await stage.until(lambda: engine.feed != "READY", "the end", engine)
        await stage.until(lambda: engine.feed == "READY", "READY again", engine)
        assert expired == list(range(100))
        assert not failed

    run(story)


class Tap:
    """Stands in the wire of all sessions and notes when each message of ours passes."""

    def __init__(self) -> None:
        self.passed: list[tuple[float, str]] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Future[None]] = []

    async def listen(self, to: int) -> int:
        """Listens for one link; returns the port."""

        async def tapped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            theirs, ours = await asyncio.open_connection("127.0.0.1", to)
            self._tasks.append(asyncio.ensure_future(self._pump(reader, ours, Framer())))
            self._tasks.append(asyncio.ensure_future(self._pump(theirs, writer, None)))

        server = await asyncio.start_server(tapped, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framer: Framer | None
    ) -> None:
        loop = asyncio.get_running_loop()
        while chunk := await reader.read(1 << 16):
            if framer is not None:
                for unit in framer.feed(chunk):
                    assert isinstance(unit, Message)
                    self.passed.append((loop.time(), unit.type))
            writer.write(chunk)

    def most(self, kinds: str) -> int:
        """The most messages of these types in any second."""
        times = [at for at, kind in self.passed if kind in kinds.split()]
        return max(
            sum(first <= other < first + 1.0 for other in times[at:])
            for at, first in enumerate(times)
        )

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for server in self._servers:
            server.close()


def test_on_the_wire_no_second_has_more_than_the_limits_and_orders_pass_a_flood() -> None:
    """Bursts of orders and of subscriptions on both sessions at once, for three seconds."""

    async def story(stage: Stage) -> None:
        tap = Tap()
        ports = {link: await tap.listen(to) for link, to in stage.settings.ports.items()}
        engine = await stage.ready(ports=ports)
        channel = engine.client.quotes.channel
        assert channel is not None
        loop, waits, sent = asyncio.get_running_loop(), [], []
        for burst in range(12):
            for at in range(40):
                body = pack([(320, f"flood{burst}-{at}"), (559, "1")])
                channel.send(Lane.DATA, "x", body)
            for at in range(burst % 5 * 3):
                began = loop.time()
                order_id = engine.submit(1 if at % 2 else -1, 1_000 * SIZE_ONE)
                sent.append(order_id)
                waits.append(loop.time() - began)
            await asyncio.sleep(0.25)
        await stage.until(
            lambda: all(engine.order(one).state in TERMINAL for one in sent), "ends", engine
        )
        assert 10 < tap.most("D F H AF AN") <= 20
        assert 30 < tap.most("x V") <= 50
        filled = [one for one in sent if engine.order(one).state == "FILLED"]
        assert len(filled) > 20
        assert sorted(waits)[len(waits) // 2] < 0.02
        stage.agree(engine)
        tap.close()

    run(story, executions_per_s=20, data_per_s=50, order_ttl_ms=400)


@pytest.mark.parametrize("lacks", [14, 39])
def test_a_report_without_what_decides_books_nothing_and_is_asked_for(lacks: int) -> None:
    """The order stays in doubt: it is neither filled nor ended nor sent again."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        order_id = engine.submit()
        await stage.until(lambda: engine.order(order_id).state == "UNKNOWN", "doubt", engine)
        await stage.until(lambda: engine.order(order_id).queries > 0, "question", engine)
        await stage.until(lambda: engine.account != "READY", "an account that is not READY", engine)
        assert any(
            fault == "malformed" and f"tag {lacks}" in said for _, fault, said in engine.faults
        )
        assert not engine.journal.events(ev.Fill)
        assert engine.order(order_id).state not in TERMINAL
        assert len(stage.ledger.orders) == 1

    made = profile("ctrader")
    run(story, made=made.with_quirks(omits=made.quirks.omits | {lacks}))


def test_a_list_of_orders_that_does_not_say_how_many_is_not_taken_for_all() -> None:
    """911 missing is not 911=0: such an account never counts as one without orders."""

    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        engine.submit(**limit("1.10000"))
        await stage.until(lambda: len(stage.ledger.working) == 1, "order", engine)
        fresh = stage.engine(sender_sub_id="other")
        await stage.until(
            lambda: any("tag 911" in said for _, _, said in fresh.faults), "fault", fresh
        )
        waiting = "orders incomplete"
        await stage.until(
            lambda: any(waiting in said for _, said, _ in fresh.account_states), waiting, fresh
        )
        assert fresh.account == "SYNCING"

    made = profile("ctrader")
    run(story, made=made.with_quirks(omits=made.quirks.omits | {911}))


def test_a_position_without_a_size_is_not_taken_for_none() -> None:
    """The venue says it in a field of its own, which nobody knows."""

    async def story(stage: Stage) -> None:
        stage.tick()
        stage.venue.trade_by_hand("1000002", "EURUSD", 1, LOT)
        words = stage.venue._inquiries._accounts
        honest = words.position

        def elsewhere(*asked: Any) -> Any:
            return [
                (9_999 if tag == 702 else tag, "1" if tag == 702 else value)
                for tag, value in honest(*asked)
            ]

        words.position = elsewhere  # type: ignore[method-assign, assignment]
        engine = stage.engine()
        said = "a position without LongQty(704) and ShortQty(705)"
        await stage.until(
            lambda: any(said in reason for _, reason, _ in engine.account_states), said, engine
        )
        assert engine.account == "SYNCING"

    run(story)
