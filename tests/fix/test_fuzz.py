"""Fuzz of the FIX parser: damaged streams, only typed errors, native and twin alike.

`THFT_FIX_FUZZ=10000000 THFT_LEDGER=1 pytest tests/fix/test_fuzz.py` is the long campaign.
"""

from __future__ import annotations

import os
import random

import pytest
from tests.fix.generated import Author, damaged
from tests.fix.pairs import compare_stream
from tests.ledger import note

from thft.fix.dictionary import fix44

EXECUTIONS = int(os.environ.get("THFT_FIX_FUZZ", "200000"))
SEEDS = int(os.environ.get("THFT_FIX_FUZZ_SEEDS", "8"))
CORPUS = 300


@pytest.mark.slow
@pytest.mark.timeout(0 if "THFT_FIX_FUZZ" in os.environ else 600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_damaged_streams(seed: int) -> None:
    print(f"seed {seed}")
    author = Author(fix44(), seed, share=0.03)
    choose = author.choose
    corpus = [author.message() for _ in range(CORPUS)]
    corpus += [author.message(kind) for kind in ("D", "8", "W", "X", "y") for _ in range(20)]
    corpus = [message for message in corpus if len(message) < 1_500]
    executions = EXECUTIONS // SEEDS
    read = 0
    for _ in range(executions):
        stream = damaged(choose.choice(corpus), choose)
        if choose.random() < 0.1:
            stream = choose.choice((b"", b"8=", b"noise", corpus[0])) + stream + corpus[1]
        if choose.random() < 0.01:
            stream = corpus[0] + stream.replace(b"\x019=", b"\x019=1000000", 1)
        read += len(compare_stream(stream, choose))
    assert read > executions // 4, "the fuzz no longer reaches the fields"
    note("fix_fuzz", seed=seed, executions=executions, messages=read)


@pytest.mark.slow
def test_the_fuzz_notices_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A twin that reads one field otherwise is caught within a few executions."""
    from thft.fix import _values_py

    real = _values_py.scaled
    monkeypatch.setattr(
        _values_py, "scaled", lambda text, digits, tag: real(text, digits, tag) + (len(text) == 3)
    )
    author = Author(fix44(), 1)
    with pytest.raises(AssertionError):
        for _ in range(2_000):
            compare_stream(author.message("8"), random.Random(author.choose.random()))
