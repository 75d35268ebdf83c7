from collections.abc import Callable

CORE_API: int

class FrameBuffer:
    block: int
    used: int
    room_end: int
    next_seq: int
    on_block_full: Callable[[], None]
    def __init__(
        self, block_bytes: int, block_count: int, trailer_bytes: int, next_seq: int
    ) -> None: ...
    @property
    def memory(self) -> bytearray: ...
    @property
    def block_bytes(self) -> int: ...
    @property
    def block_count(self) -> int: ...
    @property
    def trailer_bytes(self) -> int: ...
    def next_block(self, header_bytes: int = 0) -> None: ...
    def append(
        self,
        type: int,
        version: int,
        flags: int,
        stream: int,
        source: int,
        recv_ts_ns: int,
        payload: bytes,
    ) -> int: ...
    def append_group(self, frames: list[tuple[int, int, int, int, int, int, bytes]]) -> int: ...
    def make_room(self, needed: int) -> None: ...

def crc32(data: bytes | bytearray | memoryview, value: int = 0, /) -> int: ...
def crc32_by_tables(data: bytes | bytearray | memoryview, value: int = 0, /) -> int: ...
def valid_end(
    buffer: bytes | memoryview, start: int, end: int, next_seq: int
) -> tuple[int, int, int, str]: ...
