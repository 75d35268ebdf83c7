"""Compiles the optional extensions and builds the web page into the wheel; called by hatchling.

Run as a script (`python hatch_build.py [NAME…]`) it compiles the extensions, or those named,
beside their sources.
THFT_NATIVE=off leaves them out, =require fails when they do not compile; without a compiler the
Python twins serve. THFT_WEB=off leaves the page out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "src"
COMPILE_FLAGS = ["-O3", "-g0"]


def compile_extensions(build_root: Path, *names: str) -> list[tuple[Path, str]]:
    """Compiles src/thft/**/_*.pyx, all or those named; returns (built file, path inside thft)."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    extensions = [
        Extension(
            ".".join(path.relative_to(SOURCE).with_suffix("").parts),
            [str(path.relative_to(ROOT))],
            include_dirs=[str(path.parent), str(SOURCE / "thft" / "base")],
            extra_compile_args=COMPILE_FLAGS,
        )
        for path in sorted(SOURCE.glob("thft/**/_*.pyx"))
        if not names or path.stem in names
    ]
    os.chdir(ROOT)
    modules = cythonize(
        extensions,
        build_dir=str(build_root / "c"),
        include_path=[str(SOURCE)],
        compiler_directives={"language_level": 3},
        quiet=True,
    )
    distribution = Distribution({"ext_modules": modules, "package_dir": {"": "src"}})
    command = build_ext(distribution)
    command.build_lib = str(build_root / "lib")
    command.build_temp = str(build_root / "temp")
    command.force = True
    command.parallel = 2
    command.ensure_finalized()
    command.run()
    built = sorted((build_root / "lib").rglob("*.so"))
    return [(path, str(path.relative_to(build_root / "lib"))) for path in built]


def remove_extensions() -> None:
    """Deletes compiled files beside the sources: an old binary must not outlive its source."""
    for path in SOURCE.glob("thft/**/_*.so"):
        path.unlink()


def install_in_place(build_root: Path, *names: str) -> None:
    """Compiles and copies the extensions, or those named, beside their sources."""
    if not names:
        remove_extensions()
    for built, inside in compile_extensions(build_root, *names):
        shutil.copy2(built, SOURCE / inside)


def build_page() -> Path:
    """Builds the web page and returns its folder."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "build_web.py")], check=True)
    return ROOT / "web" / "dist"


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    if __name__ != "__main__":
        raise
else:

    class NativeAndWeb(BuildHookInterface[Any]):
        """The wheel's hook: extensions when they compile, the page unless it is off."""

        PLUGIN_NAME = "custom"
        build_root: Path | None = None

        def dependencies(self) -> list[str]:
            """Returns the compile tools, unless extensions are off."""
            if os.environ.get("THFT_NATIVE") == "off":
                return []
            return ["setuptools>=77", "cython>=3.1"]

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Adds what was built to the wheel, or puts it beside the sources when editable."""
            editable = version == "editable"
            self.build_root = Path(tempfile.mkdtemp(prefix="thft-build-"))
            self._native(editable, build_data)
            if not editable and os.environ.get("THFT_WEB") != "off" and (ROOT / "web").is_dir():
                build_data["force_include"][str(build_page())] = "thft/static"

        def _native(self, editable: bool, build_data: dict[str, Any]) -> None:
            mode = os.environ.get("THFT_NATIVE", "auto")
            if editable:
                remove_extensions()
            if mode == "off" or self.build_root is None:
                return
            try:
                if editable:
                    install_in_place(self.build_root)
                    return
                for built, inside in compile_extensions(self.build_root):
                    build_data["force_include"][str(built)] = inside
                build_data["pure_python"] = False
                build_data["infer_tag"] = True
            except (Exception, SystemExit) as error:
                if mode == "require":
                    raise
                self.app.display_warning(f"extensions not built, Python twins serve: {error}")

        def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
            """Removes the build folder."""
            if self.build_root is not None:
                shutil.rmtree(self.build_root, ignore_errors=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="thft-build-") as folder:
        install_in_place(Path(folder), *sys.argv[1:])
    print("extensions compiled beside their sources")
