"""A TCP proxy in front of a FIX engine that changes what the engine sends; for tests of tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType

from thft.fix.wire import Framer

Change = Callable[[bytes], bytes | None]


class Proxy:
    """A port of its own, from entering to leaving; `change` gets every message of the engine.

    What `change` returns goes on to the peer, nothing for None. The peer's bytes pass unchanged.
    """

    def __init__(self, engine_port: int, change: Change) -> None:
        self._engine_port = engine_port
        self._change = change
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, peer: asyncio.StreamReader, to_peer: asyncio.StreamWriter) -> None:
        engine, to_engine = await asyncio.open_connection("127.0.0.1", self._engine_port)
        framer = Framer()

        def changed(data: bytes) -> bytes:
            return b"".join(self._change(unit.raw) or b"" for unit in framer.feed(data))

        try:
            await asyncio.gather(
                _pump(peer, to_engine, lambda data: data), _pump(engine, to_peer, changed)
            )
        finally:
            to_peer.close()
            to_engine.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    """Carries bytes one way; an end of one side is an end for the other."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(change(data))
            await writer.drain()
        writer.write_eof()
    except ConnectionError:
        writer.close()
