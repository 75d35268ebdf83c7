"""Mutated frames against both Experts; `python -m tests.mql.fuzz_campaign` is the long run."""

from __future__ import annotations

import pytest
from tests.mql.fuzz_campaign import FORGERIES, campaign
from tests.seeds import seed_of_test

pytestmark = [pytest.mark.slow, pytest.mark.once]


@pytest.mark.parametrize("dialect", [5, 4])
@pytest.mark.parametrize(("quirks", "frames"), [(False, 1_000), (True, 150)])
def test_nothing_trades_and_nothing_breaks(dialect: int, quirks: bool, frames: int) -> None:
    seed = seed_of_test()
    figures = campaign(dialect, frames, seed, quirks)
    assert figures["kinds"]["right"] > 0
    assert quirks or figures["kinds"].keys() > set(FORGERIES)
