"""Keys of those who sign their Logons at a simulated venue; used by its logon rules and by cli."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.wire import Message

SIGNED = (
    tags.MSG_TYPE,
    tags.SENDER_COMP_ID,
    tags.TARGET_COMP_ID,
    tags.MSG_SEQ_NUM,
    tags.SENDING_TIME,
)
PRIVATE = b"-----BEGIN PRIVATE KEY-----"


def key_from(text: str) -> Ed25519PrivateKey:
    """Returns the key whose secret is the SHA-256 of a text: it opens nothing but a simulator."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())


def pem(key: Ed25519PrivateKey) -> bytes:
    """Returns a private key as PEM text without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def client_key(path: Path) -> Ed25519PublicKey:
    """Returns the public key of a PEM file with either half of a pair; makes a pair without one.

    Raises LocalError.
    """
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(pem(Ed25519PrivateKey.generate()))
        text = path.read_bytes()
        found: object
        if PRIVATE in text:
            found = load_pem_private_key(text, None).public_key()
        else:
            found = load_pem_public_key(text)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", "name a file that can be made") from error
    except (ValueError, TypeError) as error:
        raise LocalError(f"{path}: no key in PEM form", "name another file") from error
    if not isinstance(found, Ed25519PublicKey):
        raise LocalError(f"{path}: no Ed25519 key", "name another file")
    return found


def genuine(key: Ed25519PublicKey, logon: Message) -> bool:
    """Returns whether 96 is the signature of a Logon by this key, in base64."""
    payload = b"\x01".join(logon.get(tag) or b"" for tag in SIGNED)
    try:
        key.verify(base64.b64decode(logon.get(tags.RAW_DATA) or b"", validate=True), payload)
    except (InvalidSignature, binascii.Error):
        return False
    return True
