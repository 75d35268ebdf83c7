"""`thft journal`: what dump, stats, seal and verify print over a log of quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from thft.cli.journal import dump, seal, stats, verify
from thft.model import event as ev
from thft.model.codec import encode
from thft.model.fixed import SIZE_ONE
from thft.sim.market_model import FAST, SYMBOLS, MarketModel
from thft.stream.journal import AlreadyLocked, Journal
from thft.stream.reader import read_all

QUOTES = 20_000
START_NS = 1_700_000_000_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A closed log of the model's quotes, with receive times that jitter."""
    journal = Journal.open(tmp_path, instance="ab", created_ns=1, segment_bytes=1 << 20)
    market, sent, now_ns = MarketModel(1, START_NS, SYMBOLS[:1]), 0, START_NS
    while sent < QUOTES:
        now_ns = market.next_ns
        for tick in market.advance(now_ns):
            sent += 1
            feed, late_ns = 1 + (tick.venue != FAST), 150_000 + now_ns * 7_919 % 40_000
            quote = ev.Quote(
                feed,
                1,
                tick.bid * 10_000,
                1_000_000 * SIZE_ONE,
                tick.ask * 10_000,
                1_000_000 * SIZE_ONE,
                tick.ts_ns,
                sent,
            )
            journal.append(ev.Quote.TYPE, ev.Quote.STREAM, feed, now_ns + late_ns, encode(quote))
        journal.flush()
    journal.close()
    return tmp_path


def size(log: Path) -> int:
    return sum(path.stat().st_size for path in log.glob("*.log*"))


def test_a_quote_takes_96_bytes_hot_and_24_sealed_at_most(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_all(log)
    hot = size(log)
    assert seal(log) == 0
    assert "00000001.logz 1048576 -> " in capsys.readouterr().out
    sealed = size(log)
    print(f"{hot / len(before):.1f} bytes hot, {sealed / len(before):.1f} sealed")
    assert hot <= 96 * len(before)
    assert sealed <= 24 * len(before)
    assert read_all(log) == before
    assert verify(log) == 0
    capsys.readouterr()
    assert stats(log) == 0
    shown = capsys.readouterr().out.split("bytes per quote: ")[1].splitlines()[0]
    assert shown.startswith("hot 88.0, sealed ")
    assert abs(float(shown.split()[-1]) - sealed / len(before)) < 1


def test_stats_say_how_long_the_disk_suffices(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stats(log) == 0
    printed = capsys.readouterr().out
    assert f"{QUOTES} frames" in printed and "88 each" in printed
    words = dict(word.split("=") for word in printed.split() if "=" in word)
    assert float(words["days_left"]) > 0
    assert "bytes per quote: hot 88.0, sealed —" in printed


def test_dump_begins_and_ends_where_it_is_told(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump(log, after=5, limit=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["6", "7"]
    assert "Quote(" in lines[0]


def test_a_log_being_written_is_not_sealed_by_hand(log: Path) -> None:
    journal = Journal.open(log, instance="ab", created_ns=1)
    with pytest.raises(AlreadyLocked):
        seal(log)
    journal.close()
