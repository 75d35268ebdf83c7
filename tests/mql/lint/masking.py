"""Turns the text of an MQL file into text that a C++ grammar reads, line by line the same length.

`directives.py` calls it. Comments become blanks, texts between quotes become `_`, so no rule looks
into them; `D'…'` and `C'…'` become numbers; `input` becomes `const` and `sinput` `static`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<clock>\bD'[^'\n]*')|(?P<shade>\bC'[^'\n]*')
    |(?P<text>"(?:\\.|[^"\\\n])*")|(?P<letter>'(?:\\.|[^'\\\n])*')
    |(?P<open>/\*|["'])""",
    re.VERBOSE | re.DOTALL,
)
CLOCK = re.compile(r"D'(\d{4}\.\d\d\.\d\d|\d\d\.\d\d\.\d{4})?( ?\d\d(:\d\d){0,2})?'")
SHADE = re.compile(r"C'\s*(0x[0-9A-Fa-f]{1,2}|\d{1,3})(\s*,\s*(0x[0-9A-Fa-f]{1,2}|\d{1,3})){2}\s*'")
ESCAPES = re.compile(r"\\(?![\\'\"nrt0]|x[0-9A-Fa-f])")
INPUT = re.compile(r"^([ \t]*)(s?input)\b(?:([ \t]+group)(?=[ \t]*\")[^\n]*)?", re.MULTILINE)


@dataclass
class Masked:
    """The text to parse, what was wrong on the way, and where input groups stood (lines)."""

    code: str
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)


def mask(text: str) -> Masked:
    """`text` as C++, with every line in its place; `wrong` holds line, rule, words."""
    masked = Masked("")
    include = [match.span() for match in re.finditer(r"^[ \t]*#[^\n]*", text, re.MULTILINE)]

    def replace(match: re.Match[str]) -> str:
        line = text.count("\n", 0, match.start()) + 1
        raw = match[0]
        directive = any(start <= match.start() < end for start, end in include)
        return _replacement(match.lastgroup or "", raw, line, directive, masked)

    code = TOKEN.sub(replace, text)
    for number, row in enumerate(code.splitlines(), 1):
        if not row.isascii():
            masked.wrong.append((number, "text", "code with other than ASCII letters — rename it"))
    masked.code = INPUT.sub(lambda match: _input(match, masked), code)
    return masked


def _replacement(kind: str, raw: str, line: int, directive: bool, masked: Masked) -> str:
    if kind == "comment":
        return re.sub(r"[^\n]", " ", raw)
    if kind in ("clock", "shade"):
        if not (CLOCK if kind == "clock" else SHADE).fullmatch(raw):
            masked.wrong.append((line, "syntax", f"{raw} is no date or colour of MQL"))
        return "0".ljust(len(raw))
    if kind == "open":
        masked.wrong.append((line, "syntax", f"{raw} is opened and never closed — close it"))
        return raw
    if directive:
        return raw
    if not raw.isascii():
        remedy = "the terminal's code page decides what it becomes: write ASCII, or \\x…"
        masked.wrong.append((line, "text", f"a text with other than ASCII letters — {remedy}"))
    if ESCAPES.search(re.sub(r"\\\\", "", raw)):
        words = "an escape that MetaEditor may not know — use \\n, \\r, \\t, \\\\, \\\", \\' or \\x"
        masked.wrong.append((line, "text", words))
    if kind == "letter" and len(re.sub(r"\\x[0-9A-Fa-f]{1,4}|\\.", "_", raw)) != 3:
        masked.wrong.append((line, "text", "a letter is one letter between '…' — use a text"))
        return "0".ljust(len(raw))
    return raw[0] + "_" * (len(raw) - 2) + raw[0] if kind == "text" else "'_'".ljust(len(raw))


def _input(match: re.Match[str], masked: Masked) -> str:
    if match[3]:
        masked.groups.append(masked_line(match))
        return " " * len(match[0])
    return match[1] + ("const" if match[2] == "input" else "static")


def masked_line(match: re.Match[str]) -> int:
    """The line of a match in its text, from 1."""
    return match.string.count("\n", 0, match.start(2)) + 1
