"""A turn with several messages: one write of the log, then one of the socket; a kill between."""

from __future__ import annotations

import asyncio

from tests.fix.script import settings, split
from tests.fix.test_link import Owner, Transport, said

from thft.cli.fix_echo import Echo
from thft.fix.dictionary import fix44
from thft.fix.session import Session
from thft.gateway.fix_link import FixLink
from thft.sim.memory_disk import FragileDisk
from thft.store.fix_log import BLOCK_BYTES, FixLog
from thft.stream.journal import Journal

ORDER = "35=D|11=O-{}|21=1|38=100|40=1|54=1|55=EURUSD|60=20260302-09:15:02"


def opened(disk: FragileDisk) -> FixLog:
    journal = Journal(
        disk,
        instance="fix",
        created_ns=1,
        segment_bytes=4 * BLOCK_BYTES,
        block_bytes=BLOCK_BYTES,
        threads=False,
    )
    return FixLog(journal, disk, 1)


class Wire(Transport):
    """A socket that notes how the disk looked when it was written to."""

    def __init__(self, disk: FragileDisk) -> None:
        super().__init__([])
        self.disk = disk
        self.killed: list[FragileDisk] = []
        """What a kill would have left, for each write: before any of its bytes went."""
        self.log_writes: list[int] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.killed.append(self.disk.killed())
        self.log_writes.append(sum(op.kind == "write" for op in self.disk.ops))


def connected(disk: FragileDisk, store: FixLog) -> tuple[FixLink, Wire]:
    wire = Wire(disk)
    link = FixLink(Owner())
    link.connection_made(wire)  # type: ignore[arg-type]
    link.attach(Session(settings("", reset_on_logon=False), store), Echo(fix44()))
    return link, wire


def orders(first: int, count: int) -> bytes:
    return b"".join(said(seq, ORDER.format(seq)) for seq in range(first, first + count))


def test_a_turn_of_many_orders_is_one_write_of_the_log_before_one_of_the_socket() -> None:
    async def main() -> None:
        disk = FragileDisk()
        link, wire = connected(disk, opened(disk))
        link.data_received(said(1, "35=A|98=0|108=30"))
        link.data_received(orders(2, 50))
        before, behind = wire.log_writes
        assert behind == before + 1
        assert wire.written[1].count(b"\x0135=D\x01") == 50

    asyncio.run(main())


def test_a_kill_between_the_log_and_the_socket_uses_no_number_twice_and_loses_no_report() -> None:
    async def main() -> None:
        disk = FragileDisk()
        link, wire = connected(disk, opened(disk))
        link.data_received(said(1, "35=A|98=0|108=30"))
        link.data_received(orders(2, 50))
        left = wire.killed[1]  # nothing of the second write had gone
        store = opened(left)
        assert (store.next_in, store.next_out) == (52, 52)
        link, wire = connected(left, store)
        link.data_received(said(52, "35=A|98=0|108=30"))
        assert dict(split(wire.written[0]))[34] == "52"
        link.data_received(said(53, "35=2|7=2|16=0"))
        again = [dict(split(b"8=FIX" + part)) for part in wire.written[1].split(b"8=FIX")[1:]]
        assert [one[34] for one in again[:50]] == [str(seq) for seq in range(2, 52)]
        assert [one[11] for one in again[:50]] == [f"O-{seq}" for seq in range(2, 52)]
        assert {one[43] for one in again[:50]} == {"Y"}
        link.data_received(orders(54, 1))
        assert dict(split(wire.written[-1]))[34] == "53"

    asyncio.run(main())
