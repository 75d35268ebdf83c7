"""The two families of errors, ours and theirs; raised everywhere, shown by cli and api."""

from __future__ import annotations


class ThftError(Exception):
    """An error that names its cause and, where there is one, the remedy."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} — {self.remedy}" if self.remedy else self.cause


class LocalError(ThftError):
    """Ours: a broken rule, a full disk, a wrong configuration. The journal is kept as it is."""


class RemoteError(ThftError):
    """Theirs: what a peer sent is wrong. It is rejected and recorded; the engine goes on."""
