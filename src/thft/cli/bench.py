"""`thft bench [NAME…]`: measures this machine against floors taken in the same run."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.table import Table

from thft.base.errors import LocalError
from thft.cli import (
    bench_compare,
    bench_fix,
    bench_journal,
    bench_kernel,
    bench_replay,
    bench_session,
    bench_stall,
    bench_tail,
    bench_ws,
)
from thft.cli.bench_figure import Figure, machine

BENCHES: dict[str, Callable[[Path | None], Iterator[Figure]]] = {
    "kernel": bench_kernel.figures,
    "journal": bench_journal.figures,
    "tail": bench_tail.figures,
    "replay": bench_replay.figures,
    "stall": bench_stall.figures,
    "engine": bench_compare.figures,
    "fix": lambda directory: chain(bench_fix.figures(directory), bench_session.figures(directory)),
    "session": bench_session.figures,
    "ws": bench_ws.figures,
}
ONLY_NAMED = ("engine", "session")
"""Needs Python 3.13 and, the first time, a package index; is part of another one."""


def bench(*names: str, json: bool = False, directory: Path | None = None) -> int:
    """Measures throughput and latency, each figure beside a floor of the same run.

    Parameters
    ----------
    names
        Which benches to run: kernel, journal, tail, replay, stall, fix, ws; all of them when none
        is named.
        Only when named: engine, the whole engine beside NautilusTrader, which needs a checkout,
        Python 3.13 and, the first time, a package index; session, the second half of fix.
        What fix and ws have beside them, QuickFIX and cryptofeed, is left out, and said to be,
        where it cannot be had.
    json
        Print one JSON object per figure instead of a table.
    directory
        Where the logs of the benches are written and removed again; the default is the system's
        directory for temporary files.
    """
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise LocalError(f"no bench named {', '.join(unknown)}", f"choose of {', '.join(BENCHES)}")
    print("before:", machine(), file=sys.stderr)
    met = True
    shown: list[Figure] = []
    for name in names or [name for name in BENCHES if name not in ONLY_NAMED]:
        for figure in BENCHES[name](directory):
            met = met and figure.met is not False
            shown.append(figure)
            if json:
                print(json_text.dumps(figure.record()), flush=True)
    if not json:
        Console().print(_table(shown))
    print("after:", machine(), file=sys.stderr)
    return 0 if met else 1


def _table(shown: list[Figure]) -> Table:
    table = Table("bench", "figure", "value", "unit", "floor", "ratio", "goal", "met")
    for figure in shown:
        record = figure.record()
        numbers = [f"{record[name]:,.6g}" for name in ("value", "floor", "ratio")]
        met = {True: "yes", False: "no", None: "—"}[figure.met]
        table.add_row(
            figure.bench, figure.figure, numbers[0], figure.unit, *numbers[1:], figure.goal, met
        )
    return table
