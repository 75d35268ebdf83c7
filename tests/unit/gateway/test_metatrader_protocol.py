"""Frames, keys, records and the session of the MetaTrader protocol, against its own document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.seeds import seeded

from thft.base.errors import LocalError
from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import (
    FRAME_BYTES,
    Framer,
    WrongFrame,
    body_of,
    line_of,
)
from thft.gateway.metatrader.protocol.session import (
    TRANSITIONS,
    Refused,
    Session,
    State,
)
from thft.model.fixed import ABSENT

DOCUMENT = (Path(__file__).parents[3] / "docs" / "metatrader-protocol.md").read_text()
KEY = bytes(range(32))


def test_the_vectors_of_the_document() -> None:
    found = re.search(r"\nT = `(.*)`", DOCUMENT)
    assert found
    keys = k.agree(KEY, *found[1].split("|"))
    told = dict(re.findall(r"^(ea|engine|key-ea|key-engine) +([0-9a-f]{64})$", DOCUMENT, re.M))
    ours = keys.proof_ea, keys.proof_engine, keys.frames_ea.hex(), keys.frames_engine.hex()
    assert ours == (told["ea"], told["engine"], told["key-ea"], told["key-engine"])
    lines = re.findall(r"^[0-9]+\|[0-9a-f]{8}\|.*$", DOCUMENT, re.M)
    assert len(lines) == 2
    assert (
        line_of(k.signed(keys.frames_engine, "3|PING|7|1764093601000")) == f"{lines[0]}\n".encode()
    )
    assert k.unsigned(keys.frames_engine, body_of(lines[0].encode())) == "3|PING|7|1764093601000"
    assert body_of(lines[1].encode()) == "1|PONG|7|1764093601000|3"


def test_the_document_names_every_type_and_its_fields_in_order() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]+) \| (?:EA|engine|both) \| (.*) \|$", DOCUMENT, re.M))
    assert set(rows) == {*shapes.TYPES_EA, *shapes.TYPES_ENGINE}
    for name, kind in {**shapes.TYPES_EA, **shapes.TYPES_ENGINE}.items():
        text = re.sub(r"\([^)]*\)", "", rows[name])
        told = [one.strip().replace(" ", "_") for one in text.split(",")]
        if name == "TICKS":
            assert told[:4] == list(kind._fields[:4])
            continue
        assert len(told) == len(kind._fields), name


def test_a_record_goes_through_its_text() -> None:
    deal = r.DealRow(
        *(0, -5, 3, 3, "EURUSD", "buy", "in", 1_000_000, 1_170_040_000, 1, -5, ABSENT, 0, 0, 7),
        "ab12-1-1",
    )
    text = shapes.fields_of(deal)
    assert text == "0|-5|3|3|EURUSD|buy|in|0.01|1.17004|1|-0.000000005||0|0|7|ab12-1-1"
    assert shapes.record_of(r.DealRow, text.split("|")) == deal
    ticks = r.Ticks(1, 5, 0, 9, (r.Tick(1, 2, 3, ABSENT, ABSENT, 6),) * 2)
    assert shapes.record_of(r.Ticks, shapes.fields_of(ticks).split("|")) == ticks


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"01|00000000|x",
        b"1|0000000|x",
        b"1|00000000|x",
        b"2|8cdc1683|x",
        line_of("é").replace("é".encode(), b"\xff\xfe")[:-1],
    ],
)
def test_a_wrong_line(line: bytes) -> None:
    with pytest.raises(WrongFrame):
        body_of(line)


def test_lines_are_cut_wherever_the_bytes_are_and_bounded() -> None:
    bodies = [f"{number}|PONG|{'x' * number}" for number in range(1, 300)]
    stream = b"".join(line_of(body) for body in bodies)
    chance, framer, found, at = seeded(), Framer(), list[str](), 0
    while at < len(stream):
        size = chance.randrange(1, 400)
        found += framer.feed(stream[at : at + size])
        at += size
    assert found == bodies
    with pytest.raises(WrongFrame, match="longer"):
        list(framer.feed(b"x" * FRAME_BYTES))
    assert line_of("y" * (FRAME_BYTES - 16))
    with pytest.raises(WrongFrame):
        line_of("y" * FRAME_BYTES)


def hello(**changes: str) -> r.Hello:
    values: dict[str, Any] = {
        "version": "1",
        "platform": "5",
        "key_id": "k1",
        "session": "a" * 32,
        "nonce": "b" * 32,
        "account": "1",
        "server": "S",
        "company": "C",
        "currency": "USD",
        "leverage": 100,
        "margin_mode": "netting",
        "build": 1,
        "ea_version": "1",
        "time_gmt": 1,
        "time_server": 1,
    }
    return r.Hello(**{**values, **changes})


def opened() -> tuple[Session, k.Keys]:
    session = Session(lambda said: KEY, heartbeat_ms=2_000, silence_ms=15_000, now_ms=lambda: 77)
    session.received(f"1|HELLO|{shapes.fields_of(hello())}")
    fields = body_of(session.take().rstrip(b"\n")).split("|")
    assert fields[:3] == ["1", "CHALLENGE", "1"] and fields[4] == "77"
    keys = k.agree(KEY, "1", "k1", "a" * 32, "1", "S", "b" * 32, fields[3], 77)
    session.received(f"2|AUTH|{keys.proof_ea}")
    assert body_of(session.take().rstrip(b"\n")) == f"2|WELCOME|{keys.proof_engine}|2000|15000"
    return session, keys


def test_a_session_opens_for_who_has_the_key() -> None:
    session, keys = opened()
    assert session.state is State.OPEN
    assert session.received(k.signed(keys.frames_ea, "3|ACK|1")) == r.Ack(1)
    assert session.received("4|PONG|1|2|3") == r.Pong(1, 2, 3)
    assert session.send(r.Ping(1, 5)) == 3
    sent = body_of(session.take().rstrip(b"\n"))
    assert k.unsigned(keys.frames_engine, sent) == "3|PING|1|5"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("3|ACK|1", "a wrong MAC"),
        ("4|ACK|1", "with number 4 instead of 3"),
        ("2|ACK|1", "with number 2 instead of 3"),
        ("3|HELLO|1", "HELLO while OPEN"),
        ("3|ORDER|1", "an unknown type"),
        ("3|ACK|x", "no whole number"),
        ("3|ACK|1|2", "2 fields, 1 are due"),
        ("3", "without number and type"),
    ],
)
def test_a_wrong_frame_on_an_open_session(body: str, why: str) -> None:
    session, keys = opened()
    signed = body if "MAC" in why or "|" not in body else k.signed(keys.frames_ea, body)
    with pytest.raises(WrongFrame, match=re.escape(why)):
        session.received(signed)


def test_a_wrong_proof_and_a_wrong_version_are_refused() -> None:
    session = Session(lambda said: KEY, heartbeat_ms=1, silence_ms=1, now_ms=lambda: 1)
    session.received(f"1|HELLO|{shapes.fields_of(hello())}")
    with pytest.raises(Refused, match="wrong key"):
        session.received(f"2|AUTH|{'0' * 64}")
    fresh = Session(lambda said: KEY, heartbeat_ms=1, silence_ms=1, now_ms=lambda: 1)
    with pytest.raises(Refused, match="speaks version 9") as error:
        fresh.received("1|HELLO|9|whatever")
    assert error.value.code == "VERSION"


def test_there_is_no_way_back_and_nothing_before_hello() -> None:
    assert not [key for key in TRANSITIONS if key[0] is State.ENDED]
    assert [name for state, name in TRANSITIONS if state is State.WAITING] == ["HELLO"]
    assert {name for state, name in TRANSITIONS if state is State.PROVING} == {"AUTH", "BYE"}


def test_no_noise_gets_past_the_codec() -> None:
    """Damaged frames of every type raise WrongFrame or are read as they stand, nothing else."""
    chance = seeded()
    alphabet = "0123456789|.-eE+ xaé\x00\n"
    for _ in range(20_000):
        kind = chance.choice(shapes.FROM_EA)
        count = chance.choice((len(kind._fields), chance.randrange(1, 20)))
        fields = ["".join(chance.choices(alphabet, k=chance.randrange(6))) for _ in range(count)]
        try:
            record = shapes.record_of(kind, fields)
        except WrongFrame:
            continue
        assert isinstance(record, kind)


def test_a_key_is_64_hex_digits_and_is_not_repeated() -> None:
    assert k.key_of(KEY.hex()) == KEY
    with pytest.raises(LocalError) as error:
        k.key_of("s3cret")
    assert "s3cret" not in str(error.value)
