"""The Binance simulator: `bookTicker` streams with acknowledgements; run by `thft venue`."""

from __future__ import annotations

import msgspec

from thft.sim.ws.server import VenueServer, VenueSession

Quote = tuple[str, str, str, str]


class BinanceVenue(VenueServer):
    """Sends the last quote on subscription and every new one after it."""

    name = "binance"

    def __init__(self) -> None:
        super().__init__()
        self._update_id = 0
        self._last: dict[str, Quote] = {}

    def received(self, session: VenueSession, payload: bytes) -> None:
        """Answers SUBSCRIBE and UNSUBSCRIBE; anything else is an error as the venue words it."""
        try:
            request = msgspec.json.decode(payload, type=dict[str, object])
        except msgspec.DecodeError:
            session.send(b'{"error":{"code":3,"msg":"Invalid JSON"}}')
            return
        method, streams = request.get("method"), request.get("params")
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not isinstance(streams, list):
            session.send(b'{"error":{"code":0,"msg":"Unknown property"}}')
            return
        symbols = [str(stream).partition("@")[0].upper() for stream in streams]
        session.send(msgspec.json.encode({"result": None, "id": request.get("id")}))
        if method == "UNSUBSCRIBE":
            session.symbols.difference_update(symbols)
            return
        self.note_subscription(session, symbols)
        for symbol in symbols:
            if symbol in self._last:
                session.send(self._message(symbol))

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Publishes one bookTicker."""
        self._update_id += 1
        self._last[symbol] = (bid, bid_size, ask, ask_size)
        self.publish(symbol, self._message(symbol))

    def _message(self, symbol: str) -> bytes:
        bid, bid_size, ask, ask_size = self._last[symbol]
        return (
            f'{{"u":{self._update_id},"s":"{symbol}","b":"{bid}","B":"{bid_size}",'
            f'"a":"{ask}","A":"{ask_size}"}}'
        ).encode()
