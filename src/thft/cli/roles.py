"""`thft core` and `thft api`: the engine's processes, each in the foreground."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from thft.cli.complaint import WRONG, complain
from thft.core import config as configuration


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )


def core(*, config: Path, data: Path | None = None) -> int:
    """Runs the core: journal, kernel and gateways.

    Parameters
    ----------
    config
        The TOML configuration.
    data
        Data directory; default: the configuration's data_dir.
    """
    from thft.core.runner import run

    _log_to_stderr()
    loaded = configuration.load(config)
    if data is None and not loaded.data_dir:
        raise configuration.BadConfig(
            f"{config}: data_dir: missing", "set it, or name a directory with --data"
        )
    failure = run(loaded, data or Path(loaded.data_dir))
    return complain(failure, WRONG) if failure is not None else 0


def api(*, data: Path, port: int = 8080, mode: str = "paper") -> int:
    """Runs the api: dashboard, REST and WebSockets on loopback.

    Parameters
    ----------
    data
        Data directory of the engine.
    port
        TCP port on 127.0.0.1.
    mode
        Shown on the page: live, paper or demo.
    """
    from thft.api.main import run

    _log_to_stderr()
    run(data, port, mode)
    return 0
