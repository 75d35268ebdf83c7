"""Books of one instrument at one feed: top of book, and depth by levels; called by state, kernel.

Both have a native version and an idiomatic twin. `TopBook` is the object strategies read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from thft import _native
from thft.model._book_py import Levels, pairs

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.model._book_py import DepthBook, TopBook
else:
    from thft.model._book import DepthBook, TopBook

__all__ = ["DepthBook", "Levels", "TopBook", "pairs"]
