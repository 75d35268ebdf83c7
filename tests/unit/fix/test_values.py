"""Values: accessors, layouts in both directions, headers, and what may not be sent."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.fix.frames import fed, framed, message, soh

from thft.fix.wire import (
    ABSENT,
    BadGroup,
    BadValue,
    GroupShape,
    Header,
    Layout,
    Message,
    Unsendable,
    format_price,
    format_size,
    format_timestamp,
    pack,
)

SECOND = 1_000_000_000
MORNING = 1_772_442_902 * SECOND  # 2026-03-02 09:15:02
HEADER = Header("FIX.4.4", [(56, "CSERVER"), (49, "demo"), (57, "TRADE"), (50, "core1")])
LAST = 2**63 - 1


def pipes(raw: bytes) -> str:
    return raw.decode().replace("\x01", "|")


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("1.08412", 1_084_120_000),
        ("-0.5", -500_000_000),
        ("002000.00", 2_000 * 10**9),
        (".5", 500_000_000),
        ("5.", 5 * 10**9),
        ("0", 0),
        ("-0", 0),
        ("1.0000000010000000000000000000", 1_000_000_001),
        ("9223372036.854775807", LAST),
        ("-9223372036.854775807", -LAST),
        ("00000000000000000000000000000001", 10**9),
    ],
)
def test_prices_are_exact(text: str, price: int) -> None:
    assert message(f"35=D|44={text}|").price(44) == price
    assert Layout([(44, "price")]).extract(message(f"35=D|44={text}|")) == (price,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a decimal"),
        ("-", "not a decimal"),
        (".", "not a decimal"),
        ("+1", "not a decimal"),
        ("1e5", "not a decimal"),
        ("1.2.3", "not a decimal"),
        (" 1", "not a decimal"),
        ("1_0", "not a decimal"),
        ("0x1", "not a decimal"),
        ("25851.6699999999961", "finer than 1e-9"),
        ("9223372036.854775808", "does not fit"),
        ("-9223372036.854775808", "does not fit"),
        ("9" * 60, "does not fit"),
    ],
)
def test_a_bad_price_names_its_tag(text: str, reason: str) -> None:
    bad = message(f"35=D|44={text}|")
    for read in (lambda: bad.price(44), lambda: Layout([(44, "price")]).extract(bad)):
        with pytest.raises(BadValue, match=rf"^tag 44: .*{reason}") as caught:
            read()
        assert caught.value.tag == 44


def test_integers_and_sizes() -> None:
    unit = message("35=8|34=007|14=10000.01|45=-3|16=9223372036854775807|7=9223372036854775808|")
    assert unit.size(14) == 1_000_001_000_000
    assert (unit.integer(45), unit.integer(34), unit.integer(16)) == (-3, 7, LAST)
    with pytest.raises(BadValue, match=r"tag 7: .* does not fit"):
        unit.integer(7)
    with pytest.raises(BadValue, match=r"tag 14: .* is not an integer"):
        unit.integer(14)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("19700101-00:00:00", 0),
        ("20260302-09:15:02", MORNING),
        ("20260302-09:15:02.007", MORNING + 7_000_000),
        ("20260302-09:15:02.000007", MORNING + 7_000),
        ("20260302-09:15:02.000000007", MORNING + 7),
        ("20260302-09:15:02.000000007999", MORNING + 7),
        ("20161231-23:59:60", 1_483_228_800 * SECOND),
        ("20161231-23:59:60.500", 1_483_228_800 * SECOND + SECOND // 2),
        ("20240229-00:00:00", 1_709_164_800 * SECOND),
        ("22611231-23:59:59", 9_214_646_399 * SECOND),
    ],
)
def test_times_of_every_precision(text: str, ns: int) -> None:
    unit = message(f"35=0|52={text}|")
    assert unit.timestamp_ns(52) == ns
    assert Layout([(52, "timestamp")]).extract(unit) == (ns,)


@pytest.mark.parametrize(
    "text",
    [
        "20260302",
        "20260302-09:15",
        "20260302-09:15:02.",
        "20260302-09:15:02.1",
        "20260302-09:15:02.000000007999000",
        "20260230-09:15:02",
        "20250229-09:15:02",
        "21000229-09:15:02",
        "20260002-09:15:02",
        "20261302-09:15:02",
        "20260302-24:15:02",
        "20260302-09:60:02",
        "20260302-09:15:61",
        "2026-302-09:15:02",
        "19691231-23:59:59",
        "22620101-00:00:00",
        "20260302 09:15:02",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match=r"^tag 52: .* is (not a UTC time|outside 1970)"):
        message(f"35=0|52={text}|").timestamp_ns(52)


def test_what_is_not_there_and_what_comes_twice() -> None:
    unit = message("35=D|55=A|55=B|")
    assert unit.get(55) == b"A"
    assert (unit.get(1), unit.text(1), unit.price(1), unit.timestamp_ns(1)) == (
        None,
        None,
        ABSENT,
        ABSENT,
    )
    layout = Layout(
        [(55, "text"), (1, "text"), (44, "price"), (43, "bool"), (453, [(448, "text")])]
    )
    assert layout.extract(unit) == ("A", None, ABSENT, None, None)


def test_text_is_utf8_and_never_an_error() -> None:
    (unit,) = fed(HEADER.encode("B", 1, MORNING, pack([(58, "naïve €"), (148, b"\xff!")])))
    assert isinstance(unit, Message)
    assert unit.text(58) == "naïve €"
    assert unit.text(148) == "\ufffd!"
    assert unit.get(148) == b"\xff!"


@pytest.mark.parametrize(
    ("text", "seq", "dup"),
    [
        ("35=0|", -1, False),
        ("35=0|34=|43=N|", -2, False),
        ("35=0|34=-1|", -2, False),
        ("35=0|34=+1|", -2, False),
        ("35=0|34=1.0|", -2, False),
        ("35=0|34=9999999999999999999|", -2, False),
        ("35=0|34=000000000000000012|43=Y|", 12, True),
    ],
)
def test_sequence_number_and_duplicate_flag(text: str, seq: int, dup: bool) -> None:
    assert (message(text).seq, message(text).poss_dup) == (seq, dup)


ENTRY = [(279, "char"), (278, "int"), (269, "char"), (55, "text"), (270, "price"), (271, "size")]
DEPTH = "35=X|34=9|268=2|279=0|269=0|278=901|55=1|270=1.08411|271=2000000|279=2|278=887|55=1|"


def test_a_group_becomes_a_tuple_of_tuples() -> None:
    layout = Layout([(34, "int"), (268, ENTRY), (58, "text")])
    entries = (
        ("0", 901, "0", "1", 1_084_110_000, 2 * 10**14),
        ("2", 887, None, "1", ABSENT, ABSENT),
    )
    assert layout.extract(message(DEPTH)) == (9, entries, None)
    assert layout.extract(message(DEPTH + "58=end|")) == (9, entries, "end")
    assert layout.extract(message("35=X|34=9|268=0|58=t|")) == (9, (), "t")


@pytest.mark.parametrize("count", ["1", "3", "999999999", "9223372036854775807"])
def test_a_count_that_lies_is_refused(count: str) -> None:
    bad = message(DEPTH.replace("268=2", f"268={count}"))
    for read in (
        lambda: Layout([(268, ENTRY)]).extract(bad),
        lambda: bad.groups(GroupShape(268, frozenset((58, 10)))),
    ):
        with pytest.raises(BadGroup, match=f"^tag 268: {count} entries declared, 2 found"):
            read()


@pytest.mark.parametrize("count", ["", "x", "-1", "1.0"])
def test_a_count_that_is_no_count_is_refused(count: str) -> None:
    bad = message(DEPTH.replace("268=2", f"268={count}"))
    for read in (
        lambda: Layout([(268, ENTRY)]).extract(bad),
        lambda: bad.groups(GroupShape(268, frozenset((10,)))),
    ):
        with pytest.raises(BadValue, match=r"^tag 268: "):
            read()


PARTIES = "453=2|448=A|447=D|802=2|523=x|803=1|523=y|448=B|447=C|802=1|523=z|54=1|"
PARTY = [(448, "text"), (447, "char"), (802, [(523, "text"), (803, "int")])]


def test_nested_groups_end_where_the_outer_one_goes_on() -> None:
    for layout in (
        Layout([(453, PARTY), (54, "char")]),
        Layout([(453, PARTY)], ends={453: {54}}),
    ):
        values = layout.extract(message("35=D|" + PARTIES))
        assert values[0] == (
            ("A", "D", (("x", 1), ("y", ABSENT))),
            ("B", "C", (("z", ABSENT),)),
        )
    entries = message("35=D|" + PARTIES).groups(GroupShape(453, frozenset((54, 10))))
    assert [entry.text(448) for entry in entries] == ["A", "B"]
    inner = entries[0].groups(GroupShape(802, frozenset((447,))))
    assert [entry.fields() for entry in inner] == [[(523, b"x"), (803, b"1")], [(523, b"y")]]
    assert entries[1].get(54) is None


def test_unknown_members_stay_with_their_entry() -> None:
    text = "35=y|146=2|55=1|1007=EURUSD|1008=5|55=2|9999=?|1007=GBPUSD|"
    layout = Layout([(146, [(55, "text"), (1007, "text")])])
    assert layout.extract(message(text)) == ((("1", "EURUSD"), ("2", "GBPUSD")),)


ORDER = Layout(
    [(11, "text"), (55, "text"), (54, "char"), (60, "timestamp"), (38, "size"), (44, "price"),
     (43_000, "bool"), (453, PARTY), (9_000, "int")]
)  # fmt: skip
VALUES = ("c-1", "EURUSD", "1", MORNING, 10**12, 1_084_120_000, True, (("A", "D", None),), -7)


def test_a_tuple_goes_out_and_comes_back() -> None:
    raw = HEADER.encode("D", 7, MORNING + 123_456_789, ORDER.pack(VALUES))
    assert raw == framed(
        "35=D|34=7|49=demo|50=core1|52=20260302-09:15:02.123|56=CSERVER|57=TRADE|"
        "11=c-1|38=10000|44=1.08412|54=1|55=EURUSD|60=20260302-09:15:02.000|453=1|448=A|447=D|"
        "9000=-7|43000=Y|"
    )
    (unit,) = fed(raw)
    assert isinstance(unit, Message)
    assert ORDER.extract(unit) == VALUES
    none = (None, None, None, ABSENT, ABSENT, ABSENT, None, None, ABSENT)
    assert ORDER.pack(none) == b""


def test_fields_go_out_in_order_with_groups_in_place() -> None:
    """1.2-1: ascending by tag, a group where its count stands."""
    body = pack(
        [
            (58, "t"),
            (38, b"002000.00"),
            (386, [[(336, "PRE")], [(336, "AFTER")]]),
            (11, "ID"),
            (453, []),
            (89, b"a\x01b"),
            (93, 3),
            (95, 2),
            (96, b"\x01\x01"),
        ]
    )
    assert pipes(body) == (
        "11=ID|38=002000.00|58=t|95=2|96=|||386=2|336=PRE|336=AFTER|453=0|93=3|89=a|b|"
    )


def test_a_message_sent_again_keeps_its_body() -> None:
    header = Header("FIX.4.4", [(49, "A"), (56, "B"), (25_000, "5000")])
    body = pack([(11, "ID"), (58, b"")])
    (first,) = fed(header.encode("D", 5, MORNING, body, [(97, "Y")]))
    assert isinstance(first, Message)
    assert header.body(first) == body
    again = header.encode(
        "D", 5, MORNING + SECOND, header.body(first), [(43, "Y"), (122, first.get(52) or b"")]
    )
    assert again == framed(
        "35=D|34=5|43=Y|49=A|52=20260302-09:15:03.000|56=B|"
        "122=20260302-09:15:02.000|25000=5000|11=ID|58=|"
    )
    (beat,) = fed(header.encode("0", 6, MORNING))
    assert isinstance(beat, Message)
    assert header.body(beat) == b""


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        (0, b"20260302-09:15:02"),
        (3, b"20260302-09:15:02.000"),
        (6, b"20260302-09:15:02.000001"),
        (9, b"20260302-09:15:02.000001234"),
        (12, b"20260302-09:15:02.000001234000"),
    ],
)
def test_times_go_out_in_every_precision(digits: int, text: bytes) -> None:
    """1.2-3: milliseconds by default, exactly three digits."""
    assert format_timestamp(MORNING + 1_234, digits) == text
    header = Header("FIX.4.4", [], timestamp_digits=digits)
    assert b"\x0152=" + text in header.encode("0", 1, MORNING + 1_234)
    assert Layout([(60, "timestamp")], None, digits).pack((MORNING + 1_234,)) == b"60=%b\x01" % text


def test_numbers_go_out_without_needless_zeros() -> None:
    assert [format_price(price) for price in (0, 10**9, -1, 1_500_000_000, LAST)] == [
        b"0",
        b"1",
        b"-0.000000001",
        b"1.5",
        b"9223372036.854775807",
    ]
    assert [format_size(size) for size in (1, 10**8, -(10**12))] == [b"0.00000001", b"1", b"-10000"]


@pytest.mark.parametrize(
    ("layout", "values", "reason"),
    [
        ([(58, "text")], ("a\x01b",), "tag 58: .* contains the field delimiter"),
        ([(58, "text")], ("",), "tag 58: '' is no value"),
        ([(58, "text")], (5,), "tag 58: 5 is no text"),
        ([(54, "char")], ("12",), "tag 54: '12' is no char"),
        ([(54, "char")], ("\x01",), "tag 54: .* contains the field delimiter"),
        ([(44, "price")], (1.5,), "tag 44: 1.5 is no price"),
        ([(44, "price")], (True,), "tag 44: True is no price"),
        ([(44, "price")], (2**63,), "tag 44: .* does not fit"),
        ([(1, "int")], (-(2**64),), "tag 1: .* does not fit"),
        ([(60, "timestamp")], (-1,), "tag 60: .* is outside"),
        ([(60, "timestamp")], (LAST,), "tag 60: .* is outside"),
        ([(141, "bool")], (1,), "tag 141: 1 is no bool"),
        ([(453, PARTY)], (((None, "D", None),),), "tag 448: an entry of a group begins with it"),
        ([(453, PARTY)], ((("A", "D"),),), "tag 453: 2 values for a layout of 3"),
        ([(1, "text")], ("a", "b"), "tag 0: 2 values for a layout of 1"),
        ([(34, "int")], (1,), "tag 34: does not belong into a body"),
        ([(96, "text")], ("a",), "tag 96: needs its length in tag 95"),
        ([(95, "int"), (96, "text")], (2, "a"), "tag 96: needs its length in tag 95"),
    ],
)
def test_what_may_not_be_sent(layout: Any, values: Any, reason: str) -> None:
    with pytest.raises(Unsendable, match=reason):
        Layout(layout).pack(values)


@pytest.mark.parametrize(
    "fields",
    [
        [(58, "a\x01b")],
        [(58, b"a\x01b")],
        [(58, "")],
        [(58, None)],
        [(58, 1.5)],
        [(10, "000")],
        [(0, "a")],
        [(96, b"a")],
        [(453, [[(58, "\x01")]])],
    ],
)
def test_fields_that_may_not_be_sent(fields: Any) -> None:
    with pytest.raises(Unsendable):
        pack(fields)


def test_a_header_refuses_what_it_sets_itself() -> None:
    for tag in (8, 9, 34, 35, 52, 10):
        with pytest.raises(Unsendable, match=f"tag {tag}: is set for every message"):
            Header("FIX.4.4", [(tag, "x")])
    for extra in ((49, "x"), (52, "x"), (10, "x"), (8, "x")):
        with pytest.raises(Unsendable, match="is in the header already"):
            HEADER.encode("0", 1, MORNING, b"", [extra])
    for arguments in (("0", 2**63, MORNING), ("0\x01", 1, MORNING), ("0", 1, -1), ("", 1, 0)):
        with pytest.raises(Unsendable):
            HEADER.encode(*arguments)


@pytest.mark.parametrize("spec", [[], [(1, "text"), (1, "int")], [(1, "float")], [(453, [])]])
def test_a_layout_that_makes_no_sense_is_refused(spec: Any) -> None:
    with pytest.raises(Unsendable):
        Layout(spec)


def test_a_sent_body_reads_back_field_by_field() -> None:
    (unit,) = fed(HEADER.encode("j", 3, MORNING, pack([(372, "D"), (45, 7), (380, 3)])))
    assert isinstance(unit, Message)
    assert unit.fields()[9:-1] == [(45, b"7"), (372, b"D"), (380, b"3")]
    assert soh("45=7|372=D|380=3|") == pack([(45, 7), (372, b"D"), (380, 3)])
