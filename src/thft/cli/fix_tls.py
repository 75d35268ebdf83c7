"""TLS of the FIX commands: version 1.2 at least, peers verified; used by fix-echo, fix-drive."""

from __future__ import annotations

import ssl
from pathlib import Path

from thft.base.errors import LocalError


def server_context(certificate: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """Returns the context of an acceptor; with `client_ca` clients must show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    _load(context, certificate, key)
    if client_ca is not None:
        context.load_verify_locations(_readable(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Returns the context of an initiator, which checks host names; `ca` None trusts the system."""
    context = ssl.create_default_context(cafile=None if ca is None else _readable(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        _load(context, certificate, key)
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        context.load_cert_chain(_readable(certificate), None if key is None else _readable(key))
    except ssl.SSLError as error:
        remedy = "give the PEM files of a certificate and its key"
        raise LocalError(f"{certificate}: {error.reason or error}", remedy) from error


def _readable(path: Path) -> str:
    if not path.is_file():
        raise LocalError(f"{path}: no such file", "give the path of a PEM file")
    return str(path)
