"""The door in the data directory at which programs of this machine ask for history; run by core.

A question is one line of JSON, `Request`. The answer is lines of JSON by their `kind`: `waits` and
`progress`, then `deal` and `order` rows, then `end`; or `failed` with its words. Who hangs up has
withdrawn his question. The socket is its owner's alone, as the data directory's files are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from thft.base.errors import LocalError
from thft.gateway.metatrader.account import MetaTraderAccount
from thft.gateway.metatrader.answers import Answer
from thft.gateway.metatrader.clock import LATEST_MS
from thft.gateway.metatrader.history.desk import NoHistory, Question
from thft.gateway.metatrader.history.rows import Wording
from thft.model.fixed import ABSENT

SOCKET, PATH_BYTES = "history.sock", 100
"""A socket has room for no more than about a hundred bytes of path."""
GUESTS = 16
REQUEST_BYTES, REQUEST_S = 65_536, 5.0
WAITS_S = 5.0
"""Who waits hears so often that he does."""
PATIENCE_S = 30.0
"""Who has not read for so long what was written is let go."""
SYMBOLS_NAMED = 20
ROWS_A_TURN = 32
"""So many rows are written before the engine's loop has its turn."""


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a program asks; times are UTC, ms, `to_ms` is not included and 0 means now."""

    account: str
    platform: str
    from_ms: int
    to_ms: int = 0
    symbols: list[str] = []
    """Canonical or the terminal's; none: all."""
    deals: bool = True
    orders: bool = True


class Host(NamedTuple):
    """An account that can be asked."""

    account: MetaTraderAccount
    symbols: dict[str, str]
    """Canonical symbol → the terminal's name."""


class Door:
    """See the module."""

    def __init__(
        self, directory: Path, hosts: dict[str, Host], patience_s: float = PATIENCE_S
    ) -> None:
        """`hosts` by the engine's name of the account."""
        self._directory = directory
        self._hosts = hosts
        self._patience_s = patience_s
        self.guests: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Answers until stopped; raises LocalError when there can be no door."""
        try:
            listening = open_socket(self._directory)
            server = await asyncio.start_unix_server(
                self._guest, sock=listening, limit=REQUEST_BYTES
            )
        except OSError as error:
            raise LocalError(
                f"cannot listen on {self._directory / SOCKET}: {error.strerror or error}",
                "let the data directory be on a local file system that this user may write",
            ) from error
        try:
            await self._stop.wait()
        finally:
            server.close()
            (self._directory / SOCKET).unlink(missing_ok=True)
            for guest in self.guests:
                guest.cancel()
            await asyncio.gather(*self.guests)

    def stop(self) -> None:
        """Opens to nobody any more."""
        self._stop.set()

    async def _guest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None
        self.guests.add(task)
        try:
            # he hung up, or the core ends: nobody is there to be told
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._served(reader, writer)
        finally:
            self.guests.discard(task)
            writer.close()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self.guests) > GUESTS:
                raise NoHistory(f"{GUESTS} programs ask for history already", "ask again later")
            async with asyncio.timeout(REQUEST_S):
                request = msgspec.json.decode(await reader.readline(), type=Request)
            await self._answer(request, reader, writer)
        except (msgspec.DecodeError, ValueError, TimeoutError) as error:
            _say(writer, {"kind": "failed", "words": f"this is no question: {error}"})
        except NoHistory as error:
            _say(writer, {"kind": "failed", "words": str(error)})
        await self._read(writer)

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host = self._hosts.get(request.account)
        if host is None or host.account.platform != request.platform:
            named = f"{request.account!r} is no account of MetaTrader {request.platform}"
            raise NoHistory(f"{named} in the running engine", "restart the core after a change")
        names = _names(request, host)
        question = _question(request, names, host, lambda said: _say(writer, said))
        host.account.ask(question)
        try:
            answer = await _waited(question, reader, writer)
        finally:
            host.account.history.drop(question)
        if answer is not None:
            await self._written(answer, request, names, host, writer)

    async def _written(
        self,
        answer: Answer,
        request: Request,
        names: set[str],
        host: Host,
        writer: asyncio.StreamWriter,
    ) -> None:
        account = host.account
        canonical = {name: symbol for symbol, name in host.symbols.items()}
        wording = Wording(account.orders, account.clock, canonical)
        counts = {"deal": 0, "order": 0}
        for number, row in enumerate(_wanted(answer, request, names, wording), 1):
            counts[row["kind"]] += 1
            _say(writer, row)
            if not number % ROWS_A_TURN:
                await self._read(writer)
                await asyncio.sleep(0)
        assert answer.end is not None
        reaches = wording.utc(answer.end.span_server)
        end = {"deals": counts["deal"], "orders": counts["order"], "reaches_back_to": reaches}
        _say(writer, {"kind": "end", "complete": answer.end.complete, **end})

    async def _read(self, writer: asyncio.StreamWriter) -> None:
        """Waits until a guest has read enough; raises ConnectionError when he does not read."""
        try:
            async with asyncio.timeout(self._patience_s):
                await writer.drain()
        except TimeoutError:
            writer.transport.abort()
            raise ConnectionAbortedError from None


async def _waited(
    question: Question, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Answer | None:
    """Returns the answer, None when the guest has hung up."""
    gone = asyncio.ensure_future(reader.read(1))
    try:
        while not question.answer.done():
            both = (question.answer, gone)
            await asyncio.wait(both, timeout=WAITS_S, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not question.answer.done():
                return None
            if not question.answer.done():
                _say(writer, {"kind": "waits"})
        return question.answer.result()
    finally:
        gone.cancel()


def _wanted(
    answer: Answer, request: Request, names: set[str], wording: Wording
) -> Iterator[dict[str, str]]:
    for deal in answer.deals if request.deals else ():
        if not names or deal.symbol in names:
            yield wording.deal(deal)
    for order in answer.orders if request.orders else ():
        if not names or order.symbol in names:
            yield wording.order(order)


def _names(request: Request, host: Host) -> set[str]:
    """Returns the terminal's names of the symbols that are asked for; raises NoHistory."""
    found = {host.symbols.get(symbol, symbol) for symbol in request.symbols}
    for name in found - set(host.symbols.values()):
        some = sorted(host.symbols)[:SYMBOLS_NAMED]
        known = ", ".join(f"{one} ({host.symbols[one]})" for one in some)
        known += ", …" if len(some) < len(host.symbols) else ""
        raise NoHistory(
            f"{request.account} has no symbol {name!r}, it has {known}",
            "leave --symbol out to see what is not in the configuration",
        )
    return found


def _question(
    request: Request, names: set[str], host: Host, say: Callable[[dict[str, Any]], None]
) -> Question:
    """Returns the question in the server's time; raises NoHistory when that is not known."""
    offset_ms = host.account.clock.offset_ms
    if not (0 <= request.from_ms < LATEST_MS and 0 <= request.to_ms < LATEST_MS):
        raise NoHistory("a time beyond all calendars", "ask for one between 1970 and 2200")
    if reason := host.account.away:
        raise NoHistory(f"{request.account} is offline: {reason}", "look at the terminal")
    if offset_ms == ABSENT:
        raise NoHistory(
            "the server's offset from UTC is not known yet",
            "wait for the terminal's heartbeat; MetaTrader 4 shows it when a price moves",
        )
    if request.to_ms and request.to_ms <= request.from_ms:
        raise NoHistory("the end is not after the begin", "exchange them")
    return Question(
        max(request.from_ms + offset_ms, 0),
        max(request.to_ms + offset_ms, 2) if request.to_ms else 0,  # the last ms asked for is not 0
        min(names) if len(names) == 1 else "",
        lambda done, total: say({"kind": "progress", "done": done, "total": total}),
        asyncio.get_running_loop().create_future(),
    )


def _say(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    writer.write(msgspec.json.encode(said) + b"\n")


def open_socket(directory: Path) -> socket.socket:
    """Returns the door's socket, bound anew: the core holds the directory, so an old one is dead.

    It is its owner's before it listens, and until then nobody can connect.
    """
    place = directory / SOCKET
    listening = socket.socket(socket.AF_UNIX)
    try:
        place.unlink(missing_ok=True)
        with short_path(directory) as path:
            listening.bind(path)
        place.chmod(0o600)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


@contextlib.contextmanager
def short_path(directory: Path) -> Iterator[str]:
    """Gives the path of a directory's socket; one too long for sockets goes by way of /proc."""
    path = str(directory / SOCKET)
    if len(os.fsencode(path)) <= PATH_BYTES:
        yield path
        return
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = Path(f"/proc/self/fd/{folder}")
        yield str((short if short.exists() else directory) / SOCKET)
    finally:
        os.close(folder)
