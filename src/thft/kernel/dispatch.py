"""The quote lane: native or twin, chosen here; the kernel is its only caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thft import _native

if TYPE_CHECKING or not _native.USE_NATIVE:
    from thft.kernel._dispatch_py import QuoteLane
else:
    from thft.kernel._dispatch import QuoteLane

__all__ = ["QuoteLane"]
