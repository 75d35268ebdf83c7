"""Records to fields and back, and which types there are; used by both ends.

A record's annotations are its fields' forms: one table reads them, one writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from thft.base.errors import RemoteError
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol.frames import SEPARATOR, UNCLEAN, WrongFrame
from thft.model.fixed import (
    ABSENT,
    MONEY_DIGITS,
    PRICE_DIGITS,
    SIZE_DIGITS,
    format_scaled,
    parse_scaled,
)

WHOLE = re.compile(r"-?[0-9]{1,19}")
FROM_EA: tuple[type[Any], ...] = (
    *(
        r.Hello,
        r.Auth,
        r.Bye,
        r.Pong,
        r.Heart,
        r.Symbol,
        r.NoSymbol,
        r.Ticks,
        r.Present,
        r.Gap,
        r.Begin,
        r.OrderRow,
    ),
    *(r.PositionRow, r.DealRow, r.Progress, r.End, r.Gone, r.Ack, r.Result),
)
FROM_ENGINE: tuple[type[Any], ...] = (
    *(
        r.Challenge,
        r.Welcome,
        r.Reject,
        r.Bye,
        r.Ping,
        r.Subscribe,
        r.Unsubscribe,
        r.Snapshot,
        r.History,
    ),
    *(r.Open, r.Modify, r.Close, r.CloseBy, r.Delete),
)
COMMANDS = (r.Open, r.Modify, r.Close, r.CloseBy, r.Delete)
BARE = frozenset(("HELLO", "CHALLENGE", "AUTH", "WELCOME", "REJECT", "TICKS", "PONG"))
"""Types that carry no MAC."""
TICK_FIELDS, MOST_TICKS = 6, 256


def _form(annotation: Any) -> str:
    """Returns an annotation's text: a NamedTuple keeps it wrapped."""
    return str(getattr(annotation, "__forward_arg__", annotation))


def name_of(kind: type[Any]) -> str:
    """Returns the TYPE of a record's frames."""
    return kind.__name__.upper()


TYPES_EA = {name_of(kind): kind for kind in FROM_EA}
TYPES_ENGINE = {name_of(kind): kind for kind in FROM_ENGINE}


def fields_of(record: Any) -> str:
    """Returns the fields of a record as they stand behind `SEQ|TYPE`."""
    if isinstance(record, r.Ticks):
        flat: list[str] = [str(value) for value in record[:4]]
        for tick in record.ticks:
            flat += _texts(tick)
        return SEPARATOR.join(flat)
    return SEPARATOR.join(_texts(record))


def _texts(record: Any) -> list[str]:
    return [_WRITERS[form](value) for form, value in zip(_FORMS[type(record)], record, strict=True)]


def record_of(kind: type[Any], fields: list[str]) -> Any:
    """Returns the record of a frame's fields; raises WrongFrame."""
    try:
        if kind is r.Ticks:
            return _ticks(fields)
        return _record(kind, fields)
    except RemoteError as error:
        raise WrongFrame(f"{name_of(kind)}: {error}"[:200]) from None


def _record(kind: type[Any], fields: list[str]) -> Any:
    forms = _FORMS[kind]
    if len(fields) != len(forms):
        raise WrongFrame(f"{len(fields)} fields, {len(forms)} are due")
    return kind(*(_READERS[form](text) for form, text in zip(forms, fields, strict=True)))


def _ticks(fields: list[str]) -> r.Ticks:
    count, rest = divmod(len(fields) - 4, TICK_FIELDS)
    if rest or not 0 < count <= MOST_TICKS:
        raise WrongFrame(f"{len(fields)} fields are no 1 to {MOST_TICKS} ticks")
    head = [_count(text) for text in fields[:4]]
    ticks = [
        _record(r.Tick, fields[at : at + TICK_FIELDS]) for at in range(4, len(fields), TICK_FIELDS)
    ]
    sub, first, missed, time_mono = head
    return r.Ticks(sub, first, missed, time_mono, tuple(ticks))


def _count(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise WrongFrame(f"{text[:40]!r} is no whole number")
    value = int(text)
    if abs(value) >= 1 << 63:
        raise WrongFrame(f"{text!r} does not fit 64 bits")
    return value


def _truth(text: str) -> bool:
    if text not in ("0", "1"):
        raise WrongFrame(f"{text[:40]!r} is neither 0 nor 1")
    return text == "1"


def _text(text: str) -> str:
    if UNCLEAN.search(text):
        raise WrongFrame("control characters in a text")
    return text


def _scaled(digits: int) -> tuple[Callable[[str], int], Callable[[int], str]]:
    def read(text: str) -> int:
        return parse_scaled(text, digits) if text else ABSENT

    def write(value: int) -> str:
        return "" if value == ABSENT else format_scaled(value, digits)

    return read, write


_price, _lots, _money = (_scaled(digits) for digits in (PRICE_DIGITS, SIZE_DIGITS, MONEY_DIGITS))
_READERS: dict[str, Callable[[str], Any]] = {
    "str": _text,
    "Count": _count,
    "Whole": lambda text: _count(text) if text else 0,
    "bool": _truth,
    "Price": _price[0],
    "Lots": _lots[0],
    "Money": _money[0],
}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "str": _text,
    "Count": str,
    "Whole": str,
    "bool": lambda value: "1" if value else "0",
    "Price": _price[1],
    "Lots": _lots[1],
    "Money": _money[1],
}
_FORMS: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(_form(one) for one in kind.__annotations__.values())
    for kind in (*FROM_EA, *FROM_ENGINE, r.Tick)
    if kind is not r.Ticks
}
