"""The engine's end of one connection without I/O: who is there, numbers, signatures; by `link`.

Theory. A connection begins WAITING and knows nobody. HELLO names an account; whether that may be
is asked of `admit`. It is PROVING until AUTH shows that the EA has the account's key, for nonces
of which ours was never used before: a frame recorded earlier proves nothing. OPEN takes everything
else, numbered without a hole and signed. What has no row in the table ends the connection, as does
everything wrong; there is no way back from ENDED.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from thft.base.errors import RemoteError
from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import SEPARATOR, WrongFrame, line_of

NONCE = 32


class State(StrEnum):
    """Where a connection is."""

    WAITING = "WAITING"
    PROVING = "PROVING"
    OPEN = "OPEN"
    ENDED = "ENDED"


TRANSITIONS: dict[tuple[State, str], State] = {
    (State.WAITING, "HELLO"): State.PROVING,
    (State.PROVING, "AUTH"): State.OPEN,
    (State.PROVING, "BYE"): State.ENDED,
    (State.OPEN, "BYE"): State.ENDED,
    **{
        (State.OPEN, name): State.OPEN
        for name in shapes.TYPES_EA
        if name not in ("HELLO", "AUTH", "BYE")
    },
}


class Refused(RemoteError):
    """Somebody who is not let in: `code` and `words` go to him, the reason stays here."""

    def __init__(self, code: str, words: str, reason: str) -> None:
        super().__init__(reason, "compare key, account and server on both sides")
        self.code, self.words, self.reason = code, words, reason


class Session:
    """See the module. `take` returns what is to be sent; no call of it waits."""

    def __init__(
        self,
        admit: Callable[[r.Hello], bytes],
        *,
        heartbeat_ms: int,
        silence_ms: int,
        now_ms: Callable[[], int],
    ) -> None:
        """`admit` returns the key of who says HELLO, or raises Refused."""
        self.state = State.WAITING
        self.hello: r.Hello | None = None
        self._admit = admit
        self._terms = heartbeat_ms, silence_ms
        self.now_ms = now_ms
        self._keys: k.Keys | None = None
        self._in = 0
        self._out = 0
        self._lines: list[bytes] = []

    def received(self, body: str) -> Any:
        """Takes one body; returns its record. Raises Refused, or WrongFrame."""
        name = _type_of(body)
        if self.hello is None and name == "HELLO":
            _check_version(body)
        to = TRANSITIONS.get((self.state, name))
        if to is None:
            known = name in shapes.TYPES_EA
            said = f"{name} while {self.state}" if known else "an unknown type"
            raise WrongFrame(said)
        record = shapes.record_of(shapes.TYPES_EA[name], self._checked(name, body))
        if isinstance(record, r.Hello):
            self._challenge(record)
        elif isinstance(record, r.Auth):
            self._judge(record)
        self.state = to
        return record

    def _checked(self, name: str, body: str) -> list[str]:
        """Returns the fields of a body whose MAC and number are right."""
        if self.state is State.OPEN and name not in shapes.BARE:
            assert self._keys is not None
            rest = k.unsigned(self._keys.frames_ea, body)
            if rest is None:
                raise WrongFrame(f"{name} with a wrong MAC")
            body = rest
        number, _, *fields = body.split(SEPARATOR)
        if number != str(self._in + 1):
            raise WrongFrame(f"{name} with number {number[:20]} instead of {self._in + 1}")
        self._in += 1
        return fields

    def _challenge(self, hello: r.Hello) -> None:
        for text in (hello.session, hello.nonce):
            if len(text) != NONCE or text.strip("0123456789abcdef"):
                raise WrongFrame("HELLO: session and nonce are 32 hex digits")
        key = self._admit(hello)
        nonce, time_ms = secrets.token_hex(NONCE // 2), self.now_ms()
        self.hello = hello
        said = hello.version, hello.key_id, hello.session, hello.account, hello.server, hello.nonce
        self._keys = k.agree(key, *said, nonce, time_ms)
        self.send(r.Challenge(str(r.VERSION), nonce, time_ms))

    def _judge(self, auth: r.Auth) -> None:
        assert self._keys is not None and self.hello is not None
        if not k.same(auth.proof, self._keys.proof_ea):
            raise not_proven(f"wrong key: account {self.hello.account} did not prove it")
        self.send(r.Welcome(self._keys.proof_engine, *self._terms))

    def send(self, record: Any) -> int:
        """Adds a record to what is to be sent; returns its number."""
        name = shapes.name_of(type(record))
        self._out += 1
        body = f"{self._out}|{name}|{shapes.fields_of(record)}"
        if self.state is State.OPEN and name not in shapes.BARE:
            assert self._keys is not None
            body = k.signed(self._keys.frames_engine, body)
        self._lines.append(line_of(body))
        return self._out

    def take(self) -> bytes:
        """Returns what is to be sent, once."""
        lines, self._lines = self._lines, []
        return b"".join(lines)


def not_proven(reason: str) -> Refused:
    """Returns the refusal that does not tell the other end which part was wrong."""
    return Refused("AUTH", "key, account or server refused; the engine's status says more", reason)


def _type_of(body: str) -> str:
    parts = body.split(SEPARATOR, 2)
    if len(parts) < 2:
        raise WrongFrame("a body without number and type")
    return parts[1]


def _check_version(body: str) -> None:
    """Another version's HELLO is told from a broken one: its first field is all that is read."""
    fields = body.split(SEPARATOR)[2:]
    if not fields or fields[0] != str(r.VERSION):
        said = clean_version(fields[0]) if fields else "none"
        words = f"this engine speaks version {r.VERSION}"
        raise Refused("VERSION", words, f"the EA speaks version {said}, {words}: update the EA")


def clean_version(text: str) -> str:
    """Returns what somebody calls a version, short enough to show."""
    return text[:10] if text.isascii() and text.isprintable() else "?"
