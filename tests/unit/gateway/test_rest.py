"""GETs beside a WebSocket: a venue that wants no more requests gets none for as long as it says."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from thft.gateway.limiter import Window
from thft.gateway.ws.dialect import Fetch
from thft.gateway.ws.rest import LONGEST_S, MOST_AT_ONCE, RETRY_S, Rest, asked_s


@pytest.mark.parametrize("status", [418, 429])
def test_retry_after_is_kept_to(status: int) -> None:
    asked: list[tuple[str, float]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, asyncio.get_running_loop().time()))
        return web.Response(status=status, headers={"Retry-After": "1"})

    async def told() -> list[str]:
        server = web.Application()
        server.router.add_get("/{name}", answer)
        runner = web.AppRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        rest = Rest(f"http://127.0.0.1:{runner.addresses[0][1]}", 5.0)
        errors: list[str] = []
        try:
            for path in ("/first", "/second"):
                come = asyncio.Event()

                def taken(fetch: Fetch, body: bytes | None, error: str) -> None:
                    assert body is None
                    errors.append(error)
                    come.set()  # noqa: B023 - it is waited for before the next one

                rest.answer = taken
                rest.get(Fetch("X", path))
                await asyncio.wait_for(come.wait(), 5)
        finally:
            await rest.close()
            await runner.cleanup()
        return errors

    first, second = asyncio.run(told())
    assert [path for path, _ in asked] == ["/first", "/second"]
    assert asked[1][1] - asked[0][1] >= 1.0
    assert first == f"GET /first: HTTP {status}, no requests for 1 s"
    assert second == f"GET /second: HTTP {status}, no requests for 1 s"


def test_gets_keep_to_their_limit_and_to_the_address_they_were_given() -> None:
    asked: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(asyncio.get_running_loop().time())
        return web.Response(status=302, headers={"Location": f"/{len(asked)}x"})

    async def told() -> list[str]:
        server = web.Application()
        server.router.add_get("/{name}", answer)
        runner = web.AppRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        limit = Window(2, 1_000_000_000)
        rests = [Rest(f"http://127.0.0.1:{runner.addresses[0][1]}", 5.0, limit) for _ in range(2)]
        answered: list[str] = []
        try:
            for rest in rests:
                rest.answer = lambda fetch, body, error: answered.append(error)
                for number in range(2):
                    rest.get(Fetch("X", f"/{number}"))
            async with asyncio.timeout(5):
                while len(answered) < 4:
                    await asyncio.sleep(0.01)
        finally:
            for rest in rests:
                await rest.close()
            await runner.cleanup()
        return answered

    answered = asyncio.run(told())
    assert len(asked) == 4 and asked[2] - asked[0] > 0.9 and asked[1] - asked[0] < 0.9
    assert all("HTTP 302" in error for error in answered)


def test_what_waits_already_keeps_to_retry_after_too() -> None:
    asked: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(asyncio.get_running_loop().time())
        return web.Response(status=429, headers={"Retry-After": "1"})

    async def told() -> None:
        server = web.Application()
        server.router.add_get("/{name}", answer)
        runner = web.AppRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        rest = Rest(f"http://127.0.0.1:{runner.addresses[0][1]}", 5.0)
        answered: list[str] = []
        rest.answer = lambda fetch, body, error: answered.append(error)
        try:
            for number in range(MOST_AT_ONCE + 2):
                rest.get(Fetch("X", f"/{number}"))
            async with asyncio.timeout(5):
                while len(answered) < MOST_AT_ONCE + 2:
                    await asyncio.sleep(0.01)
        finally:
            await rest.close()
            await runner.cleanup()

    asyncio.run(told())
    assert asked[MOST_AT_ONCE] - asked[0] >= 1.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0", 0.0), ("120", 120.0), ("", RETRY_S), ("soon", RETRY_S), ("-5", RETRY_S),
     ("999999999", LONGEST_S), ("9" * 40, RETRY_S)],
)  # fmt: skip
def test_what_retry_after_says(said: str, seconds: float) -> None:
    assert asked_s(said) == seconds
