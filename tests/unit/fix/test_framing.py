"""Framing: where messages begin and end, what is garbled as a unit, what a hostile peer costs."""

from __future__ import annotations

import pytest
from tests.unit.fix.frames import SOH, fed, framed, message, shown, soh

from thft.fix.wire import Framer, Garbled, Message, MessageTooLong

BEAT = framed("35=0|34=2|49=A|52=20260302-09:15:00.120|56=B|")
TEST = framed("35=1|34=3|49=A|52=20260302-09:15:00.120|56=B|112=x=y|")


def reasons(data: bytes) -> list[str]:
    """Returns the type of each message and the reason of each garbled extent."""
    return [unit.reason if isinstance(unit, Garbled) else unit.type for unit in fed(data)]


def test_a_message_is_read_as_it_came() -> None:
    (unit,) = fed(TEST)
    assert isinstance(unit, Message)
    assert (unit.raw, unit.type, unit.seq, unit.begin_string) == (TEST, "1", 3, "FIX.4.4")
    assert unit.get(112) == b"x=y"
    assert unit.get(10) == TEST[-4:-1]
    assert [tag for tag, _ in unit.fields()] == [8, 9, 35, 34, 49, 52, 56, 112, 10]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_will_do_and_may_be_reused(kind: type) -> None:
    memory = bytearray(BEAT + TEST[:20])
    framer = Framer()
    (beat,) = framer.feed(kind(memory))
    memory[:] = bytes(len(memory))
    assert beat.raw == BEAT
    assert [unit.raw for unit in framer.feed(TEST[20:])] == [TEST]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1 << 20])
def test_pieces_of_any_size_give_the_same_units(step: int) -> None:
    """1.1-6: byte by byte, in pieces, or all at once."""
    stream = (
        b"GET / HTTP/1.1\r\n\r\n8=8=x9"
        + BEAT * 3
        + framed("35=0|34=4|", checksum="256")
        + b"8=FIX.4.4\x019=abc\x01"
        + framed("35=0|34=5|", length=3)
        + TEST * 40
    )
    assert shown(fed(stream, step)) == shown(fed(stream))
    assert [unit[0] for unit in shown(fed(stream))] == ["0"] * 3 + ["garbled"] * 2 + ["1"] * 40


def test_bytes_before_a_message_are_skipped_and_counted() -> None:
    """1.1-1: what is no message is passed over until one begins."""
    framer = Framer()
    assert framer.feed(b"GET /?8=7 HTTP/1.1\r\n8=8=" + BEAT[2:]) != []
    assert framer.skipped_bytes == len(b"GET /?8=7 HTTP/1.1\r\n8=")
    assert framer.feed(b"8=" * 500) == []
    assert framer.pending_bytes <= 36


def test_the_checksum_is_three_figures_that_fit() -> None:
    """1.1-7: three figures up to 255, nothing else."""
    summed = int(BEAT[-4:-1])
    for wrong in (
        "256",
        "999",
        f"{(summed + 1) % 256:03d}",
        str(summed),
        f"0{summed:03d}",
        "",
        "x",
    ):
        bad = BEAT[:-4] + wrong.encode() + SOH
        if bad == BEAT:
            continue
        first, second = reasons(bad + TEST)
        assert first.startswith("CheckSum(10) is ") and second == "1", wrong


def test_a_length_too_short_loses_one_message() -> None:
    """1.1-2: the declared end is where the search for CheckSum begins."""
    assert reasons(framed("35=0|34=2|49=A|", length=9) + TEST) == [
        "BodyLength(9) is 9, the body has 15 bytes",
        "1",
    ]


def test_a_length_too_long_swallows_the_next_message_with_it() -> None:
    """1.1-3: the extent is one garbled message, and nothing inside it is read."""
    long = framed("35=0|34=2|49=A|", length=18)
    units = fed(long + TEST + BEAT)
    assert [type(unit) for unit in units] == [Garbled, Message]
    assert units[0].raw == long + TEST
    assert units[1].raw == BEAT


def test_a_body_length_may_have_leading_zeros() -> None:
    body = "35=0|34=2|"
    assert reasons(framed(body, length="0000010")) == ["0"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("34=2|35=0|", "field 3 is not MsgType(35)"),
        ("35=0|34=2|=5|", "no tag at byte 25"),
        ("35=0|34=2|58|", "no tag at byte 25"),
        ("35=0|34=2|+5=1|", "no tag at byte 25"),
        ("35=0|34=2|5a=1|", "no tag at byte 25"),
        ("35=0|34=2||", "no tag at byte 25"),
        ("35=0|34=2|-=1|", "no tag at byte 25"),
        ("35=0|95=4|96=abc|", "data of tag 96 does not end after 4 bytes"),
        ("35=0|95=2|96=abc|", "data of tag 96 does not end after 2 bytes"),
        ("35=0|95=999999999|96=abc|", "data of tag 96 does not end after 999999999 bytes"),
    ],
)
def test_what_has_no_fields_is_garbled(text: str, reason: str) -> None:
    assert reasons(framed(text) + BEAT) == [reason, "0"]


def test_fields_one_and_two_in_another_order_are_no_message() -> None:
    swapped = soh("8=FIX.4.4|35=0|9=10|34=2|10=000|")
    framer = Framer()
    assert [unit.raw for unit in framer.feed(swapped + BEAT)] == [BEAT]
    assert framer.skipped_bytes == len(swapped)


def test_tags_keep_their_shape_for_the_dictionary_to_refuse() -> None:
    unit = message("35=0|34=2|0=a|-1=b|5000=c|99999999999999999999=d|007=e|")
    assert [tag for tag, _ in unit.fields()][4:-1] == [0, -1, 5000, 999_999_999, 7]


def test_data_may_contain_what_looks_like_a_message() -> None:
    """1.1-5: the length before it says where it ends."""
    inside = b"x" + SOH + b"10=000" + SOH + BEAT
    text = f"35=B|34=2|95={len(inside)}|96=".encode().replace(b"|", SOH) + inside + SOH
    head = b"8=FIX.4.4\x019=%d\x01" % len(text)
    raw = head + text + b"10=%03d\x01" % (sum(head + text) % 256)
    for step in (1, 5, 1 << 20):
        (unit,) = fed(raw, step)
        assert isinstance(unit, Message)
        assert unit.get(96) == inside


def test_data_without_its_length_before_it_ends_at_the_delimiter() -> None:
    unit = message("35=B|34=2|95=3|58=t|96=ab|")
    assert unit.get(96) == b"ab"
    assert message("35=B|95=x|96=ab|").get(96) == b"ab"


@pytest.mark.parametrize(
    "stream",
    [
        framed("35=0|", length=1_000_000_000),
        framed("35=0|", length="99999999999999999999"),
        framed("35=0|58=" + "a" * 5_000 + "|"),
        soh("8=FIX.4.4|9=5|35=0|") + b"x" * 5_000,
        soh("8=FIX.4.4|9=5|35=0|10=") + b"x" * 5_000,
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_a_message_above_the_limit_ends_the_stream(stream: bytes, step: int) -> None:
    """1.1-4: however it arrives, and nothing is reserved for what is only declared."""
    framer = Framer(max_message_bytes=4_096)
    stream = BEAT + stream
    seen: list[object] = []
    with pytest.raises(MessageTooLong, match="more than 4096 bytes") as caught:
        for at in range(0, len(stream), step):
            seen += framer.feed(stream[at : at + step])
            assert framer.pending_bytes <= 4_096
    seen += caught.value.units
    assert [unit.raw for unit in seen if isinstance(unit, Message)] == [BEAT]
    assert framer.pending_bytes == 0
    with pytest.raises(MessageTooLong):
        framer.feed(BEAT)


def test_a_message_of_exactly_the_limit_passes() -> None:
    for spare in (0, 1):
        framer = Framer(max_message_bytes=len(BEAT) - spare)
        if spare:
            with pytest.raises(MessageTooLong):
                framer.feed(BEAT)
        else:
            assert len(framer.feed(BEAT)) == 1
