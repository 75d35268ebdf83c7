"""Checks what a linter cannot: sizes, names, native rooms, leftovers; `make check` runs it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, NATIVE_LINES, MODULES = 500, 70, 2_500, 12
BANNED_NAMES = {"manager", "helper", "helpers", "util", "utils", "common", "data", "info"}
LEFTOVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE = re.compile(
    r"files\.python" + r"hosted|py" + r"pi\.org|registry\.npm" + r"js|/wor" + r"k/|/home" + r"/\w"
)
ROOMS = ["base", "host", "model", "fix", "stream", "state", "kernel", "gateway", "strategies"]
ROOMS += ["sim"]


def main() -> int:
    tracked = _files()
    findings = sorted(
        finding for check in (_modules, _texts, _native, _folders) for finding in check(tracked)
    )
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings in {len(tracked)} files")
    return 1 if findings else 0


def _files() -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def _modules(tracked: list[Path]) -> Iterator[str]:
    for path in tracked:
        if path.suffix != ".py":
            continue
        text = path.read_text()
        where = path.relative_to(ROOT)
        tree = ast.parse(text)
        if text.strip() and ast.get_docstring(tree) is None:
            yield f"{where}:1: no opening sentence — say what the module holds and who calls it"
        is_table = not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)
        if len(text.splitlines()) > FILE_LINES and not is_table:
            yield f"{where}:1: more than {FILE_LINES} lines — split it by noun"
        if path.stem.strip("_") in BANNED_NAMES:
            yield f"{where}:1: {path.stem} names nothing — name what it holds"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{where}:{node.lineno}: {node.name} has {length} lines — split it"


def _texts(tracked: list[Path]) -> Iterator[str]:
    for path in tracked:
        if path.suffix in {".png", ".ico", ".gz", ".woff2"} or path.name == "package-lock.json":
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            where = f"{path.relative_to(ROOT)}:{number}"
            if LEFTOVER.search(line):
                yield f"{where}: left for later — do it or delete it"
            if MACHINE.search(line):
                yield f"{where}: names a machine or a package index — remove it"


def _native(tracked: list[Path]) -> Iterator[str]:
    total = 0
    for path in tracked:
        if path.suffix not in {".pyx", ".pxd", ".h"}:
            continue
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            yield f"{path.relative_to(ROOT)}:1: more than {FILE_LINES} lines — split it by noun"
        total += sum(bool(re.match(r"\s*[^\s#/*\"]", line)) for line in lines)
        room = path.relative_to(ROOT / "src" / "thft").parts[0]
        for number, line in enumerate(lines, 1):
            used = re.match(r"\s*(?:from|cimport|import)\s+thft\.(\w+)", line)
            if used and used[1] in ROOMS and ROOMS.index(used[1]) > ROOMS.index(room):
                where = f"{path.relative_to(ROOT)}:{number}"
                yield f"{where}: {room} reaches up to {used[1]} — move the name down"
    if total > NATIVE_LINES:
        yield f"src:0: {total} lines of native code, {NATIVE_LINES} allowed — move what is no leaf"


def _folders(tracked: list[Path]) -> Iterator[str]:
    rooms: dict[Path, set[str]] = {}
    for path in tracked:
        if path.suffix in {".py", ".pyx"} and "src" in path.parts and path.stem != "__init__":
            stem = path.stem.removeprefix("_").removesuffix("_py")
            rooms.setdefault(path.parent, set()).add(stem)
    for folder, stems in rooms.items():
        if folder.name != "cli" and len(stems) > MODULES:
            where = folder.relative_to(ROOT)
            yield f"{where}:0: {len(stems)} modules, {MODULES} allowed — split the room"


if __name__ == "__main__":
    sys.exit(main())
