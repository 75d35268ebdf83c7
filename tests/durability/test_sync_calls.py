"""The journal's system calls as strace sees them: real, failed, killed syncs; one write a turn."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.durability.sync_writer import BEGIN, END, EVENTS_A_TURN, TURNS, TURNS_IN_STALL

from thft._native import USE_NATIVE
from thft.stream.disk import RealDisk
from thft.stream.recovery import walk

pytestmark = [
    pytest.mark.skipif(
        shutil.which("strace") is None, reason="needs strace: apt-get install -y strace"
    ),
    pytest.mark.alone,
]
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")


class Call(NamedTuple):
    """A system call: who made it, what strace says of it, at which lines it began and ended."""

    thread: str
    name: str
    text: str
    began: int
    ended: int


def calls_of(trace: Path) -> Iterator[Call]:
    """Yields the calls of a trace in the order in which they ended."""
    open_calls: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(trace.read_text().splitlines()):
        match = LINE.match(line)
        if match is None:
            continue
        thread, name, text = match.groups()
        if text.endswith("<unfinished ...>"):
            open_calls[thread] = text.removesuffix("<unfinished ...>"), number
            continue
        before, began = open_calls.pop(thread, ("", number))
        yield Call(thread, name, before + text, began, number)


def traced(
    folder: Path, mode: str, calls: str, inject: str = ""
) -> tuple[subprocess.CompletedProcess[str], list[Call]]:
    """Runs a writer under strace; returns how it ended and its calls.

    With `inject` only calls for the segment that is written are traced and counted, by thread.
    """
    trace = folder / "trace"
    command = ["strace", "-f", "-y", "-qq", "-o", str(trace), "-e", f"trace={calls}"]
    if inject:
        command += ["-e", f"inject={inject}", "-P", str(folder / "log" / "00000001.log")]
    command += [sys.executable, "-m", "tests.durability.sync_writer", mode, str(folder / "log")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    return done, list(calls_of(trace))


@pytest.mark.slow
@pytest.mark.parametrize("when", [2, 9])
def test_a_disk_that_refuses_one_sync_and_takes_the_next_ends_the_log(
    tmp_path: Path, when: int
) -> None:
    done, calls = traced(tmp_path, "turns", "fdatasync", f"fdatasync:error=EIO:when={when}")
    assert done.returncode == 3, done.stderr
    *durable, cause, last = done.stdout.splitlines()
    assert re.search(r"poisoned: fdatasync \d+\.log: Input/output error", cause)
    assert [int(seq) for seq in durable] == [
        EVENTS_A_TURN * turn for turn in range(1, len(durable) + 1)
    ]
    assert last == (durable[-1] if durable else "0")
    refused = next(number for number, call in enumerate(calls) if "INJECTED" in call.text)
    later = [call for call in calls if call.began > calls[refused].ended]
    assert later == [], "synced again after a refusal"


@pytest.mark.slow
def test_each_turn_called_durable_had_a_sync_that_began_after_its_write(tmp_path: Path) -> None:
    done, calls = traced(tmp_path, "turns", "fdatasync,pwrite64,write")
    assert done.returncode == 0, done.stderr
    kernel = next(call.thread for call in calls if _says(call))
    written = acknowledged = 0
    synced = False
    for call in calls:
        if call.thread == kernel and call.name == "pwrite64":
            written, synced = call.ended, False
        elif call.name == "fdatasync" and "/00000001.log>" in call.text:
            synced = synced or (call.began > written and call.text.endswith("= 0"))
        elif _says(call):
            assert synced, f"durable was said before a sync had ended: {call}"
            acknowledged += 1
    assert acknowledged == TURNS


@pytest.mark.slow
def test_a_turn_is_one_write_even_while_a_sync_stands_still(tmp_path: Path) -> None:
    done, calls = traced(tmp_path, "stalled", "all")
    assert done.returncode == 0, done.stderr
    begin, end = (
        next(call for call in calls if _says(call) and mark in call.text) for mark in (BEGIN, END)
    )
    made = [
        call
        for call in calls
        if call.thread == begin.thread and begin.ended < call.began < end.began
    ]
    assert [call.name for call in made].count("pwrite64") == TURNS_IN_STALL
    if USE_NATIVE:
        # Segments are made and the sync begins to stand still in Python: until both threads wait,
        # the kernel's may have to ask for the interpreter.
        others = [call for call in calls if call.thread != begin.thread and call.began < end.began]
        quiet = max(call.ended if call.ended < end.began else call.began for call in others)
        alone = [call.name for call in made if call.began > quiet]
        assert len(alone) > TURNS_IN_STALL // 10
        assert set(alone) == {"pwrite64"}, "the kernel's thread called for more than its writes"


@pytest.mark.slow
@pytest.mark.parametrize("when", [1, 2, 3, 20])
def test_a_kill_in_the_middle_of_a_sync_loses_nothing_durable(tmp_path: Path, when: int) -> None:
    done, _ = traced(tmp_path, "turns", "fdatasync", f"fdatasync:signal=KILL:when={when}")
    if USE_NATIVE or when == 1:  # the twin's syncs are shared between two threads
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    durable = [int(seq) for seq in done.stdout.split()]
    found = walk(RealDisk(tmp_path / "log"))
    assert found.last_seq - found.closed >= (durable[-1] if durable else 0)
    assert (found.last_seq - found.closed) % EVENTS_A_TURN == 0


def _says(call: Call) -> bool:
    """True for a write to standard output."""
    return call.name == "write" and call.text.startswith("1<")
