"""A listening socket on loopback, or the error that says why not; for api, venues and demo."""

from __future__ import annotations

import socket

from thft.base.errors import LocalError

ADDRESS = "127.0.0.1"


def loopback_socket(port: int) -> socket.socket:
    """Returns a socket bound to a port of loopback; raises LocalError when it is taken."""
    if not 0 <= port <= 65_535:
        raise LocalError(f"{port} is no port", "choose one of 0 to 65535 with --port")
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((ADDRESS, port))
    except OSError as error:
        bound.close()
        raise LocalError(
            f"port {port} on {ADDRESS} is taken ({error.strerror})",
            "stop what uses it, or choose another with --port",
        ) from error
    return bound
