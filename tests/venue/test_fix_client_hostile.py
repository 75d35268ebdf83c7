"""TLS, and venues that say what they should not: the session's state has the words for it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.venue.fix_engine import ACCOUNT, FEED, Engine, Stage, run

from thft.model.fixed import parse_price
from thft.sim.fix.client import Client
from thft.sim.fix.profile import PASSWORD


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_PASSWORD", PASSWORD)
    yield


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates that trust themselves: good, elsewhere, expired, client."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl — apt-get install -y --no-install-recommends openssl")
    folder = tmp_path_factory.mktemp("pems")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name, host in (("good", "localhost"), ("elsewhere", "elsewhere"), ("client", "client")):
        alternative = ("-addext", f"subjectAltName=DNS:{host}")
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2")
        openssl("req", "-x509", *key, *files, "-subj", f"/CN={host}", *alternative)
    _expired(folder, openssl)
    return folder


def _expired(folder: Path, openssl: Any) -> None:
    """Makes a certificate of last year; only `openssl ca` takes dates everywhere."""
    (folder / "index").write_text("")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
        "default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
        "[names]\nsubjectAltName=DNS:localhost\n"
    )
    (folder / "serial").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(
        "req", "-new", *key, "-keyout", "expired.key", "-out", "e.csr", "-subj", "/CN=localhost"
    )
    dates = ("-startdate", "20240101000000Z", "-enddate", "20250101000000Z")
    own = ("-selfsign", "-keyfile", "expired.key", "-in", "e.csr", "-out", "expired.pem")
    openssl("ca", "-batch", "-config", "ca.cnf", *own, *dates, "-notext")


def server(pems: Path, name: str, client: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pems / f"{name}.pem", pems / f"{name}.key")
    if client:
        context.load_verify_locations(pems / f"{client}.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_tls_with_verification_and_a_certificate_of_ours(pems: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.ready()

    run(
        story,
        tls=server(pems, "good", "client"),
        host="localhost",
        ca=str(pems / "good.pem"),
        certificate=str(pems / "client.pem"),
        key=str(pems / "client.key"),
    )


@pytest.mark.parametrize(
    ("served", "settings", "words"),
    [
        ("expired", {"ca": "expired.pem"}, "certificate has expired"),
        ("elsewhere", {"ca": "elsewhere.pem"}, "mismatch"),
        ("good", {}, "self-signed certificate"),
        ("good", {"ca": "none.pem"}, "none.pem: no such file"),
        ("good", {"ca": "good.pem", "certificate": "good.key"}, "good.key"),
    ],
    ids=["expired", "another host", "not trusted", "no file", "no certificate"],
)
def test_a_certificate_that_does_not_hold_is_named(
    pems: Path, served: str, settings: dict[str, str], words: str
) -> None:
    async def story(stage: Stage) -> None:
        engine = stage.engine()
        await stage.until(lambda: words in str(engine.account_states), "the words", engine)
        await stage.until(lambda: words in str(engine.feed_states), "the words", engine)
        assert engine.account in ("OFFLINE", "HALTED", "CONNECTING")
        assert not stage.venue.clients

    paths: dict[str, Any] = {key: str(pems / name) for key, name in settings.items()}
    run(story, tls=server(pems, served), host="localhost", **paths)


def venue_side(stage: Stage, link: str) -> Client:
    (client,) = (one for one in stage.venue.clients if one.terms.name == link)
    return client


async def good(stage: Stage, engine: Engine) -> None:
    """The engine trades as if nothing had been."""
    stage.tick(bid="1.17200", ask="1.17204")
    book = engine.kernel.state.book(FEED, 1)
    await stage.until(lambda: book.ask == parse_price("1.17204"), "the quote", engine)
    order_id = engine.submit()
    await stage.until(lambda: engine.order(order_id).state == "FILLED", "the fill", engine)
    stage.agree(engine)


def test_a_declared_length_of_a_gigabyte_ends_that_session_alone() -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        wire = venue_side(stage, "quote").link.wire
        assert wire is not None
        wire.put_raw(b"8=FIX.4.4\x019=1000000000\x0135=W\x01")
        await stage.until(
            lambda: any("1048576" in reason for _, reason in engine.feed_states), "words", engine
        )
        await stage.until(lambda: engine.feed == "READY", "READY again", engine)
        assert engine.account_states[-1][0] == "READY" and engine.account_states[-1][2] == 1
        await good(stage, engine)

    run(story)


@pytest.mark.parametrize(
    ("link", "kind", "body"),
    [
        ("quote", "W", [(55, "1"), (268, "1000000"), (269, "0"), (270, "1.1")]),
        ("quote", "W", [(55, "1"), (268, "2"), (269, "0"), (270, "1.1")]),
        ("quote", "W", [(55, "4711"), (268, [[(269, "0"), (270, "1.1")]])]),
        ("quote", "W", [(55, "1"), (268, [[(269, "0"), (270, "one")]])]),
        ("quote", "X", [(268, "500"), (279, "0"), (55, "1")]),
        ("quote", "AE", [(571, "what")]),
        ("trade", "8", [(150, "F"), (39, "2"), (14, "5"), (6, "1.1")]),
        ("trade", "8", [(11, "x" * 9), (37, "9"), (150, "F"), (14, "much"), (6, "1.1")]),
        ("trade", "AP", [(710, "an1"), (727, "one")]),
        ("trade", "y", [(320, "sl1"), (560, "0"), (146, "7"), (55, "1")]),
        ("trade", "B", [(148, "news")]),
        ("trade", "j", [(58, "nothing we asked for"), (379, "elsewhere"), (380, "0")]),
    ],
)
def test_a_message_that_makes_no_sense_is_a_fault_and_nothing_more(
    link: str, kind: str, body: list[tuple[int, Any]]
) -> None:
    async def story(stage: Stage) -> None:
        engine = await stage.ready()
        venue_side(stage, link).say(kind, body)
        await stage.until(lambda: bool(engine.faults), "the fault", engine)
        await stage.until(lambda: engine.account == "READY", "READY", engine)
        await good(stage, engine)
        assert (engine.feed, engine.kernel.state.accounts[ACCOUNT].session) == ("READY", 1)

    run(story)
