"""Planted durability bugs: each is put into a copy of the sources and its gate must fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.durability.power import missing_for_power_cuts
from tests.planted import planted_copy

from thft import _native

SMALL = {
    "THFT_CRASH_IMAGES": "6000",
    "THFT_KILLS": "60",
    "THFT_FLIPS": "200",
    "THFT_RETENTION_IMAGES": "400",
    "THFT_POWER_CUTS": "60",
}

IMAGES = "tests/durability/test_crash_images.py"
FLIPS = "tests/durability/test_flips.py"
SYNCING = "tests/durability/test_syncing.py"
CALLS = "tests/durability/test_sync_calls.py"
JOURNAL = "tests/unit/stream/test_journal.py"
RETENTION = "tests/durability/test_retention_images.py"
TWINS = "tests/twin/test_twins.py"
POWER = "tests/durability/test_power_cut.py::test_a_writer_whose_power_is_cut_loses_nothing_durable"


EXTENSIONS_OF = {
    "stream/syncing_core.h": ["_syncing"],
    "base/_frame.pyx": ["_frame"],
    "base/frame_core.h": [],
}
"""Which extensions a native source goes into; an empty list is all of them."""


POWER_SEEDS: tuple[dict[str, str], ...] = ({}, *({"THFT_SEED": str(n)} for n in range(14, 18)))
"""Where a power cut falls is a matter of time as well: a bug may need more than one campaign."""


class Mutant(NamedTuple):
    """One bug: where, what stands there, what stands there instead, and the gate that sees it."""

    name: str
    file: str
    old: str
    new: str
    gate: str
    leaves: str = "any"
    """any, twin (run with the Python leaves) or native (compiled anew)."""


MUTANTS = (
    Mutant(
        "no segment ever synced",
        "stream/_syncing_py.py",
        "            file.sync()\n        elif",
        "            pass\n        elif",
        IMAGES,
    ),
    Mutant(
        "full segment not synced when it is left",
        "stream/_syncing_py.py",
        "                for file in files:\n",
        "                for file in files[-1:]:\n",
        IMAGES,
    ),
    Mutant(
        "failed sync forgotten (twin)",
        "stream/_syncing_py.py",
        "                self._failure = error\n                return\n",
        "                print(error)\n",
        SYNCING,
        "twin",
    ),
    Mutant(
        "who waits for a failed sync tries again (twin)",
        "stream/_syncing_py.py",
        "            if self._failure is not None or not self.unsynced_bytes:\n",
        "            if not self.unsynced_bytes:\n",
        SYNCING,
        "twin",
    ),
    Mutant(
        "durable before its sync has ended (native)",
        "stream/syncing_core.h",
        "    int good = thft_sync_files(s, atomic_load(&s->begun));\n",
        "    atomic_store(&s->durable_seq, seq);\n"
        "    int good = thft_sync_files(s, atomic_load(&s->begun));\n",
        SYNCING,
        "native",
    ),
    Mutant(
        "mark in the side file before its sync has ended (native)",
        "stream/syncing_core.h",
        "    int good = thft_sync_files(s, atomic_load(&s->begun));\n",
        "    if (s->mark) atomic_store(s->mark, seq);\n"
        "    int good = thft_sync_files(s, atomic_load(&s->begun));\n",
        SYNCING,
        "native",
    ),
    Mutant(
        "no fdatasync (native)",
        "stream/syncing_core.h",
        "return fdatasync(fd) ? errno : 0;",
        "(void)fd; return 0;",
        CALLS,
        "native",
    ),
    Mutant(
        "refusal of fdatasync taken for success (native)",
        "stream/syncing_core.h",
        "return fdatasync(fd) ? errno : 0;",
        "fdatasync(fd); return 0;",
        CALLS,
        "native",
    ),
    Mutant(
        "covers what was written after the sync began (native)",
        "stream/syncing_core.h",
        "        atomic_store(&s->durable_seq, seq);\n",
        "        atomic_store(&s->durable_seq, atomic_load(&s->written_seq));\n",
        SYNCING,
        "native",
    ),
    Mutant(
        "full segment not synced first (native)",
        "stream/syncing_core.h",
        "for (uint32_t number = s->closed;; number++) {",
        "for (uint32_t number = begun - 1;; number++) {",
        SYNCING,
        "native",
    ),
    Mutant(
        "failed sync tried again (native)",
        "stream/syncing_core.h",
        "        if (failure) {\n",
        "        if (failure && (failure = atomic_load(&s->sync)(fd))) {\n",
        SYNCING,
        "native",
    ),
    Mutant(
        "failed sync forgotten (native)",
        "stream/syncing_core.h",
        "if (atomic_load(&s->stopping) || !thft_sync_round(s)) return NULL;",
        "if (atomic_load(&s->stopping)) return NULL; thft_sync_round(s); s->failure = 0;",
        SYNCING,
        "native",
    ),
    Mutant(
        "sync_now does not wait (native)",
        "stream/syncing_core.h",
        "    uint64_t bytes = atomic_load(&s->written_bytes);\n    int durable;\n",
        "    uint64_t bytes = 0;\n    int durable;\n",
        SYNCING,
        "native",
    ),
    Mutant(
        "durable mark claims what is only written",
        "stream/journal.py",
        "layout.seal_block(block, buffer.used, last_seq, self.durable_seq, self._chain)",
        "layout.seal_block(block, buffer.used, last_seq, last_seq, self._chain)",
        IMAGES,
    ),
    Mutant(
        "torn tail left in place",
        "stream/journal.py",
        "                file.truncate(found.end)\n",
        "                pass\n",
        IMAGES,
    ),
    Mutant(
        "epoch used twice",
        "stream/journal.py",
        "self.epoch = found.epoch + 1",
        "self.epoch = max(found.epoch, 1)",
        JOURNAL,
    ),
    Mutant(
        "damage below the durable mark is cut",
        "stream/recovery.py",
        "if found.tear is not None and durable_seq >= found.next_seq:",
        "if found.tear is not None and durable_seq < 0:",
        JOURNAL,
    ),
    Mutant(
        "chain not compared",
        "stream/recovery.py",
        "elif trailer.chain != chain:",
        "elif trailer.chain == b'':",
        FLIPS,
    ),
    Mutant(
        "bytes behind the last frame ignored",
        "stream/recovery.py",
        "    if bad < 0 and _blank(rest):\n",
        "    if bad < 0:\n",
        FLIPS,
    ),
    Mutant(
        "snapshot checksum not compared",
        "stream/snapshot.py",
        "if sha256(body).digest() != content[-32:]:",
        "if len(content) < 0:",
        FLIPS,
    ),
    Mutant(
        "sealed copy not synced before it replaces the segment",
        "stream/disk.py",
        "            offset += len(piece)\n        file.sync()\n",
        "            offset += len(piece)\n",
        IMAGES,
    ),
    Mutant(
        "segment removed before its sealed copy has its name",
        "stream/segment.py",
        "    disk.rename(part, sealed)\n    disk.sync_names()\n",
        "    disk.rename(part, sealed)\n",
        IMAGES,
    ),
    Mutant(
        "sealed block's checksum not compared",
        "stream/segment.py",
        "if len(chunk) != length or crc32(chunk) != crc:",
        "if len(chunk) != length:",
        FLIPS,
    ),
    Mutant(
        "segments removed before the root is written",
        "stream/retention/removal.py",
        "    write_root(disk, root)\n    gone = segments_before(disk, root)\n",
        "    gone = segments_before(disk, root)\n    for name in gone:\n"
        "        disk.remove(name)\n    disk.sync_names()\n    write_root(disk, root)\n"
        "    gone = []\n",
        RETENTION,
    ),
    Mutant(
        "root's name not synced before the segments go",
        "stream/disk.py",
        "    disk.rename(part, name)\n    disk.sync_names()\n",
        "    disk.rename(part, name)\n",
        RETENTION,
    ),
    Mutant(
        "archive's name not synced before the segments go",
        "stream/retention/archive.py",
        '    disk.rename(f"{name}.part", name)\n    disk.sync_names()\n',
        '    disk.rename(f"{name}.part", name)\n',
        RETENTION,
    ),
    Mutant(
        "orders not archived",
        "stream/retention/archive.py",
        "BULK = (MARKET, METRICS)",
        "BULK = (MARKET, METRICS, 3)",
        RETENTION,
    ),
    Mutant(
        "removal runs past its snapshot",
        "stream/retention/removal.py",
        "header.first_seq - 1 > old[-1]:",
        "header.first_seq - 1 > old[-1] + 400:",
        RETENTION,
    ),
    Mutant(
        "unacknowledged entries removed",
        "stream/retention/removal.py",
        "and (acked_seq is None or seq <= acked_seq)",
        "",
        "tests/unit/stream/test_retention.py",
    ),
    Mutant(
        "no file ever synced (twin)",
        "stream/disk.py",
        "            os.fdatasync(self.fd)\n",
        "            pass\n",
        POWER,
        "twin",
    ),
    Mutant(
        "no fdatasync, and the power goes (native)",
        "stream/syncing_core.h",
        "return fdatasync(fd) ? errno : 0;",
        "(void)fd; return 0;",
        POWER,
        "native",
    ),
    Mutant(
        "no directory ever synced",
        "stream/disk.py",
        "            os.fsync(fd)\n",
        "            pass\n",
        POWER,
    ),
    Mutant(
        "way to a new log not synced",
        "stream/journal.py",
        "            sync_path(directory)\n",
        "",
        JOURNAL,
    ),
    Mutant(
        "what a killed writer left is not synced at the start",
        "stream/journal.py",
        "            file.sync()\n            file.forget()\n",
        "            file.forget()\n",
        POWER,
    ),
    Mutant(
        "what a failed sync lost is read from memory at the start",
        "stream/journal.py",
        "            file.sync()\n            file.forget()\n",
        "            file.sync()\n",
        POWER,
    ),
    Mutant(
        "open group accepted (twin)",
        "base/_frame_py.py",
        "        if flags & GROUP_END:\n            closed_end",
        "        if True:\n            closed_end",
        IMAGES,
        "twin",
    ),
    Mutant(
        "checksum not compared (twin)",
        "base/_frame_py.py",
        "if crc32(buffer[at + 4 : behind]) != crc:",
        "if crc < 0:",
        IMAGES,
        "twin",
    ),
    Mutant(
        "open group accepted (native)",
        "base/_frame.pyx",
        "if header.flags & GROUP_END_FLAG:",
        "if True:",
        IMAGES,
        "native",
    ),
    Mutant(
        "checksum not compared (native)",
        "base/_frame.pyx",
        "if thft_crc32(base + at + 4, padded - 4) != header.crc:",
        "if False:",
        IMAGES,
        "native",
    ),
    Mutant(
        "sequence not compared (native)",
        "base/_frame.pyx",
        "if header.seq != seq:",
        "if False:",
        TWINS,
        "native",
    ),
    Mutant(
        "padding keeps old bytes (native)",
        "base/_frame.pyx",
        "        memset(at + length, 0, padded - length)\n",
        "",
        TWINS,
        "native",
    ),
    Mutant(
        "tail folded wrongly in the checksum (native)",
        "base/frame_core.h",
        "return count ? thft_crc_tables(crc, at, count) : crc;",
        "return crc;",
        TWINS,
        "native",
    ),
)


def caught(mutant: Mutant, folder: Path) -> str:
    """Runs the gate on the mutant; returns what is wrong, empty when the gate fails."""
    place = folder / mutant.name.replace(" ", "-").strip("()")
    root = planted_copy(place, mutant.file, mutant.old, mutant.new)
    environment = {**os.environ, **SMALL, "PYTHONPATH": str(root / "src")}
    environment["THFT_PURE"] = "1" if mutant.leaves == "twin" else "0"
    if mutant.leaves == "native":
        build = [sys.executable, "hatch_build.py", *EXTENSIONS_OF[mutant.file]]
        subprocess.run(build, cwd=root, check=True, capture_output=True)
    seeds = POWER_SEEDS if mutant.gate == POWER else POWER_SEEDS[:1]
    for seed in seeds:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", mutant.gate],
            cwd=root,
            env={**environment, **seed},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode == 1 and "FAILED" in done.stdout:
            shutil.rmtree(root)
            return ""
    return f"{mutant.name}: {mutant.gate} ended with {done.returncode}\n{done.stdout[-800:]}"


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(1_800)
def test_every_planted_bug_is_caught_by_its_gate(tmp_path: Path) -> None:
    lacking = {
        "native" if not _native.USE_NATIVE else "",
        POWER if missing_for_power_cuts() else "",
    }
    planted = [one for one in MUTANTS if not lacking & {one.leaves, one.gate}]
    with ThreadPoolExecutor(2) as pool:
        missed = [text for text in pool.map(lambda one: caught(one, tmp_path), planted) if text]
    print(f"{len(planted)} planted, {len(missed)} missed")
    assert missed == []
    assert len(planted) >= 12
