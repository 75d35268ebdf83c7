"""The EA of a simulated terminal: dials the bridge, proves itself, pumps ticks, obeys; by `run`.

It keeps to docs/metatrader-protocol.md as the EAs of the product do, and lives no longer than they:
`restart` forgets everything but the terminal.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thft.gateway.metatrader.commands import magic_of
from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import SEPARATOR, Framer, WrongFrame, line_of
from thft.model.fixed import ABSENT, MONEY_ONE
from thft.sim.metatrader.terminal import Answer, Terminal

CLASSES = {10008: "placed", 10009: "done", 10010: "partial", 10004: "price"}
CLASSES |= dict.fromkeys((10020, 10021), "price") | {10024: "busy"}
CLASSES |= dict.fromkeys((10011, 10012, 10028, 10031), "unknown")
UNREAD_BYTES = 1 << 20
CHUNK = 256


@dataclass(kw_only=True)
class Login:
    """What an EA's inputs say, and how it behaves."""

    account: str = "51001234"
    server: str = "Broker-Demo"
    key_id: str = "k1"
    key: bytes = bytes(range(32))
    version: str = "1"
    timer_s: float = 0.02
    silence_s: float = 10.0
    first_wait_s: float = 1.0
    refused_wait_s: float = 60.0


@dataclass
class _Pump:
    """Where one subscription is in the terminal's ticks."""

    sub: int
    symbol: str
    from_ms: int
    skip: int
    next: int = 1
    present: bool = False
    count: int = 0
    """MetaTrader 4: the tick volume that was told or counted as missed."""
    missed: int = 0


class Expert:
    """See the module."""

    def __init__(
        self, terminal: Terminal, host: str, port: int, login: Login, tls: ssl.SSLContext | None
    ) -> None:
        self.terminal = terminal
        self.login = login
        self._place = host, port, tls
        self._tls = tls
        self._session = secrets.token_hex(16)
        self._lives = True
        self.connections = 0
        self.said: list[str] = []
        """REJECT and BYE of the engine, as `CODE: words`."""
        self.sent: list[bytes] = []
        """Lines of this connection that a fault may repeat."""
        self.deaf = False
        self.rows_sent = 0
        """Of the HISTORY under way."""
        self._writer: asyncio.StreamWriter | None = None
        self._keys: k.Keys | None = None
        self._open = False
        terminal.listeners.append(self._news)

    # ---- life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Dials until stopped."""
        wait_s = self.login.first_wait_s
        while self._lives:
            refused = await self._connection()
            if not self._lives:
                return
            await asyncio.sleep(self.login.refused_wait_s if refused else wait_s)
            wait_s = self.login.first_wait_s if self._was_open else min(2 * wait_s, 60.0)

    def stop(self) -> None:
        """Ends the EA and its connection."""
        self._lives = False
        self.cut()

    def restart(self) -> None:
        """OnDeinit and OnInit: a fresh session that remembers nothing."""
        self._session = secrets.token_hex(16)
        self.cut()

    def cut(self) -> None:
        """The connection breaks, without a word."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _connection(self) -> bool:
        """Lives through one connection; returns whether the engine refused it."""
        host, port, tls = self._place
        self._open = self._was_open = False
        self._in = self._out = 0
        self._pumps: dict[int, _Pump] = {}
        self._asked: list[r.Snapshot | r.History] = []
        self._chunks: Iterator[int] = iter(())
        self._base_ms: int | None = None
        self._heartbeat_s, self._beat_s = 2.0, 0.0
        self._keys = None
        self.sent.clear()
        try:
            reader, self._writer = await asyncio.open_connection(host, port, ssl=tls)
        except OSError as error:
            self.said.append(f"dial: {error}")
            return False
        self.connections += 1
        self.deaf = False
        framer, self._heard_s = Framer(), time.monotonic()
        self._hello()
        timer = asyncio.ensure_future(self._timer())
        try:
            while data := await reader.read(1 << 16):
                if self.deaf:
                    continue
                self._heard_s = time.monotonic()
                for body in framer.feed(data):
                    self._obey(self._record(body))
        except (OSError, WrongFrame) as error:
            self.said.append(f"line: {error}")
        finally:
            timer.cancel()
            self._open = False
            self._writer.transport.abort()
            self._writer = None
        return bool(self.said) and self.said[-1].startswith(("VERSION", "AUTH", "MODE"))

    async def _timer(self) -> None:
        """OnTimer: ticks, heartbeat, answers; and an end when the engine is silent."""
        while True:
            await asyncio.sleep(self.login.timer_s)
            if time.monotonic() - self._heard_s > self.login.silence_s:
                self.cut()
                return
            if not self._open or self.deaf:
                continue
            for pump in list(self._pumps.values()):
                self._pump(pump)
            if time.monotonic() - self._beat_s >= self._heartbeat_s:
                self._heart()
            while self._asked:
                self._answer(self._asked.pop(0))
            self.rows_sent = next(self._chunks, 0)

    # ---- the line ------------------------------------------------------------------------------

    def send(self, record: Any) -> None:
        """Sends a record, signed when it must be."""
        if self._writer is None or self.deaf:
            return
        name = shapes.name_of(type(record))
        self._out += 1
        body = f"{self._out}|{name}|{shapes.fields_of(record)}"
        if self._open and name not in shapes.BARE:
            assert self._keys is not None
            body = k.signed(self._keys.frames_ea, body)
        line = line_of(body)
        if len(self.sent) < CHUNK:
            self.sent.append(line)
        self._writer.write(line)

    def raw(self, line: bytes) -> None:
        """Sends bytes as they are."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line)

    def _record(self, body: str) -> Any:
        name = body.split(SEPARATOR, 2)[1]
        if self._open and name not in shapes.BARE:
            assert self._keys is not None
            rest = k.unsigned(self._keys.frames_engine, body)
            if rest is None:
                raise WrongFrame(f"{name} with a wrong MAC")
            body = rest
        number, _, *fields = body.split(SEPARATOR)
        self._in += 1
        if number != str(self._in) or name not in shapes.TYPES_ENGINE:
            raise WrongFrame(f"{name} with number {number}")
        return shapes.record_of(shapes.TYPES_ENGINE[name], fields)

    # ---- obeying -------------------------------------------------------------------------------

    def _obey(self, record: Any) -> None:
        match record:
            case r.Challenge():
                self._prove(record)
            case r.Welcome():
                self._welcome(record)
            case r.Reject() | r.Bye():
                self.said.append(f"{record.code}: {record.words}")
                self._lives = self._lives and record.code != "REPLACED"
            case _ if not self._open:
                raise WrongFrame(f"{shapes.name_of(type(record))} before WELCOME")
            case r.Ping():
                delay_ms = self._mono_ms() - record.time_ms
                self._base_ms = min(delay_ms, self._base_ms or delay_ms)
                self.send(r.Pong(record.n, record.time_ms, self._in))
            case r.Subscribe():
                self._subscribe(record)
            case r.Unsubscribe():
                self._pumps.pop(record.sub, None)
            case r.Snapshot() | r.History():
                self._asked.append(record)
            case _:
                self._command(record)

    def _hello(self) -> None:
        login, terminal = self.login, self.terminal
        self._said_hello = r.Hello(
            login.version,
            terminal.platform,
            login.key_id,
            self._session,
            secrets.token_hex(16),
            login.account,
            login.server,
            "Simulated Markets Ltd",
            "USD",
            100,
            terminal.margin_mode,
            5_000,
            "sim",
            terminal.gmt_ms(),
            terminal.now_ms(),
        )
        self.send(self._said_hello)

    def _prove(self, challenge: r.Challenge) -> None:
        said = self._said_hello
        named = said.version, said.key_id, said.session, said.account, said.server, said.nonce
        self._keys = k.agree(self.login.key, *named, challenge.nonce, challenge.time_ms)
        self.send(r.Auth(self._keys.proof_ea))

    def _welcome(self, welcome: r.Welcome) -> None:
        assert self._keys is not None
        if not k.same(welcome.proof, self._keys.proof_engine):
            raise WrongFrame("the engine does not have the key")
        self._open = self._was_open = True
        self._heartbeat_s = welcome.heartbeat_ms / 1_000
        self._heart()

    def _heart(self) -> None:
        self._beat_s = time.monotonic()
        at = self.terminal
        money = 10_000 * MONEY_ONE
        allowed = at.allowed, True, True, True
        moneys = money, money, 0, money
        times = at.gmt_ms(), at.now_ms(), self._mono_ms(), self._in
        kept = self.connections - 1, 0, len(at.orders), len(at.positions)
        self.send(
            r.Heart(*times, at.connected, 1_500, *allowed, *moneys, 100, at.margin_mode, *kept)
        )

    @staticmethod
    def _mono_ms() -> int:
        return time.monotonic_ns() // 1_000_000

    # ---- ticks ---------------------------------------------------------------------------------

    def _subscribe(self, asked: r.Subscribe) -> None:
        play = self.terminal.plays.get(asked.symbol)
        if play is None:
            self.send(r.NoSymbol(asked.sub, asked.symbol, "unknown symbol"))
            return
        self.send(play.terms._replace(sub=asked.sub))
        from_ms = asked.from_server
        if not from_ms and play.ticks:
            from_ms = play.ticks[-1].time_server
            same = [one for one in play.ticks[-CHUNK:] if one.time_server == from_ms]
            asked = asked._replace(skip=len(same) - 1)
        pump = _Pump(asked.sub, asked.symbol, from_ms, asked.skip)
        pump.count = max(play.count - 1, 0)
        self._pumps[asked.sub] = pump
        if from_ms < self.terminal.history_from:
            end_ms, words = self.terminal.history_from, "the history begins later"
            self.send(r.Gap(asked.sub, from_ms, end_ms, words))
            pump.from_ms, pump.skip = end_ms, 0

    def _pump(self, pump: _Pump) -> None:
        if self.terminal.platform == "4":
            self._newest(pump)
            return
        assert self._writer is not None
        while self._writer.transport.get_write_buffer_size() < UNREAD_BYTES:
            ticks = self.terminal.since(pump.symbol, pump.from_ms, pump.skip, CHUNK)
            if not ticks:
                break
            for one in ticks:
                same = one.time_server == pump.from_ms
                pump.skip = pump.skip + 1 if same else 1
                pump.from_ms = one.time_server
            self.send(r.Ticks(pump.sub, pump.next, 0, self._mono_ms(), tuple(ticks)))
            pump.next += len(ticks)
        else:
            return
        if not pump.present:
            pump.present = True
            self.send(r.Present(pump.sub, pump.next))

    def _newest(self, pump: _Pump) -> None:
        """MetaTrader 4: the newest tick alone, and from the tick volume how many were missed."""
        play = self.terminal.plays[pump.symbol]
        if not pump.present:
            pump.present = True
            self.send(r.Present(pump.sub, pump.next))
        fresh = play.count - pump.count
        if fresh > 0:
            pump.count, pump.missed = play.count, pump.missed + fresh - 1
            mono_ms, newest = self._mono_ms(), play.ticks[-1]
            self.send(r.Ticks(pump.sub, pump.next, pump.missed, mono_ms, (newest,)))
            pump.next += 1

    # ---- commands ------------------------------------------------------------------------------

    def _news(self, row: r.OrderRow | r.DealRow) -> None:
        if self._open:
            self.send(row)

    def _command(self, command: Any) -> None:
        self.send(r.Ack(self._in))
        seq, terminal = self._in, self.terminal
        opens = isinstance(command, r.Open | r.Close)
        late_ms = self._mono_ms() - command.sent_ms - (self._base_ms or 0)
        if self._base_ms is None or late_ms > command.ttl_ms:
            self._result(seq, command, "late", Answer(0, f"{late_ms} ms on its way"))
            return
        if opens and (found := self._seen(command.id)):
            self._result(seq, command, "duplicate", Answer(0, "there already", found))
            return
        fault = terminal.faults.next(("lost", "unheard")) if opens else None
        if fault is not None and fault.do == "unheard":
            self.restart()
            return
        if fault is not None:
            self._open = False  # what happens now is told to nobody
        answer = self._done(command)
        if fault is not None:
            self.restart()
            return
        self._result(seq, command, CLASSES.get(answer.retcode, "rejected"), answer)

    def _done(self, command: Any) -> Answer:
        terminal = self.terminal
        match command:
            case r.Open():
                return terminal.open(command)
            case r.Modify():
                return terminal.modify(command)
            case r.Close():
                return terminal.close(command)
            case r.CloseBy():
                return terminal.close_by(command)
            case _:
                return terminal.delete(command.ticket)

    def _seen(self, client_order_id: str) -> int:
        """Returns the ticket of what an id has done already, 0 for nothing."""
        terminal, magic = self.terminal, magic_of(client_order_id)
        rows: list[Any] = [*terminal.orders.values(), *terminal.closed.values(), *terminal.deals]
        for row in rows:
            if row.magic == magic and row.comment.startswith(client_order_id):
                return int(row.ticket)
        return 0

    def _result(self, seq: int, command: Any, outcome: str, answer: Answer) -> None:
        self.send(
            r.Result(
                *(seq, command.id, outcome, answer.retcode, answer.order, answer.deal, 0),
                *(answer.volume, answer.price, ABSENT, ABSENT, answer.words),
            )
        )

    def _answer(self, asked: r.Snapshot | r.History) -> None:
        """Begins an answer; a HISTORY takes the place of one that is not over."""
        terminal = self.terminal
        if isinstance(asked, r.History):
            rows = _history(terminal, asked)
            self._chunks = self._chunked(asked.req, rows)
        else:
            rows = [*terminal.orders.values(), *terminal.positions.values()]
        self.send(r.Begin(asked.req, terminal.now_ms(), *_counts(rows)))
        if isinstance(asked, r.Snapshot):
            for row in rows:
                self.send(row._replace(req=asked.req))
            self._end(asked.req, rows)

    def _chunked(self, req: int, rows: list[Any]) -> Iterator[int]:
        """Sends a HISTORY, a chunk for each turn of the timer; yields how many rows are sent."""
        for number, row in enumerate(rows, 1):
            self.send(row._replace(req=req))
            if not number % CHUNK:
                self.send(r.Progress(req, number, len(rows)))
                yield number
        self._end(req, rows)

    def _end(self, req: int, rows: list[Any]) -> None:
        terminal = self.terminal
        self.send(r.End(req, *_counts(rows), terminal.connected, terminal.history_from))


def _counts(rows: list[Any]) -> tuple[int, int, int]:
    """Returns how many orders, positions and deals there are."""
    orders = sum(isinstance(row, r.OrderRow) for row in rows)
    deals = sum(isinstance(row, r.DealRow) for row in rows)
    return orders, len(rows) - orders - deals, deals


def _history(terminal: Terminal, asked: r.History) -> list[Any]:
    """Returns deals and done orders of a time and a symbol, by time."""
    times: list[tuple[int, r.DealRow | r.OrderRow]] = [
        *((row.time_server, row) for row in terminal.deals),
        *((row.done_server, row) for row in terminal.closed.values()),
    ]
    within = [
        (at_ms, row)
        for at_ms, row in times
        if asked.from_server <= at_ms and (not asked.to_server or at_ms <= asked.to_server)
        if asked.symbol in ("", row.symbol)
    ]
    return [row for _, row in sorted(within, key=lambda one: one[0])]
