"""`thft demo`: two simulated venues, a core, an api and a page, until Ctrl-C or --duration."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from thft.base.errors import LocalError
from thft.cli.complaint import complain
from thft.cli.demo_config import demo_configuration
from thft.cli.supervisor import Role, Supervisor, last_line
from thft.cli.venue import check_playback, time_of_day
from thft.host.port import loopback_socket
from thft.stream.disk import RealDisk, typed_errors

RUNS_KEPT = 5
SETTLE_S = 20.0


def demo(
    *,
    port: int = 8080,
    data: Path | None = None,
    duration: float | None = None,
    seed: int = 1,
    quotes_fast: Path | None = None,
    quotes_slow: Path | None = None,
    speed: str = "1",
    since: str = "00:00",
    until: str = "24:00",
) -> int:
    """Runs the whole engine on two simulated venues; orders go by FIX to a cTrader provider.

    Quote files are played on two WebSocket venues and traded on a paper account instead.

    Parameters
    ----------
    port
        Port of the dashboard on 127.0.0.1.
    data
        Data directory to continue; default: a new one per run, the last five are kept.
    duration
        Seconds after which the demo ends by itself with a summary.
    seed
        Seed of the market model.
    quotes_fast
        CSV quotes of the fast venue instead of the model.
    quotes_slow
        CSV quotes of the slow venue instead of the model.
    speed
        Market seconds per second for quote files, or "max" for lock-step.
    since
        First UTC time of day of the files, HH:MM.
    until
        Last UTC time of day of the files, HH:MM.
    """
    check_playback(quotes_fast, quotes_slow, speed)
    window = time_of_day(since), time_of_day(until)
    loopback_socket(port).close()
    directory = RealDisk(data or _new_directory()).directory
    supervisor = Supervisor(directory / "process-logs")
    stopping = _Stopping()
    try:
        market = ["venue", "demo", "--seed", str(seed)]
        if quotes_fast is not None and quotes_slow is not None:
            market += ["--quotes-fast", str(quotes_fast), "--quotes-slow", str(quotes_slow)]
            market += ["--speed", speed, "--since", since, "--until", until]
        venues = supervisor.start("venues", *market, answers=True)
        ports = _ports(venues)
        files = (quotes_fast, quotes_slow) if quotes_fast and quotes_slow else None
        text = demo_configuration(directory, port, seed, ports, files, speed, window)
        config = directory / "demo.toml"
        with typed_errors("write", str(config)):
            config.write_text(text)
        supervisor.start("core", "core", "--config", str(config), watched=True)
        supervisor.start(
            "api", "api", "--data", str(directory), "--port", str(port), "--mode", "demo"
        )
        print(f"data      {directory}")
        print(f"dashboard http://127.0.0.1:{port}/", flush=True)
        sent = _watch(supervisor, stopping, venues, duration)
        summary = _state(port, sent)
    finally:
        supervisor.stop()
    _print_summary(summary, sent)
    return complain(supervisor.failure) if supervisor.failure else 0


class _Stopping:
    """Becomes true on Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def _new_directory() -> Path:
    """Returns a new run's directory under the user's state directory; removes the oldest runs."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    runs = base / "thft" / "demo"
    runs.mkdir(parents=True, exist_ok=True)
    for old in sorted(path for path in runs.iterdir() if path.is_dir())[: -RUNS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return runs / time.strftime("%Y%m%d-%H%M%S", time.gmtime())


def _ports(venues: Role) -> dict[str, int]:
    line = venues.stdout.readline() if venues.stdout is not None else ""
    if not line:
        raise LocalError(f"the venues did not start: {last_line(venues.log)}")
    ports: dict[str, int] = json.loads(line)
    return ports


def _watch(
    supervisor: Supervisor, stopping: _Stopping, venues: Role, duration: float | None
) -> dict[str, int]:
    """Keeps the roles running until it is time to end; returns the file ticks sent."""
    began = time.monotonic()
    while not stopping.asked and not supervisor.failure:
        for happened in supervisor.check():
            print(happened, flush=True)
        if sent := _sent(venues):
            return sent
        if duration is not None and time.monotonic() - began >= duration:
            break
        time.sleep(0.1)
    return {}


def _sent(venues: Role) -> dict[str, int]:
    """Returns the ticks sent of each file once both have been played to their end."""
    if venues.stdout is None or not select.select([venues.stdout], [], [], 0)[0]:
        return {}
    line = venues.stdout.readline()
    sent: dict[str, int] = json.loads(line)["sent"] if line else {}
    return sent


def _state(port: int, sent: dict[str, int]) -> dict[str, Any]:
    """Returns the api's state, waiting for it to have seen what was sent."""
    deadline = time.monotonic() + SETTLE_S
    state: dict[str, Any] = {}
    while time.monotonic() < deadline:
        try:
            address = f"http://127.0.0.1:{port}/api/v1/state"
            with urllib.request.urlopen(address, timeout=2) as answer:
                state = json.load(answer)
        except (urllib.error.URLError, OSError):
            return state
        taken = {feed["name"]: feed["quotes"] for feed in state["feeds"]}
        if all(taken[name] >= count for name, count in sent.items()):
            break
        time.sleep(0.1)
    return state


def _print_summary(state: dict[str, Any], sent: dict[str, int]) -> None:
    if not state:
        print("ended before the api answered")
        return
    totals, counts = state["totals"], state["counters"]
    if sent:
        print("ticks sent " + "  ".join(f"{name} {count}" for name, count in sent.items()))
    print(
        f"quotes {counts['quotes']}  orders {counts['orders']}  fills {counts['fills']}  "
        f"round trips {totals['round_trips']}  realised {totals['realised_pnl']} "
        f"{totals['currency']}"
    )
