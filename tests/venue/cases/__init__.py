"""What the venue matrix sends of each venue: its symbols, and raw messages in its own language."""

from __future__ import annotations

from tests.venue.cases.binance import BINANCE, BINANCE_DEPTH
from tests.venue.cases.bitfinex import BITFINEX
from tests.venue.cases.bybit import BYBIT, BYBIT_DEPTH
from tests.venue.cases.case import Case as Case
from tests.venue.cases.coinbase import COINBASE
from tests.venue.cases.kraken import KRAKEN
from tests.venue.cases.okx import OKX, OKX_DEPTH

EVERY = (BINANCE, BINANCE_DEPTH, BYBIT, BYBIT_DEPTH, COINBASE, KRAKEN, OKX, OKX_DEPTH, BITFINEX)
CASES = {case.name: case for case in EVERY}
