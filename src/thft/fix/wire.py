"""FIX on the wire: bytes to messages and back; used by session, gateways, simulators and tools.

Reading: `Framer.feed` cuts the stream, `Message` accessors read single fields, `Layout.extract`
reads a whole message as one typed tuple. Writing: `pack` or `Layout.pack` make a body, `Header`
makes it a message. A message crosses between native code and Python once per step, not once per
field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thft import _native
from thft.fix._layout_py import pack
from thft.fix._values_py import format_price, format_size, format_timestamp
from thft.fix.terms import (
    ABSENT,
    BadGroup,
    BadValue,
    Garbled,
    GroupShape,
    Kind,
    MessageTooLong,
    Unsendable,
)

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.fix._layout_py import Header, Layout
    from thft.fix._wire_py import Fields, Framer, Message
else:
    from thft.fix._layout import Header, Layout
    from thft.fix._wire import Fields, Framer, Message

__all__ = [
    "ABSENT",
    "BadGroup",
    "BadValue",
    "Fields",
    "Framer",
    "Garbled",
    "GroupShape",
    "Header",
    "Kind",
    "Layout",
    "Message",
    "MessageTooLong",
    "Unsendable",
    "format_price",
    "format_size",
    "format_timestamp",
    "pack",
]
