"""Rules of a MetaTrader account without a socket: answers, sizes, filling, clock, findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thft.core.config import BadConfig, load
from thft.core.runner import Core
from thft.gateway.metatrader import commands as c
from thft.gateway.metatrader.answers import Answer
from thft.gateway.metatrader.bridge import Bridge
from thft.gateway.metatrader.clock import QUARTER_MS, ServerClock
from thft.gateway.metatrader.history.door import Door
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import WrongFrame
from thft.model.fixed import ABSENT, SIZE_ONE
from thft.model.order import Order
from thft.sim.metatrader.terminal import symbol_terms


def result(outcome: str, retcode: int) -> r.Result:
    return r.Result(1, "a-1-1", outcome, retcode, 0, 0, 0, ABSENT, ABSENT, ABSENT, ABSENT, "")


@pytest.mark.parametrize(
    ("outcome", "retcode", "means"),
    [
        ("done", 10009, c.TAKEN),
        ("placed", 10008, c.TAKEN),
        ("partial", 10010, c.TAKEN),
        ("rejected", 10006, c.REJECTED),
        ("price", 10004, c.REJECTED),
        ("busy", 10024, c.REJECTED),
        ("refused", 0, c.DENIED),
        ("late", 0, c.DENIED),
        ("duplicate", 0, c.SEEN),
        ("unknown", 10012, c.UNKNOWN),
        ("rejected", 10012, c.UNKNOWN),
        ("rejected", 10011, c.UNKNOWN),
        ("rejected", 10031, c.UNKNOWN),
        ("rejected", 10009, c.UNKNOWN),
        ("done", 10006, c.UNKNOWN),
        ("done", 0, c.UNKNOWN),
        ("refused", 10009, c.UNKNOWN),
        ("anything", 10006, c.UNKNOWN),
        ("rejected", 99_999, c.UNKNOWN),
    ],
)
def test_the_more_careful_of_class_and_code(outcome: str, retcode: int, means: str) -> None:
    assert c.meaning(result(outcome, retcode), "5") == means


def test_magic_proves_a_comment() -> None:
    magic = c.magic_of("ab12-1-17")
    assert 0 < magic < 1 << 31
    assert c.own_id(magic, "ab12-1-17") == "ab12-1-17"
    assert c.own_id(magic, "ab12-1-17[sl]") == "ab12-1-17"
    assert c.own_id(magic, "ab12-1-1") == ""
    assert c.own_id(magic + 1, "ab12-1-17") == c.own_id(0, "by hand") == ""


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {"type": "market", "tif": "IOC", "price": ABSENT, "position_id": ""}
    values.update(changes)
    size = values.pop("size", 1_000 * SIZE_ONE)
    return Order("ab12-1-1", "s", "a", 1, 1, size=size, signal=0, decision_price=0,
                 submitted_ns=1, seq=1, **values)  # fmt: skip


@pytest.mark.parametrize(
    ("tif", "filling", "said"),
    [
        ("IOC", 3, "ioc"),
        ("IOC", 1, "fok"),
        ("FOK", 3, "fok"),
        ("GTC", 2, "ioc"),
        ("GTC", 0, "return"),
    ],
)
def test_how_a_market_order_is_filled(tif: str, filling: int, said: str) -> None:
    command = c.new_order(order(tif=tif), symbol_terms("EURUSD", filling), "5", 10, 1, 1)
    assert (command.filling, command.volume) == (said, SIZE_ONE // 100)


@pytest.mark.parametrize("tif", ["IOC", "FOK", "GTC", "DAY"])
def test_metatrader_4_has_one_way_to_fill_and_is_told_none(tif: str) -> None:
    command = c.new_order(order(tif=tif), symbol_terms("EURUSD", 0), "4", 10, 1, 1)
    assert command.filling == ""


@pytest.mark.parametrize(
    ("changes", "filling", "words"),
    [
        ({"tif": "FOK"}, 2, "FOK"),
        ({"tif": "IOC"}, 0, "no IOC"),
        ({"type": "limit", "tif": "IOC", "price": 1}, 3, "no IOC limit"),
        ({"type": "stop"}, 3, "stop orders"),
        ({"size": 999 * SIZE_ONE}, 3, "lots"),
        ({"size": 1 * SIZE_ONE}, 3, "0.00001 lots"),
        ({"position_id": "x"}, 3, "position x"),
    ],
)
def test_what_a_terminal_cannot_be_told(changes: dict[str, Any], filling: int, words: str) -> None:
    with pytest.raises(c.Unsupported, match=words):
        c.new_order(order(**changes), symbol_terms("EURUSD", filling), "5", 10, 1, 1)


def test_an_answer_is_whole_or_worth_nothing() -> None:
    answer = Answer(1)
    answer.take(r.Begin(1, 1, 0, 0, 1))
    answer.take(r.End(1, 0, 0, 1, True, 0))
    assert not answer.whole  # the row is missing
    with pytest.raises(WrongFrame):
        answer.take(r.End(1, 0, 0, 0, True, 0))
    with pytest.raises(WrongFrame):
        Answer(2).take(r.End(2, 0, 0, 0, True, 0))
    empty = Answer(3)
    empty.take(r.Begin(3, 1, 0, 0, 0))
    empty.take(r.End(3, 0, 0, 0, True, 0))
    assert empty.whole


def test_a_servers_offset_is_whole_quarters_and_changes_only_when_seen_twice() -> None:
    clock, utc = ServerClock(), 1_764_093_600_000
    assert clock.utc_ns(utc) == ABSENT
    clock.sample(utc + 3 * 3_600_000 - 700, utc, runs=True)
    assert (clock.offset_ms, clock.uncertain_ms) == (3 * 3_600_000, 1_700)
    assert clock.utc_ns(utc + 3 * 3_600_000) == utc * 1_000_000
    assert clock.utc_ns((1 << 63) - 1) == clock.utc_ns(-1) == ABSENT
    for number in (1, 2):
        clock.sample(utc + 2 * 3_600_000 + number, utc, runs=True)
        assert clock.offset_ms == (3 if number == 1 else 2) * 3_600_000
    standing = ServerClock()
    standing.sample(utc - 86_400_000, utc, runs=False)  # of the last tick, on a Sunday
    standing.sample(utc - 86_400_000, utc, runs=False)
    assert standing.offset_ms == ABSENT
    standing.sample(utc + QUARTER_MS, utc, runs=False)
    assert standing.offset_ms == QUARTER_MS


CONFIG = """
mode = "{mode}"
[journal]
min_free_mib = 0
[metatrader]
{bridge}
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "broker"
dialect = "{dialect}"
symbols = {symbols}
[venues.metatrader]
login = "51001234"
server = "Broker-Demo"
key_id = "k1"
key = "{key}"
[[accounts]]
name = "acc"
feed = "broker"
kind = "venue"
model = "{model}"
"""


def written(path: Path, **changes: str) -> Path:
    values = {
        "mode": "paper",
        "bridge": "",
        "dialect": "mt5",
        "key": "env:NOWHERE",
        "model": "netting",
        "symbols": '{ EURUSD = "EURUSD.m" }',
    }
    path.write_text(CONFIG.format(**{**values, **changes}))
    return path


def test_a_configured_terminal_has_its_account_behind_one_bridge(tmp_path: Path) -> None:
    core = Core(load(written(tmp_path / "c.toml")), tmp_path / "data")
    bridge, door = core._gateways.all
    assert isinstance(bridge, Bridge) and isinstance(door, Door)
    account = bridge.accounts["5", "51001234"]
    assert core._gateways.trading == {"acc": account}
    assert account.quotes.subscriptions[1].symbol == "EURUSD.m"
    core.journal.abandon()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"bridge": 'host = "0.0.0.0"'}, "metatrader.host: others reach this address"),
        ({"bridge": 'host = "0.0.0.0"', "mode": "live"}, "metatrader.host: others reach"),
        ({"bridge": "silence_s = 60"}, "metatrader.silence_s"),
        ({"key": "0123456789abcdef"}, r"venues\[0\].metatrader.key: expected a reference"),
        ({"dialect": "mt4"}, "MetaTrader 4 keeps positions apart"),
        (
            {"dialect": 'mt4"\ntrades = true\nrole = "', "model": "hedging"},
            r"venues\[0\].trades: MetaTrader 4 shows no trades",
        ),
        (
            {"symbols": '["OIL"]'},
            r"venues\[0\].symbols.OIL: AMBIGUOUS UKOIL,USOIL: more than one instrument",
        ),
        ({"symbols": '["EURUSD"]'}, r"venues\[0\].symbols.EURUSD: UNKNOWN: the venue's own id"),
        (
            {"symbols": '{ EURUSD = "E.m", GBPUSD = "E.m" }'},
            r"venues\[0\].symbols.GBPUSD: 'E.m' means EURUSD already",
        ),
        ({"dialect": "mt6"}, r"venues\[0\].dialect: 'mt6' is no terminal"),
        (
            {"dialect": "mt4", "model": "hedging", "bridge": 'certificate = "c.pem"'},
            "metatrader.plain_port: missing",
        ),
    ],
)
def test_findings(tmp_path: Path, changes: dict[str, str], found: str) -> None:
    with pytest.raises(BadConfig, match=found) as error:
        load(written(tmp_path / "c.toml", **changes))
    assert "0123456789abcdef" not in str(error.value)
