"""The shipped `fix-drive` against a scripted acceptor on a socket: reconnects, store, kills."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fix.programs import AcceptingWire, Listener, Program, drive
from tests.fix.script import Failed, Player, for_either_role, message, scenarios, split
from tests.fix.test_scenarios import ECHO_FILES

KILLS = int(os.environ.get("THFT_FIX_KILLS", "6"))
FRESH = """
connect
< 35=A|34=1|98=0|108=5|141=Y
> 35=A|98=0|108=5|141=Y
"""


SESSION_ONLY = {
    title: script
    for title, script in for_either_role(
        {title: text for name in ECHO_FILES for title, text in scenarios(name).items()}
    ).items()
    if not re.search(r"35=[BCDd8]|\$|raw", script)
}
"""Scripts without messages for an application that answers."""


class Runner:
    """An acceptor at work: its port, its wire, its player."""

    def __init__(self, initiator: bool = False) -> None:
        self.listener = Listener()
        self.wire = AcceptingWire(self.listener)
        self.player = Player(self.wire, us="RUNNER", them="INIT", initiator=initiator)

    def play(self, script: str) -> None:
        self.player.play(script)

    def order(self, text: str) -> None:
        """Expects an order whose TransactTime is now in seconds."""
        raw = self.wire.next_message(wanted=True)
        assert raw is not None, "nothing was sent"
        shown = [(tag, value) for tag, value in split(raw) if tag not in (8, 9, 10, 49, 52, 56)]
        time_of_order = dict(shown)[60]
        assert len(time_of_order) == 17 and "." not in time_of_order
        known = [(tag, "*" if tag == 122 else value) for tag, value in shown[:-1]]
        assert "|".join(f"{tag}={value}" for tag, value in known) == text

    def close(self) -> None:
        self.wire.cut()
        self.listener.close()


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def order(seq: int, number: int, dup: bool = False) -> str:
    again = "43=Y|122=*|" if dup else ""
    return f"35=D|34={seq}|{again}11=ORD-{number}|21=1|38=100|40=1|54=1|55=EURUSD"


def test_orders_on_demand(runner: Runner) -> None:
    with drive(runner.listener.port, None, "--heartbeat", "5"):
        runner.play(FRESH)
        runner.player.say("35=B|148=SEND:3")
        for number in (1, 2, 3):
            runner.order(order(number + 1, number))
        runner.play("> 35=B|148=nothing to do")
        runner.player.say("35=B|148=SEND:1|33=1|58=text")
        runner.order(order(5, 1))
        runner.play("> 35=5\n< 35=5|34=6\nclosed")


@pytest.fixture(scope="module")
def eager() -> Iterator[Runner]:
    """An acceptor at which one program arrives again and again."""
    made = Runner(initiator=True)
    with drive(made.listener.port, None, "--retry-ms", "10"):
        yield made
        made.close()


@pytest.mark.parametrize("title", SESSION_ONLY)
def test_script(eager: Runner, title: str) -> None:
    eager.play(SESSION_ONLY[title])
    eager.wire.cut()


def test_rows_of_the_session(runner: Runner) -> None:
    """INI-11 on the program: gap, garbled, fill, reset, resend, TestRequest, too low."""
    with drive(runner.listener.port, None, "--heartbeat", "5"):
        runner.play(FRESH)
        runner.play(
            """
            > 35=1|112=A
            < 35=0|34=2|112=A
            > checksum 35=0
            > 35=0|34=4
            < 35=2|34=3|7=3|16=0
            > 35=2|34=5|7=1|16=0
            < 35=4|34=1|43=Y|122=*|36=4|123=Y
            > 35=0|34=3|43=Y|122=now
            > 35=4|34=6|123=Y|36=10
            > 35=4|34=3|36=20
            > 35=1|34=20|112=B
            < 35=0|34=4|112=B
            > 35=0|34=9
            < 35=5|34=5|58=MsgSeqNum too low, expecting 21 but received 9
            closed
            """
        )


def test_many_messages_in_one_write_and_all_again(runner: Runner) -> None:
    """RSD-11: 600 questions and half a one in one write; 600 orders, and all of it resent."""
    with drive(runner.listener.port, None, "--heartbeat", "5"):
        runner.play(FRESH)
        player, wire = runner.player, runner.wire
        questions = [player._filled(f"35=1|112=Q{number}") for number in range(600)]
        half = message(player._filled("35=B|148=SEND:600"))
        wire.send(b"".join(map(message, questions)) + half[:30])
        for number in range(600):
            player.expect(f"35=0|34={number + 2}|112=Q{number}")
        wire.send(half[30:])
        for number in range(600):
            runner.order(order(number + 602, number + 1))
        player.say("35=2|7=1|16=0")
        player.expect("35=4|34=1|43=Y|122=*|36=602|123=Y")
        for number in range(600):
            runner.order(order(number + 602, number + 1, dup=True))
        runner.play("> 35=5\n< 35=5|34=1202\nclosed")


@pytest.mark.alone
@pytest.mark.slow
def test_heartbeats_and_silence(runner: Runner) -> None:
    with drive(runner.listener.port, None, "--heartbeat", "2"):
        runner.play(
            """
            connect
            < 35=A|34=1|98=0|108=2|141=Y
            > 35=A|98=0|108=2|141=Y
            wait 2.2
            < 35=0|34=2
            wait 0.6
            < 35=1|34=3|112=TEST
            open
            wait 2.4
            closed
            """
        )


@pytest.mark.alone
@pytest.mark.slow
def test_an_acceptor_that_does_not_answer(runner: Runner) -> None:
    """INI-4: ten seconds, then another try."""
    with drive(runner.listener.port, None, "--heartbeat", "5"):
        runner.play("connect\n< 35=A|34=1|98=0|108=5|141=Y\nwait 9.5\nopen\nwait 1\nclosed")
        runner.play(FRESH)


@pytest.mark.alone
def test_reconnects_after_a_second(runner: Runner) -> None:
    """INI-6: dropped, refused by Logout, or answered by something else: a second later again."""
    with drive(runner.listener.port, None, "--heartbeat", "5"):
        for end in ("cut", "> 35=5|58=not today\nclosed", "> 35=0\nclosed"):
            runner.play("connect\n< 35=A|34=1|98=0|108=5|141=Y\n" + end)
            began = time.monotonic()
            runner.play(FRESH + "cut")
            assert 0.9 < time.monotonic() - began < 2.5


def test_a_refused_connection_takes_no_number(tmp_path: Path) -> None:
    """INI-7: the port opens only after several attempts, and the Logon is number 1."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with drive(port, tmp_path / "store", "--heartbeat", "5", "--retry-ms", "50") as program:
        program.said("connect failed", times=3)
        runner = Runner.__new__(Runner)
        runner.listener = Listener(port)
        runner.wire = AcceptingWire(runner.listener)
        runner.player = Player(runner.wire, us="RUNNER", them="INIT")
        runner.play("connect\n< 35=A|34=1|98=0|108=5|141=N\n> 35=A|98=0|108=5\n> 35=5\n< 35=5|34=2")
        runner.close()


def test_numbers_and_orders_survive_a_kill(runner: Runner, tmp_path: Path) -> None:
    """INI-8: SIGKILL with orders written into a dead socket; after it they come on request."""
    store = tmp_path / "store"
    program = drive(runner.listener.port, store, "--heartbeat", "5")
    runner.play("connect\n< 35=A|34=1|98=0|108=5|141=N\n> 35=A|98=0|108=5")
    runner.player.say("35=B|148=SEND:4")
    for number in range(1, 5):
        runner.order(order(number + 1, number))
    program.kill()
    with drive(runner.listener.port, store, "--heartbeat", "5"):
        runner.play("connect 3\n< 35=A|34=6|98=0|108=5|141=N\n> 35=A|98=0|108=5")
        runner.player.say("35=2|7=2|16=0")
        for number in range(1, 5):
            runner.order(order(number + 1, number, dup=True))
        runner.play("< 35=4|34=6|43=Y|122=*|36=7|123=Y")
        runner.play("> 35=1|34=9|112=GAP\n< 35=2|34=7|7=5|16=0")
        runner.play("> 35=4|34=5|43=Y|122=now|123=Y|36=9\n< 35=0|34=8|112=GAP")


def test_a_second_program_on_the_same_store(runner: Runner, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with drive(runner.listener.port, store):
        runner.play("connect\n< 35=A|34=1|98=0|108=30|141=N")
        with drive(runner.listener.port, store) as second:
            code, _, err = second.ended()
            assert code == 2 and "is in use by process" in err


@pytest.mark.slow
def test_kills_at_any_moment(runner: Runner, tmp_path: Path) -> None:
    """F10: no number stands for two messages, none is skipped, whenever the program is killed."""
    store = tmp_path / "store"
    seen: dict[int, str] = {}
    ours = 1
    for kill in range(KILLS):
        with drive(runner.listener.port, store, "--heartbeat", "30") as program:
            runner.wire.connect()
            logon = dict(split(runner.wire.next_message(wanted=True) or b""))
            assert logon[35] == "A" and int(logon[34]) > max(seen, default=0)
            runner.player.seq = ours
            runner.player.say("35=A|98=0|108=30")
            runner.player.say(f"35=B|148=SEND:{50 + 40 * kill}")
            runner.player.say("35=2|7=1|16=0")
            time.sleep(0.003 * kill)  # the moment of the kill, not a wait for anything
            _drain(runner, seen, stop=program)
            ours = runner.player.seq
    with drive(runner.listener.port, store, "--heartbeat", "30"):
        runner.wire.connect()
        logon = dict(split(runner.wire.next_message(wanted=True) or b""))
        end = int(logon[34])
        runner.player.seq = ours
        runner.player.say("35=A|98=0|108=30")
        runner.player.say("35=2|7=1|16=0")
        covered = 1
        while covered <= end:
            fields = split(runner.wire.next_message(wanted=True) or b"")
            known = dict(fields)
            if known.get(43) != "Y":
                continue
            assert int(known[34]) == covered
            if known[35] == "4":
                gone = [
                    n for n in range(covered, int(known[36])) if seen.get(n, "").startswith("11")
                ]
                assert not gone, f"orders {gone} were sent and are not resent"
                covered = int(known[36])
            else:
                assert seen.get(covered, _body(fields)) == _body(fields)
                covered += 1


def _drain(runner: Runner, seen: dict[int, str], stop: Program) -> None:
    """Kills the program and notes every message that still arrives."""
    stop.kill()
    while (raw := runner.wire.next_message(wanted=True)) is not None:
        try:
            fields = split(raw)
        except Failed:
            break
        seq, body = int(dict(fields)[34]), _body(fields)
        if dict(fields)[35] != "4":
            assert seen.setdefault(seq, body) == body, f"number {seq} stands for two messages"


def _body(fields: list[tuple[int, str]]) -> str:
    header = (8, 9, 10, 34, 35, 43, 49, 52, 56, 122)
    return "|".join(f"{tag}={value}" for tag, value in fields if tag not in header)
