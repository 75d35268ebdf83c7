"""The api over a journal made by a real kernel: rows, channels, commands and who may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.api.served_engine import ServedEngine
from tests.engine import FAST, SLOW
from websockets.exceptions import InvalidStatus

from thft.api.guard import refusal
from thft.api.projector import FILE
from thft.base.frame import COMMANDS, LOG_TYPES
from thft.model import event as ev
from thft.model.command import CommandRecord
from thft.store.projection import Projection
from thft.stream.disk import RealDisk
from thft.stream.reader import read_all
from thft.stream.segment import log_identity


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedEngine]:
    with ServedEngine(tmp_path) as engine:
        yield engine


def trade(served: ServedEngine) -> None:
    """Lets the strategy buy at 1.39015 and sell at 1.39030: one round trip."""
    engine = served.engine
    engine.load_arbitrage(diff_to_open_points=5, tp_points=10)
    engine.quote(FAST, 139_000, 139_002)
    engine.quote(SLOW, 139_000, 139_004)
    engine.quote(FAST, 139_020, 139_022)
    engine.wait(5)
    engine.quote(SLOW, 139_030, 139_034)
    engine.wait(5)


def test_the_state_shows_what_was_traded(served: ServedEngine) -> None:
    trade(served)
    served.publish()
    shown = served.until("/api/v1/state", lambda shown: len(shown["fills"]) == 2)
    assert shown["seq"] == served.engine.kernel.lane.seq
    assert [fill["side"] for fill in shown["fills"]] == ["sell", "buy"]
    assert [fill["price"] for fill in shown["fills"]] == ["1.3903", "1.39004"]
    assert {order["state"] for order in shown["orders"]} == {"FILLED"}
    assert shown["positions"][0]["side"] == "flat"
    assert shown["totals"]["round_trips"] == 1
    assert shown["totals"]["realised_pnl"] == "26.00"
    assert shown["totals"]["currency"] == "USD"
    assert shown["strategies"][0]["state"] == "ENABLED"
    health = served.get("/api/v1/health")[1]
    assert (health["quotes"], health["orders"], health["fills"]) == (4, 2, 2)


def test_trades_are_paged_from_the_store_and_outlive_the_api(served: ServedEngine) -> None:
    trade(served)
    served.publish()
    whole = served.until("/api/v1/trades", lambda found: len(found.get("items", ())) == 2)["items"]
    assert [row["side"] for row in whole] == ["sell", "buy"]
    assert whole[0]["realised_pnl"] == "26.00" and whole[0]["symbol"] == "EURUSD"
    older = served.get(f"/api/v1/trades?before_seq={whole[0]['seq']}")[1]["items"]
    assert older == whole[1:]
    assert served.get("/api/v1/trades?strategy=none")[1]["items"] == []
    assert served.get("/api/v1/trades?limit=0")[0] == 422
    health = served.until("/api/v1/health", lambda health: health["store"]["lag"] == 0)
    assert health["store"]["error"] == ""
    projection = Projection(
        served.data / "api" / FILE, log_identity(RealDisk(served.data / "core"))
    )
    assert [row.seq for row in projection.trades(10, None, "")] == [row["seq"] for row in whole]
    projection.close()


def test_what_is_missing_is_null_and_never_zero(served: ServedEngine) -> None:
    served.publish()
    shown = served.until("/api/v1/state", lambda shown: shown["quotes"])
    quote = shown["quotes"][0]
    assert (quote["bid"], quote["ask"], quote["recv_ts_ns"]) == (None, None, None)
    assert quote["quality"] == "bad"
    assert shown["feeds"][0]["last_ns"] is None


def test_execution_channel_begins_with_a_snapshot_and_pushes_rows(served: ServedEngine) -> None:
    served.publish()
    served.until("/api/v1/health", lambda health: health["seq"] > 0)
    with served.socket("/ws/execution") as channel:
        first = json.loads(channel.recv(5))
        assert first["type"] == "snapshot"
        assert first["fills"] == []
        trade(served)
        served.publish()
        kinds: dict[str, list[dict[str, object]]] = {}
        while "totals" not in kinds:
            message = json.loads(channel.recv(5))
            assert message["seq"] > first["seq"]
            kinds.setdefault(message["type"], []).append(message["row"])
        assert {"order", "position", "strategy", "fill"} <= set(kinds)
        channel.send('{"type":"ping","id":7}')
        while (message := json.loads(channel.recv(5)))["type"] != "pong":
            pass
        assert message["id"] == 7


def test_tick_channel_conflates_quotes_and_draws_the_delta(served: ServedEngine) -> None:
    engine = served.engine
    engine.quote(FAST, 139_010, 139_012)
    engine.quote(SLOW, 139_000, 139_002)
    served.publish()
    served.until("/api/v1/health", lambda health: health["quotes"] == 2)
    with served.socket("/ws/ticks") as channel:
        first = json.loads(channel.recv(5))
        assert first["history"]["EURUSD"]["delta_pips"] == [pytest.approx(1.0)]
        for step in range(50):
            engine.quote(FAST, 139_011 + step, 139_013 + step)
        served.publish()
        bids: list[str] = []
        while bids != ["1.3906"]:
            message = json.loads(channel.recv(5))
            assert message["type"] == "ticks"
            bids = [quote["bid"] for quote in message["quotes"] if quote["feed"] == "fast"]
            assert bids in (["1.3901"], ["1.3906"])  # what came before, then only the newest


def test_a_command_is_durable_before_it_is_acknowledged(served: ServedEngine) -> None:
    body = {"command_id": "c1", "kind": "strategy_enable", "body": {"strategy": "la1"}}
    status, answer = served.post("/api/v1/commands", body)
    assert (status, answer["status"]) == (202, "accepted")
    logged = [
        msgspec.msgpack.decode(frame.payload, type=CommandRecord)
        for frame in read_all(served.data / "api")
        if frame.stream == COMMANDS and frame.type < LOG_TYPES
    ]
    assert [record.command_id for record in logged] == ["c1"]
    assert served.post("/api/v1/commands", body)[1] == answer
    assert len(read_all(served.data / "api")) == len(logged)
    assert served.get("/api/v1/commands/c1")[1]["status"] == "accepted"
    assert served.get("/api/v1/commands/c2")[0] == 404


def test_the_kill_switch_answers_unknown_while_no_core_takes_it(served: ServedEngine) -> None:
    served.publish()
    body = {"command_id": "k1", "kind": "kill_switch", "body": {"on": True, "reason": "now"}}
    status, answer = served.post("/api/v1/commands", body)
    assert (status, answer["status"]) == (200, "unknown")
    served.engine.process(
        ev.CommandReceived(answer["api_seq"], "k1", "kill_switch", b'{"on":true}', "operator")
    )
    served.publish()
    served.until("/api/v1/commands/k1", lambda outcome: outcome["status"] == "done")
    assert served.post("/api/v1/commands", body)[1]["status"] == "done"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "kill_switch"},
        {"command_id": "", "kind": "kill_switch"},
        {"command_id": "x" * 65, "kind": "kill_switch"},
        {"command_id": "c", "kind": "kill_switch", "surprise": 1},
        {"command_id": "c", "kind": "kill_switch", "body": []},
    ],
)
def test_a_malformed_command_is_refused_and_not_logged(
    served: ServedEngine, body: dict[str, object]
) -> None:
    assert served.post("/api/v1/commands", body)[0] == 422
    assert read_all(served.data / "api") == []


def test_a_command_from_another_origin_is_forbidden(served: ServedEngine) -> None:
    body = {"command_id": "c1", "kind": "kill_switch", "body": {"on": True}}
    status, answer = served.post("/api/v1/commands", body, origin="http://evil.example")
    assert status == 403
    assert "Origin" in answer["detail"]
    status, _ = served.get("/api/v1/state", host="evil.example")
    assert status == 403
    with pytest.raises(InvalidStatus):
        served.socket("/ws/execution", origin="http://evil.example")
    assert read_all(served.data / "api") == []


@pytest.mark.parametrize(
    ("host", "origin", "changes", "refused"),
    [
        ("127.0.0.1:8080", None, False, False),
        ("localhost:8080", "http://localhost:8080", True, False),
        ("[::1]:8080", "http://[::1]:8080", True, False),
        ("127.0.0.1:8080", None, True, True),
        ("127.0.0.1:8080", "http://127.0.0.1:9090", True, True),
        ("127.0.0.1:8080", "null", True, True),
        ("127.0.0.1.evil.example", None, False, True),
        ("", None, False, True),
    ],
)
def test_who_may_ask(host: str, origin: str | None, changes: bool, refused: bool) -> None:
    assert bool(refusal(host, origin, changes)) is refused


def test_unknown_paths_are_json_404(served: ServedEngine) -> None:
    status, answer = served.get("/api/v1/nothing")
    assert status == 404
    assert "nothing" in answer["detail"]
    assert served.get("/api/v2/state")[0] == 404
