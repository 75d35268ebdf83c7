"""Certification: every shipped record holds against its simulator; what the command does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.fix.programs import Program
from tests.venue.certified import MEANS, shown, step, tried

from thft.base.errors import LocalError
from thft.cli import venue_certify
from thft.cli.certify_simulator import MATCHES
from thft.cli.venue_certify import Counterpart, command
from thft.gateway.certify import STEPS, Report, Step, Verdict, certify, intended
from thft.gateway.certify.run import ORDERS
from thft.gateway.dialects import FOLDER, load
from thft.model.fixed import parse_size
from thft.sim.fix.profile import profile
from thft.sim.fix_lp import FixVenue

# ---- shipped records ---------------------------------------------------------------------------

NOT_TESTED = {
    "ctrader": {"breach", "? breach.action"},
    "fxcm": {"depth", "breach", "? breach.action"},
    "generic": {"symbols", "breach", "? breach.action"},
    "lmax": {"symbols", "no positions", "positions", "? positions.request", "? empty.positions"},
}


def test_every_shipped_record_holds_against_its_simulator(tmp_path: Path) -> None:
    async def all_of_them() -> list[tuple[Report, FixVenue]]:
        return await asyncio.gather(*(tried(name, tmp_path / name) for name in NOT_TESTED))

    for report, venue in asyncio.run(all_of_them()):
        assert not report.failed, shown(report)
        untested = {one.step for one in report.steps if one.verdict is Verdict.NOT_TESTED}
        assert untested == NOT_TESTED[report.dialect], shown(report)
        assert [one.step for one in report.steps][: len(STEPS)] == list(STEPS)
        held = [one for ledger in venue.ledgers.values() for one in ledger.positions.values()]
        assert not held or report.dialect == "lmax"
        assert {*MATCHES} == {*NOT_TESTED, "binance"}


def test_answers_are_learned_for_what_a_record_does_not_know(tmp_path: Path) -> None:
    made = profile("fix-lp").with_quirks(empty_orders="8 911=0", empty_positions="AP 728=2")
    hedged = replace(made, logins=(replace(made.logins[0], hedged=True),))
    steps = tuple(one for one in STEPS if one not in ("throttle", "logout", "reconnect"))
    report, venue = asyncio.run(tried("generic", tmp_path, hedged, steps=steps))
    learned = {one.key: one.remedy for one in report.steps if one.step.startswith("? ")}
    assert learned["positions.model"] == 'write positions.model = "hedging"', shown(report)
    assert learned["empty.orders"] == 'write empty.orders = "8 911=0"'
    assert learned["empty.positions"] == 'write empty.positions = "AP 728=2"'
    assert "empty.orders" in report.live and "positions.model" in report.live
    # the simulator's AP 728=2 has no 721, which the record says an AP has: that is found too
    assert [one.key for one in report.failed] == ["overlay.messages.AP"], shown(report)
    assert not any(ledger.positions for ledger in venue.ledgers.values())


def test_executions_that_name_no_position_are_found_where_positions_stand_apart(
    tmp_path: Path,
) -> None:
    made = profile("fix-lp")
    hedged = replace(made, logins=(replace(made.logins[0], hedged=True),))
    silent = hedged.with_quirks(omits=made.quirks.omits | {721})
    steps = ("logon", "symbols", "best prices", "fill in parts", "market orders", "positions")
    report, _ = asyncio.run(tried("generic", tmp_path, silent, steps=steps))
    (failed,) = [one for one in report.failed if one.step == "positions"]
    assert failed.key == "positions.id_tag" and "names no position (721)" in failed.seen


def test_nothing_is_traded_without_a_size_or_on_an_account_that_holds_something(
    tmp_path: Path,
) -> None:
    traded = ("fill in parts", "market orders", "limit orders", "cancel race", "positions")
    steps = ("logon", "symbols", "best prices", "no orders", "no positions", *traded)
    asked = replace(MEANS, size=-1)
    report, venue = asyncio.run(tried("ctrader", tmp_path / "a", means=asked, steps=steps))
    assert not report.failed, shown(report)
    assert not any(ledger.orders for ledger in venue.ledgers.values())
    assert all("--orders" in step(report, name).seen for name in traded)

    def hold(venue: FixVenue) -> None:
        venue.tick("EURUSD", "1.17", "1000000", "1.1701", "1000000", time.time_ns())
        venue.trade_by_hand("1000002", "EURUSD", 1, parse_size("1000"))

    report, venue = asyncio.run(tried("ctrader", tmp_path / "b", plant=hold, steps=steps))
    assert len(venue.ledgers["1000002"].orders) == 1
    for name in ("no positions", *traded):
        assert step(report, name).verdict is Verdict.NOT_TESTED, shown(report)


def test_a_venue_with_orders_ends_as_it_began(tmp_path: Path) -> None:
    """What only a simulator can be made to do is not tested there; nothing stays open."""
    steps = ("logon", "symbols", "best prices", "no orders", "no positions", *ORDERS)
    real = replace(MEANS, simulated=False)
    report, venue = asyncio.run(tried("ctrader", tmp_path, means=real, steps=steps))
    assert not report.failed, shown(report)
    assert "cannot be made to fill in part" in step(report, "fill in parts").seen
    ledger = venue.ledgers["1000002"]
    assert not ledger.positions and not ledger.working
    assert len(ledger.orders) == 9
    said = intended(load("ctrader"), replace(real, size=parse_size("10000")), "EURUSD")
    assert "buys and sells 10000 EURUSD at the market, up to 7 orders" in said


def test_a_venue_is_not_provoked(tmp_path: Path) -> None:
    real = replace(MEANS, simulated=False, size=-1)
    steps = ("logon", "breach")
    report, venue = asyncio.run(tried("lmax", tmp_path, means=real, steps=steps))
    assert step(report, "breach") == Step(
        "breach", Verdict.NOT_TESTED, "only a simulator is provoked"
    )
    assert not venue.door.refusals and venue.door.logons == 2


# ---- the command -------------------------------------------------------------------------------


def commanded(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "thft", "venue", "certify", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_a_record_of_ones_own_as_a_command(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (FOLDER / "generic.toml").read_text()
    for known, answer in (
        ('model = "?"', 'model = "netting"'),
        ('orders = "?"', 'orders = "j"'),
        ('positions = "?"', 'positions = "AO"'),
    ):
        assert known in text
        text = text.replace(known, answer)
    path.write_text(text)
    code, out, err = commanded(str(path), "--json")
    report = json.loads(out)
    assert code == 0, out + err
    assert report["passed"] and report["live_refused"] is None
    assert "its simulator (fix-lp)" in report["counterpart"]
    by_name = {one["step"]: one for one in report["steps"]}
    assert by_name["no orders"]["verdict"] == "PASS"
    assert by_name["stale order"]["seen"].startswith("an order lost on its way was gap-filled")


def test_a_venue_that_wants_signed_logons() -> None:
    code, out, err = commanded("binance", "--json")
    by_name = {one["step"]: one["verdict"] for one in json.loads(out)["steps"]}
    assert code == 0, out + err
    assert by_name["logon"] == by_name["fill in parts"] == by_name["reconnect"] == "PASS"


def here(port: int, tmp_path: Path) -> Counterpart:
    """Returns options that name a port of this machine."""
    (tmp_path / "password").write_text("simulated")
    return Counterpart(
        connect=(f"127.0.0.1:{port}",),
        tls=False,
        symbols=("EURUSD",),
        sender="THFT",
        target="LP",
        username="thft",
        password=f"file:{tmp_path / 'password'}",
        account="A1",
    )


def test_what_cannot_begin(tmp_path: Path) -> None:
    good = here(1, tmp_path)
    for asked, said in (
        (good, "fix: connect failed"),
        (replace(good, connect=("here",)), "'here' is no address"),
        (replace(good, connect=("fix=a:1", "fix=b:2")), "2 hosts to connect to"),
        (replace(good, symbols=()), "name one by --symbols"),
        (replace(good, sender=""), "fix.sender_comp_id"),
        (replace(good, password="hunter2"), "options: "),
        (replace(good, password="env:THFT_NOT_SET"), "THFT_NOT_SET is not set"),
        (replace(good, config=tmp_path / "none.toml"), "none.toml"),
    ):
        with pytest.raises(LocalError) as refused:
            command("generic", counterpart=asked)
        assert said in str(refused.value)
        assert "hunter2" not in str(refused.value)
    for size, said in (
        ("", "belong together"),
        ("much", "--size 'much'"),
        ("0", "nothing to trade"),
    ):
        with pytest.raises(LocalError, match=said):
            command("generic", orders="EURUSD", size=size)


def test_a_venue_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told what is going to happen, nothing is ordered, and a wrong key is exit 1."""
    path = tmp_path / "mine.toml"
    known = (FOLDER / "generic.toml").read_text()
    path.write_text(known.replace('orders = "?"', 'orders = "8 911=0"'))
    steps = ("logon", "no orders", "no positions", "fill in parts")
    monkeypatch.setattr(venue_certify, "certify", partial(certify, steps=steps))
    monkeypatch.setenv("COLUMNS", "200")
    with Program("venue", "fix-lp") as program:
        port = json.loads(program.ready)["fix-lp"]["fix"]
        code = command(str(path), counterpart=here(port, tmp_path))
        out, err = capsys.readouterr()
        assert code == 1, out + err
        assert 'write empty.orders = "j"' in out and "3 PASS, 1 FAIL, 3 NOT TESTED" in out, out
        assert "sends no order" in err and "--orders SYMBOL --size N" in out

        # numbers go on at this venue: ours begin again only in a directory that has none
        assert command(str(path), counterpart=here(port, tmp_path), as_json=True) == 1
        logon = json.loads(capsys.readouterr().out)["steps"][0]
        assert "too low" in logon["seen"] and "--data" in logon["remedy"]
        assert program.stop()[0] == 0


CONFIG = """
data_dir = "{folder}/engine"
[[instruments]]
symbol = "EURUSD"
digits = 5
pip = "0.0001"
[[venues]]
name = "broker"
dialect = "generic"
symbols = {{ EURUSD = "EURUSD" }}
[venues.fix]
host = "127.0.0.1"
ports = {{ fix = {port} }}
tls = false
sender_comp_id = "THFT"
target_comp_id = "LP"
username = "thft"
password = "file:{folder}/password"
account = "A1"
"""


def test_a_venue_of_a_configuration_whose_numbers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = ("logon", "best prices", "no orders", "no positions", "cancel race", "positions")
    monkeypatch.setattr(venue_certify, "certify", partial(certify, steps=steps))
    (tmp_path / "password").write_text("simulated")
    path = tmp_path / "thft.toml"
    with Program("venue", "fix-lp") as program:
        port = json.loads(program.ready)["fix-lp"]["fix"]
        path.write_text(CONFIG.format(folder=tmp_path, port=port))
        broker = Counterpart(config=path, venue="broker")
        for _ in range(2):
            code = command("generic", counterpart=broker, orders="EURUSD", size="1000")
            out, err = capsys.readouterr()
            assert code == 0, out + err
            assert "venue broker (127.0.0.1)" in out and "buys and sells 1000 EURUSD" in err
        assert program.stop()[0] == 0
    assert (tmp_path / "engine" / "fix" / "broker.fix").is_dir()
    with pytest.raises(LocalError, match="has no FIX venue 'other' — --venue: broker"):
        command("generic", counterpart=Counterpart(config=path, venue="other"))
