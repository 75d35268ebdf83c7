"""Test the tests: what a session sends is damaged on purpose, and the scripts must notice each.

A peer that only closes connections must fail almost all of them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.fix.script import Failed, for_either_role, message, play, scenarios
from tests.fix.test_scenarios import ECHO_FILES

SCRIPTS = {title: text for name in ECHO_FILES for title, text in scenarios(name).items()}
Fields = list[tuple[str, str]]


def rebuilt(change: Callable[[Fields], Fields | None]) -> Callable[[bytes], bytes | None]:
    """Returns a mutator that changes fields and makes length and checksum good again."""

    def mutate(raw: bytes) -> bytes | None:
        pairs = [field.partition("=")[::2] for field in raw.decode("latin-1").split("\x01")[:-1]]
        fields = [(tag, value) for tag, value in pairs if tag not in ("9", "10")]
        changed = change(fields)
        return None if changed is None else message(changed)

    return mutate


def drop(tag: str, kind: str = "") -> Callable[[bytes], bytes | None]:
    """Leaves a field out, in messages of one type or of all."""
    return rebuilt(lambda f: [x for x in f if x[0] != tag] if not kind or ("35", kind) in f else f)


def put(tag: str, change: Callable[[str], str], kind: str) -> Callable[[bytes], bytes | None]:
    """Changes a value, in messages of one type."""
    return rebuilt(
        lambda f: [(t, change(v) if t == tag else v) for t, v in f] if ("35", kind) in f else f
    )


def swallow(kind: str) -> Callable[[bytes], bytes | None]:
    """Loses all messages of one type."""
    return rebuilt(lambda f: None if ("35", kind) in f else f)


def plus(by: int) -> Callable[[str], str]:
    return lambda value: str(int(value) + by)


def swapped(fields: Fields) -> Fields:
    """Exchanges the last two fields of the body."""
    return [*fields[:-2], fields[-1], fields[-2]] if len(fields) > 7 else fields


def header_swapped(fields: Fields) -> Fields:
    """Exchanges the first two fields behind MsgType."""
    return [*fields[:2], fields[3], fields[2], *fields[4:]]


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "bad checksum": lambda raw: re.sub(
        rb"10=(\d+)", lambda m: b"10=%03d" % ((int(m[1]) + 1) % 256), raw
    ),
    "bad length": lambda raw: re.sub(rb"\x019=(\d+)", lambda m: b"\x019=%d" % (int(m[1]) + 1), raw),
    "number + 1 everywhere": rebuilt(lambda f: [(t, plus(1)(v) if t == "34" else v) for t, v in f]),
    "number + 1 in heartbeats": put("34", plus(1), "0"),
    "number - 1 in resent orders": rebuilt(
        lambda f: [(t, plus(-1)(v) if t == "34" else v) for t, v in f] if ("43", "Y") in f else f
    ),
    "extra field": rebuilt(lambda f: [*f, ("58", "extra")] if ("35", "0") in f else f),
    "body order": rebuilt(swapped),
    "header order": rebuilt(header_swapped),
    "371 changed": put("371", plus(1), "3"),
    "371 dropped": drop("371", "3"),
    "373 changed": put("373", plus(1), "3"),
    "372 dropped": drop("372", "3"),
    "45 changed": put("45", plus(1), "3"),
    "58 dropped": drop("58", "3"),
    "Text of Logout dropped": drop("58", "5"),
    "43 dropped": drop("43"),
    "122 dropped": drop("122"),
    "122 later than 52": rebuilt(
        lambda f: [(t, "20991231-00:00:00.000" if t == "122" else v) for t, v in f]
    ),
    "52 without milliseconds": rebuilt(lambda f: [(t, v[:17] if t == "52" else v) for t, v in f]),
    "52 of another day": rebuilt(
        lambda f: [(t, "20200101" + v[8:] if t == "52" else v) for t, v in f]
    ),
    "gap fill + 1": put("36", plus(1), "4"),
    "gap fill - 1": put("36", plus(-1), "4"),
    "123 dropped": drop("123", "4"),
    "request ends at 1": put("16", lambda value: "1", "2"),
    "request begins + 1": put("7", plus(1), "2"),
    "Heartbeats swallowed": swallow("0"),
    "Rejects swallowed": swallow("3"),
    "Logouts swallowed": swallow("5"),
    "Logons swallowed": swallow("A"),
    "ResendRequests swallowed": swallow("2"),
    "gap fills swallowed": swallow("4"),
    "BusinessRejects swallowed": swallow("j"),
    "orders swallowed": swallow("D"),
    "echoed quantity reformatted": put("38", lambda value: str(float(value)), "D"),
    "echoed time cut": put("60", lambda value: value[:17], "D"),
    "97 dropped": drop("97"),
    "112 dropped": drop("112", "0"),
    "108 changed": put("108", plus(1), "A"),
    "141 dropped": drop("141", "A"),
    "route dropped": drop("128", "3"),
    "380 changed": put("380", plus(1), "j"),
    "CompIDs exchanged": rebuilt(lambda f: [({"49": "56", "56": "49"}.get(t, t), v) for t, v in f]),
    "everything twice": lambda raw: raw + raw,
}


def noticed(mutator: Callable[[bytes], bytes | None], initiator: bool = False) -> list[str]:
    """Returns the scripts that fail under a damage."""
    scripts = for_either_role(SCRIPTS) if initiator else SCRIPTS
    failed = []
    for title, script in scripts.items():
        try:
            play(script, mutator=mutator, initiator=initiator, reset_on_logon=True)
        except Failed:
            failed.append(title)
    return failed


@pytest.mark.parametrize("initiator", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed(damage: str, initiator: bool) -> None:
    assert noticed(DAMAGE[damage], initiator), "no script fails although the output is damaged"


def test_a_mute_peer_fails() -> None:
    """Only the rows that demand silence pass when nothing is ever sent."""
    passed = SCRIPTS.keys() - set(noticed(lambda raw: None))
    assert all(title.startswith(("CON-4", "CON-5", "CON-6", "CON-7", "CON-8")) for title in passed)
    assert len(SCRIPTS) - len(passed) > 60
