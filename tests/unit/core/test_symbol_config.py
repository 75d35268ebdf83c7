"""What a configuration says of symbols: names alone, rows of a map, terms; and its findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thft.core.config import BadConfig, Config, load
from thft.core.runner import Core
from thft.core.seed import seed_events
from thft.model import event as ev
from thft.model.fixed import SIZE_ONE
from thft.model.symbology.registry import REGISTRY
from thft.model.symbology.resolver import Resolver
from thft.model.symbology.writing import STYLES, written

INSTRUMENT = '[[instruments]]\nsymbol = "{}"\ndigits = 5\npip = "0.0001"\n'
HEAD = 'mode = "paper"\nsymbol_map = "{map}"\n[journal]\nmin_free_mib = 0\n'
FIX = """[venues.fix]
host = "127.0.0.1"
sender_comp_id = "{sender}"
target_comp_id = "T"
username = "700123"
password = "env:NOWHERE"
"""
MAP = """venue,account,raw,canonical,alternate,contract_size,digits,volume_unit
desk,,EURUSD.x,EURUSD,,100000,5,lots
desk,,EURUSD.y,EURUSD,yes,1000,5,lots
contracts,,4001,EURUSD,,10000,5,contracts
"""


def venue(name: str, dialect: str, symbols: str, more: str = "", sender: str = "") -> str:
    fix = FIX.format(sender=sender) if sender else ""
    return f'[[venues]]\nname = "{name}"\ndialect = "{dialect}"\nsymbols = {symbols}\n{more}{fix}'


def loaded(folder: Path, *venues: str, rows: str = "", symbols: str = "EURUSD BTCUSD") -> Config:
    if rows:
        (folder / "map.csv").write_text(rows)
    text = HEAD.format(map="map.csv" if rows else "")
    text += "".join(INSTRUMENT.format(one) for one in symbols.split())
    path = folder / "config.toml"
    path.write_text(text + "".join(venues))
    return load(path)


def refused(folder: Path, *venues: str, **more: Any) -> str:
    with pytest.raises(BadConfig) as caught:
        loaded(folder, *venues, **more)
    return str(caught.value)


def test_canonical_symbols_alone_are_spelled_as_the_venue_does(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        venue("one", "binance", '["BTCUSD"]'),
        venue("two", "kraken", '["BTCUSD", "EURUSD"]'),
        venue("three", "ctrader", '["EURUSD"]', sender="demo.desk.700123"),
    )
    assert [one.symbols for one in config.venues] == [
        {"BTCUSD": "BTCUSD"},
        {"BTCUSD": "BTC/USD", "EURUSD": "EUR/USD"},
        {"EURUSD": "EURUSD"},
    ]
    assert [one.resolve for one in config.venues] == [True, True, True]


def test_every_written_id_is_read_as_the_same_instrument() -> None:
    resolver = Resolver()
    for dialect in STYLES:
        ids = {symbol: raw for symbol in REGISTRY if (raw := written(symbol, dialect))}
        assert len(ids) > 1_000 and len(set(ids.values())) == len(ids)
        assert {raw: resolver.resolve(raw).answer for raw in ids.values()} == {
            raw: symbol for symbol, raw in ids.items()
        }
    assert written("US30", "kraken") is written("BTCUSD", "lmax") is None


def test_rows_of_the_map_go_first_and_bring_their_terms(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        venue("desk", "bybit", '["EURUSD"]'),
        venue("other", "kraken", '["EURUSD"]'),
        venue("contracts", "lmax", '["EURUSD"]', sender="me"),
        rows=MAP,
    )
    desk, other, contracts = config.venues
    assert (desk.symbols, other.symbols) == ({"EURUSD": "EURUSD.x"}, {"EURUSD": "EUR/USD"})
    assert desk.terms["EURUSD"].contract_size == "100000"
    assert other.terms == {}
    assert contracts.fix is not None
    assert contracts.fix.contract_sizes == {"EURUSD": "10000"}


def test_what_is_not_sure_is_a_finding_with_its_candidates(tmp_path: Path) -> None:
    said = refused(
        tmp_path,
        venue("one", "kraken", '["OIL", "GOLD", "NOSUCH", 7]'),
        venue("two", "lmax", '["EURUSD"]', sender="me"),
        symbols="OIL GOLD NOSUCH EURUSD",
    )
    assert "venues[0].symbols.OIL: AMBIGUOUS UKOIL,USOIL: more than one instrument" in said
    assert 'write it: symbols = { OIL = "…" } or a row of symbol_map' in said
    assert "venues[0].symbols.GOLD: is a spelling of XAUUSD, write the canonical symbol" in said
    assert "venues[0].symbols.NOSUCH: UNKNOWN: no instrument is known by this name;" in said
    assert "venues[0].symbols[3]: expected a symbol as text, got 7" in said
    assert "venues[1].symbols.EURUSD: UNKNOWN: the venue's own id of it; write it" in said


def test_one_name_for_two_symbols_is_a_finding(tmp_path: Path) -> None:
    said = refused(tmp_path, venue("one", "kraken", '{ EURUSD = "EUR/USD", BTCUSD = "EUR/USD" }'))
    assert "venues[0].symbols.BTCUSD: 'EUR/USD' means EURUSD already" in said


def test_a_bad_map_is_a_finding_with_file_and_line(tmp_path: Path) -> None:
    said = refused(tmp_path, venue("desk", "bybit", '["EURUSD"]'), rows=MAP + "desk,,,EURUSD,,,,\n")
    assert f"symbol_map: {tmp_path / 'map.csv'}: line 5: raw: it is empty" in said
    (tmp_path / "map.csv").unlink()
    path = tmp_path / "config.toml"
    with pytest.raises(BadConfig, match=r"symbol_map: .*map.csv: No such file"):
        load(path)
    (tmp_path / "map.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfig, match=r"map.csv: this is no UTF-8"):
        load(path)


@pytest.mark.parametrize(
    ("terms", "finding"),
    [
        ("GBPUSD = { digits = 5 }", "terms.GBPUSD: the venue carries no such symbol"),
        ('EURUSD = { volume_unit = "lots" }', "terms.EURUSD.contract_size: missing"),
        ('EURUSD = { contract_size = "x" }', "terms.EURUSD.contract_size: expected a decimal"),
        ('EURUSD = { volume_unit = "lots", contract_size = "1" }', "the dialect counts units"),
    ],
)
def test_terms_that_contradict_are_findings(tmp_path: Path, terms: str, finding: str) -> None:
    more = f"terms = {{ {terms} }}\n"
    sender = "demo.desk.700123"
    said = refused(tmp_path, venue("desk", "ctrader", '["EURUSD"]', more, sender=sender))
    assert finding in said


def test_terms_are_journaled_once_and_a_change_blocks_across_a_restart(tmp_path: Path) -> None:
    for size, blocked in (("100000", ""), ("100000", ""), ("1000", "100000 → 1000")):
        config = loaded(
            tmp_path,
            venue("desk", "bybit", '["EURUSD"]'),
            rows=MAP.replace("EURUSD,,100000", f"EURUSD,,{size}"),
        )
        core = Core(config, tmp_path / "data")
        record = core.kernel.state.symbols[1, 1]
        assert record.holds.contract_size == 100_000 * SIZE_ONE
        assert record.blocked == (blocked and f"SPEC_CHANGED: contract_size {blocked}")
        more = seed_events(config, core.kernel, {})
        assert not [event for event in more if isinstance(event, ev.SymbolSpecified)]
        core.journal.close()
