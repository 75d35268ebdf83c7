"""Texts that a spreadsheet shows and never computes; used by whatever writes CSV for people."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a cell a formula or a command in one program or another."""


def defused(text: str) -> str:
    """Returns a cell of foreign text that no spreadsheet takes for a formula.

    An apostrophe goes before what would be one, blanks before it or not. Numbers of our own need
    none of this and would not be numbers any more.
    """
    dangerous = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if dangerous else text
