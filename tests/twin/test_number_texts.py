"""Number texts and packed levels: native leaf and twin on good, odd and broken input."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from thft.base.errors import ThftError
from thft.model import _numbers_py as twin
from thft.model.fixed import INT64_MAX

native: Any = pytest.importorskip("thft.model._numbers", reason="extensions are not built")

ODD = [
    "", "-", "+", ".", "-.", "5.", ".5", "-5", "+5", "--5", "00", "-0", "0.0", "1.2.3", "1e3",
    "1E-3", "1e", "1 ", " 1", "١", "é", "\ud800", "null", "nan", "0x1", "1_0", "9" * 18, "9" * 19,
    "0" * 30, "9223372036.854775807", "9223372036.854775808", "92233720368.54775807",
    "92233720368.54775808",
    "0.1000000000000", "0.0000000001", "-9223372036.854775807", "1\0", "12345678901234567.8",
]  # fmt: skip
BLANKS = ("", "", "", " ", "\n", "\t \r")


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """Returns what a call returns, or the kind and words of what it raises."""
    try:
        return call(*arguments)
    except (ThftError, ValueError, TypeError, msgspec.MsgspecError) as error:
        return type(error), str(error)


def number(choose: random.Random) -> str:
    deed = choose.random()
    if deed < 0.05:
        return choose.choice(ODD)
    figures = "".join(choose.choice("0123456789") for _ in range(choose.randint(1, 20)))
    at = choose.randint(0, len(figures))
    sign = choose.choice(("", "", "", "-"))
    return sign + figures[:at] + choose.choice((".", ".", "")) + figures[at:]


def seeded() -> random.Random:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.parametrize("text", ODD)
def test_both_read_or_refuse_the_odd_alike(text: str) -> None:
    for name in ("parse_price", "parse_size"):
        one, other = getattr(native, name), getattr(twin, name)
        assert outcome(one, text, "bid of X") == outcome(other, text, "bid of X")
        assert outcome(one, text) == outcome(other, text)
    for digits in (-1, 0, 5, 9, 18, 19, 40):
        both = outcome(native.parse_scaled, text, digits), outcome(twin.parse_scaled, text, digits)
        assert both[0] == both[1]


def test_both_read_random_numbers_alike() -> None:
    choose = seeded()
    good = 0
    for _ in range(20_000):
        text = number(choose)
        price = outcome(native.parse_price, text, "p")
        assert price == outcome(twin.parse_price, text, "p"), text
        assert outcome(native.parse_size, text, "s") == outcome(twin.parse_size, text, "s"), text
        good += isinstance(price, int) and abs(price) <= INT64_MAX
    assert 2_000 < good < 18_000


def test_both_pack_rows_alike() -> None:
    choose = seeded()
    for _ in range(1_500):
        rows: list[Any] = []
        for _ in range(choose.randint(0, 6)):
            row: list[Any] = [number(choose) for _ in range(choose.choice((0, 1, 2, 2, 2, 2, 4)))]
            for at, text in enumerate(row):
                if choose.random() < 0.5 and "\ud800" not in text:
                    quoted = choose.random() < 0.5
                    row[at] = msgspec.Raw((json.dumps(text) if quoted else text).encode())
            rows.append(row)
        given: Any = tuple(rows) if choose.random() < 0.1 else rows
        assert outcome(native.pack_levels, given, "X") == outcome(twin.pack_levels, given, "X")


def as_json(choose: random.Random, keys: tuple[str, str] | None) -> str:
    """Returns an array of levels as a venue might write it, now and then with what is odd."""

    def value() -> str:
        text = f"{choose.randint(0, 99_999)}.{choose.randint(0, 999):03}".lstrip(
            choose.choice("0x")
        )
        if choose.random() < 0.03:
            text = choose.choice(["1e3", "true", "{}", "[1]", '"a\\u0031"', "01", *ODD])
        return f'"{text}"' if choose.random() < 0.5 and '"' not in text else text

    def level() -> str:
        if keys is None:
            values = [value() for _ in range(choose.choice((2, 2, 2, 2, 4, 4, 1)))]
            return "[" + comma.join(values) + "]"
        names = [*keys, choose.choice(["side", "o{h", "é", keys[0]])][: choose.choice((2, 2, 3, 1))]
        choose.shuffle(names)
        return "{" + comma.join(f'"{name}"{blank}:{value()}' for name in names) + "}"

    blank = choose.choice(BLANKS)
    comma = blank + "," + blank
    return blank + "[" + comma.join(level() for _ in range(choose.randint(0, 5))) + "]" + blank


@pytest.mark.parametrize("keys", [None, ("price", "qty"), ("p", "s")])
def test_both_pack_json_alike(keys: tuple[str, str] | None) -> None:
    choose = seeded()
    packed = 0
    for _ in range(6_000):
        text = bytearray(as_json(choose, keys).encode("utf-8", "replace"))
        for _ in range(choose.choice((0, 0, 0, 1, 2))):
            deed = choose.random()
            at = choose.randrange(len(text))
            if deed < 0.5:
                text[at] = choose.choice(b'[]{},:"\\0159.- \x00\xff')
            else:
                del text[at:]
                text = text or bytearray(b"[")
        raw: Any = msgspec.Raw(bytes(text)) if choose.random() < 0.5 else bytes(text)
        arguments = (raw, "X", *(keys or ()))
        found = outcome(native.pack_json, *arguments)
        assert found == outcome(twin.pack_json, *arguments), bytes(text)
        packed += isinstance(found, bytes) and len(found) > 0
    assert packed > 1_000


def test_levels_are_pairs_of_price_and_size() -> None:
    pairs = [(3_120_100_000_000, 420_000_000), (-1, 0)]
    assert twin.unpack_pairs(twin.pack_pairs(pairs)) == pairs
    venues = (
        (b'[["3120.1","4.2"],["-0.000000001","0"]]',),
        (b'[["3120.10","4.2","0","9"],["-0.000000001","0","0","0"]]',),
        (b"[[3120.10,4.20000000],[-0.000000001,0]]",),
        (b'[{"price":3120.10,"qty":4.2},{"qty":0,"price":"-0.000000001"}]', "X", "price", "qty"),
    )
    for arguments in venues:
        assert native.pack_json(*arguments) == twin.pack_pairs(pairs)
    assert native.pack_json(b" [ ] ") == b""


@pytest.mark.parametrize("leaf", [native, twin])
def test_a_level_that_lacks_something_is_refused_by_name(leaf: Any) -> None:
    with pytest.raises(twin.BadNumber, match="BTC: a level without price and size"):
        leaf.pack_json(b'[["1"]]', "BTC")
    with pytest.raises(twin.BadNumber, match="BTC: a level without price and size"):
        leaf.pack_json(b'[{"price":1}]', "BTC", "price", "qty")
    with pytest.raises(twin.BadNumber, match="BTC: 'null' is not a decimal number"):
        leaf.pack_json(b"[[1,null]]", "BTC")
    with pytest.raises(msgspec.DecodeError):
        leaf.pack_json(b'[["1","2"]', "BTC")
