"""The shipped `fix-echo` on a real socket: the scripts again, and what only a socket can show."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fix.programs import Program, SocketWire, echo
from tests.fix.script import Failed, Player, message, scenarios, split
from tests.fix.test_scenarios import ECHO_FILES

from thft.stream.watermark import Watermark

SCRIPTS = {title: text for name in ECHO_FILES for title, text in scenarios(name).items()}
ORDER = "11={}|21=3|38=100|40=1|54=1|55=INTC|60=20240102-03:04:05"


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with echo() as running:
        yield running


@pytest.mark.parametrize("title", SCRIPTS)
def test_script(program: Program, title: str) -> None:
    wire = SocketWire(program.port)
    Player(wire).play(SCRIPTS[title])
    wire.cut()


@pytest.mark.parametrize("title", [title for title in SCRIPTS if title.startswith(("SEQ", "RSD"))])
def test_byte_by_byte(program: Program, title: str) -> None:
    wire = SocketWire(program.port, piece=1)
    Player(wire, us="TW44").play(SCRIPTS[title])
    wire.cut()


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("title", scenarios("slow"))
def test_slow_script(program: Program, title: str) -> None:
    Player(SocketWire(program.port)).play(scenarios("slow")[title])


def test_many_messages_in_one_write_and_all_again(program: Program) -> None:
    """RSD-11: 600 orders and half a message in one write, answered and resent in order."""
    wire = SocketWire(program.port)
    player = Player(wire)
    player.play("logon")
    fields = [player._filled(f"35=D|{ORDER.format(f'M{number}')}") for number in range(600)]
    half = message(player._filled("35=1|112=HALF"))
    wire.send(b"".join(map(message, fields)) + half[:30])
    for number in range(600):
        player.expect(f"35=D|34={number + 2}|{ORDER.format(f'M{number}')}")
    wire.send(half[30:])
    player.expect("35=0|34=602|112=HALF")
    player.say("35=2|7=1|16=0")
    player.expect("35=4|34=1|43=Y|122=*|36=2|123=Y")
    for number in range(600):
        player.expect(f"35=D|34={number + 2}|43=Y|122=*|{ORDER.format(f'M{number}')}")
    player.expect("35=4|34=602|43=Y|122=*|36=603|123=Y")
    player.play("bye 603")


def test_second_connection_with_a_live_identity(program: Program) -> None:
    """CON-9: it is dropped without a word, and the first does not notice."""
    first, second = SocketWire(program.port), SocketWire(program.port)
    player = Player(first)
    player.play("logon\n> 35=1|112=A\n< 35=0|34=2|112=A")
    Player(second).play("connect\n> 35=A|98=0|108=30\nclosed")
    player.play("> 35=1|112=B\n< 35=0|34=3|112=B")
    Player(second, us="TW44").play("logon\nbye 2")
    player.play("bye 4")


def test_session_without_values(program: Program) -> None:
    player = Player(SocketWire(program.port), us="NO_CHECK_FIELDS_HAVE_VALUES")
    order = "11=A|21=3|38=100|40=1|54=1|55=INTC|58=|60=20240102-03:04:05"
    player.play(f"logon\n> 35=D|{order}\n< 35=D|34=2|{order}")
    player.play(
        "> 35=D|$A1|386=\n"
        "< 35=j|34=3|45=3|58=tag 386: -1 entries declared, 0 found|372=D|380=0\nbye 4"
    )


def test_ids_are_forgotten_at_the_end(program: Program) -> None:
    player = Player(SocketWire(program.port))
    again = "logon\n> 35=D|97=Y|$X\n< 35=D|34=2|97=Y|$X\n> 35=D|97=Y|$X\n"
    player.play(again + "bye 3")
    player.play(again + "cut")
    player.play(again + "bye 3")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"8=FIX.4.4\x019=x\x01",
        bytes(range(256)) * 8,
        b"8=" * 999,
    ],
)
def test_garbage_before_a_logon(program: Program, garbage: bytes) -> None:
    """CON-13: it is never answered, and a session that follows works."""
    wire = SocketWire(program.port)
    wire.connect()
    wire.send(garbage)
    wire.wait(0.1)
    assert wire.next_message(wanted=False) is None
    wire.cut()
    Player(SocketWire(program.port)).play("logon\nbye 2")


@pytest.mark.parametrize("length", ["1073741824", "99999999999999999999"])
def test_hostile_lengths(program: Program, length: str) -> None:
    """A declared gigabyte ends the connection, before a Logon and after."""
    other = Player(SocketWire(program.port), us="TW44")
    other.play("logon")
    for opening in ("connect", "logon"):
        wire = SocketWire(program.port)
        Player(wire).play(opening)
        wire.send(f"8=FIX.4.4\x019={length}\x0135=D\x01".encode())
        assert wire.is_closed()
    other.play("> 35=1|112=ALIVE\n< 35=0|34=2|112=ALIVE\nbye 3")


def test_much_without_a_message(program: Program) -> None:
    wire = SocketWire(program.port)
    wire.connect()
    try:
        for _ in range(100):
            wire.send(b"x" * 4_096)
    except Failed:
        pass
    assert wire.is_closed()


def test_stop(tmp_path: object) -> None:
    """OUT-6: SIGTERM logs sessions out with a reason; the exit is clean."""
    with echo() as program:
        wire = SocketWire(program.port)
        player = Player(wire)
        player.play("logon")
        program.process.terminate()
        player.expect("35=5|34=2|58=the acceptor is stopped")
        player.say("35=5")
        assert wire.is_closed()
        code, out, err = program.ended()
        assert (code, out) == (0, ""), err
        assert "Traceback" not in err


def test_too_many_connections_that_wait() -> None:
    """CON-12: connections that never log on are bounded, and a session beside them goes on."""
    with echo() as program:
        player = Player(SocketWire(program.port))
        player.play("logon")
        waiting = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(50)]
        late = SocketWire(program.port)
        late.connect()
        assert late.is_closed()
        player.play("> 35=1|112=A\n< 35=0|34=2|112=A")
        for one in waiting:
            one.close()
        end = time.monotonic() + 5
        while True:
            other = SocketWire(program.port)
            try:
                Player(other, us="TW44").play("logon\nbye 2")
                break
            except Failed:
                assert time.monotonic() < end
        player.play("bye 3")


def test_switches() -> None:
    """789, 369, chunks and precision as the command line sets them."""
    rules = (
        "--next-expected",
        "--last-processed",
        "--resend-chunk",
        "2",
        "--timestamp-digits",
        "6",
    )
    with echo(*rules) as program:
        wire = SocketWire(program.port)
        wire.connect()
        player = Player(wire)
        player.say("35=A|98=0|108=30")
        logon = dict(split_any(wire))
        assert (logon[369], logon[789], len(logon[52])) == ("1", "2", 24)
        player.say("35=0|34=8")
        request = dict(split_any(wire))
        assert (request[7], request[16]) == ("2", "3")


def test_an_acceptor_that_goes_on_after_a_kill(tmp_path: Path) -> None:
    """INI-8 from the other side: numbers and messages of `--store` survive SIGKILL."""
    keep = ("--no-reset-on-logon", "--store", str(tmp_path))
    with echo(*keep) as program:
        Player(SocketWire(program.port)).play("logon\n> 35=D|$A1\n< 35=D|34=2|$A1")
        program.kill()
    with echo(*keep) as program:
        Player(SocketWire(program.port)).play(
            """
            connect 3
            > 35=A|98=0|108=30
            < 35=A|34=3|98=0|108=30
            > 35=2|7=1|16=0
            < 35=4|34=1|43=Y|122=*|36=2|123=Y
            < 35=D|34=2|43=Y|122=*|$A1
            < 35=4|34=3|43=Y|122=*|36=4|123=Y
            bye 4
            """
        )


def test_what_a_durable_store_keeps_is_on_the_disk_before_it_is_said(tmp_path: Path) -> None:
    with echo("--store", str(tmp_path), "--durable") as program:
        Player(SocketWire(program.port)).play("logon\n> 35=D|$A1\n< 35=D|34=2|$A1")
        marks = [Watermark(path.parent, create=False) for path in tmp_path.glob("*/watermark")]
        used = max(marks, key=lambda mark: mark.written_seq)
        assert used.durable_seq == used.written_seq > 0
        for mark in marks:
            mark.close()


def split_any(wire: SocketWire) -> list[tuple[int, str]]:
    """Returns the fields of the next message, whatever they are."""
    raw = wire.next_message(wanted=True)
    assert raw is not None
    return split(raw)
