"""Writes requirements.lock: exact versions with hashes for every dependency; run by `make lock`.

Needs `uv` on PATH. The file names no package index.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    uv = shutil.which("uv")
    if uv is None:
        print("uv is not on PATH — pip install uv", file=sys.stderr)
        return 2
    command = [uv, "pip", "compile", "--universal", "--python-version", "3.11", "--extra", "dev"]
    command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-annotate"]
    command += ["--output-file", "requirements.lock", "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
