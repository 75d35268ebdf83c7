"""The quote lane: native or twin, chosen here; the kernel is its only caller."""

from __future__ import annotations

from thft import _native

if _native.USE_NATIVE:
    from thft.kernel._dispatch import QuoteLane
else:
    from thft.kernel._dispatch_py import QuoteLane

__all__ = ["QuoteLane"]
