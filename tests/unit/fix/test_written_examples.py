"""What docs/fix.md shows works: the overlay, the layout, and that every tag it names is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.unit.fix.frames import message

from thft.fix.dictionary import fix44

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "fix.md").read_text()


def block(language: str) -> str:
    """Returns the page's block of that language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_overlay_of_the_page_is_taken() -> None:
    dialect = fix44().with_overlay(tomllib.loads(block("toml")))
    assert dialect.names["U1"] == "Parameters"
    assert dialect.value_name(40, "Z") == "Venue"
    report = "35=8|34=1|49=A|52=20260302-09:15:00|56=B|37=1|150=0|39=0|54=1|14=0|151=1|721=9|"
    assert dialect.validate(message(report)) is None
    assert fix44().validate(message(report)) is not None


def test_the_layout_of_the_page_reads() -> None:
    names = {
        "fix44": fix44,
        "message": message("35=W|55=EURUSD|268=1|269=0|270=1.5|271=2|"),
    }
    exec(block("python"), names)
    assert names["symbol"] == "EURUSD"
    assert names["entries"] == (("0", 1_500_000_000, 200_000_000),)
