"""Numbers: text and scaled integers agree with Decimal, or are refused by name."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thft.model.fixed import (
    INT64_MAX,
    BadNumber,
    divide_half_even,
    format_scaled,
    notional,
    parse_scaled,
)

DIGITS = st.integers(0, 9)
INT64 = st.integers(-INT64_MAX, INT64_MAX)


@given(INT64, DIGITS)
def test_what_is_formatted_is_parsed_to_the_same(value: int, digits: int) -> None:
    assert parse_scaled(format_scaled(value, digits), digits) == value


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
    )
)
def test_parsing_is_decimal_arithmetic(number: Decimal) -> None:
    for text in (f"{number:f}", f"{number:E}", f"{number:.6f}"):
        assert parse_scaled(text, 9) == int(Decimal(text).scaleb(9))


@given(st.text(max_size=30), DIGITS)
def test_any_text_is_a_number_or_a_named_error(text: str, digits: int) -> None:
    try:
        value = parse_scaled(text, digits, "bid of EURUSD")
    except BadNumber as error:
        assert error.cause.startswith("bid of EURUSD: ")
        return
    assert Decimal(text).scaleb(digits) == value
    assert abs(value) <= INT64_MAX


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1e", "1e999", "1e+", "1e1_0", "1e 1", "nan", "inf", "0x10", "1 ", "١", "--1"],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadNumber):
        parse_scaled(text, 9)


@given(st.integers(INT64_MAX + 1, INT64_MAX * 1_000))
def test_what_does_not_fit_64_bits_is_refused(value: int) -> None:
    with pytest.raises(BadNumber, match=r"does not fit|out of range"):
        parse_scaled(format_scaled(value, 9), 9)


@given(INT64, st.integers(1, 10**18))
def test_rounding_is_half_even(numerator: int, denominator: int) -> None:
    with localcontext(prec=60):
        exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert divide_half_even(numerator, denominator) == int(exact)


@given(st.integers(0, 10**14), st.integers(0, 10**17))
def test_notional_is_price_times_size(price: int, size: int) -> None:
    with localcontext(prec=60):
        exact = (Decimal(price) * Decimal(size) / 10**8).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert notional(price, size) == int(exact)
