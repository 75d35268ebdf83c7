"""Every kind of bad input, on real processes: one clear line with cause and remedy, nothing lost.

| Bad input | Proved by |
|---|---|
| unknown key, wrong type, missing value, all findings at once | here |
| missing or unreadable file, port taken, second core or api, read-only directory | here |
| damaged journal, damaged snapshot, snapshot of a newer version | here, durability/test_flips.py |
| wall clock stepping back | here, tests/unit/host |
| disk nearly full, full, full at the start | tests/durability/test_disk_full.py |
| strategy that raises, loops, leaks or hangs | test_bad_strategies.py, tests/unit/kernel |
| malformed, oversized, binary, fragmented venue frame | tests/venue/test_websocket_matrix.py, |
| | cases 11 to 14, 20, 28 |
| gap, wrong checksum, repeated update, crossed book | the same, cases 04 to 06, 25 |
| MetaTrader: wrong key, version, account, frame, symbol | tests/venue/test_metatrader_bridge.py, |
| | test_metatrader_bad_input.py, tests/unit/gateway |
| command repeated, malformed, of another Origin | tests/api/test_api.py, tests/e2e/test_demo.py |
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.demo_process import DemoProcess, free_port
from tests.e2e.supervised import SupervisedEngine
from tests.mounts import read_only, tmpfs

from thft.model import event as ev
from thft.stream import snapshot
from thft.stream.reader import read_all
from thft.stream.snapshot import SnapshotStore

pytestmark = pytest.mark.slow


def thft(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a command of the program to its end."""
    command = [sys.executable, "-m", "thft", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Asserts exit code 2 and one line on standard error that holds all words."""
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("thft: ")
    for word in words:
        assert word in lines[0]


def digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file but the marks that only help readers."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("lock", "watermark", "fatal-trace")
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a demo that has ended."""
    with DemoProcess(tmp_path_factory.mktemp("recorded") / "data", "--duration", "6") as demo:
        assert demo.process.wait(60) == 0
    yield demo.directory


@pytest.fixture
def data(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it, with a configuration that continues it."""
    copy = tmp_path / "data"
    shutil.copytree(recorded, copy)
    config = copy / "demo.toml"
    config.write_text(config.read_text().replace(str(recorded), str(copy)))
    return copy


# ---- configuration -----------------------------------------------------------------------------

FINDINGS = """
mode = "real"
seed = "x"
surprise = 1
strategy_dir = "/does/not/exist"

[journal]
segment_mib = 0
surprise = 1

[[instruments]]
symbol = "EURUSD"
pip = "abc"

[[venues]]
name = "a"
dialect = "binance"
url = "http://127.0.0.1/"
symbols = { EURUSD = "EURUSD", GBPUSD = 7 }

[[venues]]
name = "a"
dialect = "unheard of"
url = "ws://127.0.0.1:1/"
role = "quick"
symbols = {}

[[venues]]
name = "c"
dialect = "ctrader"
symbols = {}
[venues.fix]
host = "a host"
ports = { quote = 70000, nowhere = 1 }
sender_comp_id = "x"
password = "hunter2"

[[venues]]
name = "d"
dialect = "ctrader"
symbols = {}
[venues.fix]
host = "127.0.0.1"
ports = { nowhere = 1 }
sender_comp_id = "x"
username = "me"

[[accounts]]
name = "p"
feed = "b"
latency_ms = [9, 3]

[[accounts]]
name = "q"
feed = "a"
kind = "venue"

[[accounts]]
name = "r"
feed = "d"
kind = "venue"

[[strategies]]
name = "s"
kind = "latency_arbitrage"
[strategies.params]
size = 5
surprise = 1

[[strategies]]
name = "t"
kind = "unheard of"
params = {}
"""


def test_all_findings_come_at_once_each_with_its_key(tmp_path: Path) -> None:
    config = tmp_path / "engine.toml"
    config.write_text(FINDINGS)
    done = thft("core", "--config", config, "--data", tmp_path / "data")
    refused(
        done,
        f"{config}: ",
        "mode: expected one of 'live', 'paper', 'demo', got 'real'",
        "seed: expected `int`, got `str`",
        "surprise: unknown key",
        "strategy_dir: /does/not/exist is no folder",
        "journal.segment_mib: expected `int` >= 1, got 0",
        "journal.surprise: unknown key",
        "instruments[0].digits: missing",
        "instruments[0].pip: expected a decimal number as text, such as \"0.0001\", got 'abc'",
        "venues[0].url: expected a ws:// or wss:// address with a host",
        "venues[0].symbols.GBPUSD: expected `str`, got `int`",
        "venues[0].symbols.GBPUSD: no instrument has this symbol",
        "venues[1].dialect: 'unheard of' without venues[1].fix: 'binance', ",
        " are WebSockets; a FIX venue has a table of that name",
        "venues[2].fix.host: expected a host name or an address, got 'a host'",
        "venues[2].fix.ports.quote: expected `int` <= 65535, got 70000",
        "venues[2].fix.password: expected a reference to a secret: env:NAME or file:PATH",
        "venues[3].fix.ports.nowhere: the dialect has no link 'nowhere'",
        "venues[3].fix.sender_comp_id: 'x' does not look like",
        "venues[3].fix.username: 'me' does not look like [0-9]+",
        "venues[3].fix.password: missing: the dialect asks for it",
        "accounts[1].kind: the feed has no FIX session or terminal to trade by, use 'paper'",
        "venues[1].role: expected one of '', 'fast', 'slow', got 'quick'",
        "venues: name 'a' is there 2 times",
        "accounts[0].feed: no venue is called 'b'",
        "accounts[0].latency_ms: the first number is larger than the second",
        "strategies[0].params.size: expected `str`, got `int`",
        "strategies[0].params.surprise: unknown key",
        "strategies[0].params.symbol: missing",
        "strategies[1].kind: no strategy is of kind 'unheard of', there are latency_arbitrage",
        "mend or remove these keys",
    )
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"mode = \n", ("this is no TOML", "line 1")),
        (b"\xff\xfe", ("this is no TOML", "mend the TOML")),
        (b"", ("data_dir: missing", "--data")),
    ],
    ids=["broken", "binary", "no directory"],
)
def test_a_file_that_is_no_configuration_is_named(
    tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    config = tmp_path / "engine.toml"
    config.write_bytes(content)
    refused(thft("core", "--config", config), str(config), *words)


def test_a_user_strategy_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import no_such_module\n")
    config = tmp_path / "engine.toml"
    config.write_text(f'strategy_dir = "{tmp_path}"\n')
    done = thft("core", "--config", config, "--data", tmp_path / "data")
    refused(done, str(tmp_path / "mine.py"), "no_such_module", "mend the strategy")


# ---- usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["core"], ("--config", "--help")),
        (["unheard-of"], ("unheard-of", "--help")),
        (["core", "--config", "none.toml"], ("none.toml: No such file", "name an existing file")),
        (["replay", "none"], ("none holds no journal", "name a data directory")),
        (["journal", "verify", "none"], ("none holds no journal", "name a data directory")),
        (["api", "--data", __file__], (__file__, "name a directory")),
        (["demo", "--port", "70000"], ("70000 is no port", "0 to 65535")),
        (["demo", "--speed", "fast"], ("'fast' is no pace", '"max"')),
        (["demo", "--since", "noon"], ("'noon' is no time of day", "HH:MM")),
        (["demo", "--quotes-fast", "a.csv"], ("--quotes-slow", "give both or none")),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line(arguments: list[str], words: tuple[str, ...]) -> None:
    port = ["--port", str(free_port())] if arguments[0] == "api" else []
    refused(thft(*arguments, *port), *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("No such file", "name an existing quote file")),
        (b"\x1f\x8b not gzip", ("this is no CSV", "plain or .gz")),
        (b"when,bid,ask\n1,2,3\n", (":1: columns", "rename them")),
        (b"ts_ms,bid,ask\nx,2,3\n", (":2: ['x', '2', '3'] is no quote row", "mend the line")),
        (b"ts_ms,bid,ask\n5,2,3\n4,2,3\n", (":3: time runs backwards", "sort the file")),
        (b"ts_ms,bid,ask\n", ("no quote lies in that time of day", "--since")),
    ],
    ids=["missing", "not gzip", "columns", "row", "order", "empty"],
)
def test_a_bad_quote_file_is_named(
    tmp_path: Path, content: bytes | None, words: tuple[str, ...]
) -> None:
    path = tmp_path / ("quotes.csv.gz" if content and content[0] == 0x1F else "quotes.csv")
    if content is not None:
        path.write_bytes(content)
    files = ["--quotes-fast", path, "--quotes-slow", path]
    done = thft("demo", "--port", free_port(), "--data", tmp_path / "data", *files)
    refused(done, *words)


# ---- what others hold --------------------------------------------------------------------------


def test_a_taken_port_is_named_by_every_command(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in (
            ["demo", "--data", tmp_path / "data"],
            ["api", "--data", tmp_path / "data"],
            ["venue", "binance"],
        ):
            done = thft(*command, "--port", port)
            refused(done, f"port {port} on 127.0.0.1 is taken", "choose another with --port")


def test_a_second_core_and_a_second_api_are_refused(tmp_path: Path) -> None:
    with DemoProcess(tmp_path / "data") as demo:
        health = demo.until("/api/v1/health", lambda health: health["quotes"] > 0)
        pid, seq = health["core"]["pid"], health["seq"]
        core = thft("core", "--config", demo.directory / "demo.toml")
        refused(core, f"in use by process {pid}", "choose another data directory")
        api = thft("api", "--data", demo.directory, "--port", free_port())
        refused(api, "api is in use by process", "choose another data directory")
        after = demo.until("/api/v1/health", lambda health: health["seq"] > seq)
        assert after["core"]["pid"] == pid and after["core"]["restarts"] == 0


def test_a_read_only_directory_is_named_and_left_as_it_is(recorded: Path, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", 512) as disk:
        shutil.copytree(recorded, disk / "data")
        before = digests(disk)
        with read_only(disk):
            config = disk / "data" / "demo.toml"
            core = thft("core", "--config", config, "--data", disk / "data")
            refused(core, "Read-only file system", "make the directory writable")
            api = thft("api", "--data", disk / "data", "--port", free_port())
            refused(api, "Read-only file system", "make the directory writable")
            demo = thft("demo", "--data", disk / "data", "--port", free_port())
            refused(demo, "Read-only file system", "make the directory writable")
            for command in (["journal", "verify"], ["replay", "--verify"]):
                assert thft(*command, disk / "data").returncode == 0
        assert digests(disk) == before


# ---- what lies on the disk ---------------------------------------------------------------------


def test_a_damaged_journal_is_named_with_its_place_and_left_as_it_is(data: Path) -> None:
    segment = data / "core" / "00000001.log"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    before = digests(data)
    place = f"segment={segment.name} offset="
    core = thft("core", "--config", data / "demo.toml")
    refused(core, place, "reason=checksum differs", "restore the directory from a backup")
    for command in (["journal", "verify"], ["replay", "--verify"]):
        done = thft(*command, data)
        assert done.returncode == 1
        assert place in done.stdout and "reason=checksum differs" in done.stdout
        assert done.stderr == ""
    demo = thft("demo", "--data", data, "--port", free_port())
    refused(demo, "core cannot run: ", place)
    assert {name: digest for name, digest in digests(data).items() if "core/" in name} == {
        name: digest for name, digest in before.items() if "core/" in name
    }


def test_a_snapshot_of_a_newer_version_is_refused_and_a_damaged_one_passed_over(
    data: Path,
) -> None:
    (path,) = (data / "core" / "snapshots").glob("*.snap")
    content = path.read_bytes()
    body = bytearray(content[:-32])
    body[8] = 99
    path.write_bytes(body + hashlib.sha256(body).digest())
    before = digests(data)
    core = thft("core", "--config", data / "demo.toml")
    refused(core, f"{path.name} has format version 99", "start the thft version that wrote it")
    assert digests(data) == before

    path.write_bytes(content[:-1] + b"?")
    frames = read_all(data / "core")
    with DemoProcess(data) as demo:
        state = demo.until("/api/v1/state", lambda state: len(state["restarts"]) == 2)
        assert "checksum differs" in state["restarts"][-1]["cause"]
        assert state["restarts"][-1]["recovered_seq"] == frames[-1].seq
    assert read_all(data / "core")[: len(frames)] == frames
    saved, passed = SnapshotStore(data / "core" / "snapshots").load(1 << 60)
    assert saved is not None and passed == []
    assert snapshot.unpack(snapshot.pack(saved), "again") == saved


# ---- the clock ---------------------------------------------------------------------------------

SHIFTED_CLOCK = '''"""Moves this process's wall clock, and that one only, by what a file says."""

import os
import time
from pathlib import Path

_shift = Path(os.environ["WALL_SHIFT"])
_real = time.time_ns
time.time_ns = lambda: _real() + int(_shift.read_text())
'''


@pytest.mark.alone
def test_a_clock_stepping_back_is_noticed_and_time_in_the_journal_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    shift = tmp_path / "shift"
    shift.write_text("0")
    monkeypatch.setenv("WALL_SHIFT", str(shift))
    path = [str(tmp_path), *sys.path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entry for entry in path if entry))
    with SupervisedEngine(tmp_path) as engine:
        engine.until(lambda state: state["counters"]["quotes"] > 20)
        shift.write_text(str(-3_600_000_000_000))
        state = engine.until(lambda state: any(e["kind"] == "clock" for e in state["events"]))
        told = [e["text"] for e in state["events"] if e["kind"] == "clock"]
        assert told[0].startswith("the wall clock stepped by -3600.")
        quotes = state["counters"]["quotes"]
        assert engine.core.process is not None
        engine.core.process.kill()  # the next start finds a wall clock an hour behind its journal
        after = engine.until(
            lambda state: state["core"]["restarts"] == 1 and state["counters"]["quotes"] > quotes
        )
        assert after["ts_ns"] >= state["ts_ns"]
    (step,) = engine.events(ev.ClockStepped)
    assert -3_601_000_000_000 < step.delta_ns < -3_599_000_000_000
    stamps = [frame.recv_ts_ns for frame in read_all(engine.data / "core")][:-1]
    assert stamps == sorted(stamps)
    assert thft("replay", engine.data, "--verify").returncode == 0
