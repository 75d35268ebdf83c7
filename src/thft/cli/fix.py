"""`thft fix decode [FILE]`: FIX captures and logs as readable text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cyclopts import App

from thft.base.errors import LocalError
from thft.fix.dictionary import fix44
from thft.fix.readable import garbled_line, lines
from thft.fix.wire import Framer, Garbled, Message, MessageTooLong

READ_BYTES = 1 << 16
SOH = b"\x01"

app = App(name="fix", help="Tools for FIX messages.")


@app.command
def decode(file: Path | None = None) -> int:
    """Shows the FIX messages of a capture or log with the names of tags and values.

    Fields may be separated by SOH, `|` or `^A`; what stands around the messages is passed over.
    Passwords are masked. Exit 1 when a message is garbled or there is none.

    Parameters
    ----------
    file
        What to read; standard input when it is left out.
    """
    if file is None:
        return _decode(sys.stdin.buffer)
    try:
        with file.open("rb") as source:
            return _decode(source)
    except OSError as error:
        raise LocalError(f"{file} cannot be read: {error.strerror}", "check the path") from error


def _decode(source: BinaryIO) -> int:
    framer = Framer()
    messages = garbled = 0
    for piece in _pieces(source):
        try:
            units = framer.feed(piece)
        except MessageTooLong as error:
            _show(error.units)
            raise
        _show(units)
        bad = sum(isinstance(unit, Garbled) for unit in units)
        garbled += bad
        messages += len(units) - bad
    if framer.pending_bytes:
        print(f"the input ends inside a message, {framer.pending_bytes} bytes are left over")
    print(f"messages={messages} garbled={garbled} skipped_bytes={framer.skipped_bytes}")
    return 0 if messages and not garbled else 1


def _show(units: Iterable[Message | Garbled]) -> None:
    for unit in units:
        if isinstance(unit, Garbled):
            print(garbled_line(unit))
        else:
            print("\n".join(lines(unit, fix44())))


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    """Yields the input with SOH between fields, whatever stands there."""
    first = source.read(READ_BYTES)
    if SOH in first:
        yield first
        while piece := source.read(READ_BYTES):
            yield piece
        return
    head, newline, rest = first.rpartition(b"\n")
    yield _with_soh(head + newline)
    yield _with_soh(rest + source.readline())
    for line in source:
        yield _with_soh(line)


def _with_soh(text: bytes) -> bytes:
    return text.replace(b"^A", SOH).replace(b"|", SOH)
