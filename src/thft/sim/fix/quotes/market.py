"""Market data of a simulated venue: books, requests for them, and who is told; owned by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from thft.fix import tags
from thft.fix.wire import Message, pack
from thft.model.fixed import ABSENT, parse_price, parse_size
from thft.sim.fix.profile import Profile
from thft.sim.fix.quotes.book import Book, Entry, Top
from thft.sim.fix.quotes.words import QuoteWords

SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE = "0", "1", "2"
UNKNOWN_SYMBOL, DUPLICATE_ID, BAD_TYPE, BAD_DEPTH = "0", "1", "4", "5"


@dataclass
class Subscription:
    """What one MarketDataRequest asked for."""

    request_id: str
    symbols: tuple[str, ...]
    deep: bool
    begun: set[str] = field(default_factory=set)
    """Symbols whose first W went out."""


@dataclass(eq=False)
class Reader:
    """A connection that takes quotes: how it is told, and what it asked for; both end with it."""

    say: Callable[[str, bytes], None]
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


class Market:
    """All books and who listens."""

    def __init__(
        self, profile: Profile, next_id: Callable[[str], str], draw: Callable[[int, int], int]
    ) -> None:
        levels = profile.quirks.depth_levels
        self._profile = profile
        self._terms = profile.dialect.market_data
        self._words = QuoteWords(profile, next_id, draw)
        self.books = {one.name: Book(one, levels, next_id) for one in profile.listed}
        self.readers: list[Reader] = []
        self.subscribes: list[list[str]] = []
        """Symbols of every subscription that was taken."""

    def request(self, reader: Reader, message: Message) -> None:
        """Takes a MarketDataRequest: a subscription, its end, or one snapshot."""
        request_id = message.text(tags.MD_REQ_ID) or ""
        kind = message.text(tags.SUBSCRIPTION_REQUEST_TYPE)
        known, names = self._symbols(message)
        refusal = self._refusal(reader, message, known)
        if refusal is not None:
            reason, text = refusal
            fields = [(tags.MD_REQ_ID, request_id), (tags.MD_REQ_REJ_REASON, reason)]
            reader.say("Y", pack([*fields, (tags.TEXT, text)]))
            return
        if kind == UNSUBSCRIBE:
            reader.subscriptions.pop(request_id, None)
            return
        deep = message.integer(tags.MARKET_DEPTH) != self._terms.top_depth
        wanted = Subscription(request_id, names, deep)
        if kind == SUBSCRIBE:
            reader.subscriptions[request_id] = wanted
            self.subscribes.append(list(names))
        for name in names:
            book = self.books[name]
            if book.updates or self._terms.update_ids:
                self._snapshot(reader, wanted, book)

    def _symbols(self, message: Message) -> tuple[bool, tuple[str, ...]]:
        """Returns whether all symbols of a request are listed, and the names of those."""
        shape = self._profile.dialect.dictionary.group("V", tags.NO_RELATED_SYM)
        tag = self._profile.dialect.symbols.tag
        ids = [entry.text(tag) or "" for entry in message.groups(shape)]
        listed = self._profile.by_id
        names = tuple(listed[one].name for one in ids if one in listed)
        return len(names) == len(ids), names

    def _refusal(self, reader: Reader, message: Message, known: bool) -> tuple[str, str] | None:
        kind = message.text(tags.SUBSCRIPTION_REQUEST_TYPE)
        depth = message.integer(tags.MARKET_DEPTH)
        if kind not in (SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE):
            return BAD_TYPE, f"SubscriptionRequestType {kind} is not supported"
        if kind == UNSUBSCRIBE:
            return None
        if message.text(tags.MD_REQ_ID) in reader.subscriptions:
            return DUPLICATE_ID, "MDReqID is in use"
        if not known:
            return UNKNOWN_SYMBOL, "Unknown symbol"
        depths = {self._terms.top_depth, self._terms.full_depth}
        if depth not in depths and self._terms.full_depth <= 1:
            return BAD_DEPTH, f"MarketDepth {depth} is not supported"
        return None

    def tick(self, name: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int) -> Book:
        """Takes a new top of book as decimal texts, empty for a missing side; tells readers."""
        book = self.books[name]
        new, gone = book.move(
            Top(
                parse_price(bid) if bid else ABSENT,
                parse_size(bid_size) if bid else ABSENT,
                parse_price(ask) if ask else ABSENT,
                parse_size(ask_size) if ask else ABSENT,
                ts_ns,
            )
        )
        for reader in list(self.readers):
            for wanted in list(reader.subscriptions.values()):
                if name in wanted.symbols:
                    self._tell(reader, wanted, book, new, gone)
        return book

    def _tell(
        self, reader: Reader, wanted: Subscription, book: Book, new: list[Entry], gone: list[Entry]
    ) -> None:
        mode = self._terms.depth if wanted.deep else self._terms.top
        if mode == "W" or book.name not in wanted.begun:
            self._snapshot(reader, wanted, book)
            return
        body = self._words.increment(book, wanted.deep, wanted.request_id, new, gone)
        if body:
            reader.say("X", pack(body))

    def _snapshot(self, reader: Reader, wanted: Subscription, book: Book) -> None:
        wanted.begun.add(book.name)
        reader.say("W", pack(self._words.snapshot(book, wanted.deep, wanted.request_id)))
