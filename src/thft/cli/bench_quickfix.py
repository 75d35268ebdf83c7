"""QuickFIX's Python binding as a peer in a process of its own; used by `thft bench fix`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import quoteattr

from thft.base.errors import LocalError
from thft.fix.dictionary import Dictionary, fix44
from thft.fix.fix44.notation import Item, walk

PACKAGE = "quickfix-tls==1.16.0.1rc1"
INSTALL_TIMEOUT_S = 300.0


class QuickFix:
    """Parses messages with QuickFIX on request, unless it is `absent`."""

    def __init__(
        self,
        sources: Path,
        folder: Path,
        messages: Mapping[str, bytes],
        expected: Mapping[str, tuple[Any, ...]],
    ) -> None:
        self.absent = True
        self._process: subprocess.Popen[str] | None = None
        python = environment()
        if python is None:
            return
        self.absent = False
        dictionary = folder / "fix44.xml"
        dictionary.write_text(_xml(fix44(), messages))
        texts = {kind: raw.decode() for kind, raw in messages.items()}
        self._task = json.dumps({"dictionary": str(dictionary), "messages": texts})
        self._expected = expected
        self._process = subprocess.Popen(
            [str(python), str(sources / "quickfix_parse.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def cpu_ns(self, kind: str, count: int) -> int:
        """Returns the CPU time, ns, of parsing `count` messages of a type."""
        return int(self._asked(f"{kind} {count}"))

    def _asked(self, line: str) -> str:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise LocalError("QuickFIX does not run")
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise LocalError("QuickFIX has ended", "see its message above")
        return answer

    def __enter__(self) -> Self:
        if self._process is not None:
            try:
                self._compare()
            except BaseException:
                self._stop(self._process)
                raise
        return self

    def _compare(self) -> None:
        """Refuses to time a parser that reads something else than was written."""
        read = json.loads(self._asked(self._task))
        for kind, values in self._expected.items():
            if not _same(read[kind], values):
                raise LocalError(f"QuickFIX reads {read[kind]!r} of a {kind}, not {values!r}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._stop(self._process)

    @staticmethod
    def _stop(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()


def environment() -> Path | None:
    """Returns the Python of an environment that has QuickFIX; None, and why, when none is made."""
    try:
        return _environment()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"QuickFIX is not measured: {PACKAGE} cannot be installed ({error})", file=sys.stderr)
        return None


def _environment() -> Path:
    """Returns the Python of an environment in the user's cache, which is made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / "thft" / f"{PACKAGE.replace('==', '-')}-py{version}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"setting up {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", PACKAGE]
        subprocess.run(command, check=True, timeout=INSTALL_TIMEOUT_S, stdout=sys.stderr)
        done.touch()
    return python


def _same(read: Any, values: Any) -> bool:
    """Returns whether floats and texts are the scaled integers and texts of ours."""
    if isinstance(values, tuple):
        pairs = zip(read, values, strict=False)
        return len(read) == len(values) and all(_same(one, other) for one, other in pairs)
    if isinstance(values, int):
        return any(abs(read * scale - values) <= abs(values) * 1e-12 for scale in (1e9, 1e8))
    return bool(read == values)


def _xml(dictionary: Dictionary, kinds: Iterable[str]) -> str:
    """Returns as much of our dictionary in QuickFIX's notation as it needs to tell groups apart."""
    sections = {name: dictionary.part(name) for name in ("Header", "Trailer")}
    bodies = {kind: dictionary.items(kind) for kind in kinds}
    tags = {item.tag for items in (*sections.values(), *bodies.values()) for item in walk(items)}
    messages = "".join(
        f"<message name={quoteattr(dictionary.names[kind])} msgtype='{kind}' msgcat='app'>"
        f"{_items(dictionary, items)}</message>"
        for kind, items in bodies.items()
    )
    fields = "".join(
        f"<field number='{tag}' name={quoteattr(dictionary.fields[tag].name)}"
        f" type='{dictionary.fields[tag].type}'/>"
        for tag in sorted(tags)
    )
    return (
        "<fix type='FIX' major='4' minor='4'>"
        f"<header>{_items(dictionary, sections['Header'])}</header>"
        f"<messages>{messages}</messages>"
        f"<trailer>{_items(dictionary, sections['Trailer'])}</trailer>"
        f"<components/><fields>{fields}</fields></fix>"
    )


def _items(dictionary: Dictionary, items: Iterable[Item]) -> str:
    found = []
    for item in items:
        name = quoteattr(dictionary.fields[item.tag].name)
        if item.members:
            inside = _items(dictionary, item.members)
            found.append(f"<group name={name} required='N'>{inside}</group>")
        else:
            found.append(f"<field name={name} required='N'/>")
    return "".join(found)
