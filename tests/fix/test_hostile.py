"""A hostile peer costs time in proportion to its bytes and memory within the limit."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest
from tests.fix.generated import resealed
from tests.unit.fix.frames import framed

from thft.fix.dictionary import fix44
from thft.fix.wire import Framer, Garbled, Message, MessageTooLong

LIMIT = 1 << 20
READ = 1 << 16
SLACK_NS = 1_000_000
"""What a handful of page faults may cost; a square of these sizes takes seconds."""
HEAD = "35=D|34=2|49=A|52=20260302-09:15:00.120|56=B|11=x|55=y|54=1|40=1|60=20260302-09:15:00|"


def declared(length: int) -> bytes:
    return b"8=FIX.4.4\x019=%d\x01" % length


STREAMS: dict[str, Callable[[int], bytes]] = {
    "starts": lambda n: b"8=" * (n // 2),
    "starts with an end": lambda n: b"8=\x01" * (n // 3),
    "half heads": lambda n: b"8=FIX.4.4\x019=12\x02" * (n // 14),
    "delimiters": lambda n: b"\x01" * n,
    "no delimiter": lambda n: b"8=FIX.4.4\x019=5\x0135=0\x01" + b"x" * n,
    "endless trailer": lambda n: declared(5) + b"35=0\x0110=" + b"1" * n,
    "almost trailers": lambda n: declared(5) + b"35=0\x01" + b"\x0110" * (n // 3),
    "garbled in a row": lambda n: framed("35=0|34=2|", checksum="999") * (n // 36),
    "short lengths": lambda n: (declared(5) + b"35=0\x01" + b"y" * 99 + b"\x0110=0\x01")
    * (n // 125),
    "many fields": lambda n: framed("35=0|" + "1=|" * (n // 3)),
    "long tag": lambda n: framed("35=0|" + "1" * n + "=x|"),
    "no equals": lambda n: framed("35=0|" + "1|" * (n // 2)),
    "long number": lambda n: framed("35=0|34=" + "9" * n + "|"),
    "group bomb": lambda n: framed(HEAD + "453=999999999999999999|" + "448=a|" * (n // 6)),
    "nested groups": lambda n: framed(
        HEAD + f"453={n // 12}|" + "448=a|802=9|523=b|" * (n // 18)
    ),
    "one tag again": lambda n: framed(HEAD + "58=a|" * (n // 5)),
    "unknown tags": lambda n: framed(HEAD + "9999=a|" * (n // 7)),
    "lying data": lambda n: framed("35=B|" + "95=9|96=a|" * (n // 10)),
}  # fmt: skip


def consumed(stream: bytes, step: int) -> int:
    """Feeds and validates a stream; returns the CPU ns it took."""
    began = time.process_time_ns()
    framer = Framer(LIMIT)
    try:
        for at in range(0, len(stream), step):
            for unit in framer.feed(stream[at : at + step]):
                if isinstance(unit, Message):
                    fix44().validate(unit)
            assert framer.pending_bytes <= LIMIT
    except MessageTooLong:
        assert framer.pending_bytes == 0
    return time.process_time_ns() - began


@pytest.mark.alone
@pytest.mark.parametrize(("step", "size"), [(READ, 120_000), (1, 12_000)])
@pytest.mark.parametrize("name", STREAMS)
def test_time_is_linear(name: str, step: int, size: int) -> None:
    """Four times the bytes take about four times as long; sixteen would be a square."""
    short, long = STREAMS[name](size), STREAMS[name](4 * size)
    consumed(short, step)
    seen = []
    for _ in range(5):
        seen.append((consumed(short, step), consumed(long, step)))
        if seen[-1][1] < 8 * seen[-1][0] + SLACK_NS:
            return
    raise AssertionError(f"short and long in ns: {seen}")


def test_a_declared_gigabyte_is_refused_at_once() -> None:
    tracemalloc.start()
    try:
        framer = Framer(LIMIT)
        with pytest.raises(MessageTooLong):
            framer.feed(declared(1 << 30))
        assert tracemalloc.get_traced_memory()[1] < 1 << 16
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["starts", "delimiters", "half heads", "no delimiter", "garbled in a row"]
)
def test_memory_stays_within_the_limit_and_a_read(name: str) -> None:
    """Two megabytes of noise, read by read: what is kept is bounded by the limit."""
    limit = 1 << 18
    framer, stream = Framer(limit), STREAMS[name](1 << 21)
    reads = [stream[at : at + READ] for at in range(0, len(stream), READ)]
    del stream
    tracemalloc.start()
    try:
        for read in reads:
            framer.feed(read)
    except MessageTooLong:
        assert name == "no delimiter"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert framer.pending_bytes <= limit
    # the units of one read, each with the bytes it stands for, come on top
    assert peak < limit + 12 * READ, peak


def test_garbage_does_not_hide_what_follows() -> None:
    good = framed("35=0|34=2|49=A|52=20260302-09:15:00.120|56=B|")
    for name in ("starts", "starts with an end", "half heads", "delimiters", "garbled in a row"):
        units = Framer(LIMIT).feed(STREAMS[name](5_000) + good)
        assert isinstance(units[-1], Message) and units[-1].raw == good, name
        assert all(isinstance(unit, Garbled) for unit in units[:-1])


def test_each_bomb_gets_its_reason() -> None:
    reasons = {}
    for name in ("group bomb", "nested groups", "one tag again", "unknown tags", "long number"):
        (unit,) = Framer(LIMIT).feed(STREAMS[name](30_000))
        assert isinstance(unit, Message)
        reject = fix44().validate(unit)
        assert reject is not None
        reasons[name] = reject.reason, reject.tag
    assert reasons == {
        "group bomb": (16, "453"),
        "nested groups": (16, "802"),
        "one tag again": (13, "58"),
        "unknown tags": (0, "9999"),
        "long number": (6, "34"),
    }


def test_a_resealed_message_is_good() -> None:
    """The fuzz depends on it: what it repairs is framed again."""
    broken = framed("35=0|34=2|49=A|", length=99, checksum="000")
    (unit,) = Framer(LIMIT).feed(resealed(broken))
    assert isinstance(unit, Message)
