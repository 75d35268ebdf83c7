"""Compiles Experts with the shim and runs them as programs under sanitizers; called by tests.

What is compiled is kept by the hash of what it was made of, in `.stamp/mql`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.mql.preprocess import translated

ROOT = Path(__file__).resolve().parents[2]
SHIM = Path(__file__).parent / "shim"
KEPT = ROOT / ".stamp" / "mql"
EXPERTS = {4: ROOT / "mql/mt4/ThftBridge.mq4", 5: ROOT / "mql/mt5/ThftBridge.mq5"}
SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FLAGS = ["-w", "-std=c++17", "-O1", "-g1", "-fPIC", "-fno-gnu-unique", *SANITIZED]
COMMON = ("text", "strings", "format", "info", "runtime", "market", "sockets", "host")
ONLY = {4: ("winsock4", "trade4"), 5: ("sockets5", "tls", "ledger5", "trade5")}
WAIT_S = 30.0


class CompileError(Exception):
    """What g++ said about an Expert; its lines are the Expert's own."""


def host(dialect: int) -> Path:
    """Returns the program that runs Experts of a dialect."""
    headers = b"".join(path.read_bytes() for path in sorted(SHIM.glob("*.hpp")))
    define = f"-D__MQL{dialect}__=1"

    def made(name: str) -> Path:
        source = SHIM / f"{name}.cpp"
        digest = _digest(headers, source.read_bytes(), *FLAGS, define)
        return _kept(f"{name}-{digest}.o", [*FLAGS, define, "-c", str(source)])

    with ThreadPoolExecutor(2) as pool:
        objects = [str(path) for path in pool.map(made, (*COMMON, *ONLY[dialect]))]
    linked = [*SANITIZED, "-rdynamic", *objects, "-ldl"]
    return _kept(f"host{dialect}-{_digest(*linked)}", linked)


def expert(source: Path, dialect: int) -> Path:
    """Returns the library made of an Expert; raises CompileError."""
    text = translated(source, dialect)
    headers = b"".join(path.read_bytes() for path in sorted(SHIM.glob("*.hpp")))
    digest = _digest(text, headers, *FLAGS)
    cpp = KEPT / f"{source.stem}{dialect}-{digest}.cpp"
    KEPT.mkdir(parents=True, exist_ok=True)
    cpp.write_text(text)
    return _kept(f"{cpp.stem}.so", [*FLAGS, "-shared", f"-I{SHIM}", str(cpp)])


def _digest(*parts: str | bytes) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part.encode() if isinstance(part, str) else part)
    return hashed.hexdigest()[:16]


def _kept(name: str, arguments: list[str]) -> Path:
    """Returns a file that g++ makes, made once."""
    path = KEPT / name
    if path.exists():
        return path
    KEPT.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{os.getpid()}-{threading.get_ident()}-{name}")
    done = subprocess.run(
        ["g++", *arguments, "-o", str(part)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError(done.stderr)
    part.replace(path)
    return path


class Terminal:
    """One terminal with its Expert, a process that obeys lines."""

    def __init__(
        self,
        dialect: int,
        port: int,
        *,
        source: Path | None = None,
        key: str = bytes(range(32)).hex(),
        seed: int = 1,
        quirks: bool = False,
        hedging: bool = False,
        step_ms: int = 0,
        count_from: int = 0,
        login: str = "51001234",
        leaks: bool = False,
        **inputs: object,
    ) -> None:
        self.dialect = dialect
        program, library = host(dialect), expert(source or EXPERTS[dialect], dialect)
        told = {"InpHost": "127.0.0.1", "InpPort": port, "InpKey": key, "InpTimerMs": 10, **inputs}
        environment = {f"MQL_INPUT_{name}": str(value) for name, value in told.items()}
        environment |= {"MQL_SEED": str(seed), "MQL_QUIRKS": str(int(quirks)), "MQL_LOGIN": login}
        environment |= {"MQL_HEDGING": str(int(hedging)), "MQL_STEP_MS": str(step_ms)}
        environment |= {"MQL_COUNT_FROM": str(count_from)}
        environment |= {"ASAN_OPTIONS": f"detect_leaks={int(leaks)}"}
        environment |= {"UBSAN_OPTIONS": "print_stacktrace=1"}
        self._process = subprocess.Popen(
            [str(program), str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )
        self.prints: deque[str] = deque(maxlen=10_000)
        """What the Expert printed, newest last."""
        self.events: deque[str] = deque(maxlen=10_000)
        self.errors: list[str] = []
        self._answers: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=one, daemon=True) for one in (self._hear, self._hear_errors)
        ]
        for reader in self._readers:
            reader.start()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            mark, text = line[:1], line[2:].rstrip("\n")
            if mark == ">":
                self.prints.append(text)
            elif mark == "=":
                self._answers.put(text)
            else:
                self.events.append(text)
        self._answers.put("")

    def _hear_errors(self) -> None:
        assert self._process.stderr is not None
        self.errors += self._process.stderr

    def ask(self, line: str) -> dict[str, Any]:
        """Sends a command and returns its answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._answers.get(timeout=WAIT_S)
        if not answer:
            raise AssertionError(f"the terminal ended, {self.ended()}")
        said: dict[str, Any] = json.loads(answer)
        assert "error" not in said, said
        return said

    def report(self) -> dict[str, Any]:
        """Returns counters, orders and positions."""
        return self.ask("report")

    def ended(self) -> str:
        """Waits for the end; returns the exit code and what was said on stderr."""
        code = self._process.wait(WAIT_S)
        for reader in self._readers:
            reader.join(WAIT_S)
        return f"code {code}: {''.join(self.errors)[-4_000:]} {list(self.events)[-3:]}"

    def close(self) -> None:
        """Ends it; raises AssertionError when it had not been well."""
        if self._process.poll() is None:
            with contextlib.suppress(AssertionError):
                self.ask("quit")
        said = self.ended()
        assert self._process.returncode == 0, said
        assert not self.errors, said

    def kill(self) -> None:
        """Ends it without a word."""
        self._process.kill()
        self._process.wait(WAIT_S)

    def until_printed(self, words: str, s: float = WAIT_S) -> None:
        """Waits until the Expert has printed something with these words."""
        deadline = time.monotonic() + s
        while not any(words in line for line in list(self.prints)):
            assert self._process.poll() is None, self.ended()
            assert time.monotonic() < deadline, f"not said: {words!r}, but {list(self.prints)[-5:]}"
            time.sleep(0.005)
