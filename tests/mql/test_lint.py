"""The linter of the MQL sources: each rule finds what is planted, and `mql/` has no finding."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from tests.mql import lint_cases
from tests.mql.lint.api import constants, functions
from tests.mql.lint.api.table import api
from tests.mql.lint.directives import read
from tests.mql.lint.program import BEFORE, lint
from tests.mql.lint.syntax import first_error, parse

MQL = Path(__file__).resolve().parents[2] / "mql"
SOURCES = sorted(path for path in MQL.rglob("*") if path.suffix in (".mq4", ".mq5", ".mqh"))


def write(root: Path, files: dict[str, str]) -> Path:
    """Files below `root`; both programs are there, with their head."""
    programs = {"mt5/Main.mq5": "", "mt4/Main.mq4": "#property strict\n"}
    for name, code in {**programs, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    return root


def dedented(case: str) -> str:
    names = {"NAME64": "n" * 64, "NAME63": "n" * 63}
    return re.sub("NAME6[34]", lambda match: names[match[0]], textwrap.dedent(case))


def marks(code: str) -> Counter[tuple[int, str]]:
    """Lines and rules that the marks of a case ask for."""
    found: Counter[tuple[int, str]] = Counter()
    for number, row in enumerate(code.split("\n"), 1):
        _, mark, rules = row.partition("//! ")
        found.update((number, rule) for rule in rules.split() if mark)
    return found


def check_case(root: Path, name: str, code: str) -> None:
    """The findings in file `name`, and there alone, are those that `code` marks.

    That nothing calls the planted functions is left aside; `test_uncalled` is about that.
    """
    findings = [finding for finding in lint(root) if finding.rule != "unused"]
    assert {finding.file for finding in findings} <= {name}, findings
    seen = Counter({(finding.line, finding.rule): 1 for finding in findings})
    wanted = Counter(dict.fromkeys(marks(code), 1))
    assert seen == wanted, "\n".join(map(str, findings))
    assert all(" — " in finding.words or ":" in finding.words for finding in findings)


@pytest.mark.parametrize("case", lint_cases.BOTH)
def test_shared_header(tmp_path: Path, case: str) -> None:
    code = dedented(lint_cases.BOTH[case])
    include = '#include "../shared/Planted.mqh"\n'
    files = {"mt5/Main.mq5": include, "mt4/Main.mq4": "#property strict\n" + include}
    check_case(write(tmp_path, {**files, "shared/Planted.mqh": code}), "shared/Planted.mqh", code)


@pytest.mark.parametrize("case", lint_cases.MQL5)
def test_mql5(tmp_path: Path, case: str) -> None:
    code = dedented(lint_cases.MQL5[case])
    check_case(write(tmp_path, {"mt5/Main.mq5": code}), "mt5/Main.mq5", code)


@pytest.mark.parametrize("case", lint_cases.MQL4)
def test_mql4(tmp_path: Path, case: str) -> None:
    code = "#property strict\n" + dedented(lint_cases.MQL4[case])
    check_case(write(tmp_path, {"mt4/Main.mq4": code}), "mt4/Main.mq4", code)


def test_mql4_without_strict(tmp_path: Path) -> None:
    root = write(tmp_path, {"mt4/Main.mq4": "void OnTick() { }\n"})
    assert [str(found).split(" — ")[0] for found in lint(root)] == [
        "mt4/Main.mq4:1: directive: no `#property strict`"
    ]


def test_where_headers_lie(tmp_path: Path) -> None:
    head = "int gOne = 1;\n"
    files = {"mt5/Main.mq5": '#include "../shared/One.mqh"\n', "shared/One.mqh": head}
    root = write(tmp_path, {**files, "shared/Alone.mqh": "int gTwo = 2;\n"})
    assert [(found.file, found.rule) for found in lint(root)] == [
        ("shared/Alone.mqh", "include"),
        ("shared/One.mqh", "include"),
    ]


def test_order_follows_the_includes(tmp_path: Path) -> None:
    """A header sees what stands above its #include, not what stands below it."""
    main = '{}#include "Uses.mqh"\n{}void OnTick() {{ Use(); }}\n'
    uses = "int Use() { return gState; }\n"
    for above, below, wanted in (("int gState;\n", "", 0), ("", "int gState;\n", 1)):
        files = {"mt5/Main.mq5": main.format(above, below), "mt5/Uses.mqh": uses}
        assert [found.rule for found in lint(write(tmp_path, files))] == ["order"] * wanted


def test_uncalled(tmp_path: Path) -> None:
    """What one program calls is in use, wherever it lies; a handler calls itself."""
    shared = "int One() { return 1; }\nint Two() { return 1; }\nint Three() { return HALF; }\n"
    shared += "int Four() { return 1; }\n#define HALF Four()\n"
    head = '#include "../shared/A.mqh"\n'
    mt5, mt4 = "void OnTick() { One(); }\n", "#property strict\nvoid OnTick() { Two(); }\n"
    files = {"mt5/Main.mq5": head + mt5, "mt4/Main.mq4": head + mt4, "shared/A.mqh": shared}
    findings = [found for found in lint(write(tmp_path, files)) if found.rule == "unused"]
    assert [(found.file, found.line) for found in findings] == [("shared/A.mqh", 3)]


def test_syntax_error_names_the_line(tmp_path: Path) -> None:
    code = "void OnTick()\n{\n   int x = 1 +;\n}\n"
    findings = lint(write(tmp_path, {"mt5/Main.mq5": code}))
    assert [(found.line, found.rule) for found in findings] == [(3, "syntax")]
    findings = lint(write(tmp_path, {"mt5/Main.mq5": "void OnTick()\n{\n/* never\n}\n"}))
    assert (3, "syntax") in {(found.line, found.rule) for found in findings}


def test_sources_are_clean() -> None:
    assert {path.suffix for path in SOURCES} == {".mq4", ".mq5", ".mqh"}
    assert [str(found) for found in lint(MQL)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(MQL)))
def test_a_deleted_parenthesis_is_located(path: Path) -> None:
    """Every thirteenth parenthesis of every source, deleted by itself, is found within a line."""
    dialect = "mql4" if path.is_relative_to(MQL / "mt4") else "mql5"
    code = read(path, path.name, set(BEFORE[dialect]), dialect).code
    assert first_error(code, parse(code)) is None
    for match in list(re.finditer(r"[()]", code))[::13]:
        wrong = code[: match.start()] + " " + code[match.end() :]
        found = first_error(wrong, parse(wrong))
        deleted = code.count("\n", 0, match.start()) + 1
        assert found is not None and abs(found[0] - deleted) <= 1, (deleted, found)


def test_a_deleted_parenthesis_ends_the_linter(tmp_path: Path) -> None:
    """The same through the whole linter, in a header that both programs include."""
    for path in SOURCES:
        target = tmp_path / path.relative_to(MQL)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    header = next(path for path in SOURCES if path.parent.name == "shared")
    rows = header.read_text().split("\n")
    row = next(number for number, code in enumerate(rows) if code.startswith("   if("))
    rows[row] = rows[row].replace("(", " ", 1)
    (tmp_path / "shared" / header.name).write_text("\n".join(rows))
    findings = [found for found in lint(tmp_path) if found.rule == "syntax"]
    assert [found.file for found in findings] == [f"shared/{header.name}"]
    assert abs(findings[0].line - row - 1) <= 1


def test_tables_say_each_thing_once() -> None:
    """No family and no function stands in a dialect's own list and in the common one."""
    for own in (constants.MQL5, constants.MQL4):
        for family, names in own.items():
            assert not set(names.split()) & set(constants.BOTH.get(family, "").split()), family
    newer, older = api("mql5"), api("mql4")
    for name in functions.DIFFERENT:
        assert newer.has(name) and older.has(name), name
    families = {family for found in newer.constants.values() for family in found}
    families |= {family for found in older.constants.values() for family in found}
    for signature in (*newer.functions.values(), *older.functions.values()):
        assert set(signature.families.values()) <= families
