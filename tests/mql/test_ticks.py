"""Ticks of both Experts over bursts and cuts; `THFT_MQL_TICKS=1000000` is the long run."""

from __future__ import annotations

import os

import pytest
from tests.mql.tick_campaign import campaign
from tests.seeds import seed_of_test

TICKS = int(os.environ.get("THFT_MQL_TICKS", "20000"))
pytestmark = [pytest.mark.slow, pytest.mark.once]


@pytest.mark.parametrize("quirks", [False, True])
def test_every_tick_of_metatrader_5_arrives_once_over_bursts_and_cuts(quirks: bool) -> None:
    seed = seed_of_test()
    figures = campaign(5, TICKS, seed, quirks)
    assert figures["read"] == figures["ticks"] == TICKS
    assert figures["connections"] > 1
    assert figures["events_coalesced"] > 0


def test_every_tick_that_metatrader_4_hides_is_counted_as_missed() -> None:
    seed = seed_of_test()
    figures = campaign(4, TICKS, seed)
    assert figures["read"] + figures["missed"] == figures["ticks"]
