"""One venue of the matrix; every venue has a module beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from thft.gateway.ws.dialect import BookSource
from thft.gateway.ws.venues import VENUES, WebSocketVenue
from thft.sim.ws.server import VenueServer


class Case(NamedTuple):
    """A venue as the matrix tries it: two symbols, and messages its simulator does not send."""

    name: str
    """Of the venue's record in `thft.gateway.ws.venues`, unless `record` says another."""
    venue: Callable[[], VenueServer]
    symbols: dict[str, int]
    malformed: list[bytes]
    """Each is one fault `malformed`, and nothing else."""
    unknown_symbol: bytes
    refused: bytes
    """A refused subscription."""
    refusal: str
    """Its words."""
    answers_probes: bool = True
    """A probe is answered by a message, which `mute` silences; else by a pong of the socket."""
    record: str | WebSocketVenue = ""
    book: BookSource | None = None
    """Where the top of book comes from; None: what is first in the record."""

    def venue_record(self) -> WebSocketVenue:
        """Returns the record that makes the dialect."""
        return VENUES[self.record or self.name] if isinstance(self.record, str) else self.record
