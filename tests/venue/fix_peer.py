"""A small FIX client of the tests' own, and stories told with it to a simulated provider.

It counts its numbers, answers TestRequests, and holds every message it gets against the dialect's
dictionary: what a simulator says must be what the record says the venue says.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.seeds import seed_of_test

from thft.fix.session.terms import LogonSigner
from thft.fix.wire import Framer, Garbled, Header, Message, format_timestamp, pack
from thft.gateway.dialect import Dialect
from thft.model.fixed import SIZE_ONE
from thft.sim.fix.faults import Fault
from thft.sim.fix.keys import key_from
from thft.sim.fix.profile import PASSWORD, Profile, profile
from thft.sim.fix_lp import FixVenue

WAIT_S = 10.0
QUIET_S = 0.15
SIMULATED_KEY = key_from(PASSWORD)
Fields = Iterable[tuple[int, Any]]
SESSION_TYPES = ("0", "1")
EURUSD, GBPUSD = (
    next(one.id for one in profile("ctrader").listed if one.name == name)
    for name in ("EURUSD", "GBPUSD")
)
SIDES: list[list[tuple[int, Any]]] = [[(269, 0)], [(269, 1)]]
LOT = 10_000 * SIZE_ONE


class Closed(Exception):
    """The venue has closed the connection."""


class Peer:
    """One connection to one port of a venue."""

    def __init__(self, dialect: Dialect, header: dict[int, str], digits: int = 3) -> None:
        self.dialect = dialect
        self.header = header
        self.digits = digits
        self.sign: LogonSigner | None = None
        self.seq = 1
        self.expected = 1
        """The venue's next number; None to take any."""
        self.strict = True
        self.units: list[Message] = []
        """All that came."""
        self._framer = Framer()
        self._waiting: list[Message | Garbled] = []
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def connect(self, port: int, tls: ssl.SSLContext | None = None) -> Peer:
        name = "localhost" if tls else None
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=name
        )
        return self

    # ---- sending -------------------------------------------------------------------------------

    def message(self, kind: str, fields: Fields = (), **header: str | None) -> bytes:
        """Returns a message under the next number; `t57=None` leaves a header field out."""
        changed = {int(name[1:]): text for name, text in header.items()}
        known = {**self.header, **changed}
        fixed = [(tag, text) for tag, text in known.items() if text is not None]
        now_ns = time.time_ns()
        if kind == "A" and self.sign is not None:
            fields = [*fields, *self.sign(self.seq, format_timestamp(now_ns, self.digits))]
        raw = Header("FIX.4.4", fixed, self.digits).encode(kind, self.seq, now_ns, pack(fields))
        self.seq += 1
        return raw

    def send(self, kind: str, fields: Fields = (), **header: str | None) -> None:
        self.writer.write(self.message(kind, fields, **header))

    async def logon(self, *fields: tuple[int, Any], heartbeat: int = 30) -> Message:
        """Logs on and returns the answer."""
        self.send("A", [(98, 0), (108, heartbeat), *fields])
        return await self.get("A")

    # ---- receiving -----------------------------------------------------------------------------

    async def get(self, kind: str = "", seconds: float = WAIT_S) -> Message:
        """Returns the next message but heartbeats; it must be of this type."""
        async with asyncio.timeout(seconds):
            while True:
                unit = await self._unit()
                assert isinstance(unit, Message), unit
                if unit.type == "1" and kind != "1":
                    self.send("0", [(112, unit.get(112))])
                elif unit.type not in SESSION_TYPES or kind == unit.type:
                    break
        assert not kind or unit.type == kind, f"{kind} expected: {unit.raw!r}"
        return unit

    async def many(self, kind: str, count: int) -> list[Message]:
        return [await self.get(kind) for _ in range(count)]

    async def _unit(self) -> Message | Garbled:
        while not self._waiting:
            chunk = await self.reader.read(1 << 16)
            if not chunk:
                raise Closed
            self._waiting += self._framer.feed(chunk)
        unit = self._waiting.pop(0)
        if isinstance(unit, Message):
            self.units.append(unit)
            self._check(unit)
        return unit

    def _check(self, unit: Message) -> None:
        """The message is what the dialect says, and the next one."""
        if not self.strict:
            return
        verdict = self.dialect.dictionary.validate(unit)
        assert verdict is None, f"{verdict}: {unit.raw!r}"
        assert unit.seq == self.expected, f"number {self.expected} expected: {unit.raw!r}"
        self.expected += 1

    async def raw(self) -> Message | Garbled:
        """Returns whatever comes next."""
        async with asyncio.timeout(WAIT_S):
            return await self._unit()

    async def quiet(self, seconds: float = QUIET_S) -> None:
        """Nothing comes, and the connection stays."""
        try:
            async with asyncio.timeout(seconds):
                unit = await self._unit()
        except TimeoutError:
            return
        raise AssertionError(f"unexpected: {unit.raw!r}")

    async def closed(self) -> None:
        """The venue closes, after heartbeats at most."""
        try:
            unit = await self.get()
        except (Closed, ConnectionError):
            return
        raise AssertionError(f"unexpected: {unit.raw!r}")

    async def settled(self) -> None:
        """Returns once everything sent so far was taken: a TestRequest comes back."""
        self.send("1", [(112, f"settle{self.seq}")])
        while (await self.get("0")).text(112) != f"settle{self.seq - 1}":
            pass

    async def drained(self) -> list[Message]:
        """Returns all that comes before a TestRequest of ours comes back."""
        before = len(self.units)
        self.send("1", [(112, f"drain{self.seq}")])
        wanted = f"drain{self.seq - 1}"
        while True:
            unit = await self.raw()
            if isinstance(unit, Message) and unit.type == "0" and unit.text(112) == wanted:
                return self.units[before:-1]

    async def bye(self) -> None:
        """Logs out."""
        self.send("5")
        await self.get("5")
        await self.closed()
        self.writer.close()

    def cut(self) -> None:
        """Ends the connection without a word."""
        self.writer.transport.abort()


class Stage:
    """A venue that listens, and peers for it."""

    def __init__(self, made: Profile, seed: int, faults: Iterable[Fault]) -> None:
        self.profile = made
        self.dialect = made.dialect
        self.venue = FixVenue(made, seed, faults)
        self.ports: dict[str, int] = {}
        self.tls: ssl.SSLContext | None = None
        self.peers: list[Peer] = []

    def peer(self, link: str = "", login: int = 0, **header: str) -> Peer:
        """Returns a client that is not connected yet."""
        terms = next(one for one in self.dialect.links if one.name == link or not link)
        fixed = {49: self.profile.logins[login].comp_id, 56: self.profile.comp_id}
        for tag, text in terms.header.items():
            setting = {"{target_sub_id}": self.profile.sub_id, "{sender_sub_id}": "core1"}
            fixed[int(tag)] = setting.get(text, text)
        fixed |= {int(name[1:]): text for name, text in header.items()}
        peer = Peer(self.dialect, fixed, self.dialect.timestamp_digits)
        if self.dialect.logon.signature != "none":
            peer.sign = signer(SIMULATED_KEY, fixed[49], fixed[56])
        self.peers.append(peer)
        return peer

    def credentials(self, login: int = 0) -> list[tuple[int, Any]]:
        """Returns what a good Logon says besides 98 and 108."""
        known = self.profile.logins[login]
        fields: list[tuple[int, Any]] = [(553, known.username)]
        if self.dialect.logon.signature == "none":
            fields.append((554, PASSWORD))
        else:
            fields.append((25035, "2"))
        if self.dialect.reset == "required":
            fields.append((141, "Y"))
        return fields

    async def on(self, link: str = "", login: int = 0, **header: str) -> Peer:
        """Returns a client that has logged on."""
        peer = self.peer(link, login, **header)
        await peer.connect(self.ports[link or self.dialect.links[0].name])
        await peer.logon(*self.credentials(login))
        return peer

    def tick(self, symbol: str, bid: str = "1.17000", ask: str = "1.17004") -> None:
        self.venue.tick(symbol, bid, "1000000", ask, "2000000", time.time_ns())

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, f"no {what}"
            await asyncio.sleep(0.002)


def run(
    name: str | Profile,
    story: Callable[[Stage], Coroutine[Any, Any, None]],
    *faults: Fault,
    seed: int = 0,
) -> FixVenue:
    """Tells a story on a fresh venue; returns the venue with its truth."""
    seed = seed_of_test(seed)
    stage = Stage(profile(name) if isinstance(name, str) else name, seed, faults)

    async def told() -> None:
        stage.ports = await stage.venue.listen()
        try:
            await story(stage)
        finally:
            stage.venue.close()
            for peer in stage.peers:
                if hasattr(peer, "writer"):
                    peer.writer.close()
            await asyncio.sleep(0)

    asyncio.run(told())
    return stage.venue


def signer(key: Ed25519PrivateKey, sender: str, target: str) -> LogonSigner:
    """Returns what signs a Logon as Binance documents it."""

    def signed(seq: int, sent: bytes) -> list[tuple[int, str | bytes | int]]:
        text = f"A\x01{sender}\x01{target}\x01{seq}\x01{sent.decode()}"
        signature = base64.b64encode(key.sign(text.encode()))
        return [(95, len(signature)), (96, signature)]

    return signed


def utc(ns: int | None = None) -> bytes:
    """Returns a time as a field; now if nothing is said."""
    return format_timestamp(time.time_ns() if ns is None else ns)


def want(request: str, depth: int = 1, on: int = 1, *symbols: str) -> list[tuple[int, Any]]:
    """Returns a MarketDataRequest of EURUSD or of these symbols."""
    entries = [[(55, symbol)] for symbol in symbols or (EURUSD,)]
    return [(262, request), (263, on), (264, depth), (265, 1), (267, SIDES), (146, entries)]


def order(client_id: str, **other: Any) -> list[tuple[int, Any]]:
    """Returns a market buy of 10,000 EURUSD, changed by `t40=…`."""
    fields = {11: client_id, 55: EURUSD, 54: 1, 60: utc(), 38: 10_000, 40: 1}
    fields |= {int(name[1:]): value for name, value in other.items()}
    return [(tag, value) for tag, value in fields.items() if value is not None]


def rows(message: Message, stage: Stage) -> list[dict[int, bytes]]:
    shape = stage.dialect.dictionary.group(message.type, 268)
    return [dict(entry.fields()) for entry in message.groups(shape)]


def says(message: Message, **wanted: Any) -> None:
    """Compares fields; `t17=None` is not there."""
    found = {name: message.text(int(name[1:])) for name in wanted}
    assert found == {name: value if value is None else str(value) for name, value in wanted.items()}
