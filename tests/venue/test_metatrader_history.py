"""Questions for history: from the door of an engine over its bridge to a terminal, and back."""

from __future__ import annotations

import asyncio
import csv
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.venue.fix_engine import ACCOUNT, NAMES
from tests.venue.history_asker import HOUR_MS, Asker
from tests.venue.metatrader_stage import KEY, MICRO, Stage, run
from tests.venue.test_metatrader_orders import ended

from thft.cli.history_asked import History, NoAnswer
from thft.gateway.metatrader.answers import MOST_ROWS
from thft.gateway.metatrader.history import door
from thft.gateway.metatrader.history.door import short_path
from thft.gateway.metatrader.protocol import records as r
from thft.model.codec import EVENT_NAMES
from thft.model.fixed import ABSENT, MONEY_ONE, SIZE_ONE, parse_price
from thft.sim.metatrader.expert import CHUNK, Expert
from thft.sim.metatrader.faults import Fault
from thft.sim.metatrader.terminal import Terminal


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


def deal(terminal: Terminal, ago_ms: int, symbol: str = "EURUSD", **changes: Any) -> r.DealRow:
    """Adds a deal of the past, as another program's would be; returns it."""
    ticket = 50_000 + len(terminal.deals)
    price, volume = parse_price("1.17"), SIZE_ONE // 100
    row = r.DealRow(
        *(0, ticket, ticket, ticket, symbol, "buy", "in", volume, price),
        *(terminal.now_ms() - ago_ms, -MONEY_ONE // 2, 0, 0, 0, 0, ""),
    )._replace(**changes)
    terminal.deals.append(row)
    return row


def tickets(found: History) -> list[int]:
    return [int(row["ticket"]) for row in found.rows if row["kind"] == "deal"]


def test_time_and_symbol_decide_what_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        old, mid, new = (deal(stage.terminal, hours * HOUR_MS) for hours in (50, 20, 2))
        other = deal(stage.terminal, 10 * HOUR_MS, "GBPUSD")
        foreign = deal(stage.terminal, 5 * HOUR_MS, "XAUUSD")
        deposit = deal(stage.terminal, 4 * HOUR_MS, "", type="balance", price=ABSENT)
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, tmp_path)
        all_new = [one.ticket for one in (mid, other, foreign, deposit, new)]
        assert tickets(await asker.ask(24 * HOUR_MS)) == all_new
        assert tickets(await asker.ask(100 * HOUR_MS))[0] == old.ticket
        only = await asker.ask(24 * HOUR_MS, symbols=["EURUSD"])
        assert tickets(only) == [mid.ticket, new.ticket]
        two = await asker.ask(24 * HOUR_MS, symbols=["EURUSD", "GBPUSD"])
        assert tickets(two) == [mid.ticket, other.ticket, new.ticket]
        utc_ms = [one.time_server - stage.terminal.offset_ms for one in (mid, new)]
        edge = await asker.ask(from_ms=utc_ms[0], to_ms=utc_ms[1])  # from counts, to does not
        assert tickets(edge) == all_new[:-1]
        assert (await asker.ask(1_000)).rows == []
        row = only.rows[0]
        assert (row["lots"], row["units"], row["profit"]) == ("0.01", "1000", "-0.5")
        assert row["time_server"] > row["time_utc"]
        foreign_row = next(one for one in (await asker.ask(9 * HOUR_MS)).rows)
        assert (foreign_row["symbol"], foreign_row["units"]) == ("", "")

    run(story)


def test_our_own_orders_carry_their_ids(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, tmp_path)
        ours = engine.submit(size=MICRO)
        await stage.until(lambda: bool(engine.kernel.state.legs(ACCOUNT)), "a fill", engine)
        count = len(engine.journal.frames)
        found = await asker.ask()
        written = {EVENT_NAMES[frame.type] for frame in engine.journal.frames[count:]}
        assert written <= {"MetricSnapshot"}, "history is no event"
        assert {row["client_order_id"] for row in found.rows} == {ours}
        assert [row["kind"] for row in found.rows] == ["deal", "order"]
        assert [row["kind"] for row in (await asker.ask(orders=False)).rows] == ["deal"]
        assert [row["kind"] for row in (await asker.ask(deals=False)).rows] == ["order"]

    run(story)


def test_two_questions_of_several_chunks_are_answered_one_after_the_other(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        made = [deal(stage.terminal, HOUR_MS - number).ticket for number in range(3 * CHUNK + 7)]
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, tmp_path)
        one, two = await asyncio.gather(asker.ask(2 * HOUR_MS), asker.ask(2 * HOUR_MS))
        assert tickets(one) == tickets(two) == made
        assert one.complete
        assert engine.account == "READY"

    run(story)


async def amid(stage: Stage, expert: Expert) -> None:
    """Waits until some chunks of a history are sent, and not all."""
    await stage.until(lambda: expert.rows_sent >= CHUNK, "a chunk")


def test_a_cut_amid_the_chunks_is_asked_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        made = [deal(stage.terminal, HOUR_MS - number).ticket for number in range(8 * CHUNK)]
        engine, expert = await stage.ready(timer_s=0.03)
        asker = Asker(stage, engine, tmp_path)
        asked = asyncio.ensure_future(asker.ask(2 * HOUR_MS))
        await amid(stage, expert)
        expert.cut()
        assert tickets(await asked) == made
        assert expert.connections == 2

    run(story)


def test_a_terminal_that_stays_away_amid_the_chunks_is_said(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(8 * CHUNK):
            deal(stage.terminal, HOUR_MS - number)
        engine, expert = await stage.ready(timer_s=0.03)
        asker = Asker(stage, engine, tmp_path)
        asker.account.history.quiet_s = 0.3
        asked = asyncio.ensure_future(asker.ask(2 * HOUR_MS))
        await amid(stage, expert)
        expert.stop()
        with pytest.raises(NoAnswer, match=r"nothing from the terminal.*lost.*after \d+ rows"):
            await asked

    run(story)


def test_an_order_in_doubt_goes_first_and_both_are_answered(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        made = [deal(stage.terminal, HOUR_MS - number).ticket for number in range(8 * CHUNK)]
        engine, expert = await stage.ready(timer_s=0.03)
        asked = asyncio.ensure_future(Asker(stage, engine, tmp_path).ask(2 * HOUR_MS))
        await amid(stage, expert)
        stage.terminal.faults.arm(Fault(do="lost"))  # executed, and the EA dies before it says so
        order_id = engine.submit(size=MICRO)
        found = await asked
        assert tickets(found)[:-1] == made
        assert found.rows[-1]["client_order_id"] == order_id
        await ended(stage, engine, order_id, "FILLED")
        assert expert.connections == 2
        stage.agree(engine)

    run(story)


def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.engine()
        asker = Asker(stage, engine, tmp_path)
        with pytest.raises(NoAnswer, match="offline: no EA has connected yet"):
            await asker.ask()
        for name in NAMES:
            stage.tick(name)
        stage.expert()
        await stage.settled(engine)
        with pytest.raises(NoAnswer, match=r"has no symbol 'EURUSDx', it has EURUSD \(EURUSD\)"):
            await asker.ask(symbols=["EURUSDx"])
        with pytest.raises(NoAnswer, match="'other' is no account of MetaTrader 5 in the running"):
            await asker.ask(account="other")
        with pytest.raises(NoAnswer, match="no account of MetaTrader 4 in the running"):
            await asker.ask(platform="4")
        with pytest.raises(NoAnswer, match="the end is not after the begin"):
            await asker.ask(to_ms=1)
        for beyond in ({"from_ms": -1}, {"from_ms": 1 << 50}, {"to_ms": 1 << 50}):
            with pytest.raises(NoAnswer, match="a time beyond all calendars"):
                await asker.ask(**beyond)
        stage.terminal.connected = False
        assert not (await asker.ask()).complete

    run(story)


def test_a_server_whose_clock_stands_is_not_asked(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.engine()
        asker = Asker(stage, engine, tmp_path)
        stage.expert()
        await stage.until(lambda: asker.account.link is not None, "an EA", engine)
        with pytest.raises(NoAnswer, match="the server's offset from UTC is not known yet"):
            await asker.ask(platform="4")

    began_ns = time.time_ns()
    standing = Terminal(platform="4", clock_ns=lambda: began_ns)
    run(story, standing, model="hedging")


def test_many_programs_at_once_are_bounded(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, tmp_path)
        assert (await asker.ask()).rows == []
        guests = [await _dial(tmp_path) for _ in range(door.GUESTS)]
        await stage.until(lambda: len(asker.door.guests) == door.GUESTS, "guests", engine)
        with pytest.raises(NoAnswer, match="16 programs ask for history already"):
            await asker.ask()
        for _, writer in guests:
            writer.close()
        await stage.until(lambda: not asker.door.guests, "their end", engine)
        assert (await asker.ask()).rows == []

    run(story)


@pytest.mark.slow
def test_as_many_rows_as_an_answer_may_have(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(MOST_ROWS):
            deal(stage.terminal, 2 * HOUR_MS - number)
        engine, expert = await stage.ready()
        began_s = time.monotonic()
        found = await Asker(stage, engine, tmp_path).ask(3 * HOUR_MS)
        print(f"{len(found.rows)} rows in {time.monotonic() - began_s:.1f} s")
        assert tickets(found) == [row.ticket for row in stage.terminal.deals]
        assert (engine.account, expert.connections) == ("READY", 1)

    run(story)


def test_more_rows_than_an_answer_may_have_cost_no_connection(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        row = deal(stage.terminal, HOUR_MS)
        stage.terminal.deals.extend([row] * MOST_ROWS)
        engine, expert = await stage.ready()
        asker = Asker(stage, engine, tmp_path)
        with pytest.raises(NoAnswer, match="100001 rows, more than 100000 — ask for less time"):
            await asker.ask(2 * HOUR_MS)
        engine.submit(size=MICRO)
        legs = engine.kernel.state.legs
        await stage.until(lambda: bool(legs(ACCOUNT)), "a fill amid rows nobody wants", engine)
        assert expert.connections == 1

    run(story)


def test_who_hangs_up_has_withdrawn_and_nonsense_is_refused(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(8 * CHUNK):
            deal(stage.terminal, HOUR_MS - number)
        engine, expert = await stage.ready(timer_s=0.03)
        asker = Asker(stage, engine, tmp_path)
        assert (await asker.ask(1_000)).rows == []
        reader, writer = await _dial(tmp_path)
        writer.write(json.dumps({"account": ACCOUNT}).encode() + b"\n")
        said = json.loads(await reader.readline())
        assert said["kind"] == "failed" and "platform" in said["words"]
        for nonsense in (b"\xff\n", b"[" * 70_000 + b"\n", b"{}\n"):
            reader, writer = await _dial(tmp_path)
            writer.write(nonsense)
            assert json.loads(await reader.readline())["kind"] == "failed"
        reader, writer = await _dial(tmp_path)
        request = asker.request(2 * HOUR_MS)
        fields = {name: getattr(request, name) for name in ("account", "platform", "from_ms")}
        writer.write(json.dumps(fields).encode() + b"\n")
        await amid(stage, expert)
        writer.transport.abort()
        assert len((await asker.ask(2 * HOUR_MS)).rows) == 8 * CHUNK

    run(story)


def test_who_does_not_read_is_let_go(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for number in range(20_000):
            deal(stage.terminal, HOUR_MS - number)
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, tmp_path, patience_s=0.2)
        assert (await asker.ask(1_000)).rows == []
        request = {"account": ACCOUNT, "platform": "5", "from_ms": 0}
        line = socket.socket(socket.AF_UNIX)
        with line, short_path(tmp_path) as place:
            line.connect(place)
            line.send(json.dumps(request).encode() + b"\n")
            assert len((await asker.ask(2 * HOUR_MS)).rows) == 20_000
            await stage.until(lambda: not asker.door.guests, "the end of who does not read")

    run(story)


async def _dial(directory: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    line = socket.socket(socket.AF_UNIX)
    with short_path(directory) as place:
        line.connect(place)
    line.setblocking(False)
    return await asyncio.open_unix_connection(sock=line)


def test_a_core_that_ends_leaves_no_trace_of_who_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        for number in range(8 * CHUNK):
            deal(stage.terminal, HOUR_MS - number)
        engine, expert = await stage.ready(timer_s=0.03)
        asker = Asker(stage, engine, tmp_path)
        waits = asyncio.ensure_future(asker.ask(2 * HOUR_MS))
        await amid(stage, expert)
        asker.door.stop()
        with pytest.raises(NoAnswer, match="the core ended amid its answer, after 0 rows"):
            await waits
        assert not (tmp_path / door.SOCKET).exists()

    run(story)
    assert not caplog.records


def test_the_door_is_its_owners_alone_under_any_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / door.SOCKET).write_text("left by a core that was killed")

    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        asker = Asker(stage, engine, deep)
        await stage.until((deep / door.SOCKET).is_socket, "a door")
        assert (deep / door.SOCKET).stat().st_mode & 0o777 == 0o600
        assert (await asker.ask()).rows == []

    run(story)


def test_hostile_comments_are_no_formulas(tmp_path: Path) -> None:
    from thft.cli.history import _csv

    words = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", 'a,"b"', "[red]bold[/red]"]

    async def story(stage: Stage) -> None:
        for number, word in enumerate(words):
            deal(stage.terminal, HOUR_MS - number, comment=word)
        engine, _ = await stage.ready()
        found = await Asker(stage, engine, tmp_path).ask(2 * HOUR_MS)
        told = list(csv.DictReader(_csv(found.rows).splitlines()))
        assert [row["comment"] for row in told] == [
            *("'=1+1", "'+1", "'-1", "'@SUM(A1)", "' =1", 'a,"b"', "[red]bold[/red]")
        ]
        assert {row["profit"] for row in told} == {"-0.5"}

    run(story)
