"""The seed of a random test: the same in every run, another one by THFT_SEED; for random tests."""

from __future__ import annotations

import os
import zlib
from random import Random


def seed_of_test(chosen: int | None = None) -> int:
    """Returns THFT_SEED, else the chosen seed, else one made of the test's name; prints it."""
    name = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    number = int(os.environ.get("THFT_SEED", 0)) or chosen or zlib.crc32(name.encode())
    print(f"seed {number}", flush=True)
    return number


def seeded(chosen: int | None = None) -> Random:
    """Returns a generator with that seed."""
    return Random(seed_of_test(chosen))
