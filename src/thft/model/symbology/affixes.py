"""Learns the prefix and suffix that a venue puts around the names of one account; for the resolver.

An affix is learned from the account's own list: what the majority of those names have around them
that are instruments once it is taken away. Nothing is learned from what nobody knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from thft.model.symbology.spelling import invalid, readings

LONGEST_AFFIX = 8
"""Characters of a prefix or a suffix."""
LISTED = 5_000
"""Names of a list that are looked at; more is no broker's list."""


class Affix(Struct, frozen=True):
    """What stands around an account's names, and how many of those that are known say so."""

    prefix: str = ""
    suffix: str = ""
    votes: int = 0
    voters: int = 0

    def __bool__(self) -> bool:
        return bool(self.prefix or self.suffix)

    def __str__(self) -> str:
        around = [
            f"{kind} {text!r}"
            for kind, text in (("prefix", self.prefix), ("suffix", self.suffix))
            if text
        ]
        return f"{' and '.join(around) or 'no affix'} by {self.votes} of {self.voters} votes"

    def stripped(self, raw: str) -> str:
        """Returns a name without the affix, empty when it has not got it or is nothing else."""
        end = len(raw) - len(self.suffix)
        if end <= len(self.prefix):
            return ""
        fits = raw.startswith(self.prefix) and raw.endswith(self.suffix)
        return raw[len(self.prefix) : end] if fits else ""


NO_AFFIX = Affix()


def learn(names: Iterable[str]) -> Affix:
    """Returns the affix of a list of names; NO_AFFIX when no majority has one.

    A name that is an instrument as it stands votes for having no affix.
    """
    votes: Counter[tuple[str, str]] = Counter()
    voters = 0
    for _, name in zip(range(LISTED), dict.fromkeys(names), strict=False):
        found = _ballots(name)
        voters += bool(found)
        votes.update(found)
    for (prefix, suffix), count in votes.most_common(1):
        if 2 * count > voters and len([one for one in votes.values() if one == count]) == 1:
            return Affix(prefix, suffix, count, voters)
    return NO_AFFIX


def _ballots(name: str) -> list[tuple[str, str]]:
    """Returns the affixes that may stand around a name: those that leave most of it."""
    if invalid(name):
        return []
    if readings(name):
        return [("", "")]
    size = len(name)
    for taken in range(1, min(2 * LONGEST_AFFIX, size - 1) + 1):
        found = [
            (name[:before], name[size - taken + before :])
            for before in range(max(0, taken - LONGEST_AFFIX), min(taken, LONGEST_AFFIX) + 1)
            if _clear(name[before : size - taken + before])
        ]
        if found:
            return found
    return []


def _clear(rest: str) -> bool:
    return rest == rest.strip() and len(readings(rest)) == 1
