"""Lines to an engine: orders go out, answers are timed and checked; used by `thft bench session`.

Blocking sockets, and messages made before the clock starts: what is measured is the engine.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.dictionary import fix44
from thft.fix.wire import Framer, Garbled, Header, Message, pack

ENGINE, TRADER = "ENGINE", "TRADER"
TIMEOUT_S = 60.0
HEARTBEAT_S = 60
"""Longer than a session of the bench is idle while others have their turn."""
READ_BYTES = 1 << 18
CHECK_SUM = b"\x0110="
POINT, LOT = 10_000, 10**8
FIRST_PRICE, PRICES, SIZES = 1_084_120_000, 997, 1_000

ORDER = fix44().layout(
    "D", [(11, "text"), (38, "size"), (40, "char"), (44, "price"), (54, "char"), (55, "text")]
)
REPORT = fix44().layout(
    "8",
    [
        *((6, "price"), (11, "text"), (14, "size"), (17, "text"), (31, "price"), (32, "size")),
        *((37, "text"), (38, "size"), (39, "char"), (54, "char"), (55, "text"), (150, "char")),
        (151, "size"),
    ],
)


def order_of(number: int) -> tuple[Any, ...]:
    """Returns the values of an order; no two neighbours have the same."""
    price = FIRST_PRICE + number % PRICES * POINT
    size = (1 + number % SIZES) * LOT
    return f"o-{number:07d}", size, "2", price, "12"[number % 2], "EURUSD"


def report_of(order: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the values of the report that fills an order."""
    order_id, size, _, price, side, symbol = order
    return (
        *(price, order_id, size, f"E{order_id}", price, size),
        *(f"T{order_id}", size, "2", side, symbol, "F", 0),
    )


class Line:
    """One connection to an echo; every message comes back as it was, or it raises."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._header = Header("FIX.4.4", [(49, TRADER), (56, ENGINE)])
        self._orders = 0

    def one_by_one(self, count: int) -> list[float]:
        """Returns the us from each order until its answer; the next order waits for it."""
        orders, answers, times = self._next(count), [], []
        clock, send = time.perf_counter_ns, self._socket.sendall
        with _connected():
            for order in orders:
                began = clock()
                send(order)
                answer = self._whole()
                times.append((clock() - began) / 1e3)
                answers.append(answer)
        self._check(orders, answers)
        return times

    def pipelined(self, count: int, window: int) -> float:
        """Returns the seconds that all orders took, with at most `window` unanswered ones."""
        orders = self._next(count)
        ends = [0, *accumulate(len(order) for order in orders)]
        stream = memoryview(b"".join(orders))
        answers: list[bytes] = []
        sent = answered = 0
        began = time.perf_counter_ns()
        with _connected():
            for more in self._answered(count, answers):
                answered += more
                upto = min(answered + window, count)
                self._socket.sendall(stream[ends[sent] : ends[upto]])
                sent = upto
        seconds = (time.perf_counter_ns() - began) / 1e9
        self._check(orders, answers)
        return seconds

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def _next(self, count: int) -> list[bytes]:
        """Returns the next orders, ready to be sent."""
        first = self._orders
        self._orders += count
        when = time.time_ns()
        besides = pack([(tags.TRANSACT_TIME, "20260302-09:15:02.000")])
        return [
            self._header.encode("D", number + 2, when, ORDER.pack(order_of(number)) + besides)
            for number in range(first, first + count)
        ]

    def _check(self, orders: Sequence[bytes], answers: Sequence[bytes]) -> None:
        if b"".join(answers) != b"".join(orders):
            raise LocalError("the echo sends back something else")

    def _whole(self) -> bytes:
        """Returns one message."""
        data = self._more(1)
        while data[-8:-4] != CHECK_SUM:
            data += self._more(1)
        return data

    def _answered(self, count: int, answers: list[bytes]) -> Iterator[int]:
        """Yields how many more answers have come, first 0; puts what came into `answers`."""
        tail = b""
        yield 0
        while count > 0:
            answers.append(self._more(count))
            known = tail + answers[-1]
            more = known[:-4].count(CHECK_SUM)  # its value and its end are there too
            tail = known[-7:]
            count -= more
            yield more

    def _more(self, missing: int) -> bytes:
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError(f"it was closed, {missing} answers are missing")
        return data


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalError(f"the connection to the engine failed: {error}") from error


class Trader(Line):
    """One session with an engine, logged on; every order is filled once and in order."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._framer = Framer()
        self.reports: list[bytes] = []
        """All that were received, checked."""
        logon = pack([(tags.ENCRYPT_METHOD, 0), (tags.HEART_BT_INT, HEARTBEAT_S)])
        self._one("A", 1, self._header.encode("A", 1, time.time_ns(), logon))

    def close(self) -> None:
        """Logs out and ends the connection."""
        logout = self._header.encode("5", self._orders + 2, time.time_ns())
        self._one("5", len(self.reports) + 2, logout)
        super().close()

    def _check(self, orders: Sequence[bytes], answers: Sequence[bytes]) -> None:
        units = [unit for piece in answers for unit in self._framer.feed(piece)]
        if len(units) != len(orders):
            raise LocalError(f"{len(units)} answers to {len(orders)} orders")
        for unit in units:
            number = len(self.reports)
            report = _expected(unit, "8", number + 2)
            values, right = REPORT.extract(report), report_of(order_of(number))
            if _filled(values) != _filled(right):
                raise LocalError(f"order {number} is answered by {values}, not {right}")
            self.reports.append(report.raw)

    def _one(self, kind: str, seq: int, message: bytes) -> None:
        """Says something that is answered by one message of the same type."""
        with _connected():
            self._socket.sendall(message)
            (unit,) = self._framer.feed(self._whole())
        _expected(unit, kind, seq)


def _expected(unit: Message | Garbled, kind: str, seq: int) -> Message:
    if isinstance(unit, Garbled) or (unit.type, unit.seq) != (kind, seq):
        raise LocalError(f"{unit.raw!r} where {kind} with number {seq} should be")
    return unit


def _filled(report: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns a report's values without the ids that are the engine's own."""
    return (*report[:3], *report[4:6], *report[7:])
