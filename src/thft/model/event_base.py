"""What all events of a journal share; the base of `event` and `order_event`."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from thft.base import frame


class Event(Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """What all events share: a frame type, a layout version and the stream they belong to."""

    TYPE: ClassVar[int] = 0
    VERSION: ClassVar[int] = 1
    STREAM: ClassVar[int] = frame.CONTROL
