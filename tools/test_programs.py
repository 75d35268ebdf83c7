"""Installs the programs that tests need and pip cannot bring, where we may; run by `make test`.

On Debian and Ubuntu as root missing packages are installed and named; elsewhere the line that
installs them is printed and the tests that need them say why they skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "g++": "g++",
    "gcc": "gcc",
    "chromium": "chromium",
    "fusermount3": "fuse3",
    "ip": "iproute2",
    "iptables": "iptables",
    "openssl": "openssl",
    "strace": "strace",
    "tshark": "tshark",
}
"""Program to look for, and the package that brings it."""


def main() -> int:
    missing = sorted(package for program, package in PACKAGES.items() if not shutil.which(program))
    if not missing:
        return 0
    line = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"missing test programs: {', '.join(missing)} — {line}")
        return 0
    print(f"installing test programs: {', '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    command += ["-o", "DPkg::Lock::Timeout=120", *missing, "fonts-dejavu-core"]
    done = subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
