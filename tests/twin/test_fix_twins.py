"""Native FIX leaves against their twins, and that ordinary messages stay in native code."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.fix.generated import MORNING_NS, Author
from tests.fix.pairs import NATIVE_RULES, answer, compare_messages, compare_stream
from tests.unit.fix.frames import framed

from thft.fix import _layout_py, _rules_py, _wire_py
from thft.fix._values_py import KINDS
from thft.fix.dictionary import fix44

_wire: Any = pytest.importorskip("thft.fix._wire", reason="extensions are not built")
_layout: Any = pytest.importorskip("thft.fix._layout", reason="extensions are not built")

FIXED = [(49, "VENUE"), (20, "low"), (36, "x"), (51, "y"), (56, "THFT"), (9_000, "z")]
NUMBERS = (
    *("0", "-0", "1", "-1", "007", "1.5", "-1.5", ".5", "5.", "-.5", "-5.", ".", "-", "", "+1"),
    *("1.000000001", "1.0000000001", "1.0000000000", "9223372036.854775807", "9" * 18, "9" * 19),
    *("9223372036.854775808", "-9223372036.854775808", "92233720368.54775807", "1e5", "1..2", "1a"),
    *("0." + "0" * 30, "0" * 30 + "1", "123456789.123456789", "-999999999999999999", "1.2 "),
)
TIMES = (
    *("20260302-09:15:02", "20260302-09:15:02.123", "20260302-09:15:60", "20260302-24:00:00"),
    *("20240229-00:00:00.000000001", "20230229-00:00:00", "19700101-00:00:00", "19691231-00:00:00"),
    *("22611231-23:59:60", "22620101-00:00:00", "99991231-00:00:00", "20260302-09:15:02.1", ""),
    *("20260302-09:15:02.123456789012", "20260302-09:15:02.1234567890123", "2026-03-02", "x" * 17),
)


@pytest.mark.parametrize("text", [*NUMBERS, *TIMES])
def test_both_read_a_value_alike(text: str) -> None:
    raw = framed(f"35=D|34={text}|1={text}|453={text}|448=a|")
    (native,) = _wire.Framer().feed(raw)
    (twin,) = _wire_py.Framer().feed(raw)
    assert isinstance(twin, _wire_py.Message)
    for name in ("integer", "price", "size", "timestamp_ns", "text"):
        for tag in (1, 34, 2):
            assert answer(lambda: getattr(native, name)(tag)) == answer(  # noqa: B023
                lambda: getattr(twin, name)(tag)  # noqa: B023
            ), (name, tag)
    for kind in KINDS:
        for spec in ([(1, kind)], [(453, [(448, kind)])]):
            one, other = _layout.Layout(spec), _layout_py.Layout(spec)
            got = answer(lambda: one.extract(native))  # noqa: B023
            assert got == answer(lambda: other.extract(twin)), spec  # noqa: B023
    assert (native.seq, native.poss_dup) == (twin.seq, twin.poss_dup)


VALUES: tuple[object, ...] = (
    *(None, "", "a", "ab", "é", "\x01", "a\x01", "x" * 100, "x" * 70_000, b"", b"a", b"\x01"),
    b"\xff",
    *(0, 1, -1, True, False, 2**63 - 1, -(2**63), 2**63, -(2**63) + 1, 10**18, 1.5, [], ()),
    *(MORNING_NS, MORNING_NS + 1, 9_214_646_399_999_999_999, 9_214_646_400_000_000_000, object),
)  # fmt: skip


@pytest.mark.parametrize("digits", [0, 3, 9, 12])
@pytest.mark.parametrize("tag", [1, 34, 96, 99_999])
def test_both_write_a_value_alike(tag: int, digits: int) -> None:
    for kind in KINDS:
        for spec in ([(tag, kind)], [(453, [(448, "text"), (tag, kind)])], [(453, [(tag, kind)])]):
            one = _layout.Layout(spec, None, digits)
            other = _layout_py.Layout(spec, None, digits)
            for value in VALUES:
                values: Any = (value,)
                if spec[0][0] == 453:
                    width = len(spec[0][1])
                    values = ((("p", value)[2 - width :], ("q", value)[2 - width :]),)
                got = answer(lambda: one.pack(values))  # noqa: B023
                assert got == answer(lambda: other.pack(values)), (spec, value)  # noqa: B023


@pytest.mark.parametrize("digits", [0, 3, 6, 9, 12])
def test_both_headers_write_alike(digits: int) -> None:
    native = _layout.Header("FIX.4.4", FIXED, digits)
    twin = _layout_py.Header("FIX.4.4", FIXED, digits)
    assert native.tags == twin.tags
    kinds = ("0", "D", "AE", "U12", "", "\x01", "é", "A\x01")
    numbers = (0, 1, 999_999_999, 10**18, 2**63 - 1, 2**63, -1)
    times = (0, MORNING_NS, MORNING_NS + 999_999_999, 9_214_646_400_000_000_000, -1, 2**70)
    extras: tuple[list[tuple[int, Any]], ...] = (
        [],
        [(43, "Y"), (122, b"t")],
        [(49, "x")],
        [(97, 1)],
    )
    for kind in kinds:
        for seq in numbers:
            for ns in times:
                for extra in extras:
                    got = answer(lambda: native.encode(kind, seq, ns, b"1=a\x01", extra))  # noqa: B023
                    assert got == answer(
                        lambda: twin.encode(kind, seq, ns, b"1=a\x01", extra)  # noqa: B023
                    )


@pytest.mark.parametrize("seed", range(4))
def test_both_agree_on_good_messages(seed: int) -> None:
    print(f"seed {seed}")
    author = Author(fix44(), seed, share=0.2)
    for kind in author.kinds:
        raw = author.message(kind)
        (native,), (twin,) = _wire.Framer().feed(raw), _wire_py.Framer().feed(raw)
        for _ in range(5):
            compare_messages(native, twin, author.choose)


def test_long_messages_and_many_in_one_read() -> None:
    choose = random.Random(5)
    author = Author(fix44(), 5, share=0.02)
    many = b"".join(author.message("D") for _ in range(60))
    assert len(compare_stream(many, choose)) == 60
    long = framed("35=B|34=2|" + "58=text|" * 400)
    (unit,) = compare_stream(long, choose)
    assert len(unit) == 405


def test_ordinary_work_stays_in_native_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it all left to the twins, every answer would be right and late."""

    def refuse(*_: object) -> None:
        raise AssertionError("left to the twin")

    layout = _layout.Layout(
        [(55, "text"), (268, [(269, "char"), (270, "price"), (271, "size"), (272, "text")])]
    )
    header = _layout.Header("FIX.4.4", FIXED)
    for owner, name in (
        (_wire_py.Framer, "feed"),
        (_layout_py.Layout, "extract"),
        (_layout_py.Layout, "pack"),
        (_layout_py.Header, "encode"),
        (_rules_py.Rules, "check"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    entries = (("0", 1_084_110_000, 2 * 10**14, "20260302"), ("1", 10**9, 10**8, "20260303"))
    body = layout.pack(("EURUSD", entries))
    raw = _layout.Header("FIX.4.4", [(49, "A"), (56, "B")]).encode("W", 1, MORNING_NS, body)
    for message in _wire.Framer().feed(memoryview(raw * 3)):
        assert layout.extract(message) == ("EURUSD", entries)
        assert NATIVE_RULES.check(message, 0) is None
    assert len(header.encode("0", 2, MORNING_NS)) > 60
    order = "11=a|38=1.5|40=2|44=1.1|54=1|55=EURUSD|60=20260302-09:15:02|453=1|448=a|452=38|18=1 G|"
    (message,) = _wire.Framer().feed(
        framed("35=D|34=1|49=A|52=20260302-09:15:02.123|56=B|" + order)
    )
    assert NATIVE_RULES.check(message, 0) is None
