"""How both Experts begin, cut frames, refuse wrong ones and end, with a peer that says anything."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.mql import mutations as m
from tests.mql.experts import staged
from tests.mql.peer import Peer

from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r

pytestmark = [pytest.mark.slow, pytest.mark.once]
BOTH = pytest.mark.parametrize("dialect", [5, 4])
T = (
    *("1", "k1", "0123456789abcdef0123456789abcdef", "51001234", "Broker-Demo"),
    *("00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100", 1764093600000),
)


def test_the_peer_keeps_to_the_documents_test_vectors() -> None:
    keys = k.agree(bytes(range(32)), *T)
    assert keys.proof_ea.startswith("55ccc1e00a3e05a972aaf4da9711e474")
    body = k.signed(keys.frames_engine, "3|PING|7|1764093601000")
    assert m.line(body).startswith(b"87|f7812499|3|PING|7|1764093601000|1ce2ab9e3de9cfe3")
    assert m.line("1|PONG|7|1764093601000|3") == b"24|2c374ec3|1|PONG|7|1764093601000|3\n"


@BOTH
@pytest.mark.parametrize("quirks", [False, True])
def test_an_expert_proves_itself_and_answers(dialect: int, quirks: bool) -> None:
    with staged(dialect, quirks=quirks, count_from=(1 << 32) - 51_056_000) as (peer, _):
        peer.welcome()
        hello = peer.hello
        assert hello is not None
        assert (hello.version, hello.platform, hello.account) == ("1", str(dialect), "51001234")
        for _ in range(5):
            peer.ping()


@BOTH
def test_frames_may_come_in_any_pieces(dialect: int) -> None:
    with staged(dialect, step_ms=1) as (peer, _):
        peer.welcome()
        ping = r.Ping(peer.pings + 1, peer.now_ms())
        for cut in range(len(peer.frame(ping, peer.out + 1))):
            peer.pings += 1
            line = peer.frame(r.Ping(peer.pings, ping.time_ms))
            peer.raw(line[:cut])
            peer.receive(0.002)
            peer.raw(line[cut:])
        peer.until(lambda: len(peer.pongs) == peer.pings, "all PONGs")
        merged = b""
        for _ in range(200):
            peer.pings += 1
            merged += peer.frame(r.Ping(peer.pings, ping.time_ms))
        peer.raw(merged)
        peer.until(lambda: len(peer.pongs) == peer.pings, "all PONGs")
        assert [one.n for one in peer.pongs] == list(range(1, peer.pings + 1))


@BOTH
@pytest.mark.parametrize(
    ("code", "waits_ms"),
    [("VERSION", 60_000), ("AUTH", 60_000), ("MODE", 60_000), ("LIMIT", 1_000)],
)
def test_a_rejected_expert_waits_as_the_code_says(dialect: int, code: str, waits_ms: int) -> None:
    with staged(dialect, step_ms=100) as (peer, terminal):
        peer.accept()
        before = terminal.report()["mono_ms"]
        peer.send(r.Reject(code, "no"))
        peer.accept()
        waited = terminal.report()["mono_ms"] - before
        assert waits_ms <= waited < waits_ms + 5_000
        assert any(code in line for line in terminal.prints)


@BOTH
def test_attempts_grow_rarer_up_to_a_minute(dialect: int) -> None:
    with staged(dialect, step_ms=100) as (peer, terminal):
        peer.accept()
        peer.server.close()
        peer.drop()
        deadline = time.monotonic() + 20
        before = terminal.report()
        while (report := terminal.report())["mono_ms"] < before["mono_ms"] + 600_000:
            assert time.monotonic() < deadline
        # 1, 2, 4 … 32, then each minute: 6 in the first minute, one in each other
        minutes = (report["mono_ms"] - before["mono_ms"]) / 60_000
        assert minutes <= report["dials"] - before["dials"] <= minutes + 8


@BOTH
def test_who_was_replaced_stays_away_until_it_is_attached_again(dialect: int) -> None:
    with staged(dialect, step_ms=1_000) as (peer, terminal):
        peer.welcome()
        first = peer.hello
        peer.send(r.Bye("REPLACED", "another"))
        peer.ended()
        before = terminal.report()
        while terminal.report()["mono_ms"] < before["mono_ms"] + 300_000 and (
            terminal.report()["sockets"] == 0 and terminal.report()["timer_ms"] > 0
        ):
            pass
        assert terminal.report()["dials"] == before["dials"]
        terminal.ask("restart")
        peer.welcome()
        assert first is not None and peer.hello is not None
        assert first.session != peer.hello.session
        assert first.nonce != peer.hello.nonce


def _wrong(peer: Peer, how: str, other: Peer) -> bytes:
    """Returns a frame that trades if it is taken."""
    order = peer.order("wrong-1")
    body = m.body_of(peer, order, peer.out + 1)
    assert peer.keys is not None and other.keys is not None
    return {
        "unsigned": lambda: m.line(body),
        "number": lambda: m.signed(peer, m.body_of(peer, order, peer.out + 2)),
        "checksum": lambda: m.signed(peer, body).replace(b"|OPEN|", b"|OPEN||"),
        "other account": lambda: m.line(k.signed(other.keys.frames_engine, body)),
        "other direction": lambda: m.line(k.signed(peer.keys.frames_ea, body)),
        "unknown type": lambda: m.signed(peer, body.replace("|OPEN|", "|OPENS|")),
        "too long": lambda: m.signed(peer, body + "x" * 66_000),
    }[how]()


@BOTH
@pytest.mark.parametrize(
    "how",
    [
        *("unsigned", "number", "checksum", "other account", "other direction", "unknown type"),
        *("too long",),
    ],
)
def test_a_wrong_frame_ends_the_connection_and_trades_nothing(dialect: int, how: str) -> None:
    with (
        staged(dialect, step_ms=100) as (peer, terminal),
        staged(dialect, step_ms=100, login="77", peer_key=bytes(32), key="00" * 32) as (other, _),
    ):
        peer.welcome()
        other.welcome()
        peer.raw(_wrong(peer, how, other))
        bye = peer.ended()
        assert bye is not None and bye.code == "FRAME"
        peer.welcome()  # and all is well again
        assert terminal.report()["order_sends"] == 0


@BOTH
def test_a_recorded_connection_is_worth_nothing(dialect: int) -> None:
    with staged(dialect, step_ms=100) as (peer, terminal):
        peer.welcome()
        nonce_of = peer.hello
        order = peer.frame(peer.order("once-1"))
        peer.raw(order)
        peer.wait(r.Result)
        peer.raw(order)
        assert peer.ended() is not None
        peer.welcome()
        peer.raw(order)
        assert peer.ended() is not None
        assert nonce_of is not None and peer.hello is not None
        assert terminal.report()["order_sends"] == 1


@BOTH
def test_an_engine_without_the_key_is_told_nothing(dialect: int) -> None:
    with staged(dialect, step_ms=100, peer_key=bytes(32)) as (peer, terminal):
        peer.accept()
        proof = peer.challenge()
        assert peer.wait(r.Auth).proof != proof
        assert peer.keys is not None
        peer.send(r.Welcome(peer.keys.proof_engine, 2_000, 15_000))
        peer.ended()
        assert not peer.hearts
        assert terminal.report()["order_sends"] == 0


@BOTH
def test_silence_ends_a_connection(dialect: int) -> None:
    with staged(dialect, step_ms=100) as (peer, terminal):
        peer.welcome()
        terminal.ask("clock 11000")
        bye = peer.ended()
        assert bye is not None and bye.code == "SILENCE"
        peer.accept()
        terminal.ask("clock 11000")
        peer.ended()


@BOTH
@pytest.mark.parametrize("stage", ["HELLO", "AUTH", "OPEN"])
def test_a_cut_at_any_stage_is_mended(dialect: int, stage: str) -> None:
    with staged(dialect, step_ms=100) as (peer, terminal):
        for how in ("peer", "terminal"):
            peer.accept()
            if stage != "HELLO":
                peer.challenge()
                peer.wait(r.Auth)
            if stage == "OPEN":
                peer.drop()
                peer.welcome()
            if how == "terminal":
                terminal.ask("cut")
            peer.drop()
        peer.welcome()


@BOTH
def test_inputs_that_cannot_be_are_refused_in_words(dialect: int) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"key": "abc"}, "64 hex digits"),
        ({"InpKeyId": "no|pe"}, "key id"),
        ({"InpPort": 0}, "port"),
        ({"InpHost": "192.0.2.1"}, "TLS"),
    ]
    for inputs, words in cases:
        with staged(dialect, **inputs) as (_, terminal):
            terminal.until_printed(words)
            assert not terminal.report()["loaded"]
