"""Why a venue was not reached or did not let us in, in words, and how long it wants us to wait.

Used by `feed` for connections and by `rest` for requests.
"""

from __future__ import annotations

import ssl
from typing import NamedTuple

from picows import WSInvalidStatusError

from thft.base.backoff import Backoff

TOO_MANY = (418, 429)
"""The venue wants nothing from us for as long as Retry-After says; who goes on is banned."""
RETRY_S = 60.0
"""For so long when it does not say, or says what is no number of seconds."""
LONGEST_S = 3 * 86_400.0
SHOWN = 120
"""So many characters of a venue's words stand in a reason."""


class Refusal(NamedTuple):
    """The reason, and how long no attempt is to be made at least."""

    words: str
    wait_s: float = 0.0


class Patience:
    """A backoff that waits as long as the venue has asked, once."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self.asked_s = 0.0

    def next_ms(self) -> int:
        """Returns the wait after one more failure."""
        asked_s, self.asked_s = self.asked_s, 0.0
        return max(self._backoff.next_ms(), int(asked_s * 1_000))

    def proven_healthy(self) -> None:
        """Starts over."""
        self._backoff.proven_healthy()


def refusal_of(error: Exception) -> Refusal:
    """Returns what a failed attempt to connect says; no redirect is followed."""
    if isinstance(error, WSInvalidStatusError) and error.response is not None:
        status, headers = int(error.response.status), error.response.headers
        if 300 <= status < 400:
            place = _shown(headers.get("Location", "nowhere"))
            return Refusal(f"the venue redirects to {place}: if that is right, make it the url")
        said = _shown((error.raw_body or b"").decode(errors="replace"))
        wait_s = wait_of(status, headers.get("Retry-After", ""))
        return Refusal(f"the venue refused the connection: HTTP {status} {said}".rstrip(), wait_s)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refusal(f"the venue's certificate is not trusted: {error.verify_message}")
    return Refusal(f"connect failed: {error or type(error).__name__}")


def wait_of(status: int, retry_after: str) -> float:
    """Returns how many seconds a venue wants to be left alone, 0 when it does not say so."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return min(float(retry_after), LONGEST_S)
    return RETRY_S if status in TOO_MANY else 0.0


def _shown(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text[:SHOWN]).strip()
