"""The preprocessor and the shim themselves, with small Experts written here."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mql.terminal import CompileError, Terminal, expert

pytestmark = [pytest.mark.slow, pytest.mark.once]

SMALL = r"""
#property strict
input int InpPort = 0;
input string InpText = "none";
input string InpWord = "tick";
enum Kind { ONE, TWO = 5 };
struct Pair { int a; string b; double rows[2]; };
Pair gPairs[];
uint gTable[4];
int gStarts = 0;
int OnInit()
{
   gStarts++;
   Print("starts ", gStarts, " ", Later(2), " ", InpText, " ", TWO);
   string nothing;
   Print("null ", nothing == NULL, " ", nothing == "", " ", gTable[3]);
   string parts[];
   int count = StringSplit("a||é", '|', parts);
   Print("split ", count, " ", StringLen(parts[2]));
   uchar bytes[];
   Print("bytes ", StringToCharArray("é𝔘", bytes, 0, -1, CP_UTF8), " ", StringLen("é𝔘"));
   Print(StringFormat("%I64u %d %.2f %s", 5000000000, 7, 1.5, "x"));
   ArrayResize(gPairs, 2);
   gPairs[1].b = "kept";
   Pair copy = gPairs[1];
   copy.b = "other";
   Print(gPairs[1].b, " ", ArraySize(copy.rows));
   EventSetMillisecondTimer(10);
   return INIT_SUCCEEDED;
}
int Later(int value) { return value * 21; }
void OnTimer()
{
   if(GlobalVariableCheck("break"))
      gPairs[2].a = 1;
   if(GlobalVariableCheck("divide"))
      gPairs[0].a = 1 / (int)GlobalVariableGet("zero");
}
void OnDeinit(const int reason) { Print("over ", reason); }
void OnTick() { GlobalVariableSet(InpWord, 1); }
"""


def _expert(tmp_path: Path) -> Path:
    source = tmp_path / "Small.mq5"
    source.write_text(SMALL, encoding="utf-8")
    return source


def test_what_mql_means_by_text_arrays_and_globals(tmp_path: Path) -> None:
    terminal = Terminal(5, 1, source=_expert(tmp_path), InpText="given")
    terminal.ask("restart")
    terminal.ask("turn")
    terminal.close()
    first = ["starts 1 42 given 5", "null true false 0", "split 3 1", "bytes 7 3"]
    first += ["5000000000 7 1.50 x", "kept 2"]
    turned = [first[0].replace("starts 1", "starts 2"), *first[1:]]
    assert list(terminal.prints) == [*first, "over 2", *first, "over 3", *turned, "over 1"]


@pytest.mark.parametrize(
    ("word", "said", "code"),
    [("break", "array out of range", 70), ("divide", "division by zero", 1)],
)
def test_a_critical_error_ends_the_expert_and_names_its_line(
    tmp_path: Path, word: str, said: str, code: int
) -> None:
    terminal = Terminal(5, 1, source=_expert(tmp_path), InpWord=word)
    terminal.ask("tick EURUSD 1.1 1.2")
    ended = terminal.ended()
    assert f"code {code}" in ended
    assert said in ended
    assert "Small.mq5:" in ended
    with pytest.raises(AssertionError):
        terminal.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Later(2)", "Later(2, 3)"),
        ("StringLen(parts[2])", "StringLength(parts[2])"),
        ("gPairs[1].b", "gPairs[1].c"),
    ],
)
def test_a_wrong_call_is_told_with_its_line(tmp_path: Path, before: str, after: str) -> None:
    source = _expert(tmp_path)
    text = source.read_text(encoding="utf-8")
    line = text[: text.index(before)].count("\n") + 1
    source.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(CompileError, match=f"Small.mq5:{line}:"):
        expert(source, 5)
