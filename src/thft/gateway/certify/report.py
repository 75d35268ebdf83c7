"""What a certification has found, step by step; made by `run`, shown by cli."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How a step ended."""

    PASS = "PASS"
    FAIL = "FAIL"
    NOT_TESTED = "NOT TESTED"


class Step(NamedTuple):
    """One step: what was seen, or why nothing was, and on FAIL what to change."""

    step: str
    verdict: Verdict
    seen: str
    key: str = ""
    """The dialect's key that is wrong; empty when no key can put it right."""
    remedy: str = ""


class Report(NamedTuple):
    """One certification."""

    dialect: str
    counterpart: str
    live: str
    """Why live trading is refused whatever was seen; empty: it is not."""
    steps: tuple[Step, ...]

    @property
    def failed(self) -> list[Step]:
        """The steps that failed."""
        return [one for one in self.steps if one.verdict is Verdict.FAIL]


class Failed(Exception):
    """The counterpart does not do what the record says."""

    def __init__(self, seen: str, key: str, remedy: str) -> None:
        super().__init__(seen)
        self.seen, self.key, self.remedy = seen, key, remedy


class NotTested(Exception):
    """A step could not be made; the text says why."""


def write(key: str, value: str) -> str:
    """Returns the remedy that gives a key another value."""
    return f'write {key} = "{value}"'
