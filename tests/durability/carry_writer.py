"""A writer of a small FIX log, made to be killed; run by test_fix_carry as a program.

Prints a line after every turn that is written: the next numbers in and out.
"""

from __future__ import annotations

import sys
from pathlib import Path

from thft.fix.session import Retention, Sent
from thft.fix.session.store import RECEIVED
from thft.store import fix_carry, fix_log
from thft.store.fix_log import FixLog

KEPT = 40
BODY_BYTES = 700
LIMITS = Retention(count=KEPT)


def make_small() -> None:
    """Makes segments and passes small, so that many of both happen."""
    fix_log.BLOCK_BYTES, fix_log.SEGMENT_BYTES = 16 << 10, 64 << 10
    fix_log.GROUP_BYTES = (16 << 10) - 512
    fix_carry.SLACK_BYTES, fix_carry.PIECE_BYTES = 128 << 10, 4 << 10


def body(seq: int) -> bytes:
    """Returns the one body that a number may have."""
    return b"11=%d\x01" % seq + bytes([65 + seq % 26]) * (seq * 7 % BODY_BYTES)


def main() -> None:
    make_small()
    store = FixLog.open(Path(sys.argv[1]), 1, LIMITS)
    while True:
        for _ in range(3):
            store.set_next_in(store.next_in + 1, RECEIVED)
            store.append(Sent(store.next_out, "D", store.next_out, body(store.next_out)))
        store.flush()
        print(store.next_in, store.next_out, flush=True)


if __name__ == "__main__":
    main()
