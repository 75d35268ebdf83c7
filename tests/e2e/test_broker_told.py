"""What a broker says of an account, on the page in a real browser: money, leverage, server time.

The engine is a real kernel whose journal a real api serves.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from tests.api.served_engine import ServedEngine
from tests.engine import SLOW

from thft.model import event as ev
from thft.model.fixed import MONEY_ONE

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SAID = (
    ("balance", 10_000 * MONEY_ONE),
    ("equity", 9_950 * MONEY_ONE + MONEY_ONE // 2),
    ("margin", 0),
    ("margin_free", 9_950 * MONEY_ONE + MONEY_ONE // 2),
    ("leverage", 500),
    ("server_time_ms", 1_767_236_645_000),
    ("server_offset_ms", 7_200_000),
    ("server_uncertain_ms", 1_040),
    ("terminal_ping_us", 23_400),
)


def test_what_a_broker_says_stands_under_its_account(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH — apt-get install chromium")
    expect.set_options(timeout=20_000)
    with ServedEngine(tmp_path) as served, sync_playwright() as playwright:
        engine = served.engine
        engine.process(ev.AccountDefined("live", "venue", "hedging", "USD", SLOW, 0, 0, 0, 1_000))
        engine.process(ev.AccountState("live", "READY", "orders clear, positions equal", 3))
        served.publish()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(served.origin)
        feeds = page.get_by_role("region", name="Feeds")
        expect(feeds.get_by_role("row", name="live account READY")).to_be_visible()
        told = feeds.get_by_label("what the broker of live says")
        expect(told).to_have_count(0)  # nothing was said yet
        engine.process(ev.MetricSnapshot(0, "broker", "live", SAID), after_ms=10)
        served.publish()
        for words in (
            "equity USD9 950.50",
            "balance10 000.00",
            "margin0.00",
            "free margin9 950.50",
            "leverage1 : 500",
            "server time03:04:05 UTC+02:00 ±1.0 s",
            "terminal to server23.4 ms",
            "said0.0 s ago",
        ):
            expect(told).to_contain_text(words)
        browser.close()
