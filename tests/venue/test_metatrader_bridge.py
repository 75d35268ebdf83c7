"""Who gets in at the MetaTrader bridge and what ends a connection; ticks over bursts and cuts."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.seeds import seeded
from tests.venue.fix_engine import ACCOUNT, FEED, Engine
from tests.venue.metatrader_stage import KEY, MICRO, Stage, run

from thft.gateway.metatrader.bridge import TOLD_PER_S, WAITING_PER_ADDRESS
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import line_of
from thft.gateway.metatrader.quotes import place_of
from thft.gateway.metatrader.settings import BridgeSettings
from thft.model import event as ev
from thft.model.fixed import SIZE_ONE, parse_price
from thft.sim.metatrader.expert import Expert
from thft.sim.metatrader.terminal import Terminal


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


async def refused(stage: Stage, engine: Engine, expert: Expert, said: str, reason: str) -> None:
    """The EA hears `said`, the node shows `reason`, nobody gets in."""
    await stage.until(lambda: any(said in one for one in expert.said), said, engine)
    await stage.until(lambda: reason in engine.feed_states[-1][1], reason, engine)
    assert engine.feed_states[-1][0] == engine.account_states[-1][0] == "OFFLINE"
    assert not engine.quotes


@pytest.mark.parametrize(
    ("changes", "said", "reason"),
    [
        ({"key": bytes(32)}, "AUTH: key, account or server refused", "wrong key"),
        ({"key_id": "k2"}, "AUTH: key, account or server refused", "names key 'k2', not 'k1'"),
        ({"account": "77"}, "AUTH: key, account or server refused", "account 77 of MetaTrader 5"),
        ({"server": "Other"}, "AUTH: key, account or server refused", "on server 'Other'"),
        ({"version": "2"}, "VERSION: this engine speaks version 1", "speaks version 2"),
    ],
)
def test_who_is_not_let_in(changes: dict[str, Any], said: str, reason: str) -> None:
    async def story(stage: Stage) -> None:
        stage.tick()
        engine = await stage.engine()
        expert = stage.expert(**changes)
        await refused(stage, engine, expert, said, reason)

    run(story)


def test_a_hedging_account_is_not_traded_as_a_netting_one() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.engine()
        expert = stage.expert()
        await refused(stage, engine, expert, "MODE", "this is a hedging account")

    run(story, Terminal(hedging=True))


def test_a_recorded_connection_proves_nothing_later() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        recorded = list(expert.sent[:8])
        expert.stop()
        await stage.until(lambda: engine.feed == "OFFLINE", "the end", engine)
        count = len(engine.quotes)
        for lines in (recorded, recorded[:1]):
            reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
            writer.write(b"".join(lines))
            assert b"|REJECT|AUTH|" in await reader.read()
            writer.close()
        await stage.until(lambda: "replayed" in engine.feed_states[-1][1], "the reason", engine)
        assert len(engine.quotes) == count

    run(story)


def test_a_repeated_frame_ends_the_connection_and_trades_nothing() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        before = expert.connections
        frame = next(line for line in expert.sent if b"|HEART|" in line)
        expert.raw(frame)
        await stage.until(
            lambda: any("HEART with number" in reason for _, reason in engine.feed_states),
            "the reason",
            engine,
        )
        await stage.settled(engine)
        assert expert.connections == before + 1
        assert stage.terminal.sends == 0

    run(story)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello\n", "without length and checksum"),
        (b"5|00000000|1|BYE\n", "a wrong checksum"),
        (b"9|00000000|1|BYE\n", "a body of 5 bytes that says 9"),
        (b"x" * 70_000, "a line longer than"),
    ],
)
def test_a_wrong_line_is_told_and_ends_its_connection_alone(line: bytes, reason: str) -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(line[:10])
        writer.write(line[10:])
        await reader.read()
        writer.close()
        await stage.until(lambda: any(reason in one for one in stage.reports), reason)
        assert (engine.feed, expert.connections) == ("READY", 1)
        expert.raw(line)
        await stage.until(
            lambda: any(reason.split(" of")[0] in one for _, one in engine.feed_states),
            reason,
            engine,
        )
        await stage.settled(engine)

    run(story)


def test_too_many_strangers_are_closed_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.engine()
        writers = []
        for _ in range(WAITING_PER_ADDRESS):
            writers.append((await asyncio.open_connection("127.0.0.1", stage.port))[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        assert await asyncio.wait_for(reader.read(), 5.0) == b""
        for one in (*writers, writer):
            one.close()

    run(story)


def test_a_second_ea_of_an_account_replaces_the_first() -> None:
    async def story(stage: Stage) -> None:
        engine, first = await stage.ready()
        second = stage.expert()
        await stage.until(lambda: any("REPLACED" in one for one in first.said), "REPLACED")
        await stage.settled(engine)
        assert (first.connections, second.connections) == (1, 1)

    run(story)


def test_a_half_open_line_is_found_and_an_order_on_it_is_asked_for() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        expert.deaf = True  # the line takes everything and says nothing
        order_id = engine.submit(size=MICRO)
        await stage.until(lambda: engine.order(order_id).state == "UNKNOWN", "UNKNOWN", engine)
        await stage.until(lambda: engine.feed == "OFFLINE", "the drop", engine)
        assert "although pinged" in engine.feed_states[-1][1]
        expert.cut()
        await stage.until(lambda: engine.order(order_id).state == "NEVER_ARRIVED", "word", engine)
        await stage.settled(engine)
        assert stage.terminal.sends == 0

    run(story, silence_s=0.6)


def test_however_it_is_configured_a_half_open_line_is_found_in_forty_seconds() -> None:
    assert BridgeSettings().silence_s <= 40
    with pytest.raises(msgspec.ValidationError, match="<= 40"):
        msgspec.convert({"silence_s": 41.0}, BridgeSettings)


def test_silence_is_found_when_it_is_over_not_at_the_next_heartbeat() -> None:
    heartbeat_s, silence_s, said_s = 1.0, 1.2, 0.4

    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        account: Any = engine.client
        link = account.link
        expert.deaf = True
        await stage.until(lambda: engine.feed == "OFFLINE", "the drop", engine)
        silent_s = asyncio.get_running_loop().time() - link._heard_s
        assert silence_s <= silent_s <= silence_s + said_s

    run(story, heartbeat_s=heartbeat_s, silence_s=silence_s)


def test_every_tick_of_metatrader_5_arrives_once_over_bursts_and_cuts() -> None:
    chance = seeded()

    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        first = stage.terminal.plays["EURUSD"].count - _eurusd(engine)
        for _ in range(60):
            for number in range(chance.randrange(1, 400)):
                stage.tick(bid=f"1.17{number:03}", ask=f"1.18{number:03}")
            await asyncio.sleep(chance.random() * 0.01)
            if chance.random() < 0.2:
                expert.restart() if chance.random() < 0.5 else expert.cut()
        play = stage.terminal.plays["EURUSD"]
        await stage.until(lambda: first + _eurusd(engine) == play.count, "all ticks", engine)
        await stage.settled(engine)
        assert first + _eurusd(engine) == play.count
        bids = [quote[1] for quote in engine.quotes if quote[0] == 1]
        assert bids == [tick.bid for tick in play.ticks[first:]]
        numbers = [quote[6] for quote in engine.quotes if quote[0] == 1]
        assert numbers == sorted(set(numbers))
        assert [place_of(one)[0] for one in numbers] == [
            tick.time_server for tick in play.ticks[first:]
        ]
        assert not engine.faults

    run(story)


def _eurusd(engine: Engine) -> int:
    return sum(quote[0] == 1 for quote in engine.quotes)


def test_trades_of_others_reach_the_engine_as_prints() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        for side in (1, -1, 0):
            stage.terminal.print("EURUSD", parse_price("1.17002"), SIZE_ONE // 10, side)
        expert.cut()  # and no print comes twice
        prints = engine.journal
        await stage.until(lambda: len(prints.events(ev.TradePrint)) == 3, "prints", engine)
        await stage.settled(engine)
        found = prints.events(ev.TradePrint)
        assert [(one.price, one.size, one.aggressor) for one in found] == [
            (parse_price("1.17002"), 10 * MICRO, side) for side in (1, -1, 0)
        ]
        book = engine.kernel.state.books[7, 1]
        assert (book.trades, book.trade_id) == (3, found[-1].venue_trade_id)

    run(story)


def test_what_the_terminals_history_lacks_is_a_gap() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        expert.cut()
        stage.terminal.history_from = stage.terminal.now_ms() + 1
        await asyncio.sleep(0.01)
        stage.tick()
        await stage.until(lambda: bool(engine.faults), "a gap", engine)
        assert engine.faults[0][1] == "gap"
        assert "the history begins later" in engine.faults[0][2]

    run(story)


def test_missed_ticks_of_metatrader_4_are_counted() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        before, count = len(engine.quotes), stage.terminal.plays["EURUSD"].count
        for _ in range(100):
            stage.tick()
        account: Any = engine.client
        one = account.quotes.subscriptions[1]
        await stage.until(lambda: len(engine.quotes) > before, "the newest", engine)
        await stage.until(lambda: one.lost >= 99, "the count", engine)
        assert stage.terminal.plays["EURUSD"].count - count == 100
        assert (one.lost, len(engine.quotes) - before) == (99, 1)
        expert.cut()
        await stage.until(
            lambda: any("unknown gap" in text for _, _, text in engine.faults), "a gap", engine
        )

    run(story, Terminal(platform="4"), model="hedging")


def test_a_symbol_the_terminal_does_not_know_is_named_and_others_live() -> None:
    async def story(stage: Stage) -> None:
        stage.tick()
        engine = await stage.engine()
        stage.expert()
        await stage.until(lambda: engine.feed == "DEGRADED", "DEGRADED", engine)
        assert "GBPUSD: unknown symbol" in engine.feed_states[-1][1]

    run(story, Terminal(("EURUSD",)), account_name="")


def test_a_changed_contract_size_halts_the_account() -> None:
    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        terms = stage.terminal.plays["EURUSD"].terms
        expert.send(terms._replace(sub=1, contract_size=terms.contract_size * 10))
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        assert "contract size of EURUSD" in engine.account_states[-1][1]
        engine.submit(size=MICRO)
        assert engine.journal.events(ev.OrderDenied)

    run(story)


def test_what_the_broker_says_of_the_account_is_measured() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        feed = engine.kernel.state.feeds[FEED]
        await stage.until(lambda: len(feed.clock.round_trips) > 0, "a round trip", engine)
        told = [
            dict(values) for kind, id, values in engine.metrics if (kind, id) == ("broker", ACCOUNT)
        ]
        assert told[0].keys() >= {"balance", "equity", "margin", "margin_free", "reconnects"}
        assert (told[0]["leverage"], told[0]["terminal_ping_us"]) == (100, 1_500)
        assert abs(told[0]["server_time_ms"] - stage.terminal.now_ms()) < 60_000

    run(story)


def test_a_terminal_without_its_broker_is_stale() -> None:
    async def story(stage: Stage) -> None:
        engine, _ = await stage.ready()
        stage.terminal.connected = False
        await stage.until(lambda: engine.feed == "STALE", "STALE", engine)
        assert engine.account == "DEGRADED"
        stage.terminal.connected = True
        await stage.settled(engine)

    run(story)


def test_a_list_that_the_terminal_does_not_vouch_for_makes_nobody_ready() -> None:
    async def story(stage: Stage) -> None:
        stage.terminal.connected = False
        for name in stage.terminal.plays:
            stage.tick(name)
        engine = await stage.engine()
        stage.expert()
        words = "the terminal may not know all that is open, asked again"
        await stage.until(
            lambda: any(said == words for _, said, _ in engine.account_states), words, engine
        )
        assert "READY" not in {state for state, _, _ in engine.account_states}
        stage.terminal.connected = True
        await stage.settled(engine)

    run(story)


def test_tls_is_spoken_where_there_is_a_certificate(tmp_path: Path) -> None:
    pem, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    asked = [
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(pem)]
    subprocess.run(["openssl", "req", *asked, *names, *files], check=True, capture_output=True)

    async def story(stage: Stage) -> None:
        stage.certificate, stage.key = str(pem), str(key)
        stage.trust = ssl.create_default_context(cafile=str(pem))
        engine, _ = await stage.ready()
        stage.trust = None
        plain = stage.expert()
        await stage.until(lambda: plain.connections > 1, "a plain EA that is cut", engine)
        assert (engine.feed, engine.account) == ("READY", "READY")

    run(story)


@pytest.mark.alone
def test_a_storm_of_orders_keeps_to_the_limit_of_its_broker() -> None:
    limit_per_s = 40

    async def story(stage: Stage) -> None:
        stage.per_s = limit_per_s
        engine, expert = await stage.ready()
        arrived: list[float] = []
        obey: Any = expert._obey

        def tapped(record: Any) -> None:
            if not isinstance(record, r.Ping | r.Subscribe):  # those count with market data
                arrived.append(asyncio.get_running_loop().time())
            obey(record)

        expert._obey = tapped  # type: ignore[method-assign]
        for _ in range(2 * limit_per_s):
            engine.submit(size=MICRO, type="limit", tif="GTC", price=parse_price("1.10000"))
        orders = stage.terminal.orders
        await stage.until(lambda: len(orders) == 2 * limit_per_s, "all orders", engine)
        assert all(
            sum(start <= at < start + 1.0 for at in arrived) <= limit_per_s for start in arrived
        )

    run(story, ack_ms=20_000)


def test_strangers_cannot_fill_the_journal() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.engine()
        for number in range(3 * TOLD_PER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
            writer.write(b"%d\n" % number)
            await reader.read()
            writer.close()
        assert 0 < len(stage.reports) < 3 * TOLD_PER_S
        assert len(engine.feed_states) <= len(stage.reports) + 1

    run(story)


HUGE = (1 << 63) - 1


def test_numbers_that_no_broker_has_do_not_reach_the_kernel() -> None:
    """Whoever has the key may be broken: what he says is bounded before it is booked."""

    async def story(stage: Stage) -> None:
        engine, expert = await stage.ready()
        order_id = engine.submit(size=MICRO)
        await stage.until(lambda: engine.order(order_id).state == "FILLED", "the fill", engine)
        (deal,), terms = stage.terminal.deals, stage.terminal.plays["EURUSD"].terms
        row = stage.terminal.closed[deal.order]
        expert.send(deal._replace(ticket=HUGE, volume=HUGE, commission=-HUGE, time_server=HUGE))
        expert.send(deal._replace(ticket=HUGE - 1, commission=-HUGE, fee=-HUGE))
        expert.send(row._replace(volume_initial=HUGE, state="placed"))
        expert.send(terms._replace(sub=1, contract_size=0))
        expert.send(terms._replace(sub=1, contract_size=HUGE, volume_step=0))
        await stage.until(lambda: engine.account == "HALTED", "HALTED", engine)
        assert engine.order(order_id).cum_size == MICRO
        count = len(engine.quotes)
        pump = expert._pumps[1]
        tick = r.Tick(stage.terminal.now_ms(), HUGE, HUGE, HUGE, HUGE, HUGE)
        expert.send(r.Ticks(1, pump.next, 0, HUGE, (tick,)))
        await stage.until(lambda: len(engine.quotes) > count, "the tick", engine)
        expert.raw(line_of(f"{expert._out + 1}|PONG|1|{HUGE}|1"))
        await stage.until(lambda: "PONG 1" in str(engine.feed_states), "the end", engine)
        await stage.until(lambda: expert.connections == 2, "the next connection")

    run(story)
