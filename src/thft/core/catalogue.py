"""Which strategies exist: those shipped and those of the user's folder; loaded by core and cli."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from hashlib import sha256
from pathlib import Path

from thft.base.errors import LocalError
from thft.kernel.strategy import Strategy
from thft.strategies import BUILTIN

Catalogue = dict[str, tuple[type[Strategy], str]]


def load_catalogue(folder: str = "") -> Catalogue:
    """Returns kind → (class, source hash); raises LocalError naming the file that is wrong."""
    found: Catalogue = {cls.kind: (cls, _source_hash(cls)) for cls in BUILTIN}
    if folder:
        for path in sorted(Path(folder).glob("*.py")):
            for cls in _classes(path):
                if cls.kind in found:
                    raise LocalError(f"{path}: kind {cls.kind!r} exists already", "rename it")
                found[cls.kind] = (cls, sha256(path.read_bytes()).hexdigest())
    return found


def _source_hash(cls: type[Strategy]) -> str:
    return sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest()


def _classes(path: Path) -> list[type[Strategy]]:
    spec = importlib.util.spec_from_file_location(f"thft_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise LocalError(f"{path} cannot be imported", "check the file name")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may raise anything; it is named and refused
        raise LocalError(f"{path}: {type(error).__name__}: {error}", "mend the strategy") from error
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.kind
        and value.__module__ == module.__name__
    ]
