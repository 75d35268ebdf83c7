"""Property tests draw the same examples every time; THFT_EXAMPLES widens a run by hand."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=int(os.environ.get("THFT_EXAMPLES", "60")),
)
settings.load_profile("repeatable")
