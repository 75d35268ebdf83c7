"""What an EA must not say: each has its reason in words, trades nothing and costs nothing.

Beside this: who is not let in, repeated frames, wrong lines, unknown symbols and a changed contract
size in test_metatrader_bridge; findings of a configuration in tests/unit/gateway.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterator

import pytest
from tests.venue.fix_engine import Engine
from tests.venue.metatrader_stage import KEY, MICRO, SETTINGS, Stage, run

from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol.frames import FIRST_BYTES, line_of
from thft.model import event as ev
from thft.model.fixed import parse_price
from thft.sim.metatrader.expert import Expert
from thft.sim.metatrader.terminal import Terminal, symbol_terms

OTHER_KEY = bytes(32)
OTHER = "51005678"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    monkeypatch.setenv("THFT_TEST_OTHER_KEY", OTHER_KEY.hex())
    yield


def signed(expert: Expert, name: str, *fields: object) -> bytes:
    """Returns the next frame of an EA, signed as it must be."""
    assert expert._keys is not None
    body = "|".join(map(str, (expert._out + 1, name, *fields)))
    return line_of(k.signed(expert._keys.frames_ea, body))


def bare(expert: Expert, name: str, *fields: object) -> bytes:
    """Returns the next frame of an EA without a signature."""
    return line_of("|".join(map(str, (expert._out + 1, name, *fields))))


def coded(body: bytes) -> bytes:
    """Returns a line with the right length and checksum of any bytes."""
    return b"%d|%08x|%b\n" % (len(body), zlib.crc32(body), body)


def ticks(expert: Expert, *fields: object) -> bytes:
    return bare(expert, "TICKS", 1, expert._pumps[1].next, 0, 1, *fields)


def order_row(req: int) -> list[object]:
    return [req, 7, "EURUSD", "buy_limit", "placed", "0.01", "0.01", "1.1", *[""] * 9]


TERMS = (5, "0.00001", "0.00001", 1, 7, "0.01", 100, "0.01", 0, 0, 3, "market", "full", *["X"] * 3)
Bad = Callable[[Expert], bytes]
FRAMES: dict[str, tuple[Bad, str]] = {
    "a body that is no UTF-8": (
        lambda one: coded(b"%d|GAP|1|1|2|\xff\xfe|mac" % (one._out + 1)),
        "a body that is no UTF-8 text",
    ),
    "a frame over the size": (lambda one: b"1" * 65_537, "a line longer than 65536 bytes"),
    "a type of the engine": (
        lambda one: signed(one, "DELETE", "id", 1, 7, 0, 0),
        "an unknown type",
    ),
    "a type that is none": (lambda one: signed(one, "TICK", 1), "an unknown type"),
    "a second HELLO": (lambda one: one.sent[0], "HELLO while OPEN"),
    "a second AUTH": (lambda one: bare(one, "AUTH", "0" * 64), "AUTH while OPEN"),
    "too few fields": (lambda one: signed(one, "GONE", "order"), "GONE: 1 fields, 2 are due"),
    "too many fields": (lambda one: signed(one, "ACK", 1, 2), "ACK: 2 fields, 1 are due"),
    "a number that is none": (lambda one: signed(one, "ACK", "1e3"), "is no whole number"),
    "a truth that is none": (
        lambda one: signed(one, "END", 1, 0, 0, 0, "yes", 0),
        "is neither 0 nor 1",
    ),
    "a price that is none": (
        lambda one: ticks(one, one.terminal.now_ms(), "nan", "1.2", "", "", 6),
        "'nan' is not a decimal number",
    ),
    "no tick at all": (lambda one: ticks(one), "are no 1 to 256 ticks"),
    "a tick that skips a number": (
        lambda one: bare(one, "TICKS", 1, 10_000, 0, 1, 1, "1.1", "1.2", "", "", 6),
        "ticks of EURUSD from number 10000 on",
    ),
    "ticks nobody asked for": (
        lambda one: bare(one, "TICKS", 9, 1, 0, 1, 1, "1.1", "1.2", "", "", 6),
        "subscription 9, which nobody asked for",
    ),
    "the result of no command": (
        lambda one: signed(one, "RESULT", 9_999, "zz-1-1", "done", 10009, 1, 1, 1, *[""] * 5),
        "RESULT to command 9999",
    ),
    "a row of no question": (
        lambda one: signed(one, "ORDERROW", *order_row(9_999)),
        "an answer to question 9999",
    ),
    "a frame without its signature": (lambda one: bare(one, "ACK", 1), "ACK with a wrong MAC"),
    "a symbol under another's number": (
        lambda one: signed(one, "SYMBOL", 1, "GBPUSD", *TERMS),
        "SYMBOL of 'GBPUSD' where EURUSD was asked for",
    ),
    "no symbol under another's number": (
        lambda one: signed(one, "NOSYMBOL", 1, "GBPUSD", "none"),
        "NOSYMBOL of 'GBPUSD' where EURUSD was asked for",
    ),
}


async def traded(stage: Stage) -> tuple[Engine, Expert, str]:
    """Returns a READY engine with a position and a resting order, and the order's id."""
    engine, expert = await stage.ready()
    position = engine.submit(size=MICRO)
    resting = engine.submit(size=MICRO, type="limit", tif="GTC", price=parse_price("1.10000"))
    await stage.until(lambda: engine.order(position).state == "FILLED", "the fill", engine)
    await stage.until(lambda: engine.order(resting).state == "ACCEPTED", "acceptance", engine)
    return engine, expert, resting


async def survived(stage: Stage, engine: Engine, reason: str) -> None:
    """The reason is told, the connection comes back, and everything is as it was."""
    before = stage.terminal.sends
    await stage.until(
        lambda: any(state == "OFFLINE" and reason in said for state, said in engine.feed_states),
        reason,
        engine,
    )
    assert any(reason in said for _, said, _ in engine.account_states)
    for bid in ("1.16999", "1.16998", "1.16997"):  # while nobody listens, or just after
        stage.tick(bid=bid)
    await stage.settled(engine)
    assert stage.terminal.sends == before
    stage.agree(engine)
    ticks = [tick.bid for tick in stage.terminal.plays["EURUSD"].ticks]

    def whole() -> bool:
        bids = [quote[1] for quote in engine.quotes if quote[0] == 1]
        return bids == ticks[-len(bids) :]

    await stage.until(whole, "every tick once", engine)
    assert not engine.faults


@pytest.mark.parametrize("bad", FRAMES)
def test_a_wrong_frame_ends_its_connection_and_nothing_else(bad: str) -> None:
    frame, reason = FRAMES[bad]

    async def story(stage: Stage) -> None:
        engine, expert, resting = await traded(stage)
        terms = dict(engine.client.orders.terms_by_name)  # type: ignore[attr-defined]
        expert.raw(frame(expert))
        await survived(stage, engine, reason)
        order = engine.order(resting)
        assert (order.state, order.cum_size) == ("ACCEPTED", 0)
        assert engine.client.orders.terms_by_name == terms  # type: ignore[attr-defined]
        assert len(engine.journal.events(ev.Fill)) == 1

    run(story)


def test_a_frame_of_another_accounts_ea_proves_nothing_here() -> None:
    async def story(stage: Stage) -> None:
        engine, expert, resting = await traded(stage)
        shared = {"bridges": stage.bridges, "tasks": stage.tasks, "experts": stage.experts}
        other = Stage(Terminal(), **shared)  # type: ignore[arg-type]
        for name in other.terminal.plays:
            other.tick(name)
        there = await other.engine(login=OTHER, key_id="k2", key="env:THFT_TEST_OTHER_KEY")
        foreign = other.expert(account=OTHER, key_id="k2", key=OTHER_KEY)
        await other.settled(there)
        foreign_order = there.submit(size=MICRO)
        await other.until(lambda: there.order(foreign_order).state == "FILLED", "a fill", there)
        deal = next(line for line in foreign.sent if b"|DEALROW|" in line)
        expert.raw(deal)
        await survived(stage, engine, "DEALROW with a wrong MAC")
        assert engine.order(resting).state == "ACCEPTED"
        assert len(engine.journal.events(ev.Fill)) == 1
        assert there.feed == "READY"

    run(story)


def test_a_frame_of_an_earlier_connection_proves_nothing_here() -> None:
    async def story(stage: Stage) -> None:
        engine, expert, resting = await traded(stage)
        deal = next(line for line in expert.sent if b"|DEALROW|" in line)
        expert.cut()
        await stage.until(lambda: expert.connections == 2, "the next connection")
        await stage.settled(engine)
        expert.raw(deal)
        await survived(stage, engine, "DEALROW with a wrong MAC")
        assert engine.order(resting).state == "ACCEPTED"
        assert len(engine.journal.events(ev.Fill)) == 1

    run(story)


HELLO = ("1", "5", "k1", "0" * 32, "1" * 32, SETTINGS.login, SETTINGS.server, "C", "USD", 100)
REST = ("netting", 5_000, "x", 1, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (coded(b"1|HELLO|1|\xff"), "a body that is no UTF-8 text"),
        (b"1" * (FIRST_BYTES + 1), f"a line longer than {FIRST_BYTES} bytes"),
        (line_of("1|OPEN|a|b"), "an unknown type"),
        (line_of("1|AUTH|" + "0" * 64), "AUTH while WAITING"),
        (line_of("1|DEALROW|0|1"), "DEALROW while WAITING"),
        (line_of("1|HELLO|" + "|".join(map(str, HELLO))), "HELLO: 10 fields, 15 are due"),
        (line_of("2|HELLO|" + "|".join(map(str, (*HELLO, *REST)))), "number 2 instead of 1"),
        (line_of("1|HELLO|0|5"), "speaks version 0, this engine speaks version 1"),
        (line_of("1|HELLO||5"), "speaks version , this engine speaks version 1"),
        (
            line_of("1|HELLO|" + "|".join(map(str, (*HELLO[:3], "abc", *HELLO[4:], *REST)))),
            "session and nonce are 32 hex digits",
        ),
    ],
)
def test_a_beginning_that_is_none_is_told_at_the_node(line: bytes, reason: str) -> None:
    async def story(stage: Stage) -> None:
        for name in stage.terminal.plays:
            stage.tick(name)
        engine = await stage.engine()
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(line)
        await reader.read()
        writer.close()
        await stage.until(lambda: reason in engine.feed_states[-1][1], reason, engine)
        assert engine.feed_states[-1][0] == engine.account_states[-1][0] == "OFFLINE"
        assert reason in engine.account_states[-1][1]
        stage.expert()
        await stage.settled(engine)  # the real one comes in all the same

    run(story)


def test_two_symbols_are_not_mixed_up_by_terms() -> None:
    """What is counted in lots follows the terms of its own symbol."""

    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        terms = symbol_terms("GBPUSD")._replace(sub=2)
        expert.send(terms._replace(volume_step=10 * terms.volume_step))
        await stage.until(
            lambda: engine.client.orders.terms_by_name["GBPUSD"].volume_step > terms.volume_step,  # type: ignore[attr-defined]
            "new terms",
            engine,
        )
        mine, other = engine.submit(size=MICRO), engine.submit(size=MICRO, instrument=2)
        await stage.until(lambda: engine.order(mine).state == "FILLED", "the fill", engine)
        assert engine.order(other).state == "DENIED"
        assert "in steps of 0.1" in engine.order(other).reason

    run(story)
