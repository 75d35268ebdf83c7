"""The player of acceptance definitions: what it sends, how it compares, which damage it notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import time_ns

import pytest
from tests.fix.definitions import (
    Definition,
    Performance,
    contains,
    outgoing,
    parsed,
    received,
    same,
)
from tests.fix.programs import echo
from tests.fix.proxy import Proxy
from tests.fix.script import START_NS, Failed
from tests.fix.test_negative_control import DAMAGE, drop, put

from thft.fix.wire import format_timestamp

ROUND = """
# every kind of answer once
iCONNECT
I8=FIX.4.4|35=A|34=1|49=TW44|52=<TIME>|56=ISLD|98=0|108=60|
E8=FIX.4.4|9=63|35=A|34=1|49=ISLD|52=00000000-00:00:00.000|56=TW44|98=0|108=60|10=0|
I8=FIX.4.4|35=1|34=2|49=TW44|52=<TIME>|56=ISLD|112=first|
E8=FIX.4.4|35=0|34=2|49=ISLD|52=00000000-00:00:00.000|56=TW44|112=first|
I8=FIX.4.4|35=D|34=3|49=TW44|52=<TIME>|56=ISLD|11=one|21=1|38=5.50|40=1|54=2|55=EURUSD|60=<TIME>|
E8=FIX.4.4|35=D|34=3|49=ISLD|52=<TIME>|56=TW44|11=one|21=1|38=5.50|40=1|54=2|55=EURUSD|60=<TIME>|
I8=FIX.4.4|35=0|34=4|49=TW44|52=<TIME>|56=ISLD|54=1|
E8=FIX.4.4|35=3|34=4|49=ISLD|52=<TIME>|56=TW44|45=4|58=Tag not defined for this message type|371=54|372=0|373=2|
I8=FIX.4.4|35=0|34=8|49=TW44|52=<TIME>|56=ISLD|112=late|
E8=FIX.4.4|35=2|34=5|49=ISLD|52=<TIME>|56=TW44|7=5|16=0|
I8=FIX.4.4|35=4|34=5|43=Y|49=TW44|52=<TIME>|56=ISLD|122=<TIME-1>|36=8|123=Y|
I8=FIX.4.4|9=20|35=0|34=9|49=TW44|52=<TIME>|56=ISLD|
I8=FIX.4.4|35=2|34=9|49=TW44|52=<TIME>|56=ISLD|7=2|16=3|
E8=FIX.4.4|35=4|34=2|43=Y|49=ISLD|52=<TIME>|56=TW44|122=<TIME>|36=3|123=Y|
E8=FIX.4.4|35=D|34=3|43=Y|49=ISLD|52=<TIME>|56=TW44|122=<TIME>|11=one|21=1|38=5.50|40=1|54=2|55=EURUSD|60=<TIME>|
i2,CONNECT
I2,8=FIX.4.4|35=A|34=1|49=TW44|52=<TIME>|56=ISLD|98=0|108=60|
e2,DISCONNECT
I8=FIX.4.4|35=5|34=10|49=TW44|52=<TIME>|56=ISLD|
E8=FIX.4.4|9=51|35=5|34=6|49=ISLD|52=<TIME>|56=TW44|10=0|
eDISCONNECT
"""  # noqa: E501

DAMAGES = {
    **{
        name: DAMAGE[name]
        for name in (
            "bad checksum",
            "bad length",
            "number + 1 everywhere",
            "extra field",
            "body order",
            "header order",
            "371 changed",
            "373 changed",
            "43 dropped",
            "122 dropped",
            "gap fill + 1",
            "request ends at 1",
            "Heartbeats swallowed",
            "Rejects swallowed",
            "Logouts swallowed",
            "everything twice",
        )
    },
    "Text of Rejects dropped": drop("58", "3"),
    "echoed value changed": put("11", lambda value: value + "X", "D"),
}
IMPATIENT_S = 1.0
HEARTBEAT = "8=FIX.4.4|9=49|35=0|34=2|49=ISLD|52={}|56=TW|10={}|"


def soh(text: str) -> str:
    return text.replace("|", "\x01")


Write = Callable[[str], Definition]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with echo() as program:
        yield program.port


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a definition with these lines."""

    def written(text: str) -> Definition:
        path = tmp_path / "own.def"
        path.write_text(soh(text))
        return Definition(path)

    return written


def test_a_round_passes_strictly(port: int, write: Write) -> None:
    Performance(port, strict=True).play(write(ROUND))
    Performance(port, strict=False).play(write(ROUND))


def test_an_undamaged_proxy_is_not_noticed(port: int, write: Write) -> None:
    with Proxy(port, lambda raw: raw) as proxy:
        Performance(proxy.port, strict=True).play(write(ROUND))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(port: int, write: Write, damage: str) -> None:
    with Proxy(port, DAMAGES[damage]) as proxy, pytest.raises(Failed):
        Performance(proxy.port, strict=True, patience_s=IMPATIENT_S).play(write(ROUND))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("112=first|\nI8=FIX.4.4|35=D", "112=1|\nI8=FIX.4.4|35=D", "112=first instead of 1"),
        ("45=4|58=Tag not defined for this message type|", "45=4|", "other fields or order"),
        ("371=54|372=0|", "372=0|371=54|", "other fields or order"),
        ("E8=FIX.4.4|9=63|", "E8=FIX.4.4|9=62|", "9=63 instead of 62"),
        ("E8=FIX.4.4|9=51|", "eDISCONNECT\nE8=FIX.4.4|9=51|", "unexpected"),
        ("i2,CONNECT\n", "", "no such connection"),
    ],
)
def test_another_expectation_fails(port: int, write: Write, old: str, new: str, said: str) -> None:
    assert old in ROUND
    with pytest.raises(Failed, match=said):
        Performance(port, strict=True).play(write(ROUND.replace(old, new)))


@pytest.mark.parametrize("line", ["wait", "iREST", "eCONNECT", "I1", "E8"])
def test_an_unknown_line_is_refused(write: Write, line: str) -> None:
    with pytest.raises(ValueError, match=rf"own\.def:2: what does '{line}' mean"):
        _ = write(f"iCONNECT\n{line}\n").steps


def test_numbers_that_a_session_must_have(write: Write) -> None:
    lines = "iSET_SESSION FIX.4.4:A->B NEXTSENDERSEQNUM=7\niSET_SESSION X NEXTTARGETSEQNUM=9"
    assert write(lines).numbers() == {"NEXTSENDERSEQNUM": 7, "NEXTTARGETSEQNUM": 9}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("8=A|35=0|52=<TIME>|", "8=A|9=26|35=0|52=20231114-22:13:20|10=106|"),
        ("8=A|35=0|52=<TIME-10>|", "8=A|9=26|35=0|52=20231114-22:13:10|10=105|"),
        ("8=A|9=3|35=0|", "8=A|9=3|35=0|10=055|"),
        ("8=A|35=0|10=256|", "8=A|9=5|35=0|10=256|"),
        ("35=0|8=A|9=3|10=1|", "35=0|8=A|9=3|10=1|"),
    ],
)
def test_what_is_sent(text: str, wanted: str) -> None:
    assert outgoing(soh(text), START_NS) == soh(wanted).encode()


@pytest.mark.parametrize(
    "raw",
    [
        "8=FIX.4.4|9=5|35=0|10=164|",
        "8=FIX.4.4|9=6|35=0|10=163|",
        "8=FIX.4.4|9=05|35=0|10=211|",
        "8=FIX.4.4|9=5|35=0|10=163",
        "8=FIX.4.4|35=0|10=163|",
    ],
)
def test_a_false_length_or_checksum_fails(raw: str) -> None:
    assert received(soh("8=FIX.4.4|9=5|35=0|10=163|").encode())[2] == (35, "0")
    with pytest.raises(Failed, match="length and checksum"):
        received(soh(raw).encode())


@pytest.mark.parametrize(
    ("time", "said"),
    [("", "52="), (".123456", "not a time in milliseconds"), ("tomorrow", "52=")],
)
def test_times_are_ours(time: str, said: str) -> None:
    """1.2-3: what the engine stamps has milliseconds, whatever the definition shows."""
    now = format_timestamp(time_ns(), 0).decode()
    wanted = parsed(soh(HEARTBEAT.format("<TIME>", "0")))
    same(parsed(soh(HEARTBEAT.format(now + ".123", "000"))), wanted)
    with pytest.raises(Failed, match=said):
        same(parsed(soh(HEARTBEAT.format(now + time, "000"))), wanted)


def test_named_fields_may_stand_among_others() -> None:
    fields = parsed(soh("8=A|9=9|35=3|58=why|371=5|372=D|10=000|"))
    contains(fields, parsed(soh("8=A|9=1|35=3|372=D|371=5|10=0|")))
    for wrong in ("371=6|", "373=1|", "58=wh|"):
        with pytest.raises(Failed, match="no "):
            contains(fields, parsed(soh("8=A|35=3|" + wrong)))
