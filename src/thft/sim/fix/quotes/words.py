"""What a simulated venue says about prices, as bodies of W and X; called by the market."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thft.fix import tags
from thft.fix.wire import ABSENT, format_price, format_size, format_timestamp
from thft.sim.fix.profile import Body, Profile
from thft.sim.fix.quotes.book import Book, Entry

HIGH, LOW = "7", "8"
NEW, CHANGE, DELETE = "0", "1", "2"


class QuoteWords:
    """What one venue says about prices."""

    def __init__(
        self, profile: Profile, next_id: Callable[[str], str], draw: Callable[[int, int], int]
    ) -> None:
        self._profile = profile
        self._terms = profile.dialect.market_data
        self._next_id = next_id
        self._draw = draw

    def snapshot(self, book: Book, deep: bool, request_id: str) -> Body:
        """Returns a MarketDataSnapshotFullRefresh(W)."""
        body = list(self._profile.symbol_fields(book.name))
        if self._terms.echoes_request_id:
            body.append((tags.MD_REQ_ID, request_id))
        if self._terms.update_ids:
            body.append((self._terms.update_ids[1], book.updates))
        rows = self._depth(book) if deep else self._best(book)
        if self._terms.time == "entry" and rows:
            rows[0] += self._time(book.top.ts_ns)
        body.append((tags.NO_MD_ENTRIES, rows))
        return body

    def increment(
        self, book: Book, deep: bool, request_id: str, new: list[Entry], gone: list[Entry]
    ) -> Body:
        """Returns a MarketDataIncrementalRefresh(X), without entries when nothing is new."""
        if not deep:
            rows = self._replaced(book)
        elif self._terms.entry_key == "id":
            rows = self._by_id(book, new, gone)
        else:
            rows = self._by_price(book, new, gone)
        if self._terms.update_ids:
            rows = [self._carried(row, book, first=not at) for at, row in enumerate(rows)]
        body: Body = [(tags.NO_MD_ENTRIES, rows)] if rows else []
        if self._terms.echoes_request_id and rows:
            body.append((tags.MD_REQ_ID, request_id))
        return body

    # ---- rows of W -----------------------------------------------------------------------------

    def _best(self, book: Book) -> list[Body]:
        high_and_low = HIGH in self._terms.entries
        rows: list[Body] = []
        for kind, price, size in book.top.sides():
            row: Body = [(tags.MD_ENTRY_TYPE, kind), (tags.MD_ENTRY_PX, format_price(price))]
            if self._terms.top_sizes or high_and_low:
                shown = format_size(size) if self._terms.top_sizes else b"0"
                row.append((tags.MD_ENTRY_SIZE, shown))
            rows.append(row)
        if high_and_low and book.high != ABSENT:
            for kind, price in ((HIGH, book.high), (LOW, book.low)):
                rows.append([(tags.MD_ENTRY_TYPE, kind), (tags.MD_ENTRY_PX, format_price(price))])
        return rows

    def _depth(self, book: Book) -> list[Body]:
        rows: list[Body] = []
        for one in book.entries.values():
            row: Body = [
                (tags.MD_ENTRY_TYPE, one.kind),
                (tags.MD_ENTRY_PX, format_price(one.price)),
                (tags.MD_ENTRY_SIZE, format_size(one.size)),
            ]
            if self._terms.entry_key == "id":
                row.append((tags.MD_ENTRY_ID, one.id))
            rows.append(row)
        return self._mixed(rows)

    def _time(self, ts_ns: int) -> Body:
        day, _, clock = format_timestamp(ts_ns).partition(b"-")
        times: Body = [(272, day), (273, clock)]
        if 299 in self._terms.carried_tags:
            times += [(276, "A"), (299, self._next_id("quote"))]
        return times

    # ---- rows of X -----------------------------------------------------------------------------

    def _replaced(self, book: Book) -> list[Body]:
        """Returns best prices that replace the ones before."""
        entries = [Entry("", *side) for side in book.top.sides()]
        return [self._row(CHANGE, one, book) for one in entries]

    def _by_id(self, book: Book, new: list[Entry], gone: list[Entry]) -> list[Body]:
        """Returns news and deletes; a delete says no more than its id."""
        symbol = self._profile.symbol_fields(book.name)
        deletes: list[Body] = [
            [(tags.MD_UPDATE_ACTION, DELETE), (tags.MD_ENTRY_ID, one.id), *symbol] for one in gone
        ]
        return self._mixed([*(self._row(NEW, one, book) for one in new), *deletes])

    def _by_price(self, book: Book, new: list[Entry], gone: list[Entry]) -> list[Body]:
        standing = {(one.kind, one.price) for one in new}
        before = {(one.kind, one.price) for one in gone}
        rows = [
            self._row(DELETE, one, book) for one in gone if (one.kind, one.price) not in standing
        ]
        for one in new:
            action = CHANGE if (one.kind, one.price) in before else NEW
            rows.append(self._row(action, one, book))
        return rows

    def _row(self, action: str, one: Entry, book: Book) -> Body:
        row: Body = [(tags.MD_UPDATE_ACTION, action), (tags.MD_ENTRY_TYPE, one.kind)]
        if self._terms.entry_key == "id":
            row.append((tags.MD_ENTRY_ID, one.id))
        row += self._profile.symbol_fields(book.name)
        row.append((tags.MD_ENTRY_PX, format_price(one.price)))
        if action != DELETE:
            row.append((tags.MD_ENTRY_SIZE, format_size(one.size)))
        return row

    def _carried(self, row: Body, book: Book, first: bool) -> Body:
        """Adds update ids, or leaves out what an entry takes from the one before it."""
        if first:
            return [*row, *((tag, book.updates) for tag in self._terms.update_ids)]
        return [field for field in row if field[0] not in self._terms.carried_tags]

    def _mixed(self, rows: list[Body]) -> list[Body]:
        """Returns rows in any order where the venue does not sort them."""
        if self._profile.quirks.unsorted:
            for at in range(len(rows) - 1, 0, -1):
                other: Any = self._draw(0, at)
                rows[at], rows[other] = rows[other], rows[at]
        return rows
