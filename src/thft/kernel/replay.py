"""Replays recorded groups through a kernel and compares every outcome; core, cli and tests call it.

Recorded inputs are fed again; timers and outcomes must come out of the kernel by themselves, byte
for byte. A handler that was interrupted for its wall time is not called for that input: its
recorded failure is taken as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, HEADER, LOG_TYPES, Frame, frames, padded
from thft.kernel.engine import BEFORE_TIMERS, FrameParts, Kernel
from thft.model import event as ev
from thft.model.codec import EVENT_NAMES, QUOTE_LAYOUT, decode

_EARLY = tuple(kind.TYPE for kind in BEFORE_TIMERS)


class ReplayMismatch(LocalError):
    """The kernel decided otherwise than the journal says, first at `seq`."""

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(
            f"replay differs at seq {seq}: {detail}",
            "run the code version the journal names, or report this seq with the journal",
        )
        self.seq = seq


class _Comparison:
    """Stands in for the journal: compares each group the kernel closes with the recorded one."""

    def __init__(self, next_seq: int) -> None:
        self.next_seq = next_seq
        self.expected: list[Frame] = []
        self.compared = False

    def append_group(self, frames: list[FrameParts]) -> int:
        first = self.next_seq
        self.compared = True
        if not self.expected:
            detail = f"recorded nothing, decided {_words(frames[min(1, len(frames) - 1)])}"
            raise ReplayMismatch(first, detail)
        for recorded, produced in zip(self.expected, frames, strict=False):
            kind, version, flags, stream, _, ts_ns, payload = produced
            if (kind, version, flags, stream, ts_ns, payload) != (
                recorded.type,
                recorded.version,
                recorded.flags,
                recorded.stream,
                recorded.recv_ts_ns,
                recorded.payload,
            ):
                raise ReplayMismatch(recorded.seq, _difference(recorded, produced))
        if len(frames) != len(self.expected):
            seq = self.expected[-1].seq
            raise ReplayMismatch(seq, f"{len(frames)} frames instead of {len(self.expected)}")
        self.next_seq += len(frames)
        return first


def _difference(recorded: Frame, produced: FrameParts) -> str:
    was = decode(recorded.type, recorded.version, recorded.payload)
    _, version, flags, stream, _, ts_ns, _ = produced
    recorded_as = (recorded.version, recorded.flags, recorded.stream, recorded.recv_ts_ns)
    decided_as = (version, flags, stream, ts_ns)
    header = f"version, flags, stream, time {recorded_as} and {decided_as}"
    return f"{header}; recorded {was!r}, decided {_words(produced)}"[:800]


def _words(produced: FrameParts) -> str:
    kind, version, _, _, _, _, payload = produced
    return repr(decode(kind, version, payload))


class Replay:
    """Feeds recorded frames to a kernel; `events` counts them."""

    def __init__(self, kernel: Kernel, next_seq: int) -> None:
        self.kernel = kernel
        self.events = 0
        self._comparison = _Comparison(next_seq)
        kernel.attach(self._comparison)

    def feed(self, block: bytes, start: int, end: int) -> None:
        """Takes a span of closed groups (`LogReader.runs`); raises ReplayMismatch at the first one.

        Quotes that decided nothing are taken by the lane without a Python object for each.
        """
        lane, comparison = self.kernel.lane, self._comparison
        while start < end:
            before = lane.seq
            comparison.expected = []
            start = lane.replay(block, start, end)
            self.events += lane.seq - before
            comparison.next_seq = lane.seq + 1
            if start < end:
                start = self._group(block, start)

    def _group(self, block: bytes, start: int) -> int:
        """Takes the one group that begins at `start`; returns where it ends."""
        group: list[Frame] = []
        while not group or not group[-1].flags & GROUP_END:
            length = HEADER.unpack_from(block, start)[1]
            group += frames(block, start, start + padded(length))
            start += padded(length)
        self._run(group)
        return start

    def _run(self, group: list[Frame]) -> None:
        kernel, comparison = self.kernel, self._comparison
        head = group[0]
        if head.type >= LOG_TYPES:
            kernel.lane.seq = comparison.next_seq = head.seq
            comparison.next_seq += 1
            return
        if head.seq != comparison.next_seq:
            raise ReplayMismatch(head.seq, f"expected seq {comparison.next_seq}")
        comparison.expected = group
        comparison.compared = False
        forced = self._force_failures(group)
        self._input(head)
        if forced:
            self._forget_failures()
        if not comparison.compared:
            if len(group) > 1:
                raise ReplayMismatch(group[1].seq, f"no {EVENT_NAMES.get(group[1].type)} decided")
            comparison.next_seq += 1
        kernel.effects.clear()
        self.events += len(group)

    def _input(self, head: Frame) -> None:
        kernel = self.kernel
        if head.type == ev.TimerFired.TYPE:
            if kernel.timers.next_due_ns > head.recv_ts_ns:
                raise ReplayMismatch(head.seq, "a timer fired that is not armed")
            kernel.fire_next()
            return
        if kernel.lane.next_due_ns <= head.recv_ts_ns and head.type not in _EARLY:
            raise ReplayMismatch(head.seq, "a timer was due before this input")
        if head.type == ev.Quote.TYPE:
            bid, bid_size, ask, ask_size, ts, venue_seq, feed, _, instrument = QUOTE_LAYOUT.unpack(
                head.payload
            )
            kernel.quote(
                feed, instrument, bid, bid_size, ask, ask_size, ts, venue_seq, head.recv_ts_ns
            )
            return
        event = decode(head.type, head.version, head.payload)
        kernel.process(event, head.recv_ts_ns, head.source)

    def _force_failures(self, group: list[Frame]) -> bool:
        """Has strategies that were interrupted in this group fail as they did; True when any."""
        forced = False
        for frame in group[1:]:
            if frame.type == ev.StrategyDisabled.TYPE:
                event = decode(frame.type, frame.version, frame.payload)
                if isinstance(event, ev.StrategyDisabled) and event.by == "budget":
                    self.kernel.slots[event.strategy].forced_failure = event.reason
                    forced = True
        if forced:
            self.kernel.rewatch()
        return forced

    def _forget_failures(self) -> None:
        for slot in self.kernel.slots.values():
            slot.forced_failure = ""
        self.kernel.rewatch()


def fold(kernel: Kernel, recorded: Iterable[Frame]) -> None:
    """Folds recorded frames into a kernel's state without deciding anything.

    Timers and id counters follow from the frames; strategies are not run and stay out of the
    kernel until they are loaded again.
    """
    for frame in recorded:
        kernel.lane.seq = frame.seq
        kernel.lane.now_ns = max(kernel.lane.now_ns, frame.recv_ts_ns)
        if frame.type >= LOG_TYPES:
            continue
        event = decode(frame.type, frame.version, frame.payload)
        kernel.state.apply(event, frame.seq, frame.recv_ts_ns)
        if isinstance(event, ev.TimerArmed):
            kernel.timers.take_over(event.timer, event.due_ns, event.kind, event.ref)
        elif isinstance(event, ev.TimerFired):
            kernel.timers.cancel(event.timer)
        elif isinstance(event, ev.OrderSubmitted | ev.OrderDenied):
            number = int(event.client_order_id.rpartition("-")[2])
            kernel.order_count = max(kernel.order_count, number)
    kernel.lane.next_due_ns = kernel.timers.next_due_ns
