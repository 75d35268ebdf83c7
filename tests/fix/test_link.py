"""One connection: how much a turn takes, what is written when, and what a failing store stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.fix.script import message, settings, split

from thft.base.errors import LocalError
from thft.cli.fix_echo import Echo
from thft.fix.dictionary import fix44
from thft.fix.session import MemoryStore, Session
from thft.fix.wire import format_timestamp
from thft.gateway.fix_link import BACKLOG_MESSAGES, MESSAGES_PER_TURN, FixLink, now


class Transport:
    """What a link sees of a socket."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.written: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.log.append("write")
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> Any:
        return ("peer", 1)

    def close(self) -> None:
        self.log.append("close")

    def abort(self) -> None:
        self.log.append("abort")

    def pause_reading(self) -> None:
        self.log.append("pause")

    def resume_reading(self) -> None:
        self.log.append("resume")


class LoggedStore(MemoryStore):
    """A store that notes its flushes, and fails when told to."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log
        self.full = False

    def flush(self) -> None:
        if self.full:
            raise LocalError("no space left", "free disk space")
        self.log.append("flush")

    def left(self) -> None:
        self.log.append("left")


class Owner:
    """Nobody of interest."""

    def first(self, link: FixLink, unit: object) -> None: ...
    def ended(self, link: FixLink, reason: str) -> None: ...


class Bench:
    """A link with everything around it in hand."""

    def __init__(self, initiator: bool = False) -> None:
        self.log: list[str] = []
        self.store = LoggedStore(self.log)
        self.transport = Transport(self.log)
        self.link = FixLink(Owner(), write_limit_bytes=10_000)
        self.link.connection_made(self.transport)  # type: ignore[arg-type]
        self.link.attach(Session(settings("", initiator=initiator), self.store), Echo(fix44()))
        self.link.data_received(said(1, "35=A|98=0|108=30"))
        self.log.clear()
        self.transport.written.clear()


def said(seq: int, text: str) -> bytes:
    kind, *body = [field.partition("=")[::2] for field in text.split("|")]
    time = format_timestamp(now().utc_ns).decode()
    header = [("34", str(seq)), ("49", "TW"), ("52", time), ("56", "ISLD")]
    return message([("8", "FIX.4.4"), kind, *header, *body])


def test_a_turn_takes_64_messages_and_writes_once_behind_the_store() -> None:
    async def main() -> None:
        bench = Bench()
        bench.link.data_received(b"".join(said(seq, "35=1|112=A") for seq in range(2, 202)))
        assert bench.log == ["flush", "write", "left"]
        for _ in range(10):
            await asyncio.sleep(0)
        assert bench.log == ["flush", "write", "left"] * 4
        counts = [part.count(b"\x01112=A\x01") for part in bench.transport.written]
        assert counts == [MESSAGES_PER_TURN] * 3 + [200 - 3 * MESSAGES_PER_TURN]

    asyncio.run(main())


def test_a_long_backlog_stops_the_reading() -> None:
    async def main() -> None:
        bench = Bench()
        many = range(2, 2 + BACKLOG_MESSAGES + 2 * MESSAGES_PER_TURN)
        bench.link.data_received(b"".join(said(seq, "35=0") for seq in many))
        assert bench.log[-1] == "pause"
        for _ in range(40):
            await asyncio.sleep(0)
        assert bench.log.count("resume") == 1

    asyncio.run(main())


def test_nothing_leaves_when_the_store_fails() -> None:
    async def main() -> None:
        bench = Bench()
        bench.store.full = True
        bench.link.data_received(said(2, "35=1|112=A"))
        assert bench.transport.written == []
        assert bench.log == ["close", "abort"]
        assert bench.link.failure is not None and "no space left" in bench.link.reason

    asyncio.run(main())


@pytest.mark.parametrize("initiator", [False, True])
def test_a_slow_peer_is_cut(initiator: bool) -> None:
    """OUT-7"""

    async def main() -> None:
        bench = Bench(initiator)
        bench.transport.waiting = 10_001
        bench.link.data_received(said(2, "35=1|112=A"))
        assert bench.log == ["flush", "write", "left", "close", "abort"]
        assert bench.link.reason == "the peer does not read: 10001 bytes wait for it"

    asyncio.run(main())


def test_what_a_lost_connection_changes_is_kept() -> None:
    async def main() -> None:
        bench = Bench()
        bench.link.connection_lost(None)
        assert bench.log == ["flush", "left"]

    asyncio.run(main())


def test_a_turn_that_puts_the_next_heartbeat_off_leaves_its_timer_alone() -> None:
    """It comes too early then, and is set again; what is due sooner is not left to it."""

    async def main() -> None:
        bench = Bench()
        first = bench.link._timer
        assert first is not None
        bench.link.data_received(said(2, "35=1|112=A"))
        assert bench.link._timer is first and not first.cancelled()
        first.cancel()
        bench.link._due()
        again = bench.link._timer
        assert again is not None and again.when() > first.when()
        bench.link.logout("over")
        soon = bench.link._timer
        assert again.cancelled() and soon is not None and soon.when() < again.when()

    asyncio.run(main())


def test_what_came_before_a_hostile_length_is_taken() -> None:
    async def main() -> None:
        bench = Bench()
        bench.link.data_received(said(2, "35=1|112=A") + b"8=FIX.4.4\x019=999999999\x0135=0\x01")
        assert dict(split(bench.transport.written[0]))[112] == "A"
        assert bench.log[-1] == "close" and "bytes" in bench.link.reason

    asyncio.run(main())


@pytest.mark.parametrize("size", [1, 7, 64])
def test_bytes_in_pieces(size: int) -> None:
    async def main() -> None:
        bench = Bench()
        stream = b"".join(said(seq, "35=1|112=A") for seq in range(2, 22))
        for at in range(0, len(stream), size):
            bench.link.data_received(stream[at : at + size])
        numbers = [dict(split(part))[34] for part in bench.transport.written]
        assert size > 7 or numbers == [str(seq) for seq in range(2, 22)]
        assert b"".join(bench.transport.written).count(b"112=A") == 20

    asyncio.run(main())
