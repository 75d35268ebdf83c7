"""Builds FIX bytes by hand, right or wrong on purpose; used by the FIX tests."""

from __future__ import annotations

from thft.fix.wire import Framer, Garbled, Message

SOH = b"\x01"


def soh(text: str) -> bytes:
    """Returns text with `|` as the delimiter, as bytes of the wire."""
    return text.encode().replace(b"|", SOH)


def framed(text: str, *, length: int | str | None = None, checksum: str | None = None) -> bytes:
    """Returns `text` (`35=…|…|`) as a message, with its true length and checksum or given ones."""
    body = soh(text)
    head = b"8=FIX.4.4\x019=%b\x01" % str(len(body) if length is None else length).encode()
    summed = f"{sum(head + body) % 256:03d}" if checksum is None else checksum
    return head + body + b"10=%b\x01" % summed.encode()


def fed(data: bytes, step: int = 1 << 30) -> list[Message | Garbled]:
    """Returns the units of a stream that arrives in pieces of `step` bytes."""
    framer = Framer()
    units: list[Message | Garbled] = []
    for at in range(0, len(data), step):
        units += framer.feed(data[at : at + step])
    return units


def message(text: str) -> Message:
    """Returns the one message of `framed(text)`."""
    (unit,) = fed(framed(text))
    assert isinstance(unit, Message), unit
    return unit


def shown(units: list[Message | Garbled]) -> list[tuple[str, bytes, object]]:
    """Returns units as plain values that compare."""
    return [
        ("garbled", unit.raw, unit.reason)
        if isinstance(unit, Garbled)
        else (unit.type, unit.raw, unit.fields())
        for unit in units
    ]
