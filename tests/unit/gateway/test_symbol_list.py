"""A venue's own list says how it writes an instrument; what is not sure is not used."""

from __future__ import annotations

from tests.unit.fix.frames import message

from thft.gateway.dialects import load
from thft.gateway.fix.symbols import Spelling, SymbolMap
from thft.model.event import SymbolSpecified
from thft.model.symbology.terms import Terms

AFFIXED = {"EURUSDqx": "1", "GBPUSDqx": "2", "USDJPYqx": "3", "GOLDqx": "41", "US30": "90"}


class Listening:
    """A map of a cTrader session with what it told."""

    def __init__(self, *names: str, resolve: bool = True, bound: dict[int, str] | None = None):
        self.told: list[SymbolSpecified] = []
        numbers = {name: number for number, name in enumerate(names, 1)}
        spelling = Spelling(7, resolve, bound or {}, self.told.append)
        self.map = SymbolMap(load("ctrader"), numbers, {}, spelling)

    def take(self, listed: dict[str, str], digits: str = "5") -> SymbolMap:
        self.map.request()
        request = f"sl{self.map._requests}"
        entries = "".join(f"55={id}|1007={name}|1008={digits}|" for name, id in listed.items())
        head = f"35=y|34=2|49=CSERVER|56=me|52=20260302-09:15:00.300|320={request}|322=r|560=0|"
        assert self.map.take(message(f"{head}146={len(listed)}|{entries}")) == ""
        return self.map


def test_the_affix_of_the_list_is_learned() -> None:
    one = Listening("EURUSD", "XAUUSD", "US30")
    taken = one.take(AFFIXED)
    assert (taken.ids, taken.missing) == ({1: "1", 2: "41", 3: "90"}, {})
    assert taken.instruments == {b"1": 1, b"41": 2, b"90": 3}
    first, gold, dow = one.told
    assert (first.feed, first.instrument, first.venue_symbol, first.venue_id) == (
        7,
        1,
        "EURUSDqx",
        "1",
    )
    assert (first.how, first.terms) == ("affix", Terms(digits=5))
    assert gold.why == "the account's suffix 'qx' by 4 of 5 votes"
    assert dow.how == "map"


def test_names_given_exactly_are_never_bent() -> None:
    taken = Listening("EURUSD", "US30", resolve=False).take(AFFIXED)
    assert taken.ids == {2: "90"}
    assert taken.missing == {"EURUSD": "EURUSD is not in the venue's list"}


def test_two_candidates_in_the_list_activate_nothing() -> None:
    one = Listening("EURUSD", "OIL", "ETHUSD")
    taken = one.take({"EURUSD.r": "5", "EURUSD.m": "6", "WTI": "7", "BRENT": "8"})
    assert taken.ids == {} and one.told == []
    assert taken.missing == {
        "EURUSD": "AMBIGUOUS EURUSD.m,EURUSD.r: each may be EURUSD: write which one it is",
        "OIL": "UNKNOWN: nothing in the venue's list is surely OIL: write what it is called",
        "ETHUSD": "UNKNOWN: nothing in the venue's list is surely ETHUSD: write what it is called",
    }


def test_another_id_is_told_and_not_believed_also_after_a_restart() -> None:
    one = Listening("US30", bound={1: "90"})
    assert one.take({"US30": "91"}).ids == {}
    assert one.map.missing == {
        "US30": "US30 was 90 and is 91 now: confirm it, then start the core again"
    }
    assert [said.venue_id for said in one.told] == ["91"]


def test_the_same_list_is_told_once_and_other_digits_again() -> None:
    one = Listening("US30")
    for digits in ("1", "1", "2", "many"):
        one.take({"US30": "90"}, digits)
    assert [said.digits for said in one.told] == [1, 2, -1]
