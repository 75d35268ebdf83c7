"""Books against naive models; the compiled top of book against its twin."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thft.model import book as chosen
from thft.model._book_py import TopBook as Twin
from thft.model.book import DepthBook
from thft.model.fixed import ABSENT

LEVELS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=8)
MESSAGES = st.lists(st.tuples(st.booleans(), LEVELS, LEVELS), max_size=20)
PRICE = st.one_of(st.just(ABSENT), st.integers(1, 5))
QUOTES = st.lists(
    st.tuples(PRICE, PRICE, st.sampled_from(("update", "bad", "good", "blank"))), max_size=30
)


@given(MESSAGES)
def test_depth_is_a_dictionary_of_levels(messages) -> None:  # type: ignore[no-untyped-def]
    book = DepthBook()
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for reset, bid_levels, ask_levels in messages:
        book.apply(reset, tuple(bid_levels), tuple(ask_levels))
        for levels, side in ((bid_levels, bids), (ask_levels, asks)):
            if reset:
                side.clear()
            for price, size in levels:
                side[price] = size
                if not size:
                    del side[price]
        assert book.bids() == sorted(bids.items(), reverse=True)
        assert book.asks() == sorted(asks.items())
        best_bid, best_ask = max(bids, default=ABSENT), min(asks, default=ABSENT)
        assert book.top() == (
            best_bid,
            bids.get(best_bid, ABSENT),
            best_ask,
            asks.get(best_ask, ABSENT),
        )


@given(QUOTES)
def test_the_top_of_book_is_its_twin(quotes) -> None:  # type: ignore[no-untyped-def]
    native, twin = chosen.TopBook(1, 2), Twin(1, 2)
    for seq, (bid, ask, what) in enumerate(quotes, 1):
        for book in (native, twin):
            if what == "update":
                book.update(bid, 5, ask, 6, 7, seq, seq)
            elif what == "blank":
                book.blank()
            else:
                book.mark_bad(what == "bad")
        assert native.record() == twin.record()
        assert native.tradable == twin.tradable
        assert twin.tradable == (
            not twin.bad and ABSENT not in (twin.bid, twin.ask) and twin.bid < twin.ask
        )
