"""The map of confirmed rows and its CSV: exact both ways, bad rows by line and reason."""

from __future__ import annotations

import pytest

from thft.model.fixed import PRICE_ONE, SIZE_ONE
from thft.model.symbology.spelling_map import COLUMNS, BadMap, MapRow, SpellingMap, from_csv, to_csv
from thft.model.symbology.terms import UNSAID, Terms

LOTS = Terms(contract_size=100_000 * SIZE_ONE, digits=5, volume_unit="lots", profit_currency="USD")
ROWS = [
    MapRow("broker", "", "EURUSD.m", "EURUSD", terms=LOTS),
    MapRow("broker", "7001", "EURUSDm", "EURUSD"),
    MapRow("broker", "7001", "GOLD", "XAUUSD", terms=Terms(tick_size=PRICE_ONE // 100)),
    MapRow("broker", "", "EURUSD.r", "EURUSD", alternate=True),
    MapRow("broker", "", 'odd, "quoted" name', "US30"),
    MapRow("other", "", "EURUSD.m", "GBPUSD"),
]
HEADING = ",".join(COLUMNS)


def test_a_map_comes_back_as_it_went() -> None:
    assert from_csv(to_csv(ROWS)).rows == ROWS
    assert from_csv("\ufeff" + to_csv(ROWS).replace("\n", "\r\n")).rows == ROWS
    assert from_csv(HEADING + "\n").rows == []


def test_few_columns_in_any_order_are_enough() -> None:
    assert from_csv("raw,canonical,venue\nGOLD,XAUUSD,broker\n\n").rows == [
        MapRow("broker", "", "GOLD", "XAUUSD")
    ]


def test_the_accounts_row_goes_before_the_venues() -> None:
    table = SpellingMap(ROWS)
    mine, others = table.spelling("EURUSD", "broker", "7001"), table.spelling("EURUSD", "broker")
    assert mine is not None and mine.raw == "EURUSDm"
    assert others is not None and others.raw == "EURUSD.m"
    assert table.spelling("EURUSD", "broker", "7002") == others
    assert table.spelling("XAUUSD", "broker") is None
    assert {raw: row.canonical for raw, row in table.of("broker", "7001").items()} == {
        "EURUSD.m": "EURUSD",
        "EURUSD.r": "EURUSD",
        "EURUSDm": "EURUSD",
        "GOLD": "XAUUSD",
        'odd, "quoted" name': "US30",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("b,,,EURUSD,,,,,,,,,,,", "raw: it is empty"),
        ("b,,EURUSD ,EURUSD,,,,,,,,,,,", "raw: it begins or ends with a space"),
        ("b,,E\x07,EURUSD,,,,,,,,,,,", "raw: it holds a character that cannot be printed"),
        (",,E,EURUSD,,,,,,,,,,,", "venue: it is empty"),
        ("b,,E,,,,,,,,,,,,", "canonical: it is empty"),
        ("b,,E,EURUSD,maybe,,,,,,,,,,", "alternate: 'maybe' is neither yes nor no"),
        ("b,,E,EURUSD,,many,,,,,,,,,", "contract_size: 'many' is not a decimal number"),
        ("b,,E,EURUSD,,-1,,,,,,,,,", "contract_size: -1 is not above 0"),
        ("b,,E,EURUSD,,0,,,,,,,,,", "contract_size: 0 is not above 0"),
        ("b,,E,EURUSD,,0.000000001,,,,,,,,,", "contract_size: '0.000000001' is finer than 1e-8"),
        ("b,,E,EURUSD,,,10,,,,,,,,", "digits: 10 is not from 0 to 9"),
        (
            "b,,E,EURUSD,,,,,,,,,bags,,",
            "volume_unit: 'bags' is none of units, base, lots, contracts",
        ),
        ("b,,E,EURUSD,,,,,,,,,lots,,", "contract_size: missing, volumes are lots of so many units"),
        ("b,,E,EURUSD,,,,,,,,,,usd,", "profit_currency: 'usd' is no currency"),
        ("b,,E,EURUSD,", "it has 5 fields, the heading 15"),
        ('b,,"E,EURUSD', "this is no CSV: unexpected end of data"),
        ("b,,GOLD,EURUSD,,,,,,,,,,,", "GOLD has a row already, line 2"),
        ("b,,XAU,XAUUSD,,,,,,,,,,,", "GOLD means XAUUSD already, line 2: mark one of them as"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_reason(line: str, reason: str) -> None:
    text = f"{HEADING}\nb,,GOLD,XAUUSD,,,,,,,,,,,\n{line}\n"
    with pytest.raises(BadMap) as caught:
        from_csv(text)
    ((number, said),) = caught.value.findings
    assert number == 3
    assert said.startswith(reason)


def test_all_bad_rows_are_named_at_once() -> None:
    rows = "b,,,X,,,,,,,,,,,\nb,,Y,X,,,,,,,,,,,\nb,,Y,Z,,,,,,,,,,,\nb,,Q,X,,,,,,,,,,,"
    with pytest.raises(BadMap, match=r"line 2: .*line 4: .*line 5: .*mend these rows"):
        from_csv(f"{HEADING}\n{rows}\n")


@pytest.mark.parametrize("text", ["", "\n", "raw,venue\n", "venue,raw,canonical,colour\n", "a\n"])
def test_a_heading_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadMap, match="line 1: the heading names columns"):
        from_csv(text)


def test_terms_say_what_they_contradict_and_nothing_else() -> None:
    assert not UNSAID and LOTS
    assert UNSAID.changes(LOTS) == LOTS.changes(UNSAID) == LOTS.changes(LOTS) == ""
    other = Terms(contract_size=1_000 * SIZE_ONE, digits=5, margin_currency="EUR")
    assert LOTS.changes(other) == "contract_size 100000 → 1000"
    merged = LOTS.merged(other)
    assert merged.contract_size == 1_000 * SIZE_ONE
    assert (merged.volume_unit, merged.margin_currency) == ("lots", "EUR")
