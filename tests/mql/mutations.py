"""Frames of an engine made wrong, each in one way; called by `fuzz_campaign`."""

from __future__ import annotations

import zlib
from random import Random
from typing import Any

from tests.mql.peer import Peer

from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.model.fixed import ABSENT, SIZE_ONE, parse_price

NASTY = (
    *(
        "",
        "0",
        "-1",
        "1",
        "00",
        "01",
        "+1",
        " 1",
        "1 ",
        "1e5",
        "0x10",
        "NaN",
        "inf",
        "-0",
        "1.",
        ".5",
    ),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "2147483648",
        "4294967296",
    ),
    *("99999999999999999999999", "0.000000001", "1.1.1", "EURUSD", "NOPE", "buy", "sell", "market"),
    *(
        "limit",
        "stop",
        "stop_limit",
        "gtd",
        "day",
        "gtc",
        "fok",
        "return",
        "order",
        "position",
        "é",
    ),
    *("\ufffd", "漢字" * 40, "𝔘", "\x00", "\x1f", "\x7f", "a" * 5_000, "%s%n%d", "..", "-", "--1"),
)


def line(body: str | bytes) -> bytes:
    """Returns a line whose length and checksum are right, whatever its body is."""
    coded = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return b"%d|%08x|%b\n" % (len(coded), zlib.crc32(coded), coded)


def signed(peer: Peer, body: str) -> bytes:
    """Returns the line of a body with its right MAC."""
    assert peer.keys is not None
    return line(k.signed(peer.keys.frames_engine, body))


def record(peer: Peer, random: Random, tickets: list[int]) -> Any:
    """Returns something that an engine may say, right in itself."""
    order_id = f"f{random.randrange(1 << 40):x}"
    ticket = (
        random.choice(tickets) if tickets and random.random() < 0.8 else random.randrange(3_000)
    )
    lots = SIZE_ONE // 100 * random.randint(1, 3)
    price = parse_price(f"{random.uniform(1.0, 1.3):.5f}")
    kind = random.choice(("market", "limit", "stop"))
    asked = ABSENT if kind == "market" else price
    way = {"kind": kind, "price": asked, "volume": lots, "side": random.choice(("buy", "sell"))}
    number = peer.pings = peer.pings + 1
    req = 2 * peer.out + 1
    return random.choice(
        (
            lambda: peer.order(order_id, **way),
            lambda: peer.order(order_id, **way),
            lambda: peer.by_id(r.Modify, order_id, what="order", ticket=ticket, price=price),
            lambda: peer.by_id(r.Close, order_id, ticket=ticket, volume=lots),
            lambda: peer.by_id(r.CloseBy, order_id, ticket=ticket, other=ticket + 1),
            lambda: peer.by_id(r.Delete, order_id, ticket=ticket),
            lambda: r.Ping(number, peer.now_ms()),
            lambda: r.Subscribe(random.randint(1, 65_535), "EURUSD", 0, 0),
            lambda: r.Unsubscribe(random.randint(1, 65_535)),
            lambda: r.Snapshot(req),
            lambda: r.History(req, 0, 0, ""),
        )
    )()


def body_of(peer: Peer, said: Any, number: int) -> str:
    """Returns the body of a record without MAC."""
    return f"{number}|{shapes.name_of(type(said))}|{shapes.fields_of(said)}"


def other_field(random: Random, body: str) -> str:
    """Returns a body of which one or two fields are something else."""
    parts = body.split("|")
    for _ in range(random.randint(1, 2)):
        at = random.randrange(1, len(parts))
        parts[at] = random.choice((*NASTY, parts[random.randrange(len(parts))]))
    return "|".join(parts)


def other_bytes(random: Random, sent: bytes) -> bytes:
    """Returns a line of which some bytes are changed, gone, doubled or new; never the same line."""
    made = bytearray(sent)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(made))
        match random.randrange(4):
            case 0:
                made[at] ^= 1 << random.randrange(8)
            case 1:
                del made[at]
            case 2:
                made.insert(at, random.randrange(256))
            case _:
                made[at:at] = made[at : at + random.randint(1, 9)]
    # a right line in front would be taken before what follows it, which may be its end
    return b"!" + sent[1:] if (made + b"\n").startswith(sent) else bytes(made)


def other_number(random: Random, number: int) -> str:
    """Returns what is not the next number."""
    most = 2**63
    return random.choice(
        (
            str(number - 1),
            str(number + 1),
            "0",
            f"0{number}",
            f"-{number}",
            "",
            f" {number}",
            str(most),
        )
    )


def other_mac(peer: Peer, random: Random, body: str, old: list[k.Keys]) -> bytes:
    """Returns a frame signed by a key that is not the one of this connection and direction."""
    assert peer.keys is not None
    keys = [peer.keys.frames_ea, peer.key, bytes(32), b"", random.randbytes(32)]
    keys += [one.frames_engine for one in old]
    right = k.signed(peer.keys.frames_engine, body)
    digit = random.randrange(1, 65)
    changed = "0" if right[-digit] != "0" else "1"
    return random.choice(
        (
            lambda: line(k.signed(random.choice(keys), body)),
            lambda: line(right[: len(right) - digit] + changed + right[len(right) - digit + 1 :]),
            lambda: line(right[:-1]),
            lambda: line(right + "0"),
            lambda: line(right[:-64] + right[-64:].upper().replace("0", "O", 1) + "x"),
            lambda: line(body),
            lambda: line(f"{body}|"),
        )
    )()
