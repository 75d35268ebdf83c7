"""Receive stamps of FIX quotes beside a packet capture of the same socket, plain and with TLS."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from bisect import bisect
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from tests.capture import Capture
from tests.ledger import note
from tests.venue.fix_engine import FEED, Engine, Stage, run

from thft.gateway import fix_initiator
from thft.sim.fix.profile import PASSWORD

pytestmark = pytest.mark.alone

TICKS = int(os.environ.get("THFT_STAMPS", "300"))


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


async def stamped(stage: Stage, engine: Engine) -> list[tuple[int, int]]:
    """Sends quotes one by one; returns the number and receive stamp of each."""
    del engine.quotes[:]
    for at in range(TICKS):
        stage.tick(bid=f"1.17{at % 1_000:03d}", ask="1.18000")
        await stage.until(lambda at=at: len(engine.quotes) > at, "quote", engine)  # type: ignore[misc]
    return [(values[-2], values[-1]) for values in engine.quotes]


@pytest.mark.parametrize(
    ("source", "secured", "loop"),
    [
        ("kernel", False, "uvloop"),
        ("kernel", True, "uvloop"),
        ("kernel", True, "asyncio"),
        ("user", False, "uvloop"),
    ],
)
def test_stamps_beside_a_capture_of_the_same_socket(
    source: str, secured: bool, loop: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The kernel's stamp is the capture's; ours comes when the process got round to reading."""
    monkeypatch.setattr(fix_initiator, "KERNEL_STAMPS", source == "kernel")
    if loop == "uvloop":
        monkeypatch.setattr(asyncio, "run", uvloop.run)
    differences: list[int] = []

    async def story(stage: Stage) -> None:
        port = stage.settings.ports["quote"]
        capture = Capture({port})
        engine = await stage.ready()
        taken = await stamped(stage, engine)
        capture.drain()
        if secured:  # the numbers are hidden: the segment that is nearest
            stamps = [one.stamp_ns for one in capture.segments() if one.source == port]
            found = [recv_ns - nearest(recv_ns, stamps) for _, recv_ns in taken]
        else:
            sent = [one for one in capture.messages() if one.source == port]
            wire = {one.message.seq: one.stamp_ns for one in sent if one.message.type == "W"}
            found = [recv_ns - wire[seq] for seq, recv_ns in taken]
        differences.extend(sorted(found))
        capture.close()
        assert engine.kernel.state.feeds[FEED].stamps == source

    if secured:
        run(story, tls=certified(tmp_path), host="localhost", ca=str(tmp_path / "own.pem"))
    else:
        run(story)
    p50_us, p99_us = (differences[int(TICKS * share)] / 1_000 for share in (0.5, 0.99))
    how = {"source": source, "tls": secured, "loop": loop, "messages": TICKS}
    print(f"stamps less those of the capture {how}: p50 {p50_us} µs, p99 {p99_us} µs")
    note("stamps", **how, p50_us=p50_us, p99_us=p99_us, failures=0)
    assert differences[0] > -1_000_000, "stamped before it was on the wire"
    if source == "kernel":
        assert abs(p50_us) < 20 and p99_us < 1_000
    else:
        assert p50_us > 0


def nearest(moment_ns: int, stamps: list[int]) -> int:
    """Returns the stamp that is nearest to a moment; stamps ascend."""
    at = bisect(stamps, moment_ns)
    return min(stamps[max(at - 1, 0) : at + 1], key=lambda stamp: abs(stamp - moment_ns))


def certified(folder: Path) -> ssl.SSLContext:
    """Returns a server's context with a certificate that trusts itself."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files += ["-keyout", "own.key", "-out", "own.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", *files, *names], cwd=folder, check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    return context
