"""Spellings: a canonical symbol comes back however it is written; volumes come back whole."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from thft.model.fixed import INT64_MAX, SIZE_ONE
from thft.model.symbology.registry import REGISTRY
from thft.model.symbology.resolver import Resolver, Verdict
from thft.model.symbology.spelling_map import (
    BadMap,
    MapRow,
    SpellingMap,
    conflicts,
    from_csv,
    to_csv,
)
from thft.model.symbology.terms import UNSAID, Terms
from thft.model.symbology.volume import counted, units

PLAIN = sorted(symbol for symbol in REGISTRY if symbol[0] != "#")
AFFIX = st.text("abcdefgxyz._-+0!", max_size=4)
NAMES = st.text(max_size=80)
FEW = st.sampled_from(["EURUSD", "GOLD", "x", "EURUSD.m", 'a "b", c', "ü"])


@given(st.lists(st.sampled_from(PLAIN), min_size=5, unique=True), AFFIX, AFFIX)
def test_canonical_to_raw_to_canonical_is_the_identity(
    symbols: list[str], before: str, after: str
) -> None:
    """An affix is learned or is not: what is found is never another instrument."""
    raws = {symbol: f"{before}{symbol}{after}" for symbol in symbols}
    resolver = Resolver(listed=raws.values())
    for symbol, raw in raws.items():
        found = resolver.resolve(raw)
        assert found.verdict is not Verdict.FOUND or found.symbol == symbol
        if (resolver.affix.prefix, resolver.affix.suffix) == (before, after):
            assert symbol in found.candidates


@given(
    st.sampled_from(PLAIN), st.sampled_from(["", "m", ".m", ".raw", "+", "-ECN", "_SB", ".cash"])
)
def test_what_many_brokers_write_needs_no_list(symbol: str, suffix: str) -> None:
    assert Resolver().resolve(symbol + suffix).answer == symbol


@given(
    NAMES, st.lists(NAMES, max_size=5), st.dictionaries(NAMES, st.sampled_from(PLAIN), max_size=3)
)
def test_raw_to_canonical_is_a_function_of_any_text(
    raw: str, listed: list[str], rows: dict[str, str]
) -> None:
    one, two = (Resolver(rows, [*listed, raw]).resolve(raw) for _ in range(2))
    assert one == two
    assert bool(one.symbol) == (one.verdict is Verdict.FOUND)
    assert one.symbol == "" or one.candidates == (one.symbol,)
    assert one.why and one.answer


TERMS = st.builds(
    Terms,
    contract_size=st.integers(1, INT64_MAX),
    digits=st.integers(-1, 9),
    tick_size=st.integers(0, INT64_MAX),
    max_volume=st.integers(0, INT64_MAX),
    volume_unit=st.sampled_from(["", "lots", "units", "contracts", "base"]),
    profit_currency=st.sampled_from(["", "USD"]),
)
ROWS = st.lists(
    st.builds(
        MapRow,
        st.sampled_from(["v", "w"]),
        st.sampled_from(["", "1"]),
        FEW,
        st.sampled_from(PLAIN[:4]),
        st.booleans(),
        st.one_of(st.just(UNSAID), TERMS),
    ),
    max_size=8,
)


@given(ROWS)
def test_a_map_that_is_taken_keeps_the_rules_and_comes_back_from_csv(rows: list[MapRow]) -> None:
    try:
        table = SpellingMap(rows)
    except BadMap as refused:
        assert refused.findings == list(conflicts(enumerate(rows, 1)))
        return
    keys = Counter((row.venue, row.account, row.raw) for row in rows)
    active = Counter((row.venue, row.account, row.canonical) for row in rows if not row.alternate)
    assert {*keys.values(), *active.values()} <= {1}
    assert from_csv(to_csv(rows)).rows == rows
    for row in rows:
        if not row.alternate:
            assert table.spelling(row.canonical, row.venue, row.account) == row
            means = {raw: one.canonical for raw, one in table.of(row.venue, row.account).items()}
            assert Resolver(means).resolve(row.raw).answer == row.canonical


@given(
    st.integers(1, 10**6),
    st.integers(1, 10**6).map(lambda one: one * SIZE_ONE // 100),
    st.integers(0, 500),
)
def test_volumes_come_back_as_they_went_or_are_refused(steps: int, contract: int, odd: int) -> None:
    step = SIZE_ONE // 100
    size = steps * step * contract // SIZE_ONE + odd
    count = counted(size, contract, step)
    if count:
        assert count % step == 0
        assert units(count, contract) == size
    else:
        assert (size * SIZE_ONE) % (contract * step)
