"""One measured figure beside its floor, and how figures are measured; used by the bench modules."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from thft import __version__, _native

ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """A value, the floor a minimal program reached in the same run, and the goal."""

    bench: str
    figure: str
    value: float
    unit: str
    floor: float
    goal: str
    met: bool | None
    """None where there is no goal."""

    def record(self) -> dict[str, Any]:
        """Returns the figure as the JSON object that `--json` prints."""
        return {
            "bench": self.bench,
            "figure": self.figure,
            "value": round(self.value, 4),
            "unit": self.unit,
            "floor": round(self.floor, 4),
            "ratio": round(self.value / self.floor, 3) if self.floor else None,
            "goal": self.goal,
            "met": self.met,
        }


def at_least(bench: str, name: str, value: float, unit: str, floor: float, goal: float) -> Figure:
    """Returns a figure that must reach `goal`; 0 is no goal."""
    met = value >= goal if goal else None
    return Figure(bench, name, value, unit, floor, f">= {goal:g}" if goal else "", met)


def at_most(bench: str, name: str, value: float, unit: str, floor: float, goal: float) -> Figure:
    """Returns a figure that must stay within `goal`; 0 is no goal."""
    met = value <= goal if goal else None
    return Figure(bench, name, value, unit, floor, f"<= {goal:g}" if goal else "", met)


def ratio_at_most(
    bench: str, name: str, value: float, unit: str, floor: float, goal: float
) -> Figure:
    """Returns a figure that must stay within `goal` times its floor."""
    return Figure(bench, name, value, unit, floor, f"ratio <= {goal:g}", value <= goal * floor)


def ratio_at_least(
    bench: str, name: str, value: float, unit: str, floor: float, goal: float
) -> Figure:
    """Returns a figure that must reach `goal` times its floor."""
    return Figure(bench, name, value, unit, floor, f"ratio >= {goal:g}", value >= goal * floor)


def interleaved(runs: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Returns the median of each run, all of them taken in turn `rounds` times."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(run())
    return {name: statistics.median(values) for name, values in taken.items()}


def cpu_ns(work: Callable[[], object], this_thread: bool = False) -> int:
    """Returns the CPU time, ns, of `work`: of all threads of this process, or of this one."""
    clock = time.thread_time_ns if this_thread else time.process_time_ns
    began = clock()
    work()
    return clock() - began


def percentile(values: Iterable[float], share: float) -> float:
    """Returns the value below which `share` of the values lie (0.5 is the median)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def machine() -> str:
    """Returns in one line what the figures were measured on, and whether it had other work."""
    loads, cores = os.getloadavg(), os.cpu_count() or 1
    said = (
        f"thft {__version__}, {_native.reason}, Python {platform.python_version()}, "
        f"{platform.machine()} with {cores} cores, load " + " ".join(f"{one:.2f}" for one in loads)
    )
    return f"{said}: LOADED, measure again when it is quiet" if loads[0] > cores else said
