"""The simulator that a dialect is certified against, in a process of its own; by `certify`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from thft.base.errors import LocalError
from thft.gateway.dialect import Dialect
from thft.gateway.fix.settings import FixSettings
from thft.sim.fix.profile import PASSWORD, Listed, Profile, profile

MATCHES = {
    "binance": "binance-fix",
    "ctrader": "ctrader",
    "fxcm": "fxcm",
    "generic": "fix-lp",
    "lmax": "lmax",
}
SIZES = {"binance": "0.01"}
SIZE = "10000"
FAULTS = """\
[[faults]]      # the first order is executed in two parts, the second one in part only
do = "partial"
size_percent = 40
rest = "fill"
[[faults]]
do = "partial"
size_percent = 40
rest = "cancel"
after = 1
"""
KEY = "signing-key"
END_S = 10.0


class Match(NamedTuple):
    """A simulator that speaks a dialect."""

    name: str
    made: Profile
    size: str
    """OrderQty that it takes."""

    @property
    def symbols(self) -> list[str]:
        """What it has prices for, by the names that a client uses."""
        symbols = self.made.dialect.symbols
        named = symbols.name_tag or symbols.discovery != "static"
        played = set(self.made.plays.values())
        listed = (one for one in self.made.listed if one.name in played)
        return [_name(one, bool(named)) for one in listed]

    def settings(self, ports: dict[str, int], folder: Path) -> FixSettings:
        """Returns how to log on to it; the password goes into a file of the folder."""
        login = min(self.made.logins, key=lambda one: one.hedged)
        secret = folder / "password"
        secret.write_text(login.password or PASSWORD)
        terms = self.made.dialect
        signs = terms.logon.signature != "none"
        return FixSettings(
            host="127.0.0.1",
            ports=ports,
            tls=False,
            calendar=False,
            sender_comp_id=login.comp_id[: 4 if terms.comp_ids.drawn else None],
            target_comp_id=self.made.comp_id,
            target_sub_id=self.made.sub_id,
            username=login.username,
            password=f"file:{secret}",
            signing_key=f"file:{folder / KEY}" if signs else None,
            account=login.account,
        )


def _name(listed: Listed, named: bool) -> str:
    return listed.name if named else listed.id


def matching(dialect: Dialect) -> Match:
    """Returns the simulator of a dialect, or of the one that a user's own was copied from."""
    name = MATCHES.get(dialect.name)
    if name is None:
        remedy = f"keep the name of what you copied ({', '.join(MATCHES)}), or name a counterpart"
        raise LocalError(f"no simulator speaks {dialect.name}", remedy)
    made = profile(name)
    return Match(name, made.with_record(dialect), SIZES.get(dialect.name, SIZE))


@contextmanager
def simulator(match: Match, path: str, folder: Path) -> Iterator[dict[str, int]]:
    """Runs it for a while; gives link → port. Raises LocalError when it does not begin."""
    faults = folder / "faults.toml"
    faults.write_text(FAULTS)
    command = [sys.executable, "-m", "thft", "venue", match.name]
    options = ["--faults", str(faults), "--dialect", path]
    if match.made.dialect.logon.signature != "none":
        options += ["--client-key", str(folder / KEY)]
    with subprocess.Popen(command + options, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise LocalError("the simulator did not begin", "see what it said above")
            ports: dict[str, int] = json.loads(line)[match.name]
            yield ports
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
