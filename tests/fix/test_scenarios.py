"""Every row of the checklist on sessions in virtual time: the scripts in `scenarios/`."""

from __future__ import annotations

import pytest
from tests.fix.script import for_either_role, play, scenarios

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
EITHER = for_either_role({**ECHO, **ACCEPTOR})


@pytest.mark.parametrize("title", ECHO)
def test_echo(title: str) -> None:
    play(ECHO[title])


@pytest.mark.parametrize("title", ACCEPTOR)
def test_acceptor(title: str) -> None:
    play(ACCEPTOR[title])


@pytest.mark.parametrize("title", INITIATOR)
def test_initiator(title: str) -> None:
    play(INITIATOR[title], initiator=True)


@pytest.mark.parametrize("title", EITHER)
def test_echo_as_initiator(title: str) -> None:
    play(EITHER[title], initiator=True, reset_on_logon=True)
