from typing import Any

CORE_API: int

class TopBook:
    feed: int
    instrument: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int
    venue_ts_ns: int
    venue_seq: int
    recv_ts_ns: int
    quotes: int
    crossed_count: int
    locked_count: int
    tradable: bool
    bad: bool
    resting: int
    watchers: list[Any]
    def __init__(self, feed: int, instrument: int) -> None: ...
    def update(
        self,
        bid: int,
        bid_size: int,
        ask: int,
        ask_size: int,
        venue_ts_ns: int,
        venue_seq: int,
        recv_ts_ns: int,
    ) -> None: ...
    def blank(self) -> None: ...
    def mark_bad(self, bad: bool) -> None: ...
    def record(self) -> tuple[int, ...]: ...
    def restore(self, record: tuple[int, ...]) -> None: ...
