"""Layouts never change: every event's payload and a whole segment, byte by byte as once released.

`python -m tests.unit.model.test_golden` adds what is missing; it never changes what is there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from thft.base.frame import GROUP_END
from thft.model import event as ev
from thft.model.codec import EVENT_NAMES, UnknownLayout, decode, encode
from thft.sim.memory_disk import MemoryDisk
from thft.stream.journal import Journal
from thft.stream.reader import read_all

FOLDER = Path(__file__).resolve().parents[2] / "golden"
PAYLOADS = FOLDER / "payloads.json"
SEGMENT = FOLDER / "segment.log"

CLASSES = [
    value for value in vars(ev).values() if isinstance(value, type) and value is not ev.Event
]
EVENTS = [cls for cls in CLASSES if issubclass(cls, ev.Event)]

SAMPLES: dict[str, Any] = {
    "<class 'int'>": 7,
    "<class 'str'>": "text µ",
    "<class 'bytes'>": b"\x00\xff bytes",
    "<class 'bool'>": True,
    "tuple[tuple[int, int], ...]": ((1, 2), (-3, 4)),
    "tuple[tuple[int, str], ...]": ((1, "one"), (2, "two")),
    "tuple[tuple[str, int], ...]": (("one", 1), ("two", -2)),
}


def sample(cls: type[ev.Event]) -> ev.Event:
    """Returns an instance whose integers differ by field, so that swapped fields show."""
    hints = get_type_hints(cls)
    values = {}
    for number, name in enumerate(cls.__struct_fields__):
        value = SAMPLES[str(hints[name])]
        values[name] = 1_000 + number if type(value) is int else value
    return cls(**values)


def key(cls: type[ev.Event]) -> str:
    return f"{cls.__name__} {cls.TYPE:#06x} version {cls.VERSION}"


def segment() -> bytes:
    """Writes a small log in memory; returns its one segment."""
    disk = MemoryDisk()
    journal = Journal(
        disk,
        instance="gold",
        created_ns=1_700_000_000_000_000_000,
        segment_bytes=8 << 10,
        block_bytes=4 << 10,
        threads=False,
    )
    for number in range(30):
        quote = ev.Quote(1, 2, 3, 4, 5, 6, 7, number)
        submitted = sample(ev.OrderSubmitted)
        group = [
            (quote.TYPE, 1, 0, quote.STREAM, 1, number, encode(quote)),
            (submitted.TYPE, 1, GROUP_END, submitted.STREAM, 0, number, encode(submitted)),
        ]
        journal.buffer.append_group(group)
        if number % 7 == 0:
            journal.flush()
    journal.flush()
    journal.sync_now()
    return bytes(disk.files["00000001.log"])


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
def test_every_layout_has_its_golden_payload(cls: type[ev.Event]) -> None:
    golden = json.loads(PAYLOADS.read_text())
    assert key(cls) in golden, "a new layout needs a golden payload: run this module"
    payload = bytes.fromhex(golden[key(cls)])
    assert encode(sample(cls)) == payload
    assert decode(cls.TYPE, cls.VERSION, payload) == sample(cls)


def test_layouts_once_released_are_still_read() -> None:
    for name, payload in json.loads(PAYLOADS.read_text()).items():
        _, type_, _, version = name.split()
        decode(int(type_, 16), int(version), bytes.fromhex(payload))


def test_types_are_unique_and_below_those_of_the_log() -> None:
    assert len(EVENT_NAMES) == len(EVENTS)
    assert all(0 < type_ < 0xFF00 for type_ in EVENT_NAMES)


def test_an_unknown_layout_is_a_typed_error() -> None:
    with pytest.raises(UnknownLayout, match="0x0101 version 9"):
        decode(0x0101, 9, b"")


def test_a_segment_is_written_as_it_always_was() -> None:
    golden = SEGMENT.read_bytes()
    assert segment() == golden
    frames = read_all(MemoryDisk({"00000001.log": bytearray(golden)}))
    assert [frame.seq for frame in frames] == list(range(1, 61))
    assert decode(frames[0].type, 1, frames[0].payload) == ev.Quote(1, 2, 3, 4, 5, 6, 7, 0)


def add_missing() -> None:
    """Writes golden payloads of new layouts."""
    golden = json.loads(PAYLOADS.read_text()) if PAYLOADS.exists() else {}
    for cls in EVENTS:
        golden.setdefault(key(cls), encode(sample(cls)).hex())
    PAYLOADS.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
    if not SEGMENT.exists():
        SEGMENT.write_bytes(segment())


if __name__ == "__main__":
    add_missing()
