"""Puts the commands together and turns errors into messages and exit codes; run as `thft`."""

from __future__ import annotations

import sys

from cyclopts import App
from rich.console import Console

from thft import DISPLAY_NAME, __version__
from thft.base.errors import ThftError
from thft.cli import (
    bench,
    demo,
    doctor,
    fix,
    fix_drive,
    fix_echo,
    journal,
    replay,
    roles,
    sim,
    venue,
)

app = App(
    name="thft",
    help=f"{DISPLAY_NAME} — a self-hosted, deterministic trading engine.",
    version=__version__,
    error_console=Console(stderr=True),
)
app.command(demo.demo)
app.command(roles.core)
app.command(roles.api)
app.command(venue.app)
app.command(fix_echo.fix_echo)
app.command(fix_drive.fix_drive)
app.command(journal.app)
app.command(replay.replay)
app.command(doctor.doctor)
app.command(sim.sim)
app.command(bench.bench)
app.command(fix.app)


def main() -> None:
    """Runs the command line: 0 good, 1 found wrong, 2 usage or configuration."""
    try:
        result = app(result_action="return_value")
    except ThftError as error:
        print(f"{DISPLAY_NAME}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(0)
    sys.exit(result if isinstance(result, int) else 0)
