"""The transition table: complete, without surprises, and every row is taken by some script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.fix.script import Player, VirtualWire, settings
from tests.fix.test_schedule import begin_of

from thft.fix.session import MemoryStore, Now, Schedule, Session, State, UnknownTransition
from thft.fix.session.table import KINDS, MESSAGES, TABLE, Check, Input, Row
from thft.fix.wire import Framer, Header, pack

NOW = Now(1, 1_700_000_000_000_000_000)


def test_every_message_is_answered_in_every_connected_state() -> None:
    for state, rows in TABLE.items():
        missing = MESSAGES - rows.keys()
        assert missing == (MESSAGES if state is State.DISCONNECTED else set())


def test_every_state_can_end() -> None:
    for state, rows in TABLE.items():
        assert Input.DISCONNECTED in rows and Input.STOP in rows
        assert all(row.next for row in rows.values())
        if state is not State.DISCONNECTED:
            assert rows[Input.DISCONNECTED].next == {State.DISCONNECTED}


def test_checks_before_actions() -> None:
    """What must act whatever its number is not number-checked; nothing else is unchecked."""
    for state in (State.LOGGED_ON, State.RECOVERING, State.LOGOUT_SENT):
        for given in MESSAGES - {Input.GARBLED}:
            wanted = {
                Input.LOGON: Check.HEADER,
                Input.RESEND_REQUEST: Check.HEADER,
                Input.SEQUENCE_RESET: Check.HEADER,
                Input.LOGOUT: Check.LAST,
            }.get(given, Check.NUMBER)
            assert TABLE[state][given].check is wanted


@pytest.mark.parametrize("state", State)
def test_inputs_without_a_row_are_errors(state: State) -> None:
    """What the table does not name is refused, and changes nothing."""
    for given in set(Input) - TABLE[state].keys():
        session = Session(settings(""), MemoryStore())
        session._life.state = state
        with pytest.raises(UnknownTransition, match=str(given)):
            session._row(given)
        assert (session.state, session.take()) == (state, b"")


def test_owner_errors() -> None:
    session = Session(settings(""), MemoryStore())
    header = Header("FIX.4.4", ((49, "TW"), (56, "ISLD")))
    units = Framer().feed(header.encode("0", 1, NOW.utc_ns, pack([])))
    with pytest.raises(UnknownTransition):
        list(session.received(units, NOW))
    session.connected(NOW)
    with pytest.raises(UnknownTransition):
        session.connected(NOW)
    assert session.disconnected(NOW)[0].reason == "connection lost"  # type: ignore[union-attr]
    assert session.disconnected(NOW) == []
    assert session.logout("", NOW) == []


def test_kinds_are_the_session_messages() -> None:
    assert KINDS.keys() == set("0123456A") - {"6"}


SAID = {
    Input.GARBLED: "checksum 35=0",
    Input.LOGON: "35=A|98=0|108=30",
    Input.LOGOUT: "35=5",
    Input.HEARTBEAT: "35=0",
    Input.TEST_REQUEST: "35=1|112=A",
    Input.RESEND_REQUEST: "35=2|7=1|16=0",
    Input.SEQUENCE_RESET: "35=4|36=99",
    Input.REJECT: "35=3|45=1",
    Input.APPLICATION: "35=C|94=0|147=x|164=T|33=1|58=x",
}
DONE = {
    Input.CONNECTED: "connect",
    Input.DISCONNECTED: "cut",
    Input.STOP: "logout enough",
    Input.LOGON_LATE: "wait 10",
    Input.LOGOUT_LATE: "wait 2",
    Input.HEARTBEAT_DUE: "wait 30",
    Input.SILENT: "wait 36",
    Input.DEAD: "wait 72",
    Input.FILL_LATE: "wait 10",
    Input.WINDOW_OVER: "wait 20",
    Input.ANSWER_DUE: "> 35=2|7=1|16=0\nwait 0",
}
LED = {
    State.DISCONNECTED: "",
    State.AWAIT_LOGON: "connect",
    State.LOGON_SENT: "connect",
    State.LOGGED_ON: "connect\n> 35=A|98=0|108=30\n> 35=D|$A1\n> 35=D|$A2",
    State.RECOVERING: "connect\n> 35=A|98=0|108=30\n> 35=D|$A1\n> 35=D|$A2\n> 35=0|34=9",
    State.LOGOUT_SENT: "connect\n> 35=A|98=0|108=30\n> 35=D|$A1\n> 35=D|$A2\nlogout enough",
}


class Deaf(Player):
    """Says its lines and does not look at the answers."""

    def quiet(self) -> None:
        """Anything may have been sent."""


@pytest.mark.parametrize("state", State)
def test_every_row_is_taken(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is met by a real message, call or time, and leads where it says."""
    rows = TABLE[state]
    for given in rows:
        patient = " recovery.timeout_ns=10**12" if given is not Input.FILL_LATE else ""
        config = settings(
            "set resend.messages_per_turn=1 recovery.tries=9" + patient,
            initiator=state is State.LOGON_SENT,
            schedule=Schedule(end_s=begin_of(20)) if given is Input.WINDOW_OVER else None,
        )
        wire = VirtualWire(config)
        player = Deaf(wire)
        player.play(LED[state])
        assert wire.session.state is state
        taken: list[tuple[State, Input]] = []
        with monkeypatch.context() as patch:
            patch.setattr(Session, "_row", _noting(taken))
            player.play(f"> {SAID[given]}" if given in SAID else DONE[given])
        assert (state, given) in taken, f"{given} was not met in {state}"


def _noting(taken: list[tuple[State, Input]]) -> Callable[[Session, Input], Row]:
    original = Session._row

    def noting(session: Session, given: Input) -> Row:
        taken.append((session.state, given))
        return original(session, given)

    return noting
