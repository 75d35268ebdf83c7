"""Messages recorded at venues: every one framed, read and written again to the byte."""

from __future__ import annotations

import gzip
from collections import Counter
from decimal import Decimal

import pytest
from tests.shared_files import needs, shared_file
from tests.unit.fix.frames import fed, shown

from thft.fix.wire import ABSENT, BadValue, Header, Layout, Message

CTRADER = "fix/ctrader_fix44_messages.fix"
ORDERS_41 = "fix/fix41_order_session.fix"
ORDERS_FIXT = "fix/fixt11_order_entry_session.fix"
INDEX_FIXT = "fix/fixt11_index_incremental.fix.gz"


def messages(stream: bytes, step: int = 1 << 16) -> list[Message]:
    units = [unit for unit in fed(stream, step) if isinstance(unit, Message)]
    assert len(units) == len(fed(stream))
    return units


@needs(CTRADER, ORDERS_41, ORDERS_FIXT)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_sessions_are_framed_in_any_pieces(step: int) -> None:
    for name, count in ((CTRADER, 22), (ORDERS_41, 16), (ORDERS_FIXT, 65)):
        stream = shared_file(name).read_bytes()
        units = fed(stream, step)
        assert len(units) == count
        assert b"".join(unit.raw for unit in units) == stream.rstrip(b"\n")
        assert shown(units) == shown(fed(stream))


@needs(ORDERS_41, ORDERS_FIXT)
@pytest.mark.parametrize(
    ("name", "begin", "digits"), [(ORDERS_41, "FIX.4.1", 0), (ORDERS_FIXT, "FIXT.1.1", 3)]
)
def test_what_was_sent_is_written_again_to_the_byte(name: str, begin: str, digits: int) -> None:
    for unit in messages(shared_file(name).read_bytes()):
        header = Header(begin, [(49, unit.get(49) or b""), (56, unit.get(56) or b"")], digits)
        again = header.encode(unit.type, unit.seq, unit.timestamp_ns(52), header.body(unit))
        assert again == unit.raw


@needs(ORDERS_FIXT)
def test_the_order_session_runs_through_without_a_gap() -> None:
    units = messages(shared_file(ORDERS_FIXT).read_bytes())
    assert [unit.seq for unit in units] == list(range(1, 66))
    assert Counter(unit.type for unit in units) == {
        "A": 16,
        "5": 14,
        "D": 15,
        "0": 18,
        "1": 1,
        "2": 1,
    }


@needs(INDEX_FIXT)
def test_an_index_feed_is_read_exactly() -> None:
    """Prices finer than 1e-9 are refused by name, all others are the decimals that were sent."""
    stream = gzip.decompress(shared_file(INDEX_FIXT).read_bytes())
    entry = [(279, "char"), (55, "text"), (269, "char"), (270, "price"), (451, "price")]
    layout = Layout([(1181, "int"), (268, entry)])
    texts = Layout([(268, [(270, "text")])])
    entries, symbols, too_fine = 0, set(), 0
    for unit in messages(stream):
        if unit.type != "X":
            continue
        try:
            _, found = layout.extract(unit)
        except BadValue as error:
            assert error.tag in (270, 451) and "finer than 1e-9" in error.cause
            too_fine += 1
            found = ()
        sent = texts.extract(unit)[0]
        entries += len(sent)
        for one, (text,) in zip(found, sent, strict=False):
            symbols.add(one[1])
            assert one[3] == (ABSENT if text is None else Decimal(text).scaleb(9))
    assert (entries, len(symbols)) == (14_375, 80)
    assert 0 < too_fine < 4_000


@needs(CTRADER)
def test_a_symbol_list_of_a_venue() -> None:
    units = messages(shared_file(CTRADER).read_bytes())
    layout = Layout(
        [(320, "text"), (560, "int"), (146, [(55, "text"), (1007, "text"), (1008, "int")])]
    )
    (found,) = [layout.extract(unit) for unit in units if unit.type == "y"]
    assert found[:2] == ("cTrBh", 0) and len(found[2]) == 107
    assert found[2][0] == ("1", "EURUSD", 5)
    assert ("103", "US SPX 500 (Mini)", 1) in found[2]
