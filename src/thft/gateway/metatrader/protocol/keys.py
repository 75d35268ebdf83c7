"""Who is at the other end: proofs and keys of frames, from a shared key; used by both ends."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import NamedTuple

from thft.base.errors import LocalError

KEY = re.compile(r"[0-9A-Fa-f]{64}")


class BadKey(LocalError):
    """A key that is none; the text does not repeat it."""


class Keys(NamedTuple):
    """What both ends make of a key and one beginning: proofs as text, keys of frames as bytes."""

    proof_ea: str
    proof_engine: str
    frames_ea: bytes
    frames_engine: bytes


def key_of(text: str) -> bytes:
    """Returns the 32 bytes of a key's text; raises BadKey."""
    if not KEY.fullmatch(text):
        raise BadKey("a MetaTrader key is 64 hex digits", "make one: openssl rand -hex 32")
    return bytes.fromhex(text)


def agree(key: bytes, *said: object) -> Keys:
    """Returns what follows from a key and all that was said: version to the engine's time."""
    transcript = "|".join(map(str, said))
    return Keys(
        _mac(key, f"ea|{transcript}").hex(),
        _mac(key, f"engine|{transcript}").hex(),
        _mac(key, f"key-ea|{transcript}"),
        _mac(key, f"key-engine|{transcript}"),
    )


def signed(key: bytes, body: str) -> str:
    """Returns a body with its MAC."""
    return f"{body}|{_mac(key, body).hex()}"


def unsigned(key: bytes, body: str) -> str | None:
    """Returns a signed body without its MAC, None when that is wrong."""
    rest, _, mac = body.rpartition("|")
    expected = _mac(key, rest).hex().encode()
    return rest if hmac.compare_digest(expected, mac.encode()) else None


def same(proof: str, expected: str) -> bool:
    """Compares a proof in constant time."""
    return hmac.compare_digest(proof.encode(), expected.encode())


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), sha256)
