"""The acceptor around sessions: who is let in, what refusals look like, slow peers, clocks, TLS."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fix.programs import AcceptingWire, Listener, Program, SocketWire, drive, echo
from tests.fix.script import Failed, Player, VirtualWire, settings

from thft.cli.fix_echo import Echo
from thft.fix.session import MemoryStore, Session
from thft.fix.wire import Message
from thft.gateway.fix_acceptor import AcceptorLimits, FixAcceptor

LOGON = "35=A|98=0|108=30"


def served(
    play: Callable[[int], None],
    limits: AcceptorLimits | None = None,
    password: bytes | None = None,
    write_limit_bytes: int = 16 << 20,
) -> list[str]:
    """Runs an acceptor while `play(port)` talks to it; returns what it reported."""
    reports: list[str] = []

    async def authenticate(logon: Message, session: Session) -> str:
        if password is None or logon.get(554) == password:
            return ""
        await asyncio.sleep(0.05)
        return "wrong password"

    async def main() -> None:
        session = Session(settings(""), MemoryStore())
        acceptor = FixAcceptor(
            [session],
            lambda one: Echo(one.config.dictionary),
            reports.append,
            limits=limits,
            authenticate=authenticate,
            write_limit_bytes=write_limit_bytes,
        )
        port = await acceptor.listen("127.0.0.1", 0)
        await asyncio.to_thread(play, port)
        await acceptor.close("the test is over")

    asyncio.run(main())
    return reports


def refusal(port: int, logon: str, us: str = "TW") -> tuple[str, float]:
    """Returns what a refused Logon is answered with, without times, and after how long."""
    wire = SocketWire(port)
    player = Player(wire, us)
    player.do_connect("")
    began = time.monotonic()
    player.say(logon)
    raw = wire.next_message(wanted=True)
    assert raw is not None and wire.is_closed()
    fields = raw.decode().split("\x01")
    return "|".join(f for f in fields if f[:3] not in ("52=", "10=")), time.monotonic() - began


def test_a_wrong_password() -> None:
    """CON-18: refused like an unknown name, and only the operator learns why."""

    def play(port: int) -> None:
        Player(SocketWire(port)).play(f"connect\n> {LOGON}|553=me|554=wrong\nclosed")
        Player(SocketWire(port)).play(
            f"connect\n> {LOGON}|553=me|554=right\n< 35=A|34=1|98=0|108=30\nbye 2"
        )

    reports = served(play, AcceptorLimits(logon_refusal="silent"), b"right")
    assert any("wrong password" in report for report in reports)


@pytest.mark.alone
def test_refusals_do_not_differ() -> None:
    """CON-4: unknown and wrong get the same Logout after the same time."""

    def play(port: int) -> None:
        wrong, unknown = [], []
        for _ in range(5):
            wrong.append(refusal(port, f"{LOGON}|553=me|554=wrong"))
            unknown.append(refusal(port, f"{LOGON}|553=me|554=wrong", us="NO"))
        text = "8=FIX.4.4|9=66|35=5|34=1|49=ISLD|56=TW|58=Logon refused|"
        assert {answer for answer, _ in wrong} == {text}
        assert {answer for answer, _ in unknown} == {text.replace("TW", "NO")}
        assert all(0.18 < took < 1.0 for _, took in wrong + unknown), (wrong, unknown)

    served(play, AcceptorLimits(refusal_delay_s=0.2), b"right")


@pytest.mark.alone
def test_a_logon_timeout() -> None:
    """CON-12 on a socket."""

    def play(port: int) -> None:
        wire = SocketWire(port)
        wire.connect()
        wire.wait(0.2)
        Player(wire).play("open")
        wire.wait(0.3)
        Player(wire).play("closed")

    reports = served(play, AcceptorLimits(logon_timeout_s=0.4))
    assert reports == ["no session: no Logon within 0.4 s"]


def test_a_peer_that_does_not_read() -> None:
    """OUT-7: what waits for a slow peer is bounded; it is cut with the reason."""

    def play(port: int) -> None:
        wire = SocketWire(port)
        player = Player(wire)
        player.play("logon")
        mail = "35=C|94=0|147=big|164=T|33=1|58=" + "x" * 50_000
        with pytest.raises(Failed):
            for _ in range(2_000):
                player.say(mail)
                player.log.clear()

    reports = served(play, write_limit_bytes=1 << 20)
    assert any("does not read" in report for report in reports)


@pytest.mark.alone
@pytest.mark.parametrize("initiator", [False, True])
def test_timers_go_by_the_monotonic_clock(initiator: bool) -> None:
    """HB-7: UTC jumps an hour back and forth, and heartbeats come when they should."""
    role = {"initiator": initiator, "reset_on_logon": True}
    wire = VirtualWire(settings("logon 10", sending_time_window_ns=0, **role))
    steps = iter([3_600, -7_200, 86_400])
    utc = {"step": 0}
    wire.now_ns = lambda: 1_700_000_000_000_000_000 + wire.monotonic_ns + utc["step"]  # type: ignore[method-assign]
    player = Player(wire, initiator=initiator)
    player.play("logon 10")
    for number, step in enumerate(steps):
        utc["step"] += step * 1_000_000_000
        player.play(f"wait 9.999\nquiet\nwait 0.001\n< 35=0|34={number + 2}\n> 35=0")


@pytest.mark.alone
def test_heartbeats_under_load() -> None:
    """HB-7: a session that floods does not keep another's heartbeat from coming."""
    with echo() as program:
        quiet, loud = SocketWire(program.port), SocketWire(program.port)
        player = Player(quiet)
        player.play("logon 1")
        flood = Player(loud, us="TW44")
        flood.play("logon")
        end, sent = time.monotonic() + 1.1, 0
        while time.monotonic() < end:
            for _ in range(50):
                flood.say("35=1|112=LOAD")
                flood.log.clear()
                sent += 1
            for _ in range(50):
                assert loud.next_message(wanted=True)
        assert sent > 100
        player.expect("35=0|34=2")


# ---- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a certificate for localhost and 127.0.0.1, one for elsewhere, a client's."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl — apt-get install -y --no-install-recommends openssl")
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca")
    for name, host in (
        ("server", "DNS:localhost,IP:127.0.0.1"),
        ("elsewhere", "DNS:elsewhere.test"),
        ("client", "DNS:client.test"),
    ):
        run(*new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "san").write_text(f"subjectAltName={host}\n")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "2", *signed)
    return folder


def client(certificates: Path, name: str = "") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    if name:
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


def tls_options(certificates: Path, name: str = "server") -> tuple[str, ...]:
    pair = (str(certificates / f"{name}.pem"), str(certificates / f"{name}.key"))
    return "--certificate", pair[0], "--key", pair[1]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_echo_over_tls(certificates: Path) -> None:
    with echo(*tls_options(certificates)) as program:
        wire = SocketWire(program.port, client(certificates), piece=7)
        Player(wire).play("logon\n> 35=D|$A1\n< 35=D|34=2|$A1\n> 35=0|34=9\n< 35=2|34=3|7=3|16=0")
        old = client(certificates)
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            SocketWire(program.port, old).connect()
        plain = SocketWire(program.port)
        plain.connect()
        Player(plain).say(LOGON)
        assert plain.is_closed()
        assert plain.next_message(wanted=False) is None


def test_many_messages_over_tls(certificates: Path) -> None:
    with echo(*tls_options(certificates)) as program:
        wire = SocketWire(program.port, client(certificates))
        player = Player(wire)
        player.play("logon")
        for number in range(300):
            player.say(f"35=1|112=T{number}")
        for number in range(300):
            player.expect(f"35=0|34={number + 2}|112=T{number}")


def test_echo_that_wants_a_client_certificate(certificates: Path) -> None:
    ca = ("--client-ca", str(certificates / "ca.pem"))
    with echo(*tls_options(certificates), *ca) as program:
        Player(SocketWire(program.port, client(certificates, "client"))).play("logon\nbye 2")
        stranger = SocketWire(program.port, client(certificates))
        with pytest.raises((Failed, OSError)):
            Player(stranger).play("logon")


@pytest.mark.parametrize(("name", "good"), [("server", True), ("elsewhere", False)])
def test_drive_verifies_the_host(certificates: Path, name: str, good: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    listener = Listener(tls=context)
    wire = AcceptingWire(listener)
    ca = ("--tls", "--ca", str(certificates / "ca.pem"))
    with drive(listener.port, None, *ca, "--retry-ms", "50") as program:
        if good:
            Player(wire, us="RUNNER", them="INIT").play("connect\n< 35=A|34=1|98=0|108=30|141=Y")
        else:
            with pytest.raises((ssl.SSLError, OSError)):
                wire.connect()
            program.said("certificate")
    listener.close()


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = Program("fix-echo", "--port", str(port), ready=False)
        code, _, err = program.ended()
        assert code == 2
        assert str(port) in err and "Traceback" not in err
