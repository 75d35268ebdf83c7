"""Replays recorded groups through a kernel and compares every outcome; core, cli and tests call it.

Recorded inputs are fed again; timers and outcomes must come out of the kernel by themselves, byte
for byte. A handler that was interrupted for its wall time is not called for that input: its
recorded failure is taken as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from thft.base.errors import LocalError
from thft.base.frame import GROUP_END, LOG_TYPES, Frame
from thft.kernel.engine import FrameParts, Kernel
from thft.model import event as ev
from thft.model.codec import EVENT_NAMES, QUOTE_LAYOUT, decode

GROUP_FRAMES_MAX = 4_096


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
    kind, version, _, _, _, _, payload = produced
    was = decode(recorded.type, recorded.version, recorded.payload)
    return f"recorded {was!r}, decided {decode(kind, version, payload)!r}"[:800]


class Replay:
    """Feeds recorded frames to a kernel; `events` counts them."""

    def __init__(self, kernel: Kernel, next_seq: int) -> None:
        self.kernel = kernel
        self.events = 0
        self._comparison = _Comparison(next_seq)
        self._group: list[Frame] = []
        kernel.attach(self._comparison)

    def feed(self, frames: Iterable[Frame]) -> None:
        """Takes frames in order; groups may span calls. Raises ReplayMismatch at the first one."""
        group = self._group
        for frame in frames:
            group.append(frame)
            if frame.flags & GROUP_END:
                self._run(group)
                group.clear()
            elif len(group) > GROUP_FRAMES_MAX:
                raise ReplayMismatch(frame.seq, "a group without an end")

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
        self._force_failures(group)
        self._input(head)
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
        if kernel.lane.next_due_ns <= head.recv_ts_ns and head.type != ev.CoreStarted.TYPE:
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

    def _force_failures(self, group: list[Frame]) -> None:
        for slot in self.kernel.slots.values():
            slot.forced_failure = ""
        for frame in group[1:]:
            if frame.type == ev.StrategyDisabled.TYPE:
                event = decode(frame.type, frame.version, frame.payload)
                if isinstance(event, ev.StrategyDisabled) and event.by == "budget":
                    self.kernel.slots[event.strategy].forced_failure = event.reason


def fold(kernel: Kernel, frames: Iterable[Frame]) -> None:
    """Folds recorded frames into a kernel's state without deciding anything.

    Timers and id counters follow from the frames; strategies are not run and stay out of the
    kernel until they are loaded again.
    """
    for frame in frames:
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
            kernel.order_count = int(event.client_order_id.rpartition("-")[2])
    kernel.lane.next_due_ns = kernel.timers.next_due_ns
