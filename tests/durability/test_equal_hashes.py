"""One seed, one state hash: under every CPython of this machine, two hash seeds, twins, native."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("msgspec", "zstandard")
"""All that kernel, journal and simulation import."""
STORY = """
import sys
from thft import _native
from thft.sim.engine_sim import simulate
tally = simulate(7, 3000)
print(sys.version.split()[0], "native" if _native.USE_NATIVE else "twins", tally.state_hash)
"""
VERSION = "import sys; print(*sys.version_info[:3], sys.implementation.name)"


def interpreters() -> dict[tuple[int, ...], Path]:
    """Returns one CPython ≥ 3.11 of each version on PATH or under pyenv."""
    places = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    places += (Path.home() / ".pyenv" / "versions").glob("*/bin")
    found: dict[tuple[int, ...], Path] = {}
    for place in places:
        for path in place.glob("python3*"):
            if not re.fullmatch(r"python3(\.\d+)?", path.name):
                continue
            asked = subprocess.run(
                [path, "-c", VERSION], capture_output=True, text=True, check=False
            )
            words = asked.stdout.split()
            if asked.returncode == 0 and words[3:] == ["cpython"]:
                version = tuple(int(word) for word in words[:3])
                if version[:2] >= (3, 11):
                    found.setdefault(version, path)
    return found


def locked(folder: Path) -> Path:
    """Writes the lines of the lock file that the simulation needs."""
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    wanted = [entry for entry in entries if entry.split("==")[0] in NEEDED]
    assert len(wanted) == len(NEEDED)
    path = folder / "needed.lock"
    path.write_text("\n".join(wanted) + "\n")
    return path


def story(python: Path | str, **environment: str) -> str:
    """Runs the seed; returns version, leaves and state hash."""
    done = subprocess.run(
        [python, "-c", STORY],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_interpreter_comes_to_the_same_state(tmp_path: Path) -> None:
    stories = [
        story(sys.executable, PYTHONHASHSEED="1", THFT_PURE="0"),
        story(sys.executable, PYTHONHASHSEED="2", THFT_PURE="0"),
        story(sys.executable, PYTHONHASHSEED="3", THFT_PURE="1"),
    ]
    needed = locked(tmp_path)
    for version, path in sorted(interpreters().items()):
        if version == sys.version_info[:3]:
            continue
        home = tmp_path / ".".join(str(number) for number in version)
        subprocess.run([path, "-m", "venv", home], check=True, capture_output=True)
        python = home / "bin" / "python"
        install = ("-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(needed))
        subprocess.run([str(python), *install], check=True, capture_output=True)
        stories.append(story(python, PYTHONHASHSEED="4"))
        shutil.rmtree(home)
    print(*stories, sep="\n")
    assert len({line.split()[-1] for line in stories}) == 1
