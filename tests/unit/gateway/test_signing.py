"""Keys by reference: they sign what the venue documents; what is wrong is said without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from thft.core.config import Config
from thft.core.findings import findings
from thft.fix import tags
from thft.fix.dictionary import fix44
from thft.fix.session.terms import SessionConfig
from thft.gateway.fix.credential import NoCredential, ed25519_signer
from thft.gateway.fix.settings import FixSettings, dialect_findings
from thft.sim.fix.keys import key_from, pem

# The example that Binance publishes with its FIX API for checking a signature.
EXAMPLE_KEY = "MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u"
EXAMPLE_SIGNATURE = (
    "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="
)
LABEL = "PRIVATE KEY"


def test_the_published_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE", f"-----BEGIN {LABEL}-----\n{EXAMPLE_KEY}\n-----END {LABEL}-----")
    sign = ed25519_signer("env:EXAMPLE", "EXAMPLE", "SPOT")
    wanted = EXAMPLE_SIGNATURE.encode()
    signed = [(tags.RAW_DATA_LENGTH, 88), (tags.RAW_DATA, wanted)]
    assert list(sign(1, b"20240627-11:17:25.223")) == signed
    assert list(sign(2, b"20240627-11:17:25.223")) != signed


def other_kind() -> bytes:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def with_passphrase() -> bytes:
    form = BestAvailableEncryption(b"open")
    return key_from("x").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, form)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (lambda: pem(key_from("x")), 0o640, "can be read by others: chmod 600"),
        (lambda: pem(key_from("x"))[:-40], 0o600, "no private key in PEM form"),
        (lambda: b"a secret that is no key", 0o600, "no private key in PEM form"),
        (lambda: b"", 0o600, "is empty"),
        (other_kind, 0o600, "of another kind"),
        (with_passphrase, 0o600, "wants a passphrase"),
    ],
    ids=["open file", "cut", "text", "empty", "other kind", "passphrase"],
)
def test_a_key_that_cannot_sign_is_refused_without_a_word_of_it(
    content: Callable[[], bytes], mode: int, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    secret = content()
    path.write_bytes(secret)
    path.chmod(mode)
    with pytest.raises(NoCredential) as refused:
        ed25519_signer(f"file:{path}", "A", "B")
    shown = str(refused.value).replace(" — ", ": ")
    assert said in shown and str(path) in shown
    for line in secret.decode().splitlines()[1:-1] or [secret.decode()]:
        assert not line or line not in shown
    assert refused.value.__cause__ is None


def test_a_missing_key_names_its_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    for reference in ("env:NO_SUCH_KEY", f"file:{tmp_path}/none.pem"):
        with pytest.raises(NoCredential, match=reference.partition(":")[2]):
            ed25519_signer(reference, "A", "B")


@pytest.mark.parametrize(
    ("dialect", "changes", "key", "said"),
    [
        ("binance", {}, "fix.signing_key", "wants its Logon signed by ed25519"),
        ("binance", {"key": "file:k.pem"}, "fix.key", "what signs a Logon is fix.signing_key"),
        ("binance", {"hosts": {"feed": "h"}}, "fix.hosts.feed", "the dialect has no link 'feed'"),
        ("fxcm", {"signing_key": "env:K"}, "fix.signing_key", "the dialect signs nothing"),
    ],
)
def test_settings_against_their_dialect(
    dialect: str, changes: dict[str, Any], key: str, said: str
) -> None:
    settings = FixSettings(host="h", sender_comp_id="THFT", username="u", **changes)
    found = dict(dialect_findings(dialect, settings, live=False, trades=False))
    assert said in found[key]


def test_live_orders_are_refused_where_nothing_tells_what_was_missed() -> None:
    settings = FixSettings(host="h", sender_comp_id="THFT", username="u", signing_key="env:K")
    live = dict(dialect_findings("binance", settings, live=True, trades=True))
    assert list(live) == ["dialect"] and "drop copy and REST" in live["dialect"]
    for running, trades in ((False, True), (True, False)):
        assert not list(dialect_findings("binance", settings, live=running, trades=trades))


def test_a_key_in_the_configuration_itself_is_refused_and_not_repeated() -> None:
    fix = {"host": "h", "sender_comp_id": "THFT", "signing_key": EXAMPLE_KEY}
    venue = {"name": "b", "dialect": "binance", "symbols": {}, "fix": fix}
    (found,) = findings({"venues": [venue]}, Config)
    assert found.startswith("venues[0].fix.signing_key: expected a reference to a secret")
    assert EXAMPLE_KEY[:12] not in found


def test_a_session_does_not_show_what_its_logon_holds() -> None:
    logon = ((tags.USERNAME, "trader"), (tags.PASSWORD, "hunter2"))
    config = SessionConfig(sender="A", target="B", dictionary=fix44(), logon=logon)
    assert config.logon == logon and "hunter2" not in repr(config)
