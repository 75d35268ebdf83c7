"""Options that the FIX commands share: rules of the session, TLS; used by fix-echo, fix-drive."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from thft.base.errors import LocalError
from thft.fix.session import RecoveryPolicy


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Rules of the session that a counterpart may want otherwise."""

    next_expected: bool = False
    """Logon carries NextExpectedMsgSeqNum(789)."""
    last_processed: bool = False
    """Headers carry LastMsgSeqNumProcessed(369)."""
    resend_chunk: int = 0
    """Messages a ResendRequest asks for; 0 for all."""
    timestamp_digits: int = 3
    """Digits behind the second in times: 0, 3, 6, 9 or 12."""
    unique_test_ids: bool = False
    """TestReqID(112) differs every time instead of TEST."""

    def settings(self) -> dict[str, Any]:
        """Returns them as fields of a SessionConfig."""
        return {
            "next_expected": self.next_expected,
            "last_processed": self.last_processed,
            "recovery": RecoveryPolicy(chunk=self.resend_chunk),
            "timestamp_digits": self.timestamp_digits,
            "unique_test_ids": self.unique_test_ids,
        }


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServerTls:
    """TLS of an acceptor, version 1.2 at least."""

    certificate: Path | None = None
    """PEM file of our certificate: the port speaks TLS."""
    key: Path | None = None
    """PEM file of its key, if that is another file."""
    client_ca: Path | None = None
    """PEM file of the authority that must have signed a client's certificate."""

    def context(self) -> ssl.SSLContext | None:
        """Returns the context, None without a certificate; raises LocalError."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        _load(context, self.certificate, self.key)
        if self.client_ca is not None:
            context.load_verify_locations(_readable(self.client_ca))
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ClientTls:
    """TLS of an initiator, version 1.2 at least; the host name is checked."""

    tls: bool = False
    """Speak TLS and verify the acceptor's certificate."""
    ca: Path | None = None
    """PEM file of the authority to trust instead of the system's."""
    certificate: Path | None = None
    """PEM file of our own certificate, if the acceptor wants one."""
    key: Path | None = None
    """PEM file of its key, if that is another file."""

    def context(self) -> ssl.SSLContext | None:
        """Returns the context, None without TLS; raises LocalError."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=None if self.ca is None else _readable(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            _load(context, self.certificate, self.key)
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
