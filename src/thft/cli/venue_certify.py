"""`thft venue certify DIALECT`: a dialect against a counterpart, step by step."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thft.base.errors import LocalError
from thft.base.prng import Prng
from thft.cli.certify_simulator import matching, simulator
from thft.core.config import Config
from thft.core.config import load as load_config
from thft.fix.session import MemoryStore, Store
from thft.gateway.certify import Means, Report, Step, Verdict, certify, intended
from thft.gateway.dialect import Dialect
from thft.gateway.dialects import load
from thft.gateway.fix.settings import FixSettings, dialect_findings
from thft.gateway.fix_link import now
from thft.model.fixed import BadNumber, parse_size
from thft.store.fix_log import FixLog

COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.NOT_TESTED: "yellow"}
SIMULATED = Means(simulated=True, patience_s=5.0, quiet_s=0.4, first_wait_ms=20)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Counterpart:
    """A venue's test environment: a venue of a configuration, or addresses and credentials."""

    config: Path | None = None
    """Configuration whose venue is the counterpart."""
    venue: str = ""
    """Name of the venue in it."""
    connect: tuple[str, ...] = ()
    """HOST:PORT, or LINK=HOST:PORT for each link of the dialect, all of one host."""
    sender: str = ""
    """Our SenderCompID."""
    target: str = ""
    """The venue's CompID, if the dialect does not say it."""
    sender_sub: str = "thft"
    """SenderSubID, where the dialect asks for it."""
    target_sub: str = ""
    """TargetSubID, where the dialect asks for it."""
    username: str = ""
    """User name, where the dialect asks for it."""
    password: str = ""
    """Reference to the password: env:NAME or file:PATH."""
    signing_key: str = ""
    """Reference to the key that signs Logons, where the dialect wants that."""
    account: str = ""
    """Account(1), where the dialect asks for it."""
    data: Path | None = None
    """Data directory whose session numbers go on, where the dialect lets them; no core may run."""
    symbols: tuple[str, ...] = ()
    """Symbols by the venue's names; from the configuration without."""
    tls: bool = True
    """Speak TLS and verify the venue's certificate."""
    ca: str = ""
    """PEM file of the authority to trust instead of the system's."""
    certificate: str = ""
    """PEM file of our own certificate, if the venue wants one."""
    key: str = ""
    """PEM file of its key."""


class Chosen(NamedTuple):
    """What is certified against."""

    name: str
    settings: FixSettings
    names: list[str]
    """Symbols by the venue's names; the first one is ordered."""
    stores: Callable[[str], Store]
    means: Means


NONE = Counterpart()


def command(
    dialect: str,
    *,
    counterpart: Counterpart = NONE,
    orders: str = "",
    size: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Certifies a dialect against its simulator, or against a venue's test environment.

    A venue is sent orders only with --orders and --size: they buy and sell at the market, with
    whatever money the account has. Exit 0: nothing failed, 1: something did, 2: could not begin.

    Parameters
    ----------
    dialect
        A shipped dialect or the path of your own record.
    orders
        Symbol to trade, by the venue's name or the configuration's.
    size
        OrderQty of the orders, as the venue counts.
    as_json
        Print the report as JSON.
    """
    record = load(dialect)
    said = Console(stderr=True)
    if bool(orders) != bool(size):
        raise LocalError("--orders and --size belong together", "give both or none")
    with ExitStack() as kept:
        if counterpart == NONE:
            chosen = _simulated(record, dialect, orders, size, kept)
        else:
            chosen = _venue(record, counterpart, orders, size, kept)
        _check(dialect, chosen)
        said.print(f"{record.title} against {chosen.name}", markup=False, highlight=False)
        if not chosen.means.simulated:
            doing = intended(record, chosen.means, chosen.names[0])
            said.print(f"This {doing}.", markup=False, highlight=False)
        report = asyncio.run(_certified(record, chosen, said))
    if as_json:
        print(_json(report), end="")
    else:
        _show(report)
    return 1 if report.failed else 0


async def _certified(record: Dialect, chosen: Chosen, said: Console) -> Report:
    names = {name: number for number, name in enumerate(chosen.names, 1)}
    seed = Prng(secrets.randbits(64))  # jitter of reconnects alone

    def heard(step: Step) -> None:
        if said.is_terminal:
            said.print(f"{step.verdict:<10} {step.step}", markup=False, highlight=False)

    report = await certify(
        record, chosen.settings, names, chosen.stores, seed, chosen.means, heard=heard
    )
    return report._replace(counterpart=chosen.name)


# ---- counterparts ------------------------------------------------------------------------------


def _simulated(record: Dialect, path: str, orders: str, size: str, kept: ExitStack) -> Chosen:
    """Starts the simulator of a dialect."""
    match = matching(record)
    folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="thft-certify-")))
    ports = kept.enter_context(simulator(match, path, folder))
    return Chosen(
        f"its simulator ({match.name})",
        match.settings(ports, folder),
        [orders] if orders else match.symbols,
        lambda link: MemoryStore(),
        replace(SIMULATED, size=_size(size or match.size)),
    )


def _venue(record: Dialect, asked: Counterpart, orders: str, size: str, kept: ExitStack) -> Chosen:
    """Reads what is said about a venue."""
    known: dict[str, str] = {}
    data = asked.data
    if asked.config is not None:
        config = load_config(asked.config)
        known, settings = _configured(config, asked)
        name = f"venue {asked.venue} ({settings.host})"
        data = data or (Path(config.data_dir) if config.data_dir else None)
    else:
        settings = _addressed(record, asked)
        name = settings.host
    names = list(asked.symbols) or list(known.values())
    if orders:
        first = known.get(orders, orders)
        names = [first, *(one for one in names if one != first)]
    if not names:
        raise LocalError("no symbol", "name one by --symbols, as the venue calls it")
    stores = _stores(record, asked.venue or "certify", data, kept)
    return Chosen(name, settings, names, stores, Means(size=_size(size)))


def _configured(config: Config, asked: Counterpart) -> tuple[dict[str, str], FixSettings]:
    """Returns symbols and settings of a configuration's venue."""
    for venue in config.venues:
        if venue.name == asked.venue and venue.fix is not None:
            return venue.symbols, venue.fix
    known = ", ".join(one.name for one in config.venues if one.fix is not None) or "none"
    raise LocalError(f"{asked.config} has no FIX venue {asked.venue!r}", f"--venue: {known}")


def _addressed(record: Dialect, asked: Counterpart) -> FixSettings:
    """Returns the settings of --connect and the options beside it; raises LocalError."""
    hosts: set[str] = set()
    ports: dict[str, int] = {}
    for place in asked.connect:
        link, _, address = place.rpartition("=")
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise LocalError(f"--connect {place!r} is no address", "write [LINK=]HOST:PORT")
        hosts.add(host.strip("[]"))
        links = [link] if link else [one.name for one in record.links]
        ports |= {one: int(port) for one in links}
    if len(hosts) != 1:
        remedy = "name --connect HOST:PORT (or --config and --venue), all links of one host"
        raise LocalError(f"{len(hosts)} hosts to connect to", remedy)
    table = {
        "host": hosts.pop(),
        "ports": ports,
        "tls": asked.tls,
        "ca": asked.ca,
        "certificate": asked.certificate,
        "key": asked.key,
        "sender_comp_id": asked.sender,
        "target_comp_id": asked.target,
        "sender_sub_id": asked.sender_sub,
        "target_sub_id": asked.target_sub,
        "username": asked.username,
        "password": asked.password or None,
        "signing_key": asked.signing_key or None,
        "account": asked.account,
    }
    try:
        return msgspec.convert(table, FixSettings)
    except msgspec.ValidationError as error:
        raise LocalError(f"options: {error}", "see thft venue certify --help") from error


def _stores(
    record: Dialect, venue: str, data: Path | None, kept: ExitStack
) -> Callable[[str], Store]:
    """Returns where numbers are kept: in memory, unless they go on from session to session."""

    def opened(link: str) -> Store:
        if record.reset != "continue" or data is None:
            return MemoryStore()
        log = FixLog.open(data / "fix" / f"{venue}.{link}", now().utc_ns)
        kept.callback(log.close)
        return log

    return opened


def _size(text: str) -> int:
    try:
        size = parse_size(text) if text else 0
    except BadNumber as error:
        raise LocalError(f"--size {text!r}: {error.cause}", "write one such as 1000") from error
    if text and size <= 0:
        raise LocalError(f"--size {text} is nothing to trade", "write a number such as 1000")
    return size


def _check(path: str, chosen: Chosen) -> None:
    """Raises LocalError with everything that is wrong with the settings of this dialect.

    A simulator speaks without TLS whatever the venue wants.
    """
    findings = dialect_findings(path, chosen.settings, live=False, trades=False)
    spared = ("fix.tls",) if chosen.means.simulated else ()
    listed = [f"{key}: {finding}" for key, finding in findings if key not in spared]
    if listed:
        raise LocalError("; ".join(listed), "mend these settings")


# ---- reports -----------------------------------------------------------------------------------


def _json(report: Report) -> str:
    table = {
        "dialect": report.dialect,
        "counterpart": report.counterpart,
        "passed": not report.failed,
        "live_refused": report.live or None,
        "steps": [step._asdict() for step in report.steps],
    }
    return json.dumps(table, indent=2) + "\n"


def _show(report: Report) -> None:
    """Prints a report for people."""
    console = Console()
    table = Table("step", "", "seen", box=None, pad_edge=False)
    for step in report.steps:
        seen = Text(step.seen)
        if step.key or step.remedy:
            seen.append(f"\n→ {step.key}{': ' if step.key and step.remedy else ''}{step.remedy}")
        table.add_row(step.step, Text(step.verdict, COLOURS[step.verdict]), seen)
    console.print(table)
    count = Counter(step.verdict for step in report.steps)
    said = ", ".join(f"{count[verdict]} {verdict}" for verdict in Verdict)
    console.print(f"{report.dialect} against {report.counterpart}: {said}", markup=False)
    if report.live:
        console.print(f"Live trading stays refused: {report.live}", markup=False)
