"""The web application: REST, WebSocket channels and the page; built by `main`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, HTTPException, Query, Response, WebSocket
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from thft import DISPLAY_NAME, __version__, _native
from thft.api import rows
from thft.api.channels import Channel, TickChannel
from thft.api.command_log import CommandLog
from thft.api.guard import Guard
from thft.api.projector import Projector
from thft.api.replica import Replica
from thft.model.command import CommandRecord

KILL_WAIT_S = 1.0
PACKAGE = Path(__file__).resolve().parent.parent
PAGE_FOLDERS = (PACKAGE / "static", PACKAGE.parent.parent / "web" / "dist")
"""Where the built page lies: inside the wheel, or in a checkout."""


class Command(BaseModel, extra="forbid"):
    """What a client asks of the engine; the id makes a repeated request harmless."""

    command_id: str = Field(min_length=1, max_length=64)
    kind: str = Field(min_length=1, max_length=64)
    body: dict[str, Any] = Field(default_factory=dict)


TABLES = (
    "orders",
    "fills",
    "positions",
    "events",
    "feeds",
    "accounts",
    "strategies",
    "quotes",
)


def create_app(data: Path, mode: str) -> FastAPI:
    """Returns the application over the data directory of an engine."""
    replica = Replica(data / "core")
    execution = Channel()
    ticks = TickChannel(replica)
    log = CommandLog(data / "api")
    projector = Projector(data / "core", data / "api")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.ensure_future(replica.follow(execution.publish)),
            asyncio.ensure_future(ticks.run()),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        projector.stop()
        log.close()

    app = FastAPI(
        title=DISPLAY_NAME,
        version=__version__,
        lifespan=lifespan,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(Guard)
    _trades(app, replica, projector)
    _reading(app, replica, projector, mode)
    _commands(app, replica, log)

    @app.websocket("/ws/execution")
    async def execution_channel(socket: WebSocket) -> None:
        await execution.serve(socket, replica.snapshot())

    @app.websocket("/ws/ticks")
    async def tick_channel(socket: WebSocket) -> None:
        await ticks.serve(socket, ticks.first())

    _page(app)
    return app


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _reading(app: FastAPI, replica: Replica, projector: Projector, mode: str) -> None:
    """Adds the routes that only look."""

    @app.get("/api/v1/health")
    def health() -> Response:
        state, core = replica.state, replica.core_row()
        status = "ok" if core["alive"] and state.seq else "starting"
        if state.durability.degraded or replica.error:
            status = "degraded"
        counters = state.counters
        return _json(
            {
                "status": status,
                "mode": state.mode or mode,
                "seq": state.seq,
                "quotes": counters.quotes,
                "orders": counters.orders,
                "fills": counters.fills,
                "core": core,
                "accounts": {row["account"]: row["state"] for row in replica.account_rows()},
                "disk": rows.disk_row(replica.state),
                "clock": rows.clock_row(replica.state),
                "replica": {"error": replica.error},
                "store": {"lag": projector.lag, "error": projector.error},
                "native": _native.USE_NATIVE,
                "version": __version__,
            }
        )

    @app.get("/api/v1/state")
    def state() -> Response:
        return _json(replica.snapshot())

    @app.get("/api/v1/{table}")
    def listing(table: str) -> Response:
        snapshot = replica.snapshot()
        if table not in TABLES:
            raise HTTPException(404, f"no such resource: {table[:40]}")
        return _json({"items": snapshot[table], "seq": snapshot["seq"]})

    @app.get("/api/v1/strategies/{strategy}/schema")
    def schema(strategy: str) -> Response:
        record = replica.state.strategies.get(strategy)
        if record is None:
            raise HTTPException(404, f"no strategy {strategy[:40]!r}")
        return Response(record.schema, media_type="application/json")


def _trades(app: FastAPI, replica: Replica, projector: Projector) -> None:
    """Adds the whole trade history, from the store."""

    @app.get("/api/v1/trades")
    def trades(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        before_seq: int | None = None,
        strategy: str = "",
    ) -> Response:
        store = projector.store
        if store is None:
            raise HTTPException(503, projector.error or "the core has not begun its journal")
        found = [
            rows.fill_row(replica.state, trade.fill, trade.seq, trade.ts_ns)
            for trade in store.trades(limit, before_seq, strategy)
        ]
        return _json({"items": found, "lag": projector.lag})


def _commands(app: FastAPI, replica: Replica, log: CommandLog) -> None:
    """Adds the routes that ask something of the engine."""

    @app.post("/api/v1/commands")
    async def command(asked: Command) -> Response:
        body = msgspec.json.encode(asked.body)
        record = CommandRecord(asked.command_id, asked.kind, body, "operator")
        seq = await log.append(record)
        if asked.kind != "kill_switch":
            return _json(_answer(replica, asked.command_id, seq), 202)
        done = await replica.command_done(asked.command_id, KILL_WAIT_S)
        answer = _answer(replica, asked.command_id, seq)
        return _json(answer if done else {**answer, "status": "unknown"})

    @app.get("/api/v1/commands/{command_id}")
    def outcome(command_id: str) -> Response:
        seq = log.seq_of(command_id)
        if seq is None and command_id not in replica.state.commands:
            raise HTTPException(404, f"no command {command_id[:64]!r}")
        return _json(_answer(replica, command_id, seq))


def _answer(replica: Replica, command_id: str, seq: int | None) -> rows.Row:
    known = replica.state.commands.get(command_id)
    return {
        "command_id": command_id,
        "api_seq": seq,
        "status": known.status if known is not None else "accepted",
        "reason": known.reason if known is not None else "",
    }


def _page(app: FastAPI) -> None:
    """Adds the built page, or says how to build it."""

    @app.get("/api/{path:path}")
    def unknown(path: str) -> None:
        raise HTTPException(404, f"no such resource: /api/{path[:80]}")

    for folder in PAGE_FOLDERS:
        if (folder / "index.html").is_file():
            app.mount("/", StaticFiles(directory=folder, html=True), name="page")
            return

    @app.get("/")
    def not_built() -> HTMLResponse:
        text = f"<title>{DISPLAY_NAME}</title><p>The page is not built: run <code>make web</code>."
        return HTMLResponse(text)
