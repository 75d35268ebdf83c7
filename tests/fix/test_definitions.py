"""Acceptance definitions of other engines, unchanged, at the shipped `fix-echo`.

Left out where THFT_FIX_DEFINITIONS names no directory with them (docs/fix-sessions.md).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.fix.definitions import FOLDER, Definition, Performance, definitions
from tests.fix.programs import Program, echo
from tests.fix.proxy import Proxy
from tests.fix.script import Failed
from tests.fix.test_definition_runner import DAMAGES
from tests.ledger import note

from thft.store.fix_log import FixLog

pytestmark: list[pytest.MarkDecorator] = []
if not FOLDER:
    pytestmark = [pytest.mark.left_out("THFT_FIX_DEFINITIONS names no directory of definitions")]

OPTIONS: dict[str, tuple[str, ...]] = {
    "server": (),
    "nextExpectedMsgSeqNum": ("--next-expected",),
    "resendRequestChunkSize": ("--resend-chunk", "5"),
    "lastMsgSeqNumProcessed": ("--last-processed",),
    "nextexpectedseqnum": ("--next-expected",),
    "resendreqchunksize": ("--resend-chunk", "5"),
}
"""Switches for a kind of suite, which is the name of the folder above `fix44`."""

NAMED_FIELDS = "quickfixj"
"""Engines whose definitions name fields of a message: order and BodyLength are not theirs."""

NO_REF_TAG = "a reference to the tag where the fault has none to itself; QuickFIX has none either"
DIFFERS = {
    "quickfixj/server/11c_NewSeqNoLess": NO_REF_TAG,
    "quickfixj/server/2q_MsgTypeNotValid": NO_REF_TAG,
    "quickfixj/server/14f_IncorrectDataFormat": "a Text with the tag in it, which 371 says already",
    "quickfixj/server/2k_CompIDDoesNotMatchProfile": "a Text in the Logout behind the Reject",
    "quickfixj/server/1d_InvalidLogonBadSendingTime": "an answer to a Logon that is refused",
}
"""What a definition demands that the other engine's definitions forbid; ours follows QuickFIX."""

WAITING = ("4a_", "6_")
"""Definitions that wait for heartbeats: nothing for the tests of tests."""
COUNTING = os.environ.get("THFT_LEDGER") == "1"
DAMAGED_PATIENCE_S = 2.0 if COUNTING else 10.0


def suites() -> list[str]:
    """Returns the suites that are there, such as `quickfix/server/fix44`."""
    return [
        str(path.relative_to(FOLDER))
        for path in sorted(Path(FOLDER).rglob("fix44"))
        if path.parent.name in OPTIONS
    ]


if FOLDER and not suites():
    raise FileNotFoundError(f"no folder fix44 of a known suite in THFT_FIX_DEFINITIONS={FOLDER}")
CASES = [(suite, one) for suite in suites() for one in definitions(suite)] if FOLDER else []
SUITE = CASES[0][0] if CASES else ""
Ports = Callable[[str], int]


def strict(suite: str) -> bool:
    return not suite.startswith(NAMED_FIELDS)


@pytest.fixture(scope="module")
def port() -> Iterator[Ports]:
    """Returns the port of a running engine with the switches of a suite."""
    running: dict[tuple[str, ...], Program] = {}
    with ExitStack() as stack:

        def of(suite: str) -> int:
            options = OPTIONS[Path(suite).parent.name]
            if options not in running:
                running[options] = stack.enter_context(echo(*options))
            return running[options].port

        yield of


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[tuple[str, str]]]:
    """Counts results; a line of the ledger for each suite at the end."""
    counts: Counter[tuple[str, str]] = Counter()
    yield counts
    for suite in suites():
        results = {name: counts[suite, name] for name in ("passed", "failed", "differing")}
        note("conformance", suite=suite, files=sum(results.values()), **results)


def differs(suite: str, definition: Definition) -> bool:
    return f"{Path(suite).parent}/{definition.name}" in DIFFERS


def play(definition: Definition, suite: str, port: Ports, tmp_path: Path) -> None:
    """Plays a definition at the engine of its suite, or at one with the numbers it wants."""
    numbers = definition.numbers()
    if not numbers:
        Performance(port(suite), strict=strict(suite)).play(definition)
        return
    store = FixLog.open(tmp_path / "ISLD-TW", time.time_ns())
    store.reset(numbers["NEXTSENDERSEQNUM"], time.time_ns(), "definition")
    store.set_next_in(numbers["NEXTTARGETSEQNUM"], "definition")
    store.flush()
    store.close()
    keep = ("--no-reset-on-logon", "--store", str(tmp_path))
    with echo(*OPTIONS[Path(suite).parent.name], *keep) as program:
        Performance(program.port, strict=strict(suite)).play(definition)


@pytest.mark.parametrize(
    ("suite", "definition"), CASES or [("", None)], ids=lambda one: getattr(one, "name", str(one))
)
def test_definition(
    suite: str,
    definition: Definition,
    port: Ports,
    tally: Counter[tuple[str, str]],
    tmp_path: Path,
) -> None:
    if differs(suite, definition):
        tally[suite, "differing"] += 1
        with pytest.raises(Failed, match=r"no 371=|no 58=|nothing was sent"):
            Performance(port(suite), strict=False, patience_s=2.0).play(definition)
        return
    tally[suite, "failed"] += 1
    play(definition, suite, port, tmp_path)
    tally[suite, "failed"] -= 1
    tally[suite, "passed"] += 1


def test_an_undamaged_proxy_is_not_noticed(port: Ports) -> None:
    with Proxy(port(SUITE), lambda raw: raw) as proxy:
        for definition in quick():
            Performance(proxy.port, strict=True).play(definition)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(port: Ports, damage: str) -> None:
    """At least one definition fails; with THFT_LEDGER=1 all that fail are counted."""
    noticed = []
    with Proxy(port(SUITE), DAMAGES[damage]) as proxy:
        for definition in quick():
            try:
                Performance(proxy.port, strict=True, patience_s=DAMAGED_PATIENCE_S).play(definition)
            except Failed:
                noticed.append(definition.name)
                if not COUNTING:
                    break
    assert noticed, "no definition fails although the output is damaged"
    note("conformance", suite=SUITE, damage=damage, noticed=len(noticed), of=len(quick()))


def quick() -> list[Definition]:
    """Returns the first suite's definitions that do not wait."""
    assert strict(SUITE), "the tests of tests need a suite that compares by position"
    return [one for one in definitions(SUITE) if not one.name.startswith(WAITING)]
