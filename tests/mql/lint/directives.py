"""Reads one file as one dialect's preprocessor does; `program.py` calls it for each file of a unit.

Directives and what `#ifdef` leaves out become blank lines; macros, includes, imports and inputs are
told apart. MetaEditor includes a file once, so guards are not needed and not forbidden.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.mql.lint.api import structures
from tests.mql.lint.finding import Finding
from tests.mql.lint.masking import mask

DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*?)\s*$")
MACRO = re.compile(r"(\w+)(\(([\w\s,]*)\))?\s*(.*)$")


@dataclass(frozen=True)
class Macro:
    """A `#define`: its parameters (None without parentheses), its text and where it stands."""

    name: str
    parameters: tuple[str, ...] | None
    body: str
    line: int


@dataclass
class Part:
    """One file as one dialect sees it: code to parse, and what its directives say.

    `included_at` holds the lines of the #includes that led here, outermost first.
    """

    path: Path
    name: str
    included_at: tuple[int, ...] = ()
    code: str = ""
    macros: list[Macro] = field(default_factory=list)
    includes: list[tuple[int, Path]] = field(default_factory=list)
    imports: list[range] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    left_out: set[int] = field(default_factory=set)
    properties: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def add(self, line: int, rule: str, words: str) -> None:
        self.findings.append(Finding(self.name, line, rule, words))


def read(path: Path, name: str, defined: set[str], dialect: str) -> Part:
    """The file at `path`, called `name` in findings; `defined` is defined before it, and grows."""
    part = Part(path, name)
    masked = mask(path.read_text(encoding="utf-8"))
    for line, rule, words in masked.wrong:
        part.add(line, rule, words)
    reader = _Reader(part, defined)
    part.code = "\n".join(reader.take(row) for row in masked.code.split("\n"))
    reader.finish()
    if dialect == "mql4":
        for line in masked.groups:
            if line not in part.left_out:
                part.add(line, "dialect", "`input group` is MQL5 only — leave it out")
    declared = r"^[ \t]*(?:const|static)[ \t]+\w+[ \t]+(\w+)[ \t]*="
    for match in re.finditer(r"^[ \t]*s?input[ \t]+\w+[ \t]+(\w+)", path.read_text(), re.MULTILINE):
        part.inputs.add(match[1])
    part.inputs &= set(re.findall(declared, part.code, re.MULTILINE))
    return part


class _Reader:
    def __init__(self, part: Part, defined: set[str]) -> None:
        self.part, self.defined, self.line = part, defined, 0
        self.branches: list[tuple[int, bool]] = []
        self.import_line = 0

    def take(self, row: str) -> str:
        """What of one line is code."""
        self.line += 1
        match = DIRECTIVE.match(row) if row.lstrip().startswith("#") else None
        active = all(taken for _, taken in self.branches)
        if match:
            self._directive(match[1], match[2], active)
            return ""
        if not active and row.strip():
            self.part.left_out.add(self.line)
        return row if active else ""

    def finish(self) -> None:
        for line, _ in self.branches:
            self.part.add(line, "directive", "no #endif for this — close it")
        if self.import_line:
            self.part.add(self.import_line, "directive", "no closing #import — end the block")

    def _directive(self, word: str, rest: str, active: bool) -> None:
        if word in ("ifdef", "ifndef"):
            self.branches.append((self.line, (rest in self.defined) == (word == "ifdef")))
        elif word in ("else", "endif"):
            if not self.branches:
                self.part.add(self.line, "directive", f"#{word} without #ifdef — remove it")
                return
            line, taken = self.branches.pop()
            if word == "else":
                self.branches.append((line, not taken))
        elif active:
            handler = getattr(self, f"_{word}", None)
            if handler is None:
                known = "#define, #include, #import, #property, #ifdef"
                self.part.add(self.line, "directive", f"MQL has no #{word} — it has {known}")
            else:
                handler(rest)

    def _define(self, rest: str) -> None:
        match = MACRO.match(rest)
        if not match:
            self.part.add(self.line, "directive", "#define without a name")
            return
        if "#" in match[4] or match[4].endswith("\\"):
            words = "`#`, `##` and lines with `\\` in a macro — write a function"
            self.part.add(self.line, "directive", words)
        names = re.findall(r"\w+", match[3]) if match[2] else None
        parameters = None if names is None else tuple(names)
        self.part.macros.append(Macro(match[1], parameters, match[4], self.line))
        self.defined.add(match[1])

    def _undef(self, rest: str) -> None:
        self.defined.discard(rest)

    def _include(self, rest: str) -> None:
        if not rest.startswith('"'):
            words = (
                f"#include {rest}: the terminal's own headers are not ours — use a file beside it"
            )
            self.part.add(self.line, "include", words)
            return
        target = (self.part.path.parent / rest.strip('"').replace("\\", "/")).resolve()
        if target.is_file():
            self.part.includes.append((self.line, target))
        else:
            self.part.add(self.line, "include", f"there is no {rest} — correct the path")

    def _import(self, rest: str) -> None:
        if self.import_line:
            self.part.imports.append(range(self.import_line, self.line + 1))
        self.import_line = self.line if rest else 0

    def _property(self, rest: str) -> None:
        word, _, value = rest.partition(" ")
        self.part.properties.add(word)
        if word not in structures.PROPERTIES.split():
            self.part.add(self.line, "directive", f"no #property {word} — see api/structures.py")
        if word == "version" and not re.fullmatch(r'"\d+\.\d+"', value.strip()):
            self.part.add(self.line, "directive", '#property version is "N.NN"')
