"""Plays acceptance definitions of other FIX engines at a real `fix-echo`, over real sockets.

The definitions are their authors' and no part of this repository: THFT_FIX_DEFINITIONS names a
directory with copies. A definition is a text file of these lines; SOH stands between the fields.

    iCONNECT · iDISCONNECT          we connect, we cut the connection
    eDISCONNECT                     the engine must cut it, and send nothing before
    I8=…                            we send this; 9 and 10 are added where they are absent
    E8=…                            the engine must send this next
    iSET_SESSION ID NAME=NUMBER     the engine's next number, before the first message
    i2,CONNECT · I2,8=… · e2,…      the same on a connection of that number
    <TIME> · <TIME-10>              UTC in seconds
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.fix.programs import SocketWire
from tests.fix.script import SECOND_NS, Failed, stamp_ns

from thft.fix.wire import format_timestamp

FOLDER = os.environ.get("THFT_FIX_DEFINITIONS", "")
PATIENCE_S = 60.0
SOH = "\x01"
LENGTH, CHECKSUM, SENDING_TIME = 9, 10, 52
TIMES = frozenset((SENDING_TIME, 60, 122))
OWN_TIMES = (SENDING_TIME, 122)
LINE = re.compile(r"([iIeE])(?:(\d+),)?(.+)")
FORMS = {
    "i": r"CONNECT|DISCONNECT|SET_SESSION .+",
    "e": r"DISCONNECT",
    "I": r"\d+=.+",
    "E": r"\d+=.+",
}
"""What may follow the first letter."""

Fields = list[tuple[int, str]]


@dataclass(frozen=True)
class Step:
    """One line: who acts (`i` is the peer, `e` the engine), on which connection, what."""

    line: int
    actor: str
    connection: str
    text: str


@dataclass(frozen=True)
class Definition:
    """A file of a suite."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def steps(self) -> list[Step]:
        """Its lines without comments; raises ValueError for a line of another form."""
        steps = []
        for number, line in enumerate(self.path.read_bytes().decode("latin-1").split("\n"), 1):
            line = line.strip(" \r\n")
            if not line or line.startswith("#"):
                continue
            match = LINE.fullmatch(line)
            if match is None or re.fullmatch(FORMS[match[1]], match[3]) is None:
                raise ValueError(f"{self.path}:{number}: what does {line!r} mean?")
            steps.append(Step(number, match[1], match[2] or "", match[3]))
        return steps

    def numbers(self) -> dict[str, int]:
        """Returns the next numbers that the session must have before, by their names."""
        words = [step.text.split() for step in self.steps if step.text.startswith("SET_SESSION")]
        pairs = (word.partition("=") for _, _, *settings in words for word in settings)
        return {name: int(value) for name, _, value in pairs}


def definitions(suite: str) -> list[Definition]:
    """Returns the files of a suite; raises FileNotFoundError when there is none."""
    found = [Definition(path) for path in sorted((Path(FOLDER) / suite).glob("*.def"))]
    if not found:
        raise FileNotFoundError(f"no definitions in {FOLDER}/{suite}")
    return found


class Performance:
    """One definition being played.

    Parameters
    ----------
    port
        Where the engine listens.
    strict
        A message must have exactly the expected fields in their order, with the expected
        BodyLength; otherwise the expected fields must be among its fields.
    patience_s
        How long the engine may take for an expected message or end.
    """

    def __init__(self, port: int, *, strict: bool, patience_s: float = PATIENCE_S) -> None:
        self._port, self._strict, self._patience_s = port, strict, patience_s
        self._wires: dict[str, SocketWire] = {}
        self._log: list[str] = []

    def play(self, definition: Definition) -> None:
        """Plays all lines; raises Failed with the line and what was said so far."""
        try:
            for step in definition.steps:
                try:
                    self._step(step)
                except Failed as failure:
                    place = f"{definition.path.name}:{step.line}: {step.text}"
                    said = "\n".join(self._log)
                    text = f"{place}\n{failure}\n--- so far\n{said}".replace(SOH, "|")
                    raise Failed(text) from failure
            self._nothing_more()
        finally:
            for wire in self._wires.values():
                wire.leave()

    def _step(self, step: Step) -> None:
        known = step.connection in self._wires
        wire = self._wires.setdefault(
            step.connection, SocketWire(self._port, wait_s=self._patience_s)
        )
        action = (step.actor, step.text)
        if action == ("i", "CONNECT"):
            wire.connect()
        elif not known:
            raise Failed("there is no such connection")
        elif action == ("i", "DISCONNECT"):
            wire.leave()
        elif step.actor == "e":
            self._end(wire)
        elif step.actor == "I":
            self._say(wire, step.text)
        elif step.actor == "E":
            self._hear(wire, step.text)

    def _say(self, wire: SocketWire, text: str) -> None:
        raw = outgoing(text, time.time_ns())
        self._log.append(f"> {raw.decode('latin-1')}")
        wire.send(raw)

    def _hear(self, wire: SocketWire, text: str) -> None:
        raw = wire.next_message(wanted=True)
        if raw is None:
            raise Failed("nothing was sent")
        self._log.append(f"< {raw.decode('latin-1')}")
        compare = same if self._strict else contains
        compare(received(raw), parsed(text))

    def _end(self, wire: SocketWire) -> None:
        if wire.is_closed():
            return
        raw = wire.next_message(wanted=False)
        raise Failed("it was not closed" if raw is None else f"unexpected: {raw.decode('latin-1')}")

    def _nothing_more(self) -> None:
        for wire in self._wires.values():
            raw = wire.next_message(wanted=False)
            if raw is not None:
                raise Failed(f"unexpected at the end: {raw.decode('latin-1')}")


def parsed(text: str) -> Fields:
    """Returns the fields of a line."""
    pairs = (field.partition("=") for field in text.removesuffix(SOH).split(SOH))
    return [(int(tag), value) for tag, _, value in pairs]


def outgoing(text: str, now_ns: int) -> bytes:
    """Returns the bytes of an I line; BodyLength and CheckSum of the line are kept as they are."""

    def at(match: re.Match[str]) -> str:
        return format_timestamp(now_ns + int(match[1] or 0) * SECOND_NS, 0).decode()

    fields = re.sub(r"<TIME([+-]\d+)?>", at, text).removesuffix(SOH).split(SOH)
    if not any(field.startswith(f"{LENGTH}=") for field in fields):
        body = [field for field in fields[1:] if not field.startswith(f"{CHECKSUM}=")]
        fields.insert(1, f"{LENGTH}={sum(len(field) + 1 for field in body)}")
    raw = "".join(field + SOH for field in fields).encode("latin-1")
    if not fields[-1].startswith(f"{CHECKSUM}="):
        raw += b"10=%03d\x01" % (sum(raw) % 256)
    return raw


def received(raw: bytes) -> Fields:
    """Returns the fields of a message; raises Failed when length or checksum are not true."""
    fields = parsed(raw.decode("latin-1"))
    body = raw.partition(b"\x019=")[2].partition(b"\x01")[2].rpartition(b"10=")[0]
    true = [(LENGTH, str(len(body))), (CHECKSUM, f"{sum(raw[:-7]) % 256:03d}")]
    if [fields[1], fields[-1]] != true or not raw.endswith(b"\x01"):
        raise Failed(f"length and checksum are {true}, not as in {raw!r}")
    return fields


def same(fields: Fields, wanted: Fields) -> None:
    """Compares by position; length and checksum of `fields` are known to be true.

    Times are ours: they have milliseconds, SendingTime is now, OrigSendingTime not later. Without
    BodyLength or CheckSum in the expected message those two are not compared.
    """
    tags = {tag for tag, _ in wanted}
    shown = [field for field in fields if field[0] in tags or field[0] not in (LENGTH, CHECKSUM)]
    if [tag for tag, _ in shown] != [tag for tag, _ in wanted]:
        raise Failed(f"other fields or order: {shown}")
    for (tag, value), (_, what) in zip(shown, wanted, strict=True):
        if not _same_value(tag, value, what):
            raise Failed(f"{tag}={value} instead of {what}")
    known = dict(fields)
    for tag in OWN_TIMES:
        if tag in known and re.fullmatch(r"\d{8}-\d\d:\d\d:\d\d\.\d{3}", known[tag]) is None:
            raise Failed(f"{tag}={known[tag]} is not a time in milliseconds")
    if abs(stamp_ns(known[SENDING_TIME]) - time.time_ns()) > PATIENCE_S * SECOND_NS:
        raise Failed(f"52={known[SENDING_TIME]} is not now")
    if known.get(122, "") > known[SENDING_TIME]:
        raise Failed(f"122={known[122]} is later than 52")


def contains(fields: Fields, wanted: Fields) -> None:
    """Looks for the expected fields, whatever their order and whatever else is there."""
    for tag, what in wanted:
        found = [value for other, value in fields if other == tag]
        if tag != LENGTH and not any(_same_value(tag, value, what) for value in found):
            raise Failed(f"no {tag}={what}")


def _same_value(tag: int, value: str, what: str) -> bool:
    if tag == CHECKSUM:
        return True
    if tag in TIMES:
        return re.fullmatch(r"\d{8}-\d\d:\d\d:\d\d(\.\d+)?", value) is not None
    return value == what
