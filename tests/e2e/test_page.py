"""The page in a real browser, over a real demo: what it shows, what its switches do."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.e2e.demo_process import DemoProcess

pytestmark = [pytest.mark.slow, pytest.mark.alone]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH — apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    with DemoProcess(tmp_path_factory.mktemp("demo") / "data", "--seed", "1") as running:
        running.until("/api/v1/health", lambda health: health["fills"] >= 2)
        yield running


@pytest.fixture
def page(browser: Browser, demo: DemoProcess) -> Iterator[Page]:
    """The dashboard, loaded; a console error or a failed request fails the test."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1200})
    opened.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    trouble: list[str] = []
    opened.on("console", lambda message: _note(trouble, message.type, message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.goto(f"http://127.0.0.1:{demo.port}/")
    yield opened
    opened.close()
    assert trouble == []


def _note(trouble: list[str], kind: str, text: str) -> None:
    if kind == "error":
        trouble.append(text)


def test_live_quotes_fills_and_profit_are_shown(page: Page) -> None:
    expect(page.get_by_text("DEMO", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Quotes").get_by_text("EURUSD")).to_be_visible()
    fills = page.get_by_role("region", name="Fills").locator("tbody tr")
    expect(fills.first).to_contain_text("USD")
    feeds = page.get_by_role("region", name="Feeds")
    expect(feeds.get_by_text("READY")).to_have_count(3)  # two feeds and the account
    expect(
        page.get_by_role("region", name="Delta fast − slow (pips)").locator("canvas")
    ).to_have_count(2)
    expect(page.get_by_text("GiB free")).to_be_visible()
    bid = page.get_by_role("region", name="Quotes").locator(".price").first
    before = bid.inner_text()
    expect(bid).not_to_have_text(before)


def test_a_strategy_is_stopped_changed_and_started_again(page: Page) -> None:
    switch = page.get_by_role("switch", name="arb-btcusd enabled")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.get_by_text("DISABLED — disabled by operator")).to_be_visible()
    line = page.get_by_role("listitem").filter(has=switch)
    line.get_by_role("button", name="parameters").click()
    field = line.get_by_label("diff to open points")
    field.fill("0")
    line.get_by_role("button", name="apply").click()
    assert field.evaluate("field => field.validity.rangeUnderflow")
    field.fill("250")
    line.get_by_role("button", name="apply").click()
    expect(line.get_by_text("revision 2, 0 changed")).to_be_visible()
    expect(line.get_by_label("diff to open points")).to_have_value("250")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")


def test_the_kill_switch_needs_two_clicks_and_holds_over_a_restart(
    page: Page, demo: DemoProcess
) -> None:
    button = page.get_by_role("button", name="Kill switch")
    button.click()
    page.get_by_role("button", name="STOP — click again").click()
    expect(
        page.locator(".kill-state").get_by_text("Kill switch ON: pressed on the dashboard")
    ).to_be_visible()
    os.kill(demo.get("/api/v1/health")["core"]["pid"], signal.SIGKILL)
    expect(page.get_by_text("core restarted (epoch 2)")).to_be_visible()
    expect(
        page.locator(".kill-state").get_by_text("Kill switch ON: pressed on the dashboard")
    ).to_be_visible()
    page.get_by_role("button", name="Release kill switch").click()
    page.get_by_role("button", name="Release — click again").click()
    expect(page.get_by_role("button", name="Kill switch")).to_be_visible()
    assert demo.get("/api/v1/state")["kill"]["on"] is False


def test_a_phone_shows_it_without_sideways_scrolling(browser: Browser, demo: DemoProcess) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.goto(f"http://127.0.0.1:{demo.port}/")
    expect(phone.get_by_role("region", name="Events")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.close()


def test_the_page_ships_what_it_needs(demo: DemoProcess) -> None:
    folder = Path(__file__).resolve().parents[2] / "web" / "dist"
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".html", ".css")]
    assert texts
    assert not any("http://" in text or "https://" in text for text in texts)
