"""Messages as text: names, indentation of groups, and no secret in any of it."""

from __future__ import annotations

import random

from tests.fix.generated import Author, damaged
from tests.unit.fix.frames import fed, framed, message

from thft.fix.dictionary import fix44
from thft.fix.readable import garbled_line, lines, masked
from thft.fix.wire import Garbled, Message, MessageTooLong

SECRET = "swordfish"


def test_tags_and_values_have_their_names() -> None:
    shown = lines(message("35=D|34=7|49=A|56=B|54=1|38=5|9999=x|58=naïve\u0007|"), fix44())
    assert shown[0] == "NewOrderSingle (D) 7 A → B"
    assert "    54    Side                     1 (Buy)" in shown
    assert "    9999  ?                        x" in shown
    assert "    58    Text                     naïve\\x07" in shown


def test_groups_are_indented_and_their_entries_marked() -> None:
    text = "35=D|453=2|448=a|447=D|802=2|523=x|803=1|523=y|448=b|54=1|"
    assert [line[:16].rstrip() for line in lines(message(text), fix44())[4:-1]] == [
        "    453   NoPart",
        "      - 448   Pa",
        "        447   Pa",
        "        802   No",
        "          - 523",
        "            803",
        "          - 523",
        "      - 448   Pa",
        "    54    Side",
    ]


def test_a_logon_shows_no_secret() -> None:
    for tag in (554, 925):
        unit = message(f"35=A|34=1|553=u|{tag}={SECRET}|108=30|")
        shown = "\n".join(lines(unit, fix44()))
        assert SECRET not in shown and "***" in shown and "108   HeartBtInt" in shown
        assert SECRET.encode() not in masked(unit.raw) and b"553=u" in masked(unit.raw)
    inside = f"{SECRET}\x01108=1\x01{SECRET}"
    unit = message(f"35=A|34=1|95={len(inside)}|96={inside}|553=u|")
    assert unit.get(96) == inside.encode()
    assert SECRET not in "\n".join(lines(unit, fix44()))
    assert SECRET.encode() not in masked(unit.raw)


def test_garbled_bytes_show_no_secret() -> None:
    (unit,) = fed(framed(f"35=A|554={SECRET}|95=3|96={SECRET}|925={SECRET}|", checksum="999"))
    assert isinstance(unit, Garbled)
    shown = garbled_line(unit)
    assert SECRET not in shown
    assert (
        shown.startswith("garbled: CheckSum(10) is b'999'") and "35=A|554=***|95=3|96=***" in shown
    )


def test_whatever_came_can_be_shown() -> None:
    choose = random.Random(3)
    author = Author(fix44(), 3)
    for _ in range(2_000):
        try:
            units = fed(damaged(author.message(), choose))
        except MessageTooLong:
            continue
        for unit in units:
            if isinstance(unit, Message):
                assert len(lines(unit, fix44())) == len(unit) + 1
            else:
                assert garbled_line(unit).isprintable()
