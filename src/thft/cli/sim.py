"""`thft sim`: the whole engine in virtual time, with faults and crashes drawn from a seed."""

from __future__ import annotations

from pathlib import Path

from thft.sim.engine_sim import EngineSim, simulate
from thft.sim.virtual_broker import Violation


def sim(*, seed: int = 7, steps: int = 20_000, seeds: int = 1, journal: Path | None = None) -> int:
    """Simulates the engine; exit 1 names the seed and step of the first violation.

    Parameters
    ----------
    seed
        First seed.
    steps
        Steps of each run.
    seeds
        How many seeds to run, counting up.
    journal
        Directory to which the last run's journal is written.
    """

    def keep(run: EngineSim) -> None:
        if journal is not None:
            journal.mkdir(parents=True, exist_ok=True)
            for name, content in run.disk.files.items():
                (journal / name).write_bytes(content)

    for number in range(seed, seed + seeds):
        try:
            tally = simulate(number, steps, keep)
        except Violation as violation:
            print(f"seed={number} violation: {violation}")
            return 1
        faults = sum(tally.faults.values())
        print(
            f"seed={number} steps={tally.steps} events={tally.events} orders={tally.orders} "
            f"fills={tally.fills} faults={faults} kills={tally.kills} "
            f"power_cuts={tally.power_cuts} rests={tally.rests} state_hash={tally.state_hash}"
        )
    return 0
