"""An engine's end of the MetaTrader protocol that says whatever a test wants; called by tests."""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from thft.gateway.metatrader.commands import magic_of
from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import Framer, line_of
from thft.model.fixed import ABSENT, SIZE_ONE

KEY = bytes(range(32))
WAIT_S = 20.0
T = TypeVar("T")


class Ended(Exception):
    """The Expert has closed the connection."""


class Peer:
    """Listens on loopback; one connection at a time."""

    def __init__(self, key: bytes = KEY) -> None:
        self.key = key
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.line: socket.socket | None = None
        self.hello: r.Hello | None = None
        self.keys: k.Keys | None = None
        self.got: list[Any] = []
        """Records of this connection in their order; PONG and HEART are left out."""
        self.hearts: list[r.Heart] = []
        self.pongs: list[r.Pong] = []
        self.is_open = False
        self.out = self.seen = self.pings = 0

    def close(self) -> None:
        """Ends everything."""
        self.drop()
        self.server.close()

    def drop(self) -> None:
        """Ends the connection."""
        if self.line is not None:
            self.line.close()
        self.line = None

    def accept(self, s: float = WAIT_S) -> r.Hello:
        """Takes the next connection and its HELLO."""
        self.drop()
        self.server.settimeout(s)
        self.line, _ = self.server.accept()
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.framer = Framer()
        self.out = self.seen = 0
        self.keys, self.is_open = None, False
        self.got, self.hearts, self.pongs = [], [], []
        self.hello = self.wait(r.Hello)
        return self.hello

    def challenge(self, nonce: str = "", time_ms: int = 0) -> str:
        """Asks for a proof; returns the one that would be right."""
        hello = self.hello
        assert hello is not None
        nonce, time_ms = nonce or secrets.token_hex(16), time_ms or self.now_ms()
        said = (hello.version, hello.key_id, hello.session, hello.account, hello.server)
        self.keys = k.agree(self.key, *said, hello.nonce, nonce, time_ms)
        self.send(r.Challenge(hello.version, nonce, time_ms))
        return self.keys.proof_ea

    def welcome(self, s: float = WAIT_S) -> None:
        """Takes a connection to WELCOME and its first PING."""
        self.accept(s)
        proof = self.challenge()
        assert self.wait(r.Auth).proof == proof
        assert self.keys is not None
        self.send(r.Welcome(self.keys.proof_engine, 2_000, 15_000))
        self.is_open = True
        self.ping()
        self.until(lambda: self.hearts, "the first HEART")

    def ping(self) -> None:
        """Pings and waits for the answer."""
        self.pings += 1
        sent = r.Ping(self.pings, self.now_ms())
        self.send(sent)
        pong = self.until(lambda: [one for one in self.pongs if one.n == sent.n], "PONG")
        assert (pong[0].time_ms, pong[0].last_seq) == (sent.time_ms, self.out)

    @staticmethod
    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    # ---- frames --------------------------------------------------------------------------------

    def frame(self, record: Any, number: int | None = None) -> bytes:
        """Returns the line of a record, numbered and signed as the next one."""
        name = shapes.name_of(type(record))
        if number is None:
            number = self.out = self.out + 1
        body = f"{number}|{name}|{shapes.fields_of(record)}"
        if self.is_open and name not in shapes.BARE:
            assert self.keys is not None
            body = k.signed(self.keys.frames_engine, body)
        return line_of(body)

    def send(self, record: Any) -> int:
        """Sends a record; returns its number."""
        self.raw(self.frame(record))
        return self.out

    def raw(self, sent: bytes) -> None:
        """Sends bytes as they are."""
        assert self.line is not None
        try:
            self.line.sendall(sent)
        except OSError as error:
            raise Ended(str(error)) from None

    def receive(self, s: float) -> None:
        """Takes what comes within a time; raises Ended."""
        assert self.line is not None
        self.line.settimeout(s)
        try:
            data = self.line.recv(1 << 16)
        except TimeoutError:
            return
        except OSError as error:
            raise Ended(str(error)) from None
        if not data:
            raise Ended("closed")
        for body in self.framer.feed(data):
            self._take(body)

    def _take(self, body: str) -> None:
        name = body.split("|", 2)[1]
        if self.is_open and name not in shapes.BARE:
            assert self.keys is not None
            rest = k.unsigned(self.keys.frames_ea, body)
            assert rest is not None, f"a wrong MAC: {body[:200]}"
            body = rest
        number, _, *fields = body.split("|")
        self.seen += 1
        assert number == str(self.seen), f"number {number} instead of {self.seen}"
        record = shapes.record_of(shapes.TYPES_EA[name], fields)
        if isinstance(record, r.Heart):
            self.hearts.append(record)
        elif isinstance(record, r.Pong):
            self.pongs.append(record)
        else:
            self.got.append(record)

    def until(self, holds: Callable[[], T], what: str, s: float = WAIT_S) -> T:
        """Takes frames until something holds; returns that."""
        deadline = time.monotonic() + s
        while not (found := holds()):
            assert time.monotonic() < deadline, f"no {what}: {self.got[-5:]}"
            self.receive(0.05)
        return found

    def all(self, kind: type[T]) -> list[T]:
        """Returns the records of a kind so far."""
        return [one for one in self.got if isinstance(one, kind)]

    def wait(self, kind: type[T], count: int = 1) -> T:
        """Waits for so many records of a kind; returns the last one."""
        return self.until(lambda: self.all(kind)[count - 1 :], kind.__name__)[0]

    def ended(self, s: float = WAIT_S) -> r.Bye | None:
        """Waits for the end; returns the Expert's BYE."""
        deadline = time.monotonic() + s
        with contextlib.suppress(Ended):
            while time.monotonic() < deadline:
                self.receive(0.05)
            raise AssertionError(f"the connection lives: {self.got[-3:]}")
        byes = self.all(r.Bye)
        return byes[-1] if byes else None

    # ---- commands ------------------------------------------------------------------------------

    def command(self, record: Any) -> r.Result:
        """Sends a command; returns its RESULT, after its ACK."""
        number = self.send(record)
        result = self.until(
            lambda: [one for one in self.all(r.Result) if one.command == number], "RESULT"
        )[0]
        acks = [at for at, one in enumerate(self.got) if one == r.Ack(number)]
        assert len(acks) == 1 and acks[0] < self.got.index(result)
        return result

    def order(self, client_order_id: str, side: str = "buy", **terms: Any) -> r.Open:
        """Returns an OPEN of 0.01 lots at the market."""
        told: dict[str, Any] = {
            "id": client_order_id,
            "magic": magic_of(client_order_id),
            "symbol": "EURUSD",
            "side": side,
            "kind": "market",
            "volume": SIZE_ONE // 100,
            **dict.fromkeys(("price", "price_stop_limit", "sl", "tp"), ABSENT),
            "deviation": 20,
            "filling": "ioc",
            "time_in_force": "gtc",
            "expiration_server": 0,
            "position": 0,
            "sent_ms": self.now_ms(),
            "ttl_ms": 10_000,
        }
        return r.Open(**{**told, **terms})

    def by_id(self, kind: type[Any], client_order_id: str, **terms: Any) -> Any:
        """Returns another command, with what all have in common."""
        told = {"id": client_order_id, "magic": magic_of(client_order_id)}
        told |= {"sent_ms": self.now_ms(), "ttl_ms": 10_000}
        absent: dict[str, Any] = {}
        if kind is r.Modify:
            absent = dict.fromkeys(("price", "price_stop_limit", "sl", "tp"), ABSENT)
            absent["expiration_server"] = 0
        if kind is r.Close:
            absent = {"deviation": 20, "filling": "ioc"}
        return kind(**{**told, **absent, **terms})
