"""What is wrong with a table that should be a typed record, all at once; called by its readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import inspect


class Finding(NamedTuple):
    """One thing that is wrong: where it stands (`orders.types.limit[1]`), what, and the remedy."""

    key: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.cause} — {self.remedy}"


def findings(table: Mapping[str, Any], record: type[msgspec.Struct]) -> list[Finding]:
    """Returns every key of `table` that is unknown, missing or no value of its field."""
    return list(_record(table, record, ""))


def _record(value: Mapping[str, Any], record: Any, key: str) -> Iterator[Finding]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    for name in value:
        if name not in fields:
            yield Finding(_under(key, name), "unknown key", f"use one of {_listed(fields)}")
    for name, field in fields.items():
        if name in value:
            yield from _value(value[name], field.type, _under(key, name))
        elif field.required:
            yield Finding(_under(key, name), "missing", _remedy(field.type))


def _value(value: object, wanted: Any, key: str) -> Iterator[Finding]:
    """Looks at the parts of a value first, and at the whole when no part is wrong."""
    parts = list(_parts(value, wanted, key))
    if parts:
        yield from parts
        return
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        yield Finding(key, f"{_shown(value)}: {error}", _remedy(wanted))


def _parts(value: object, wanted: Any, key: str) -> Iterator[Finding]:
    plain = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    origin, inner = get_origin(plain), get_args(plain)
    if isinstance(value, Mapping) and isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        yield from _record(value, plain, key)
    elif isinstance(value, Mapping) and origin is dict:
        for name, item in value.items():
            yield from _value(name, inner[0], _under(key, name))
            yield from _value(item, inner[1], _under(key, name))
    elif isinstance(value, list) and origin is tuple and inner[1:] == (...,):
        for at, item in enumerate(value):
            yield from _value(item, inner[0], f"{key}[{at}]")


def _remedy(wanted: Any) -> str:
    """Returns what to write where a value of this type is wanted."""
    match inspect.type_info(wanted):
        case inspect.LiteralType(values=values):
            return f"use one of {_listed(values)}"
        case inspect.BoolType():
            return "write true or false"
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            bounds = "" if low is None else f" from {low} to {high}" if high else f" from {low} on"
            return f"write a number{bounds}"
        case inspect.StrType(pattern=pattern):
            return f"write a text that matches {pattern}" if pattern else "write a text"
        case inspect.VarTupleType() | inspect.TupleType():
            return "write a list"
    return "write a table"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)


def _under(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
