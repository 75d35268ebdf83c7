"""One input through the native FIX leaves and their twins, everything they answer compared."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from thft.base.errors import ThftError
from thft.fix import _layout_py, _rules_py, _wire_py
from thft.fix.dictionary import fix44
from thft.fix.terms import Garbled, MessageTooLong

_wire: Any = pytest.importorskip("thft.fix._wire", reason="extensions are not built")
_layout: Any = pytest.importorskip("thft.fix._layout", reason="extensions are not built")
_rules: Any = pytest.importorskip("thft.fix._rules", reason="extensions are not built")

LIMIT = 4_096
_PARTY = [(448, "text"), (447, "char"), (802, [(523, "text"), (803, "int")])]
_ENTRY = [(279, "char"), (269, "char"), (278, "text"), (55, "text"), (270, "price"), (271, "size")]
SPECS: list[list[tuple[int, Any]]] = [
    [(34, "int"), (52, "timestamp"), (49, "text"), (43, "bool"), (55, "text"), (54, "char")],
    [(11, "text"), (38, "size"), (44, "price"), (60, "timestamp"), (453, _PARTY), (59, "char")],
    [(262, "text"), (268, _ENTRY), (58, "text")],
    [(268, [(270, "price"), (453, _PARTY)]), (146, [(55, "text"), (1007, "text")])],
]
NATIVE_LAYOUTS = [_layout.Layout(spec) for spec in SPECS]
TWIN_LAYOUTS = [_layout_py.Layout(spec) for spec in SPECS]
_TABLES = fix44()._compiled()
NATIVE_RULES, TWIN_RULES = _rules.Rules(*_TABLES), _rules_py.Rules(*_TABLES)
_SHAPES = [fix44().group(kind, tag) for kind, tag in (("D", 453), ("X", 268), ("y", 146))]


def answer(work: Callable[[], Any]) -> Any:
    """Returns what `work` returns, or the typed error it raises."""
    try:
        return work()
    except ThftError as error:
        return type(error), str(error)


def stream_units(framer: Any, pieces: list[bytes]) -> tuple[list[Any], bool]:
    """Returns the units of a stream, and whether it ended as too long."""
    units: list[Any] = []
    for piece in pieces:
        try:
            units += framer.feed(piece)
        except MessageTooLong as error:
            return units + error.units, True
        assert framer.pending_bytes <= LIMIT
    return units, False


def cut(stream: bytes, choose: random.Random) -> list[bytes]:
    """Returns a stream in pieces: whole, in a few, or byte by byte."""
    if choose.random() < 0.4:
        return [stream]
    if choose.random() < 0.1:
        return [stream[at : at + 1] for at in range(len(stream))]
    marks = sorted(choose.randrange(len(stream) + 1) for _ in range(choose.randint(1, 4)))
    return [stream[a:b] for a, b in zip([0, *marks], [*marks, len(stream)], strict=True)]


def compare_stream(stream: bytes, choose: random.Random) -> list[Any]:
    """Feeds both framers, cut differently; asserts equal units and returns the native messages."""
    native = _wire.Framer(LIMIT)
    twin = _wire_py.Framer(LIMIT)
    got, ended = stream_units(native, cut(stream, choose))
    expected, twin_ended = stream_units(twin, cut(stream, choose))
    assert (ended, native.pending_bytes) == (twin_ended, twin.pending_bytes), stream
    assert ended or native.skipped_bytes == twin.skipped_bytes, stream
    assert len(got) == len(expected), stream
    for one, other in zip(got, expected, strict=True):
        if isinstance(other, Garbled):
            assert one == other
        else:
            compare_messages(one, other, choose)
    return [unit for unit in got if not isinstance(unit, Garbled)]


def compare_messages(native: Any, twin: Any, choose: random.Random) -> None:
    """Asserts that accessors, groups, layouts and rules answer alike."""
    assert native.raw == twin.raw
    assert native._places == twin._places, twin.raw
    for name in ("type", "seq", "poss_dup", "begin_string"):
        assert getattr(native, name) == getattr(twin, name), (name, twin.raw)
    tag = choose.choice(twin._places)[0]
    for name in ("get", "text", "integer", "price", "size", "timestamp_ns"):
        one = answer(partial(getattr(native, name), tag))
        assert one == answer(partial(getattr(twin, name), tag)), (name, tag, twin.raw)
    at = choose.randrange(len(SPECS))
    one = answer(lambda: NATIVE_LAYOUTS[at].extract(native))
    assert one == answer(lambda: TWIN_LAYOUTS[at].extract(twin)), (SPECS[at], twin.raw)
    if type(one[0]) is not type:
        assert answer(lambda: NATIVE_LAYOUTS[at].pack(one)) == answer(
            lambda: TWIN_LAYOUTS[at].pack(one)
        ), (one, twin.raw)
    shape = choose.choice(_SHAPES)
    one = answer(lambda: [entry.fields() for entry in native.groups(shape)])
    assert one == answer(lambda: [entry.fields() for entry in twin.groups(shape)]), twin.raw
    lax = choose.choice((0, 0, choose.randrange(64)))
    assert NATIVE_RULES.check(native, lax) == TWIN_RULES.check(twin, lax), twin.raw
