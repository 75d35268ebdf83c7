"""Prepares the Python 3.13 environments of `thft bench engine` and `ws`, which run this program.

Prints {"own": interpreter, "peer": interpreter} as JSON, with the argument `cryptofeed` the peer of
`ws` alone, or {"missing": what, "remedy": how to get it}. The environments are made once, in the
user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER = "nautilus_trader==2.0.0rc7"
CRYPTOFEED = "cryptofeed==3.0.1"
WANTED = (3, 13)
SOURCES = {".py", ".pyx", ".pxd", ".h"}
PIP = ("-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")


class Missing(Exception):
    """(what is missing, how to get it)"""


def cache() -> Path:
    """Returns the folder of the environments."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "thft" / "bench"


def candidates() -> Iterator[str]:
    """Yields where a Python 3.13 may be: here, on PATH, among pyenv's and uv's versions."""
    yield sys.executable
    if found := shutil.which("python3.13"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    uv = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "uv/python"
    for versions in (pyenv.glob("3.13*"), uv.glob("cpython-3.13*")):
        for version in sorted(versions, reverse=True):
            yield str(version / "bin" / "python3.13")


def python_313() -> str:
    """Returns a Python 3.13 that can make environments; raises Missing."""
    probe = f"import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != {WANTED})"
    for path in candidates():
        if Path(path).exists():
            tried = subprocess.run([path, "-c", probe], stderr=subprocess.DEVNULL, check=False)
            if tried.returncode == 0:
                return path
    raise Missing(
        "no Python 3.13 with venv on PATH or among the versions of pyenv and uv",
        "`uv python install 3.13` or `pyenv install 3.13`",
    )


def own(python: str) -> str:
    """Returns an interpreter that runs this checkout's code with its extensions."""
    if sys.version_info[:2] == WANTED:
        return sys.executable
    home = cache() / "own"
    lock = ROOT / "requirements.lock"
    path = environment(home, python, digest([lock]), "--require-hashes", "-r", str(lock))
    code = [file for file in ROOT.glob("src/**/*") if file.suffix in SOURCES]
    installed = digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py", *sorted(code)])
    mark = home / "installed"
    if not mark.exists() or mark.read_text() != installed:
        mark.unlink(missing_ok=True)
        say("building this checkout for Python 3.13")
        pip(path, "--no-deps", "--no-build-isolation", "--force-reinstall", str(ROOT))
        mark.write_text(installed)
    return path


def environment(home: Path, python: str, wanted: str, *requirements: str) -> str:
    """Returns the interpreter of the environment in `home`, which has what is wanted."""
    path, mark = str(home / "bin" / "python"), home / "ready"
    if Path(path).exists() and mark.exists() and mark.read_text() == wanted:
        return path
    say(f"making an environment in {home}")
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(home)], check=True)
    pip(path, *requirements)
    mark.write_text(wanted)
    return path


def pip(python: str, *arguments: str) -> None:
    """Installs; raises Missing with pip's last words."""
    done = subprocess.run(
        [python, *PIP, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "THFT_WEB": "off"},
    )
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise Missing(
            f"pip could not install {arguments[-1]}: {' '.join(words[-1:])}",
            "connect to a package index, or name a folder of wheels in PIP_FIND_LINKS",
        )


def digest(files: list[Path]) -> str:
    """Returns a hash of names and contents."""
    found = hashlib.sha256()
    for file in files:
        found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def say(words: str) -> None:
    """Tells the person who waits."""
    print(words, file=sys.stderr, flush=True)


def engine() -> dict[str, str]:
    """Returns what `thft bench engine` runs."""
    wheel = ("--pre", "--only-binary", ":all:", PEER)
    python = python_313()
    return {"own": own(python), "peer": environment(cache() / "peer", python, PEER, *wheel)}


def cryptofeed() -> dict[str, str]:
    """Returns what `thft bench ws` runs beside itself."""
    wheel = ("--only-binary", ":all:", CRYPTOFEED)
    return {"peer": environment(cache() / "cryptofeed", python_313(), CRYPTOFEED, *wheel)}


def main(what: str = "engine") -> None:
    """Makes what is not there yet."""
    try:
        ready = {"engine": engine, "cryptofeed": cryptofeed}[what]()
    except Missing as missing:
        ready = dict(zip(("missing", "remedy"), missing.args, strict=True))
    print(json.dumps(ready))


if __name__ == "__main__":
    main(*sys.argv[1:])
