"""The HTTP GETs a feed needs beside its WebSocket, such as a book to begin with; made by `feed`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from thft.gateway.limiter import Window
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws.dialect import Fetch

MAX_BODY_BYTES = 8 << 20
MOST_AT_ONCE = 4
TOO_MANY = (418, 429)
"""The venue wants no requests for as long as Retry-After says; who goes on is banned for longer."""
RETRY_S = 60.0
"""For so long when it does not say, or says what is no number of seconds."""
LONGEST_S = 3 * 86_400.0

Answer = Callable[[Fetch, bytes | None, str], None]


def _nobody(fetch: Fetch, body: bytes | None, error: str) -> None:
    """No connection waits for an answer."""


class Rest:
    """GETs of one feed, few at a time; every one is answered once, by a body or an error.

    None is sent for as long as the venue has asked for, or beyond its limit: it waits.
    """

    def __init__(self, url: str, timeout_s: float, limit: Window | None = None) -> None:
        """`url` stands before every path; `timeout_s` holds for a whole answer.

        `limit` holds for GETs alone, and may be shared.
        """
        self._limit = limit
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._quiet_until_s = 0.0
        self.answer: Answer = _nobody

    def get(self, fetch: Fetch) -> None:
        """Begins a GET; `answer` takes what comes of it."""
        task = asyncio.ensure_future(self._get(fetch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def forget(self) -> None:
        """Gives up what is under way: the connection it was for is over."""
        self.answer = _nobody
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        """Ends everything."""
        self.forget()
        if self._session is not None:
            await self._session.close()

    async def _get(self, fetch: Fetch) -> None:
        answer = self.answer
        async with self._room:
            while (wait_s := self._wait_s()) > 0:
                await asyncio.sleep(wait_s)
            if self._limit is not None:
                self._limit.take(loop_ns())
            body, error = await self._body(fetch.path)
        answer(fetch, body, error)

    def _wait_s(self) -> float:
        quiet_s = self._quiet_until_s - asyncio.get_running_loop().time()
        return max(quiet_s, self._limit.wait_ns(loop_ns()) / 1e9 if self._limit is not None else 0)

    async def _body(self, path: str) -> tuple[bytes | None, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.get(self._url + path, allow_redirects=False) as response:
                body = await response.content.read(MAX_BODY_BYTES + 1)
                while len(body) <= MAX_BODY_BYTES and not response.content.at_eof():
                    body += await response.content.read(MAX_BODY_BYTES + 1 - len(body))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return None, f"GET {path}: {error or type(error).__name__}"
        if len(body) > MAX_BODY_BYTES:
            return None, f"GET {path}: more than {MAX_BODY_BYTES} bytes"
        if response.status in TOO_MANY:
            wait_s = asked_s(response.headers.get("Retry-After", ""))
            self._quiet_until_s = asyncio.get_running_loop().time() + wait_s
            return None, f"GET {path}: HTTP {response.status}, no requests for {wait_s:.0f} s"
        if response.status != 200:
            said = body[:120].decode(errors="replace")
            return None, f"GET {path}: HTTP {response.status} {said}"
        return body, ""


def asked_s(retry_after: str) -> float:
    """Returns for how long a Retry-After asks, s; `RETRY_S` where it does not say a number."""
    plain = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10
    return min(float(retry_after), LONGEST_S) if plain else RETRY_S
