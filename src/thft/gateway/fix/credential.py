"""Secrets by reference, and the TLS context of a client; called when a session connects.

A configuration never holds a secret: `env:NAME` names a variable, `file:PATH` a file.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from thft.base.errors import LocalError

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
