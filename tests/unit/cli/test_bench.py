"""What a bench says of the machine it ran on."""

from __future__ import annotations

import os

import pytest

from thft.cli.bench_figure import machine


def test_a_bench_on_a_loaded_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (2.01, 0.5, 0.5))
    assert "2 cores, load 2.01 0.50 0.50: LOADED" in machine()
    monkeypatch.setattr(os, "getloadavg", lambda: (2.0, 9.0, 9.0))
    assert machine().endswith("load 2.00 9.00 9.00")
