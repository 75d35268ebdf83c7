"""Lints a folder of MQL sources: every program (`.mq5`, `.mq4`) with all that it includes.

A file of `shared/` is read by both dialects, once in each program, and has to be right in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.mql.lint.declarations import Unit
from tests.mql.lint.definitions import definitions, uncalled
from tests.mql.lint.directives import Part, read
from tests.mql.lint.finding import Finding
from tests.mql.lint.names import Names
from tests.mql.lint.subset import banned, constructs
from tests.mql.lint.syntax import first_error, parse
from tree_sitter import Node

PROGRAMS = {".mq5": "mql5", ".mq4": "mql4"}
BEFORE = {"mql5": {"__MQL__", "__MQL5__"}, "mql4": {"__MQL__", "__MQL4__"}}


@dataclass
class Program:
    """A program's parts, in the order in which the compiler meets what they declare."""

    dialect: str
    parts: list[Part] = field(default_factory=list)
    places: dict[Path, int] = field(default_factory=dict)
    uncalled: set[tuple[str, int, str]] | None = None  # None: not known, a part does not parse


def lint(root: Path) -> list[Finding]:
    """All findings in the MQL files below `root`, in order; files are named relative to it."""
    root = root.resolve()
    files = sorted(path for path in root.rglob("*") if path.suffix in (".mq5", ".mq4", ".mqh"))
    programs = [_program(path, root) for path in files if path.suffix in PROGRAMS]
    if not programs:
        return [Finding(".", 0, "program", f"no .mq5 and no .mq4 below {root.name}")]
    reached = {path for program in programs for path in program.places}
    found = {
        Finding(_name(path, root), 1, "include", "no program includes it — include or remove it")
        for path in files
        if path not in reached
    }
    found |= _never_read(programs) | _other_folder(programs)
    for program in programs:
        found |= set(_check(program, _both(programs)))
    return sorted(found | _never_called(programs))


def _program(path: Path, root: Path) -> Program:
    program = Program(PROGRAMS[path.suffix])
    _collect(path, root, program, set(BEFORE[program.dialect]), ())
    main = program.parts[program.places[path]]
    if program.dialect == "mql4" and "strict" not in main.properties:
        main.add(1, "directive", "no `#property strict` — MQL4 forgives bad indices without it")
    return program


def _collect(
    path: Path, root: Path, program: Program, defined: set[str], at: tuple[int, ...]
) -> None:
    part = read(path, _name(path, root), defined, program.dialect)
    part.included_at = at
    program.places[path] = -1
    for line, included in part.includes:
        if included in program.places:
            continue
        if included.suffix != ".mqh":
            part.add(line, "include", f"{included.name} is no header — include .mqh files alone")
        _collect(included, root, program, defined, (*at, line))
    program.places[path] = len(program.parts)
    program.parts.append(part)


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def _check(program: Program, both: dict[str, set[int]]) -> list[Finding]:
    """The findings of one program; a part that is no good C++ hides the rules on names."""
    unit, roots = Unit(), list[Node]()
    found = [finding for part in program.parts for finding in part.findings]
    broken = False
    for number, part in enumerate(program.parts):
        tree = parse(part.code)
        roots.append(tree)
        error = first_error(part.code, tree)
        if error is not None:
            broken = True
            found.append(Finding(part.name, error[0], "syntax", error[1]))
        unit.gather(number, part, tree)
    for part in program.parts:
        rows = [(macro.line, macro.body) for macro in part.macros]
        found += [Finding(part.name, *report) for report in banned(part.code, rows)]
    if broken:
        return found
    for number, (part, tree) in enumerate(zip(program.parts, roots, strict=True)):
        names = Names(unit, number, program.dialect, both.get(part.name, set()))
        for macro in part.macros:
            names.macro_text(macro.body, macro.parameters or (), macro.line)
        reports = [*constructs(tree, unit), *names.check(tree)]
        found += [Finding(part.name, *report) for report in reports]
    idle = uncalled(unit, roots, program.dialect)
    program.uncalled = {(program.parts[number].name, row, name) for number, row, name in idle}
    for number, report in definitions(unit, program.dialect):
        found.append(Finding(program.parts[number].name, *report))
    return found


def _both(programs: list[Program]) -> dict[str, set[int]]:
    """The lines of each file that every dialect reads, for files that two dialects read."""
    read_by: dict[str, list[tuple[str, set[int]]]] = {}
    for program in programs:
        for part in program.parts:
            rows = {row for row, code in enumerate(part.code.split("\n"), 1) if code.strip()}
            read_by.setdefault(part.name, []).append((program.dialect, rows))
    lines: dict[str, set[int]] = {}
    for name, several in read_by.items():
        if len({dialect for dialect, _ in several}) > 1:
            lines[name] = set.intersection(*(rows for _, rows in several))
    return lines


def _never_called(programs: list[Program]) -> set[Finding]:
    """Functions that no program calls which reads them: left over, or a handler misspelt."""
    found: set[Finding] = set()
    if any(program.uncalled is None for program in programs):
        return found
    for file, row, name in set().union(*(program.uncalled or () for program in programs)):
        reading = [one for one in programs if any(part.name == file for part in one.parts)]
        if all((file, row, name) in (one.uncalled or ()) for one in reading):
            found.add(Finding(file, row, "unused", f"nothing calls `{name}` — remove it"))
    return found


def _never_read(programs: list[Program]) -> set[Finding]:
    """Code that `#ifdef` leaves out of every program: nobody compiles or checks it."""
    left: dict[str, set[int]] = {}
    for program in programs:
        for part in program.parts:
            left[part.name] = left.get(part.name, part.left_out) & part.left_out
    words = "left out of every program by #ifdef — remove it"
    return {Finding(name, min(rows), "directive", words) for name, rows in left.items() if rows}


def _other_folder(programs: list[Program]) -> set[Finding]:
    """Files of `shared/` that one dialect alone reads, and files of a dialect read by the other."""
    read_by: dict[str, set[str]] = {}
    for program in programs:
        for part in program.parts:
            read_by.setdefault(part.name, set()).add(program.dialect)
    found = set()
    for name, dialects in read_by.items():
        folder = Path(name).parts[0]
        if folder == "shared" and len(dialects) == 1:
            words = f"only {min(dialects).upper()} includes it — move it out of shared/"
            found.add(Finding(name, 1, "include", words))
        if folder in ("mt5", "mt4") and dialects != {f"mql{folder[-1]}"}:
            found.add(Finding(name, 1, "include", "the other dialect includes it — move it"))
    return found
