"""Who may ask, until logins exist: loopback Hosts, and the same Origin for what changes state.

Every request needs a loopback Host (a foreign name that resolves to us is refused). Requests that
change state and WebSockets also need an Origin equal to that Host, else 403.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data:; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def refusal(host: str, origin: str | None, changes_state: bool) -> str:
    """Returns why a request is refused, empty when it is not."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name.lower() not in LOOPBACK:
        return f"Host {host[:100]!r} is not loopback — open the page by http://127.0.0.1"
    if origin is None:
        if changes_state:
            return "no Origin — send an Origin header equal to the page's address"
        return ""
    if origin != "null" and urlsplit(origin).netloc.lower() == host.lower():
        return ""
    return f"Origin {origin[:100]!r} is not this page — use the page served here"


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request pass or answers 403 with the reason."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        socket = scope["type"] == "websocket"
        changes_state = socket or scope["method"] not in READING
        reason = refusal(headers.get(b"host", ""), headers.get(b"origin"), changes_state)
        if not reason:
            await self._app(scope, receive, _with_headers(send))
        elif socket:
            await send({"type": "websocket.close", "code": 4403, "reason": reason[:120]})
        else:
            await _forbid(send, reason)


def _with_headers(send: Send) -> Send:
    async def sending(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}  # type: ignore[misc]
        await send(message)

    return sending  # type: ignore[return-value]


async def _forbid(send: Send, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), *HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
