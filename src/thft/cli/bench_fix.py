"""`thft bench fix`: what reading, checking and writing FIX messages costs beside a C prototype."""

from __future__ import annotations

import importlib.util
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from thft.base.errors import LocalError
from thft.cli.bench_figure import Figure, cpu_ns, interleaved, ratio_at_most
from thft.cli.bench_quickfix import QuickFix
from thft.fix.dictionary import fix44
from thft.fix.wire import Framer, Garbled, Header, Layout

SOURCES = Path(__file__).resolve().parents[3] / "bench"
CALLS, SLOW_CALLS, ROUNDS = 1_000, 100, 61
"""Many short rounds: a neighbour that slows the machine for a while slows all runs of a round."""
SPLIT_FACTOR = 8.0
"""A prototype that is not this much faster than `split` on D is no floor."""
PARSE_GOAL, VALIDATE_GOAL, BUILD_GOAL = 1.5, 2.0, 1.5
QUICKFIX_GOALS = {"D": 15.0, "8": 15.0, "W": 25.0, "X": 25.0}
NAMES = {"D": "D", "8": "8", "W": "W(10)", "X": "X(4)"}
SENT_NS = 1_772_442_902_123_000_000
PRICE, SIZE = 1_084_120_000, 10**14

SPECS: dict[str, list[tuple[int, Any]]] = {
    "D": [(11, "text"), (38, "size"), (40, "char"), (44, "price"), (54, "char"), (55, "text")],
    "8": [
        *((6, "price"), (11, "text"), (14, "size"), (17, "text"), (32, "size"), (37, "text")),
        *((38, "size"), (39, "char"), (54, "char"), (55, "text"), (150, "char"), (151, "size")),
    ],
    "W": [(55, "text"), (262, "text"), (268, [(269, "char"), (270, "price"), (271, "size")])],
    "X": [
        (262, "text"),
        (
            268,
            [
                *((279, "char"), (269, "char"), (278, "text")),
                *((55, "text"), (270, "price"), (271, "size")),
            ],
        ),
    ],
}
VALUES: dict[str, tuple[Any, ...]] = {
    "D": ("c-000017", SIZE // 100, "2", PRICE, "1", "EURUSD"),
    "8": (
        *(PRICE, "c-000017", SIZE // 100, "E5501", SIZE // 100, "5501"),
        *(SIZE // 100, "2", "1", "EURUSD", "F", 0),
    ),
    "W": (
        "EURUSD",
        "md-1",
        tuple((str(at % 2), PRICE + 10_000 * at, SIZE * (1 + at)) for at in range(10)),
    ),
    "X": (
        "md-1",
        tuple(
            (str(at % 3), str(at % 2), f"90{at}", "EURUSD", PRICE + 10_000 * at, SIZE * (1 + at))
            for at in range(4)
        ),
    ),
}
# what a good message of each type has besides the measured fields
BESIDES = {"D": b"60=20260302-09:15:02.000\x01", "8": b"", "W": b"", "X": b""}
FIXED = [(49, "demo.brokerx.700123"), (50, "core1"), (56, "CSERVER"), (57, "TRADE")]
FIXED_BEFORE, FIXED_BEHIND = (
    b"49=demo.brokerx.700123\x0150=core1\x01",
    b"56=CSERVER\x0157=TRADE\x01",
)


def figures(directory: Path | None) -> Iterator[Figure]:
    """Yields parse, validation and build of four messages, each beside its floor."""
    if not SOURCES.is_dir():
        raise LocalError("the prototype of `bench fix` is not installed", "run it in a checkout")
    with TemporaryDirectory(dir=directory) as folder:
        prototype = _compiled(Path(folder))
        header = Header("FIX.4.4", FIXED)
        layouts = {kind: fix44().layout(kind, spec) for kind, spec in SPECS.items()}
        messages = {
            kind: header.encode(kind, 7, SENT_NS, layout.pack(VALUES[kind]) + BESIDES[kind])
            for kind, layout in layouts.items()
        }
        with QuickFix(SOURCES, Path(folder), messages, VALUES) as quickfix:
            for kind, raw in messages.items():
                yield from _parse(kind, raw, layouts[kind], prototype, quickfix)
        for kind, layout in layouts.items():
            yield _build(kind, layout, header, prototype)


def _compiled(folder: Path) -> ModuleType:
    """Returns the prototype, compiled for this Python."""
    source, library = SOURCES / "fix_prototype.c", folder / "fix_prototype.so"
    include = sysconfig.get_path("include")
    command = ["cc", "-O3", "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(library)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalError(f"the prototype does not compile: {error}", "install cc") from error
    spec = importlib.util.spec_from_file_location("fix_prototype", library)
    if spec is None or spec.loader is None:
        raise LocalError(f"{library} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _parse(
    kind: str, raw: bytes, layout: Layout, prototype: ModuleType, quickfix: QuickFix
) -> Iterator[Figure]:
    feed, extract, floor, check = Framer().feed, layout.extract, prototype.parse, fix44().validate
    split = _splitter(kind)

    def ours() -> object:
        for unit in feed(raw):
            values = extract(unit)  # type: ignore[arg-type]
        return values

    def checked() -> object:
        for unit in feed(raw):
            verdict = check(unit)  # type: ignore[arg-type]
            values = extract(unit)  # type: ignore[arg-type]
        return values if verdict is None else verdict

    work: dict[str, Callable[[], object]] = {
        "ours": ours,
        "checked": checked,
        "floor": lambda: floor(kind, raw),
        "split": lambda: split(raw),
    }
    for name, one in work.items():
        if one() != VALUES[kind]:
            raise LocalError(f"{name} reads {one()!r} of a {kind}, not {VALUES[kind]!r}")
    runs = {name: _timed(one) for name, one in work.items()}
    runs["split"] = _timed(work["split"], SLOW_CALLS)
    if not quickfix.absent:
        runs["quickfix"] = lambda: quickfix.cpu_ns(kind, SLOW_CALLS) / SLOW_CALLS
    took = interleaved(runs, ROUNDS)
    factor = took["split"] / took["floor"]
    if kind == "D" and factor < SPLIT_FACTOR:
        raise LocalError(
            f"the C prototype is only {factor:.1f} times as fast as split on D",
            f"it is no floor below {SPLIT_FACTOR:g}; repeat on a quieter machine",
        )
    name = NAMES[kind]
    yield ratio_at_most("fix", f"parse {name}", took["ours"], "ns", took["floor"], PARSE_GOAL)
    yield ratio_at_most(
        "fix", f"parse and validate {name}", took["checked"], "ns", took["ours"], VALIDATE_GOAL
    )
    yield Figure("fix", f"split {name}", took["split"], "ns", took["floor"], "", None)
    if not quickfix.absent:
        goal = QUICKFIX_GOALS[kind]
        met = took["quickfix"] >= goal * took["ours"]
        yield Figure(
            "fix", f"QuickFIX-Python {name} beside ours", took["quickfix"], "ns", took["ours"],
            f"ratio >= {goal:g}", met,
        )  # fmt: skip


def _timed(work: Callable[[], object], calls: int = CALLS) -> Callable[[], float]:
    def loop() -> None:
        for _ in range(calls):
            work()

    return lambda: cpu_ns(loop) / calls


def _splitter(kind: str) -> Callable[[bytes], tuple[Any, ...]]:
    """Returns the plain Python that one writes first: split, look up, convert; checks nothing."""
    flat = [(b"%d" % tag, _CONVERT[kind]) for tag, kind in SPECS[kind] if isinstance(kind, str)]
    members = [
        (b"%d" % tag, _CONVERT[inner])
        for _, group in SPECS[kind]
        if not isinstance(group, str)
        for tag, inner in group
    ]

    def split(raw: bytes) -> tuple[Any, ...]:
        pairs = [field.split(b"=", 1) for field in raw.split(b"\x01")[:-1]]
        found = dict(pairs)
        values = [convert(found[tag]) for tag, convert in flat]
        if members:
            begins = [at for at, pair in enumerate(pairs) if pair[0] == members[0][0]]
            entries = [dict(pairs[at : at + len(members)]) for at in begins]
            values.append(
                tuple([tuple([convert(one[tag]) for tag, convert in members]) for one in entries])
            )
        return tuple(values)

    return split


def _scaled(digits: int) -> Callable[[bytes], int]:
    def convert(text: bytes) -> int:
        whole, _, fraction = text.partition(b".")
        return int(whole + fraction.ljust(digits, b"0"))

    return convert


_CONVERT: dict[str, Callable[[bytes], Any]] = {
    "text": bytes.decode,
    "char": bytes.decode,
    "price": _scaled(9),
    "size": _scaled(8),
}


def _build(kind: str, layout: Layout, header: Header, prototype: ModuleType) -> Figure:
    values, encode, pack, floor = VALUES[kind], header.encode, layout.pack, prototype.build
    time_text = b"52=20260302-09:15:02.123\x01"

    def ours() -> bytes:
        return encode(kind, 7, SENT_NS, pack(values))

    def least() -> bytes:
        message: bytes = floor(kind, FIXED_BEFORE, 7, time_text + FIXED_BEHIND, values)
        return message

    (unit,) = Framer().feed(least())
    if isinstance(unit, Garbled) or sorted(least().split(b"\x01")) != sorted(ours().split(b"\x01")):
        raise LocalError(f"the prototype builds {least()!r}, thft {ours()!r}")
    took = interleaved({"ours": _timed(ours), "floor": _timed(least)}, ROUNDS)
    name = f"build {NAMES[kind]}"
    return ratio_at_most("fix", name, took["ours"], "ns", took["floor"], BUILD_GOAL)
