"""Framing and reading of messages in Python: twin and specification of `_wire`; via `wire`."""

from __future__ import annotations

from collections.abc import Callable

from thft.fix._values_py import typed, whole
from thft.fix.tags import DATA_FIELDS
from thft.fix.terms import ABSENT, BadGroup, BadValue, Garbled, GroupShape, MessageTooLong

SOH = b"\x01"
BEGIN_STRING_BYTES, BODY_LENGTH_BYTES = 32, 20
TAG_FIGURES, LARGEST_TAG = 9, 999_999_999
SEQ_FIGURES = 18
SHORTEST_BYTES, EVERYTHING = 20, 1 << 30

Place = tuple[int, int, int]
"""Tag, and where its value begins and ends in the raw bytes."""


class Fields:
    """A run of fields in wire order: a message, or one entry of a repeating group.

    Accessors take the first field with that tag. A field that is not there is None, or ABSENT
    where the answer is a number; a value that is no such number raises BadValue naming the tag.
    """

    __slots__ = ("_first", "_places", "raw")

    def __init__(self, raw: bytes, places: list[Place]) -> None:
        self.raw = raw
        self._places = places
        self._first: dict[int, bytes] | None = None

    def __len__(self) -> int:
        return len(self._places)

    def get(self, tag: int) -> bytes | None:
        """Returns the bytes of a value."""
        if self._first is None:
            raw = self.raw
            self._first = {at: raw[start:end] for at, start, end in reversed(self._places)}
        return self._first.get(tag)

    def text(self, tag: int) -> str | None:
        """Returns a value as UTF-8 text; bytes that are none become replacement characters."""
        value = self.get(tag)
        return None if value is None else value.decode(errors="replace")

    def integer(self, tag: int) -> int:
        """Returns an int."""
        return self._number("int", tag)

    def price(self, tag: int) -> int:
        """Returns a price at 1e-9."""
        return self._number("price", tag)

    def size(self, tag: int) -> int:
        """Returns a size at 1e-8."""
        return self._number("size", tag)

    def timestamp_ns(self, tag: int) -> int:
        """Returns a UTCTimestamp as ns since 1970."""
        return self._number("timestamp", tag)

    def _number(self, kind: str, tag: int) -> int:
        value = self.get(tag)
        number: int = ABSENT if value is None else typed(kind, value, tag)
        return number

    def fields(self) -> list[tuple[int, bytes]]:
        """Returns all fields in wire order."""
        return [(tag, self.raw[start:end]) for tag, start, end in self._places]

    def groups(self, shape: GroupShape) -> list[Fields]:
        """Returns the entries of a repeating group, none when it is not there or counts 0.

        Entries begin at the tag that follows the count; the last one ends before a tag of
        `shape.ends`. Raises BadGroup when there are not as many as the count says.
        """
        bounds = group_bounds(self.raw, self._places, shape)
        return [Fields(self.raw, self._places[first:last]) for first, last in bounds]


class Message(Fields):
    """One message: `raw` is its bytes from `8=` on, as received.

    Made by a Framer, so lengths and checksum are good; nothing else is checked.
    """

    __slots__ = ()

    @property
    def begin_string(self) -> str:
        """BeginString(8)."""
        return self._at(0)

    @property
    def type(self) -> str:
        """MsgType(35)."""
        return self._at(2)

    @property
    def seq(self) -> int:
        """MsgSeqNum(34): -1 when it is not there, -2 when it is no row of 1 to 18 figures."""
        value = self.get(34)
        if value is None:
            return -1
        return int(value) if value.isdigit() and len(value) <= SEQ_FIGURES else -2

    @property
    def poss_dup(self) -> bool:
        """PossDupFlag(43) is Y."""
        return self.get(43) == b"Y"

    def _at(self, index: int) -> str:
        _, start, end = self._places[index]
        return self.raw[start:end].decode(errors="replace")


def group_bounds(raw: bytes, places: list[Place], shape: GroupShape) -> list[tuple[int, int]]:
    """Returns where the entries of a group begin and end among the fields; see Fields.groups."""
    at = next((i for i, place in enumerate(places) if place[0] == shape.count_tag), -1)
    if at < 0:
        return []
    count = counted(raw, places[at])
    if count == 0:
        return []
    begins: list[int] = []
    end = at + 1
    while end < len(places) and places[end][0] not in shape.ends:
        if places[end][0] == places[at + 1][0]:
            begins.append(end)
        end += 1
    if len(begins) != count:
        raise BadGroup(shape.count_tag, count, len(begins))
    return list(zip(begins, [*begins[1:], end], strict=True))


def counted(raw: bytes, place: Place) -> int:
    """Returns the value of a count tag; raises BadValue when it is negative or no integer."""
    tag, start, end = place
    count = whole(raw[start:end], tag)
    if count < 0:
        raise BadValue(tag, raw[start:end], "is a negative count")
    return count


def _parsed(
    raw: bytes, body: int, length: int, trailer: int, make: Callable[[bytes, list[Place]], Message]
) -> Message | Garbled:
    """Returns what an extent is: its body and trailer begin there, `length` was declared."""
    if trailer != body + length:
        return Garbled(raw, f"BodyLength(9) is {length}, the body has {trailer - body} bytes")
    sent, computed = raw[trailer + 3 : -1], sum(raw[:trailer]) % 256
    if sent != b"%03d" % computed:
        return Garbled(raw, f"CheckSum(10) is {sent[:10]!r}, computed {computed:03d}")
    if raw[body : body + 3] != b"35=":
        return Garbled(raw, "field 3 is not MsgType(35)")
    places = _places(raw, trailer)
    return Garbled(raw, places) if isinstance(places, str) else make(raw, places)


class Framer:
    """Cuts a stream of bytes into messages, however the bytes arrive.

    A message begins with `8=`, a BeginString of at most 32 bytes and `9=` with at most 20
    figures; bytes before it are skipped and counted in `skipped_bytes`. It ends with the first
    `10=` at or behind the end that BodyLength declares. When `10=` is not exactly there, the
    checksum is wrong, field 3 is not 35 or a tag is no number, that whole extent is one Garbled
    and reading goes on behind it. Memory: at most `max_message_bytes` and what one call brings.
    """

    def __init__(
        self,
        max_message_bytes: int = 1 << 20,
        make: Callable[[bytes, list[Place]], Message] = Message,
    ) -> None:
        self._make = make
        self.max_message_bytes = max_message_bytes
        self.skipped_bytes = 0
        self._buffer = bytearray()
        self._needed = 0  # bytes in the buffer before another look is worthwhile
        self._ordinary = 0  # bytes of the message if its trailer stands where it should
        self._scanned = 0  # bytes of the message looked through for the end of its body or trailer
        self._trailer = 0  # where in the message its trailer begins, once that is known
        self._too_long: MessageTooLong | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes of a message that is not complete yet."""
        return len(self._buffer)

    @property
    def wanted_bytes(self) -> int:
        """What completes the pending message if it is an ordinary one, 0 when none is pending.

        -1 when the stream has ended with MessageTooLong.
        """
        if self._too_long is not None:
            return -1
        pending, whole = len(self._buffer), self._ordinary or SHORTEST_BYTES
        if not pending:
            return 0
        return whole - pending if whole > pending else EVERYTHING

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message | Garbled]:
        """Returns what `data` completes, in stream order; raises MessageTooLong from then on."""
        if self._too_long is not None:
            raise MessageTooLong(self.max_message_bytes, [])
        buffer = self._buffer
        buffer += data
        units: list[Message | Garbled] = []
        at = 0
        while len(buffer) - at >= self._needed:
            start = self._start(at)
            self.skipped_bytes += start - at
            at = start
            extent = self._extent(start) if start < len(buffer) else None
            if extent is None:
                break
            body, length, trailer, end = extent
            if end < 0:
                self._too_long = MessageTooLong(self.max_message_bytes, list(units))
                buffer.clear()
                raise self._too_long
            raw = bytes(buffer[start:end])
            units.append(_parsed(raw, body - start, length, trailer - start, self._make))
            at = end
            self._needed = self._ordinary = self._scanned = self._trailer = 0
        del buffer[:at]
        return units

    def _start(self, at: int) -> int:
        """Returns where the next message begins or may begin, the buffer's end when nowhere."""
        buffer = self._buffer
        while (nine := buffer.find(b"\x019=", at)) >= 0:
            start = self._before(at, nine)
            if start >= 0 and self._length_may_follow(nine + 3):
                return start
            at = nine + 1
        end = len(buffer)
        for head in (b"\x01", b"\x019"):  # of a BodyLength to come
            if buffer.endswith(head, at) and (start := self._before(at, end - len(head))) >= 0:
                return start
        after_soh = max(at, buffer.rfind(SOH, at) + 1, end - BEGIN_STRING_BYTES - 2)
        start = buffer.find(b"8=", after_soh)
        return start if start >= 0 else end - buffer.endswith(b"8", at)

    def _before(self, at: int, soh: int) -> int:
        """Returns where the `8=` whose BeginString ends at `soh` begins, -1 when nowhere."""
        earliest = max(at, soh - BEGIN_STRING_BYTES - 2)
        earliest = max(earliest, self._buffer.rfind(SOH, earliest, soh) + 1)
        return self._buffer.rfind(b"8=", earliest, soh)

    def _length_may_follow(self, at: int) -> bool:
        text = bytes(self._buffer[at : at + BODY_LENGTH_BYTES + 1])
        figures, soh, _ = text.partition(SOH)
        if soh:
            return figures.isdigit()
        return len(text) <= BODY_LENGTH_BYTES

    def _extent(self, start: int) -> tuple[int, int, int, int] | None:
        """Returns (body, declared length, trailer, end), None when bytes are missing.

        The end is -1 when the message is too long.
        """
        buffer = self._buffer
        limit = start + self.max_message_bytes
        nine = buffer.find(SOH, start) + 1
        body = buffer.find(SOH, nine) + 1 if nine else 0
        if not body:
            return None
        length = int(buffer[nine + 2 : body - 1])
        declared = body + length
        if declared + 7 > limit:
            return body, length, 0, -1
        self._ordinary = declared + 7 - start
        if len(buffer) < declared + 4:
            self._needed = declared + 4 - start
            return None
        if not self._trailer:
            from_here = max(declared - 1, start + self._scanned)
            self._trailer = max(buffer.find(b"\x0110=", from_here, limit) + 1 - start, 0)
            self._scanned = self._trailer or len(buffer) - 3 - start
        end = 0
        if self._trailer:
            end = buffer.find(SOH, start + self._scanned, limit) + 1
            self._scanned = len(buffer) - start
        if not end and len(buffer) < limit:
            return None
        return body, length, start + self._trailer, end or -1


def _places(raw: bytes, trailer: int) -> list[Place] | str:
    """Returns the fields of a message, or why they cannot be told apart."""
    places: list[Place] = []
    at, data_bytes = 0, 0
    data_tag: int | None = None
    while at < len(raw):
        equals = raw.find(b"=", at)
        name = raw[at:equals] if equals >= 0 else b""
        figures = name.removeprefix(b"-")
        if not figures.isdigit():
            return f"no tag at byte {at}"
        tag = int(figures) if len(figures) <= TAG_FIGURES else LARGEST_TAG
        tag = -tag if len(figures) < len(name) else tag
        start = equals + 1
        if tag == data_tag:
            end = start + data_bytes
            if end >= trailer or raw[end : end + 1] != SOH:
                return f"data of tag {tag} does not end after {data_bytes} bytes"
        else:
            end = raw.index(SOH, start)
        places.append((tag, start, end))
        data_tag = None
        if tag in DATA_FIELDS and (text := raw[start:end]).isdigit():
            data_tag = DATA_FIELDS[tag]
            data_bytes = int(text) if len(text) <= TAG_FIGURES else len(raw)
        at = end + 1
    return places
