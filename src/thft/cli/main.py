"""Puts the commands together and turns errors into messages and exit codes; run as `thft`."""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError

from thft import DISPLAY_NAME, __version__
from thft.base.errors import ThftError
from thft.cli import (
    bench,
    demo,
    doctor,
    feed,
    fix,
    fix_drive,
    fix_echo,
    history,
    journal,
    replay,
    roles,
    sim,
    symbol,
    venue,
)
from thft.cli.complaint import complain

app = App(
    name="thft",
    help=f"{DISPLAY_NAME} — a self-hosted, deterministic trading engine.",
    version=__version__,
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
app.command(feed.app)
app.command(history.app)
app.command(symbol.app)


def main() -> None:
    """Runs the command line: 0 good, 1 found wrong, 2 usage or configuration."""
    try:
        result = app(result_action="return_value", exit_on_error=False, print_error=False)
    except ThftError as error:
        sys.exit(complain(str(error)))
    except CycloptsError as error:
        sys.exit(complain(f"{error} — see `thft --help`"))
    except KeyboardInterrupt:
        sys.exit(0)
    sys.exit(result if isinstance(result, int) else 0)
