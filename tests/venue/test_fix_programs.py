"""`thft venue NAME` of the simulated providers as processes: ports, prices, faults, TLS, end."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.fix.programs import Program
from tests.venue.fix_peer import Peer, Stage, says, want

from thft.gateway.fix.credential import ed25519_signer
from thft.sim.fix.profile import profile

NAMES = ["fix-lp", "ctrader", "lmax", "fxcm", "binance-fix"]


def visit(program: Program, name: str, story: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    """Tells a story to a venue that runs in a process."""
    stage = Stage(profile(name), 0, ())
    stage.ports = json.loads(program.ready)[name]
    asyncio.run(story(stage))


@pytest.mark.parametrize("name", NAMES)
def test_it_says_its_ports_and_ends_on_sigterm(name: str) -> None:
    async def story(stage: Stage) -> None:
        assert list(stage.ports) == [link.name for link in stage.dialect.links]
        for link in stage.ports:
            if link != "drop_copy":
                await (await stage.on(link)).bye()

    with Program("venue", name) as program:
        visit(program, name, story)
        code, out, err = program.stop()
    assert (code, out, err) == (0, "", "")


def test_a_key_of_the_clients_own_is_made_and_admitted(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"

    async def story(stage: Stage) -> None:
        assert path.stat().st_mode & 0o777 == 0o600
        own = ed25519_signer(f"file:{path}", "OWN", "SPOT")
        for sign, answer in ((own, "A"), (None, "3")):
            peer = stage.peer("market_data", t49="OWN")
            peer.sign = sign
            await peer.connect(stage.ports["market_data"])
            peer.send("A", [(98, 0), (108, 30), *stage.credentials()])
            await peer.get(answer)

    with Program("venue", "binance-fix", "--client-key", str(path)) as program:
        visit(program, "binance-fix", story)


def free_ports() -> int:
    """Returns a port that is free, as is the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def test_prices_of_the_seed_come_on_the_ports_that_were_asked_for() -> None:
    port = free_ports()

    async def story(stage: Stage) -> None:
        assert stage.ports == {"quote": port, "trade": port + 1}
        peer = await stage.on("quote")
        peer.send("V", want("m1"))
        await peer.many("W", 3)

    with Program("venue", "ctrader", "--port", str(port), "--seed", "3") as program:
        visit(program, "ctrader", story)


def test_clients_are_logged_out_at_the_end() -> None:
    async def story(stage: Stage) -> None:
        peer = await stage.on("trade")
        program.process.terminate()
        says(await peer.get("5"), t58="the venue is stopped")
        peer.send("5")
        await peer.closed()

    with Program("venue", "ctrader") as program:
        visit(program, "ctrader", story)
        assert program.process.wait(timeout=20) == 0


def test_faults_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\ndo = "logout"\non = "j"\ntext = "enough"\n')

    async def story(stage: Stage) -> None:
        peer = await stage.on("trade")
        peer.send("H", [(11, "x")])
        says(await peer.get("5"), t58="enough")

    with Program("venue", "ctrader", "--faults", str(path)) as program:
        visit(program, "ctrader", story)


def test_usage_errors_are_said(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[faults]]\ndo = "explode"\n')
    for arguments, said in (
        (("--faults", str(path)), "faults[0].do"),
        (("--key", str(path)), "--key without --cert"),
        (("--cert", str(tmp_path / "none.pem")), "none.pem"),
    ):
        with Program("venue", "ctrader", *arguments, ready=False) as program:
            code, out, err = program.ended()
            assert code == 2 and said in err and not out


def test_tls(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl — apt-get install -y --no-install-recommends openssl")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    where = ("-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost")
    subprocess.run(["openssl", *new, *where, *names], cwd=tmp_path, check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    async def story(stage: Stage) -> None:
        peer: Peer = stage.peer("trade")
        await peer.connect(stage.ports["trade"], trust)
        await peer.logon(*stage.credentials())
        peer.send("x", [(320, "s1"), (559, 0)])
        assert len((await peer.get("y")).raw) > 10_000
        await peer.bye()
        plain = stage.peer("trade")
        await plain.connect(stage.ports["trade"])
        plain.send("A", [(98, 0), (108, 30), *stage.credentials()])
        await plain.closed()

    pair = ("--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"))
    with Program("venue", "ctrader", *pair) as program:
        visit(program, "ctrader", story)
        assert program.stop()[0] == 0
