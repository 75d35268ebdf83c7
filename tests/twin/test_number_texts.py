"""Number texts: native leaf and twin on good, odd and broken input; and packed levels."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.seeds import seeded

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


def test_levels_are_pairs_of_price_and_size() -> None:
    pairs = [(3_120_100_000_000, 420_000_000), (1, 0)]
    assert twin.unpack_pairs(twin.pack_pairs(pairs)) == pairs
    venues = (
        (b'[["3120.1","4.2"],["0.000000001","0"]]',),
        (b'[["3120.10","4.2","0","9"],["0.000000001","0","0","0"]]',),
        (b"[[3120.10,4.20000000],[0.000000001,0]]",),
        (b'[{"price":3120.10,"qty":4.2},{"qty":0,"price":"0.000000001"}]', "X", "price", "qty"),
    )
    for arguments in venues:
        assert twin.pack_json(*arguments) == twin.pack_pairs(pairs)
    assert twin.pack_json(b" [ ] ") == b""


def test_a_level_that_lacks_something_is_refused_by_name() -> None:
    with pytest.raises(twin.BadNumber, match="BTC: a level without price and size"):
        twin.pack_json(b'[["1"]]', "BTC")
    with pytest.raises(twin.BadNumber, match="BTC: a level without price and size"):
        twin.pack_json(b'[{"price":1}]', "BTC", "price", "qty")
    with pytest.raises(twin.BadNumber, match="BTC: 'null' is not a decimal number"):
        twin.pack_json(b"[[1,null]]", "BTC")
    for negative in (b'[["-1","2"]]', b"[[1,-2]]"):
        with pytest.raises(twin.BadNumber, match="BTC: a negative price or size"):
            twin.pack_json(negative, "BTC")
    with pytest.raises(msgspec.DecodeError):
        twin.pack_json(b'[["1","2"]', "BTC")
