"""The initiator around a session: the connect budget, pauses that grow, and stopping at once."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time

import pytest
from tests.fix.script import settings

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.fix.session import Event, MemoryStore, Now, Session
from thft.gateway.fix_initiator import FixInitiator

pytestmark = pytest.mark.alone


class Nobody:
    """An application that does nothing."""

    def happened(self, session: Session, event: Event, now: Now) -> None: ...


class AtOnce:
    """No pause between attempts."""

    def next_ms(self) -> int:
        return 1

    def proven_healthy(self) -> None: ...


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def tried(seconds: float, port: int, **options: object) -> tuple[list[str], Session]:
    """Lets an initiator try for a while; returns what it reported."""
    reports: list[str] = []
    session = Session(settings("", initiator=True), MemoryStore())

    async def main() -> None:
        options.setdefault("waits", AtOnce())
        initiator = FixInitiator(
            session,
            Nobody(),
            ("127.0.0.1", port),
            reports.append,
            **options,  # type: ignore[arg-type]
        )
        running = asyncio.ensure_future(initiator.run())
        await asyncio.sleep(seconds)
        began = time.monotonic()
        initiator.stop("enough")
        await running
        assert time.monotonic() - began < 1.0

    asyncio.run(main())
    return reports, session


def test_the_connect_budget_is_never_exceeded() -> None:
    reports, session = tried(1.0, closed_port(), budgets=[ConnectBudget(3, 400_000_000)])
    attempts = sum("connect failed" in report for report in reports)
    assert 6 <= attempts <= 9
    assert any("connect budget used" in report for report in reports)
    assert session.store.next_out == 1


def test_pauses_grow() -> None:
    """INI-6: exponential, with jitter, said in the report."""
    reports, _ = tried(0.6, closed_port(), waits=Backoff(Prng(1), first_ms=20))
    waits = [
        float(report.rpartition("next try in ")[2].removesuffix(" s")) for report in reports[:4]
    ]
    assert waits == sorted(waits) and 0.01 <= waits[0] <= 0.02 and waits[3] >= 0.08


def test_stopping_while_nobody_answers() -> None:
    """A peer that accepts and never shakes hands does not keep the program from ending."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        context = ssl.create_default_context()
        reports, session = tried(0.2, mute.getsockname()[1], tls=context, server_name="localhost")
    assert reports == ["stopped"]
    assert session.store.next_out == 1
