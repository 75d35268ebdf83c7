"""Where the fields of a message stand, by the paths of a mapping; used by the generic dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from thft.gateway.ws import times
from thft.gateway.ws.generic.mapping import Message, agrees
from thft.model.fixed import ABSENT, BadNumber, parse_scaled

MISSING: Any = object()
SECOND_DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
EARLIEST_NS = 946_684_800_000_000_000
"""The year 2000: no feed is older, so an older time is one of another unit."""
Steps = tuple[str, ...]


def steps(path: str) -> Steps:
    """Returns the keys and places of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])


def found(value: Any, path: Steps) -> Any:
    """Returns what a path leads to, MISSING when to nothing; an empty list has null anywhere."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 10:
            if not value:
                return None
            value = value[int(step)] if int(step) < len(value) else MISSING
        else:
            return MISSING
    return value


def text_of(value: Any) -> str:
    """Returns a value as it is compared and parsed; JSON's words for what is no text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class Matcher:
    """Tells whether a message has all values of a `where`."""

    def __init__(self, where: dict[str, str]) -> None:
        self._where = [(steps(path), text) for path, text in where.items()]

    def __call__(self, message: Any) -> bool:
        for path, text in self._where:
            value = found(message, path)
            if value is MISSING or not agrees(text, text_of(value)):
                return False
        return True


class Reader:
    """One kind of message with its paths taken apart."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.matches = Matcher(message.where)
        self._paths = {
            name: steps(path.removeprefix("^"))
            for name in msgspec.structs.asdict(message)
            if name not in ("kind", "where", "symbol_prefix", "symbol_suffix", "buy", "sell")
            if isinstance(path := getattr(message, name), str) and path.startswith(("/", "^"))
        }
        self._whole = {name for name in self._paths if getattr(message, name).startswith("^")}

    def rows(self, message: Any) -> list[Any]:
        """Returns the rows of a message; raises BadNumber when there is no place for them."""
        path = self._paths.get("items")
        if path is None:
            return [message]
        rows = found(message, path)
        if isinstance(rows, list):
            return rows
        if isinstance(rows, dict):
            return [rows]
        raise BadNumber(f"no rows at {self.message.items}", "check the mapping's items")

    def text(self, name: str, row: Any, message: Any) -> str | None:
        """Returns a field's text, None when it is not mapped or null; raises BadNumber."""
        path = self._paths.get(name)
        if path is None:
            return None
        value = MISSING if name in self._whole else found(row, path)
        if value is MISSING:
            value = found(message, path)
        if value is MISSING:
            raise BadNumber(f"no {name} at {getattr(self.message, name)}", "check the mapping")
        return None if value is None else text_of(value)

    def is_shared(self, name: str, row: Any) -> bool:
        """Says whether a row has a field from its message."""
        return name in self._whole or found(row, self._paths[name]) is MISSING

    def number(self, name: str, row: Any, message: Any, parse: Callable[[str, str], int]) -> int:
        """Returns a field's number, ABSENT when there is none; raises BadNumber."""
        text = self.text(name, row, message)
        return ABSENT if text is None or text == "" else parse(text, name)

    def time_ns(self, row: Any, message: Any, earliest_ns: int = EARLIEST_NS) -> int:
        """Returns the venue's time, ABSENT for 0 and for none; raises BadNumber."""
        text, unit = self.text("time", row, message) or "", self.message.time_unit
        try:
            ns = (
                times.of_iso(text)
                if unit == "iso"
                else parse_scaled(text or "0", SECOND_DIGITS[unit])
            )
        except BadNumber:
            ns = -1
        if ns in (0, ABSENT):
            return ABSENT
        if ns < earliest_ns:
            said = f"time: {text[:40]!r} is none of our days in {unit}"
            raise BadNumber(said, "check time_unit")
        return ns
