"""MQL to C++ text that the shim's headers make sense of; called by `terminal`.

Literals become strings of MQL, arrays become classes with bounds, functions are declared ahead,
inputs read the environment, and `#line` keeps the place in the Expert's own source.
"""

from __future__ import annotations

import re
from pathlib import Path

BUILT_IN = {
    *("bool", "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong", "float"),
    *("double", "string", "datetime", "color", "MqlTick", "MqlTradeRequest", "MqlTradeResult"),
    *("MqlTradeTransaction", "MqlDateTime"),
}
HANDLERS = {
    "OnInit": 'extern "C" int expert_init() { return mql::after(mql::OnInit); }',
    "OnDeinit": 'extern "C" void expert_deinit(int reason) { mql::OnDeinit(reason); }',
    "OnTick": 'extern "C" void expert_tick() { mql::OnTick(); }',
    "OnTimer": 'extern "C" void expert_timer() { mql::OnTimer(); }',
    "OnTradeTransaction": (
        'extern "C" void expert_transaction(const mql::MqlTradeTransaction &said,\n'
        "    const mql::MqlTradeRequest &request, const mql::MqlTradeResult &result) {\n"
        "  mql::OnTradeTransaction(said, request, result);\n}"
    ),
}
AFTER = """template <class T> int after(T (*init)()) {
  if constexpr (std::is_void_v<T>) { init(); return 0; } else { return static_cast<int>(init()); }
}"""
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|D'[^'\n]*'|'(?:\\.|[^'\\\n])+'", re.DOTALL
)
INCLUDE = re.compile(r'^[ \t]*#include[ \t]+"([^"]+)"[^\n]*$', re.MULTILINE)
FUNCTION = re.compile(r"^((?:const\s+)?[A-Za-z_]\w*)\s+(\w+)\s*\(([^;{}()]*)\)\s*\{", re.MULTILINE)


def translated(source: Path, dialect: int) -> str:
    """Returns the C++ text of an Expert and all that it includes."""
    text = _masked(_included(source, []))
    types = BUILT_IN | set(re.findall(r"\b(?:struct|class|enum)\s+(\w+)", text))
    text = re.sub(r"^[ \t]*#(property|import)\b[^\n]*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bthis\s*\.", "this->", text)
    text = re.sub(r"^[ \t]*s?input\s+group\b[^\n]*$", "", text, flags=re.MULTILINE)
    text = re.sub(
        r"^[ \t]*(?:s?input|extern)\s+(\w+)\s+(\w+)\s*=\s*([^;]+);",
        r'static const \1 \2 = input<\1>("\2", \1(\3));',
        text,
        flags=re.MULTILINE,
    )
    text = _enums(_arrays(text, types))
    heads = [match for match in FUNCTION.finditer(text) if _at_top(text, match.start())]
    ahead = [f"struct {name};" for name in re.findall(r"^struct\s+(\w+)", text, re.MULTILINE)]
    ahead += [
        f"enum {name} : int;" for name in re.findall(r"^enum (\w+) : int", text, re.MULTILINE)
    ]
    ahead += _globals(text)
    ahead += [f"{one[1]} {one[2]}({_without_defaults(one[3])});" for one in heads]
    entries = [HANDLERS[one[2]] for one in heads if one[2] in HANDLERS]
    begin = [f"#define __MQL{dialect}__ 1", f'#include "api{dialect}.hpp"', "namespace mql {"]
    return "\n".join([*begin, AFTER, *ahead, text, "}", *entries, ""])


def _included(source: Path, seen: list[Path]) -> str:
    """Returns the text with its includes in their places; each is taken once."""
    seen.append(source.resolve())
    text = source.read_text(encoding="utf-8")
    parts, at = [f'#line 1 "{source.name}"\n'], 0
    for match in INCLUDE.finditer(text):
        parts.append(text[at : match.start()])
        wanted = source.parent / match[1]
        if wanted.resolve() not in seen:
            parts.append(_included(wanted, seen) + "\n")
        line = text.count("\n", 0, match.start()) + 1
        parts.append(f'#line {line + 1} "{source.name}"')
        at = match.end()
    return "".join([*parts, text[at:]])


def _masked(text: str) -> str:
    """Drops comments, and makes literals what the shim calls them."""

    def made(match: re.Match[str]) -> str:
        token = match[0]
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip()
        if token[0] == "/":
            return "\n" * token.count("\n") or " "
        if line.startswith(("#line", "#property", "#import", "#include")):
            return token
        if token[0] == '"':
            return f"{token}_s"
        if token[0] == "D":
            return f'StringToTime("{token[2:-1]}")'
        return f"ushort(u{token})"

    return TOKEN.sub(made, text)


def _at_top(text: str, at: int) -> bool:
    return text.count("{", 0, at) == text.count("}", 0, at)


def _globals(text: str) -> list[str]:
    """Returns declarations of the globals: MQL's compiler reads all of them before any function."""
    found = re.finditer(
        r"^(Array<\w+>|[A-Za-z_]\w*)\s+(\w+)\s*(?:=[^;()]*|\{[^;]*\})?;", text, re.MULTILINE
    )
    return [
        f"extern {one[1]} {one[2]};"
        for one in found
        if one[1] not in ("return", "struct", "enum", "class") and _at_top(text, one.start())
    ]


def _without_defaults(parameters: str) -> str:
    return ", ".join(one.split("=")[0].strip() for one in parameters.split(",")).strip()


def _arrays(text: str, types: set[str]) -> str:
    """`T x[]`, `T x[N]`, `T &x[]` become Array<T>."""
    known = "|".join(sorted(types, key=len, reverse=True))
    parameter = re.compile(rf"\b({known})\s*&\s*(\w+)\s*\[\s*\w*\s*\]")
    text = parameter.sub(r"Array<\1> &\2", text)
    declared = re.compile(
        rf"(?<![<\w])((?:static\s+|const\s+)*)({known})\s+((?:\w+\s*\[\s*\w*\s*\]\s*,?\s*)+)"
        r"(=\s*\{[^;]*\})?\s*;"
    )

    def made(match: re.Match[str]) -> str:
        head, kind, names, values = match[1], match[2], match[3], match[4] or ""
        zero = "static" in head or _at_top(text, match.start())
        out = []
        for name, size in re.findall(r"(\w+)\s*\[\s*(\w*)\s*\]", names):
            listed = values.lstrip("= ")
            if size:
                begin = f"{{Fixed{{{size}, {str(zero).lower()}}}{', ' + listed if listed else ''}}}"
            else:
                begin = f" = {listed}" if listed else ""
            out.append(f"{head}Array<{kind}> {name}{begin};")
        return " ".join(out)

    return declared.sub(made, text)


def _enums(text: str) -> str:
    return re.sub(r"^enum\s+(\w+)\s*(?=\{|\n)", r"enum \1 : int ", text, flags=re.MULTILINE)
