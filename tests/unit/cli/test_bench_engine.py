"""`thft bench engine`: the own side trades what it should, and unequal sides are never timed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from bench import prepare

from thft.base.errors import LocalError
from thft.cli import bench_compare
from thft.cli.bench_trading import Job, Result, quote_records
from thft.model.codec import QUOTE_LAYOUT

QUOTES, EVERY = 20_000, 100


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = tmp_path / "quotes"
    path.write_bytes(quote_records(QUOTES, instruments=2))
    return Job(str(path), 2, EVERY)


def traded(job: Job) -> tuple[list[int], int]:
    """Returns the positions and the sum of prices that the rule of the strategy leads to."""
    positions, paid, last_bid = [0] * job.instruments, 0, 0
    records = list(QUOTE_LAYOUT.iter_unpack(Path(job.quotes).read_bytes()))
    for bid, _, ask, _, _, _, _, _, instrument in records[EVERY - 1 :: EVERY]:
        side = 1 if bid > last_bid else -1
        last_bid = bid
        positions[instrument - 1] += side * job.units
        paid += side * (ask if side > 0 else bid)
    return positions, paid


def result(job: Job, **changes: object) -> Result:
    positions, paid = traded(job)
    fills = QUOTES // EVERY
    good = Result("engine", QUOTES, fills, positions, paid, 10**9, [20_000] * fills)
    return msgspec.structs.replace(good, **changes)


def test_the_own_program_sees_every_quote_and_trades_by_its_rule(job: Job) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thft.cli.bench_trading"],
        input=msgspec.json.encode(job),
        capture_output=True,
        check=True,
        timeout=60,
    )
    own = msgspec.json.decode(done.stdout, type=Result)
    bench_compare.check_equal(job, own, result(job))
    assert len(own.submit_to_fill_ns) == QUOTES // EVERY
    assert min(own.submit_to_fill_ns) > 0
    assert own.cpu_ns > 0
    assert os.listdir(Path(job.quotes).parent) == ["quotes"]


@pytest.mark.parametrize("changed", [{"seen": 1}, {"fills": 3}, {"positions": [0, 0]}, {"paid": 0}])
def test_engines_that_did_not_do_the_same_are_not_compared(
    job: Job, changed: dict[str, object]
) -> None:
    with pytest.raises(LocalError, match=next(iter(changed))):
        bench_compare.check_equal(job, result(job), result(job, **changed))


def test_engines_that_both_missed_something_are_not_compared(job: Job) -> None:
    idle = result(job, fills=0)
    with pytest.raises(LocalError, match="0 fills instead of"):
        bench_compare.check_equal(job, idle, idle)


def test_figures_are_medians_beside_the_peers(job: Job) -> None:
    own = [
        result(job, cpu_ns=ns, submit_to_fill_ns=[ns // 10**5]) for ns in (10**8, 10**9, 2 * 10**9)
    ]
    peer = [result(job, cpu_ns=25 * 10**8)] * 3
    rate, p50, p99 = bench_compare.compared(job, {"own": own, "peer": peer})
    assert (rate.value, rate.floor, rate.met) == (20_000, 8_000, True)
    assert (p50.value, p50.floor, p50.met) == (10, 20, True)
    assert (p99.value, p99.floor, p99.met) == (10, 20, None)


def test_without_python_313_the_bench_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "candidates", lambda: iter(["/no/such/python3.13"]))
    with pytest.raises(prepare.Missing) as missing:
        prepare.python_313()
    assert "Python 3.13" in missing.value.args[0]
    assert "install 3.13" in missing.value.args[1]


def test_without_a_package_index_the_bench_says_so() -> None:
    with pytest.raises(prepare.Missing) as missing:
        prepare.pip(sys.executable, "--no-index", "--find-links", "/no/such/folder", "absent==1")
    assert "absent==1" in missing.value.args[0]
    assert "package index" in missing.value.args[1]
