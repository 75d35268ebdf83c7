"""Every row of the checklist on sessions in virtual time: the scripts in `scenarios/`."""

from __future__ import annotations

import pytest
from tests.fix.script import play, scenarios

ECHO_FILES = (
    "connect",
    "numbers",
    "resend",
    "reset",
    "liveness",
    "header",
    "dictionary",
)
ECHO = {
    title: script for name in (*ECHO_FILES, "slow") for title, script in scenarios(name).items()
}
ACCEPTOR = scenarios("options/acceptor")
INITIATOR = scenarios("options/initiator")


@pytest.mark.parametrize("title", ECHO)
def test_echo(title: str) -> None:
    play(ECHO[title])


@pytest.mark.parametrize("title", ACCEPTOR)
def test_acceptor(title: str) -> None:
    play(ACCEPTOR[title])


@pytest.mark.parametrize("title", INITIATOR)
def test_initiator(title: str) -> None:
    play(INITIATOR[title], initiator=True)
