"""`thft bench engine`: the whole engine beside NautilusTrader on the same quotes, on Python 3.13.

Both run as processes of their own, in turn. What they saw and did is compared before anything they
took counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from thft.base.errors import LocalError
from thft.cli.bench_figure import ROUNDS, Figure, at_most, percentile, ratio_at_least
from thft.cli.bench_trading import Job, Result, quote_records
from thft.model.codec import QUOTE_LAYOUT

PROGRAMS = Path(__file__).resolve().parents[3] / "bench"
QUOTES, EVERY = 1_000_000, 1_000
NEVER = QUOTES + 1
INSTRUMENTS = (1, 10)
COUNT_GOAL, ORDERS_GOAL, FILL_GOAL_US = 3.0, 2.0, 10.0


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields throughput without and with orders, then submit to fill; the floor is the peer's."""
    own, peer = _interpreters()
    commands = {
        "own": [own, "-m", "thft.cli.bench_trading"],
        "peer": [peer, str(PROGRAMS / "nautilus_peer.py")],
    }
    with TemporaryDirectory(dir=directory) as folder:
        for instruments in INSTRUMENTS:
            quotes = Path(folder) / f"quotes{instruments}"
            quotes.write_bytes(quote_records(QUOTES, instruments))
            for every in (NEVER, EVERY):
                job = Job(str(quotes), instruments, every)
                taken = _interleaved(commands, job)
                yield from compared(job, taken)
        for results in taken.values():
            print(results[0].engine, file=sys.stderr)


def compared(job: Job, taken: dict[str, list[Result]]) -> Iterator[Figure]:
    """Yields the figures of one job, done by `own` and `peer` in the same number of rounds.

    Raises LocalError when they did not see and do the same.
    """
    for own, peer in zip(taken["own"], taken["peer"], strict=True):
        check_equal(job, own, peer)
    suffix = f", {job.instruments} instrument{'s' if job.instruments > 1 else ''}"
    rates = {
        name: statistics.median(result.seen / result.cpu_ns * 1e9 for result in results)
        for name, results in taken.items()
    }
    orders = taken["own"][0].fills > 0
    what = f"an order every {job.every:,} quotes" if orders else "counting quotes"
    goal = ORDERS_GOAL if orders else COUNT_GOAL
    yield ratio_at_least("engine", what + suffix, rates["own"], "quotes/cpu-s", rates["peer"], goal)
    for share, most in ((0.5, FILL_GOAL_US), (0.99, 0.0)) if orders else ():
        spent = {
            name: statistics.median(
                percentile(result.submit_to_fill_ns, share) / 1e3 for result in results
            )
            for name, results in taken.items()
        }
        name = f"submit to fill p{share * 100:g}{suffix}"
        yield at_most("engine", name, spent["own"], "us", spent["peer"], most)


def check_equal(job: Job, own: Result, peer: Result) -> None:
    """Raises LocalError unless both took every quote and traded the same at the same prices."""
    seen = Path(job.quotes).stat().st_size // QUOTE_LAYOUT.size
    expected = (seen, seen // job.every)
    for name in ("seen", "fills", "positions", "paid"):
        mine, theirs = getattr(own, name), getattr(peer, name)
        if mine != theirs:
            raise LocalError(
                f"not comparable: {name} {mine} with thft, {theirs} with the peer",
                "both must see and do the same before a time counts",
            )
    if (own.seen, own.fills) != expected:
        raise LocalError(f"{own.seen} quotes and {own.fills} fills instead of {expected}")


def _interleaved(commands: dict[str, list[str]], job: Job) -> dict[str, list[Result]]:
    taken: dict[str, list[Result]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(_run(command, job))
    return taken


def _run(command: list[str], job: Job) -> Result:
    done = subprocess.run(
        command,
        input=msgspec.json.encode(job),
        capture_output=True,
        check=False,
        env=_environment(command[0]),
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-300:]
        raise LocalError(f"{' '.join(command)} failed: {words}")
    return msgspec.json.decode(done.stdout, type=Result)


def _environment(interpreter: str) -> dict[str, str]:
    """Another interpreter has packages of its own; ours would hide them."""
    inherited = dict(os.environ)
    if interpreter != sys.executable:
        inherited.pop("PYTHONPATH", None)
    return inherited


def _interpreters() -> tuple[str, str]:
    """Returns the Python of the own engine and the peer's; prepares them when needed."""
    prepare = PROGRAMS / "prepare.py"
    if not prepare.exists():
        raise LocalError("`thft bench engine` needs bench/ of a checkout", "run it in a checkout")
    done = subprocess.run([sys.executable, str(prepare)], stdout=subprocess.PIPE, check=True)
    ready = json.loads(done.stdout)
    if "missing" in ready:
        raise LocalError(ready["missing"], ready["remedy"])
    return ready["own"], ready["peer"]
