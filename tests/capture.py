"""A packet capture of loopback without a program: what the kernel saw, and when; needs root.

The kernel keeps packets with their stamps until they are drained, so capturing costs the captured
process nothing but the drain.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from thft.fix.wire import Framer, Message

ETH_P_IP, SOL_PACKET, PACKET_STATISTICS = 0x0800, 263, 6
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SO_RCVBUFFORCE = 26, 35, 33
BUFFER_BYTES = 128 << 20
PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 101)
"""Of a file with nanoseconds and packets that begin with their IP header."""


class Segment(NamedTuple):
    """One TCP segment with content; times are UTC ns."""

    stamp_ns: int
    source: int
    target: int
    seq: int
    content: bytes


class Seen(NamedTuple):
    """One FIX message on the wire, stamped with the segment that completed it."""

    stamp_ns: int
    source: int
    target: int
    message: Message


class Capture:
    """All packets of some TCP ports of loopback, from its making on."""

    def __init__(self, ports: set[int]) -> None:
        try:
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)
            )
        except PermissionError:
            pytest.skip("capturing needs root: run the tests as root (sudo -E make test)")
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        _attach(self._socket, ports)
        self._socket.bind(("lo", ETH_P_IP))
        self._socket.setblocking(False)
        self.packets: list[tuple[int, bytes]] = []
        """(stamp, IP packet) of all that was drained."""

    def drain(self) -> None:
        """Takes what has come; fails when the kernel had to drop some."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, ancillary, _, _ = self._socket.recvmsg(1 << 17, 64)
                seconds, ns = struct.unpack("@ll", ancillary[0][2])
                self.packets.append((seconds * 1_000_000_000 + ns, packet))
        counted = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        assert struct.unpack("=II", counted)[1] == 0, "the capture lost packets"

    def close(self) -> None:
        self._socket.close()

    def segments(self) -> Iterator[Segment]:
        """Yields segments with content, in the order of capture."""
        for stamp_ns, packet in self.packets:
            (length,) = struct.unpack_from(">H", packet, 2)
            at = (packet[0] & 15) * 4
            source, target, seq = struct.unpack_from(">HHI", packet, at)
            content = packet[at + (packet[at + 12] >> 4) * 4 : length]
            if content:
                yield Segment(stamp_ns, source, target, seq, content)

    def streams(self) -> Iterator[Segment]:
        """Yields segments with content that bring something new, each direction in its order."""
        expected: dict[tuple[int, int], int] = {}
        for segment in self.segments():
            way = segment.source, segment.target
            if segment.seq != expected.setdefault(way, segment.seq):
                continue  # sent again, and seen before
            expected[way] = (segment.seq + len(segment.content)) % (1 << 32)
            yield segment

    def messages(self) -> list[Seen]:
        """Returns all FIX messages; every direction of a connection is a stream of its own."""
        framers: dict[tuple[int, int], Framer] = {}
        found: list[Seen] = []
        for segment in self.streams():
            way = segment.source, segment.target
            for unit in framers.setdefault(way, Framer()).feed(segment.content):
                assert isinstance(unit, Message), unit
                found.append(Seen(segment.stamp_ns, *way, unit))
        return found

    def write_pcap(self, path: Path) -> None:
        """Writes all packets as a file for tshark and others."""
        with path.open("wb") as file:
            file.write(PCAP_HEAD)
            for stamp_ns, packet in self.packets:
                seconds, ns = divmod(stamp_ns, 1_000_000_000)
                file.write(struct.pack("<IIII", seconds, ns, len(packet), len(packet)) + packet)


def most_in(stamps_ns: list[int], window_ns: int) -> int:
    """Returns the most stamps in any window of this length, however it lies."""
    first, most = 0, 0
    for last, at in enumerate(stamps_ns):
        while at - stamps_ns[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


def _attach(sock: socket.socket, ports: set[int]) -> None:
    """Has the kernel keep TCP of these ports only, each packet once: as it is received."""
    checks = [*((0, port) for port in sorted(ports)), *((2, port) for port in sorted(ports))]
    code = [
        (0x28, 0, 0, 0xFFFFF004),  # the packet's kind
        (0x15, 2 * len(checks) + 4, 0, 4),  # outgoing: it comes in again
        (0x30, 0, 0, 9),
        (0x15, 0, 2 * len(checks) + 2, socket.IPPROTO_TCP),
        (0xB1, 0, 0, 0),
    ]
    for number, (offset, port) in enumerate(checks):
        code += [(0x48, 0, 0, offset), (0x15, 2 * (len(checks) - number - 1) + 1, 0, port)]
    code += [(0x06, 0, 0, 0), (0x06, 0, 0, 1 << 18)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    filled = struct.pack("@HP", len(code), ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filled)
