"""`thft bench ws`: the venue sends what its simulator makes, and every taker gets all of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

import msgspec
import pytest
from bench import prepare

from thft.base.errors import LocalError
from thft.cli import bench_ws, bench_ws_cryptofeed
from thft.cli.bench_ws import Taker
from thft.cli.bench_ws_floor import DECODERS, Numbered
from thft.cli.bench_ws_forms import CRYPTOFEED, FORMS, PLAIN, REQUESTS, SYMBOLS
from thft.cli.bench_ws_venue import Frames, framed, made
from thft.gateway.port import EngineInbox
from thft.gateway.ws.dialect import Wanted
from thft.gateway.ws.venues import VENUES

TICKS = 500
STANDS_FOR_CRYPTOFEED = """
import asyncio, json, sys
from picows import WSListener, WSMsgType, ws_connect

class Listener(WSListener):
    seen = 0
    def on_ws_frame(self, transport, frame):
        self.seen += b"stream" in frame.get_payload_as_bytes()

async def main():
    job = json.loads(sys.argv[1])
    assert job["symbols"]["BTC-USDT"] == "BTCUSDT", job
    transport, listener = await ws_connect(Listener, job["address"])
    before, events = map(int, sys.stdin.readline().split())
    for target, words in ((before, "begun"), (before + events, "5000000")):
        while listener.seen < target:
            await asyncio.sleep(0.001)
        print(words, flush=True)

asyncio.run(main())
"""


def messages(frames: bytes) -> list[bytes]:
    """Returns the payloads of short and middle text frames."""
    found = []
    while frames:
        head, size = 2, frames[1]
        if size == 126:
            head, size = 4, int.from_bytes(frames[2:4], "big")
        found.append(frames[head : head + size])
        frames = frames[head + size :]
    return found


async def _made(name: str, form: str, ticks: int) -> tuple[Frames, list[bytes]]:
    told, frames = made(name, FORMS[form][name], ticks)
    return told, messages(frames)


@pytest.mark.parametrize("name", SYMBOLS)
def test_core_and_floor_take_every_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_ws, "ROUNDS", 1)
    takers = {
        "own": Taker(bench_ws._core(tmp_path), TICKS),
        "floor": Taker(bench_ws._bare, TICKS),
    }
    taken = bench_ws.measured(name, takers, tmp_path)
    assert all(len(values) == 1 and values[0] > 0 for values in taken.values())


@pytest.mark.parametrize("name", SYMBOLS)
def test_what_is_asked_for_is_the_dialects_default(name: str) -> None:
    venue = VENUES[name]
    symbols = {symbol: number for number, symbol in enumerate(SYMBOLS[name], 1)}
    inbox = cast(EngineInbox, object())  # nothing comes in
    dialect = venue.dialect(inbox, Wanted(1, symbols, venue.books[0]))
    said, known = list(map(json.loads, dialect.opened())), list(map(json.loads, REQUESTS[name]))
    assert sorted(said, key=str) == sorted(known, key=str)


def test_messages_that_do_not_come_are_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_ws, "PATIENCE_S", 0.5)

    async def deaf(venue: bench_ws.Venue) -> float:
        return (await venue.told()).ticks

    with pytest.raises(LocalError, match="says nothing"):
        bench_ws.measured("binance", {"deaf": Taker(deaf, TICKS)})


@pytest.mark.parametrize(("seen", "words"), [(3, "1 messages of 4"), (5, "5 messages .* of 4")])
def test_too_few_and_too_many_messages_are_no_figure(
    seen: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_ws, "PATIENCE_S", 0.01)
    with pytest.raises(LocalError, match=words):
        asyncio.run(bench_ws._reached(lambda: seen, 4))


@pytest.mark.parametrize("name", SYMBOLS)
def test_the_floor_decodes_every_number_of_a_tick(name: str) -> None:
    _, [first, *_] = asyncio.run(_made(name, PLAIN, 1))
    read = DECODERS[name](memoryview(first))
    if isinstance(read, Numbered):
        numbers = msgspec.to_builtins(read.body)
    else:
        numbers = [value for value in _leaves(msgspec.to_builtins(read)) if type(value) is float]
    assert len([one for one in numbers if abs(one - 67_432) < 2]) in (1, 2, 3)


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [value]


def test_a_tick_of_a_book_moves_a_level_of_either_side() -> None:
    told, taken = asyncio.run(_made("coinbase", PLAIN, TICKS))
    assert (told.ticks, told.frames, told.events) == (TICKS, TICKS, TICKS)
    for message in taken:
        [event] = json.loads(message)["events"]
        assert [one["side"] for one in event["updates"]] == ["bid", "offer"]


def test_a_checksum_is_a_message_and_no_tick() -> None:
    told, taken = asyncio.run(_made("bitfinex", PLAIN, TICKS))
    assert told.frames == len(taken) == told.events + TICKS


# ---- cryptofeed ---------------------------------------------------------------------------------


def test_cryptofeed_gets_the_same_ticks() -> None:
    for name in ("bybit", "coinbase", "kraken"):
        own, told = (asyncio.run(_made(name, form, 20)) for form in (PLAIN, CRYPTOFEED))
        assert own == told, name


def test_cryptofeed_gets_book_tickers_by_the_combined_stream() -> None:
    [_, own], [_, told] = (asyncio.run(_made("binance", form, 20)) for form in (PLAIN, CRYPTOFEED))
    for plain, message in zip(own, told, strict=True):
        read = json.loads(message)
        assert read["data"] == json.loads(plain)
        assert read["stream"] == read["data"]["s"].lower() + "@bookTicker"


def test_cryptofeed_gets_tops_as_tickers() -> None:
    [_, own], [_, told] = (asyncio.run(_made("okx", form, 20)) for form in (PLAIN, CRYPTOFEED))
    for plain, message in zip(own, told, strict=True):
        [top], [ticker] = json.loads(plain)["data"], json.loads(message)["data"]
        assert [ticker["bidPx"], ticker["bidSz"]] == top["bids"][0][:2]
        assert [ticker["askPx"], ticker["askSz"]] == top["asks"][0][:2]


def test_cryptofeed_gets_numbers_at_the_end() -> None:
    [_, own], [_, told] = (asyncio.run(_made("bitfinex", form, 20)) for form in (PLAIN, CRYPTOFEED))
    for plain, message in zip(own, told, strict=True):
        assert json.loads(message) == json.loads(plain)[:-2]


@pytest.mark.parametrize(
    ("name", "said", "known"),
    [
        ("bybit", b'["orderbook.200.BTCUSDT"]', b'["orderbook.1.BTCUSDT"]'),
        ("okx", b'{"channel":"tickers"}', b'{"channel":"bbo-tbt"}'),
        ("kraken", b'{"channel":"book"}', b'{"channel":"book"}'),
    ],
)
def test_what_cryptofeed_asks_is_what_the_simulator_knows(
    name: str, said: bytes, known: bytes
) -> None:
    assert FORMS[CRYPTOFEED][name].request(said) == known


def test_a_peer_is_told_what_comes_and_says_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cryptofeed_peer.py").write_text(STANDS_FOR_CRYPTOFEED)
    monkeypatch.setattr(bench_ws_cryptofeed, "PROGRAMS", tmp_path)
    monkeypatch.setattr(bench_ws, "ROUNDS", 1)
    peer = Taker(bench_ws._cryptofeed(sys.executable), TICKS, CRYPTOFEED)
    assert bench_ws.measured("binance", {"peer": peer}) == {"peer": [5_000 / TICKS]}


def test_a_peer_that_ends_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cryptofeed_peer.py").write_text("raise SystemExit('no such venue')")
    monkeypatch.setattr(bench_ws_cryptofeed, "PROGRAMS", tmp_path)

    async def run() -> None:
        async with bench_ws_cryptofeed.running(sys.executable, "okx", 1) as peer:
            await peer.begin(4, 1)

    with pytest.raises(LocalError, match="cryptofeed has ended"):
        asyncio.run(run())


def test_without_an_environment_cryptofeed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = '{"missing": "no Python 3.13", "remedy": "install it"}'
    (tmp_path / "prepare.py").write_text(f"print('''{said}''')")
    monkeypatch.setattr(bench_ws_cryptofeed, "PROGRAMS", tmp_path)
    assert bench_ws_cryptofeed.environment() is None
    assert "cryptofeed is not measured: no Python 3.13; install it" in capsys.readouterr().err


def test_an_environment_that_fails_leaves_cryptofeed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prepare.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(bench_ws_cryptofeed, "PROGRAMS", tmp_path)
    assert bench_ws_cryptofeed.environment() is None
    assert "exit status 3" in capsys.readouterr().err


def test_prepare_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "candidates", lambda: iter(()))
    prepare.main("cryptofeed")
    assert set(json.loads(capsys.readouterr().out)) == {"missing", "remedy"}


def test_prepare_wants_one_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted: list[tuple[object, ...]] = []

    def environment(*said: object) -> str:
        wanted.append(said)
        return "made"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(prepare, "python_313", lambda: "python3.13")
    monkeypatch.setattr(prepare, "environment", environment)
    assert prepare.cryptofeed() == {"peer": "made"}
    [(home, _, version, *_)] = wanted
    assert home == tmp_path / "thft" / "bench" / "cryptofeed"
    assert str(version).startswith("cryptofeed==")


# ---- figures ------------------------------------------------------------------------------------


def test_figures_are_medians_with_their_goals() -> None:
    taken = {"own": [1.5, 9.0, 2.0], "floor": [1.0, 1.5, 2.0], "peer": [11.0, 9.0, 8.0]}
    spent, rate, peer = bench_ws.compared("kraken", taken)
    assert (spent.value, spent.floor, spent.met) == (2.0, 1.5, True)
    assert (rate.value, rate.unit, rate.met) == (500_000, "ticks/cpu-s", None)
    assert (peer.value, peer.floor, peer.met) == (9.0, 2.0, False)
    assert (peer.record()["ratio"], peer.goal) == (4.5, "ratio >= 5")


def test_without_a_peer_there_is_no_figure_of_it() -> None:
    assert len(list(bench_ws.compared("okx", {"own": [2.0], "floor": [1.0]}))) == 2


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
def test_a_frame_says_its_length(size: int) -> None:
    frame = framed(bytes(size))
    head = len(frame) - size
    assert head == (2 if size < 126 else 4 if size < 65_536 else 10)
    assert frame[0] == 0x81
