"""The trace that the interpreter itself writes when a core is aborted or crashes; read at starts.

Code stuck in C holds the interpreter lock: no thread and no signal handler of ours can run. The
supervisor then aborts the process, and the trace, written without that lock, says in whose code it
was. The strategies of that code start disabled.
"""

from __future__ import annotations

import faulthandler
import inspect
import re
from pathlib import Path
from typing import NamedTuple

from thft.core.catalogue import Catalogue
from thft.stream.disk import typed_errors

FILE = "fatal-trace"
_CAUSE = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
_FRAME = re.compile(r'^ *File "(.+)", line (\d+) in (\S+)$', re.MULTILINE)


class Stuck(NamedTuple):
    """The kind of strategy whose code the last core did not come back from, and where that was."""

    kind: str
    reason: str


class FatalTrace:
    """The trace file of one data directory; `arm` makes the interpreter write into it."""

    def __init__(self, directory: Path) -> None:
        path = directory / FILE
        with typed_errors("open", str(path)):
            self._file = path.open("a+b")
            self._file.seek(0)
            self._text = self._file.read().decode(errors="replace")

    def stuck(self, catalogue: Catalogue) -> Stuck | None:
        """Returns in whose code the core before this one ended, None when in nobody's."""
        cause = _CAUSE.search(self._text)
        if cause is None:
            return None
        kinds = {inspect.getfile(cls): kind for kind, (cls, _) in catalogue.items()}
        for file, line, function in _FRAME.findall(self._text):
            if file in kinds:
                place = f"{function} ({Path(file).name}:{line})"
                return Stuck(kinds[file], f"stuck: the core was ended in {place}: {cause[1]}")
        return None

    def arm(self) -> None:
        """Forgets the old trace and waits for the next one."""
        self._file.truncate(0)
        faulthandler.enable(self._file, all_threads=False)

    def close(self) -> None:
        """Stops waiting."""
        faulthandler.disable()
        self._file.close()
