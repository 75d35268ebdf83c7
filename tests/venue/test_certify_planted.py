"""Certification: what venue and record do otherwise than the other says is found, with its key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.venue.certified import MEANS, Plant, shown, step, tried

from thft.cli.certify_simulator import MATCHES
from thft.fix.session import ResendPolicy
from thft.gateway import limiter
from thft.gateway.certify import Report, Verdict
from thft.gateway.dialect import Dialect
from thft.gateway.dialects import load
from thft.gateway.fix import channel
from thft.sim.fix.faults import Fault
from thft.sim.fix.profile import Profile, profile
from thft.sim.fix_lp import FixVenue


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A venue, or a record, that is not what the other says; and where that must be found."""

    what: str
    name: str = "generic"
    made: Profile | None = None
    record: Dialect | None = None
    plant: Plant = lambda venue: None
    steps: str
    """Steps that are needed, the one that must fail last."""
    key: str
    says: str = ""
    silent: bool = False
    """It is found by silence."""
    password: str = ""


def differs(name: str, **parts: dict[str, object]) -> Profile:
    return profile(MATCHES[name]).with_dialect(**parts)


def quirky(name: str, **quirks: object) -> Profile:
    return profile(MATCHES[name]).with_quirks(**quirks)


def record(name: str, **parts: Any) -> Dialect:
    return msgspec.structs.replace(load(name), **parts)


def overlay(name: str, **messages: Any) -> Dialect:
    """Returns a record without what it says of these messages."""
    dialect = load(name)
    kept = {kind: one for kind, one in dialect.overlay.messages.items() if kind not in messages}
    return record(name, overlay=msgspec.structs.replace(dialect.overlay, messages=kept))


def wrong_sizes(venue: FixVenue) -> None:
    """Executions say the size of the execution where the sum belongs."""
    honest = venue._orders.report

    def report(account: str, said: Any, mass: Any = None) -> Any:
        body = honest(account, said, mass)
        wrong = f"{said.size / 1e8:g}".encode()
        return [
            (tag, wrong if tag == 14 and said.kind == "trade" else value) for tag, value in body
        ]

    venue._orders.report = report  # type: ignore[method-assign, assignment]


def deaf_to(*kinds: str) -> Plant:
    """The venue does not hear messages of these types."""

    def plant(venue: FixVenue) -> None:
        hears = venue.door.hears

        def hears_not(link: Any, terms: Any, message: Any) -> bool:
            return message.type not in kinds and hears(link, terms, message)

        venue.door.hears = hears_not  # type: ignore[method-assign]

    return plant


def without_answer(kind: str) -> Plant:
    """The venue takes a message and says nothing."""

    def plant(venue: FixVenue) -> None:
        venue._answers[kind] = lambda *heard: None

    return plant


def never_unsubscribed(venue: FixVenue) -> None:
    take = venue.market.request

    def request(reader: Any, message: Any) -> None:
        if message.text(263) != "2":
            take(reader, message)

    venue.market.request = request  # type: ignore[method-assign]


PLANTED = [
    Planted(
        what="another empty answer for orders",
        name="ctrader",
        made=differs("ctrader", empty={"orders": "8 911=0"}),
        steps="logon/no orders",
        key="empty.orders",
        says="the record says j, seen: 8 911=0",
    ),
    Planted(
        what="another empty answer for positions",
        name="ctrader",
        made=differs("ctrader", empty={"positions": "AO"}),
        steps="logon/no positions",
        key="empty.positions",
        says="the record says AP 728=2, seen: AO",
    ),
    Planted(
        what="no request for all orders",
        name="ctrader",
        made=quirky("ctrader", business_reject=False).with_dialect(orders={"mass_status": "none"}),
        steps="logon/no orders",
        key="orders.mass_status",
        says="the record says AF, seen: none",
    ),
    Planted(
        what="no request for positions",
        name="fxcm",
        made=differs("fxcm", positions={"request": "none"}),
        steps="logon/no positions",
        key="positions.request",
    ),
    Planted(
        what="a wrong cumulative size",
        plant=wrong_sizes,
        steps="logon/best prices/no positions/fill in parts",
        key="overlay.messages.8",
        says="CumQty",
    ),
    Planted(
        what="reports without a cumulative size",
        made=quirky("generic", omits=frozenset((14,))),
        steps="logon/best prices/no positions/fill in parts",
        key="overlay.messages.8",
        says="tag 14",
    ),
    Planted(
        what="reports without an execution id",
        made=quirky("generic", omits=frozenset((17,))),
        steps="logon/best prices/no positions/fill in parts",
        key="orders.exec_id",
    ),
    Planted(
        what="executions without a price",
        made=quirky("generic", omits=frozenset((31,))),
        steps="logon/best prices/no positions/fill in parts",
        key="orders.last_price",
    ),
    Planted(
        what="a rest in 151 after the end",
        made=quirky("generic", leaves_stay=True),
        steps="logon/best prices/no positions/limit orders",
        key="orders.leaves_at_end",
    ),
    Planted(
        what="a time in force that is refused",
        made=differs("generic", orders={"types": {"market": ("DAY", "IOC"), "limit": ("DAY",)}}),
        steps="logon/best prices/no positions/market orders",
        key="orders.types",
        says="market FOK refused",
    ),
    Planted(
        what="a field that orders lack",
        made=differs("generic", orders={"needs_account": True}),
        steps="logon/best prices/no positions/market orders",
        key="orders.fields",
        says="No Account specified",
    ),
    Planted(
        what="no status request",
        made=differs("generic", orders={"status": "none"}),
        steps="logon/unknown order",
        key="orders.status",
    ),
    Planted(
        what="a text for an unknown order that nobody knows",
        name="ctrader",
        record=record("ctrader", texts=()),
        steps="logon/symbols/unknown order",
        key="texts",
        says="ORDER_NOT_FOUND",
    ),
    Planted(
        what="no symbol list",
        name="ctrader",
        made=differs("ctrader", symbols={"discovery": "static"}),
        steps="logon/symbols",
        key="symbols.discovery",
    ),
    Planted(
        what="ids of another form",
        name="ctrader",
        record=record(
            "ctrader", symbols=msgspec.structs.replace(load("ctrader").symbols, form="E")
        ),
        steps="logon/symbols",
        key="symbols.form",
    ),
    Planted(
        what="increments of best prices",
        made=differs("generic", market_data={"top": "W then X"}),
        steps="logon/best prices",
        key="market_data.top",
        says="the record says W, seen: W then X",
    ),
    Planted(
        what="best prices without sizes",
        made=differs("generic", market_data={"top_sizes": False}),
        steps="logon/best prices",
        key="market_data.top_sizes",
    ),
    Planted(
        what="no request id in prices",
        made=differs("generic", market_data={"echoes_request_id": False}),
        steps="logon/best prices",
        key="market_data.echoes_request_id",
    ),
    Planted(
        what="prices that go on",
        plant=never_unsubscribed,
        steps="logon/best prices/unsubscribe",
        key="overlay.messages.V",
        says="still came after 263=2",
    ),
    Planted(
        what="numbers that start over",
        made=replace(
            profile("fix-lp"), dialect=msgspec.structs.replace(load("generic"), reset="required")
        ),
        steps="logon/logout/reconnect",
        key="reset",
        says="too low",
    ),
    Planted(
        what="no limit",
        name="lmax",
        made=quirky("lmax", threshold=0),
        steps="logon/breach",
        key="breach.action",
        says="brought nothing",
    ),
    Planted(
        what="a breach in words that nobody knows",
        name="lmax",
        made=quirky("lmax", threshold_text="Slow down"),
        steps="logon/breach",
        key="texts",
        says="Slow down",
    ),
    Planted(
        what="a field that the record does not know",
        record=overlay("generic", **{"8": None}),
        steps="logon/best prices/no positions/fill in parts/messages",
        key="overlay.messages.8",
        says="tag 721",
    ),
    Planted(
        what="a wrong password",
        name="ctrader",
        steps="logon",
        key="logon.fields",
        says="RET_INVALID_DATA",
        password="wrong",
    ),
    Planted(
        what="a cancel that is ignored",
        plant=without_answer("F"),
        steps="logon/best prices/no positions/limit orders",
        key="overlay.messages.F",
        silent=True,
    ),
    Planted(
        what="a cancel behind a fill that is ignored",
        plant=without_answer("F"),
        steps="logon/best prices/no positions/cancel race",
        key="overlay.messages.F",
        silent=True,
    ),
    Planted(
        what="an order that is ignored",
        plant=without_answer("D"),
        steps="logon/best prices/no positions/market orders",
        key="overlay.messages.D",
        silent=True,
    ),
    Planted(
        what="a closing order that is ignored",
        plant=lambda venue: venue.inject(Fault(do="ignore", after=2, times=0)),
        steps="logon/best prices/no positions/positions",
        key="",
        says="left open: 4410 20000",
        silent=True,
    ),
    Planted(
        what="a replace that is ignored",
        plant=without_answer("G"),
        steps="logon/best prices/no positions/replace",
        key="overlay.messages.G",
        silent=True,
    ),
    Planted(
        what="a replace that is refused",
        plant=lambda venue: venue.inject(
            Fault(do="reject", on="G", times=0, text="amending is not offered")
        ),
        steps="logon/best prices/no positions/replace",
        key="orders.replace",
        says="amending is not offered",
    ),
    Planted(
        what="a request for all orders that is ignored",
        plant=without_answer("AF"),
        steps="logon/no orders",
        key="orders.mass_status",
        silent=True,
    ),
    Planted(
        what="a gap that is not filled",
        plant=deaf_to("2"),
        steps="logon/lost messages",
        key="recovery",
        silent=True,
    ),
]
SILENCE_S = 3.0


def found(report: Report, planted: Planted) -> None:
    """The last step has failed, with the right key, and no step before it."""
    (*before, last) = (one for one in report.steps if not one.step.startswith("? "))
    assert last.verdict is Verdict.FAIL, f"{planted.what}:\n{shown(report)}"
    assert last.key == planted.key and last.remedy, f"{planted.what}:\n{shown(report)}"
    assert planted.says in last.seen, f"{planted.what}:\n{shown(report)}"
    assert all(one.verdict is not Verdict.FAIL for one in before), shown(report)


async def played(planted: Planted, folder: Path) -> Report:
    means = replace(MEANS, patience_s=SILENCE_S) if planted.silent else MEANS
    steps = tuple(planted.steps.split("/"))
    report, _ = await tried(
        planted.name,
        folder,
        planted.made,
        planted.record,
        means,
        steps,
        planted.plant,
        planted.password,
    )
    return report


@pytest.mark.parametrize(
    "planted", [one for one in PLANTED if not one.silent], ids=lambda one: one.what
)
def test_a_planted_quirk_is_found(planted: Planted, tmp_path: Path) -> None:
    found(asyncio.run(played(planted, tmp_path)), planted)


def test_planted_silence_is_found(tmp_path: Path) -> None:
    silent = [one for one in PLANTED if one.silent]

    async def all_of_them() -> list[Report]:
        tales = (played(one, tmp_path / str(at)) for at, one in enumerate(silent))
        return await asyncio.gather(*tales)

    for report, planted in zip(asyncio.run(all_of_them()), silent, strict=True):
        found(report, planted)


def test_our_own_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ("logon", "best prices", "no positions", "stale order", "throttle")
    monkeypatch.setattr(
        channel, "ResendPolicy", lambda order_age_ns: ResendPolicy(order_age_ns=None)
    )
    monkeypatch.setattr(limiter.Window, "wait_ns", lambda *now: 0)
    report, venue = asyncio.run(tried("generic", tmp_path, steps=steps))
    assert step(report, "stale order").verdict is Verdict.FAIL, shown(report)
    assert "sent again" in step(report, "stale order").seen
    assert "13 questions left in one second, 10 allowed" in step(report, "throttle").seen
    assert venue.ledgers["A1"].orders
