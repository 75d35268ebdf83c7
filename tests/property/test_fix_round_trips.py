"""FIX out and back: values, bodies and streams survive, in whatever pieces they arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fix.generated import MORNING_NS, Author
from tests.unit.fix.frames import fed, framed, shown

from thft.fix.dictionary import fix44
from thft.fix.wire import (
    ABSENT,
    Framer,
    Garbled,
    Header,
    Layout,
    Message,
    format_price,
    format_size,
    format_timestamp,
    pack,
)

HEADER = Header("FIX.4.4", [(49, "A"), (56, "B")], timestamp_digits=9)
INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
LAST_NS = 9_214_646_400_000_000_000
TEXT = st.text(st.characters(exclude_characters="\x01", exclude_categories=["Cs"]), min_size=1)
CHAR = st.characters(max_codepoint=127, exclude_characters="\x01")
ENTRY = st.tuples(CHAR, st.none() | TEXT, st.just(ABSENT) | INT64)
VALUES = st.tuples(
    st.none() | TEXT,
    st.none() | CHAR,
    st.just(ABSENT) | INT64,
    st.just(ABSENT) | INT64,
    st.just(ABSENT) | INT64,
    st.just(ABSENT) | st.integers(0, LAST_NS - 1),
    st.none() | st.booleans(),
    st.none() | st.lists(ENTRY, max_size=4).map(tuple),
)
LAYOUT = Layout(
    [
        (58, "text"),
        (54, "char"),
        (44, "price"),
        (38, "size"),
        (99_999, "int"),
        (60, "timestamp"),
        (114, "bool"),
        (453, [(447, "char"), (448, "text"), (423, "price")]),
    ],
    timestamp_digits=9,
)


@given(VALUES, st.integers(0, 10**18 - 1), st.integers(0, LAST_NS - 1), st.data())
def test_a_tuple_survives_the_wire(values: Any, seq: int, ns: int, data: st.DataObject) -> None:
    raw = HEADER.encode("D", seq, ns, LAYOUT.pack(values))
    marks = data.draw(st.lists(st.integers(0, len(raw)), max_size=5).map(sorted))
    framer = Framer()
    units = [
        unit
        for at, to in zip([0, *marks], [*marks, len(raw)], strict=True)
        for unit in framer.feed(raw[at:to])
    ]
    (unit,) = units
    assert isinstance(unit, Message)
    assert LAYOUT.extract(unit) == values
    assert (unit.seq, unit.timestamp_ns(52), unit.raw) == (seq, ns, raw)


@given(INT64)
def test_scaled_texts_are_exact(value: int) -> None:
    for text, digits in ((format_price(value), 9), (format_size(value), 8)):
        assert Decimal(text.decode()).scaleb(digits) == value
        assert not (b"." in text and text.endswith(b"0")) and b"e" not in text.lower()


@given(st.integers(0, LAST_NS - 1))
def test_times_are_those_of_the_calendar(ns: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // 10**9)
    text = f"{moment:%Y%m%d-%H:%M:%S}.{ns % 10**9:09d}"
    assert format_timestamp(ns, 9) == text.encode()
    (unit,) = fed(framed(f"35=0|52={text}|"))
    assert isinstance(unit, Message) and unit.timestamp_ns(52) == ns


NOISE = st.binary(max_size=30).filter(lambda noise: b"8" not in noise)
UNIT = st.sampled_from(
    [
        framed("35=0|34=2|"),
        framed("35=1|34=3|112=8=9|"),
        framed("35=0|34=4|", checksum="256"),
        framed("35=0|34=5|", length=4),
        framed("34=6|35=0|"),
    ]
)


@given(st.lists(st.tuples(NOISE, UNIT), max_size=6), st.integers(1, 60))
def test_pieces_and_noise_change_nothing(parts: list[tuple[bytes, bytes]], step: int) -> None:
    units = fed(b"".join(noise + unit for noise, unit in parts), step)
    assert [unit.raw for unit in units] == [unit for _, unit in parts]
    assert shown(units) == shown(fed(b"".join(unit for _, unit in parts)))
    good = (framed("35=0|34=2|"), framed("35=1|34=3|112=8=9|"))
    assert [not isinstance(unit, Garbled) for unit in units] == [one in good for _, one in parts]


@given(st.integers(0, 2**32), st.floats(0, 0.5))
def test_whatever_the_dictionary_allows_passes_and_comes_back(seed: int, share: float) -> None:
    dictionary = fix44()
    author = Author(dictionary, seed, share)
    for _ in range(5):
        raw = author.message()
        (unit,) = fed(raw)
        assert isinstance(unit, Message)
        assert dictionary.validate(unit) is None, (dictionary.validate(unit), raw)
        body = pack(dictionary.body(unit))
        (again,) = fed(HEADER.encode(unit.type, unit.seq, MORNING_NS, body))
        assert isinstance(again, Message)
        outside = dictionary._header_tags | {10}
        fields = [field for field in unit.fields() if field[0] not in outside]
        assert [field for field in again.fields() if field[0] not in outside] == fields
