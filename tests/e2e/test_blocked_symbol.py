"""A symbol that is blocked, on the page in a real browser: the reason, and two clicks to deal on.

The engine is a real kernel whose journal a real api serves; it takes what the page has asked for.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import expect, sync_playwright
from tests.api.served_engine import ServedEngine
from tests.engine import EURUSD, SLOW

from thft.base.frame import COMMANDS, LOG_TYPES
from thft.model import event as ev
from thft.model.command import CommandRecord
from thft.model.fixed import SIZE_ONE
from thft.model.symbology.terms import Terms
from thft.stream.reader import read_all

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REASON = "SPEC_CHANGED: contract_size 100000 → 10000"


def said(units: int) -> ev.SymbolSpecified:
    one = ev.SymbolSpecified(SLOW, EURUSD, "EURUSD.m", "", "affix", "told")
    return one.with_terms(Terms(contract_size=units * SIZE_ONE))


def asked(served: ServedEngine) -> CommandRecord:
    """Returns the command that the page has sent, as the api has logged it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for frame in read_all(served.data / "api"):
            if frame.stream == COMMANDS and frame.type < LOG_TYPES:
                return msgspec.msgpack.decode(frame.payload, type=CommandRecord)
        time.sleep(0.02)
    raise AssertionError("the page has sent no command")


def test_a_blocked_symbol_is_confirmed_with_two_clicks(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH — apt-get install chromium")
    expect.set_options(timeout=20_000)
    with ServedEngine(tmp_path) as served, sync_playwright() as playwright:
        served.engine.process(said(100_000))
        served.engine.process(said(10_000))
        served.publish()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(served.origin)
        row = page.get_by_role("region", name="Feeds").get_by_role("row", name=REASON)
        expect(row).to_contain_text("BLOCKED")
        row.get_by_role("button", name="Confirm", exact=True).click()
        row.get_by_role("button", name="Confirm — click again").click()
        record = asked(served)
        body = msgspec.json.decode(record.body)
        assert (record.kind, body) == (
            "symbol_confirm",
            {"feed": "slow", "symbol": "EURUSD", "expected_reason": REASON},
        )
        expect(row).to_be_visible()
        served.engine.process(
            ev.CommandReceived(1, record.command_id, record.kind, record.body, record.actor)
        )
        served.publish()
        expect(row).to_have_count(0)
        browser.close()
    assert served.engine.kernel.state.symbols[SLOW, EURUSD].blocked == ""
