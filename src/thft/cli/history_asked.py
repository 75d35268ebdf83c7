"""Asks a running core for history by the door in its data directory; used by `thft history`."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from thft.base.errors import RemoteError
from thft.gateway.metatrader.history.door import SOCKET, WAITS_S, Request, short_path

SILENCE_S = 6 * WAITS_S
LINE_BYTES = 1 << 20
LINE_EVERY_S = 0.5


class NoAnswer(RemoteError):
    """The question was not answered, or not wholly."""


class History(NamedTuple):
    """A whole answer: rows by time, each by its columns."""

    rows: list[dict[str, str]]
    complete: bool
    """False when the terminal says that it may not have all."""
    reaches_back_to: str
    """UTC; empty when not said."""


def ask(directory: Path, request: Request) -> History:
    """Returns the answer; raises NoAnswer. Progress goes to standard error meanwhile."""
    rows: list[dict[str, str]] = []
    with _connected(directory) as line, Shown() as shown:
        with contextlib.suppress(BrokenPipeError):  # refused unheard: the reason is to be read
            line.sendall(msgspec.json.encode(request) + b"\n")
        for said in _lines(line, rows):
            match said.pop("kind"):
                case "progress":
                    shown.progress(said["done"], said["total"])
                case "waits":
                    shown.waits()
                case "failed":
                    raise NoAnswer(said["words"])
                case "end":
                    rows.sort(key=lambda row: row["time_server"])
                    return History(rows, said["complete"], said["reaches_back_to"])
                case kind:
                    rows.append({"kind": kind, **said})
    raise NoAnswer(f"the core ended amid its answer, after {len(rows)} rows", "ask again")


def _connected(directory: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(SILENCE_S)
    try:
        with short_path(directory) as place:
            line.connect(place)
    except PermissionError as error:
        line.close()
        raise NoAnswer(
            f"{directory / SOCKET}: {error.strerror}", "ask as the core's user"
        ) from error
    except OSError as error:
        line.close()
        raise NoAnswer(
            f"no core with a MetaTrader account runs in {directory}: {error.strerror}",
            "start it with `thft core`, or name its directory with --data",
        ) from error
    return line


def _lines(line: socket.socket, rows: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    try:
        with line.makefile("rb") as file:
            while (text := file.readline(LINE_BYTES)).endswith(b"\n"):
                yield decode(text)
    except OSError as error:
        said = error.strerror or f"nothing for {SILENCE_S:g} s"
        raise NoAnswer(f"the core: {said}, after {len(rows)} rows", "look at it") from error


class Shown:
    """Progress on standard error: a bar on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        self._bar = Progress(*columns, console=console, transient=True)
        self._live = console.is_terminal
        self._said_s = -LINE_EVERY_S
        self._task = self._bar.add_task("history", total=None)

    def __enter__(self) -> Shown:
        if self._live:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._bar.stop()

    def progress(self, done: int, total: int) -> None:
        """So many rows have come from the terminal."""
        if self._live:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() - self._said_s >= LINE_EVERY_S:
            self._said_s = time.monotonic()
            print(f"{done} of {total} rows", file=sys.stderr, flush=True)

    def waits(self) -> None:
        """Nothing yet."""
        if not self._live:
            print("waits for the terminal", file=sys.stderr, flush=True)
