"""Quotes of one venue: wanted symbols, subscriptions after every logon, W and X; by `client`.

What is wanted lives here and not in a connection, so every logon restores exactly it. A book that
does not hold together is dropped, subscribed again and not tradable meanwhile. A session that lives
while no quote of any symbol comes is STALE: heartbeats do not price anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from thft.fix import tags
from thft.fix.wire import BadGroup, Message, pack
from thft.gateway.dialect import Dialect
from thft.gateway.fix.books import BookFault, DepthOfBook, Row, TopOfBook
from thft.gateway.fix.channel import Channel
from thft.gateway.fix.settings import FixSettings
from thft.gateway.fix.symbols import SymbolMap
from thft.gateway.fix_link import now
from thft.gateway.limiter import Lane
from thft.gateway.port import EngineInbox
from thft.model.fixed import ABSENT, SIZE_ONE

SUBSCRIBE, UNSUBSCRIBE = "1", "2"
SECOND_NS = 1_000_000_000


@dataclass
class _Subscription:
    """One symbol's: its book, and how it stands with the venue."""

    name: str
    instrument: int
    request: str = ""
    top: TopOfBook = field(default_factory=TopOfBook)
    depth: DepthOfBook | None = None
    live: bool = False
    refused: str = ""


class QuoteDesk:
    """See the module; calls the inbox for one feed."""

    def __init__(
        self,
        inbox: EngineInbox,
        feed: int,
        dialect: Dialect,
        settings: FixSettings,
        symbols: SymbolMap,
    ) -> None:
        self._inbox = inbox
        self._feed = feed
        self._dialect = dialect
        self._terms = dialect.market_data
        self._symbols = symbols
        self._deep = settings.depth
        self._stale_ns = int(settings.stale_s * SECOND_NS)
        self._heard_ns = 0
        """When the last W or X came."""
        self._silent = False
        self._timer: asyncio.TimerHandle | None = None
        self.channel: Channel | None = None
        self.ready = False
        self._state = ("", "")
        self._stamps = "user"
        """Who has stamped what was published last; a new engine begins with `user`."""
        self._requests = 0
        self._on = False
        self._by_instrument = {
            instrument: _Subscription(name, instrument)
            for name, instrument in symbols.names.items()
        }
        self._by_request: dict[str, _Subscription] = {}
        spec = dialect.dictionary.group
        self._shapes = {kind: spec(kind, tags.NO_MD_ENTRIES) for kind in ("W", "X")}
        symbols.listeners.append(self._listed)

    # ---- the session ---------------------------------------------------------------------------

    def attempt(self, link: str) -> None:
        """See Desk; counted for the venue's feed."""
        self._inbox.connect_attempt(self._feed, link)

    def logged_on(self, heartbeat_s: int) -> None:
        """Subscribes everything wanted, once its ids are known."""
        self._on = True
        self._listen(self._stale_ns)
        self.state("SYNCING", "logged on, waiting for the venue's symbol list")
        if self._symbols.known:
            self._subscribe_all()

    def ended(self, reason: str) -> None:
        """Subscriptions ended with the session; what is wanted stays."""
        self._on = self.ready = self._silent = False
        self._by_request.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _listen(self, wait_ns: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_ns / SECOND_NS, self._look)

    def _look(self) -> None:
        """STALE after too long without a quote; the next one ends it."""
        left_ns = self._heard_ns + self._stale_ns - self._inbox.now_ns()
        if left_ns <= 0 and self._state[0] in ("READY", "DEGRADED"):
            self._silent, self.ready = True, False
            said = f"no quote for {self._stale_ns / SECOND_NS:g} s, though the session lives"
            self.state("STALE", said)
            assert self.channel is not None
            self.channel.end_turn()
        self._listen(left_ns if left_ns > 0 else self._stale_ns)

    def state(self, state: str, reason: str) -> None:
        """Publishes a change of state or of its reason."""
        if (state, reason) != self._state:
            self._state = state, reason
            self._inbox.feed_state(self._feed, state, reason)

    def fault(self, fault: str, detail: str) -> None:
        """Publishes a fault of the whole feed."""
        self._inbox.feed_fault(self._feed, 0, fault, detail)

    def round_trip(self, ns: int) -> None:
        """Publishes a measured round trip."""
        assert self.channel is not None
        self._inbox.metric("fix", f"{self._feed}/{self.channel.name}", (("round_trip_ns", ns),))

    def turn_end(self) -> None:
        """See EngineInbox."""
        self._inbox.turn_end()

    # ---- subscriptions -------------------------------------------------------------------------

    def _listed(self) -> None:
        if self._on:
            self._subscribe_all()

    def _subscribe_all(self) -> None:
        """Subscribes what is not subscribed on this connection yet."""
        for one in self._by_instrument.values():
            if one.request in self._by_request:
                continue
            one.live = False
            one.refused = self._symbols.missing.get(one.name, "")
            if one.refused:
                self._inbox.feed_fault(self._feed, one.instrument, "refused", one.refused)
            else:
                self._subscribe(one)
        self._judge()

    def _subscribe(self, one: _Subscription) -> None:
        self._requests += 1
        one.request = f"md{self._requests}"
        one.top = TopOfBook()
        one.depth = DepthOfBook(self._terms.entry_key == "id") if self._deep else None
        self._by_request[one.request] = one
        self._request(one, SUBSCRIBE)

    def _request(self, one: _Subscription, kind: str) -> None:
        terms = self._terms
        fields: list[tuple[int, object]] = [
            (tags.MD_REQ_ID, one.request),
            (tags.SUBSCRIPTION_REQUEST_TYPE, kind),
            (tags.MARKET_DEPTH, terms.full_depth if self._deep else terms.top_depth),
            (tags.NO_MD_ENTRY_TYPES, [[(tags.MD_ENTRY_TYPE, entry)] for entry in terms.entries]),
            (tags.NO_RELATED_SYM, [self._symbols.fields(one.instrument)]),
        ]
        update_type = terms.update_type.get("depth" if self._deep else "top")
        if update_type is not None:
            fields.append((tags.MD_UPDATE_TYPE, update_type))
        assert self.channel is not None
        self.channel.send(Lane.DATA, "V", pack(fields), one.request)

    def unsubscribe_all(self) -> None:
        """Ends every subscription; the next logon subscribes again."""
        for one in self._by_request.values():
            self._request(one, UNSUBSCRIBE)
        self._by_request.clear()

    def _again(self, one: _Subscription, fault: str, detail: str) -> None:
        """Drops a book and asks for it anew."""
        self._inbox.feed_fault(self._feed, one.instrument, fault, detail[:200])
        self._by_request.pop(one.request, None)
        self._request(one, UNSUBSCRIBE)
        self._subscribe(one)

    def _judge(self) -> None:
        """READY once every subscription that was taken has data; DEGRADED names the others."""
        waiting = [one for one in self._by_instrument.values() if not one.live and not one.refused]
        refused = [one for one in self._by_instrument.values() if one.refused]
        live = len(self._by_instrument) - len(waiting) - len(refused)
        self.ready = not waiting and live > 0 and not self._silent
        if self._silent:
            return
        if waiting:
            self.state("SYNCING", "a subscription waits for its data")
        elif refused:
            said = "; ".join(one.refused for one in refused)
            self.state("DEGRADED", said[:300])
        else:
            self.state("READY", "all subscriptions have data")

    # ---- messages ------------------------------------------------------------------------------

    def message(self, message: Message) -> None:
        """Takes W, X and what refuses a request."""
        if message.type == "W":
            self._snapshot(message)
        elif message.type == "X":
            self._increment(message)
        elif message.type == "Y":
            self.rejected(message.text(tags.MD_REQ_ID) or "", message.text(tags.TEXT) or "refused")
        elif message.type == "j":
            ref = message.text(tags.BUSINESS_REJECT_REF_ID) or ""
            self.rejected(ref, message.text(tags.TEXT) or "refused")
        else:
            self.fault("unknown_message", f"type {message.type}")

    def rejected(self, ref: str, text: str) -> None:
        """A subscription was refused."""
        one = self._by_request.get(ref)
        if one is None:
            self.fault("refused", text)
            return
        one.refused = f"{one.name}: {text}"
        self._inbox.feed_fault(self._feed, one.instrument, "refused", text)
        self._judge()

    def _wanted(self, symbol: bytes | None, request: bytes | None) -> _Subscription | None:
        """Returns whose message it is: by its symbol, or by the request it answers."""
        instrument = self._symbols.instruments.get(symbol or b"")
        if instrument is not None:
            one = self._by_instrument[instrument]
        else:
            found = self._by_request.get((request or b"").decode(errors="replace"))
            if found is None:
                return None
            one = found
        return one if one.request in self._by_request else None

    def _snapshot(self, message: Message) -> None:
        one = self._wanted(message.get(self._dialect.symbols.tag), message.get(tags.MD_REQ_ID))
        if one is None:
            self.fault("unknown_symbol", (message.text(self._dialect.symbols.tag) or "?")[:40])
            return
        try:
            rows = self._rows(message)
        except BadGroup as error:
            self._again(one, "malformed", str(error))
            return
        self._publish(one, rows.get(None, []), message, whole=True)

    def _increment(self, message: Message) -> None:
        request = message.get(tags.MD_REQ_ID)
        for symbol, rows in self._rows(message).items():
            one = self._wanted(symbol, request)
            if one is None:
                self.fault("unknown_symbol", (symbol or b"?").decode(errors="replace")[:40])
            else:
                self._publish(one, rows, message, whole=False)

    def _rows(self, message: Message) -> dict[bytes | None, list[Row]]:
        """Returns the entries of a message by symbol, all under None in a W."""
        rows: dict[bytes | None, list[Row]] = {}
        symbol_tag = self._dialect.symbols.tag
        symbol: bytes | None = None
        for entry in message.groups(self._shapes[message.type]):
            if message.type == "X":
                symbol = entry.get(symbol_tag) or symbol
            rows.setdefault(symbol, []).append(
                Row(
                    entry.get(tags.MD_UPDATE_ACTION) or b"0",
                    entry.get(tags.MD_ENTRY_TYPE) or b"",
                    entry.get(tags.MD_ENTRY_ID) or b"",
                    entry.price(tags.MD_ENTRY_PX),
                    entry.size(tags.MD_ENTRY_SIZE) if self._has_sizes else ABSENT,
                )
            )
        return rows

    @property
    def _has_sizes(self) -> bool:
        return self._terms.depth_sizes if self._deep else self._terms.top_sizes

    def _received_ns(self) -> int:
        """Returns the engine's time at which the message in hand came; tells who stamps it."""
        assert self.channel is not None
        arrival = self.channel.arrival
        stamps = "kernel" if arrival.kernel else "user"
        if stamps != self._stamps:
            self._stamps = stamps
            self._inbox.feed_stamps(self._feed, stamps)
        age_ns = now().monotonic_ns - arrival.monotonic_ns
        return self._inbox.now_ns() - age_ns

    def _publish(self, one: _Subscription, rows: list[Row], message: Message, whole: bool) -> None:
        self._heard_ns = recv_ns = self._received_ns()
        if self._silent:
            self._silent = False
            self._judge()  # before the quote: it is the first one of a feed that is good again
        if self._symbols.contract(one.instrument) != SIZE_ONE:
            rows = [
                row._replace(size=self._symbols.units(one.instrument, row.size)) for row in rows
            ]
        venue_ns, seq = message.timestamp_ns(tags.SENDING_TIME), message.seq
        if one.depth is None:
            top = one.top.take(rows)
            self._inbox.quote(self._feed, one.instrument, *top, venue_ns, seq, recv_ns)
        else:
            try:
                if self._terms.update_ids and not self._in_turn(one.depth, message, whole):
                    return
                batch = one.depth.snapshot(rows) if whole else one.depth.change(rows)
            except BookFault as error:
                fault = "crossed_book" if str(error).startswith("crossed") else "gap"
                self._again(one, fault, str(error))
                return
            self._inbox.depth(self._feed, one.instrument, *batch, venue_ns, seq, recv_ns)
        if not one.live:
            one.live = True
            self._judge()

    def _in_turn(self, book: DepthOfBook, message: Message, whole: bool) -> bool:
        """Returns whether a message is new to a book; an X with such ids is of one symbol."""
        first, last = self._terms.update_ids
        if whole:
            book.begins_at(message.integer(last))
            return True
        entry = message.groups(self._shapes["X"])[0]
        return book.follows(entry.integer(first), entry.integer(last))
