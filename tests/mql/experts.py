"""Terminals and peers of a test, ended and judged when it is over; used by tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.mql.peer import Peer
from tests.mql.terminal import Terminal


@contextmanager
def staged(dialect: int, **how: Any) -> Iterator[tuple[Peer, Terminal]]:
    """Gives an Expert that dials a peer; a price of each symbol is there."""
    peer = Peer(how.pop("peer_key", bytes(range(32))))
    terminal = Terminal(dialect, peer.port, **how)
    try:
        for symbol in ("EURUSD", "GBPUSD"):
            terminal.ask(f"tick {symbol} 1.17000 1.17004")
        yield peer, terminal
    except BaseException:
        peer.close()
        terminal.kill()
        raise
    peer.close()
    terminal.close()
