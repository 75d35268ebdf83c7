"""The OKX v5 simulator: `bbo-tbt`, `books` with chain and checksum, `trades`; run by `thft venue`.

Quirks: an acknowledgement for each argument and one wrong one refuses all, numbers that skip, text
pings, a session that says nothing is cut, a limit on requests in an hour.
"""

from __future__ import annotations

import asyncio
from zlib import crc32

import msgspec

from thft.sim.ws.book import Change, Levels, SimBook, difference, shortest
from thft.sim.ws.server import VenueServer, VenueSession

CHANNELS = ("bbo-tbt", "books", "trades")
DEPTH = 400
CHECKSUM_LEVELS = 25
REQUEST_BYTES = 64 << 10
REQUESTS = 480
"""In one life of a connection, which is shorter than the venue's hour."""


class OkxVenue(VenueServer):
    """Numbers the books of each symbol; `reset_numbers` is what the venue's maintenance does."""

    name = "okx"

    def __init__(self, idle_s: float = 30.0) -> None:
        """`idle_s`: a connection on which the venue says nothing for so long is cut."""
        super().__init__()
        self._idle_s = idle_s
        self._books: dict[str, SimBook] = {}
        self._seq: dict[str, int] = {}
        self._trade_id = 0
        self._requests: dict[VenueSession, int] = {}
        self.checksums = True
        """Without them the checksum is 0, as the venue has it since June 2026."""

    # ---- what clients say ----------------------------------------------------------------------

    def connected(self, session: VenueSession) -> None:
        """Begins to watch for silence."""
        self._requests[session] = 0
        session.task = asyncio.ensure_future(self._idle(session))

    async def _idle(self, session: VenueSession) -> None:
        said = -1
        while session.transport is not None and session.messages_out != said:
            said = session.messages_out
            await asyncio.sleep(self._idle_s)
        if session.transport is not None:
            session.transport.disconnect()
        del self._requests[session]

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers ping, subscribe and unsubscribe."""
        if payload == b"ping":
            session.send(b"pong")
            return
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(_error("60012", "Invalid request"))
            return
        op, args = request.get("op"), request.get("args")
        if op not in ("subscribe", "unsubscribe") or not isinstance(args, list):
            session.send(_error("60012", "Invalid request"))
            return
        self._requests[session] += 1
        if self.refused(self._requests[session] > REQUESTS):
            session.send(_error("60014", "Requests too frequent"))
        elif len(payload) > REQUEST_BYTES:
            session.send(_error("60013", "Request is longer than 65536 bytes"))
        else:
            self._subscription(session, op, [(one["channel"], one["instId"]) for one in args])

    def _subscription(self, session: VenueSession, op: str, args: list[tuple[str, str]]) -> None:
        for channel, symbol in args:
            if channel not in CHANNELS or symbol in self.absent:
                wrong = f"Wrong URL or channel:{channel},instId:{symbol} doesn't exist. Please use"
                session.send(_error("60018", f"{wrong} the correct URL, channel and parameters"))
                return
        for channel, symbol in args:
            arg = f'{{"channel":"{channel}","instId":"{symbol}"}}'
            session.send(f'{{"event":"{op}","arg":{arg},"connId":"a4d3ae55"}}'.encode())
        if op == "unsubscribe":
            session.channels.difference_update(args)
            return
        self.note_subscription(session, list(dict.fromkeys(symbol for _, symbol in args)))
        session.channels.update(args)
        for channel, symbol in args:
            if channel == "books" or (channel == "bbo-tbt" and self.book(symbol).bids):
                session.send(self._whole(channel, symbol, 0))

    # ---- the market ----------------------------------------------------------------------------

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Makes these the only levels of the book."""
        change = self.book(symbol).only(bid, bid_size, ask, ask_size)
        self._changed(symbol, change, ts_ns)

    def change(self, symbol: str, change: Change, ts_ns: int = 0) -> None:
        """Publishes a change of the book, as far as it shows."""
        book = self.book(symbol)
        before = book.best(DEPTH)
        book.apply(change)
        self._changed(symbol, difference(before, book.best(DEPTH)), ts_ns)

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print; `side` is the aggressor's, buy or sell."""
        self._trade_id += 1
        body = (
            f'[{{"instId":"{symbol}","tradeId":"{self._trade_id}","px":"{price}","sz":"{size}",'
            f'"side":"{side}","ts":"{ts_ns // 1_000_000}"}}]'
        )
        self.publish(symbol, _data("trades", symbol, "", body), "trades")

    def book(self, symbol: str) -> SimBook:
        """Returns the true book."""
        self._seq.setdefault(symbol, 1_000)
        return self._books.setdefault(symbol, SimBook())

    def reset_numbers(self, symbol: str) -> None:
        """Sends the message whose number is below the one before, as after maintenance."""
        before, self._seq[symbol] = self._seq[symbol], 3
        message = self._book_message(symbol, "update", Change([], []), before, 0)
        self.publish(symbol, message, "books")

    def keep_alive(self, symbol: str) -> None:
        """Sends the message that changes nothing, not even the number."""
        message = self._book_message(symbol, "update", Change([], []), self._seq[symbol], 0)
        self.publish(symbol, message, "books")

    def announce_restart(self) -> None:
        """Says that the connection will be closed for an upgrade."""
        self.send_raw(
            b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a '
            b'service upgrade. Please reconnect.","connId":"a4d3ae55"}'
        )

    def _changed(self, symbol: str, change: Change, ts_ns: int) -> None:
        before = self._seq[symbol]
        self._seq[symbol] += 1 + before % 3
        message = self._book_message(symbol, "update", change, before, ts_ns)
        self.publish(symbol, message, "books")
        self.publish(symbol, self._whole("bbo-tbt", symbol, ts_ns), "bbo-tbt")

    def _whole(self, channel: str, symbol: str, ts_ns: int) -> bytes:
        if channel == "books":
            return self._book_message(symbol, "snapshot", self.book(symbol).best(DEPTH), -1, ts_ns)
        bids, asks = self.book(symbol).best(1)
        body = (
            f'[{{"asks":[{_levels(asks)}],"bids":[{_levels(bids)}],'
            f'"ts":"{ts_ns // 1_000_000}","seqId":{self._seq[symbol]}}}]'
        )
        return _data(channel, symbol, "", body)

    def _book_message(
        self, symbol: str, action: str, change: Change, before: int, ts_ns: int
    ) -> bytes:
        proof = book_checksum(self._books[symbol]) if self.checksums else 0
        checksum = proof ^ self.wrong("checksum")
        body = (
            f'[{{"asks":[{_levels(change.asks)}],"bids":[{_levels(change.bids)}],'
            f'"ts":"{ts_ns // 1_000_000}","checksum":{checksum},'
            f'"prevSeqId":{before - self.wrong("sequence")},"seqId":{self._seq[symbol]}}}]'
        )
        return _data("books", symbol, f'"action":"{action}",', body)


def book_checksum(book: SimBook) -> int:
    """Returns the signed CRC-32 of the first 25 levels, bid and ask in turns."""
    bids, asks = book.best(CHECKSUM_LEVELS)
    texts: list[str] = []
    for place in range(CHECKSUM_LEVELS):
        for side in (bids, asks):
            if place < len(side):
                texts += map(shortest, side[place])
    value = crc32(":".join(texts).encode())
    return value - (1 << 32) if value >= 1 << 31 else value


def _levels(levels: Levels) -> str:
    return ",".join(
        f'["{shortest(price)}","{shortest(size)}","0","{1 if size else 0}"]'
        for price, size in levels
    )


def _data(channel: str, symbol: str, action: str, body: str) -> bytes:
    arg = f'{{"channel":"{channel}","instId":"{symbol}"}}'
    return f'{{"arg":{arg},{action}"data":{body}}}'.encode()


def _error(code: str, text: str) -> bytes:
    return f'{{"event":"error","code":"{code}","msg":"{text}","connId":"a4d3ae55"}}'.encode()
