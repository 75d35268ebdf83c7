"""Secrets by reference, who signs a Logon, the TLS context of a client; when a session connects.

A configuration never holds a secret: `env:NAME` names a variable, `file:PATH` a file. What is read
here goes to its session and nowhere else; no error repeats any of it.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.session.terms import LogonSigner

REFERENCE = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"
LARGEST_BYTES = 64 << 10


class NoCredential(LocalError):
    """A reference leads nowhere; the text names the reference, never a secret."""


def resolve(reference: str) -> str:
    """Returns the secret that a reference names, without the line's end; raises NoCredential."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise NoCredential(f"variable {name} is not set", f"set {name} for the core's process")
        return value
    try:
        text = Path(name).read_bytes()[:LARGEST_BYTES].decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise NoCredential(f"{name}: {reason}", "name a readable file with one line") from error
    if not text:
        raise NoCredential(f"{name} is empty", "write the secret into its first line")
    return text


def ed25519_signer(reference: str, sender: str, target: str) -> LogonSigner:
    """Returns what signs the Logons of a session: 95 and 96 for their number and time.

    Signed are the values of 35, 49, 56, 34 and 52, in this order, with SOH between them. The key
    is the PEM text of an Ed25519 private key. Raises NoCredential.
    """
    sign = _private_key(reference)
    before = f"{tags.MSG_LOGON}\x01{sender}\x01{target}\x01".encode()

    def signed(seq: int, time: bytes) -> list[tuple[int, str | bytes | int]]:
        signature = base64.b64encode(sign(b"%b%d\x01%b" % (before, seq, time)))
        return [(tags.RAW_DATA_LENGTH, len(signature)), (tags.RAW_DATA, signature)]

    return signed


def _private_key(reference: str) -> Callable[[bytes], bytes]:
    """Returns the signature function of the key that a reference names; raises NoCredential."""
    # Imported here: whoever signs nothing need not wait for it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    _require_private(reference)
    remedy = "give an Ed25519 private key as PEM text without a passphrase"
    try:
        key = load_pem_private_key(resolve(reference).encode(), None)
    except TypeError:
        raise NoCredential(f"the key in {reference} wants a passphrase", remedy) from None
    except (ValueError, UnsupportedAlgorithm):
        raise NoCredential(f"{reference} is no private key in PEM form", remedy) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoCredential(f"the key in {reference} is of another kind", remedy)
    return key.sign


def _require_private(reference: str) -> None:
    """Raises NoCredential when a key's file can be read by others than its owner."""
    kind, _, name = reference.partition(":")
    if kind == "file" and Path(name).is_file() and Path(name).stat().st_mode & 0o077:
        raise NoCredential(f"{name} can be read by others", f"chmod 600 {name}")


def client_context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Returns a context of TLS 1.2 at least that checks certificate and host name.

    `ca` is a PEM file to trust instead of the system's; `certificate` and `key` are our own, if
    the venue wants one. Raises LocalError naming the file.
    """
    context = ssl.create_default_context(cafile=_readable(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        try:
            context.load_cert_chain(_readable(certificate), _readable(key) if key else None)
        except ssl.SSLError as error:
            remedy = "give the PEM files of a certificate and its key"
            raise LocalError(f"{certificate}: {error.reason or error}", remedy) from error
    return context


def _readable(path: str) -> str:
    if not Path(path).is_file():
        raise LocalError(f"{path}: no such file", "give the path of a PEM file")
    return path
