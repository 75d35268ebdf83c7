"""A feed that no dialect knows, for the generic adapter: nested rows; run by `thft venue`.

`json_numbers` sends numbers instead of texts, with all their digits. A client that does not answer
the venue's ping is cut with the next one.
"""

from __future__ import annotations

import asyncio

import msgspec

from thft.sim.ws.server import VenueServer, VenueSession

Quote = tuple[str, str, str, str]


class GenericVenue(VenueServer):
    """Topics `q.SYMBOL` and `t.SYMBOL`; each message is numbered within its symbol."""

    name = "generic"

    def __init__(self, json_numbers: bool = True) -> None:
        super().__init__()
        self._mark = "" if json_numbers else '"'
        self._last: dict[str, Quote] = {}
        self._numbers: dict[str, int] = {}
        self._trade_id = 0
        self.beat_s = 15.0
        self._owed: dict[VenueSession, int] = {}
        """The number of the last ping, where it is not answered yet."""

    def connected(self, session: VenueSession) -> None:
        """Begins to ping a client."""
        session.task = asyncio.ensure_future(self._beat(session))

    async def _beat(self, session: VenueSession) -> None:
        number = 0
        while True:
            await asyncio.sleep(self.beat_s)
            if session.transport is None:
                break
            if session in self._owed:
                session.transport.disconnect(graceful=False)
                break
            number += 1
            self._owed[session] = number
            session.send(f'{{"op":"ping","id":{number}}}'.encode())
        self._owed.pop(session, None)

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers sub and ping."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"op":"error","why":"no JSON"}')
            return
        topics = request.get("topics")
        if request.get("op") == "ping":
            session.send(b'{"op":"pong"}')
        elif request.get("op") == "pong":
            if request.get("id") == self._owed.get(session):
                self._owed.pop(session, None)
        elif request.get("op") != "sub" or not isinstance(topics, list):
            session.send(b'{"op":"error","why":"unknown op"}')
        elif self.refused(False):
            session.send(b'{"op":"error","why":"too many requests"}')
        else:
            self._subscribe(session, [str(topic) for topic in topics])

    def _subscribe(self, session: VenueSession, topics: list[str]) -> None:
        keys = [(topic[0], topic[2:]) for topic in topics]
        session.channels.update(keys)
        if quoted := [symbol for kind, symbol in keys if kind == "q"]:
            self.note_subscription(session, quoted)
        for kind, symbol in keys:
            session.send(f'{{"op":"sub","ok":true,"topic":"{kind}.{symbol}"}}'.encode())
            if kind == "q" and symbol in self._last:
                session.send(self._quote(symbol, 0))

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Publishes a quote."""
        self._last[symbol] = (bid, bid_size, ask, ask_size)
        self._numbers[symbol] = self._numbers.get(symbol, 0) + 1 + self.wrong("sequence")
        self.publish(symbol, self._quote(symbol, ts_ns), "q")

    def trade(self, symbol: str, price: str, size: str, side: str, ts_ns: int) -> None:
        """Publishes a print; `side` is the aggressor's, buy or sell."""
        self._trade_id += 1
        row = (
            f'{{"p":{self._number(price)},"v":{self._number(size)},"side":"{side[0].upper()}",'
            f'"id":"x{self._trade_id}","ms":{ts_ns // 1_000_000}}}'
        )
        message = f'{{"kind":"trades","topic":"t.{symbol}","rows":[{row}]}}'
        self.publish(symbol, message.encode(), "t")

    def _quote(self, symbol: str, ts_ns: int) -> bytes:
        bid, bid_size, ask, ask_size = map(self._number, self._last[symbol])
        seconds = f"{ts_ns // 10**9}.{ts_ns % 10**9:09d}"
        return (
            f'{{"kind":"quotes","topic":"q.{symbol}","rows":[{{"at":{seconds},"n":{self._numbers[symbol]},'
            f'"top":[[{bid},{bid_size}],[{ask},{ask_size}]]}}]}}'
        ).encode()

    def _number(self, text: str) -> str:
        return f"{self._mark}{text}{self._mark}"
