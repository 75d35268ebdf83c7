"""A venue in the test's own process and a certification of a record against it; for the tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from thft.base.prng import Prng
from thft.cli.certify_simulator import FAULTS, matching
from thft.fix.session import MemoryStore
from thft.gateway.certify import STEPS, Means, Report, Step, certify
from thft.gateway.dialect import Dialect
from thft.gateway.dialects import load
from thft.model.fixed import parse_size
from thft.sim.fix.faults import load_faults
from thft.sim.fix.profile import Profile
from thft.sim.fix_lp import FixVenue

TICK_S = 0.02
MEANS = Means(simulated=True, patience_s=60.0, quiet_s=0.2, first_wait_ms=20)
Plant = Callable[[FixVenue], None]


async def prices(venue: FixVenue) -> None:
    """Moves every price that the venue plays, for as long as it lives."""
    at = 0
    while True:
        at += 1
        for name in venue.profile.plays.values():
            bid, ask = f"1.1700{at % 5}", f"1.1701{at % 5}"
            venue.tick(name, bid, "1000000", ask, "2000000", time.time_ns())
        await asyncio.sleep(TICK_S)


@asynccontextmanager
async def served(
    made: Profile, faults: Path, plant: Plant
) -> AsyncIterator[tuple[FixVenue, dict[str, int]]]:
    venue = FixVenue(made, 1, load_faults(faults))
    plant(venue)
    ports = await venue.listen()
    ticking = asyncio.ensure_future(prices(venue))
    try:
        yield venue, ports
    finally:
        ticking.cancel()
        venue.close()


async def tried(
    name: str,
    folder: Path,
    made: Profile | None = None,
    record: Dialect | None = None,
    means: Means = MEANS,
    steps: tuple[str, ...] = STEPS,
    plant: Plant = lambda venue: None,
    password: str = "",
) -> tuple[Report, FixVenue]:
    """Certifies a record against a venue of this process."""
    match = matching(record or load(name))
    match = match._replace(made=made or match.made)
    folder.mkdir(exist_ok=True)
    faults = folder / "faults.toml"
    faults.write_text(FAULTS if means.simulated and "fill in parts" in steps else "")
    async with served(match.made, faults, plant) as (venue, ports):
        settings = match.settings(ports, folder)
        if password:
            (folder / "password").write_text(password)
        names = {symbol: number for number, symbol in enumerate(match.symbols, 1)}
        means = replace(means, size=parse_size(match.size) if means.size >= 0 else 0)
        seed = Prng(1)
        report = await certify(
            record or load(name),
            settings,
            names,
            lambda link: MemoryStore(),
            seed,
            means,
            steps=steps,
        )
        return report, venue


def shown(report: Report) -> str:
    return "\n".join(f"{one.verdict} {one.step}: {one.seen} [{one.key}]" for one in report.steps)


def step(report: Report, name: str) -> Step:
    (found,) = (one for one in report.steps if one.step == name)
    return found
