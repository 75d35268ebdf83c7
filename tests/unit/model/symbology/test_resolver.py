"""The order of the law: a row of the map, the affix learned for the account, the tables."""

from __future__ import annotations

from thft.model.symbology.affixes import NO_AFFIX, learn
from thft.model.symbology.resolver import Resolver, Verdict

SUFFIXED = ["EURUSDqx", "GBPUSDqx", "USDJPYqx", "XAUUSDqx", "US30", "SYNTH75qx", "1"]


def test_an_affix_is_learned_with_its_votes_and_counts_only_what_is_known() -> None:
    affix = learn(SUFFIXED)
    assert (affix.prefix, affix.suffix, affix.votes, affix.voters) == ("", "qx", 4, 5)
    resolver = Resolver(listed=SUFFIXED)
    one = resolver.resolve("GER40qx")
    assert (one.answer, one.how) == ("GER40", "affix")
    assert one.why == "the account's suffix 'qx' by 4 of 5 votes"
    assert Resolver().resolve("GER40qx").verdict is Verdict.UNKNOWN
    assert resolver.resolve("US30").answer == "US30"
    assert resolver.resolve("SYNTH75qx").verdict is Verdict.UNKNOWN
    assert resolver.resolve("qx").verdict is Verdict.UNKNOWN


def test_a_prefix_with_a_suffix_is_learned_as_one() -> None:
    affix = learn(["k-EURUSD_v", "k-GBPUSD_v", "k-USDJPY_v"])
    assert str(affix) == "prefix 'k-' and suffix '_v' by 3 of 3 votes"
    assert affix.stripped("k-XAUUSD_v") == "XAUUSD"
    assert affix.stripped("k-_v") == affix.stripped("XAUUSD_v") == affix.stripped("k-XAUUSD") == ""


def test_no_majority_and_nothing_known_teach_nothing() -> None:
    assert learn(["EURUSDq", "GBPUSDw"]) == NO_AFFIX
    assert learn(["EURUSDq", "GBPUSD"]) == NO_AFFIX
    assert learn(["ABC.q", "DEF.q", "", "\n"]) == NO_AFFIX
    assert not learn(["EURUSD", "GBPUSD", "USDJPYm"])


def test_a_learned_suffix_settles_what_the_table_leaves_open() -> None:
    assert Resolver().resolve("BTCUSDc").verdict is Verdict.AMBIGUOUS
    cents = Resolver(listed=["EURUSDc", "GBPUSDc", "XAUUSDc"])
    assert cents.resolve("BTCUSDc").answer == "BTCUSD"
    assert cents.resolve("BTCUSDC").answer == "BTCUSDC"


def test_a_learned_affix_that_makes_a_symbol_of_another_is_ambiguous() -> None:
    upper = Resolver(listed=["EURUSDC", "GBPUSDC", "XAUUSDC"])
    assert upper.affix.suffix == "C"
    assert upper.resolve("BTCUSDC").candidates == ("BTCUSD", "BTCUSDC")
    marks = Resolver(listed=["#EURUSD.", "#US30.", "#XAUUSD."])
    assert marks.resolve("#GOLD.").answer == "XAUUSD"


def test_a_row_of_the_map_goes_before_everything() -> None:
    resolver = Resolver({"GOLD": "#GOLD", "BTCUSDT": "BTCUSD", "1": "EURUSD"}, listed=SUFFIXED)
    assert resolver.resolve("GOLD").answer == "#GOLD"
    assert resolver.resolve("BTCUSDT").answer == "BTCUSD"
    assert (resolver.resolve("1").answer, resolver.resolve("1").how) == ("EURUSD", "map")


def test_a_number_means_what_the_venues_own_list_says() -> None:
    resolver = Resolver(ids={"1": "EURUSDqx", "2": "GBPUSDqx", "41": "XAUUSDqx", "7": "8", "9": ""})
    one = resolver.resolve("41")
    assert (one.answer, one.how) == ("XAUUSD", "list")
    assert one.why.startswith("the venue's list calls it XAUUSDqx: the account's suffix 'qx'")
    assert all(resolver.resolve(raw).verdict is Verdict.UNKNOWN for raw in ("7", "8", "9", "500"))
    rows = Resolver({"X": "EURUSD"}, ids={"5": "X"})
    assert (rows.resolve("5").answer, rows.resolve("5").how) == ("EURUSD", "list")


def test_gold_in_another_currency_is_another_instrument() -> None:
    resolver = Resolver()
    assert resolver.resolve("GOLD", "USD").answer == "XAUUSD"
    euros = resolver.resolve("GOLD", "EUR")
    assert euros.answer == "AMBIGUOUS XAUEUR,XAUUSD"
    assert "paid in EUR" in euros.why
    assert resolver.resolve("GER40", "USD").answer == "AMBIGUOUS GER40"
    assert resolver.resolve("BTCUSD", "USDT").answer == "AMBIGUOUS BTCUSD,BTCUSDT"
