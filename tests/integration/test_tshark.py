"""A whole session of ours on loopback, decoded by another program: tshark counts what we count."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.capture import Capture
from tests.venue.fix_engine import Stage, run

from thft.fix import tags
from thft.gateway.fix_link import now
from thft.model.order import TERMINAL
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import PASSWORD

FIELDS = ("fix.MsgType", "fix.MsgSeqNum", "fix.SenderCompID", "fix.TargetCompID", "fix.CheckSum")


class Decoded(NamedTuple):
    """One message as tshark shows it."""

    type: str
    seq: int
    sender: str
    target: str
    checksum: str


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


def tshark(file: Path, ports: set[int], *arguments: str) -> list[str]:
    """Returns the lines that tshark prints about the FIX messages of a capture."""
    if shutil.which("tshark") is None:
        pytest.skip("no tshark — apt-get install -y --no-install-recommends tshark")
    decode = [word for port in ports for word in ("-d", f"tcp.port=={port},fix")]
    command = ["tshark", "-n", "-r", str(file), *decode, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def decoded(file: Path, ports: set[int]) -> list[Decoded]:
    """Returns all messages, in the order of the capture; several may share a frame."""
    fields = [word for field in FIELDS for word in ("-e", field)]
    lines = tshark(file, ports, "-Y", "fix", "-T", "fields", "-E", "separator=;", *fields)
    found: list[Decoded] = []
    for line in lines:
        columns = [column.split(",") for column in line.split(";")]
        for kind, seq, *rest in zip(*columns, strict=True):
            found.append(Decoded(kind, int(seq), *rest))
    return found


def bad_checksums(file: Path, ports: set[int]) -> int:
    return len(tshark(file, ports, "-Y", "fix.checksum_bad==1"))


def captured(file: Path) -> tuple[Capture, set[int]]:
    """Plays logon, market data, order, report, a gap on either side and logout."""
    kept: list[tuple[Capture, set[int]]] = []

    async def story(stage: Stage) -> None:
        ports = set(stage.settings.ports.values())
        capture = Capture(ports)
        kept.append((capture, ports))
        engine = await stage.ready()
        order_id = engine.submit()
        await stage.until(lambda: engine.order(order_id).state in TERMINAL, "end", engine)
        stage.venue.inject(Fault(do="drop", on="W", link="quote"))
        for at in range(3):  # the second shows that the first is missing
            stage.tick(bid=f"1.1701{at}", ask="1.18000")
        (quote,) = (one for one in stage.venue.clients if one.terms.name == "quote")
        outbox = quote.session._life.outbox
        outbox.session("2", [(tags.BEGIN_SEQ_NO, 1), (tags.END_SEQ_NO, 0)], now())
        quote.link.flush()
        seen: Counter[str] = Counter()

        def resent() -> bool:
            capture.drain()
            seen.update({one.message.type: 1 for one in capture.messages()})
            return {"2", "4"} <= set(seen)

        await stage.until(resent, "resends", engine)
        engine.client.stop()
        await stage.until(lambda: not stage.venue.clients, "logout", engine)
        await asyncio.sleep(0)
        capture.drain()

    run(story)
    capture, ports = kept[0]
    capture.write_pcap(file)
    return capture, ports


def test_tshark_sees_the_messages_that_we_mean_to_send(tmp_path: Path) -> None:
    file = tmp_path / "session.pcap"
    capture, ports = captured(file)
    ours = Counter(
        Decoded(
            one.message.type,
            one.message.seq,
            one.message.text(tags.SENDER_COMP_ID) or "",
            one.message.text(tags.TARGET_COMP_ID) or "",
            one.message.raw[-4:-1].decode(),
        )
        for one in capture.messages()
    )
    assert Counter(decoded(file, ports)) == ours
    kinds = {one.type for one in ours}
    assert kinds >= {"A", "V", "W", "x", "y", "D", "8", "AF", "AN", "AP", "2", "4", "5"}
    assert bad_checksums(file, ports) == 0
    capture.packets = [
        (at, packet.replace(b"\x0135=D\x01", b"\x0135=E\x01")) for at, packet in capture.packets
    ]
    capture.write_pcap(file)
    assert bad_checksums(file, ports) == 1  # the witness would have noticed
