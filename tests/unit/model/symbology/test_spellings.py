"""Real spellings of brokers and exchanges, each with what it means or why it means nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.model.symbology.registry import PAIRS, REGISTRY
from thft.model.symbology.resolver import Resolver, Verdict
from thft.model.symbology.spelling import LONGEST

LINES = (Path(__file__).parent / "spellings.tsv").read_text(encoding="utf-8").splitlines()
TABLE = [
    (raw, fields[0])
    for fields in (line.split("\t") for line in LINES if not line.startswith("# "))
    for raw in fields[1:]
]


def test_the_table_is_large_and_says_nothing_twice() -> None:
    assert len(TABLE) >= 400
    assert len(dict(TABLE)) == len(TABLE)


@pytest.mark.parametrize("expected", sorted({expected for _, expected in TABLE}))
def test_every_spelling_means_what_the_table_says(expected: str) -> None:
    resolver = Resolver()
    answers = {raw: resolver.resolve(raw).answer for raw, said in TABLE if said == expected}
    assert {raw: answer for raw, answer in answers.items() if answer != expected} == {}


UNREADABLE = ["EUR\tUSD", "EURUSD\n", "EUR\0USD", "\x1b[31m", "EUR\u200bUSD", "\u202e", "\ud800"]


@pytest.mark.parametrize("raw", ["", " ", "EURUSD ", " EURUSD", "E" * 65, *UNREADABLE])
def test_what_is_no_spelling_is_invalid_and_says_why(raw: str) -> None:
    resolution = Resolver({raw: "EURUSD"}).resolve(raw)
    assert resolution.verdict is Verdict.INVALID
    assert resolution.why


def test_the_longest_spelling_is_read() -> None:
    assert Resolver().resolve("E" * LONGEST).verdict is Verdict.UNKNOWN


def test_a_canonical_symbol_means_itself_and_no_two_are_glued_alike() -> None:
    resolver = Resolver()
    assert {one for one in REGISTRY if resolver.resolve(one).answer != one} == {"#GOLD"}
    assert len({base + quote for base, quote in PAIRS}) == len(PAIRS)


def test_coins_that_follow_a_currency_are_instruments_of_their_own() -> None:
    resolver = Resolver()
    met = [resolver.resolve(raw).symbol for raw in ("BTC-USD", "BTC-USDT", "BTC-USDC")]
    assert met == ["BTCUSD", "BTCUSDT", "BTCUSDC"]


def test_unknown_and_ambiguous_say_why() -> None:
    resolver = Resolver()
    assert "its list, or a row of the map" in resolver.resolve("1").why
    assert "future or swap" in resolver.resolve("ESZ5").why
    assert "add a row to the map" in resolver.resolve("OIL").why
    assert "40 members" in resolver.resolve("GER30").why
    assert resolver.resolve("OIL").symbol == ""
