"""WebSocket venues in a configuration: a feed of one's own, channels a connection, findings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from thft.core.config import BadConfig, load
from thft.core.runner import Core
from thft.gateway.ws.feed import WebSocketFeed
from thft.gateway.ws.generic.dialect import GenericDialect

HEAD = """
mode = "paper"
[journal]
min_free_mib = 0
"""
INSTRUMENT = """
[[instruments]]
symbol = "{0}"
digits = 5
pip = "0.0001"
"""
OWN = """
[[venues]]
name = "{name}"
dialect = "generic"
url = "wss://feed.example/v1"
trades = true
symbols = {{ A = "a/usd" }}
[venues.websocket]
connects_per_minute = 3
[[venues.websocket.subscribe]]
text = '{{"subscribe":"{{symbol}}"}}'
[[venues.websocket.messages]]
kind = "quote"
where = {{ "/type" = "q" }}
symbol = "/s"
bid = "/b"
ask = "/a"
[[venues.websocket.messages]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/v"
"""


def _config(tmp_path: Path, *parts: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(HEAD + "".join(parts))
    return path


def test_the_example_of_the_documentation_has_no_findings(tmp_path: Path) -> None:
    document = Path(__file__).parents[3].joinpath("docs/websocket.md").read_text()
    example = document.partition("## Any other JSON feed")[2].partition("```toml")[2]
    path = _config(tmp_path, INSTRUMENT.format("BTCUSD"), example.partition("```")[0])
    (venue,) = load(path).venues
    assert venue.websocket is not None and len(venue.websocket.messages) == 2


def test_two_feeds_at_one_address_share_its_budget(tmp_path: Path) -> None:
    both = OWN.format(name="one"), OWN.format(name="two")
    path = _config(tmp_path, INSTRUMENT.format("A"), *both)

    async def made() -> None:
        core = Core(load(path), tmp_path / "data")
        first, second = core._gateways.all
        assert isinstance(first, WebSocketFeed) and isinstance(second, WebSocketFeed)
        dialect = first._make_dialect()
        assert isinstance(dialect, GenericDialect)
        assert dialect.begin() == [b'{"subscribe":"a/usd"}']
        assert dialect.wanted.trades
        assert list(core._gateways._brokers) == ["wss://feed.example/v1"]
        core.journal.abandon()

    asyncio.run(made())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    (
        ('url = "wss://feed.example/v1"\n', "", r"venues\[0\].url: missing: a feed of one's own"),
        ('bid = "/b"', 'bid = "b"', r"venues\[0\].websocket.messages\[0\].bid: expected a path"),
        ('bid = "/b"', 'bidd = "/b"', r"venues\[0\].websocket.messages\[0\].bidd: unknown key"),
        ('bid = "/b"\n', "", r"venues\[0\].websocket.messages\[0\].bid: missing: a quote needs"),
        ('"/type" = "q"', '"/type" = 5', r"messages\[0\].where./type: expected `str`, got `int`"),
        ('"generic"', '"kraken"', r"venues\[0\].websocket: only the dialect 'generic'"),
        (
            "trades = true",
            'rest_url = "https://x.example"',
            r"venues\[0\].rest_url: generic fetches nothing: remove it",
        ),
        ('symbols = { A = "a/usd" }', "symbols = {}", r"venues\[0\].symbols: empty: say what"),
        ('A = "a/usd"', 'A = ""', r"venues\[0\].symbols.A: empty: write the symbol"),
        ("trades = true", 'book = "depth"', r"venues\[0\].book: generic offers 'quotes'"),
    ),
)
def test_what_is_wrong_with_a_feed_of_ones_own(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    table = OWN.format(name="own")
    assert old in table
    path = _config(tmp_path, INSTRUMENT.format("A"), table.replace(old, new, 1))
    with pytest.raises(BadConfig, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_feed_of_ones_own_without_words_for_it(tmp_path: Path) -> None:
    table = OWN.format(name="own").partition("[venues.websocket]")[0]
    path = _config(tmp_path, INSTRUMENT.format("A"), table)
    with pytest.raises(BadConfig, match=r"venues\[0\].websocket: missing: say how the feed speaks"):
        load(path)


@pytest.mark.parametrize(("count", "trades", "good"), ((25, "false", True), (13, "true", False)))
def test_bitfinex_has_25_channels_a_connection(
    tmp_path: Path, count: int, trades: str, good: bool
) -> None:
    names = [f"S{number}" for number in range(count)]
    symbols = ", ".join(f'{name} = "t{name:0>3}USD"' for name in names)
    table = f'[[venues]]\nname = "b"\ndialect = "bitfinex"\ntrades = {trades}\n'
    instruments = "".join(map(INSTRUMENT.format, names))
    path = _config(tmp_path, instruments, table, f"symbols = {{ {symbols} }}\n")
    if good:
        assert len(load(path).venues[0].symbols) == count
        return
    with pytest.raises(BadConfig, match=r"venues\[0\].symbols: 26 channels, bitfinex gives"):
        load(path)


@pytest.mark.parametrize("count", [30, 31])
def test_coinbase_has_books_of_30_symbols_a_connection(tmp_path: Path, count: int) -> None:
    names = [f"S{number}" for number in range(count)]
    symbols = ", ".join(f'{name} = "{name}-USD"' for name in names)
    table = f'[[venues]]\nname = "c"\ndialect = "coinbase"\nsymbols = {{ {symbols} }}\n'
    path = _config(tmp_path, "".join(map(INSTRUMENT.format, names)), table)
    if count == 30:
        assert len(load(path).venues[0].symbols) == count
        return
    with pytest.raises(BadConfig, match=r"venues\[0\].symbols: 31 symbols, coinbase gives") as said:
        load(path)
    assert "move some to another venue" in str(said.value)


@pytest.mark.parametrize(
    ("dialect", "good", "bad", "said"),
    (
        ("binance", "BTCUSDT", "btcusdt", "written in capitals as BTCUSDT"),
        ("bybit", "BTC-27JUN25", "BTC/USDT", "written in capitals as BTCUSDT"),
        ("kraken", "BTC/USD", "XBT/USD", "written as BTC/USD, not XBT"),
        ("kraken", "ETH/BTC", "BTCUSD", "written as BTC/USD"),
        ("kraken", "DOGE/USD", "XDG/USD", "as DOGE/USD, not XDG"),
        ("coinbase", "BTC-USD", "BTC/USD", "written as BTC-USD"),
        ("okx", "BTC-USDT", "BTC-USDT-SWAP", "others count contracts, not units"),
        ("okx", "BTC-USDT", "BTC/USDT", "written as BTC-USDT"),
        ("bitfinex", "tBTCUSD", "BTCUSD", "written as tBTCUSD"),
        ("bitfinex", "tDUSK:USD", "tDUSKUSD", "tDUSK:USD where a name is longer"),
    ),
)
def test_a_symbol_that_is_none_of_the_venue(
    tmp_path: Path, dialect: str, good: str, bad: str, said: str
) -> None:
    table = f'[[venues]]\nname = "v"\ndialect = "{dialect}"\nsymbols = {{ A = "{good}" }}\n'
    load(_config(tmp_path, INSTRUMENT.format("A"), table))
    path = _config(tmp_path, INSTRUMENT.format("A"), table.replace(good, bad))
    with pytest.raises(BadConfig, match=rf"venues\[0\].symbols.A: '{bad}' is no symbol") as caught:
        load(path)
    assert said in str(caught.value)


def test_a_broken_calendar_is_found(tmp_path: Path) -> None:
    closed = """closed = [
  { begin = "Fri 17:00", end = "17:00", zone = "UTC" },
  { begin = "22:00", end = "22:15", zone = "Mars/Base" },
]
"""
    venue = OWN.format(name="one").replace("trades = true\n", closed)
    with pytest.raises(BadConfig) as failure:
        load(_config(tmp_path, INSTRUMENT.format("A"), venue))
    said = str(failure.value)
    assert "venues[0].closed[0]: one end has a weekday" in said
    assert "venues[0].closed[1].zone: no zone 'Mars/Base'" in said
